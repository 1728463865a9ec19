"""A library as a whole: opening, videos, records, transactions, thumbnails, progress, cache."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from longtake.errors import (
    Corrupt,
    DiskFull,
    Locked,
    NewerSchema,
    NoSuchMoment,
    NoSuchVideo,
    NotFound,
    StoreError,
)
from longtake.storage import schema
from longtake.storage.database import connect
from longtake.storage.records import Progress, Thumb
from longtake.storage.store import Store
from longtake.timecode import Span
from tests.storage_world import add_video, dump, fingerprint, make, row, thumb, unit, writer

QUICK = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.longtake"


def test_a_library_that_is_not_there_says_how_to_make_one(path: Path) -> None:
    for write in (False, True):
        with pytest.raises(NotFound) as caught:
            Store.open(path, write=write)
        assert "ingest" in (caught.value.fix or "")
    assert not path.exists()


def test_create_makes_the_folder_and_opening_again_finds_what_was_put(path: Path) -> None:
    with writer(path) as store:
        video = add_video(store)
        store.put_records([make(video, 0.0, text="hello")])
    assert {"library.sqlite", "indexes", "thumbs", "kv"} <= {one.name for one in path.iterdir()}
    with Store.open(path) as store:
        assert store.videos() == [video]
        assert [one.text for one in store.records()] == ["hello"]


def test_create_without_write_leaves_the_library_free_for_a_writer(path: Path) -> None:
    with Store.open(path, create=True) as reader, Store.open(path, write=True):
        assert reader.videos() == []


def test_a_reader_cannot_write(path: Path) -> None:
    with Store.open(path, create=True) as reader, pytest.raises(StoreError, match="reading only"):
        add_video(reader)


@pytest.mark.parametrize("kind", ["file", "folder", "garbage", "other", "cut", "gone"])
def test_what_is_no_library_is_refused_with_a_way_out(path: Path, kind: str) -> None:
    if kind == "file":
        path.write_text("not a library")
    elif kind == "folder":
        path.mkdir()
        (path / "holiday.jpg").write_bytes(b"x")
    else:
        with writer(path) as store:
            video = add_video(store)
            store.put_records([make(video, i * 10.0, text="word " * 50) for i in range(300)])
            store.put_thumbs([thumb(1)])
        spoil(path / "library.sqlite", kind)
    for write in (False, True):
        with pytest.raises(Corrupt) as caught:
            Store.open(path, write=write, create=write)
        assert caught.value.fix
        if kind in ("garbage", "cut"):
            assert "longtake db check --repair" in caught.value.fix


def spoil(database: Path, kind: str) -> None:
    if kind == "garbage":
        database.write_bytes(os.urandom(8192))
    elif kind == "cut":
        os.truncate(database, database.stat().st_size // 2)
    else:
        database.unlink()
        if kind == "other":
            connection = sqlite3.connect(database)
            connection.execute("CREATE TABLE recipes (name TEXT)")
            connection.close()


def test_damage_in_the_middle_is_named_when_it_is_met(path: Path) -> None:
    with writer(path) as store:
        video = add_video(store)
        store.put_records([make(video, i * 10.0, text="word " * 50) for i in range(3000)])
    size = (path / "library.sqlite").stat().st_size
    with (path / "library.sqlite").open("r+b") as file:
        file.seek(size // 4)
        file.write(b"\xa5" * (size // 2))
    with Store.open(path) as store, pytest.raises(Corrupt, match="damaged") as caught:
        dump(store)
    assert "db check --repair" in (caught.value.fix or "")


def test_a_library_of_a_newer_version_is_left_alone(path: Path) -> None:
    with writer(path):
        pass
    with sqlite3.connect(path / "library.sqlite") as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    connection.close()
    for write in (False, True):
        with pytest.raises(NewerSchema, match=f"format {schema.VERSION + 1}"):
            Store.open(path, write=write)


def test_a_library_of_an_older_version_is_brought_up(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with writer(path) as store:
        add_video(store)

    def second(db: object) -> None:
        db.conn.execute("ALTER TABLE videos ADD COLUMN note TEXT")  # type: ignore[attr-defined]

    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, ("second", second)))
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
    with Store.open(path) as store:
        assert store.database.one("SELECT note FROM videos") == (None,)


def test_a_step_that_fails_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with writer(path):
        pass

    def broken(db: object) -> None:
        db.conn.execute("ALTER TABLE videos ADD COLUMN note TEXT")  # type: ignore[attr-defined]
        raise ValueError("half way")

    with monkeypatch.context() as patch:
        patch.setattr(schema, "STEPS", (*schema.STEPS, ("broken", broken)))
        patch.setattr(schema, "VERSION", schema.VERSION + 1)
        with pytest.raises(ValueError, match="half way"):
            Store.open(path, write=True)
    with Store.open(path, write=True) as store:
        assert "note" not in [one[1] for one in store.database.rows("PRAGMA table_info(videos)")]


def test_one_writer_and_the_message_says_who(path: Path) -> None:
    with writer(path), pytest.raises(Locked, match="this process"):
        Store.open(path, write=True)
    with Store.open(path, write=True):
        pass


def test_a_lock_file_left_behind_blocks_nobody(path: Path) -> None:
    with writer(path):
        pass
    (path / "writer.lock").write_text(json.dumps({"pid": 1, "host": "elsewhere"}))
    with Store.open(path, write=True) as store:
        assert store.writable
        assert json.loads((path / "writer.lock").read_text())["pid"] == os.getpid()


def test_videos_are_found_by_id_path_name_and_part(path: Path) -> None:
    with writer(path) as store:
        algebra = add_video(store, 1, "Algebra 01.mp4")
        other = add_video(store, 2, "algebra 02.mp4")
        assert store.resolve(algebra.id) == store.resolve("/videos/Algebra 01.mp4") == algebra
        assert store.resolve("ALGEBRA 01") == algebra
        assert store.resolve("02") == other
        assert store.resolve(other.id[:6]) == other
        with pytest.raises(NoSuchVideo, match="may mean 2 videos"):
            store.resolve("algebra")
        with pytest.raises(NoSuchVideo) as caught:
            store.resolve("algbera 01.mp4")
        assert "Algebra 01.mp4" in (caught.value.fix or "")
        for nothing in ("", "  ", "zzz"):
            with pytest.raises(NoSuchVideo):
                store.resolve(nothing)


def test_ordinals_are_never_used_again_and_adding_twice_is_adding_once(path: Path) -> None:
    with writer(path) as store:
        first, second = add_video(store, 1), add_video(store, 2)
        assert (first.ordinal, second.ordinal) == (1, 2)
        moved = store.add_video(fingerprint(2), "/new/b.mp4", "b.mp4", 5.0, {})
        assert (moved.id, moved.ordinal, moved.path) == (second.id, 2, "/new/b.mp4")
        store.remove_video(second.id)
        assert add_video(store, 3).ordinal == 3
        assert store.update_video(first.id, duration=7.0).duration == 7.0
        with pytest.raises(NoSuchVideo):
            store.update_video("vnone", duration=7.0)


def test_the_list_of_videos_follows_every_change_and_belongs_to_the_caller(path: Path) -> None:
    with writer(path) as store, Store.open(path) as reader:
        one = add_video(store, 1)
        assert store.videos() == reader.videos() == [one]
        reader.videos().clear()
        two = add_video(store, 2)
        assert store.videos() == reader.videos() == [one, two]
        store.remove_video(one.id)
        assert store.videos() == reader.videos() == [two]


def test_a_file_name_that_is_not_utf8_survives(path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.mp4")
    with writer(path) as store:
        video = add_video(store, name=name)
        assert store.video(video.id).name == name
        store.put_records([make(video, 0.0, text="half \ud83d of a pair", data={"a": "\ud83d"})])
        assert store.record(make(video, 0.0).id).text == "half ? of a pair"


def test_a_record_comes_back_as_it_went_in(path: Path) -> None:
    with writer(path) as store:
        video = add_video(store)
        record = make(
            video,
            0.1,
            1 / 3,
            known=1e-9 + 0.7,
            text='naïve "quoted" 🙂 \x00 text',
            parents=("a", "b"),
            data={"tags": [["red", 0.25]], "p": np.float32(0.5), "none": None},
        )
        store.put_records([record])
        found = store.record(record.id)
        assert found.span == record.span
        assert (found.known_at, found.text, found.parents) == (
            record.known_at,
            record.text,
            record.parents,
        )
        assert found.data == {"tags": [["red", 0.25]], "p": 0.5, "none": None}
        with pytest.raises(NoSuchMoment):
            store.record("no such")


def test_a_record_of_an_unknown_video_is_refused_and_nothing_is_kept(path: Path) -> None:
    with writer(path) as store:
        video = add_video(store)
        bad = make(video, 10.0)
        object.__setattr__(bad, "video", "vnone")
        with pytest.raises(NoSuchVideo):
            store.put_records([make(video, 0.0), bad])
        assert store.count() == 0


TIMES = st.floats(0, 200, allow_nan=False).map(lambda t: round(t, 3))
SPANS = st.tuples(TIMES, TIMES).map(lambda pair: Span(min(pair), max(pair)))


@QUICK
@given(spans=st.lists(st.tuples(SPANS, TIMES), max_size=12), window=SPANS, as_of=TIMES)
def test_reads_hold_what_overlaps_and_was_known(
    tmp_path_factory: pytest.TempPathFactory,
    spans: list[tuple[Span, float]],
    window: Span,
    as_of: float,
) -> None:
    with writer(tmp_path_factory.mktemp("s") / "a.longtake") as store:
        video = add_video(store)
        records = [
            make(video, span.start, span.end, known=known, n=n, text="same words")
            for n, (span, known) in enumerate(spans)
        ]
        store.put_records(records)
        store.put_vectors(row(one, v) for one, v in zip(records, unit(len(records)), strict=True))

        def inside(span: Span) -> bool:
            if window.duration and span.duration:
                return span.overlap(window) > 0
            if window.duration:
                return window.contains(span.start)
            return span.contains(window.start) or span == window

        def as_known(span: Span) -> Span:  # what lasted beyond the time had not ended yet
            return Span(span.start, max(span.start, min(span.end, as_of)))

        known = [one for one in records if one.known_at <= as_of]
        wanted = {one.id for one in known if inside(as_known(one.span))}
        found = store.records(video=video.id, span=window, as_of=as_of)
        assert {one.id for one in found} == wanted
        assert found == sorted(found, key=lambda one: (one.span.start, one.id))
        assert store.count(video=video.id, span=window, as_of=as_of) == len(wanted)
        words = store.search_words(["words"], k=99, video=video.id, span=window, as_of=as_of)
        assert {one.id for one, _ in words} == wanted
        nearest = store.search_vectors(
            "clip", "text", unit(1)[0], k=99, video=video.id, span=window, as_of=as_of
        )
        assert {name for name, _ in nearest} == wanted
        ids, _, matrix = store.vectors("clip", "text", video=video.id, span=window, as_of=as_of)
        assert set(ids) == wanted
        assert len(matrix) == len(wanted)


@QUICK
@given(order=st.permutations(range(8)), again=st.integers(1, 3))
def test_putting_again_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], again: int
) -> None:
    with writer(tmp_path_factory.mktemp("s") / "a.longtake") as store:
        video = add_video(store)
        records = [make(video, i // 3, n=i, text=f"text {i}") for i in range(8)]
        rows = [row(one, v) for one, v in zip(records, unit(8), strict=True)]
        store.put_records(records)
        store.put_vectors(rows)
        before = dump(store)
        for _ in range(again):
            store.put_records(records[i] for i in order)
            store.put_vectors(rows[i] for i in order)
        assert dump(store) == before


def test_replacing_changes_text_words_and_times_and_keeps_vectors(path: Path) -> None:
    with writer(path) as store:
        video = add_video(store)
        old = make(video, 0.0, text="apples")
        store.put_records([old])
        store.put_vectors([row(old, unit(1)[0])])
        assert len(store.search_vectors("clip", "text", unit(1)[0], k=1, as_of=10.0)) == 1
        store.put_records([make(video, 0.0, 20.0, text="pears")])
        assert store.search_words(["apples"], k=1) == []
        assert store.search_words(["pears"], k=1)[0][0].span == Span(0, 20)
        # Its vector is not known before the record is.
        assert store.search_vectors("clip", "text", unit(1)[0], k=1, as_of=10.0) == []
        assert len(store.search_vectors("clip", "text", unit(1)[0], k=1, span=Span(15, 16))) == 1


def test_records_filter_sort_and_limit(path: Path) -> None:
    with writer(path) as store:
        one, two = add_video(store, 1), add_video(store, 2)
        for video in (two, one):
            store.put_records(make(video, i * 10.0, channel="caption") for i in range(3))
            store.put_records([make(video, 0.0, 5.0, level="moment", channel="speech")])
        assert [r.video for r in store.records(level="moment")] == [one.id, two.id]
        assert store.count(level=["moment", "clip"], channel="speech") == 2
        assert store.count(video=[one.id, two.id]) == 8
        assert store.count(video=[]) == store.count(video="vnone") == 0
        newest = store.records(video=one.id, level="clip", limit=2, newest_first=True)
        assert [r.span.start for r in newest] == [20.0, 10.0]
        names = [r.id for r in store.records()]
        assert [r.id for r in store.records(ids=[*names[::-1], "none"])] == names


def test_deleting_takes_words_and_vectors_along(path: Path) -> None:
    with writer(path) as store:
        video = add_video(store)
        quick = [make(video, i * 10.0, text="quick words", maker="quick:m") for i in range(4)]
        deep = [make(video, i * 10.0, n=1, text="deep words") for i in range(4)]
        store.put_records(quick + deep)
        store.put_vectors(row(r, v) for r, v in zip(quick + deep, unit(8), strict=True))
        assert store.delete_records(video.id, maker_prefix="quick:", span=Span(10, 30)) == 2
        assert [r.span.start for r, _ in store.search_words(["quick"], k=9)] == [0.0, 30.0]
        assert len(store.vectors("clip", "text", video=video.id)[0]) == 6
        assert store.delete_records(video.id, level="scene") == 0
        assert store.document_frequency("deep") == (4, 6)


def test_a_transaction_that_fails_leaves_no_trace(path: Path) -> None:
    with writer(path) as store:
        video = add_video(store)
        before = dump(store)

        def chunk(fail: bool) -> None:
            record = make(video, 0.0, text="words", data={"thumb": thumb(1).name})
            store.put_records([record])
            store.put_thumbs([thumb(1)])
            store.put_vectors([row(record, unit(1)[0])])
            store.set_progress(video.id, "deep", Progress(60.0, False, b"x"))
            assert store.search_vectors("clip", "text", unit(1)[0], k=1)
            if fail:
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError), store.transaction():
            chunk(fail=True)
        assert dump(store) == before
        assert store.search_vectors("clip", "text", unit(1)[0], k=1) == []
        with store.transaction():
            chunk(fail=False)
        assert len(store.search_vectors("clip", "text", unit(1)[0], k=1)) == 1


def pictures(path: Path) -> set[str]:
    return {file.stem for file in (path / "thumbs").rglob("*.*")}


def test_pictures_of_what_is_undone_go_and_others_stay(path: Path) -> None:
    kept, outer, inner, refused = thumb(1), thumb(2), thumb(3), thumb(4)
    with writer(path) as store:
        video = add_video(store)
        store.put_thumbs([kept])
        store.put_records([make(video, 0.0, data={"thumb": kept.name})])

        def put(*more: Thumb) -> None:
            store.put_thumbs(more)
            raise ZeroDivisionError

        def both() -> None:
            with store.transaction():
                store.put_thumbs([kept, outer])
                with pytest.raises(ZeroDivisionError), store.transaction():
                    put(outer, inner)
                assert pictures(path) == {kept.name, outer.name}
                put(outer)

        with pytest.raises(ZeroDivisionError):
            both()
        assert pictures(path) == {kept.name}
        with pytest.raises(StoreError):
            store.put_thumbs([refused, Thumb("0" * 64, b"other")])
        assert pictures(path) == {kept.name}
        store.put_thumbs([outer])
        assert pictures(path) == {kept.name, outer.name}


def test_a_picture_goes_though_an_inner_transaction_failed(path: Path) -> None:
    with writer(path) as store:
        video = add_video(store)
        store.put_thumbs([thumb(1)])
        store.put_records([make(video, 0.0, data={"thumb": thumb(1).name})])
        with store.transaction():
            store.delete_records(video.id)
            with pytest.raises(ZeroDivisionError), store.transaction():
                raise ZeroDivisionError
        assert pictures(path) == set()


def test_a_nested_transaction_joins_and_undoes_only_itself(path: Path) -> None:
    with writer(path) as store, Store.open(path) as reader:
        video = add_video(store)
        with store.transaction():
            store.put_records([make(video, 0.0)])
            with pytest.raises(ZeroDivisionError), store.transaction():
                store.put_records(make(video, 10.0 / (1 - i)) for i in range(2))
            with store.transaction():
                store.put_records([make(video, 20.0)])
            assert reader.count() == 0
        assert [one.span.start for one in reader.records()] == [0.0, 20.0]


def test_removing_a_video_removes_what_only_it_uses(path: Path) -> None:
    with writer(path) as store:
        one, two = add_video(store, 1), add_video(store, 2)
        shared, own = thumb(1), thumb(2)
        store.put_records([make(two, 0.0, text="words", data={"thumb": shared.name})])
        store.put_thumbs([shared])
        keep = dump(store)
        records = [
            make(one, i * 10.0, text="words", data={"thumb": t.name})
            for i, t in enumerate((shared, own))
        ]
        store.put_records(records)
        store.put_thumbs([shared, own])
        store.put_vectors(row(r, v) for r, v in zip(records, unit(2), strict=True))
        store.set_progress(one.id, "quick", Progress(1.0, True, b""))
        store.remove_video(one.id)
        assert dump(store) == keep
        assert store.thumb(shared.name) == shared.jpeg
        with pytest.raises(NotFound):
            store.thumb(own.name)
        assert [path.stem for path in (path / "thumbs").rglob("*.jpg")] == [shared.name]
        assert store.search_vectors("clip", "text", unit(1)[0], k=5) == []
        # An index without vectors takes another encoder's.
        store.put_vectors([row(store.records()[0], unit(1, dim=4)[0])])
        assert len(store.search_vectors("clip", "text", unit(1, dim=4)[0], k=5)) == 1


def test_thumbs_that_a_replaced_record_named_go_unless_named_again(path: Path) -> None:
    with writer(path) as store:
        video = add_video(store)
        store.put_thumbs([thumb(1), thumb(2)])
        store.put_records([make(video, 0.0, data={"thumb": thumb(1).name})])
        with store.transaction():
            store.delete_records(video.id)
            store.put_records([make(video, 0.0, data={"thumb": thumb(1).name})])
        assert store.thumb(thumb(1).name) == thumb(1).jpeg
        store.put_records([make(video, 0.0, data={"thumb": thumb(2).name})])
        with pytest.raises(NotFound):
            store.thumb(thumb(1).name)


@pytest.mark.parametrize("name", ["", "zz", "../../library", "A" * 64, "0" * 64])
def test_thumbs_are_named_by_their_bytes(path: Path, name: str) -> None:
    with writer(path) as store:
        with pytest.raises(NotFound):
            store.thumb(name)
        wrong = thumb(1)
        object.__setattr__(wrong, "name", name)
        with pytest.raises(StoreError, match="SHA-256"):
            store.put_thumbs([wrong])


def test_progress_and_cache(path: Path) -> None:
    with writer(path) as store, Store.open(path) as reader:
        video = add_video(store)
        assert store.progress(video.id, "deep") is None
        store.set_progress(video.id, "deep", Progress(60.0, False, b"\x00x"))
        store.set_progress(video.id, "deep", Progress(61.5, True, b""))
        assert reader.progress(video.id, "deep") == Progress(61.5, True, b"")
        assert reader.progress(video.id, "quick") is None
        assert reader.cache_get("a") is None
        reader.cache_put("a", b"1")
        store.cache_put("a", b"2")
        assert reader.cache_get("a") == b"2"


def test_a_damaged_cache_is_replaced(path: Path) -> None:
    with writer(path) as store:
        store.cache_put("a", b"1")
    (path / "cache.sqlite").write_bytes(b"garbage" * 1000)
    with Store.open(path) as store:
        assert store.cache_get("a") is None
        store.cache_put("a", b"2")
        assert store.cache_get("a") == b"2"


def test_a_full_disk_keeps_what_was_committed(path: Path) -> None:
    with writer(path) as store:
        video = add_video(store)
        store.put_records([make(video, 0.0, text="kept")])
        pages = store.database.one("PRAGMA page_count")
        assert pages
        store.database.connection.execute(f"PRAGMA max_page_count = {pages[0] + 4}")
        before = dump(store)
        with pytest.raises(DiskFull) as caught, store.transaction():
            store.put_records(make(video, i * 10.0, text="word " * 500) for i in range(1, 300))
        assert "free some space" in (caught.value.fix or "")
        assert dump(store) == before
        store.database.connection.execute("PRAGMA max_page_count = 100000")
        store.put_records([make(video, 10.0, text="goes on")])
        assert store.count() == 2


def test_a_full_disk_while_a_thumbnail_is_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, content: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with writer(path) as store:
        monkeypatch.setattr(Path, "write_bytes", full)
        with pytest.raises(DiskFull):
            store.put_thumbs([thumb(1)])
        assert dump(store)["thumbs"] == []


def test_a_closed_library_says_so(path: Path) -> None:
    with writer(path) as store:
        pass
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.videos()


def test_readers_cannot_change_the_file_by_any_way(path: Path) -> None:
    with writer(path):
        pass
    connection = connect(path / "library.sqlite", write=False)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("DELETE FROM videos")
    connection.close()
