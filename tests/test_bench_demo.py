"""The packaged lecture and the demo over it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from bench.worlds import demo_lecture
from longtake import demo
from longtake.timecode import Span


@dataclass
class Proof:
    start: float
    end: float
    source: str
    quote: str


@dataclass
class Reply:
    text: str
    status: str = "answered"
    evidence: tuple[Proof, ...] = ()
    searched: tuple[Span, ...] = ()


@dataclass
class Pretender:
    """A library that answers every question the same way and notes what it was given."""

    replies: dict[str, Reply]
    watched: list[Path] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def __call__(self, path: Path, *, profile: str) -> Pretender:
        assert profile == "offline"
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def ingest(self, source: Path, *, on_progress: Any) -> Any:
        assert source.stat().st_size > 100_000
        self.watched.append(source)
        return type("Watched", (), {"name": source.name, "duration": 165.5})()

    def ask(self, question: str, *, video: Any) -> Reply:
        self.asked.append(question)
        return self.replies[question]


@pytest.fixture
def pretender() -> Pretender:
    said, shown, absent = (question.text for question in demo.QUESTIONS)
    return Pretender(
        {
            said: Reply("On Tuesday.", evidence=(Proof(136.0, 142.0, "speech", "on Tuesday"),)),
            shown: Reply("B214", evidence=(Proof(119.0, 134.0, "screen", "room B214"),)),
            absent: Reply("It is not in the video.", "not_in_video", searched=(Span(0, 165.5),)),
        }
    )


def test_the_packaged_lecture_is_small_and_decodes(tmp_path: Path) -> None:
    import av

    path = demo.write_video(tmp_path)
    assert path.stat().st_size < 2_000_000
    with av.open(str(path)) as container:
        picture = container.streams.video[0]
        assert (picture.width, picture.height) == (1280, 720)
        frames = sum(1 for _ in container.decode(picture))
        container.seek(0)
        sound = sum(frame.samples for frame in container.decode(container.streams.audio[0]))
        rate = container.streams.audio[0].rate
    assert 150 < frames / 10 < 210
    assert sound / rate == pytest.approx(frames / 10, abs=1.5)


def test_the_demo_asks_all_three_and_shows_times(pretender: Pretender) -> None:
    said: list[str] = []
    answers = demo.run(out=said.append, open_library=pretender)
    assert [answer.status for answer in answers] == ["answered", "answered", "not_in_video"]
    told = "\n".join(said)
    assert "00:02:16–00:02:22  speech" in told
    assert "00:01:59–00:02:14  screen" in told
    assert "[not_in_video; 1 spans searched]" in told
    assert not pretender.watched[0].exists()  # the temporary folder is gone


def test_a_named_library_keeps_the_lecture_beside_it(pretender: Pretender, tmp_path: Path) -> None:
    demo.run(library_path=tmp_path / "kept.longtake", out=lambda _: None, open_library=pretender)
    assert pretender.watched == [tmp_path / demo.VIDEO_NAME]
    assert pretender.watched[0].exists()


def test_the_answers_are_where_the_demo_says_they_are() -> None:
    said = " ".join(text for part in demo_lecture.PARTS for text in part.said).lower()
    slides = [part.slide for part in demo_lecture.PARTS if part.slide]
    shown = " ".join(" ".join((s.title, *s.bullets, s.foot, s.subtitle)) for s in slides).lower()
    assert "exam" in said
    assert "exam" not in shown
    assert "office hours" in shown
    assert "office" not in said
    assert "b214" not in said
    assert "textbook" not in said + shown
    assert "cost" in said + shown  # the absent question is not given away by its words alone
