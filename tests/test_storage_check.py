"""Check, repair and backup."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from longtake.errors import Locked, NotFound, StoreError
from longtake.storage import vectors
from longtake.storage.backup import backup
from longtake.storage.check import check, notes
from longtake.storage.records import Progress
from longtake.storage.store import Store
from longtake.storage.thumbs import thumb_path
from tests.storage_world import add_video, dump, make, row, thumb, unit, writer


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(vectors, "SAVE_ABOVE", 10)
    path = tmp_path / "a.longtake"
    with writer(path) as store:
        video = add_video(store, duration=500.0)
        clips = [
            make(video, i * 10.0, text=f"clip {i} " * 20, data={"thumb": thumb(i).name})
            for i in range(40)
        ]
        scene = make(
            video, 0.0, 400.0, level="scene", text="all", parents=tuple(c.id for c in clips)
        )
        store.put_records([*clips, scene])
        store.put_vectors(row(c, v) for c, v in zip(clips, unit(40), strict=True))
        store.put_thumbs(thumb(i) for i in range(40))
        store.set_progress(video.id, "deep", Progress(400.0, True, b""))
    return path


def sql(path: Path, *statements: str) -> None:
    with Store.open(path, write=True) as store:
        for statement in statements:
            store.database.run(statement)


def index_file(path: Path) -> Path:
    return path / "indexes" / "clip.caption.text.faiss"


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


MENDED: dict[str, tuple[str, Callable[[Path], object]]] = {
    "words lost": ("words", lambda p: sql(p, "DELETE FROM words WHERE rowid % 3 = 0")),
    "words of nothing": ("words", lambda p: sql(p, "INSERT INTO words(text) VALUES ('ghost')")),
    "words changed": ("words", lambda p: sql(p, "UPDATE words SET text = 'other'")),
    "vector of nothing": (
        "vectors",
        lambda p: sql(
            p, "INSERT INTO vectors SELECT 999, no, 5, 77, 0, 1, vector FROM vectors LIMIT 1"
        ),
    ),
    "vector of another size": (
        "vectors",
        lambda p: sql(p, "UPDATE vectors SET vector = x'00000000' WHERE slot = 3"),
    ),
    "index damaged": ("index", lambda p: flip(index_file(p))),
    "index stale": (
        "index",
        lambda p: sql(p, "UPDATE vectors SET vector = zeroblob(64) WHERE slot = 4"),
    ),
    "index of nothing": ("index", lambda p: (p / "indexes" / "x.faiss").write_bytes(b"x")),
}


@pytest.mark.parametrize("case", MENDED)
def test_what_is_derived_is_found_and_mended(path: Path, case: str) -> None:
    kind, spoil = MENDED[case]
    assert check(path) == []
    spoil(path)
    found = check(path)
    # The FAISS file of a vector that does not belong is wrong as well.
    assert {one.kind for one in found} - {"index"} == {kind} - {"index"}
    assert found
    assert not any(one.repaired for one in found)
    assert check(path) == found, "looking changes nothing"
    assert all(one.repaired for one in check(path, repair=True))
    assert check(path) == []
    with Store.open(path) as store:
        assert store.document_frequency("clip") == (40, 41)
        assert len(store.search_words(["clip"], k=99)) == 40
        assert len(store.search_vectors("clip", "text", unit(1)[0], k=99)) >= 39


def orphan(path: Path) -> None:
    (path / "thumbs" / "00").mkdir(exist_ok=True)
    (path / "thumbs" / "00" / "00.jpg").write_bytes(b"x")


def test_a_picture_nobody_names_is_a_note_and_no_problem(path: Path) -> None:
    assert notes(path) == []
    orphan(path)
    assert check(path) == []
    assert [(one.kind, one.repaired) for one in notes(path)] == [("thumb_orphan", False)]
    with Store.open(path, write=True):
        assert notes(path) == [], "it may be the writer's, not committed yet"
    mended = check(path, repair=True)
    assert [(one.kind, one.repaired) for one in mended] == [("thumb_orphan", True)]
    assert not (path / "thumbs" / "00" / "00.jpg").exists()
    assert notes(path) == check(path) == []


def test_check_of_a_library_with_a_leftover_picture_exits_with_0(path: Path) -> None:
    orphan(path)
    main = ["-m", "longtake", "db", "check", "--library", str(path)]
    assert subprocess.run([sys.executable, *main], check=False).returncode == 0
    thumb_path(path / "thumbs", thumb(1).name).unlink()
    assert subprocess.run([sys.executable, *main], check=False).returncode == 3


REPORTED: dict[str, tuple[str, Callable[[Path], object]]] = {
    "thumb gone": ("thumb_missing", lambda p: thumb_path(p / "thumbs", thumb(1).name).unlink()),
    "thumb changed": ("thumb_damaged", lambda p: flip(thumb_path(p / "thumbs", thumb(1).name))),
    "record after the end": ("time", lambda p: sql(p, "UPDATE videos SET duration = 300")),
    "part outside its whole": (
        "parent",
        lambda p: sql(p, "UPDATE records SET end = 300 WHERE level = 'scene'"),
    ),
    "part gone": ("parent", lambda p: sql(p, "DELETE FROM records WHERE start = 20")),
}


@pytest.mark.parametrize("case", REPORTED)
def test_what_only_the_video_can_bring_back_is_reported(path: Path, case: str) -> None:
    kind, spoil = REPORTED[case]
    spoil(path)
    assert kind in {one.kind for one in check(path)}
    left = [one for one in check(path, repair=True) if not one.repaired]
    assert {one.kind for one in left} == {kind}


def test_a_damaged_database_is_read_out_as_far_as_it_goes(path: Path) -> None:
    with Store.open(path) as store:
        before = dump(store)
        (root,) = store.database.one(
            "SELECT rootpage FROM sqlite_master WHERE name = 'words_data'"
        ) or (0,)
    with (path / "library.sqlite").open("r+b") as file:
        file.seek((root - 1) * 8192)
        file.write(b"\xa5" * 8192)
    assert {one.kind for one in check(path)} == {"database"}
    found = check(path, repair=True)
    assert {one.kind for one in found if one.kind == "database"} == {"database"}
    assert all(one.repaired for one in found)
    assert check(path) == []
    assert (path / "library.sqlite.damaged").exists()
    with Store.open(path, write=True) as store:
        assert dump(store) == before
        assert len(store.search_words(["clip"], k=99)) == 40
        assert len(store.search_vectors("clip", "text", unit(1)[0], k=99)) == 40


def test_a_cut_off_database_gives_what_lies_before_the_cut(path: Path) -> None:
    with Store.open(path, write=True) as store:
        video = store.videos()[0]
        store.put_records(
            make(video, i / 100, level="moment", channel="speech", text="word " * 400)
            for i in range(600)
        )
    size = (path / "library.sqlite").stat().st_size
    os.truncate(path / "library.sqlite", int(size * 0.6))
    assert [one.kind for one in check(path)] == ["database"]
    found = check(path, repair=True)
    assert any("records may be lost" in one.detail for one in found)
    with Store.open(path) as store:
        assert store.count() > 50
        assert [one for one in check(path) if one.kind in ("database", "words", "vectors")] == []


def test_garbage_cannot_be_mended_and_stays_as_it_is(path: Path) -> None:
    garbage = os.urandom(9000)
    (path / "library.sqlite").write_bytes(garbage)
    found = check(path, repair=True)
    assert [(one.kind, one.repaired) for one in found] == [("database", False)]
    assert (path / "library.sqlite").read_bytes() == garbage


def test_check_of_nothing_and_repair_beside_a_writer(path: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        check(tmp_path / "none.longtake")
    with Store.open(path, write=True) as store:
        # Files of a chunk that is not committed yet are no orphans.
        with store.transaction():
            store.put_thumbs([thumb(99)])
            assert check(path) == []
            store.put_records([make(store.videos()[0], 0.0, data={"thumb": thumb(99).name})])
        with pytest.raises(Locked):
            check(path, repair=True)


def test_a_backup_is_the_library(path: Path, tmp_path: Path) -> None:
    copy = backup(path, tmp_path / "copy.longtake")
    assert check(copy) == []
    with Store.open(path) as one, Store.open(copy, write=True) as two:
        assert dump(one) == dump(two)
        assert two.thumb(thumb(3).name) == thumb(3).jpeg
        query = unit(1)[0]
        assert one.search_vectors("clip", "text", query, k=9) == two.search_vectors(
            "clip", "text", query, k=9
        )
    with pytest.raises(StoreError, match="there already"):
        backup(path, copy)
    with pytest.raises(NotFound):
        backup(tmp_path / "none.longtake", tmp_path / "other.longtake")


def test_a_backup_beside_a_writer_is_whole(path: Path, tmp_path: Path) -> None:
    with Store.open(path, write=True) as store:
        video = store.videos()[0]
        stop = threading.Event()

        def write() -> None:
            number = 1000
            while not stop.is_set():
                with store.transaction():
                    picture = thumb(number)
                    store.put_thumbs([picture])
                    store.put_records(
                        make(video, 0.0, n=n, text="x", data={"thumb": picture.name})
                        for n in (number, number + 1)
                    )
                number += 2

        thread = threading.Thread(target=write)
        thread.start()
        try:
            copies = [backup(path, tmp_path / f"{i}.longtake") for i in range(3)]
        finally:
            stop.set()
            thread.join()
    for copy in copies:
        assert check(copy) == []
        with Store.open(copy) as store:
            assert store.count() % 2 == 1
