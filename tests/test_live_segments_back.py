"""Going back to a folder of segments: looks, frames, cuts, later passes; and what is no longer kept."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from longtake.agent.agent import Agent
from longtake.agent.state import Switches
from longtake.errors import NoSuchMoment, SourceGone, UsageError
from longtake.perception.cut import cut_clip
from longtake.perception.decode import Decoder, Picture, Sound
from longtake.perception.frames import frame_at, frames_at, frames_in
from longtake.perception.media import probe
from longtake.perception.objects import Frames
from longtake.perception.segments import SegmentFolder, parts
from longtake.perception.turns import Speakers, sound_of
from longtake.storage.records import Record, Video
from longtake.timecode import Span
from tests.fakes import tone
from tests.ladder_world import NAMES, SECTION, SHORT, Film, film, scenes
from tests.media import Scene, Track, beeps, draw_sound, draw_video, onsets, read_blocks
from tests.test_live_segments import RATE, about, draw, name_of, page
from tests.test_live_segments_kept import library

ASKED = "What is written on the crate in the kitchen?"


def sections() -> list[list[Scene]]:
    """The film's scenes, by the minute."""
    found: list[list[Scene]] = [[]]
    for scene in scenes():
        if sum(one.seconds for one in found[-1]) >= SECTION:
            found.append([])
        found[-1].append(scene)
    return found


@pytest.fixture(scope="module")
def taped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The film as a recording of one segment a minute."""
    folder = tmp_path_factory.mktemp("taped")
    for number, part in enumerate(sections()):
        path = folder / f"{number * 60_000:012d}.mkv"
        draw_video(path, part, fps=4.0, size=(192, 108), gop=16, numbered=False)
    about(folder, edge=SECTION * len(NAMES), name="camera")
    return folder


@pytest.fixture
def world(taped: Path, tmp_path: Path) -> Iterator[Film]:
    place = tmp_path / "camera"
    place.mkdir()
    for one in taped.iterdir():
        (place / one.name).write_bytes(one.read_bytes())
    made = film(tmp_path, path=place)
    yield made
    made.store.close()


def asked(world: Film, **off: Any) -> Any:
    agent = Agent(world.toolbox, None, None, switches=Switches(**off))
    return agent.ask(ASKED, videos=[world.video])


def test_a_look_reads_the_segment_and_is_declined_when_that_is_gone(world: Film) -> None:
    answer = asked(world)
    assert answer.status == "answered"
    assert SHORT in answer.text
    assert world.decoded > 0


def test_what_the_ring_let_go_of_is_declined_and_said(world: Film) -> None:
    for part in parts(world.path)[:4]:
        part.path.unlink()
    answer = asked(world)
    assert answer.status == "insufficient"
    assert SHORT not in answer.text
    assert "No finer look was possible: film.mp4 is kept from 00:04:00 on" in answer.text
    assert world.decoded == 0
    assert "finer look" not in asked(world, inspect=False).text
    span = Span(200.0, 210.0)
    assert not world.toolbox.looker.has_source(world.video, span)
    assert world.toolbox.looker.has_source(world.video, Span(250.0, 260.0))
    with pytest.raises(SourceGone, match="kept from 00:04:00"):
        world.toolbox.looker.inspect(world.video, span)


@pytest.fixture(scope="module", params=["own", "ts"])
def camera(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    for number in range(4):
        draw(folder / name_of(request.param, number), f"page {number}", gop=5)
    if request.param == "own":
        about(folder)
    return folder


def test_a_folder_is_probed_as_one_film(camera: Path) -> None:
    info = probe(camera)
    assert info.duration == pytest.approx(20.0, abs=0.2)
    assert (info.width, info.height) == (160, 90)
    assert info.has_video
    assert info.has_audio
    assert info.size == sum(part.path.stat().st_size for part in parts(camera))


def test_frames_and_sound_across_a_border(camera: Path) -> None:
    shown = [read_blocks(image) for _, image in frames_in(camera, Span(4.0, 6.0), 1.0)]
    assert shown == ["page 0", "page 1"]
    far = [(time, read_blocks(image)) for time, image in frames_at(camera, [1.0, 12.0, 19.0])]
    assert far == [(1.0, "page 0"), (12.0, "page 2"), (19.0, "page 3")]
    heard = onsets(sound_of(camera, 4.0, 12.0), 16_000)
    assert heard == pytest.approx([2.0, 7.0], abs=0.1)
    with pytest.raises(NoSuchMoment, match="ends at 00:00:2"):
        frame_at(camera, 60.0)


@pytest.mark.parametrize("exact", [False, True])
def test_a_cut_within_a_segment_and_across_segments(
    camera: Path, exact: bool, tmp_path: Path
) -> None:
    one = cut_clip(camera, Span(11.0, 13.0), tmp_path / "one.mkv", exact=exact)
    slack = 0.2 if exact else 1.2  # a copy begins at the keyframe before
    assert probe(one).duration == pytest.approx(2.0, abs=slack)
    assert read_blocks(frame_at(one, 1.0)) == "page 2"
    both = cut_clip(camera, Span(8.0, 12.0), tmp_path / "both.mkv", exact=exact)
    assert probe(both).duration == pytest.approx(4.0, abs=slack)
    assert [read_blocks(frame_at(both, time)) for time in (0.5, 3.5)] == ["page 1", "page 2"]
    assert onsets(sound_of(both, 0.0, 6.0), 16_000) == pytest.approx([3.0], abs=slack)


def test_what_is_no_longer_kept_is_said_by_each_way_back(camera: Path, tmp_path: Path) -> None:
    place = tmp_path / "ring"
    place.mkdir()
    for one in camera.iterdir():
        (place / one.name).write_bytes(one.read_bytes())
    for part in parts(place)[:2]:
        part.path.unlink()
    for ask in (
        lambda: frame_at(place, 3.0),
        lambda: frames_in(place, Span(8.0, 12.0), 1.0),
        lambda: cut_clip(place, Span(8.0, 12.0), tmp_path / "c.mkv"),
        lambda: sound_of(place, 3.0, 4.0),
    ):
        with pytest.raises(SourceGone, match="kept from 00:00:10 on"):
            ask()
    assert [time for time, _ in frames_at(place, [1.0, 9.0, 12.0, 19.0])] == [12.0, 19.0]
    assert read_blocks(frame_at(place, 10.0)) == "page 2"


def test_pictures_and_sound_may_change_in_kind_between_segments(tmp_path: Path) -> None:
    kinds: list[dict[str, Any]] = [
        {"size": (320, 180)},
        {"size": (640, 360), "codec": "mpeg4", "sound": None, "tracks": [stereo()]},
        {"sound": None},
        {"size": (320, 180)},
    ]
    for number, kind in enumerate(kinds):
        draw(tmp_path / name_of("own", number), f"page {number}", **kind)
    draw_sound(
        tmp_path / name_of("own", 4).replace(".mkv", ".mka"), beeps(5, [1.0], rate=RATE), RATE
    )
    (tmp_path / name_of("own", 4).replace(".mkv", ".mka")).rename(tmp_path / name_of("own", 4))
    draw(tmp_path / name_of("own", 5), "page 5")
    about(tmp_path)
    items = list(Decoder(SegmentFolder(tmp_path, idle=0.2)))
    pictures = [item for item in items if isinstance(item, Picture) and item.full is not None]
    assert {item.full.shape[:2] for item in pictures if item.full is not None} == {
        (180, 320), (360, 640), (90, 160),
    }  # fmt: skip
    sounds = [item for item in items if isinstance(item, Sound)]
    assert {item.rate for item in sounds} == {16_000, 48_000}
    assert not [one for one in sounds if 10.2 < one.start < 15.0]
    assert not [one for one in pictures if 20.2 < one.time < 25.0]
    heard = onsets(sound_of(tmp_path, 0.0, 30.0), 16_000)
    assert heard == pytest.approx([1.0, 6.0, 16.0, 21.0, 26.0], abs=0.1)
    assert [page(tmp_path, time) for time in (2.0, 7.0, 12.0, 17.0, 27.0)] == [
        f"page {n}" for n in (0, 1, 2, 3, 5)
    ]  # fmt: skip
    with pytest.raises(UsageError, match="changes in kind"):
        cut_clip(tmp_path, Span(4.0, 6.0), tmp_path / "c.mp4")


def stereo() -> Track:
    return Track(beeps(5, [1.0], rate=48_000), rate=48_000, channels=2)


def test_what_changes_in_kind_is_watched_to_its_end(tmp_path: Path) -> None:
    place = tmp_path / "camera"
    place.mkdir()
    said = tone(400.0, 3.0, RATE)
    draw(place / name_of("own", 0), "harbour", sound=None)
    draw(place / name_of("own", 1), "orchestra", size=(320, 180), codec="mpeg4", sound=said)
    draw(place / name_of("own", 2), "mountain", sound=None)
    about(place)
    with library(tmp_path) as lib:
        video = lib.ingest(place, follow=0.2)
        assert [one.text for one in lib.transcript(video.id)] == ["welcome to the lecture"]
        pages = {r.text for r in lib.store.records(video=video.id, channel="screen", as_of=None)}
        assert {"harbour", "orchestra", "mountain"} <= pages


def test_later_passes_begin_where_the_ring_still_holds_something(tmp_path: Path) -> None:
    place = tmp_path / "ring"
    place.mkdir()
    for number in range(2, 4):
        draw(place / name_of("own", number), f"page {number}")
    about(place)
    assert next(time for time, _ in Frames(place, 0.0, 20.0).at(range(20))) == 10.0
    heard: list[Span] = []

    class Ears:
        name, same = "ears", 0.5

        def voices(self, samples: Any, spans: list[Span]) -> Any:
            heard.extend(spans)
            return np.ones((len(spans), 2), np.float32)

    said = [
        Record(str(n), "v", "moment", "speech", Span(n, n + 1.0), n + 1.0, "", "", (), {})
        for n in (3.0, 12.0)
    ]
    video = Video("v", 1, "f" * 64, str(place), "ring", 20.0, {})
    [portion] = Speakers(video, place, said, Ears(), 20.0).portions(0.0, b"")
    assert [one.span.start for one in portion.records if one.channel == "entity"] == [12.0]
    assert len(heard) == 1


def test_a_picture_that_is_gone_is_the_kept_thumbnail(tmp_path: Path) -> None:
    place = tmp_path / "camera"
    place.mkdir()
    for number in range(4):
        draw(place / name_of("own", number), f"page {number}")
    about(place)
    with library(tmp_path) as lib:
        video = lib.ingest(place, follow=0.2)
        lib.close()
        whole = lib.toolbox.looker.frame(video, 3.0)
        for part in parts(place)[:2]:
            part.path.unlink()
        kept = lib.toolbox.looker.frame(video, 3.0)
        assert kept != whole
        with Image.open(io.BytesIO(kept)) as picture:
            assert read_blocks(np.asarray(picture.convert("RGB"))) == "page 0"
