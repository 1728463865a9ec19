"""The watching eye: of a picture every half second, what stands in it and what changed.

Only what a query can need is made out: without a query for text nothing is read, without one for
things nothing is tagged. Text is read where the picture changed (`perception.edges`), things are
looked at when enough patches differ from the last picture that was kept (`perception.economy`).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeAlias

import numpy as np

from longtake.agent.standing.moment import Seen, Shown
from longtake.agent.standing.predicate import Channel
from longtake.models.protocols import Image, TextReader
from longtake.perception.economy import Economy, shrink
from longtake.perception.edges import TextWatch, edge_map
from longtake.perception.lines import Line, is_firm
from longtake.perception.reading import read_box
from longtake.perception.screen import Screen
from longtake.perception.shots import ShotTrack
from longtake.perception.sight import colours
from longtake.storage.records import Video
from longtake.timecode import Seconds

STEP: Seconds = 0.5
"""Between pictures that are looked at: the now-window has two a second."""
DARK, BRIGHTEST = 24.0, 64.0
"""Grey levels: a black picture's mean, and what only one pixel in a hundred may exceed."""
RUNNING = 0.004
"""Share of the picture whose changing edges have it read as it is: one line that runs through."""
_Said: TypeAlias = tuple[str, Seconds]
"""What a line says, and since when it says so."""
STANDS = 1.5
"""Grey levels by which the most changed block of a frozen picture may flicker."""


class Eyes:
    """Sees picture after picture. `looks` and `readings` count the work."""

    def __init__(
        self, channels: Collection[Channel], reader: TextReader | None, tagger: Any
    ) -> None:
        self._reader = reader if "screen" in channels else None
        self._tagger = tagger if "seen" in channels else None
        self._sees = "seen" in channels
        self._economy = Economy(patience=1)
        self._watch = TextWatch(small_wait=2, busy_share=RUNNING)
        self._screen = Screen(_NOBODY, "", step=STEP)
        self._said: dict[str, _Said] = {}
        self._track = ShotTrack() if "cut" in channels else None
        self._told: Seconds = -1.0
        self._image: Image | None = None
        self._small: Image | None = None
        self.seen: Seen | None = None
        self.black: Seconds | None = None
        self.still: Seconds | None = None
        self.looks = self.readings = 0

    def fine(self, time: Seconds, small: Image) -> None:
        """Take a small picture of the fine grid."""
        if self._track is not None:
            self._track.add(time, small)
            self._track.forget_before(time - 6.0)

    def see(self, time: Seconds, image: Image) -> None:
        """Take the next full picture."""
        same = image is self._image  # one frame is still on display
        before, self._image = self._small, image
        small = shrink(image) if not same or before is None else before
        self._small = small
        self._stands(time, before, small)
        keep = self._economy.offer(small).keep
        if self._sees and (keep or self.seen is None):
            self.seen = self._look(time, image)
        if self._reader is not None:
            self._read(time, image)

    def lines(self) -> tuple[Shown, ...]:
        """The screen text that stands now."""
        return tuple(
            Shown(text, line.score, since, line.box)
            for line in self._screen.lines
            for text, since in (self._said[line.id],)
            if line.seen and line.firm
        )

    def cut(self) -> tuple[Seconds, float] | None:
        """The newest cut that has become certain since the last call."""
        if self._track is None or self._track.certain_until <= self._told:
            return None
        until = self._track.certain_until
        cuts = self._track.cuts(self._told + 1e-6, until)
        self._told = until
        return cuts[-1] if cuts else None

    def _stands(self, time: Seconds, before: Image | None, small: Image) -> None:
        grey = small.max(axis=2)
        dark = float(grey.mean()) < DARK and float(np.percentile(grey, 99)) < BRIGHTEST
        self.black = None if not dark else self.black if self.black is not None else time
        moved = before is not None and before is not small and _most(before, small) > STANDS
        self.still = time if moved else self.still  # what never moved has not frozen

    def _look(self, time: Seconds, image: Image) -> Seen:
        self.looks += 1
        hues = colours(image)
        if self._tagger is None:
            return Seen(time, colours=hues)
        tags, vectors = self._tagger.look([image])
        return Seen(time, tuple(tags[0]), np.asarray(vectors[0], np.float32), hues)

    def _read(self, time: Seconds, image: Image) -> None:
        assert self._reader is not None
        ask = self._watch.step(time, edge_map(image))
        self._screen.advance(time, self._watch)
        self._screen.closed()
        if ask is None:
            return
        self.readings += 1
        known = self._screen.known(self._watch)
        lines, box, _ = read_box(self._reader, image, ask.box, known)
        turn = self._screen.read(time, lines, box, self._watch)
        text = [line.box for line in lines if is_firm(line.text, line.score)]
        self._watch.note(ask, box, text, len(turn.new))
        self._said = {line.id: self._says(line, time) for line in self._screen.lines}

    def _says(self, line: Line, time: Seconds) -> _Said:
        """What a line says and since when: one that grows, as it runs in or is typed, is news."""
        text, since = self._said.get(line.id, (line.text, line.start))
        grown = line.text != text and line.text.lower().startswith(text.lower())
        return line.text, time if grown else since


def _most(a: Image, b: Image) -> float:
    """The change of the block that changes most, in grey levels."""
    import cv2

    away = np.asarray(cv2.absdiff(a, b), np.uint8).max(axis=2)
    return float(cv2.resize(away, (32, 18), interpolation=cv2.INTER_AREA).max())


_NOBODY = Video("v", 1, "", "", "", 0.0)
"""Lines on screen are named after a video; nothing of a watch is kept."""
