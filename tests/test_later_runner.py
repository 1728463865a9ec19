"""Later passes: kept portion by portion, resumed exactly, redone, and failing by themselves."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longtake import later
from longtake.config import load_settings
from longtake.errors import (
    DiskFull,
    Interrupted,
    LongtakeError,
    MissingConfig,
    MissingModel,
    PartlyDone,
    SourceGone,
    Unreachable,
    UsageError,
)
from longtake.later import Ground, Later, Row
from longtake.perception.later import Mark, Portion, later_id
from longtake.storage.records import Channel, Progress, Record, Thumb, VectorRow, Video
from longtake.storage.store import Store
from longtake.timecode import Span
from tests.fakes import FakeModels
from tests.memory_world import Script, remember

LENGTH = 40.0


@dataclass
class Models(FakeModels):
    """Fakes with further models: kind → the name of the model that the profile plans."""

    further: dict[str, str] = field(default_factory=lambda: {"captioner": "seer@1"})

    def names(self) -> dict[str, str]:
        return {**super().names(), **self.further}


@dataclass
class Steps:
    """A pass that makes two records of every clip, and counts its portions in its carry."""

    video: Video
    clips: Sequence[Record]
    name: str = "captions"
    maker: str = "captions:seer@1"
    word: str = "sees"
    stop: int | None = None
    error: BaseException | None = None
    began: list[tuple[float, bytes]] = field(default_factory=list)
    closed: int = 0

    def portions(self, begin: float, carry: bytes) -> Iterator[Portion]:
        self.began.append((begin, carry))
        made = int(json.loads(carry or b"0"))
        try:
            for n, clip in enumerate(c for c in self.clips if c.span.start >= begin):
                if n == self.stop and self.error:
                    raise self.error
                made += 1
                yield self._portion(clip, made)
        finally:
            self.closed += 1

    def _portion(self, clip: Record, made: int) -> Portion:
        channel: Channel = "caption" if self.name == "captions" else "entity"
        rows = [
            Record(
                later_id(self.name, self.video, clip.span.start, channel, n), self.video.id,
                "moment", channel, clip.span, clip.known_at, f"{self.word} {text}", self.maker,
                (clip.id,), {"of": "clip", "thumb": hashlib.sha256(b"jpeg %d" % made).hexdigest()},
            )
            for n, text in enumerate((f"thing {made}", "the same"))
        ]  # fmt: skip
        vector = np.eye(3, dtype=np.float32)[made % 3]
        own = VectorRow(rows[0].id, "sight", vector, clip.known_at)
        jpeg = b"jpeg %d" % made
        thumb = Thumb(hashlib.sha256(jpeg).hexdigest(), jpeg)
        return Portion(clip.span.end, tuple(rows), (own,), (thumb,), json.dumps(made).encode())


class World:
    """A watched video of four clips, and passes over it."""

    def __init__(self, watched: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = folder / "test.longtake"
        shutil.copytree(watched, self.path)
        self.patch = monkeypatch
        self.models: Any = Models()
        self.settings = load_settings(library=self.path, profile="offline")
        self.made: list[Any] = []
        self.events: list[dict[str, Any]] = []
        with Store.open(self.path) as store:
            self.video = store.videos()[0]
        self.plan("captions", "captioner")

    def plan(self, name: str, kind: str, **more: Any) -> None:
        def build(ground: Ground) -> Any:
            if isinstance(more.get("missing"), Exception):
                raise more["missing"]
            given = {"maker": f"{name}:{self.models.names()[kind]}", **more}
            one = Steps(ground.video, ground.records("clip", "caption"), name, **given)
            self.made.append(one)
            return one

        self.patch.setitem(later.PASSES, name, Row(later.kind(kind), build))

    def run(self, **given: Any) -> None:
        Later(self.path, self.models, self.settings, self.events.append).run(self.video.id, **given)

    def records(self, prefix: str = "captions:") -> list[Record]:
        with Store.open(self.path) as store:
            found = store.records(video=self.video.id, level="moment")
        return [one for one in found if one.maker.startswith(prefix)]

    def progress(self, name: str = "captions") -> Progress | None:
        with Store.open(self.path) as store:
            return store.progress(self.video.id, name)

    def deep(self, done: float, finished: bool) -> None:
        with Store.open(self.path, write=True) as store:
            store.set_progress(self.video.id, "deep", Progress(done, finished, b""))


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("watched") / "test.longtake"
    with Store.open(path, write=True, create=True) as store:
        remember(store, "a film.mp4", Script(LENGTH, [(1, 3, "a word")]))
    return path


@pytest.fixture
def world(watched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(watched, tmp_path, monkeypatch)


def content(path: Path) -> list[Any]:
    """Everything a library holds but the numbers that count changes."""
    found: list[Any] = []
    with sqlite3.connect(path / "library.sqlite") as db:
        for sql in (
            "SELECT n, id, start, end, known_at, maker, parents, text, data FROM records ORDER BY n",
            "SELECT no, vid, n, known_at, vector FROM vectors ORDER BY no, vid, n",
            "SELECT name, size FROM thumbs ORDER BY name",
            "SELECT ordinal, pass, done, finished, carry FROM progress ORDER BY pass",
            "SELECT rowid, text FROM words ORDER BY rowid",
        ):
            found.append(db.execute(sql).fetchall())
    return found


def test_a_pass_is_kept_with_the_vectors_of_its_texts(world: World) -> None:
    world.run()
    found = world.records()
    assert [one.text for one in found][:2] == ["sees thing 1", "sees the same"]
    assert len(found) == 8
    with Store.open(world.path) as store:
        ids, _, matrix = store.vectors("moment", "text", channel="caption")
        assert sorted(ids) == [one.id for one in found]
        texts = {one.id: one.text for one in found}
        told = world.models.text_encoder.encode([texts[name] for name in ids])
        np.testing.assert_array_equal(matrix, told)
        assert len(store.vectors("moment", "sight", channel="caption")[0]) == 4
        assert store.thumb(str(found[0].data["thumb"])) == b"jpeg 1"
        hit = store.search_words(["thing"], k=9)
    assert {one.id for one, _ in hit} == {one.id for one in found if "thing" in one.text}
    kept = world.progress()
    assert kept is not None
    assert (kept.done, kept.finished) == (LENGTH, True)
    assert Mark.read(kept.carry) == Mark("captions:seer@1", LENGTH, b"4")


def test_progress_is_told_and_a_finished_pass_is_not_built_again(world: World) -> None:
    world.run()
    assert [event["done"] for event in world.events] == [0.0, 10.0, 20.0, 30.0, 40.0, 40.0]
    assert {event["stage"] for event in world.events} == {"captions"}
    assert world.events[-1]["total"] == LENGTH
    before = content(world.path)
    world.run()
    assert len(world.made) == 1
    assert content(world.path) == before


class Killed(BaseException):
    """An end at any instant."""


@pytest.fixture(scope="module")
def undisturbed(watched: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    with pytest.MonkeyPatch.context() as patch:
        whole = World(watched, tmp_path_factory.mktemp("whole"), patch)
        whole.run()
        return content(whole.path)


@pytest.mark.parametrize(
    ("after", "end"),
    [*((n, Killed) for n in range(6)), (0, KeyboardInterrupt), (2, KeyboardInterrupt)],
)
def test_stopped_after_any_portion_it_goes_on_as_if_it_had_not(
    world: World, undisturbed: list[Any], after: int, end: type[BaseException]
) -> None:
    count = iter(range(99))

    def tell(event: dict[str, Any]) -> None:
        if next(count) == after:
            raise end

    with pytest.raises(Interrupted if end is KeyboardInterrupt else Killed):
        Later(world.path, world.models, world.settings, tell).run(world.video.id)
    assert len(world.records()) == 2 * min(after, 4)
    world.run()
    assert content(world.path) == undisturbed


def test_a_kill_between_the_statements_of_a_portion_leaves_none_of_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: Store, video: str, pass_: str, progress: Progress) -> None:
        if progress.done > 10.0:
            raise Killed
        keep(self, video, pass_, progress)

    keep = Store.set_progress
    monkeypatch.setattr(Store, "set_progress", fails)
    with pytest.raises(Killed):
        world.run()
    monkeypatch.undo()
    assert len(world.records()) == 2
    with Store.open(world.path) as store:
        assert len(store.vectors("moment", "text", channel="caption")[0]) == 2
    assert world.made[-1].closed == 1


def test_it_goes_on_when_more_has_been_watched_and_is_not_built_before(world: World) -> None:
    world.deep(20.0, False)
    world.run()
    assert len(world.records()) == 8  # this pass took all the clips that there are
    kept = world.progress()
    assert kept is not None
    assert (kept.finished, Mark.read(kept.carry).reach) == (False, 20.0)
    world.run()
    assert len(world.made) == 1
    world.deep(LENGTH, True)
    world.run()
    assert world.made[-1].began == [(40.0, b"4")]
    kept = world.progress()
    assert kept is not None
    assert kept.finished


def test_nothing_is_run_before_the_deep_pass(world: World) -> None:
    with Store.open(world.path, write=True) as store:
        store.database.run("DELETE FROM progress")
    world.run()
    assert world.made == []
    for named in ({"names": ("captions",)}, {"redo": ("captions",)}):
        with pytest.raises(UsageError, match="has not been watched in depth"):
            world.run(**named)


def test_redo_makes_it_anew_and_leaves_the_rest(world: World) -> None:
    world.run()
    world.plan("captions", "captioner", word="finds")
    with Store.open(world.path) as store:
        others = [r for r in store.records() if not r.maker.startswith("captions:")]
    world.run(redo=("captions",))
    assert {one.text.split()[0] for one in world.records()} == {"finds"}
    with Store.open(world.path) as store:
        rest = [r for r in store.records() if not r.maker.startswith("captions:")]
    assert rest == others


def test_what_is_redone_stays_until_the_new_is_there(world: World) -> None:
    world.run()
    before = content(world.path)
    world.plan("captions", "captioner", stop=0, error=Unreachable("no answer", fix="start it"))
    with pytest.raises(PartlyDone):
        world.run(redo=("captions",))
    assert content(world.path) == before


def test_two_models_are_never_mixed(world: World) -> None:
    world.plan("captions", "captioner", stop=2, error=KeyboardInterrupt())
    with pytest.raises(Interrupted, match="its captions are kept up to 00:00:20"):
        world.run()
    world.models.further["captioner"] = "better@2"
    world.plan("captions", "captioner")
    world.events.clear()
    world.run()
    (told,) = [text for event in world.events for text in event["warnings"]]
    assert "made by seer@1" in told
    assert "now has better@2" in told
    assert "longtake ingest '/nowhere/a film.mp4' --redo captions" in told
    assert {one.maker for one in world.records()} == {"captions:seer@1"}
    world.run(redo=("captions",))
    assert {one.maker for one in world.records()} == {"captions:better@2"}
    assert len(world.records()) == 8


def test_a_failing_pass_stops_no_other(world: World) -> None:
    world.models.further |= {"detector": "boxes@1", "diarizer": "ears@1"}
    lost = MissingModel("boxes@1 is not on this machine", fix="longtake models pull boxes")
    world.plan("objects", "detector", missing=lost)
    world.plan("captions", "captioner", stop=1, error=Unreachable("no answer"))
    world.plan("speakers", "diarizer")
    with pytest.raises(PartlyDone) as caught:
        world.run()
    error = caught.value
    assert error.exit_code == 7
    assert "captions failed: no answer" in error.message
    assert "objects failed: boxes@1 is not on this machine" in error.message
    assert error.fix is not None
    assert error.fix.startswith("longtake models pull boxes; then longtake ingest")
    assert "--redo captions,objects" in error.fix
    assert len(world.records("speakers:")) == 8
    assert len(world.records("captions:")) == 2
    world.plan("captions", "captioner")
    world.plan("objects", "detector")
    world.run()
    assert [len(world.records(f"{name}:")) for name in ("captions", "objects")] == [8, 8]


def test_a_library_that_cannot_be_written_stops_all(world: World) -> None:
    world.models.further |= {"detector": "boxes@1"}
    world.plan("captions", "captioner", stop=1, error=DiskFull("no room"))
    world.plan("objects", "detector")
    with pytest.raises(DiskFull):
        world.run()
    assert world.records("objects:") == []


def test_a_pass_may_not_write_over_another(world: World) -> None:
    class Thief(Steps):
        def _portion(self, clip: Record, made: int) -> Portion:
            return Portion(clip.span.end, (replace(clip, maker=self.maker),))

    world.patch.setitem(
        later.PASSES,
        "captions",
        Row(later.kind("captioner"), lambda g: Thief(g.video, g.records("clip", "caption"))),
    )
    before = content(world.path)
    with pytest.raises(LongtakeError, match="captions would write over"):
        world.run()
    assert content(world.path) == before


def test_only_what_was_named_is_run(world: World) -> None:
    world.models.further |= {"detector": "boxes@1"}
    world.plan("objects", "detector")
    world.run(names=("objects",))
    assert [one.name for one in world.made] == ["objects"]


def test_names_are_checked(world: World) -> None:
    assert later.check_names(["objects", "captions", "objects"]) == ("captions", "objects")
    with pytest.raises(UsageError) as caught:
        later.check_names(["caption"])
    assert caught.value.fix == "did you mean captions?"
    with pytest.raises(UsageError) as caught:
        later.check_names(["x"])
    assert caught.value.fix is not None
    assert "speakers" in caught.value.fix
    with pytest.raises(MissingConfig, match="no model for objects"):
        later.need(world.models, ["captions", "objects"])


def test_a_pass_that_needs_the_gone_file_says_so(world: World) -> None:
    def build(ground: Ground) -> Any:
        return ground.source

    world.patch.setitem(later.PASSES, "captions", Row(later.kind("captioner"), build))
    with pytest.raises(PartlyDone, match="is no longer at") as caught:
        world.run()
    assert caught.value.fix is not None
    assert "videos relink" in caught.value.fix
    with Store.open(world.path) as store:
        ground = Ground(store, world.video, world.models, world.settings, 1.0, True)
        with pytest.raises(SourceGone):
            _ = ground.source


def test_a_pass_is_built_from_what_was_perceived(world: World) -> None:
    world.run()
    with Store.open(world.path) as store:
        ground = Ground(store, world.video, world.models, world.settings, LENGTH, True)
        assert ground.records("moment", "caption") == []
        assert ground.records("clip", "caption")[0].span == Span(0.0, 10.0)


@pytest.mark.parametrize("blob", [b"", b"{", b"[]\nx", b'{"by": 1}', b"\xff\n"])
def test_an_unknown_mark_is_of_no_model(blob: bytes) -> None:
    assert Mark.read(blob) == Mark("", 0.0, b"")


def test_a_mark_keeps_any_carry() -> None:
    mark = Mark("captions:x\n", 3.25, b"a\nb\x00\n")
    assert Mark.read(mark.pack()) == mark
