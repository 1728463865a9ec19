"""Drawn worlds: moments of two small frames, each with a key of two letters, and questions.

A frame is 48 × 48 pixels. The strip on top shows the key and a digit, in either order; below, a
coloured shape moves among small grey ones, by twelve pixels from the first frame of a moment to the
second; a bar in the corner is longer in the second. Keys are unique in a world, all else repeats,
so most frames look alike: keys share letters, and a question can be answered by no other frame than
those of its moment; which way the shape went only by both of them, or by the second if it was
encoded after the first.

Contract: the same seed makes the same moments, pixels and questions. Drawing needs numpy alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from longtake.models.protocols import Image

SIDE = 48
FRAMES = 2
"""Frames of a moment."""
SECONDS = 1.0
"""How long a frame is shown."""
STEP = 12
"""Pixels that a shape moves from one frame of a moment to the next."""
LETTERS = "ACEFHKLNPRSTUXYZ"
COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (230, 40, 40), "green": (40, 190, 60), "blue": (50, 80, 240),
    "yellow": (240, 220, 40), "orange": (250, 140, 20), "purple": (160, 50, 200),
    "cyan": (40, 210, 220), "pink": (250, 140, 190),
}  # fmt: skip
SHAPES = ("circle", "square", "triangle", "cross")
WAYS: dict[str, tuple[int, int]] = {
    "left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1),
}  # fmt: skip
KINDS: dict[str, int] = {"colour": 8, "shape": 4, "digit": 10, "way": 4}
"""What is asked about, and among how many answers."""
_TINTS = ((24, 24, 30), (34, 26, 22), (22, 34, 26), (30, 24, 38))
_GLYPHS = {
    "A": "01110 10001 10001 11111 10001 10001 10001",
    "C": "01111 10000 10000 10000 10000 10000 01111",
    "E": "11111 10000 10000 11110 10000 10000 11111",
    "F": "11111 10000 10000 11110 10000 10000 10000",
    "H": "10001 10001 10001 11111 10001 10001 10001",
    "K": "10001 10010 10100 11000 10100 10010 10001",
    "L": "10000 10000 10000 10000 10000 10000 11111",
    "N": "10001 11001 10101 10101 10011 10001 10001",
    "P": "11110 10001 10001 11110 10000 10000 10000",
    "R": "11110 10001 10001 11110 10100 10010 10001",
    "S": "01111 10000 10000 01110 00001 00001 11110",
    "T": "11111 00100 00100 00100 00100 00100 00100",
    "U": "10001 10001 10001 10001 10001 10001 01110",
    "X": "10001 10001 01010 00100 01010 10001 10001",
    "Y": "10001 10001 01010 00100 00100 00100 00100",
    "Z": "11111 00001 00010 00100 01000 10000 11111",
    "0": "01110 10001 10011 10101 11001 10001 01110",
    "1": "00100 01100 00100 00100 00100 00100 01110",
    "2": "01110 10001 00001 00110 01000 10000 11111",
    "3": "11110 00001 00001 01110 00001 00001 11110",
    "4": "00010 00110 01010 10010 11111 00010 00010",
    "5": "11111 10000 11110 00001 00001 10001 01110",
    "6": "01110 10000 10000 11110 10001 10001 01110",
    "7": "11111 00001 00010 00100 00100 01000 01000",
    "8": "01110 10001 10001 01110 10001 10001 01110",
    "9": "01110 10001 10001 01111 00001 00001 01110",
}
_SIZE = 13  # of the shape that moves, in pixels


@dataclass(frozen=True, slots=True)
class Moment:
    """Two frames: a key, what there is to ask about, and where things stand.

    Attributes:
        key: two letters.
        at: where the shape stands in the first frame, left and top.
        swapped: whether the digit stands before the key.
        grey: small grey shapes: name, left, top.
        noise: seed of the noise in its pixels.
    """

    key: str
    colour: str
    shape: str
    digit: str
    way: str
    at: tuple[int, int]
    swapped: bool
    tint: int
    grey: tuple[tuple[str, int, int], ...]
    noise: int

    def place(self, n: int) -> tuple[int, int]:
        """Where the shape stands in frame n, left and top."""
        dx, dy = (STEP * part * n for part in WAYS[self.way])
        return self.at[0] + dx, self.at[1] + dy

    def told(self, kind: str) -> str:
        """The answer to a question of this kind."""
        return str(getattr(self, kind))


@dataclass(frozen=True, slots=True)
class Question:
    """A question about one moment.

    Attributes:
        moment: its place in the world.
        kind: one of `KINDS`.
    """

    moment: int
    kind: str
    text: str
    answer: str


def world(moments: int, seed: int) -> list[Moment]:
    """Return so many moments, no two with the same key."""
    made = Random(f"world {seed}")
    keys = [a + b for a in LETTERS for b in LETTERS if a != b]
    if moments > len(keys):
        raise ValueError(f"there are {len(keys)} keys, not {moments}")
    return [moment(key, made) for key in made.sample(keys, moments)]


def moment(key: str, made: Random) -> Moment:
    """Return a moment with this key, all else by chance."""
    way = made.choice(list(WAYS))
    dx, dy = (STEP * part for part in WAYS[way])
    left = made.randint(max(0, -dx), SIDE - _SIZE - max(0, dx))
    top = made.randint(17 + max(0, -dy), SIDE - _SIZE - max(0, dy))
    grey = tuple(
        (made.choice(SHAPES), made.randint(0, SIDE - 5), made.randint(17, SIDE - 5))
        for _ in range(made.randint(1, 3))
    )
    return Moment(key, made.choice(list(COLOURS)), made.choice(SHAPES), str(made.randrange(10)),
                  way, (left, top), made.random() < 0.5, made.randrange(len(_TINTS)), grey,
                  made.randrange(1 << 30))  # fmt: skip


def asked(moment: Moment, place: int, kind: str) -> Question:
    """Ask about one moment of a world."""
    return Question(place, kind, text(kind, moment.key), moment.told(kind))


def text(kind: str, key: str) -> str:
    """The words of a question; the key comes last, where the answer is looked up."""
    return f"{kind} of {' '.join(key.lower())}"


def questions(moments: Sequence[Moment], n: int, seed: int) -> list[Question]:
    """Return n different questions, as many of each kind, moments by chance."""
    made = Random(f"questions {seed}")
    each = n // len(KINDS)
    return [asked(moments[at], at, kind) for kind in KINDS
            for at in sorted(made.sample(range(len(moments)), each))]  # fmt: skip


def draw(moment: Moment) -> list[Image]:
    """Return the frames of a moment, uint8 [48, 48, 3] each."""
    return [_frame(moment, n) for n in range(FRAMES)]


def film(moments: Sequence[Moment]) -> list[Image]:
    """Return all frames of a world in order."""
    return [frame for one in moments for frame in draw(one)]


def _frame(moment: Moment, n: int) -> Image:
    noise = np.random.default_rng((moment.noise, n)).integers(-9, 10, (SIDE, SIDE, 1))
    frame = np.broadcast_to(np.array(_TINTS[moment.tint]), (SIDE, SIDE, 3)) + noise
    for name, left, top in moment.grey:
        _put(frame, _mask(name, 5), left, top, (120, 120, 120))
    _put(frame, _mask(moment.shape, _SIZE), *moment.place(n), COLOURS[moment.colour])
    frame[SIDE - 3 :, : 3 + 4 * n] = 250
    letters, digit = (14, 1) if moment.swapped else (1, 36)
    for place, letter in enumerate(moment.key):
        _put(frame, _glyph(letter), letters + 12 * place, 1, (250, 250, 250))
    _put(frame, _glyph(moment.digit), digit, 1, (190, 190, 120))
    return frame.clip(0, 255).astype(np.uint8)


def _put(frame: np.ndarray, mask: np.ndarray, left: int, top: int,
         colour: tuple[int, int, int]) -> None:  # fmt: skip
    part = frame[top : top + mask.shape[0], left : left + mask.shape[1]]
    part[mask] = colour


@cache
def _glyph(letter: str) -> np.ndarray:
    """A letter of 5 × 7 dots, each two pixels wide and high."""
    rows = np.array([[dot == "1" for dot in row] for row in _GLYPHS[letter].split()])
    return rows.repeat(2, axis=0).repeat(2, axis=1)


@cache
def _mask(shape: str, size: int) -> np.ndarray:
    y, x = np.mgrid[0:size, 0:size] - (size - 1) / 2
    half = size / 2
    masks = {
        "circle": x**2 + y**2 <= half**2,
        "square": np.maximum(abs(x), abs(y)) <= half,
        "triangle": abs(x) <= (y + half) / 2,
        "cross": np.minimum(abs(x), abs(y)) <= half / 3,
    }
    made: np.ndarray = masks[shape]
    return made
