"""Keep me posted: a question is asked again when its evidence may have changed, told when it did."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import pytest

from longtake.agent.answer import Answer, Evidence
from longtake.agent.standing.posted import Posted, keep_posted
from longtake.memory.moments import Moment, Recalled
from longtake.storage.records import Video
from longtake.timecode import Span


@dataclass
class Growing:
    """A library whose one video grows by a line at a time; lines with "exam" answer the question."""

    script: list[str]
    seen: int = 0
    asked: int = 0
    ended: bool = False
    closed: int = field(default=0)

    @property
    def lines(self) -> list[tuple[int, str]]:
        return list(enumerate(self.script[: self.seen]))

    def video(self, name: str) -> Video:
        live = {"ended": "2026-01-01" if self.ended else None}
        return Video("v1", 1, "", "", "v", 10.0 * self.seen, {"live": live})

    def search(self, query: str, *, video: Any = None, k: int = 10) -> Recalled:
        fits = sorted(self.lines, key=lambda one: (-one[1].count("exam"), one[0]))
        moments = [
            Moment("v1", Span(10.0 * n, 10.0 * n + 10), 1.0, "speech", text, f"r{n}", "moment")
            for n, text in fits[:k]
        ]
        return Recalled(moments, [], 1.0, "")

    def ask(self, question: str, video: Any = None) -> Answer:
        self.asked += 1
        best = max(self.lines, key=lambda one: (one[1].count("exam"), one[0]), default=(0, ""))
        if "exam" not in best[1]:
            return Answer(f"not so far, {self.seen} lines were searched", "not_seen_yet", 0.5)
        proof = Evidence("v1", 10.0 * best[0], 10.0 * best[0] + 10, "speech", best[1], 1.0)
        return Answer(best[1], "answered", 0.9, evidence=(proof,))

    def close(self) -> None:
        self.closed += 1


SCRIPT = [
    "hello", "flowers", "birds", "the exam is on Monday", "trees", "clouds", "rivers", "stones",
    "grass", "the exam: the exam is moved to Friday", "wind", "rain", "snow", "ice", "hail", "fog",
]  # fmt: skip


def run(library: Growing, *, gate: bool = True) -> list[str]:
    posted = Posted(library, "when is the exam?", "v1", gate=gate)
    said = []
    for n in range(1, len(library.script) + 1):
        library.seen = n
        answer = posted.look()
        if answer is not None:
            said.append(answer.text if answer.status == "answered" else answer.status)
    return said


EXPECTED = ["not_seen_yet", "the exam is on Monday", "the exam: the exam is moved to Friday"]


def test_it_speaks_once_for_each_change_and_asks_seldom() -> None:
    library = Growing(SCRIPT)
    assert run(library) == EXPECTED
    assert library.asked <= 6


def test_without_the_gate_it_asks_every_time_for_the_same() -> None:
    library = Growing(SCRIPT)
    assert run(library, gate=False) == EXPECTED
    assert library.asked == len(SCRIPT)


def test_an_unchanged_video_is_silent() -> None:
    library = Growing(SCRIPT, seen=5)
    posted = Posted(library, "when is the exam?", "v1")
    assert posted.look() is not None
    assert [posted.look() for _ in range(20)] == [None] * 20
    assert library.asked == 1


def test_it_sees_what_was_written_since() -> None:
    library = Growing(SCRIPT, seen=5)
    posted = Posted(library, "when is the exam?", "v1")
    posted.look()
    before = library.closed
    posted.look()
    assert library.closed > before


@pytest.mark.parametrize("ended", [True, False])
def test_it_ends_with_the_video_or_when_it_is_told_to(ended: bool) -> None:
    library, halt = Growing(SCRIPT, seen=5, ended=ended), threading.Event()
    if not ended:
        threading.Timer(0.1, halt.set).start()
    posted = Posted(library, "when is the exam?", "v1")
    assert len(list(keep_posted(posted, halt, every=0.02))) == 1
    assert posted.looks == 1 if ended else posted.looks > 1


def test_what_was_not_seen_yet_offers_the_watch() -> None:
    from types import SimpleNamespace

    from longtake.agent.writing.compose import next_step

    def offered(live: dict[str, Any] | None) -> str:
        video = Video("v1", 1, "", "/a b.ts", "a", 10.0, {"live": live} if live else {})
        desk: Any = SimpleNamespace(videos=[video], watched=lambda video: False, as_of=None)
        part: Any = {"text": "when is the exam?", "words": [], "sources": ["speech"]}
        return next_step(desk, part, {}, "not_seen_yet")  # type: ignore[typeddict-item]

    assert "longtake watch v1 --ask 'when is the exam?'" in offered({"ended": None})
    assert "longtake watch" not in offered({"ended": "2026-01-01"})
    assert "longtake watch" not in offered(None)
