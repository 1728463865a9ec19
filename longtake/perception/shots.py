"""Where the picture cuts, from small pictures on the fine grid.

The score of an instant is the mean change of hue, saturation and brightness since the instant
before. A cut stands out from its neighbours within a second on both sides (the idea of
PySceneDetect's AdaptiveDetector); a step between two still pictures (slides) may be small and
needs to stand out more. The window is local, so scores recomputed after a restart two seconds
earlier give the same cuts. PySceneDetect itself is not used: its detectors hold state that
cannot be kept in a checkpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from longtake.models.protocols import Image
from longtake.perception.economy import largest
from longtake.timecode import Seconds

STIR = 10.0
"""Grey levels by which a tenth-by-tenth block must change for something to stir there."""


@dataclass(frozen=True, slots=True)
class ShotRule:
    """When a score is a cut. `window` and `apart` count fine-grid instants on each side.

    `least` and `ratio` hold in moving pictures; `step` and `step_ratio` where all around is
    still. `floor` keeps the ratio finite over a frozen picture.
    """

    window: int = 5
    apart: int = 3
    least: float = 10.0
    ratio: float = 3.0
    step: float = 1.5
    step_ratio: float = 12.0
    floor: float = 0.1


RULE = ShotRule()


def change(previous: Image, current: Image) -> float:
    """Return how much two small pictures differ, 0 to 255.

    Hue counts by how colourful both pictures are: the hue of grey is noise.
    """
    import cv2

    a = cv2.cvtColor(previous, cv2.COLOR_RGB2HSV).astype(np.int16)
    b = cv2.cvtColor(current, cv2.COLOR_RGB2HSV).astype(np.int16)
    away = np.abs(a - b)
    turn = np.minimum(away[..., 0], 180 - away[..., 0]) * (255.0 / 90.0)
    colourful = np.minimum(a[..., 1], b[..., 1]) / 255.0
    colour_to_grey = away[..., 1] * (np.maximum(a[..., 2], b[..., 2]) / 255.0)
    parts = (turn * colourful).mean() + colour_to_grey.mean() + away[..., 2].mean()
    return float(parts) / 3.0


def stir(previous: Image, current: Image) -> float:
    """Return the change of the block that changes most: a line of text moves no mean."""
    import cv2

    away = largest(np.asarray(cv2.absdiff(previous, current), np.uint8))
    return float(cv2.resize(away, (16, 9), interpolation=cv2.INTER_AREA).max())


def is_cut(scores: Sequence[float], i: int, rule: ShotRule = RULE) -> bool:
    """Whether the picture cuts at index `i`; only scores within `rule.window` are looked at."""
    score = scores[i]
    low, high = max(0, i - rule.window), min(len(scores), i + rule.window + 1)
    around = [scores[j] for j in range(low, high) if j != i]
    mean = sum(around) / len(around) if around else 0.0
    moving = score >= rule.least and score >= rule.ratio * mean
    stepped = score >= rule.step and score >= rule.step_ratio * (mean + rule.floor)
    if not (moving or stepped):
        return False
    before = scores[max(0, i - rule.apart) : i]
    after = scores[i + 1 : i + rule.apart + 1]
    return all(score > other for other in before) and all(score >= other for other in after)


def strength(scores: Sequence[float], i: int, rule: ShotRule = RULE) -> float:
    """Return how far a cut stands out, 0..1: a slide's change counts like a camera's cut."""
    low, high = max(0, i - rule.window), min(len(scores), i + rule.window + 1)
    around = [scores[j] for j in range(low, high) if j != i]
    mean = sum(around) / len(around) if around else 0.0
    return round(scores[i] / (scores[i] + 4.0 * mean + 5.0), 4)


class ShotTrack:
    """Scores of the fine grid as they come, and the cuts that are certain so far.

    The caller forgets what lies behind; two seconds are kept so that windows stay whole.
    """

    def __init__(self, rule: ShotRule = RULE) -> None:
        self.rule = rule
        self.times: list[Seconds] = []
        self.scores: list[float] = []
        self.stirs: list[float] = []
        self._previous: Image | None = None

    def add(self, time: Seconds, small: Image) -> None:
        """Take the next small picture."""
        before = small if self._previous is None else self._previous
        self._previous = small
        self.times.append(time)
        same = before is small  # one frame still on display
        self.scores.append(0.0 if same else change(before, small))
        self.stirs.append(0.0 if same else stir(before, small))

    @property
    def certain_until(self) -> Seconds:
        """Cuts at or before this time will not change any more."""
        at = len(self.times) - 1 - max(self.rule.window, self.rule.apart)
        return self.times[at] if at >= 0 else -1.0

    def cuts(self, start: Seconds, end: Seconds) -> list[tuple[Seconds, float]]:
        """Return (time, strength) of the cuts in `[start, end]`."""
        return [
            (self.times[i], strength(self.scores, i, self.rule))
            for i in range(len(self.times))
            if start <= self.times[i] <= end and is_cut(self.scores, i, self.rule)
        ]

    def between(self, start: Seconds, end: Seconds) -> list[float]:
        """Return the scores of instants in `[start, end)`."""
        return [s for t, s in zip(self.times, self.scores, strict=True) if start <= t < end]

    def about_to_change(self, time: Seconds, ahead: Seconds = 1.0) -> bool:
        """Whether the picture stands at `time` but something stirs before `time + ahead`."""
        pairs = list(zip(self.times, self.stirs, strict=True))
        now = [s for t, s in pairs if time - 0.3 < t <= time + 1e-6]
        soon = [s for t, s in pairs if time + 1e-6 < t < time + ahead + 0.3]
        quiet = len(now) < 2 or now[-1] < STIR or (bool(soon) and soon[0] < STIR)
        return quiet and max(soon, default=0.0) >= STIR

    def forget_before(self, time: Seconds) -> None:
        """Drop scores older than `time`."""
        keep = next((i for i, t in enumerate(self.times) if t >= time), len(self.times))
        del self.times[:keep], self.scores[:keep], self.stirs[:keep]
