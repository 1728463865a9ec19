"""Films for frame economy, drawn from the moments of `bench.tinyvlm.worlds`.

* lecture: each frame of a moment stays for a while, with fresh noise; little is new.
* camera: likewise, but the picture shifts by a pixel or two with every frame; every pixel is new.
* action: the moments follow each other; something changes at every frame.

The same seed makes the same film and the same questions; a film is a list of frames, one a second.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from bench.tinyvlm.worlds import KINDS, Moment, Question, asked, draw, world
from longtake.models.protocols import Image

_SWAY = (0, 1, 2, 1, 0, -1, -2, -1)
"""Pixels by which a moving camera stands aside, frame after frame."""


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """Frames, all there is to ask about them, and the places where the picture is another one."""

    frames: list[Image]
    questions: list[Question]
    new: list[int]

    @property
    def times(self) -> list[float]:
        """One frame a second."""
        return [float(n) for n in range(len(self.frames))]


def lecture(moments: int, stay: int, seed: int) -> Film:
    """Each frame of each moment is shown `stay` times."""
    made = world(moments, seed)
    frames = [frame for one in made for frame in _staying(one, stay)]
    return Film(frames, _asked(made), list(range(0, len(frames), stay)))


def camera(moments: int, stay: int, seed: int) -> Film:
    """A lecture before a camera that sways from side to side."""
    still = lecture(moments, stay, seed)
    moved = [_shifted(frame, _SWAY[n % len(_SWAY)]) for n, frame in enumerate(still.frames)]
    return Film(moved, still.questions, still.new)


def action(moments: int, seed: int) -> Film:
    """Every frame is another one."""
    made = world(moments, seed)
    frames = [frame for one in made for frame in draw(one)]
    return Film(frames, _asked(made), list(range(len(frames))))


WORLDS: dict[str, Callable[[int], Film]] = {
    "lecture": lambda seed: lecture(2, 6, seed),
    "camera": lambda seed: camera(2, 6, seed),
    "action": lambda seed: action(12, seed),
    "long lecture": lambda seed: lecture(6, 6, seed),
}
"""The first three are as long as the small model's training (24 frames), the last three times so."""


def _staying(moment: Moment, stay: int) -> list[Image]:
    """Each frame of a moment `stay` times, with noise of its own each time."""
    shown = [draw(replace(moment, noise=moment.noise + 7919 * n)) for n in range(stay)]
    return [again[n] for n in range(len(shown[0])) for again in shown]


def _shifted(frame: Image, pixels: int) -> Image:
    """The picture a few pixels to the right, its edge drawn out."""
    columns = (np.arange(frame.shape[1]) - pixels).clip(0, frame.shape[1] - 1)
    return np.ascontiguousarray(frame[:, columns])


def _asked(moments: list[Moment]) -> list[Question]:
    return [asked(one, place, kind) for place, one in enumerate(moments) for kind in KINDS]
