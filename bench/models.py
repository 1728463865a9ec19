"""The same questions with rules only and with chat models, side by side: what does each add?

    python -m bench.models --library LIB --truth TRUTH [--library … --truth …]
                           [--local] [--endpoint NAME=URL]... [--questions 20] [--rows rows.jsonl]

Asks a fixed sample of each kept library's questions (`bench.answers --library` keeps one), three
in ten of them about nothing in the film, first with rules only, then with the profile's own chat
model (`--local`) and with those behind OpenAI-compatible endpoints, which it neither starts nor
stops. Each model is asked as it is for a user: with its packaged correction
(`longtake.agent.surety.correction`), and for a sentence. Answers are marked as in `bench.scoring`;
beside the figures stands which questions a model turned from wrong to right, and back. A sentence
that a model put before what was found is marked by itself, too: a false one in front of a right
quotation would not be noticed otherwise.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.calibrate import endpoint
from bench.machine import emit, machine, say
from bench.scoring import Mark, Prediction, mark, row, summary
from bench.worlds.truth import KINDS, Question, Truth

if TYPE_CHECKING:
    from longtake.agent.answer import Answer
    from longtake.models.protocols import ChatModel

ABSENT = 0.3
"""Share of the questions that are about nothing in the film."""
TOKEN = 3.5
"""Characters of a token, about."""
Asked = tuple[str, Question]
"""A library's name and one of its questions."""


class Counted:
    """A chat model that keeps count of what goes in and out."""

    def __init__(self, chat: ChatModel) -> None:
        self._chat = chat
        self.name = chat.name
        self.calls = self.read = self.wrote = 0

    @property
    def scores(self) -> bool:
        """Whether the model gives log-probabilities."""
        return bool(self._chat.scores)

    def score(self, messages: Sequence[tuple[str, str]], labels: Sequence[str]) -> list[float]:
        """As the model does."""
        self._count(messages)
        return list(self._chat.score(messages, labels))

    def generate(
        self, messages: Sequence[tuple[str, str]], *, max_tokens: int, stop: Sequence[str] = ()
    ) -> str:
        """As the model does."""
        self._count(messages)
        reply = self._chat.generate(messages, max_tokens=max_tokens, stop=stop)
        self.wrote += len(reply)
        return reply

    def _count(self, messages: Sequence[tuple[str, str]]) -> None:
        self.calls += 1
        self.read += sum(len(text) for _, text in messages)

    def row(self, questions: int) -> dict[str, Any]:
        """Calls and tokens for each question, about."""
        return {
            "model_calls": self.calls,
            "tokens_read_each": round(self.read / TOKEN / questions),
            "tokens_written_each": round(self.wrote / TOKEN / questions, 1),
        }


def sample(questions: Sequence[Question], most: int) -> list[Question]:
    """The same questions each time: each kind by its share, and `ABSENT` of them about nothing."""
    absent = [one for one in questions if one.kind == "absent"]
    some = {kind: [one for one in questions if one.kind == kind] for kind in KINDS}
    nothing = min(len(absent), round(ABSENT * most))
    left = min(most - nothing, len(questions) - len(absent))
    rest = len(questions) - len(absent)
    made = _spread(absent, nothing)
    # The largest kinds take what rounding leaves, or take it back.
    sizes = {k: round(left * len(v) / rest) for k, v in some.items() if v and k != "absent"}
    for kind in sorted(sizes, key=lambda k: (-len(some[k]), k)):
        spare = left - sum(sizes.values())
        sizes[kind] = max(0, min(len(some[kind]), sizes[kind] + spare))
    for kind, size in sizes.items():
        made += _spread(some[kind], size)
    return made


def _spread(some: Sequence[Question], n: int) -> list[Question]:
    """So many of them, at equal distances."""
    return [some[int((i + 0.5) * len(some) / n)] for i in range(n)]


def ask_all(
    kept: Sequence[tuple[Path, Sequence[Question]]], profile: str, chat: ChatModel | None
) -> tuple[list[Answer], list[float]]:
    """Ask every library its questions with one model; answers and seconds, in order."""
    from longtake.agent.agent import Agent
    from longtake.config import load_settings
    from longtake.library import Library

    answers, seconds = [], []
    for path, questions in kept:
        with Library(load_settings(library=path, profile=profile)) as library:
            agent = Agent(library.toolbox, chat, None)
            video = library.videos()[0]
            for one in questions:
                started = time.monotonic()
                answers.append(agent.ask(one.text, videos=[video]))
                seconds.append(time.monotonic() - started)
    return answers, seconds


def figures(marks: Sequence[Mark], seconds: Sequence[float]) -> dict[str, Any]:
    """One column of the table."""
    whole = summary(marks)
    return {
        "questions": len(marks),
        "right_with_hit": whole["answerable"].get("right_with_hit"),
        "right": sum(one.right for one in marks),
        "absent_declined": whole["abstention"]["recall"],
        "false_declines": whole["abstention"]["false_declines"],
        **whole["calibration"],
        "seconds": round(float(np.median(seconds)), 2),
    }


def adds(
    asked: Sequence[Asked], plain: Sequence[Mark], marks: Sequence[Mark]
) -> dict[str, list[str]]:
    """Which questions a model changed: to right, to wrong, and told or declined besides."""
    told: dict[str, list[str]] = {"wrong_to_right": [], "right_to_wrong": [], "else": []}
    for (name, question), before, after in zip(asked, plain, marks, strict=True):
        text = f"{name}: {question.text}"
        if before.right != after.right:
            told["wrong_to_right" if after.right else "right_to_wrong"].append(text)
        elif before.declined != after.declined:
            told["else"].append(f"{text} ({'declined' if after.declined else 'told'})")
    return told


def sentences(
    asked: Sequence[Asked], plain: Sequence[Prediction], told: Sequence[Prediction]
) -> dict[str, Any]:
    """How many answers a model put a sentence before, and those sentences that are wrong alone."""
    wrong, n = [], 0
    for (name, question), before, after in zip(asked, plain, told, strict=True):
        said = after.text.removesuffix(before.text).strip()
        if after.status != "answered" or not said or said == after.text.strip():
            continue
        n += 1
        if not mark(question, replace(after, text=said, value=None)).right:
            wrong.append(f"{name}: {question.text} – {said}")
    return {"sentences": n, "sentences_wrong": wrong}


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """Ask all models, mark, compare with rules only."""
    from longtake.agent.surety.calibration import Calibration
    from longtake.models.profiles import open_models

    models = open_models(given.profile)
    chats = ([models.chat] if given.local else []) + [endpoint(one) for one in given.endpoint or ()]
    kept = [(path, sample(Truth.load(truth).questions, given.questions))
            for path, truth in zip(given.library, given.truth, strict=True)]  # fmt: skip
    asked = [(path.stem, one) for path, questions in kept for one in questions]
    report: dict[str, Any] = {"bench": "models", "machine": machine(),
                              "libraries": [path.stem for path, _ in kept], "systems": {}}  # fmt: skip
    plain: list[Mark] = []
    before: list[Prediction] = []
    lines: list[str] = []
    for chat in (None, *chats):
        name, counted = (chat.name, Counted(chat)) if chat else ("rules", None)
        answers, seconds = ask_all(kept, given.profile, counted)
        told = [Prediction.of(answer) for answer in answers]
        marks = [mark(one, was) for (_, one), was in zip(asked, told, strict=True)]
        plain, before = plain or marks, before or told
        report["systems"][name] = figures(marks, seconds)
        if counted is not None:
            judge = Calibration.load(models.names(), chat=name).judge
            spent = counted.row(len(asked)) | {"slope": judge.a if judge else None}
            report["systems"][name] |= spent | sentences(asked, before, told)
            report["systems"][name]["adds"] = adds(asked, plain, marks)
        lines += [json.dumps({"library": film} | dict(row(one, was, name)))
                  for (film, one), was in zip(asked, told, strict=True)]  # fmt: skip
        say(f"{name}: {sum(one.right for one in marks)} of {len(marks)} right")
        if given.rows:
            given.rows.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return report


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", type=Path, action="append", required=True)
    parser.add_argument("--truth", type=Path, action="append", required=True)
    parser.add_argument("--questions", type=int, default=20, help="of each library")
    parser.add_argument("--profile", default="offline")
    parser.add_argument(
        "--local", action="store_true", help="ask with the profile's chat model, too"
    )
    parser.add_argument("--endpoint", action="append", metavar="NAME=URL")
    parser.add_argument("--rows", type=Path, help="write every answer here, as JSON lines")
    given = parser.parse_args()
    if len(given.library) != len(given.truth):
        parser.error("every --library needs its --truth")
    emit(measure(given))


if __name__ == "__main__":
    main()
