"""What the rows share: worlds kept in a folder, agents with switches, marks and traces."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.machine import say
from bench.scoring import Prediction, mark
from bench.worlds.scripted import Programme, Strewn, write
from bench.worlds.scripted_questions import STREWN
from bench.worlds.truth import Question

if TYPE_CHECKING:
    from longtake.agent.agent import Agent
    from longtake.agent.answer import Answer
    from longtake.library import Library
    from longtake.storage.records import Video

Look = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One mechanism: how it did on and off, what was wanted, and whether that was met."""

    name: str
    on: dict[str, Any]
    off: dict[str, Any]
    wanted: str
    met: bool

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"name": self.name, "on": self.on, "off": self.off, "wanted": self.wanted,
                "met": self.met}  # fmt: skip


@dataclass
class Place:
    """A library with one video in it, and what its programme was (none for a film)."""

    library: Library
    video: Video
    programme: Programme | None = None
    look: Look | None = None
    source: Path | None = None

    def agent(self, *, budget: Any = None, **switches: bool) -> Agent:
        """An agent with some mechanisms switched off, with threads of its own in memory."""
        from longtake.agent.agent import Agent
        from longtake.agent.state import Switches

        given = {"budget": budget} if budget is not None else {}
        return Agent(self.toolbox(), None, None, switches=Switches(**switches), **given)

    def toolbox(self) -> Any:
        """The library's tools; with a stand-in for looks at the source where there is one."""
        from longtake.tools.registry import Toolbox

        if self.look is None:
            return self.library.toolbox
        path = self.source
        assert path is not None
        return Toolbox(self.library.store, self.library.models, self.library.recall,
                       source_of=lambda _: path, look=self.look)  # fmt: skip


@dataclass
class Bench:
    """Where a run keeps its worlds, how long they are, and who reads text for it.

    `models` stands in for the offline profile's (tests do that); `log` gets one JSON line for
    every question with its answer and trace.
    """

    folder: Path
    minutes: float = 120.0
    models: Any = None
    log: Path | None = None
    each: int = 8
    """Labels of every duration in the film."""
    early: bool = False
    """Labels come up within the first seconds of their pages (tests plant that)."""
    drawn: bool = True
    """Draw the film and watch it; else put its script into a library, with scripted looks."""
    items: tuple[str, ...] | None = None
    most: int | None = None
    """Ask at most so many questions of a set, spread evenly over it (tests do that)."""
    trials: int = 60
    """Made-up trees that are searched."""
    _open: dict[str, Place] = field(default_factory=dict)

    def afternoon(self, minutes: float | None = None) -> Place:
        """The scripted afternoon, written into a library once and kept."""
        from bench.worlds.scripted_items import ITEMS

        long = self.minutes if minutes is None else minutes
        strewn = STREWN if long >= 60 else _fewer(STREWN, long / 60)
        made = write(f"afternoon-{long:g}", minutes=long, strewn=strewn, items=self.items or ITEMS)
        return self.written(made.script.name, made.world.remember, made)

    def written(
        self, name: str, remember: Callable[[Any, Any], Any], programme: Programme | None = None
    ) -> Place:
        """A world in a library of its own, written when the folder does not hold it yet."""
        if name not in self._open:
            path = self.folder / f"{name}.longtake"
            library = self.library(path)
            if not path.exists():
                say(f"writing {name}")
                self._write(path, library, remember)
            self._open[name] = Place(library, library.videos()[0], programme)
        return self._open[name]

    def _write(self, path: Path, library: Library, remember: Callable[[Any, Any], Any]) -> None:
        from longtake.storage.store import Store

        half = path.with_suffix(".half")
        shutil.rmtree(half, ignore_errors=True)
        with Store.open(half, write=True, create=True) as store:
            remember(store, library.models.text_encoder)
        half.rename(path)

    def library(self, path: Path) -> Library:
        """A library with this run's models."""
        from longtake.config import load_settings
        from longtake.library import Library

        return Library(load_settings(library=path, profile="offline"), models=self.models)

    @contextmanager
    def copied(self, place: Place, name: str) -> Iterator[Place]:
        """A copy of a library: what one run looks at must not help the next."""
        path = self.folder / f"copy-{name}.longtake"
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(place.library.path, path)
        library = self.library(path)
        try:
            yield Place(library, library.videos()[0], place.programme, place.look, place.source)
        finally:
            library.close()
            shutil.rmtree(path, ignore_errors=True)

    def some(self, questions: Sequence[Any]) -> list[Any]:
        """The questions of a set that are asked."""
        if self.most is None or len(questions) <= self.most:
            return list(questions)
        return [questions[n * len(questions) // self.most] for n in range(self.most)]

    def note(self, row: str, mode: str, question: Question, answer: Answer, right: bool) -> None:
        """Write one question with its answer and trace to the log."""
        if self.log is None:
            return
        told = {"row": row, "mode": mode, "id": question.id, "question": question.text,
                "right": right, "answer": answer.text, "status": answer.status,
                "value": answer.value, "confidence": answer.confidence, "forced": answer.forced,
                "evidence": [e.to_dict() for e in answer.evidence[:3]],
                "gold": [list(s) for s in question.spans[:4]], "accepts": list(question.right),
                "gold_value": question.value, "cost": answer.cost,
                "trace": list(answer.trace)}  # fmt: skip
        with self.log.open("a", encoding="utf-8") as out:
            out.write(json.dumps(told) + "\n")

    def close(self) -> None:
        """Close the libraries."""
        for place in self._open.values():
            place.library.close()
        self._open.clear()


def _fewer(strewn: Sequence[Strewn], share: float) -> tuple[Strewn, ...]:
    """Fewer of each phrase, for a programme that is shorter than an hour."""
    return tuple(
        Strewn(one.phrase, max(3, round(one.times * share)), one.sentences, one.card)
        for one in strewn
    )


def is_right(question: Question, answer: Answer) -> bool:
    """Whether an answer is right, as `bench.scoring` marks it."""
    return mark(question, Prediction.of(answer)).right


def asked(
    bench: Bench,
    row: str,
    mode: str,
    place: Place,
    questions: Sequence[Question],
    *,
    agent: Agent | None = None,
    **switches: bool,
) -> list[tuple[Question, Answer, bool]]:
    """Ask every question by itself; return each with its answer and whether that is right."""
    who = agent or place.agent(**switches)
    rows = []
    for question in bench.some(questions):
        answer = who.ask(question.text, videos=[place.video])
        right = is_right(question, answer)
        bench.note(row, mode, question, answer, right)
        rows.append((question, answer, right))
    return rows


def share(flags: Sequence[bool]) -> float:
    """Share of true flags; 0 of none."""
    return round(sum(flags) / len(flags), 4) if flags else 0.0


def steps(answer: Answer, name: str) -> list[dict[str, Any]]:
    """The steps of one name in an answer's trace."""
    return [step for step in answer.trace if step.get("step") == name]


def looked(answer: Answer) -> list[dict[str, Any]]:
    """Every second look an answer made: video, start, end, rung, frames, reused."""
    return [one for step in steps(answer, "extract") for one in step["looked"]]


def nodes_opened(answer: Answer) -> int:
    """How many spans of the time tree an answer opened."""
    return sum(int(step["opened"]) for step in steps(answer, "propose"))


def twice(answer: Answer) -> int:
    """How many looks went, on the same rung, over a span that an earlier look had seen."""
    seen: list[dict[str, Any]] = []
    count = 0
    for one in looked(answer):
        length = max(one["end"] - one["start"], 1e-6)
        for other in seen:
            same = one["video"] == other["video"] and one["rung"] == other["rung"]
            both = min(one["end"], other["end"]) - max(one["start"], other["start"])
            if same and both >= 0.5 * length:
                count += 1
                break
        seen.append(one)
    return count
