"""Screen text over time: read seldom, each line once, with the span for which it was there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image as Pictures
from PIL import ImageDraw, ImageFont

from longtake.models.protocols import TextLine
from longtake.perception.channels import Channels
from longtake.perception.edges import TextWatch, edge_map
from longtake.perception.lines import readable, similarity
from longtake.perception.screen import Screen
from longtake.perception.shots import ShotTrack
from longtake.perception.worker import Eye, Seen
from longtake.storage.records import Record, Video
from longtake.timecode import Span
from tests.fakes import FakeReader, FakeTagger

SIZE = (640, 360)
FULL = (0.0, 0.0, 1.0, 1.0)
VIDEO = Video("v0000000000", 1, "f", "v.mp4", "v", 600.0)


@dataclass(frozen=True)
class Ink:
    """A line of text, drawn in an ink of its own so that the fake reader knows it."""

    text: str
    row: int
    start: float = 0.0
    end: float = 1e9
    left: int = 40

    @property
    def colour(self) -> tuple[int, int, int]:
        code = sum(ord(c) * (i + 7) for i, c in enumerate(self.text))
        return (30 + code % 8 * 20, (code // 8) % 8 * 20, 40 + (code // 64) % 6 * 20)


Extra = Callable[[float, ImageDraw.ImageDraw], None]


def picture(inks: Sequence[Ink], time: float, extra: Extra | None = None) -> np.ndarray:
    image = Pictures.new("RGB", SIZE, "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(22)
    for ink in inks:
        if ink.start <= time < ink.end:
            draw.text((ink.left, 30 + 44 * ink.row), ink.text, ink.colour, font)
    if extra:
        extra(time, draw)
    return np.asarray(image)


def reader_of(inks: Sequence[Ink], tolerance: int = 4) -> FakeReader:
    colours = {ink.colour: [ink.text] for ink in inks}
    assert len(colours) == len({ink.text for ink in inks}), "two inks of one colour"
    return FakeReader(colours, tolerance=tolerance, least=0.0001)


def see(
    inks: Sequence[Ink],
    seconds: int,
    *,
    extra: Extra | None = None,
    economy: bool = True,
    restart_at: int | None = None,
    tolerance: int = 4,
    frame: Callable[[float], np.ndarray] | None = None,
    reuse: bool = True,
    longest_dry: int = 8,
) -> tuple[dict[str, Record], list[Seen], FakeReader]:
    """Show a drawn world to an `Eye`, in clips of ten seconds."""
    reader = reader_of(inks, tolerance)
    channels = Channels(None, None, reader, FakeTagger())

    def eye() -> Eye:
        made = Eye(VIDEO, channels, watch=TextWatch(economy=economy, longest_dry=longest_dry))
        made.screen.reuse = reuse
        return made

    draw = frame or (lambda time: picture(inks, time, extra))
    now, track, records, seen = eye(), ShotTrack(), {}, []
    shown = [draw(float(t)) for t in range(seconds)]
    for k in range(5 * seconds):
        fine = frame(k / 5) if frame else shown[k // 5]
        track.add(k / 5, np.ascontiguousarray(fine[::4, ::4]))
    for start in range(0, seconds, 10):
        end = min(seconds, start + 10)
        frames = [(float(t), shown[t]) for t in range(start, end)]
        one = now.see(Span(float(start), float(end)), frames, track, float(end))
        seen.append(one)
        for record in [*one.records, *one.open]:
            records[record.id] = record
        if restart_at == end:
            now = eye()
            now.restore(one.state)
    return records, seen, reader


def lines(records: dict[str, Record]) -> list[tuple[str, float, float]]:
    found = [r for r in records.values() if r.level == "moment"]
    return sorted((r.text, r.span.start, r.span.end) for r in found)


SLIDE = (Ink("Gradient descent", 0), Ink("Step size matters", 2), Ink("Momentum helps", 4))


def test_a_static_slide_is_read_once() -> None:
    records, _, reader = see(SLIDE, 60)
    assert reader.calls == 1
    assert lines(records) == sorted((ink.text, 0.0, 60.0) for ink in SLIDE)


def test_without_the_economy_it_is_read_every_second() -> None:
    records, _, reader = see(SLIDE, 60, economy=False)
    assert reader.calls == 60
    assert lines(records) == sorted((ink.text, 0.0, 60.0) for ink in SLIDE)


def test_a_new_line_of_text_asks_for_a_reading_and_gets_its_span() -> None:
    inks = [*SLIDE, Ink("A fourth point", 6, start=23.0)]
    records, _, reader = see(inks, 50)
    assert 2 <= reader.calls <= 3
    assert ("A fourth point", 23.0, 50.0) in lines(records)
    assert ("Momentum helps", 0.0, 50.0) in lines(records)


COUNTS = [Ink(f"Total so far {n * 13}", 7, start=10.0 * n, end=10.0 * n + 10) for n in range(1, 5)]
CORNERS = [Ink(f"Run {n * 17}", 0, 10.0 * n, 10.0 * n + 10, left=480) for n in range(1, 5)]


def test_lines_that_look_the_same_are_not_recognised_again() -> None:
    inks = [*SLIDE, Ink("Learning rate decay", 5), *COUNTS, *CORNERS]
    records, _, reader = see(inks, 50)
    every, _, naive = see(inks, 50, reuse=False)
    assert lines(records) == lines(every)
    assert reader.calls == naive.calls >= 4
    assert reader.recognised <= len(inks) + 2, "each line once, save one caught half-way"
    assert naive.recognised >= reader.recognised + 8


def test_a_digit_that_changes_is_recognised_again() -> None:
    inks = [*SLIDE, *CORNERS, Ink("Line 3456", 6, end=25.0), Ink("Line 2345", 6, start=25.0)]
    records, _, _ = see(inks, 50)
    assert {"Line 3456", "Line 2345"} <= {text for text, _, _ in lines(records)}


def test_a_line_that_goes_ends_then_without_a_reading() -> None:
    inks = [SLIDE[0], SLIDE[1], Ink("Only for a while", 5, end=31.0)]
    records, _, reader = see(inks, 60)
    assert reader.calls == 1
    assert ("Only for a while", 0.0, 31.0) in lines(records)


def test_a_number_that_changes_is_two_lines() -> None:
    inks = [SLIDE[0], Ink("Score 3", 4, end=20.0), Ink("Score 4", 4, start=20.0)]
    records, _, _ = see(inks, 40)
    found = {text: (start, end) for text, start, end in lines(records)}
    assert found["Score 3"] == (0.0, 20.0)
    assert found["Score 4"][0] == pytest.approx(20.0, abs=1.0)


def test_a_covered_line_is_the_same_line_when_it_is_free_again() -> None:
    def hand(time: float, draw: ImageDraw.ImageDraw) -> None:
        if 20 <= time < 25:
            draw.rectangle((30, 110, 500, 150), fill=(225, 200, 180))

    records, _, _ = see(SLIDE, 50, extra=hand)
    assert [line for line in lines(records) if line[0] == "Step size matters"] == [
        ("Step size matters", 0.0, 50.0)
    ]


def test_a_wandering_pointer_hardly_asks() -> None:
    def pointer(time: float, draw: ImageDraw.ImageDraw) -> None:
        x, y = 100 + int(time * 37) % 400, 60 + int(time * 23) % 200
        draw.polygon([(x, y), (x, y + 14), (x + 9, y + 10)], fill="black")

    _, _, reader = see(SLIDE, 60, extra=pointer)
    assert reader.calls <= 3


def street(time: float) -> np.ndarray:
    """Moving footage: another picture full of edges every frame."""
    rng = np.random.default_rng(int(time * 5))
    rough = np.repeat(rng.integers(0, 255, (36, 64, 1), dtype=np.uint8), 3, axis=2)
    return np.asarray(Pictures.fromarray(rough).resize(SIZE, Pictures.Resampling.BICUBIC))


def test_moving_footage_is_not_read_every_second() -> None:
    _, _, reader = see([], 60, frame=street)
    assert 1 <= reader.calls <= 8
    _, _, naive = see([], 20, frame=street, economy=False)
    assert naive.calls == 20


def pan(time: float) -> np.ndarray:
    """A camera that turns slowly, in small jumps: it seems about to change every second."""
    rng = np.random.default_rng(5)
    rough = np.repeat(rng.integers(70, 190, (72, 200, 1), dtype=np.uint8), 3, axis=2)
    wide = np.asarray(Pictures.fromarray(rough).resize((1000, 360), Pictures.Resampling.BICUBIC))
    left = 3 * int(time)
    return np.ascontiguousarray(wide[:, left : left + SIZE[0]])


def asked(longest_dry: int, *, cut_at: int = -1) -> list[int]:
    """Pass something rough across the picture, which changes every second; nothing is found."""
    watch, times = TextWatch(longest_dry=longest_dry), []
    for time in range(32):
        image = np.full((*SIZE[::-1], 3), 128, np.uint8)
        image[:, 16 * time : 16 * time + 128] = street(float(time))[:, :128]
        if time == cut_at:
            watch.new_shot()
        ask = watch.step(float(time), edge_map(image), last_chance=True)
        if ask:
            times.append(time)
            watch.note(ask, FULL, [], 0)
    return times


def test_moving_pictures_without_text_are_read_ever_less() -> None:
    eager, seldom = asked(1), asked(8)
    assert len(eager) >= 16
    assert len(seldom) <= len(eager) / 2
    assert max(b - a for a, b in pairwise(seldom)) <= 9, "but are never given up"


def test_a_cut_ends_the_pause() -> None:
    whole = asked(8)
    at = next(b - 3 for a, b in pairwise(whole) if b - a >= 7)
    assert at in asked(8, cut_at=at)


@pytest.mark.parametrize("footage", [street, pan])
def test_a_slide_after_footage_is_read_soon(footage: Callable[[float], np.ndarray]) -> None:
    def frame(time: float) -> np.ndarray:
        return footage(time) if time < 30 else picture(SLIDE, time)

    reader = reader_of(SLIDE)
    records, _, _ = see(SLIDE, 50, frame=frame)
    assert reader.calls == 0
    starts = {text: start for text, start, _ in lines(records)}
    assert starts == {ink.text: pytest.approx(30.0, abs=2.0) for ink in SLIDE}


def test_slides_flipped_through_are_all_read() -> None:
    texts = ("Apples and pears", "Bridges over rivers", "Cold winters", "Deserts at noon")
    inks = [Ink(text, 2 + i % 2, start=i + 10.0, end=i + 11.0) for i, text in enumerate(texts)]
    records, _, _ = see([SLIDE[0], *inks], 30)
    found = {text for text, _, _ in lines(records)}
    assert {ink.text for ink in inks} <= found


def test_text_that_fades_in_is_read() -> None:
    def fading(time: float) -> np.ndarray:
        whole = picture(SLIDE[:1], time).astype(np.float32)
        share = min(1.0, max(0.0, (time - 5) / 20))
        return (255 + (whole - 255) * share).astype(np.uint8)

    records, _, reader = see(SLIDE[:1], 50, frame=fading, tolerance=90)
    assert {text for text, _, _ in lines(records)} == {SLIDE[0].text}
    assert reader.calls <= 8


def test_pages_hold_all_lines_until_the_next_page() -> None:
    inks = [*SLIDE[:2], Ink("Another slide", 0, start=30.0)]
    inks = [Ink(i.text, i.row, i.start, 30.0) if i in SLIDE else i for i in inks]
    records, _, _ = see(inks, 50)
    pages = sorted((r.span, r.text) for r in records.values() if r.level == "frame"
                   and r.channel == "screen")  # fmt: skip
    assert pages == [
        (Span(0.0, 30.0), "Gradient descent\nStep size matters"),
        (Span(30.0, 50.0), "Another slide"),
    ]


def test_state_goes_through_bytes_at_a_clips_end() -> None:
    inks = [*SLIDE, Ink("A fourth point", 6, start=19.0), Ink("Late", 1, start=28.0, end=41.0)]
    whole, first, _ = see(inks, 50)
    for at in (20, 30):
        again, second, _ = see(inks, 50, restart_at=at)
        assert again == whole
        assert [one.state for one in second] == [one.state for one in first]


def test_a_still_hour_is_one_caption() -> None:
    _, seen, _ = see(SLIDE, 100)
    assert seen[0].caption
    assert all(one.caption == "" and one.same_as == seen[0].id for one in seen[1:])


def test_noise_of_readers_is_dropped() -> None:
    box = (0.0, 0.0, 1.0, 1.0)
    given = [TextLine("fine line", 0.9, box), TextLine("murky", 0.3, box),
             TextLine("—", 0.99, box), TextLine("x", 0.7, box)]  # fmt: skip
    assert [line.text for line in readable(given)] == ["fine line"]
    assert similarity("Hello  World", "hello world") == 1.0


def believed(readings: Sequence[tuple[str, float] | None]) -> list[str]:
    """Show one standing line, read with these results (None: not read) second by second."""
    watch, screen = TextWatch(), Screen(VIDEO, "r")
    edges = edge_map(picture(SLIDE, 0.0))
    for time, found in enumerate(readings):
        watch.step(float(time), edges)
        screen.advance(float(time), watch)
        if found:
            lines = [TextLine(*found, (0.05, 0.08, 0.4, 0.16))]
            screen.read(float(time), lines, FULL, watch)
    made = [*screen.closed(), *screen.open()]
    page = [r.text for r in made if r.level == "frame"]
    texts = [r.text for r in made if r.level == "moment"]
    assert all(r.data["score"] > 0 and r.known_at >= 0 for r in made if r.level == "moment")
    assert set(page) <= set(texts)
    return texts


@pytest.mark.parametrize("text", ["42", "Q&A", "7", "Thank you"])
def test_short_lines_are_believed_when_they_are_sure(text: str) -> None:
    assert believed([(text, 0.98)]) == [text]


@pytest.mark.parametrize(("text", "score"), [("日", 0.99), ("m", 0.95), ("0", 0.9), ("CRAAD", 0.7)])
def test_what_cameras_make_of_textures_is_no_record_until_read_again(
    text: str, score: float
) -> None:
    assert believed([(text, score)]) == []
    assert believed([(text, score), (text, score)]) == [text]


def test_an_unsure_line_that_stands_is_believed_and_a_glyph_is_not() -> None:
    assert believed([("small footer", 0.7), *[None] * 2]) == []
    assert believed([("small footer", 0.7), *[None] * 4]) == ["small footer"]
    assert believed([("日", 0.99), *[None] * 4]) == []


def test_the_best_reading_stands() -> None:
    watch = TextWatch()
    screen = Screen(VIDEO, "r")
    image = picture(SLIDE, 0.0)
    box = (0.05, 0.08, 0.4, 0.16)
    for time, text, score in ((0.0, "Gradlent descent", 0.8), (1.0, "Gradient descent", 0.95),
                              (2.0, "Gradient descemt", 0.7)):  # fmt: skip
        watch.step(time, edge_map(image))
        screen.advance(time, watch)
        screen.read(time, [TextLine(text, score, box)], (0.0, 0.0, 1.0, 1.0), watch)
    found = [r for r in screen.open() if r.level == "moment"]
    assert [(r.text, r.data["score"], r.data["readings"]) for r in found] == [
        ("Gradient descent", 0.95, 3)
    ]


INK = (30, 40, 50)


def counted(readings: Sequence[tuple[str, str, float]]) -> list[tuple[str, float, float]]:
    """Show a line that is drawn, read and scored so, second by second, in one ink."""
    watch, screen = TextWatch(), Screen(VIDEO, "r")
    for time, (drawn, text, score) in enumerate(readings):
        image = Pictures.new("RGB", SIZE, "white")
        ImageDraw.Draw(image).text((40, 30), drawn, INK, ImageFont.load_default(18))
        watch.step(float(time), edge_map(np.asarray(image)))
        screen.advance(float(time), watch)
        screen.read(float(time), [TextLine(text, score, (0.05, 0.08, 0.4, 0.15))], FULL, watch)
    return lines({r.id: r for r in [*screen.closed(), *screen.open()]})


@pytest.mark.parametrize(
    "texts", [("Harbour 2 : 1 Lookout",) * 2 + ("Harbour 5 : 1 Lookout",) * 2,
              ("Next talk in room A",) * 2 + ("Next talk in room B",) * 2],
)  # fmt: skip
def test_a_counter_that_goes_on_is_another_line(
    texts: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = [0.98, 0.98, 0.95, 0.95]  # read less well afterwards
    given = [(text, text, score) for text, score in zip(texts, scores, strict=True)]
    assert counted(given) == [(texts[0], 0.0, 2.0), (texts[2], 2.0, 4.0)]
    monkeypatch.setattr("longtake.perception.screen.went_on", lambda *_: False)
    assert [text for text, *_ in counted(given)] == [texts[0]]


def test_a_small_change_of_a_number_is_believed_when_it_is_read_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = ["Parcels sorted today: 8", "Parcels sorted today: 9"]
    assert [text for text, *_ in counted([(text, text, 0.995) for text in told])] == told
    monkeypatch.setattr("longtake.perception.lines.SURE_NUMBER", 2.0)
    monkeypatch.setattr("longtake.perception.edges.ALTERED", 0.0)
    assert len(counted([(text, text, 0.995) for text in told])) == 1


def test_a_misread_letter_or_digit_of_a_line_that_stands_is_no_other_line() -> None:
    for true, misread in (("Room 214", "Room 2I4"), ("Total 4052", "Total 4852")):
        found = counted([(true, true, 0.995), (true, misread, 0.996), (true, true, 0.995)])
        assert len(found) == 1
