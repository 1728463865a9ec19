"""The pictures pass: kept frames decoded again, encoded by further encoders, beside what is there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longtake.config import load_settings
from longtake.errors import BackendError, PartlyDone
from longtake.library import Library
from longtake.models.protocols import Image, Vectors
from longtake.perception.picture_vectors import PictureVectors
from longtake.storage.records import Record, Video, sight_facet
from longtake.storage.store import Store
from tests.fakes import FakeImageEncoder, FakeModels
from tests.media import COLOURS, Scene, draw_video

SEEN = ("red", "blue", "green", "yellow", "red", "cyan")


class Eye(FakeImageEncoder):
    """Sees colours, counts what it is shown, and may break after some pictures."""

    def __init__(self, name: str = "eye@1", most: int = 10_000) -> None:
        super().__init__()
        self.name, self.most = name, most
        self.shapes: list[tuple[int, ...]] = []

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        self.shapes += [image.shape for image in images]
        if len(self.shapes) > self.most:
            raise BackendError("the card fell out", fix="put it back")
        return super().encode_images(images)


@dataclass
class Models(FakeModels):
    def names(self) -> dict[str, str]:
        eyes = ", ".join(one.name for one in self.further_encoders)
        return super().names() | ({"encoders": eyes} if eyes else {})


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a video of six colours and the library that watched it."""
    folder = tmp_path_factory.mktemp("pass")
    scenes = [Scene(4, COLOURS[name], blocks=False) for name in SEEN]
    draw_video(folder / "colours.mp4", scenes, fps=5)
    with Library(load_settings(library=folder / "a.longtake"), models=Models()) as library:  # type: ignore[arg-type]
        library.ingest(folder / "colours.mp4")
    return folder


@pytest.fixture
def home(watched: Path, tmp_path: Path) -> Path:
    return shutil.copytree(watched / "a.longtake", tmp_path / "a.longtake")


def library(home: Path, *eyes: Any) -> Library:
    return Library(load_settings(library=home), models=Models(further_encoders=eyes))  # type: ignore[arg-type]


def frames(home: Path) -> list[Record]:
    with Store.open(home) as store:
        return store.records(level="frame", channel="sight")


def column(home: Path, name: str) -> tuple[list[str], Any]:
    with Store.open(home) as store:
        ids, _, matrix = store.vectors("frame", sight_facet(name), channel="sight")
    return ids, matrix


def build(home: Path, source: Path, eye: Eye, batch: int = 2) -> PictureVectors:
    with Store.open(home) as store:
        video: Video = store.videos()[0]
        small = {r.data["thumb"]: store.thumb(r.data["thumb"]) for r in frames(home)}
    return PictureVectors(video, source, frames(home), [eye], small.__getitem__, batch=batch)


def test_every_kept_frame_gets_a_vector_of_each_encoder(home: Path) -> None:
    one, other = Eye("one@1"), Eye("two-1.5@1")
    before = frames(home)
    with library(home, one, other) as made:
        made.later(made.videos()[0])
        # What the frames show is found by either column.
        found = made.search("yellow", within=["sight"]).moments[0]
        assert 12.0 <= found.span.middle < 16.0
    assert frames(home) == before
    for eye in (one, other):
        ids, matrix = column(home, eye.name)
        assert ids == [record.id for record in before]
        # Frames are those of the file, not thumbnails: 320 pixels wide, as it was drawn.
        assert {shape[1] for shape in eye.shapes} == {320}
        shown = [SEEN[int(record.span.start) // 4] for record in before]
        np.testing.assert_array_less(0.95, (matrix * eye.encode_texts(shown)).sum(axis=1))


def test_a_finished_pass_runs_again_only_when_asked(home: Path) -> None:
    eye = Eye()
    with library(home, eye) as made:
        video = made.videos()[0]
        made.later(video)
        count = len(eye.shapes)
        assert count == len(frames(home))
        made.later(video)
        assert len(eye.shapes) == count
        made.later(video, (), redo=["pictures"])
        assert len(eye.shapes) == 2 * count


def test_without_further_encoders_nothing_is_made(home: Path) -> None:
    with library(home) as made:
        made.later(made.videos()[0])
    with Store.open(home) as store:
        assert store.facets("frame", "sight") == ["sight"]


def test_being_stopped_and_going_on_gives_the_same_rows(home: Path, watched: Path) -> None:
    source = watched / "colours.mp4"
    whole = list(build(home, source, Eye()).portions(0.0, b""))
    assert len(whole) >= 3
    for at, stopped in enumerate(whole[:-1], 1):
        rest = list(build(home, source, Eye()).portions(stopped.until, stopped.carry))
        assert [[v.record for v in p.vectors] for p in rest] == [
            [v.record for v in p.vectors] for p in whole[at:]
        ]
        for one, other in zip(rest, whole[at:], strict=True):
            assert (one.until, one.carry) == (other.until, other.carry)
            for a, b in zip(one.vectors, other.vectors, strict=True):
                assert np.array_equal(a.vector, b.vector)
    untils = [portion.until for portion in whole]
    assert untils == sorted(set(untils))
    assert list(build(home, source, Eye()).portions(whole[-1].until, whole[-1].carry)) == []


def test_an_encoder_that_breaks_leaves_the_rest_and_can_be_redone(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PictureVectors.__init__.__kwdefaults__, "batch", 2)
    with library(home, Eye(most=3)) as made:
        video = made.videos()[0]
        with pytest.raises(PartlyDone, match="the card fell out") as told:
            made.later(video)
        assert told.value.exit_code == 7
        assert "--redo pictures" in str(told.value.fix)
        assert made.search("yellow").moments
    eye = Eye()
    with library(home, eye) as made:
        made.later(video)
    assert len(column(home, eye.name)[0]) == len(frames(home))
    assert len(eye.shapes) == len(frames(home)) - 2, "the first two were kept"


@pytest.fixture
def lost(home: Path, watched: Path) -> Iterator[Path]:
    """The library's video is away while a test runs."""
    source, away = watched / "colours.mp4", watched / "away.mp4"
    source.rename(away)
    yield source
    away.rename(source)


def test_without_the_file_thumbnails_are_encoded_and_that_is_told(home: Path, lost: Path) -> None:
    events: list[dict[str, Any]] = []
    eye = Eye()
    with library(home, eye) as made:
        made.later(made.videos()[0], on_progress=events.append)
        found = made.search("yellow", within=["sight"]).moments[0]
    assert 12.0 <= found.span.middle < 16.0
    assert {shape[1] for shape in eye.shapes} == {256}
    said = [text for event in events for text in event["warnings"]]
    assert len(said) == 1
    assert "no longer at" in said[0]
    assert "thumbnails" in said[0]
    portions = list(build(home, lost, Eye()).portions(0.0, b""))
    assert [bool(one.notes) for one in portions] == [True, *[False] * (len(portions) - 1)]
    assert portions[-1].carry == b'{"thumbs": %d}' % len(frames(home))


def test_a_frame_that_the_file_lacks_is_taken_from_its_thumbnail(
    home: Path, watched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from longtake.perception import picture_vectors

    real = picture_vectors.frames_at
    gap = frames(home)[2].span.start

    def holed(*args: Any, **more: Any) -> Iterator[tuple[float, Image]]:
        return (pair for pair in real(*args, **more) if pair[0] != gap)

    monkeypatch.setattr(picture_vectors, "frames_at", holed)
    eye = Eye()
    portions = list(build(home, watched / "colours.mp4", eye).portions(0.0, b""))
    assert [shape[1] for shape in eye.shapes].count(256) == 1
    assert [shape[1] for shape in eye.shapes].index(256) == 2
    assert [bool(one.notes) for one in portions][:2] == [False, True]
    assert portions[-1].carry == b'{"thumbs": 1}'


def test_a_real_encoder_finds_each_frame_again_by_its_picture(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    from longtake.models.vision.encoders import open_encoder
    from longtake.perception.frames import frame_at
    from tests.encoders_tiny import save

    folder = tmp_path_factory.mktemp("real")
    scenes = [Scene(4, COLOURS[name], text=text) for name, text in zip(SEEN, "ABCDEF", strict=True)]
    source = draw_video(folder / "letters.mp4", scenes, fps=5)
    eye = open_encoder(save("siglip2", folder / "siglip2"), threads=1)
    with library(folder / "a.longtake", eye) as made:
        video = made.ingest(source)  # the later passes come with it
        assert made.store.facets("frame", "sight") == ["sight", "sight.siglip2@hub"]
        made.recall.encoders.image = None  # so that the further encoder finds alone
        for at in (5.0, 9.0, 13.0):
            found = made.search(image=frame_at(source, at), video=video, k=1)
            assert found.moments[0].span.start // 4 == at // 4
            assert found.best > 0.5
