"""The deep pass over drawn videos: chunks, resuming, missing channels, the quick and second look."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longtake.errors import Corrupt, MissingModel
from longtake.models.protocols import Image
from longtake.perception.look import look
from longtake.perception.pipeline import perceive
from longtake.perception.skim import skim
from longtake.storage.records import Chunk, Record, Video
from longtake.timecode import Span
from tests.fakes import FakeModels, FakeReader, FakeTranscriber, fake_models, tone
from tests.media import Scene, draw_sound, draw_video, read_blocks

TONES = {400.0: "welcome to the lecture", 600.0: "here is the second part",
         800.0: "this sentence runs across a border", 1000.0: "goodbye"}  # fmt: skip
SPOKEN = ((1.0, 3.0, 400.0), (14.0, 3.0, 600.0), (28.6, 3.0, 800.0), (60.0, 2.0, 1000.0))
SCENES = (
    Scene(11, "white", "alpha beta"),
    Scene(22, "blue", "gamma", moving=True),
    Scene(19, "white", "delta\nepsilon"),
    Scene(14, "red", "zeta"),
)
VIDEO = Video("v0000000000", 1, "f", "v.mp4", "v", 66.0)


def reader() -> FakeReader:
    def lines(image: Image) -> list[str]:
        return [line for line in read_blocks(image).split("\n") if line]

    return FakeReader(lines)


def models(**more: Any) -> FakeModels:
    given: dict[str, Any] = {"text_reader": reader(), "transcriber": FakeTranscriber(tones=TONES)}
    return fake_models(**(given | more))


@pytest.fixture(scope="session")
def lecture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rate = 16_000
    sound = np.zeros(66 * rate, np.float32)
    for start, length, hertz in SPOKEN:
        sound[round(start * rate) :][: round(length * rate)] = tone(hertz, length, rate)
    path = tmp_path_factory.mktemp("media") / "lecture.mp4"
    return Path(draw_video(path, SCENES, fps=10, size=(320, 180), sound=sound, rate=rate))


def run(path: Path, given: Any = None, **more: Any) -> list[Chunk]:
    settings: dict[str, Any] = {"chunk_seconds": 10.0, **more}
    return list(perceive(path, VIDEO, given or models(), **settings))


def merged(chunks: list[Chunk]) -> dict[str, Record]:
    return {record.id: record for chunk in chunks for record in chunk.records}


def same(a: list[Chunk], b: list[Chunk]) -> None:
    assert [chunk.span for chunk in a] == [chunk.span for chunk in b]
    for one, two in zip(a, b, strict=True):
        assert one.records == two.records
        assert one.boundaries == two.boundaries
        assert one.thumbs == two.thumbs
        assert one.carry == two.carry
        assert [(v.record, v.facet, v.known_at, v.vector.tobytes()) for v in one.vectors] == [
            (v.record, v.facet, v.known_at, v.vector.tobytes()) for v in two.vectors
        ]


@pytest.fixture(scope="session")
def chunks(lecture: Path) -> list[Chunk]:
    return run(lecture)


def of(chunks: list[Chunk], level: str, channel: str) -> list[Record]:
    found = [r for r in merged(chunks).values() if (r.level, r.channel) == (level, channel)]
    return sorted(found, key=lambda record: (record.span, record.id))


def test_chunks_cover_the_video_without_gap(chunks: list[Chunk]) -> None:
    assert len(chunks) >= 3
    assert chunks[0].span.start == 0.0
    assert all(a.span.end == b.span.start for a, b in itertools.pairwise(chunks))
    assert chunks[-1].span.end == pytest.approx(66.0, abs=0.3)
    assert [chunk.last for chunk in chunks] == [False] * (len(chunks) - 1) + [True]


def test_clips_lie_end_to_end_and_snap_to_cuts(chunks: list[Chunk]) -> None:
    clips = of(chunks, "clip", "caption")
    assert all(a.span.end == b.span.start for a, b in itertools.pairwise(clips))
    ends = {round(clip.span.end, 1) for clip in clips}
    assert {11.0, 33.0, 52.0} <= ends
    assert all(clip.known_at >= clip.span.end for clip in clips)
    cuts = {round(time, 1) for chunk in chunks for time, _ in chunk.boundaries}
    assert {11.0, 33.0, 52.0} <= cuts


def test_words_are_in_their_clips(chunks: list[Chunk]) -> None:
    said = of(chunks, "moment", "speech")
    assert [record.text for record in said] == list(TONES.values())
    for record, (start, length, _) in zip(said, SPOKEN, strict=True):
        assert record.span.start == pytest.approx(start, abs=0.15)
        assert record.span.end == pytest.approx(start + length, abs=0.15)
    clips = of(chunks, "clip", "caption")
    assert " ".join(clip.data["speech"] for clip in clips if clip.data["speech"]) == " ".join(
        TONES.values()
    )


def test_screen_lines_have_their_spans(chunks: list[Chunk]) -> None:
    spans = {r.text: (r.span.start, r.span.end) for r in of(chunks, "moment", "screen")}
    truth = {"alpha beta": (0, 11), "gamma": (11, 33), "delta": (33, 52), "epsilon": (33, 52),
             "zeta": (52, 66)}  # fmt: skip
    assert spans.keys() == truth.keys()
    for text, (start, end) in truth.items():
        assert spans[text] == (pytest.approx(start, abs=1.0), pytest.approx(end, abs=1.5)), text


def test_reading_is_saved(lecture: Path) -> None:
    given = models()
    run(lecture, given)
    assert given.text_reader.calls <= 12, "66 frames, 4 states"


def test_taken_up_from_any_chunk_the_rest_is_the_same(lecture: Path, chunks: list[Chunk]) -> None:
    for at in range(len(chunks) - 1):
        again = run(lecture, carry=chunks[at].carry, start=chunks[at].span.end)
        same(again, chunks[at + 1 :])


def test_without_the_carry_it_is_not_the_same(lecture: Path, chunks: list[Chunk]) -> None:
    bare = run(lecture, start=chunks[0].span.end)
    assert merged(bare).values() != merged(chunks[1:]).values()
    assert [r.text for r in of(bare, "moment", "screen")] != None
    first = of(bare, "moment", "screen")[0]
    known = {r.id for r in of(chunks, "moment", "screen")}
    assert first.id not in known, "a line that runs on begins anew without the state"


def test_twice_is_the_same(lecture: Path, chunks: list[Chunk]) -> None:
    same(run(lecture), chunks)


def test_stopping_ends_the_thread_and_loses_no_chunk(lecture: Path, chunks: list[Chunk]) -> None:
    calls = iter(range(100))
    done = run(lecture, stop=lambda: next(calls) >= 4)
    same(done, chunks[: len(done)])
    assert len(done) < len(chunks)
    stream = perceive(lecture, VIDEO, models(), chunk_seconds=10.0)
    next(stream)
    stream.close()
    assert not [t for t in threading.enumerate() if t.name == "longtake-decode"]


def test_a_part_of_a_video(lecture: Path) -> None:
    part = run(lecture, start=12.0, until=32.0)
    assert part[0].span.start == 12.0
    assert part[-1].span.end == pytest.approx(32.0, abs=0.01)
    assert not part[-1].last, "the file goes on"


def test_a_carry_that_is_none_is_refused(lecture: Path) -> None:
    with pytest.raises(Corrupt):
        run(lecture, carry=b"not a carry")


@dataclass
class Lacking:
    """Models without one of them."""

    lacks: str

    def __getattr__(self, name: str) -> Any:
        if name == self.lacks:
            raise MissingModel(f"{name} is not here", fix="longtake models pull")
        return getattr(models(), name)


@pytest.mark.parametrize(
    ("lacks", "channel"),
    [("transcriber", "speech"), ("text_reader", "screen"), ("image_tagger", "sight")],
)
def test_a_missing_model_costs_its_channel_only(lecture: Path, lacks: str, channel: str) -> None:
    warnings: list[str] = []
    found = run(lecture, Lacking(lacks), warnings=warnings, until=30.0)
    assert len(warnings) == 1
    assert "longtake models pull" in warnings[0]
    records = merged(found).values()
    kinds = {"speech", "screen", "caption"} - {channel}
    assert kinds <= {record.channel for record in records}
    if channel != "sight":
        assert channel not in {record.channel for record in records}
    else:
        assert not [v for chunk in found for v in chunk.vectors]


def test_sound_alone_and_pictures_alone(tmp_path: Path) -> None:
    rate = 16_000
    sound = np.concatenate([np.zeros(rate, np.float32), tone(400.0, 3.0, rate),
                            np.zeros(22 * rate, np.float32)])  # fmt: skip
    heard = run(Path(draw_sound(tmp_path / "talk.wav", sound, rate)))
    assert [r.text for r in of(heard, "moment", "speech")] == ["welcome to the lecture"]
    clips = of(heard, "clip", "caption")
    assert [clip.span for clip in clips][:2] == [Span(0.0, 10.0), Span(10.0, 20.0)]
    silent = draw_video(tmp_path / "mute.mp4", SCENES[:1], fps=10, size=(320, 180))
    seen = run(Path(silent))
    assert [r.text for r in of(seen, "moment", "screen")] == ["alpha beta"]
    assert seen[-1].last


def test_a_skim_covers_the_whole_first(lecture: Path) -> None:
    ticks = iter(range(100_000))
    found = list(skim(lecture, VIDEO, models(), budget_seconds=1e6, clock=lambda: next(ticks)))
    records = merged(found).values()
    assert all(record.maker.startswith("quick:") for record in records)
    assert {r.text for r in records if r.level == "moment"} == {
        "alpha beta", "gamma", "delta", "epsilon", "zeta",
    }  # fmt: skip
    first = [r.span.start for r in found[0].records if r.channel == "sight"]
    assert max(first) - min(first) > 33, "the first chunk reaches over half of the video"
    assert [chunk.last for chunk in found][-1]


def test_a_skim_without_time_still_ends(lecture: Path) -> None:
    found = list(skim(lecture, VIDEO, models(), budget_seconds=0.0))
    assert found[-1].last


def test_a_second_look_reads_closer(lecture: Path) -> None:
    given = models()
    found = look(lecture, VIDEO, Span(30.0, 36.0), given, fps=2.0)
    texts = {line.text: line for line in found.lines}
    assert {"gamma", "delta", "epsilon"} <= texts.keys()
    assert texts["gamma"].end == pytest.approx(33.0, abs=0.6)
    assert texts["delta"].start == pytest.approx(33.0, abs=0.6)
    assert len(found.frames) == 12
    assert found.cost["frames"] == 12
    assert {tag.label for tag in found.tags} >= {"white", "blue"}
    assert found == look(lecture, VIDEO, Span(30.0, 36.0), models(), fps=2.0)
    plain = look(lecture, VIDEO, Span(30.0, 36.0), models(), fps=2.0, closer=False)
    assert plain.cost["tagged"] < found.cost["tagged"]
