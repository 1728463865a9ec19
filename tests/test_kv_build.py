"""A video's records become a stream; a build that was stopped or killed makes the same blocks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from longtake.errors import Interrupted, UsageError
from longtake.memory.kv import checkpoint as noted
from longtake.memory.kv.build import LIVE, Built, build
from longtake.memory.kv.heads import fallback
from longtake.memory.kv.lines import Line, lines_of
from longtake.models.kv.streamer import Streamer
from longtake.models.kv.tap import RopeTap
from longtake.storage.kv.block import Block
from longtake.storage.kv.segments import Segments
from longtake.storage.store import Store
from tests.kv_library import add, lines, tiny_streamer, watched


@pytest.fixture(scope="module")
def streamer(tmp_path_factory: pytest.TempPathFactory) -> Streamer:
    return tiny_streamer(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def tap(streamer: Streamer) -> Iterator[RopeTap]:
    with streamer.tap() as made:
        yield made


def built(folder: Path, told: list[Line], streamer: Streamer, tap: RopeTap, **more: Any) -> Built:
    given = {"weights": "w", "heads": fallback(tap).keys, "every": 4} | more
    return build(folder, told, streamer, tap, **given)


def blocks(folder: Path) -> list[Block]:
    with Segments(folder, None) as memory:
        return memory.get([row.id for row in memory.rows()])


def same(one: list[Block], other: list[Block]) -> bool:
    told = [(b.id, b.start, b.end, b.refs) for b in one]
    if told != [(b.id, b.start, b.end, b.refs) for b in other]:
        return False
    return all(
        torch.equal(getattr(a, name), getattr(b, name))
        for a, b in zip(one, other, strict=True)
        for name in ("keys", "values", "places", "tokens")
    )


# -- lines ---------------------------------------------------------------------------------


def test_lines_are_in_order_of_time_with_their_records(tmp_path: Path) -> None:
    library = watched(tmp_path)
    with Store.open(library) as store:
        told = lines_of(store, store.videos()[0].id)
    texts = [one.text for one in told]
    assert texts == [
        "[00:00:05] screen: Attention sinks",
        "[00:00:05] picture: notebook (0.83)",
        "[00:00:10] speaker: welcome to the lecture",
        "[00:00:20] speaker: the exam is on the fourteenth of March",
        "[00:00:20] screen: Exam | room B2",
        "[00:03:30] screen: Attention sinks",
    ]
    assert [len(one.refs) for one in told] == [1, 1, 1, 1, 2, 1]
    assert told[4].refs == (
        "00001-00000020000-moment-screen-0", "00001-00000020000-moment-screen-1"
    )  # fmt: skip
    assert (told[4].start, told[4].end) == (20.0, 60.0)


def test_what_the_quick_pass_wrote_is_left_out(tmp_path: Path) -> None:
    library = watched(tmp_path)
    add(library, "moment", "speech", 30.0, 31.0, "a guess", maker="quick:x")
    with Store.open(library) as store:
        told = lines_of(store, store.videos()[0].id)
    assert not any("a guess" in one.text for one in told)


# -- builds --------------------------------------------------------------------------------


def test_every_line_is_in_blocks_with_its_records(
    tmp_path: Path, streamer: Streamer, tap: RopeTap
) -> None:
    told = lines(40)
    made = built(tmp_path, told, streamer, tap)
    found = blocks(tmp_path)
    assert made.lines == 40
    assert made.blocks == len(found) > 8
    text = streamer.tokenizer.decode(torch.cat([b.tokens for b in found]).tolist())
    assert text == "".join(one.text + "\n" for one in told)
    assert {ref for b in found for ref in b.refs} == {ref for one in told for ref in one.refs}
    assert all(b.end > b.start for b in found)


@pytest.mark.parametrize("after", [1, 13, 39])
def test_a_stopped_build_goes_on_to_the_same_blocks(
    tmp_path: Path, streamer: Streamer, tap: RopeTap, after: int
) -> None:
    told = lines(40)
    built(tmp_path / "whole", told, streamer, tap)
    seen: list[int] = []
    with pytest.raises(Interrupted):
        built(tmp_path / "cut", told, streamer, tap, on_line=lambda n, *_: seen.append(n),
              stop=lambda: len(seen) >= after)  # fmt: skip
    made = built(tmp_path / "cut", told, streamer, tap)
    assert made.lines == 40 - after
    assert same(blocks(tmp_path / "whole"), blocks(tmp_path / "cut"))


def test_a_kill_between_blocks_and_their_note_changes_nothing(
    tmp_path: Path, streamer: Streamer, tap: RopeTap
) -> None:
    """What was put on disk after the last checkpoint is made again, not twice."""
    told = lines(40)
    built(tmp_path / "whole", told, streamer, tap)

    def die(n: int, *_: object) -> None:
        if n == 24:
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError):  # leaving flushes blocks, and notes nothing
        built(tmp_path / "cut", told, streamer, tap, on_line=die, every=10)
    note = noted.load(tmp_path / "cut")
    assert note is not None
    with Segments(tmp_path / "cut", None) as memory:
        assert memory.next_id > note.blocks > 0
    made = built(tmp_path / "cut", told, streamer, tap)
    assert 0 < made.lines < 40
    assert same(blocks(tmp_path / "whole"), blocks(tmp_path / "cut"))


def test_without_the_encoders_state_a_stopped_build_differs(
    tmp_path: Path, streamer: Streamer, tap: RopeTap
) -> None:
    """The state is what makes it exact: from stored blocks alone the rest comes out otherwise."""
    told, seen = lines(40), list[int]()
    built(tmp_path / "whole", told, streamer, tap)
    with pytest.raises(Interrupted):
        built(tmp_path / "cut", told, streamer, tap, on_line=lambda n, *_: seen.append(n),
              stop=lambda: len(seen) >= 20)  # fmt: skip
    noted.clear(tmp_path / "cut")
    made = built(tmp_path / "cut", told, streamer, tap)
    assert 20 <= made.lines < 40  # the line in the last block may be read again
    assert not same(blocks(tmp_path / "whole"), blocks(tmp_path / "cut"))
    text = streamer.tokenizer.decode(
        torch.cat([b.tokens for b in blocks(tmp_path / "cut")]).tolist()
    )
    assert all(one.text in text for one in told)


def test_nothing_is_read_twice(tmp_path: Path, streamer: Streamer, tap: RopeTap) -> None:
    told = lines(20)
    built(tmp_path, told, streamer, tap)
    before = blocks(tmp_path)
    files = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("seg-*")}
    assert built(tmp_path, told, streamer, tap).lines == 0
    assert same(before, blocks(tmp_path))
    assert files == {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("seg-*")}
    assert not list(tmp_path.glob("resume-*"))


def test_later_lines_are_appended(tmp_path: Path, streamer: Streamer, tap: RopeTap) -> None:
    built(tmp_path, lines(20), streamer, tap)
    before = blocks(tmp_path)
    made = built(tmp_path, lines(30), streamer, tap)
    assert (made.lines, made.anew) == (10, "")
    after = blocks(tmp_path)
    assert same(before, after[: len(before)])
    assert {r for b in after[len(before) :] for r in b.refs} == {f"r{n}" for n in range(20, 30)}


def test_a_changed_line_builds_anew(tmp_path: Path, streamer: Streamer, tap: RopeTap) -> None:
    built(tmp_path / "a", lines(20), streamer, tap)
    other = lines(20)
    other[3] = Line(other[3].start, other[3].end, "[00:00:03] speaker: mended", other[3].refs)
    made = built(tmp_path / "a", other, streamer, tap)
    assert (made.lines, made.anew) == (20, "1 of its lines have changed")
    built(tmp_path / "b", other, streamer, tap)
    assert same(blocks(tmp_path / "a"), blocks(tmp_path / "b"))


def test_other_weights_build_anew(tmp_path: Path, streamer: Streamer, tap: RopeTap) -> None:
    built(tmp_path, lines(8), streamer, tap)
    made = built(tmp_path, lines(8), streamer, tap, weights="x")
    assert made.lines == 8
    assert "weights" in made.anew


def test_schemes_take_less_and_less(tmp_path: Path, streamer: Streamer, tap: RopeTap) -> None:
    told = lines(80)
    sizes = [built(tmp_path / s, told, streamer, tap, scheme=s).bytes for s in ("k8v4", "k4v4")]
    assert sizes[0] > sizes[1]
    made = built(tmp_path / "k8v4", told, streamer, tap, scheme="k4v4")  # smaller: in place
    assert (made.lines, made.anew) == (0, "")
    assert built(tmp_path / "k8v4", told, streamer, tap).lines == 80  # larger: anew
    with pytest.raises(UsageError):
        built(tmp_path / "x", told, streamer, tap, scheme="raw")


def test_of_ghosts_only_the_newest_blocks_are_kept(
    tmp_path: Path, streamer: Streamer, tap: RopeTap
) -> None:
    built(tmp_path, lines(80), streamer, tap, scheme="ghost")
    with Segments(tmp_path, None) as memory:
        ghosts = [row.ghost for row in memory.rows()]
    assert len(ghosts) > LIVE
    assert ghosts == [n < len(ghosts) - LIVE for n in range(len(ghosts))]
    assert built(tmp_path, lines(90), streamer, tap, scheme="ghost").lines == 10


def test_nothing_remembered_is_told(tmp_path: Path, streamer: Streamer, tap: RopeTap) -> None:
    with pytest.raises(UsageError, match="nothing is remembered"):
        built(tmp_path, [], streamer, tap)
