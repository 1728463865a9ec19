"""The demo lecture: makes the short video that the package carries for `longtake demo`.

    python -m bench.worlds.demo_lecture [OUT.mp4]

Everything is made here: slides, a diagram and a harbour scene drawn with Pillow, a voice spoken
by festival (``text2wave``, voice cmu_us_slt_arctic_hts) or, without it, flite; PyAV encodes. The
exam's date is only spoken; the room and hours of the office hours are only on a slide.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

from PIL import Image, ImageDraw

from bench.worlds.draw import THEMES, Slide, boxes, draw_slide, write
from bench.worlds.film import Format, Line, Shot, write_film
from bench.worlds.voice import choose_engine, speak_all

OUT = Path(__file__).parents[2] / "longtake" / "demo_video" / "lecture.mp4"
SIZE = (1280, 720)
FORM = Format(size=SIZE, fps=10, crf=27, preset="veryslow", sound_rate=24_000, sound_bits=40_000)
FOOT = "Streaming language models · Lecture 7"

_BLUE, _GREY, _GOLD = (0, 98, 155), (170, 178, 188), (214, 137, 16)
_CELLS = [str(number) for number in range(1, 13)]


@dataclass(frozen=True, slots=True)
class Part:
    """A slide (or scene) and what is said over it; bullet n appears with sentence n."""

    said: tuple[str, ...]
    slide: Slide | None = None
    gap: float = 0.9  # silence after each sentence
    after: float = 1.2  # and after the last


def _window(pen: ImageDraw.ImageDraw, box: tuple[int, int, int, int]) -> None:
    x0, y0, x1, y1 = box
    middle = (y0 + y1) // 2
    boxes(pen, (x0, middle - 70, x1, middle), [_GREY] * 8 + [_BLUE] * 4, _CELLS)
    _below(pen, (x0 + 5 * (x1 - x0) / 6, middle + 40), "recent window", _BLUE)
    _below(pen, (x0 + (x1 - x0) / 3, middle + 40), "forgotten", (110, 118, 128))


def _sinks(pen: ImageDraw.ImageDraw, box: tuple[int, int, int, int]) -> None:
    x0, y0, x1, y1 = box
    middle = (y0 + y1) // 2
    boxes(
        pen, (x0, middle - 70, x1, middle),
        [_GOLD] * 4 + [_GREY] * 4 + [_BLUE] * 4, _CELLS,
    )  # fmt: skip
    _below(pen, (x0 + (x1 - x0) / 6, middle + 40), "sinks", _GOLD)
    _below(pen, (x0 + 5 * (x1 - x0) / 6, middle + 40), "recent window", _BLUE)


def _below(
    pen: ImageDraw.ImageDraw, at: tuple[float, float], text: str, colour: tuple[int, int, int]
) -> None:
    write(pen, at, text, 28, colour, centre=True)


PARTS = (
    Part(
        ("Good morning, and welcome to lecture seven.",
         "Today we ask how a language model can follow a stream that never ends."),
        Slide("Memory for endless streams", subtitle="Lecture 7", foot="A Longtake demo lecture"),
    ),
    Part(
        ("Here is the problem.",
         "For every word that the model reads, it stores one more key and one more value.",
         "On a long stream, this cache grows until the memory of the computer is full.",
         "And beyond the length seen in training, the quality falls."),
        Slide("The problem", ("", "Every token adds a key and a value",
              "The cache grows without bound", "Quality falls past the training length"), FOOT),
    ),
    Part(
        ("The first idea is a sliding window.",
         "We keep the newest words, and we forget all older words.",
         "But as soon as the very first words are gone, the model begins to write nonsense."),
        Slide("First idea: a sliding window", ("", "Keep only the newest tokens",
              "Fails when token 1 is dropped"), FOOT, painter=_window),
    ),
    Part(
        ("Now we come to the attention sinks.",
         "The attention weights must always add up to one.",
         "When nothing is important, the model puts its spare attention on the first few words.",
         "So the rule is to keep the first four tokens, and the recent window."),
        Slide("Attention sinks", ("", "Attention weights sum to 1",
              "The first tokens soak up what is spare", "Rule: 4 sinks + recent window"),
              FOOT, painter=_sinks),
    ),
    Part(
        ("Here is a picture to remember.",
         "The ships come and go, like the words of the stream.",
         "The lighthouse always stays, and the ships find their way by it.",
         "The lighthouse is our attention sink."),
        gap=1.2,
    ),
    Part(
        ("You may ask how much this costs.",
         ("Reading a new word takes the same time,"
          " whether the stream is one minute long or one day long."),
         "The price is that the middle of the stream is lost.",
         "To bring it back, we need a memory that can be searched."),
        Slide("What it costs", ("", "Time per token: constant", "The middle is forgotten",
              "Next step: a searchable memory"), FOOT),
    ),
    Part(
        ("A student asked me last week whether the first words have to be real words.",
         "No, they do not.",
         "Even an empty line will work, because only its place at the beginning counts.",
         "Some people train the model with one special token for this."),
        Slide("A question from last week", ("Must the sinks be real words?", "No",
              "Only the position counts", "A trained sink token also works"), FOOT),
    ),
    Part(
        ("In the lab, you will try it yourself.",
         "Change the size of the window, and look at how the quality changes."),
        Slide("Lab 3", ("Window sizes: 256, 512 and 1024", "Hand in by Friday, 29 May",
              "Office hours: Thursday 14:00, room B214"), FOOT),
        after=7.0,
    ),
    Part(
        ("One announcement before we finish.",
         "The exam will take place on Tuesday, the ninth of June, at ten in the morning.",
         "Please bring a calculator and your student card."),
        Slide("Before you go", ("Read chapter 5 for next week",), FOOT),
    ),
    Part(
        ("Let us sum up.",
         "A window keeps the memory of the model small.",
         "A few first words keep the model steady.",
         "Next week we will look at memory on disk. Thank you, and goodbye."),
        Slide("Summary", ("", "Window: bounded memory", "Sinks: steady quality",
              "Next week: memory on disk"), FOOT),
        after=2.5,
    ),
)  # fmt: skip


def make(out: Path = OUT, engine: str | None = None, say: Callable[[str], None] = print) -> Path:
    """Make the demo video at `out`."""
    voice = choose_engine(engine)
    spoken = speak_all(
        [text for part in PARTS for text in part.said], engine=voice, rate=FORM.sound_rate
    )
    shots: list[Shot] = []
    lines: list[Line] = []
    clock = 0.0
    for number, part in enumerate(PARTS):
        begin, starts = clock, []
        clock += 0.8
        for text in part.said:
            starts.append(clock)
            lines.append(Line(clock, spoken[text], text))
            clock = lines[-1].end(FORM.sound_rate) + part.gap
        clock = round((clock + part.after - part.gap) * FORM.fps) / FORM.fps
        shots += _shots(part, number, begin, clock, starts)
        say(f"{begin:7.2f} {clock:7.2f} {part.slide.title if part.slide else 'harbour'}")
    write_film(out, shots, lines, FORM)
    return out


def _shots(part: Part, number: int, begin: float, end: float, starts: list[float]) -> list[Shot]:
    """Return the part's shots: a scene that moves, or a slide with one bullet more each time."""
    if part.slide is None:
        return [Shot(begin, end, harbour, moving=True)]
    bullets = part.slide.bullets
    appear = [begin] * len(bullets)
    if len(bullets) == len(part.said):
        appear = [begin, *starts[1:]]
    cuts = sorted({begin, *appear, end})
    theme = THEMES[number % 2 * 3]
    return [
        Shot(a, b, partial(_still, part.slide, theme, sum(t <= a for t in appear)))
        for a, b in pairwise(cuts)
    ]


def _still(slide: Slide, theme: object, shown: int, _time: float) -> Image.Image:
    assert isinstance(theme, type(THEMES[0]))
    kept = Slide(
        slide.title, tuple(text for text in slide.bullets[:shown] if text), slide.foot,
        slide.subtitle, slide.painter,
    )  # fmt: skip
    return draw_slide(kept, SIZE, theme)


def harbour(time: float) -> Image.Image:
    """Draw the harbour: sky, sea, a lighthouse that stays and two ships that pass."""
    image = Image.new("RGB", SIZE)
    pen = ImageDraw.Draw(image)
    for y in range(0, 440, 4):
        pen.rectangle((0, y, 1280, y + 4), fill=(120 + y // 5, 175 + y // 8, 235))
    pen.ellipse((930, 70, 1030, 170), fill=(255, 222, 120))
    pen.rectangle((0, 440, 1280, 720), fill=(28, 92, 140))
    for row in range(6):
        shift = round(12 * math.sin(time * 0.8 + row))
        for x in range(-40, 1320, 160):
            y = 470 + row * 42
            left = x + shift + row * 37
            pen.line((left, y, left + 60, y), fill=(70, 135, 180), width=4)
    _lighthouse(pen)
    _ship(pen, 1250 - 42 * time, 500, 1.0, (150, 40, 40))
    _ship(pen, -200 + 30 * time, 590, 1.4, (60, 60, 70))
    return image


def _lighthouse(pen: ImageDraw.ImageDraw) -> None:
    pen.polygon([(90, 520), (150, 430), (380, 430), (450, 520)], fill=(92, 84, 76))
    pen.polygon([(215, 430), (235, 170), (305, 170), (325, 430)], fill=(245, 245, 240))
    for low, high in ((360, 410), (270, 315), (190, 230)):
        inset = (430 - high) * 20 / 260, (430 - low) * 20 / 260
        pen.polygon(
            [(215 + inset[1], low), (325 - inset[1], low),
             (325 - inset[0], high), (215 + inset[0], high)], fill=(200, 40, 40),
        )  # fmt: skip
    pen.rectangle((225, 158, 315, 172), fill=(40, 40, 48))
    pen.rectangle((242, 112, 298, 158), fill=(255, 236, 150))
    pen.polygon([(234, 112), (306, 112), (270, 78)], fill=(160, 30, 30))


def _ship(
    pen: ImageDraw.ImageDraw, x: float, y: float, scale: float, hull: tuple[int, int, int]
) -> None:
    def at(*points: tuple[float, float]) -> list[tuple[float, float]]:
        return [(x + a * scale, y + b * scale) for a, b in points]

    pen.polygon(at((0, 0), (180, 0), (155, 45), (25, 45)), fill=hull)
    pen.polygon(at((84, -8), (84, -130), (160, -8)), fill=(250, 250, 245))
    pen.polygon(at((76, -8), (76, -110), (20, -8)), fill=(232, 232, 226))
    pen.line(at((80, 0), (80, -138)), fill=(60, 45, 30), width=max(3, round(4 * scale)))


def main() -> None:
    """Make the video and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", nargs="?", type=Path, default=OUT)
    parser.add_argument("--voice", choices=("festival", "flite", "espeak"))
    arguments = parser.parse_args()
    out = make(arguments.out, arguments.voice, lambda text: print(text, file=sys.stderr))
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB", file=sys.stderr)


if __name__ == "__main__":
    main()
