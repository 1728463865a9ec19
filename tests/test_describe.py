"""The captions pass: which frames are shown, in which order, what is asked once only."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longtake.errors import Unreachable
from longtake.models.protocols import Asked
from longtake.models.vision import prompts
from longtake.models.vision.captioner import Describer
from longtake.models.vision.used import Used
from longtake.perception import describe
from longtake.perception.describe import Captions, key_times
from longtake.perception.frames import frames_at
from longtake.perception.later import Portion, later_id
from longtake.storage.records import Record, Video, record_id
from longtake.timecode import Span
from tests.fakes import COLOURS
from tests.media import Scene, draw_video, read_number

FPS = 4
COLOUR_OF = {0: "red", 10: "green", 20: "green", 30: "blue", 40: "white", 50: "black", 60: "red"}
"""What the film shows from each second on, for ten seconds; the second green repeats the first."""
SCENES = ((0, 40), (40, 60), (60, 70))


class Eyes:
    """A vision model that names the colour of each picture; `asked` keeps what it was shown."""

    def __init__(self, name: str = "eyes@1", *, fail_after: int = 99) -> None:
        self.name = name
        self.asked: list[tuple[tuple[int | None, ...], str]] = []
        self.batches: list[int] = []
        self.fail_after = fail_after
        self.used = Used()

    @property
    def cost(self) -> float:
        return self.used.cost(1e6, 2e6)

    def write(self, asked: Sequence[Asked], *, max_tokens: int) -> list[str]:
        if len(self.batches) >= self.fail_after:
            raise Unreachable("the endpoint does not answer")
        self.batches.append(len(asked))
        self.asked += [(tuple(map(read_number, one.images)), one.text) for one in asked]
        for one in asked:
            self.used.add(len(one.images), 100, 10)
        return [self._reply(one) for one in asked]

    def _reply(self, one: Asked) -> str:
        if not one.images:
            lines = [line for line in one.text.splitlines() if line[:1].isdigit()]
            return f"In all {len(lines)} things are seen."
        seen = [_colour(image) for image in one.images]
        return f"A wall in {' then '.join(seen)}.\nPLACE: here\nOBJECTS: {seen[-1]} wall"


def _colour(image: Any) -> str:
    middle = image[image.shape[0] // 2, image.shape[1] // 2].astype(int)
    away = {name: np.abs(middle - np.array(rgb)).sum() for name, rgb in COLOURS.items()}
    return min(away, key=lambda name: away[name])


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    scenes = [Scene(10.0, COLOURS[name]) for name in COLOUR_OF.values()]
    return draw_video(tmp_path_factory.mktemp("film") / "film.mp4", scenes, fps=FPS)


VIDEO = Video("v1", 1, "f" * 64, "film.mp4", "film.mp4", 70.0, {"has_video": True})


def _record(level: Any, low: float, high: float, **data: Any) -> Record:
    name = record_id(1, low, level, "caption")
    span = Span(low, high)
    return Record(name, "v1", level, "caption", span, high + 5, "…", "composed", (), data)


def clips() -> list[Record]:
    rows = [_record("clip", t, t + 10.0, frames=[float(t)]) for t in COLOUR_OF]
    return [replace(r, data={"frames": [], "same_as": rows[1].id}) if n == 2 else r
            for n, r in enumerate(rows)]  # fmt: skip


def scenes() -> list[Record]:
    return [_record("scene", float(low), float(high)) for low, high in SCENES]


class Kept:
    """A cache in memory."""

    def __init__(self) -> None:
        self.rows: dict[str, bytes] = {}

    @property
    def pair(self) -> tuple[Callable[[str], bytes | None], Callable[[str, bytes], None]]:
        return self.rows.get, self.rows.__setitem__


def captions(film: Path, eyes: Eyes, kept: Kept | None = None, **more: Any) -> Captions:
    given: dict[str, Any] = {"clips": clips(), "scenes": scenes()} | more
    rows, lanes = given.pop("clips"), given.pop("scenes")
    return Captions(VIDEO, film, rows, lanes, Describer(eyes), (kept or Kept()).pair, **given)


def run(one: Captions, begin: float = 0.0) -> list[Portion]:
    return list(one.portions(begin, b""))


def records(portions: Sequence[Portion]) -> list[Record]:
    return [record for portion in portions for record in portion.records]


def test_captions_of_clips_and_of_scenes(film: Path) -> None:
    made = run(captions(film, Eyes()))
    told = {(r.data["of"], r.span.start): r for r in records(made)}
    assert sorted(told) == [
        ("clip", 0.0), ("clip", 10.0), ("clip", 30.0), ("clip", 40.0), ("clip", 50.0),
        ("clip", 60.0), ("scene", 0.0), ("scene", 40.0),
    ]  # fmt: skip
    first, second = told["clip", 0.0], told["clip", 10.0]
    assert first.text == "A wall in red."
    assert first.data == {"of": "clip", "facts": {"PLACE": "here", "OBJECTS": "red wall"}, "frames": [0.0],
                          "before": None}  # fmt: skip
    assert second.text == "A wall in red then green."
    assert second.data["before"] == first.id
    assert {r.maker for r in records(made)} == {"captions:eyes@1"}
    assert {(r.level, r.channel) for r in records(made)} == {("moment", "caption")}
    assert first.parents == (clips()[0].id,)
    assert first.known_at == clips()[0].known_at
    whole = told["scene", 0.0]
    assert (whole.text, whole.span) == ("In all 3 things are seen.", Span(0.0, 40.0))
    assert whole.parents == tuple(told["clip", t].id for t in (0.0, 10.0, 30.0))
    assert whole.known_at >= 45.0
    assert len({r.id for r in records(made)}) == 8


def test_a_clip_is_shown_after_the_last_frame_before_it_of_its_scene(film: Path) -> None:
    eyes = Eyes()
    run(captions(film, eyes))
    shown = {frames: text for frames, text in eyes.asked if frames}
    assert set(shown) == {(0,), (0, 40), (40, 120), (160,), (160, 200), (240,)}
    assert "A wall in red." in shown[0, 40]
    assert "A wall in red then green." in shown[40, 120]
    assert prompts.PLAIN in shown[160,]  # a new scene goes on from nothing
    assert "In all" not in " ".join(shown.values())


def test_what_repeats_is_not_asked_again_and_its_caption_stands(film: Path) -> None:
    eyes, all_new = Eyes(), Eyes()
    made = records(run(captions(film, eyes)))
    assert next(r for r in made if r.span.start == 10.0).span == Span(10.0, 30.0)
    assert not any(120 > n >= 80 for frames, _ in eyes.asked for n in frames if n is not None)
    fresh = [replace(clip, data={"frames": [clip.span.start]}) for clip in clips()]
    run(captions(film, all_new, clips=fresh))
    assert len(all_new.asked) == len(eyes.asked) + 1


def test_a_scene_that_only_repeats_costs_nothing(film: Path) -> None:
    rows = clips()
    same = [replace(r, data={"frames": [], "same_as": rows[0].id}) for r in rows[4:6]]
    eyes = Eyes()
    made = run(captions(film, eyes, clips=[*rows[:4], *same, rows[6]]))
    assert not [r for r in records(made) if 40.0 <= r.span.start < 60.0]
    assert not any(160 <= n < 240 for frames, _ in eyes.asked for n in frames if n is not None)


def test_scenes_run_side_by_side_and_say_the_same_one_by_one(film: Path) -> None:
    many, one = Eyes(), Eyes()
    together = run(captions(film, many))
    apart = run(captions(film, one, side_by_side=1))
    assert many.batches == [3, 2, 1, 2]  # three scenes at first; then their summaries
    assert max(one.batches) == 1
    assert sorted(records(together), key=lambda r: r.id) == sorted(
        records(apart), key=lambda r: r.id
    )
    assert [p.until for p in together] == [70.0]
    assert [p.until for p in apart] == [40.0, 60.0, 70.0]


def test_many_frames_are_not_held_at_once(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(describe, "FRAMES_AT_ONCE", 4)
    assert [p.until for p in run(captions(film, Eyes()))] == [40.0, 70.0]


def test_it_goes_on_after_any_portion(film: Path) -> None:
    whole = run(captions(film, Eyes(), side_by_side=1))
    for n, portion in enumerate(whole, start=1):
        assert run(captions(film, Eyes(), side_by_side=1), portion.until) == whole[n:]


def test_what_was_answered_is_not_asked_again(film: Path) -> None:
    kept, first, again = Kept(), Eyes(), Eyes()
    made = run(captions(film, first, kept))
    repeated = run(captions(film, again, kept))
    assert repeated == made
    assert json.dumps([r.data for r in records(repeated)]) == json.dumps(
        [r.data for r in records(made)]
    )
    assert again.asked == []
    off = Eyes()
    run(captions(film, off, Kept()))
    assert len(off.asked) == len(first.asked) == 8


def test_a_pass_that_broke_repeats_only_what_was_not_answered(film: Path) -> None:
    kept, broken, rest, whole = Kept(), Eyes(fail_after=2), Eyes(), Eyes()
    with pytest.raises(Unreachable):
        run(captions(film, broken, kept))
    made = run(captions(film, rest, kept))
    assert made == run(captions(film, whole))
    assert sorted([*broken.asked, *rest.asked]) == sorted(whole.asked)


@pytest.mark.parametrize("change", ["model", "prompts", "pixels", "before"])
def test_another_question_is_asked(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    kept = Kept()
    run(captions(film, Eyes(), kept))
    eyes = Eyes("eyes@2" if change == "model" else "eyes@1")
    if change == "prompts":
        monkeypatch.setattr(prompts, "VERSION", "other")
    if change == "pixels":
        other = [Scene(10.0, COLOURS["pink"]) for _ in COLOUR_OF]
        film = draw_video(tmp_path / "other.mp4", other, fps=FPS)
    if change == "before":  # one scene of all: the wall at 40 s goes on from the one at 30 s
        run(captions(film, eyes, kept, scenes=[_record("scene", 0.0, 70.0)]))
        assert [frames for frames, _ in eyes.asked] == [(120, 160), (160, 200), (200, 240), ()]
        return
    run(captions(film, eyes, kept))
    assert len(eyes.asked) == 8


def test_damaged_answers_are_asked_for_again(film: Path) -> None:
    kept, eyes = Kept(), Eyes()
    run(captions(film, Eyes(), kept))
    for key, blob in zip(list(kept.rows), (b"{", b"[1]", b"\xff", b'["a"]'), strict=False):
        kept.rows[key] = blob
    run(captions(film, eyes, kept))
    assert len(eyes.asked) == 4


def test_nothing_changed_is_no_caption_and_the_next_goes_on_from_the_last(film: Path) -> None:
    class Bored(Eyes):
        def _reply(self, one: Asked) -> str:
            same = read_number(one.images[-1]) == 40 if one.images else False
            return prompts.NOTHING_NEW if same else super()._reply(one)

    eyes = Bored()
    made = records(run(captions(film, eyes)))
    assert [r.span.start for r in made if r.data["of"] == "clip"][:2] == [0.0, 30.0]
    assert (0, 120) in [frames for frames, _ in eyes.asked]
    assert next(r for r in made if r.span.start == 30.0).data["before"] == made[0].id


def test_what_was_spent_is_counted_from_where_the_pass_began(film: Path) -> None:
    kept, eyes = Kept(), Eyes()
    first = captions(film, eyes, kept)
    assert set(first.spent().values()) == {0}
    run(first)
    assert first.spent() == {
        "calls": 8, "images": 9, "tokens_read": 800, "tokens_written": 80, "cost": 960.0,
    }  # fmt: skip
    again = captions(film, eyes, kept)
    run(again)
    assert set(again.spent().values()) == {0}
    del eyes.used
    assert captions(film, eyes, kept).spent() == {}


def test_clips_beyond_the_last_closed_scene_wait(film: Path) -> None:
    made = run(captions(film, Eyes(), scenes=scenes()[:1]))
    assert [p.until for p in made] == [40.0]
    assert max(r.span.start for r in records(made)) == 30.0


def test_sound_alone_has_no_captions(film: Path) -> None:
    video = replace(VIDEO, media={"has_video": False})
    one = Captions(video, film, clips(), scenes(), Describer(Eyes()), Kept().pair)
    assert run(one) == []


def clip(low: float, high: float, **data: Any) -> Record:
    return _record("clip", low, high, **data)


@pytest.mark.parametrize(
    ("given", "most", "times"),
    [
        (clip(0, 10, frames=[0.0, 3.0, 9.0]), 4, [0.0, 3.0, 9.0]),
        (clip(0, 10, frames=[0.0, 1.0, 2.0, 9.0]), 2, [0.0, 9.0]),
        (clip(0, 10, frames=[0.0, 1.0, 2.0, 3.0], cuts=[2.5]), 2, [0.0, 3.0]),
        (clip(0, 10, frames=[0.0, 2.0, 4.0, 6.0, 8.0], cuts=[1.5, 3.5, 5.5, 7.5]), 3, [0.0, 4.0, 8.0]),
        (clip(10.4, 20.2), 4, [15.0]),
        (clip(10.4, 11.2), 4, [11.0]),
        (clip(0, 10, frames=[4.0, 44.0]), 4, [4.0]),
    ],
)  # fmt: skip
def test_key_frames(given: Record, most: int, times: list[float]) -> None:
    assert key_times(given, most) == times
    assert key_times(given, 1) == times[:1] or len(times) > 1


def test_frames_by_the_second_are_the_ones_on_display(film: Path) -> None:
    found = list(frames_at(film, [60.0, 2.0, 3.0, 41.0, 999.0]))
    assert [(time, read_number(image)) for time, image in found] == [
        (2.0, 8), (3.0, 12), (41.0, 164), (60.0, 240),
    ]  # fmt: skip
    small = next(image for _, image in frames_at(film, [2.0], max_side=64))
    assert max(small.shape) == 64


def test_ids_are_those_of_the_pass(film: Path) -> None:
    made = records(run(captions(film, Eyes())))
    assert made[0].id == later_id("captions", VIDEO, 0.0, "caption")
    assert json.dumps([r.data for r in made])  # all of it is JSON


def test_key_frames_that_look_the_same_are_shown_once(
    film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def still(source: Path, times: Sequence[int], **_: Any) -> Iterator[tuple[float, Any]]:
        """Red until the sixth second, then blue."""
        for time in sorted(times):
            yield (
                float(time),
                np.full((90, 160, 3), COLOURS["red" if time < 6 else "blue"], np.uint8),
            )

    monkeypatch.setattr("longtake.perception.describe.frames_at", still)
    rows = [replace(clips()[0], data={"frames": [1.0, 3.0, 5.0, 8.0]})]
    eyes, every = Eyes(), Eyes()
    (portion,) = run(captions(film, eyes, clips=rows, scenes=scenes()[:1]))
    assert [len(pictures) for pictures, _ in eyes.asked] == [2]
    assert portion.records[0].data["frames"] == [1.0, 8.0]
    monkeypatch.setattr("longtake.perception.describe.distinct", lambda images: range(len(images)))
    run(captions(film, every, clips=rows, scenes=scenes()[:1]))
    assert [len(pictures) for pictures, _ in every.asked] == [4]
