"""Runs a question as the graph does, part by part, so that decomposition is tested alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from longtake.agent.desk import Desk
from longtake.agent.question.classify import classify
from longtake.agent.question.decompose import bind_results, decompose, unused, with_hops
from longtake.agent.question.resolve import resolve
from longtake.agent.reading.close_reading import read_closely
from longtake.agent.reading.evidence import collect
from longtake.agent.solvers.by_kind import solve
from longtake.agent.solvers.interval import solve_interval
from longtake.agent.state import Finding, Part, Switches
from longtake.agent.surety.ground import ground
from longtake.agent.writing.compose import compose
from tests.worlds import World


@dataclass
class Told:
    """What became of a question."""

    text: str
    status: str
    value: Any
    parts: list[Part]
    findings: list[Finding]
    evidence: list[dict[str, Any]]
    dropped: list[dict[str, Any]]
    choice: int | None = None

    @property
    def final(self) -> str:
        """The sentences of the last part alone: what answers the question itself."""
        return " ".join(s["text"] for s in self.findings[-1]["sentences"])


def ask(
    world: World, question: str, *, options: list[str] | None = None, reasoner: Any = None,
    **off: bool,
) -> Told:  # fmt: skip
    """Classify, resolve, decompose, then solve each part when those it waits for are done."""
    switches = Switches(**off)
    desk = Desk(world.toolbox, None, [world.video], None, switches)
    parts = []
    for n, part in enumerate(classify(question, options)):
        if n and part["follows"]:
            parts.append(part)
            continue
        bound, settled = resolve(desk, part, [], [])
        parts.append(dict(bound) | {"settled": settled})
    done: dict[str, tuple[Part, Finding]] = {}
    for part in decompose(parts, switches=switches, reasoner=reasoner):
        done[part["id"]] = _solved(desk, part, done, options)
    parts = [part for part, _ in done.values()]
    findings = [made for _, made in done.values()]
    made = compose(desk, parts, findings)
    kept, dropped = ground(made["sentences"], made["evidence"], question)
    text = " ".join(s["text"] for s in kept)
    last = findings[-1]
    return Told(text, made["status"], last["value"], parts, findings, made["evidence"], dropped,
                last.get("choice"))  # fmt: skip


def _solved(
    desk: Desk, part: Part, done: dict[str, tuple[Part, Finding]], options: list[str] | None
) -> tuple[Part, Finding]:
    part, settled = bind_results(desk, part, done)
    if part["follows"] and part["deps"]:
        part, settled = resolve(desk, part, [done[d] for d in part["deps"]], [])
    settled = settled or part.get("settled")
    if settled:
        return part, with_hops(part, settled)
    made: Finding = {}
    for blur in (False, True):
        terms = desk.terms(part["words"], blur=blur)
        found = read_closely(desk, part, terms, collect(desk, part, terms)) if terms else []
        found = unused(part, found)
        timed = solve_interval(desk, part, terms, found) if part.get("op") else None
        made = timed or solve(desk, part, terms, found, options)
        if made["status"] == "found":
            break
    return part, with_hops(part, made)
