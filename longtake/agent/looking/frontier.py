"""Best-first search over the time tree: which span to open next, and which never again.

The memory is a tree over time (video ⊃ chapters ⊃ scenes ⊃ clips). A frontier holds spans that
were seen but not opened; the most promising is opened first, and what is opened puts its children
on the frontier. This is TimeSearch's search (S49): the priority is how surely a span bears on the
question, and spans that were opened or rejected are remembered, so that none is opened twice.

``priority = 0.5 sim + 0.3 p + 0.1 beside - 0.1 cost``: `sim` is likeness of the span's own words
and meaning, `p` the judgement that it bears on the question (`sim` again without a judge; nothing
once a look has been there in vain), `beside` whether a found moment lies next to it, and `cost`
the share of the video it covers. A span in which something came and went unread goes a little
before its like. Nodes are JSON: id, video, start, end, level, sim, p, beside, cost, score.

A clip that brought nothing new is a leaf like any other: what is looked for may be just there.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from longtake.agent.desk import Desk
from longtake.agent.reading.evidence import spread
from longtake.agent.state import Part
from longtake.storage.records import Level, Record
from longtake.timecode import Seconds, Span
from longtake.tools.corpus import Term, Unit, coverage

Node = dict[str, Any]
LEVELS: tuple[Level, ...] = ("video", "chapter", "scene", "clip")
COARSE = {"video": 2, "chapter": 3, "scene": 5, "clip": 10}
"""How many of each level the coarse step puts on the frontier."""
LEAF: Level = "clip"
BESIDE = 2.0
GLIMPSED = 0.05
"""What it adds to a span that something was there for a moment and was not read."""


def priority(sim: float, p: float, *, beside: bool, cost: float) -> float:
    """How soon a span should be opened."""
    return 0.5 * sim + 0.3 * p + 0.1 * float(beside) - 0.1 * cost


def order(node: Node) -> tuple[float, float, str]:
    """Best first; ties by time and id."""
    return (-node["score"], node["start"], node["id"])


@dataclass
class Walk:
    """What a search opened, in order, the leaves it came to, and the frontier that is left."""

    opened: list[str] = field(default_factory=list)
    leaves: list[Node] = field(default_factory=list)
    rest: list[Node] = field(default_factory=list)


def walk(
    roots: Iterable[Node],
    children: Callable[[Node], Sequence[Node]],
    wanted: Callable[[Node], bool],
    *,
    budget: int,
    leaves: int = 1,
    best_first: bool = True,
    seen: Iterable[str] = (),
) -> Walk:
    """Open nodes until `wanted` accepted so many leaves or `budget` nodes were opened.

    `best_first` off opens in order of depth and time, which is the control.
    """
    done, made, line, accepted = set(seen), Walk(), 0, 0
    queue: list[tuple[Any, int, Node]] = []

    def push(nodes: Iterable[Node], depth: int) -> None:
        nonlocal line
        for node in nodes:
            line += 1
            key = order(node) if best_first else (depth, node["start"], node["id"])
            heapq.heappush(queue, (key, line, {"depth": depth} | node))

    push(roots, 0)
    while queue and len(made.opened) < budget:
        _, _, node = heapq.heappop(queue)
        if node["id"] in done:
            continue
        done.add(node["id"])
        made.opened.append(node["id"])
        below = children(node)
        if below:
            push(below, node["depth"] + 1)
        else:
            made.leaves.append(node)
            accepted += wanted(node)
        if accepted >= leaves:
            break
    made.rest = [node for _, _, node in sorted(queue, key=lambda row: row[:2])]
    return made


class Lanes:
    """The spans of every level of the videos asked about: the tree without a question."""

    def __init__(self, desk: Desk) -> None:
        self.units: dict[str, Unit] = {u.record.id: u for u in desk.corpus.of("caption")}
        self._lanes: dict[tuple[str, str], list[Record]] = {}
        for unit in self.units.values():
            if unit.record.level != LEAF:
                record = unit.record
                self._lanes.setdefault((record.video, record.level), []).append(record)
        for video in desk.ids:
            # a clip that brought nothing new has no words, and may yet hold what is looked for
            self._lanes[(video, LEAF)] = desk.toolbox.timeline(video, zoom=LEAF, as_of=desk.as_of)
        self._starts = {key: [r.span.start for r in rows] for key, rows in self._lanes.items()}

    def of(self, level: Level) -> list[Record]:
        """All spans of a level."""
        return [r for (_, at), rows in self._lanes.items() if at == level for r in rows]

    def inside(self, video: str, level: Level, start: Seconds, end: Seconds) -> list[Record]:
        """The spans of a level that begin in a stretch of a video."""
        starts = self._starts.get((video, level), [])
        low, high = bisect_left(starts, start - 1e-6), bisect_left(starts, end - 1e-6)
        return self._lanes[(video, level)][low:high] if high > low else []


def tree_of(desk: Desk, part: Part, terms: Sequence[Term]) -> Tree:
    """The tree of a part, built once for as long as the part asks for the same."""
    scope = tuple(part.get("scope") or ())
    forms = tuple((term.text, len(term.forms)) for term in terms)
    key = ("tree", *desk.ids, part["text"], scope, part.get("anchored"), forms)
    return desk.once(key, lambda: Tree(desk, part, terms))


class Tree:
    """The time tree of one question's videos, with how near each span is to the part."""

    def __init__(self, desk: Desk, part: Part, terms: Sequence[Term]) -> None:
        self._desk = desk
        self._part = part
        self._terms = terms
        self._near: dict[str, float] = {}
        for level in LEVELS:
            self._near |= dict(desk.near(part["text"], level))
        self._lanes = desk.once(("lanes", *desk.ids), lambda: Lanes(desk))
        self._sims: dict[str, float] = {}

    def coarse(self, hits: Sequence[dict[str, Any]]) -> list[Node]:
        """The best spans of every level at once, best first."""
        found: list[Node] = []
        for level in LEVELS:
            nodes = self._nodes(self._lanes.of(level), hits)
            found += sorted(nodes, key=order)[: COARSE[level]]
        return sorted(found, key=order)

    def children(self, node: Node, hits: Sequence[dict[str, Any]]) -> list[Node]:
        """The spans one level below that lie in this one; a clip has none."""
        for level in LEVELS[LEVELS.index(node["level"]) + 1 :]:
            records = self._lanes.inside(node["video"], level, node["start"], node["end"])
            if records:
                return self._nodes(records, hits)
        return []

    def _nodes(self, records: Iterable[Record], hits: Sequence[dict[str, Any]]) -> list[Node]:
        return [self._node(r, hits) for r in records if self._desk.in_scope(self._part, r)]

    def _node(self, record: Record, hits: Sequence[dict[str, Any]]) -> Node:
        span = record.span
        sim = self._sim(record)
        beside = any(
            h["video"] == record.video
            and h["start"] < span.end + BESIDE
            and h["end"] > span.start - BESIDE
            for h in hits
        )
        whole = self._desk.video(record.video).duration or 1.0
        cost = span.duration / whole if record.level != LEAF else 0.0
        score = priority(sim, sim, beside=beside, cost=cost)
        score += GLIMPSED if sim > 0 and record.data.get("glimpses") else 0.0
        return {"id": record.id, "video": record.video, "start": float(span.start),
                "end": float(span.end), "level": record.level, "sim": round(sim, 4),
                "p": round(sim, 4), "beside": beside, "cost": round(cost, 4),
                "score": round(score, 4)}  # fmt: skip

    def _sim(self, record: Record) -> float:
        """How like the part a span is, by its words or by its meaning."""
        if record.id not in self._sims:
            unit = self._lanes.units.get(record.id)
            held = coverage(self._terms, [unit]) if self._terms and unit is not None else 0.0
            if record.level == LEAF:
                held = max(held, self._around(record.video, record.span))
            self._sims[record.id] = max(spread(self._near.get(record.id, 0.0)), held)
        return self._sims[record.id]

    def _around(self, video: str, span: Span) -> float:
        """Share of the words that all said and shown during a clip holds."""
        units = [
            unit
            for source in ("speech", "screen", "sight", "caption")
            for unit in self._desk.lane(video, source).at(span)
            if unit.record.level not in ("chapter", "video")
        ]
        return coverage(self._terms, units) if self._terms else 0.0


def looked_at(node: Node, steps: Sequence[Mapping[str, Any]]) -> Node:
    """The node after the looks that were made there: in vain, and its judgement falls to nothing.

    A look that brought something, or that points at what it could not see well, leaves it as it is.
    """
    here = [s for s in steps if s["video"] == node["video"] and s.get("rung") != "R3"
            and s["start"] < node["end"] and s["end"] > node["start"]]  # fmt: skip
    vain = bool(here) and not any(s.get("new", 1) or s.get("points") for s in here)
    judged = float(node.get("p", 0.0))  # a window or a page that was asked for was not judged
    if not vain or not judged:
        return node
    return node | {"p": 0.0, "score": round(node["score"] - 0.3 * judged, 4)}
