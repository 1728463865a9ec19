"""Best-first search over the time tree: which span to open next, and which never again.

The memory is a tree over time (video ⊃ chapters ⊃ scenes ⊃ clips). A frontier holds spans that
were seen but not opened; the most promising is opened first, and what is opened puts its children
on the frontier. This is TimeSearch's search (S49): the priority is how surely a span bears on the
question, and spans that were opened or rejected are remembered, so that none is opened twice.

``priority = 0.5 sim + 0.3 p + 0.1 beside - 0.1 cost``: `sim` is likeness of the span's own words
and meaning, `p` the judgement that it bears on the question (`sim` again without a judge),
`beside` whether a found moment lies next to it, and `cost` the share of the video it covers.
Nodes are JSON: id, video, start, end, level, sim, p, beside, cost, score.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from longtake.agent.desk import Desk
from longtake.agent.reading.evidence import spread
from longtake.agent.state import Part
from longtake.storage.records import Level, Record
from longtake.timecode import Span
from longtake.tools.corpus import Term, coverage

Node = dict[str, Any]
LEVELS: tuple[Level, ...] = ("video", "chapter", "scene", "clip")
COARSE = {"video": 2, "chapter": 3, "scene": 5, "clip": 10}
"""How many of each level the coarse step puts on the frontier."""
LEAF = "clip"
BESIDE = 2.0


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


class Tree:
    """The time tree of one question's videos, with how near each span is to the part."""

    def __init__(self, desk: Desk, part: Part, terms: Sequence[Term]) -> None:
        self._desk = desk
        self._part = part
        self._terms = terms
        self._near: dict[str, float] = {}
        for level in LEVELS:
            self._near |= dict(desk.near(part["text"], level))
        self._lanes: dict[tuple[str, str], list[Record]] = {}
        self._units = {}
        for unit in desk.corpus.of("caption"):
            record = unit.record
            self._lanes.setdefault((record.video, record.level), []).append(record)
            self._units[record.id] = unit

    def coarse(self, hits: Sequence[dict[str, Any]]) -> list[Node]:
        """The best spans of every level at once, best first."""
        found: list[Node] = []
        for level in LEVELS:
            nodes = [
                self._node(record, hits)
                for (_, at), records in self._lanes.items()
                if at == level
                for record in records
                if self._desk.in_scope(self._part, record)
            ]
            found += sorted(nodes, key=order)[: COARSE[level]]
        return sorted(found, key=order)

    def children(self, node: Node, hits: Sequence[dict[str, Any]]) -> list[Node]:
        """The spans one level below that lie in this one; a clip has none."""
        for level in LEVELS[LEVELS.index(node["level"]) + 1 :]:
            records = self._lanes.get((node["video"], level), [])
            starts = [r.span.start for r in records]
            low = bisect_left(starts, node["start"] - 1e-6)
            high = bisect_left(starts, node["end"] - 1e-6)
            if high > low:
                return [self._node(r, hits) for r in records[low:high]
                        if self._desk.in_scope(self._part, r)]  # fmt: skip
        return []

    def _node(self, record: Record, hits: Sequence[dict[str, Any]]) -> Node:
        span = record.span
        held = coverage(self._terms, [self._units[record.id]]) if self._terms else 0.0
        if record.level == LEAF:
            held = max(held, self._around(record))
        sim = max(spread(self._near.get(record.id, 0.0)), held)
        beside = any(
            h["video"] == record.video
            and h["start"] < span.end + BESIDE
            and h["end"] > span.start - BESIDE
            for h in hits
        )
        whole = self._desk.video(record.video).duration or 1.0
        cost = span.duration / whole if record.level != LEAF else 0.0
        score = priority(sim, sim, beside=beside, cost=cost)
        return {"id": record.id, "video": record.video, "start": float(span.start),
                "end": float(span.end), "level": record.level, "sim": round(sim, 4),
                "p": round(sim, 4), "beside": beside, "cost": round(cost, 4),
                "score": round(score, 4)}  # fmt: skip

    def _around(self, record: Record) -> float:
        """Share of the words that all said and shown during a clip holds."""
        span = Span(record.span.start, record.span.end)
        units = [
            unit
            for source in ("speech", "screen", "sight", "caption")
            for unit in self._desk.lane(record.video, source).at(span)
            if unit.record.level not in ("chapter", "video")
        ]
        return coverage(self._terms, units) if self._terms else 0.0
