"""What second looks saw, on disk: written by readers, obeying as_of, checked, copied, removed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from longtake.storage.backup import backup
from longtake.storage.check import check
from longtake.storage.observations import Dispute, Observation, observation_id
from longtake.storage.records import Record, Video, record_id
from longtake.storage.store import Store
from longtake.timecode import Span
from longtake.tools.observed import Wanted, records_of, serves


def line(text: str, start: float, end: float, **more: Any) -> dict[str, Any]:
    return {"text": text, "start": start, "end": end, "score": 0.95} | more


def seen(*lines: dict[str, Any], tags: Any = (), **more: Any) -> dict[str, Any]:
    return {"lines": list(lines), "tags": list(tags), "caption": ""} | more


def look(video: str, start: float, end: float, **more: Any) -> Observation:
    given: dict[str, Any] = {"rung": "R4", "fps": 2.0, "crops": "whole", "asked": "why?"}
    given |= {"seen": seen(line("Crate 7", start, end)), "frames": 20} | more
    return Observation(video, Span(start, end), **given)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    path = tmp_path / "kept.longtake"
    with Store.open(path, write=True, create=True) as store:
        for n in (1, 2):
            video = store.add_video(f"{n:064d}"[::-1], f"/films/{n}.mp4", f"{n}.mp4", 100.0, {})
            store.put_records([caption(video)])
    return path


@pytest.fixture
def store(library: Path) -> Iterator[Store]:
    with Store.open(library) as opened:
        yield opened


def caption(video: Video) -> Record:
    name = record_id(video.ordinal, 10.0, "clip", "caption")
    return Record(name, video.id, "clip", "caption", Span(10, 20), 20.0, "A crate.", "script@1")


def against(one: Observation, record: str, **more: Any) -> Dispute:
    given: dict[str, Any] = {"video": one.video, "span": one.span, "known_at": one.known_at,
                             "asked": one.asked, "kind": "text", "was": "a", "now": "b"}  # fmt: skip
    return Dispute(record, one.id, **(given | more))


def test_a_reader_writes_while_another_process_holds_the_writer_lock(library: Path) -> None:
    code = (
        "import sys; from longtake.storage.store import Store\n"
        "s = Store.open(sys.argv[1], write=True)\n"
        "with s.transaction():\n"
        "    s.add_video('e' * 64, '/x', 'x', 1.0, {}); print('in', flush=True); input()\n"
        "s.close()"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", code, str(library)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert writer.stdin is not None
    assert writer.stdout is not None
    assert writer.stdout.readline() == b"in\n"
    with Store.open(library) as store, Store.open(library) as other:
        video = store.videos()[0].id
        assert not store.observations.path.exists(), "made by the first look"
        kept = store.observations.put(look(video, 10, 20))
        assert other.observations.read([video]) == [kept]
        assert store.observations.trouble is None
    writer.communicate(b"\n", timeout=60)
    assert writer.returncode == 0
    with Store.open(library) as store:
        assert store.observations.read([video]) == [kept]
        assert len(store.videos()) == 3


def test_what_was_kept_first_stays_and_comes_back_whole(store: Store) -> None:
    one, two = (v.id for v in store.videos())
    first = store.observations.put(
        look(one, 10, 20, boxes=((0.0, 0.1, 0.5, 0.6),), models={"text_reader": "r@1"},
             question="what is on the crate", seen=seen(line("Kiste “7” \ud800", 1, 2)))
    )  # fmt: skip
    again = store.observations.put(
        look(one, 10, 20, boxes=((0.0, 0.1, 0.5, 0.6),), models={"text_reader": "r@1"}, asked="x")
    )
    assert again == first
    assert first.seen["lines"][0]["text"] == "Kiste “7” ?"
    assert (first.boxes, first.asked, first.known_at) == (((0.0, 0.1, 0.5, 0.6),), "why?", 20.0)
    other = store.observations.put(look(two, 5, 8))
    assert store.observations.read([two, one]) == [other, first]
    assert store.observations.read([one], span=Span(20, 30)) == []
    assert store.observations.read([one], span=Span(19, 30)) == [first]
    assert store.observations.read([one, two], but="why?") == []
    assert observation_id(first) == first.id
    assert observation_id(look(one, 10, 20)) != first.id


def test_as_of_hides_what_was_not_over_yet(store: Store) -> None:
    video = store.videos()[0].id
    one = store.observations.put(look(video, 10, 20))
    store.observations.contest([against(one, store.records()[0].id)])
    for as_of, n in ((19.9, 0), (20.0, 1), (None, 1)):
        assert len(store.observations.read([video], as_of=as_of)) == n
        assert len(store.observations.disputes([video], as_of=as_of)) == n


def test_many_threads_may_write(store: Store) -> None:
    video = store.videos()[0].id
    before = store.observations.state()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: store.observations.put(look(video, n, n + 1)), range(40)))
    assert len(store.observations.read([video])) == 40
    assert store.observations.state() != before


def test_a_removed_video_takes_its_observations_along(library: Path) -> None:
    with Store.open(library, write=True) as store:
        one, two = (v.id for v in store.videos())
        kept = [store.observations.put(look(v, 10, 20)) for v in (one, two)]
        store.observations.contest(against(k, r.id) for k, r in
                                   zip(kept, store.records(), strict=True))  # fmt: skip
        store.remove_video(one)
        assert store.observations.read([one, two]) == [kept[1]]
        assert [d.video for d in store.observations.disputes([one, two])] == [two]
    assert check(library) == []


def test_check_finds_and_mends_what_belongs_to_nothing(library: Path) -> None:
    with Store.open(library) as store:
        video = store.videos()[0].id
        one = store.observations.put(look(video, 10, 20))
        store.observations.put(look("vgone", 10, 20))
        store.observations.contest([
            against(one, store.records()[0].id), against(one, "00009-gone"),
        ])  # fmt: skip
    assert [(p.kind, p.repaired) for p in check(library)] == [("observation", False)]
    assert "1 observations" in check(library)[0].detail
    assert "1 disputes" in check(library)[0].detail
    assert [p.repaired for p in check(library, repair=True)] == [True]
    assert check(library) == []
    with Store.open(library) as store:
        assert store.observations.read([video, "vgone"]) == [one]
        assert len(store.observations.disputes([video])) == 1


def test_a_damaged_file_costs_reuse_only(library: Path) -> None:
    with Store.open(library) as store:
        video = store.videos()[0].id
        store.observations.put(look(video, 10, 20))
    path = library / "observations.sqlite"
    path.write_bytes(b"no database at all, but long enough to be looked at" * 40)
    with Store.open(library) as store:
        assert store.observations.read([video]) == []
        kept = store.observations.put(look(video, 30, 40))
        assert store.observations.read([video]) == [kept], "this process remembers"
        assert store.observations.trouble is not None
    assert [p.kind for p in check(library)] == ["observation"]
    assert [p.repaired for p in check(library, repair=True)] == [True]
    assert (library / "observations.sqlite.damaged").exists()
    assert check(library) == []


def test_a_place_that_may_not_be_written_costs_reuse_only(library: Path) -> None:
    (library / "observations.sqlite").mkdir()
    with Store.open(library) as store:
        kept = store.observations.put(look(store.videos()[0].id, 30, 40))
        assert store.observations.read([kept.video]) == [kept]
        assert store.observations.trouble is not None
    assert [p.kind for p in check(library)] == ["observation"]


def test_a_backup_keeps_observations(library: Path, tmp_path: Path) -> None:
    with Store.open(library) as store:
        video = store.videos()[0].id
        one = store.observations.put(look(video, 10, 20))
        copy = backup(library, tmp_path / "copy.longtake")
    with Store.open(copy) as store:
        assert store.observations.read([video]) == [one]
    assert check(copy) == []


def wanted(**more: Any) -> Wanted:
    given: dict[str, Any] = {"video": "v", "span": Span(10, 20), "rung": "R4", "fps": 2.0,
                             "crops": "whole"}  # fmt: skip
    return Wanted(**(given | more))


@pytest.mark.parametrize(
    ("kept", "more", "serves_it"),
    [
        ({}, {}, True),
        ({}, {"span": Span(12, 22)}, True),  # 0.8 of it
        ({}, {"span": Span(12.1, 22.1)}, False),
        ({}, {"question": "another thing"}, True),  # text is text, whoever asks
        ({"fps": 8.0, "crops": "quarters", "rung": "R5"}, {}, True),  # finer
        ({}, {"fps": 8.0}, False),  # coarser
        ({}, {"crops": "quarters"}, False),
        ({"crops": "grid", "boxes": ((0, 0, 0.5, 0.5),)}, {}, False),  # only a part
        ({"crops": "grid", "boxes": ((0, 0, 0.5, 0.5),)},
         {"crops": "grid", "boxes": ((0.1, 0.1, 0.2, 0.2),)}, True),
        ({"crops": "grid", "boxes": ((0, 0, 0.5, 0.5),)},
         {"crops": "grid", "boxes": ((0.1, 0.1, 0.7, 0.2),)}, False),
        ({"models": {"text_reader": "old"}}, {"models": {"text_reader": "new"}}, False),
    ],
)  # fmt: skip
def test_which_looks_serve_which(kept: Any, more: Any, serves_it: bool) -> None:
    assert serves(look("v", 10, 20, **kept), wanted(**more)) is serves_it


def test_a_caption_serves_near_questions_only() -> None:
    models = {"captioner": "c@1"}
    kept = look("v", 10, 20, models=models, seen=seen(caption="A dot."), question="the dot?")
    asked = wanted(models=models, question="the dot there?")
    assert serves(kept, asked, 0.86)
    assert not serves(kept, asked, 0.84)
    assert serves(kept, wanted(models=models), 0.0), "no question, no caption wanted"


def test_a_line_seen_often_is_one_record() -> None:
    looks = [
        look("v", 10, 20, id="obs:a", seen=seen(line("Crate 7", 12, 14), line("~", 12, 14))),
        look("v", 12, 15, id="obs:b", seen=seen(line("crate  7", 12.5, 14.5), line("Crate 9", 13, 14))),
        look("v", 60, 70, id="obs:c", seen=seen(line("Crate 7", 60, 61))),
    ]  # fmt: skip
    found = records_of(looks)
    assert [(r.text, r.span.start) for r in found] == [
        ("Crate 7", 12.0), ("Crate 9", 13.0), ("Crate 7", 60.0),
    ]  # fmt: skip
    assert {r.parents for r in found} == {("obs:a",), ("obs:b",), ("obs:c",)}
    known = [found[0]]
    assert [r.text for r in records_of(looks, known)] == ["Crate 9", "Crate 7"]
    tags = [{"label": "crate", "p": 0.7, "time": 11.0}, {"label": "box", "p": 0.05, "time": 11.0}]
    (sight,) = records_of([look("v", 10, 20, seen=seen(tags=tags))])
    assert (sight.level, sight.channel, sight.data["tags"]) == ("frame", "sight", [["crate", 0.7]])
