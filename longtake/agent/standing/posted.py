"""Keeping somebody posted: a question is asked again when what its answer rests on may have changed.

After each answer is kept what recall ranked for the question down to the weakest piece of evidence.
While those records stay first and say the same, no new record can have moved the answer, and it is
not asked again. What has not been seen yet is asked again whenever more has been watched. It is told
only when the answer itself is another: its words or its evidence, not how much was searched.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any, Protocol

from longtake.agent.answer import Answer
from longtake.memory.recall import Recalled
from longtake.storage.records import Video
from longtake.timecode import Seconds

EVERY: Seconds = 2.0
"""Pause between looks at the library."""
RANKED = 10
LEAST = 3
"""So many of the first are compared at least."""


class Asks(Protocol):
    """What is needed of a library."""

    def ask(self, question: str, video: Any = None) -> Answer: ...  # noqa: D102
    def search(self, query: str, *, video: Any = None, k: int = 10) -> Recalled: ...  # noqa: D102
    def video(self, name: str) -> Video: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


class Posted:
    """One question about one video. `asked` counts how often it was asked, `looks` how often not.

    Args:
        gate: False asks at every look (a control in tests).
    """

    def __init__(self, library: Asks, question: str, video: str, *, gate: bool = True) -> None:
        self.library, self.question = library, question
        self.name, self.gate = video, gate
        self.asked = self.looks = 0
        self._reach: Seconds = -1.0
        self._rests: tuple[Any, ...] = ()
        self._count = RANKED
        self._open = True
        self._told: tuple[Any, ...] | None = None

    def look(self) -> Answer | None:
        """Ask again if the answer may be another; return it if it is."""
        self.looks += 1
        self.library.close()  # what was open does not see what was written since
        video = self.library.video(self.name)
        if not self._may_differ(video):
            return None
        self.asked += 1
        answer = self.library.ask(self.question, video)
        ranked = self._ranked(video)
        self._open = answer.status == "not_seen_yet"
        self._count = _down_to(ranked, answer)
        self._reach, self._rests = video.duration, _said(ranked, self._count)
        told = signature(answer)
        if told == self._told:
            return None
        self._told = told
        return answer

    @property
    def over(self) -> bool:
        """Whether nothing is added to the video any more."""
        live = self.library.video(self.name).media.get("live")
        return live is None or live.get("ended") is not None

    def _may_differ(self, video: Video) -> bool:
        if self._told is None or not self.gate:
            return True
        if video.duration > self._reach and self._open:
            return True
        return _said(self._ranked(video), self._count) != self._rests

    def _ranked(self, video: Video) -> list[tuple[str, str, Seconds, Seconds]]:
        found = self.library.search(self.question, video=video, k=RANKED).moments
        return [(one.record, one.text, one.span.start, one.span.end) for one in found]


def _down_to(ranked: list[tuple[str, str, Seconds, Seconds]], answer: Answer) -> int:
    """How many of what was ranked stand at or above the weakest piece of evidence."""
    if answer.status != "answered" or not answer.evidence:
        return RANKED
    places = [
        n
        for n, (_, _, start, end) in enumerate(ranked)
        if any(start < one.end and end > one.start for one in answer.evidence)
    ]
    return max(LEAST, max(places, default=RANKED - 1) + 1)


def _said(ranked: list[tuple[str, str, Seconds, Seconds]], count: int) -> tuple[Any, ...]:
    return tuple((record, text) for record, text, _, _ in ranked[:count])


def signature(answer: Answer) -> tuple[Any, ...]:
    """What makes an answer another one; of what was not found, only that it was not."""
    if answer.status != "answered":
        return (answer.status,)
    proofs = sorted((one.source, round(one.start, 1), one.quote) for one in answer.evidence)
    return (answer.status, answer.text, answer.value, tuple(proofs))


def keep_posted(
    posted: Posted, halt: threading.Event, *, duration: Seconds | None = None,
    every: Seconds = EVERY,
) -> Iterator[Answer]:  # fmt: skip
    """Yield the answer, and again each time that it has become another.

    It ends when the video has ended, `duration` seconds have passed, or `halt` is set.
    """
    until = None if duration is None else time.monotonic() + duration
    while not halt.is_set():
        over = posted.over  # asked first: what came before it ended is looked at
        answer = posted.look()
        if answer is not None:
            yield answer
        if over or (until is not None and time.monotonic() >= until) or halt.wait(every):
            return
