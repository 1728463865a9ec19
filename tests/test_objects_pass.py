"""The pass over objects: from the pixels of a drawn film to the table, the program and answers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from longtake.cli.main import cli
from longtake.config import load_settings
from longtake.errors import BackendError, Corrupt, NotFound, PartlyDone, UsageError
from longtake.library import Library
from longtake.memory.objects import ObjectTable
from longtake.models.protocols import Detection, Image
from longtake.perception.later import Portion
from longtake.perception.objects import ObjectsPass, sample_times
from longtake.storage.records import Record, Video
from longtake.timecode import Span
from longtake.tools.registry import TOOLS
from tests.fakes import FakeModels
from tests.object_world import BlobDetector, Thing, box_at, film, in_turn, moving

NAMES = {"red": "car", "brown": "dog", "blue": "bicycle"}
LENGTH = 150.0
CAR = in_turn(
    moving((0.1, 0.3), (0.02, 0.0), 0.0, 40.0),  # crosses the picture, and leaves
    moving((0.2, 0.3), (0.0, 0.0), 100.0, 150.0),  # comes back after the cut, and stands
)
THINGS = [
    Thing("car", "red", CAR),
    Thing("car", "red", moving((0.7, 0.3), (0.0, 0.0), 110.0, 140.0)),
    Thing("dog", "brown", moving((0.2, 0.58), (0.01, 0.0), 20.0, 80.0)),
    Thing("bicycle", "blue", moving((0.8, 0.86), (-0.01, 0.0), 55.0, 90.0)),
]
SCENES = [(THINGS, 100.0, 128), (THINGS, 50.0, 225)]
"""Two grounds: the picture cuts at 100 s."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("film") / "street.mp4", SCENES, fps=2)


def clip(n: int, start: float, end: float, **data: Any) -> Record:
    return Record(f"c{n}", "v1", "clip", "caption", Span(start, end), end, "", "composed", (), data)


CLIPS = [
    clip(n, 10.0 * n, 10.0 * n + 10, cuts=[100.0] if n == 10 else [], still=False)
    for n in range(15)
]
VIDEO = Video("v1", 1, "f", "street.mp4", "street.mp4", LENGTH, {"has_video": True})


def the_pass(source: Path, clips: Sequence[Record] = CLIPS, **more: Any) -> ObjectsPass:
    given: dict[str, Any] = {"until": LENGTH, **more}
    return ObjectsPass(VIDEO, source, clips, given.pop("eyes", BlobDetector(NAMES)), **given)


def records(portions: Sequence[Portion]) -> list[Record]:
    return [record for portion in portions for record in portion.records]


@pytest.fixture(scope="module")
def undisturbed(source: Path) -> list[Portion]:
    return list(the_pass(source).portions(0.0, b""))


def test_tracks_become_records_as_they_end(undisturbed: list[Portion]) -> None:
    assert [p.until for p in undisturbed] == [60.0, 120.0, 150.0]
    table = ObjectTable(records(undisturbed))
    told = [(t.label, t.span.start, t.span.end) for t in table.tracks]
    assert told == [
        ("car", 0.0, 39.0), ("dog", 20.0, 79.0), ("bicycle", 55.0, 89.0),
        ("car", 100.0, 149.0), ("car", 110.0, 139.0),
    ]  # fmt: skip
    assert table.labels() == {"car": 2, "bicycle": 1, "dog": 1}  # one car came back
    assert [t.thing for t in table.tracks if t.label == "car"].count(table.tracks[0].n) == 2
    for one in records(undisturbed):
        assert (one.level, one.channel, one.maker) == ("moment", "entity", "objects:blobs@0")
        assert one.text == one.data["label"]
        assert one.data["kind"] == "object"
        assert one.known_at >= one.span.end
        assert one.data["boxes"][0][0] == one.span.start
        assert one.data["boxes"][-1][0] == one.span.end
    by = {r.data["track"]: r for r in records(undisturbed)}
    assert by[1].known_at == 43.0  # the first look after the gap


def test_places_are_within_a_twentieth_of_the_picture(undisturbed: list[Portion]) -> None:
    table = ObjectTable(records(undisturbed))
    for thing in THINGS:
        for time in np.arange(0.0, LENGTH, 3.3):
            truth = thing.at(float(time))
            if truth is None or thing.at(float(time) + 1) is None:
                continue
            centre = np.array([truth[0] + truth[2], truth[1] + truth[3]]) / 2
            off = [np.abs(centre - place.centre).max() for place in table.at(float(time))
                   if place.seen.label == thing.label]  # fmt: skip
            assert min(off) <= 0.05


def test_interrupted_after_any_portion_it_is_as_undisturbed(
    source: Path, undisturbed: list[Portion]
) -> None:
    whole = records(undisturbed)
    assert json.loads(undisturbed[0].carry)["tracks"]["open"]  # something goes on across the border
    for n in range(1, len(undisturbed)):
        done = undisturbed[:n]
        rest = list(the_pass(source).portions(done[-1].until, done[-1].carry))
        assert [*done, *rest] == undisturbed
    fresh = list(the_pass(source).portions(60.0, b""))  # off: without the carry tracks are torn
    assert records([undisturbed[0], *fresh]) != whole
    with pytest.raises(Corrupt):
        list(the_pass(source).portions(60.0, b"no carry of it"))


def test_what_goes_on_is_told_when_more_was_watched(
    source: Path, undisturbed: list[Portion]
) -> None:
    part = list(the_pass(source, CLIPS[:6], until=60.0, whole=False).portions(0.0, b""))
    assert {r.text for r in records(part)} == {"car"}  # the dog and the bicycle go on
    rest = list(the_pass(source).portions(part[-1].until, part[-1].carry))
    assert records([*part, *rest]) == records(undisturbed)


def test_a_cut_ends_tracks_if_the_picture_is_another(tmp_path: Path) -> None:
    path = moving((0.5, 0.5), (0.0, 0.0), 0.0, 20.0)
    new = moving((0.2, 0.5), (0.0, 0.0), 12.0, 20.0)

    def through(cuts: list[float], ground: int) -> list[tuple[str, float, float]]:
        things = [Thing("car", "red", path), Thing("dog", "brown", new)]
        clips = [clip(0, 0.0, 10.0), clip(1, 10.0, 20.0, cuts=cuts)]
        drawn = film(tmp_path / "cut.mp4", [(things, 12.0, 128), (things, 8.0, ground)], fps=2)
        made = records(list(the_pass(drawn, clips, until=20.0).portions(0.0, b"")))
        return [(r.text, r.span.start, r.span.end) for r in made]

    dog, whole = ("dog", 12.0, 19.0), ("car", 0.0, 19.0)
    assert through([12.0], 225) == [("car", 0.0, 11.0), ("car", 12.0, 19.0), dog]
    assert through([], 225) == [whole, dog]  # off: the tracker is not told of the cut
    assert through([12.0], 128) == [whole, dog]  # only a dog stepped in


def test_still_clips_cost_few_looks() -> None:
    still = [clip(0, 0.0, 10.0, still=True, frames=[0.0, 2.0]),
             clip(1, 10.0, 20.4, still=True, same_as="c0"),
             clip(2, 20.4, 23.0, still=False, same_as="c0")]  # fmt: skip
    assert sample_times(still) == [0.0, 2.0, 5.0, 9.0, 20.0, 21.0, 22.0]
    moving_all = [replace(one, data={}) for one in still]
    assert len(sample_times(moving_all)) == 23


def test_a_thing_that_stays_through_still_clips_is_one_track(tmp_path: Path) -> None:
    path = moving((0.5, 0.5), (0.0, 0.0), 0.0, 30.0)
    drawn = film(tmp_path / "still.mp4", [([Thing("dog", "brown", path)], 30.0, 128)], fps=2)
    clips = [clip(n, 10.0 * n, 10.0 * n + 10, still=True, frames=[0.0][n:],
                  **({"same_as": "c0"} if n else {})) for n in range(3)]  # fmt: skip
    eyes = BlobDetector(NAMES)
    made = records(list(the_pass(drawn, clips, until=30.0, eyes=eyes).portions(0.0, b"")))
    assert [(r.span.start, r.span.end) for r in made] == [(0.0, 29.0)]
    assert eyes.seen == 5


def test_sound_alone_has_no_things(source: Path) -> None:
    deaf = replace(VIDEO, media={"has_video": False})
    made = ObjectsPass(deaf, source, CLIPS, BlobDetector(NAMES), until=LENGTH)
    assert list(made.portions(0.0, b"")) == []


def test_only_the_labels_asked_for(source: Path) -> None:
    made = records(list(the_pass(source, CLIPS[:6], until=60.0, labels=["dog"]).portions(0.0, b"")))
    assert {r.text for r in made} == {"dog"}


# -- from the file to the answer -----------------------------------------------------------


@dataclass
class Models(FakeModels):
    """Fakes with a detector."""

    detector: Any = None

    def names(self) -> dict[str, str]:
        return {**super().names(), **({"detector": self.detector.name} if self.detector else {})}


@pytest.fixture(scope="module")
def watched(source: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Models, Video]:
    """The film watched by `Library.ingest`, with a detector that looks at pixels."""
    path = tmp_path_factory.mktemp("watched") / "test.longtake"
    models = Models(detector=BlobDetector(NAMES))
    settings = load_settings(library=path, profile="offline")
    with Library(settings, models=models) as library:  # type: ignore[arg-type]
        video = library.ingest(source, quick=False)
    return path, models, video


@pytest.fixture
def library(watched: tuple[Path, Models, Video]) -> Iterator[Library]:
    path, models, _ = watched
    with Library(load_settings(library=path, profile="offline"), models=models) as made:  # type: ignore[arg-type]
        yield made


def test_a_watched_film_has_its_things_in_the_table(
    library: Library, watched: tuple[Path, Models, Video]
) -> None:
    video = watched[2]
    table = library.toolbox.objects(video.id)
    told = [(t.label, t.span.start) for t in table.tracks]
    assert told == [("car", 0.0), ("dog", 20.0), ("bicycle", 55.0), ("car", 100.0), ("car", 110.0)]
    progress = library.store.progress(video.id, "objects")
    assert progress is not None
    assert progress.finished
    assert TOOLS["objects"].doc.endswith(".")
    assert TOOLS["objects"].schema()["parameters"]["type"] == "object"
    made = library.toolbox.call("objects", video=video.id, label="cars", at=120)
    json.dumps(made)
    assert [p["where"] for p in made["places"]] == ["at the top left", "at the top right"]
    assert made["count"] == 2
    held = library.toolbox.call("objects", video=video.id, at=60, box=[0.5, 0.45, 0.7, 0.75])
    assert [p["label"] for p in held["places"]] == ["dog"]
    with pytest.raises(UsageError, match="at"):
        library.toolbox.call("objects", video=video.id, box=[0, 0, 1, 1])


def run(path: Path, *args: str) -> Any:
    made = CliRunner(env={"LONGTAKE_LIBRARY": str(path)}).invoke(cli, list(args))
    assert made.exit_code == 0, made.output
    return made.stdout


def test_the_program_lists_things_and_tells_where_they_were(
    watched: tuple[Path, Models, Video],
) -> None:
    path, _, video = watched
    every = run(path, "objects", video.id)
    assert "Found: car (2), bicycle (1), dog (1)." in every
    cars = run(path, "objects", video.id, "cars")
    assert "dog" not in cars
    assert "First seen at 00:00:00, last at 00:02:29; 2 in all, at most 2 at once" in cars
    data = json.loads(run(path, "objects", video.id, "dog", "--at", "0:40", "--json"))["data"]
    (place,) = data["places"]
    assert place["box"] == pytest.approx(box_at(0.4, 0.58), abs=0.05)
    there = run(path, "objects", video.id, "--at", "1:00", "--box", "0.5,0.4,0.7,0.72")
    assert "dog" in there
    assert "bicycle" not in there
    gone = run(path, "objects", video.id, "dog", "--at", "2:00")
    assert "Nothing of the kind was seen at 00:02:00." in gone
    assert "The nearest: dog" in gone
    assert "No 'giraffe' was found. Found were: car (2)" in run(
        path, "objects", video.id, "giraffe"
    )


def test_wrong_boxes_times_and_videos_without_things_are_told(
    watched: tuple[Path, Models, Video], tmp_path: Path, source: Path
) -> None:
    path, models, video = watched
    runner = CliRunner(env={"LONGTAKE_LIBRARY": str(path)})
    for box in ("1,2,3", "0.5,0.5,0.1,0.9", "a,b,c,d", "0,0,2,1"):
        assert runner.invoke(cli, ["objects", video.id, "--at", "5", "--box", box]).exit_code == 2
    assert runner.invoke(cli, ["objects", video.id, "--box", "0,0,1,1"]).exit_code == 2
    assert runner.invoke(cli, ["objects", video.id, "--at", "1:00:00"]).exit_code == 5
    blind = load_settings(library=tmp_path / "blind.longtake", profile="offline")
    with Library(blind, models=replace(models, detector=None)) as library:  # type: ignore[arg-type]
        other = library.ingest(source, quick=False, until=20.0)
        with pytest.raises(NotFound, match="no things were looked for") as caught:
            library.toolbox.call("objects", video=other.id)
        assert "--redo objects" in str(caught.value.fix)


def test_boxes_of_a_track_are_in_order(undisturbed: list[Portion]) -> None:
    for one in records(undisturbed):
        assert all(a[0] < b[0] for a, b in pairwise(one.data["boxes"]))
        assert all(0 <= v <= 1 for row in one.data["boxes"] for v in row[1:])


def test_a_detector_that_fails_leaves_the_rest_and_goes_on_later(
    tmp_path: Path, source: Path
) -> None:
    @dataclass
    class Failing(BlobDetector):
        """Fails after some frames."""

        most: int = 70

        def __post_init__(self) -> None:
            super().__init__(NAMES)

        def detect(
            self, images: Sequence[Image], labels: Sequence[str] | None = None
        ) -> list[list[Detection]]:
            if self.seen + len(images) > self.most:
                raise BackendError("the eyes are shut", fix="open them")
            return super().detect(images, labels)

    settings = load_settings(library=tmp_path / "torn.longtake", profile="offline")
    eyes = Failing()
    with Library(settings, models=Models(detector=eyes)) as library:  # type: ignore[arg-type]
        with pytest.raises(PartlyDone, match="the eyes are shut") as caught:
            library.ingest(source, quick=False)
        assert "--redo objects" in str(caught.value.fix)
        video = library.videos()[0]
        deep, begun = (library.store.progress(video.id, name) for name in ("deep", "objects"))
        assert deep is not None
        assert begun is not None
        assert (deep.finished, begun.finished, begun.done > 0) == (True, False, True)
        assert not library.toolbox.objects(video.id).whole
    eyes.most = 10_000
    with Library(settings, models=Models(detector=eyes)) as library:  # type: ignore[arg-type]
        library.ingest(source, quick=False)
        table = library.toolbox.objects(video.id)
        assert table.whole
        assert table.labels() == {"car": 2, "bicycle": 1, "dog": 1}
