"""What the nodes work with during one question: tools, scope, switches, and the count of work.

The graph's state holds JSON only; everything that is not JSON lives here and is made anew for
each question. Every read goes through the toolbox with the question's `as_of`.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock, RLock
from typing import TYPE_CHECKING, Any, TypeVar, cast

from longtake.agent.state import Part, Switches
from longtake.storage.records import Level, Record, Video
from longtake.timecode import Seconds, Span
from longtake.tools.corpus import Corpus, Source, Term, Unit, is_described
from longtake.tools.now import followed

if TYPE_CHECKING:
    from longtake.agent.reading.pages import Place
    from longtake.models.protocols import ChatModel
    from longtake.tools.registry import Toolbox

SOFT = frozenset(
    """room day date year month colour color deadline object objects animal animals title exact
    size value rate amount place city key main big good bad important use used using uses make
    makes need needs take takes want wants get gets work works people kind type types example
    examples case cases different general whole full table tables list chart graph diagram poster
    sheet photo break breaks pause""".split()  # noqa: SIM905
)
"""Words that say what sort of answer is wanted, or little at all; they weigh a third."""

T = TypeVar("T")
_SMALL = re.compile(r"\b[a-z][a-z]{2,}\b")
NEAR = 2000
"""Captions of a level whose cosine is looked up: all of a day of clips would be 8,640."""


@dataclass
class Desk:
    """One question's means."""

    toolbox: Toolbox
    chat: ChatModel | None
    videos: list[Video]
    as_of: Seconds | None
    switches: Switches
    reasoner: Any = None
    ledger: Any = None
    calibration: Any = None
    cost: Counter[str] = field(default_factory=Counter)
    places: dict[str, Place] = field(default_factory=dict)
    """Where lines stand on their pages, by record id; see `longtake.agent.reading.pages`."""
    left_out: tuple[Video, ...] = ()
    """Videos of the library that were not opened, because others fit better."""
    question: str = ""
    """All that was asked; what was looked at for this very question is looked at again."""
    stop: Callable[[], bool] = lambda: False
    """Whether the person has had enough; the best answer so far is given then."""
    on_step: Callable[[dict[str, Any]], None] | None = None
    _near: dict[tuple[str, ...], list[tuple[str, float]]] = field(default_factory=dict)
    _made: dict[Hashable, Any] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _making: RLock = field(default_factory=RLock)

    @cached_property
    def ids(self) -> list[str]:
        """The videos asked about."""
        return [video.id for video in self.videos]

    @cached_property
    def corpus(self) -> Corpus:
        """Everything remembered of them."""
        corpus = self.toolbox.corpus(
            self.ids, as_of=self.as_of, observed=self.switches.reuse, asked=self.question or None
        )
        self.cost["records_read"] += len(corpus.units)
        return corpus

    @cached_property
    def small_words(self) -> frozenset[str]:
        """Words that are somewhere written small: no names, however a heading writes them."""
        found: set[str] = set()
        for unit in self.corpus.of("speech", "screen"):
            found.update(_SMALL.findall(unit.record.text))
        return frozenset(found)

    @cached_property
    def lanes(self) -> dict[tuple[str, str], Lane]:
        """The units of each (video, source) in order of time."""
        grouped: dict[tuple[str, str], list[Unit]] = {}
        for unit in self.corpus.units:
            grouped.setdefault((unit.record.video, unit.source), []).append(unit)
        return {key: Lane(units) for key, units in grouped.items()}

    def lane(self, video: str, source: str) -> Lane:
        """The units of one source of one video."""
        return self.lanes.get((video, source)) or Lane([])

    def video(self, name: str) -> Video:
        """One of the videos asked about."""
        return next(video for video in self.videos if video.id == name)

    def limit(self, video: Video) -> Seconds:
        """How far this video may be known: its end, or `as_of`."""
        return video.duration if self.as_of is None else min(video.duration, self.as_of)

    def reach(self, video: Video) -> Seconds:
        """How far this video has come; of one that is being followed, beyond what is known of it."""
        if self.as_of is not None or not followed(video):
            return video.duration
        return self.once(("edge", video.id), lambda: self.toolbox.now.edge(video))

    def watched(self, video: Video) -> bool:
        """Whether all of the video has been watched and may be known; more of a live one comes."""
        return not followed(video) and self.read_to(video) >= video.duration - 0.5

    def terms(self, words: Sequence[str], *, blur: bool | None = None) -> list[Term]:
        """Look the words up; soft ones weigh a third."""
        use = self.switches.blur if blur is None else blur
        found = self.corpus.terms(words, blur=use)
        return [
            Term(t.text, t.stem, t.weight / 3, t.forms, t.joined) if t.text in SOFT else t
            for t in found
        ]

    def in_scope(self, part: Part, record: Record) -> bool:
        """Whether a record lies in the stretch of time the part is limited to."""
        scope = part.get("scope")
        if record.video not in self.ids or part.get("anchored") not in (None, record.video):
            return False
        if scope is None:
            return True
        span = Span(scope[0], scope[1])
        return record.span.overlap(span) > 0 or span.contains(record.span.start)

    def prepare(self) -> None:
        """Read the memory once, before parts of the question are worked on side by side."""
        _ = self.corpus, self.lanes

    def read_to(self, video: Video) -> Seconds:
        """How far the deep pass has read a video."""
        covered = self.toolbox.covered(video.id, self.as_of)
        return max((float(c["end"]) for c in covered if c["pass"] == "deep"), default=0.0)

    def coverage(self) -> float:
        """Share of the videos, as far as they may be known, that the deep pass has read."""
        limits = [(self.limit(video), self.read_to(video)) for video in self.videos]
        total = sum(limit for limit, _ in limits) or 1.0
        return min(1.0, sum(min(limit, read) for limit, read in limits) / total)

    def near(self, text: str, level: Level) -> list[tuple[str, float]]:
        """Cosines of a text with the captions of a level, for all that are near at all."""
        key = (text, level, *self.ids)
        if key not in self._near:
            self.count("searches")
            self._near[key] = self.toolbox.similar(
                text, level=level, channel="caption", videos=self.ids, as_of=self.as_of, k=NEAR
            )
        return self._near[key]

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What is the same all through a question, made when first asked for.

        The key says all that it depends on beside the memory: desks of fewer videos share it.
        """
        with self._making:
            if key not in self._made:
                self._made[key] = make()
            return cast("T", self._made[key])

    def count(self, what: str, n: int = 1) -> None:
        """Note work done; parts of a question may be worked on at the same time."""
        with self._lock:
            self.cost[what] += n

    def tell(self, step: dict[str, Any]) -> dict[str, Any]:
        """Let whoever waits see a step of the work; returns it for the trace."""
        if self.on_step is not None:
            with self._lock:
                self.on_step(dict(step))
        return step

    def source_of(self, record: Record) -> Source:
        """Where a record's words come from."""
        return "speech" if record.channel == "speech" else _SOURCE.get(record.channel, "screen")


_SOURCE: dict[str, Source] = {"screen": "screen", "sight": "sight", "caption": "caption"}


class Lane:
    """Units of one source of one video, in order of start."""

    def __init__(self, units: list[Unit]) -> None:
        self.units = units
        self._starts = [unit.record.span.start for unit in units]
        self._places = {unit.record.id: n for n, unit in enumerate(units)}
        self._longest = max((unit.record.span.duration for unit in units), default=0.0)

    def get(self, name: str) -> Unit | None:
        """The unit of a record, if it is of this lane."""
        n = self._places.get(name)
        return self.units[n] if n is not None else None

    def at(self, span: Span) -> list[Unit]:
        """Units that overlap a span; one that ends where it begins does not."""
        low = bisect_left(self._starts, span.start - self._longest - 1e-9)
        high = bisect_left(self._starts, max(span.end, span.start + 1e-6))
        return [
            unit
            for unit in self.units[low:high]
            if unit.record.span.end > span.start or unit.record.span.contains(span.start)
        ]

    def beside(self, unit: Unit, gap: Seconds = 6.0) -> list[Unit]:
        """The units just before and after, unless a long pause lies between."""
        n = self._places.get(unit.record.id)
        if n is None:
            return []
        here = unit.record.span
        near = []
        if n > 0 and here.start - self.units[n - 1].record.span.end <= gap:
            near.append(self.units[n - 1])
        if n + 1 < len(self.units) and self.units[n + 1].record.span.start - here.end <= gap:
            near.append(self.units[n + 1])
        return near

    def after(self, time: Seconds, n: int = 1) -> list[Unit]:
        """The first units that start at or after a time."""
        at = bisect_left(self._starts, time - 1e-6)
        return self.units[at : at + n]

    def before(self, time: Seconds, n: int = 1) -> list[Unit]:
        """The last units that start before a time, in order."""
        at = bisect_left(self._starts, time - 1e-6)
        return self.units[max(0, at - n) : at]


def candidate(unit: Unit, score: float, *, lex: float = 0.0, dense: float = 0.0) -> dict[str, Any]:
    """A unit as a JSON candidate for evidence."""
    return row(unit.record, unit.source, score, lex=lex, dense=dense)


def row(
    record: Record, source: str, score: float, *, lex: float = 0.0, dense: float = 0.0
) -> dict[str, Any]:
    """A record as a JSON candidate for evidence; ``by``: the model that described what it saw."""
    return ({"by": record.maker} if is_described(record) else {}) | {
        "id": record.id,
        "video": record.video,
        "start": float(record.span.start),
        "end": float(record.span.end),
        "source": source,
        "quote": record.text.strip(),
        "score": round(float(score), 4),
        "lex": round(float(lex), 4),
        "dense": round(float(dense), 4),
    }
