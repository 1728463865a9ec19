"""Ask the questions of development worlds and films, and keep what was seen, one line each.

A row holds the question's truth, the answer's mark, and of the part that was asked the signals,
group, status and the solver's own number, as they stand in the answer's trace. Asking takes
minutes and fitting seconds, so rows are kept in a file of JSON lines.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.machine import say
from bench.scoring import Prediction, mark
from bench.worlds.truth import Question

if TYPE_CHECKING:
    from longtake.agent.agent import Agent
    from longtake.storage.records import Video

Row = dict[str, Any]


def asked(agent: Agent, video: Video, questions: Iterable[tuple[Question, Row]]) -> Iterator[Row]:
    """Ask each question alone; yield a row with what is known of it besides."""
    for number, (question, more) in enumerate(questions, 1):
        answer = agent.ask(question.text, videos=[video])
        one = mark(question, Prediction.of(answer))
        row: Row = {"id": question.id, "kind": question.kind, "text": question.text}
        row |= more | {"status": answer.status, "right": one.right, "hit": one.hit,
                       "declined": one.declined, "answer": answer.text[:240]}  # fmt: skip
        row |= {"confidence": answer.confidence} | _part(answer.trace)
        if number % 100 == 0:
            say(f"asked {number}")
        yield row


def _part(trace: Iterable[Row]) -> Row:
    """The last weighing of the only part; of several parts nothing is taken."""
    weighed = [step for step in trace if step["step"] == "weigh" and step.get("signals")]
    parts = {step.get("part") for step in weighed}
    if len(parts) != 1:
        return {"signals": None, "group": None}
    last = weighed[-1]
    if not last.get("group"):
        raise ValueError("the trace's weighing tells signals, but not the group they belong to")
    row = {"signals": last["signals"], "group": last["group"], "verdict": last["verdict"]}
    told = last.get("judged") or {}
    row |= {key: told[key] for key in ("asked", "passage") if key in told}
    # Beside a guess stands what would be said without it.
    return row | ({"fallen": last["guess"]["declined"]} if last["group"] == "guess" else {})


def save_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write rows as JSON lines."""
    lines = [json.dumps(row, sort_keys=True) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def load_rows(path: Path) -> list[Row]:
    """Read what `save_rows` wrote."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
