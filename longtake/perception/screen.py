"""Screen text over time: each line once, from when it appeared until it went.

Readings come seldom (see `edges`). Between them a line stays as long as its own edges stay; a
line whose edges go is kept aside for a while, since a hand or a pointer may only have covered
it. A line of a new reading is the line known before when place and text agree; when only the
text agrees it has moved (scrolling). Of several readings of one line the best-scoring text
stands. Lines and pages get their record ids when they first appear and keep them while they
grow, so each chunk may store them again.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from longtake.models.protocols import Known, TextLine
from longtake.perception.carry import Arrays
from longtake.perception.edges import Box, Stencil, TextWatch, stencil
from longtake.perception.lines import (
    Line,
    as_it_was,
    digits,
    is_firm,
    overlap,
    readable,
    same_look,
    similarity,
    went_on,
)  # fmt: skip
from longtake.storage.records import Record, Video, record_id
from longtake.timecode import Seconds, Span

STANDS = 3.0
"""Seconds for which a line that is not `is_firm` must stand to be believed."""
SURE = 0.85
"""A line read with less is read once more, though it looks the same."""


@dataclass
class Page:
    """All lines on screen after one reading, in reading order."""

    id: str
    start: Seconds
    end: Seconds
    read_at: Seconds
    lines: list[str]
    texts: list[str]


@dataclass
class Turn:
    """What one reading changed: texts that appeared and went, with times."""

    new: list[tuple[Seconds, str]] = field(default_factory=list)
    gone: list[tuple[Seconds, str]] = field(default_factory=list)


class Screen:
    """The lines on screen.

    Args:
        video: whose records are made.
        maker: the reader's name.
        step: seconds between the frames shown to it.
        grace: seconds for which a line that went may come back as the same line.
        reuse: False has every line of a reading recognised (the control in tests).
    """

    def __init__(
        self,
        video: Video,
        maker: str,
        *,
        step: Seconds = 1.0,
        grace: Seconds = 10.0,
        reuse: bool = True,
    ) -> None:
        self.video, self.maker, self.reuse = video, maker, reuse
        self.step, self.grace = step, grace
        self.lines: list[Line] = []
        self.page: Page | None = None
        self._closed: list[Line | Page] = []
        self._used: dict[str, int] = {}

    def advance(self, time: Seconds, watch: TextWatch) -> list[tuple[Seconds, str]]:
        """See the frame at `time` without reading it; return the (time, text) that went.

        A line that one reading does not make sure is no record until it is read again or, if
        it is more than a glyph, has stood for a while.
        """
        gone: list[tuple[Seconds, str]] = []
        for line in self.lines:
            there = line.mark is None or line.mark.present(watch.grey) >= 0.6
            if there and (line.seen or time - line.end <= self.grace):
                line.seen, line.end = True, time + self.step
                if not line.firm and time - line.read_at >= STANDS and _is_word(line.text):
                    line.firm, line.read_at = True, time
            elif line.seen:
                line.seen = False
                gone += [(time, line.text)] if line.firm else []
        self._forget(time)
        self._turn_page(time)
        return gone

    def read(self, time: Seconds, lines: list[TextLine], box: Box, watch: TextWatch) -> Turn:
        """Take a reading of `box` at `time`, after `advance` for the same frame."""
        assert watch.edges is not None
        turn = Turn()
        open_ = [line for line in self.lines if overlap(line.box, box) > 0.5]
        elsewhere = [line for line in self.lines if line not in open_]
        kept: list[Line] = []
        begun: list[Line] = []
        for found in sorted(readable(lines), key=_reading_order):
            line = self._match(found, open_, time, watch)
            if line is None:
                line = self._moved(found, [*open_, *elsewhere], time)
            if line is None:
                line = self._begin(found, time, watch)
                turn.new += [(line.start, line.text)] if line.firm else []
                begun.append(line)
            else:
                self._renew(line, found, time, watch)
            open_ = [other for other in open_ if other is not line]
            elsewhere = [other for other in elsewhere if other is not line]
            kept.append(line)
        for line in open_:
            kept += self._missed(line, begun, time, turn)
        self.lines = sorted([*kept, *elsewhere], key=lambda line: (line.box[1], line.box[0]))
        self._open_page(time, turn)
        return turn

    def known(self, watch: TextWatch) -> Known:
        """Return what answers for boxes whose line looks as it did when it was read.

        Differential Token Drop (S10) for lines: only what changed against the last kept state
        is worth the model. To be asked for the frame of the last `advance`.
        """

        def answer(box: Box) -> tuple[str, float] | None:
            for line in self.lines if self.reuse else ():
                sure = line.score >= SURE or line.readings > 1
                if sure and as_it_was(line, box, watch):
                    return line.text, line.score
            return None

        return answer

    def _missed(self, line: Line, begun: list[Line], time: Seconds, turn: Turn) -> list[Line]:
        """Close a line that a reading lacks; one that something covers is kept aside."""
        if not line.seen:
            return [line]
        others = [new.start for new in begun if overlap(new.box, line.box) > 0.5]
        line.end = max(line.start, min([line.end, time, *others]))
        turn.gone += [(line.end, line.text)] if line.firm else []
        self._closed.append(line)
        return []

    # -- matching --------------------------------------------------------------------------

    def _match(
        self, found: TextLine, known: list[Line], time: Seconds, watch: TextWatch
    ) -> Line | None:
        best: tuple[float, Line] | None = None
        for line in known:
            if overlap(line.box, found.box) < 0.5 or time - line.end > self.grace:
                continue
            alike = similarity(line.text, found.text)
            if alike < 1.0 and went_on(line, found, watch):
                continue  # a counter, a score: what stands there now is another line
            if alike < 1.0 and not same_look(line, found, watch):
                if digits(line.text) != digits(found.text):
                    continue  # a number that changed is news, not a misreading
                if found.text.lower().startswith(line.text.lower()):
                    alike = max(alike, 0.8)  # it is being typed
            if alike >= 0.8 and (best is None or alike > best[0]):
                best = (alike, line)
        return best[1] if best else None

    def _moved(self, found: TextLine, known: list[Line], time: Seconds) -> Line | None:
        if sum(c.isalnum() for c in found.text) < 6:
            return None
        for line in known:
            near = not line.seen and time - line.end <= self.grace / 2
            same = near and digits(line.text) == digits(found.text)
            if same and similarity(line.text, found.text) >= 0.9:
                return line
        return None

    def _begin(self, found: TextLine, time: Seconds, watch: TextWatch) -> Line:
        assert watch.edges is not None
        mark = stencil(watch.edges, found.box)
        start = watch.first_seen(mark, time)
        return Line(
            self._name(start, "moment"), found.text, found.score, found.box,
            start, time + self.step, time, mark=mark, firm=is_firm(found.text, found.score),
        )  # fmt: skip

    def _renew(self, line: Line, found: TextLine, time: Seconds, watch: TextWatch) -> None:
        assert watch.edges is not None
        typed = len(found.text) > len(line.text) and found.text.lower().startswith(
            line.text.lower()
        )
        if typed or found.score > line.score:
            line.text, line.score = found.text, found.score
        if not as_it_was(line, found.box, watch):  # else its looks stay those that were read
            line.box, line.mark = found.box, stencil(watch.edges, found.box)
        line.readings += 1
        line.seen, line.end = True, time + self.step
        if not line.firm and (is_firm(line.text, line.score) or line.readings > 1):
            line.firm, line.read_at = True, time

    def _name(self, start: Seconds, level: str) -> str:
        first = record_id(self.video.ordinal, start, "moment" if level == "moment" else "frame",
                          "screen")  # fmt: skip
        n = self._used.get(first, 0)
        self._used[first] = n + 1
        return f"{first.rsplit('-', 1)[0]}-{n}"

    def _forget(self, time: Seconds) -> None:
        gone = [line for line in self.lines if not line.seen and time - line.end > self.grace]
        self._closed += gone
        self.lines = [line for line in self.lines if line not in gone]
        old = record_id(self.video.ordinal, max(0.0, time - 60.0), "frame", "screen")
        self._used = {name: n for name, n in self._used.items() if name >= old}

    # -- pages -----------------------------------------------------------------------------

    def _turn_page(self, time: Seconds) -> None:
        if self.page is None:
            return
        seen = {line.id for line in self.lines if line.seen}
        left = sum(name in seen for name in self.page.lines)
        if left * 2 < len(self.page.lines) or left == 0:
            self._close_page(time)
        else:
            self.page.end = time + self.step

    def _close_page(self, time: Seconds) -> None:
        if self.page is not None:
            self.page.end = max(self.page.start, min(self.page.end, time))
            self._closed.append(self.page)
            self.page = None

    def _open_page(self, time: Seconds, turn: Turn) -> None:
        showing = [line for line in self.lines if line.seen and line.firm]
        names, texts = [line.id for line in showing], [line.text for line in showing]
        if self.page is not None and self.page.lines == names:
            self.page.end = time + self.step
            return
        start = min([at for at, _ in turn.new], default=time)
        if self.page is not None:
            start = max(start, self.page.start + self.step)
            self._close_page(min(start, time))
        start = min(start, time)
        if showing:
            name = self._name(start, "frame")
            self.page = Page(name, start, time + self.step, time, names, texts)

    # -- records ---------------------------------------------------------------------------

    def closed(self) -> list[Record]:
        """Return records of what has gone for good since the last call."""
        done, self._closed = self._closed, []
        return [self._record(one) for one in done if isinstance(one, Page) or one.firm]

    def open(self) -> list[Record]:
        """Return records of what is there, or may come back, as far as it is known now."""
        now: list[Line | Page] = [line for line in self.lines if line.firm]
        return [self._record(one) for one in ([*now, self.page] if self.page else now)]

    def _record(self, one: Line | Page) -> Record:
        end = one.end if one.end > one.start else one.start + self.step  # it was there to be read
        span = Span(round(one.start, 3), round(end, 3))
        if isinstance(one, Page):
            return Record(
                one.id, self.video.id, "frame", "screen", span, one.read_at,
                "\n".join(one.texts), self.maker, tuple(one.lines), {"lines": len(one.lines)},
            )  # fmt: skip
        data = {
            "score": round(one.score, 4),
            "box": [round(edge, 4) for edge in one.box],
            "readings": one.readings,
        }
        return Record(
            one.id, self.video.id, "moment", "screen", span, one.read_at, one.text, self.maker,
            (), data,
        )  # fmt: skip

    # -- state -----------------------------------------------------------------------------

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """Return what `restore` needs to go on exactly (call `closed` first)."""
        arrays: Arrays = {}
        lines = []
        for i, line in enumerate(self.lines):
            plain = asdict(replace(line, mark=None))
            if line.mark is not None:
                arrays[f"mark{i}"] = line.mark.grey
                plain["mark"] = [line.mark.top, line.mark.left]
            lines.append(plain)
        page = asdict(self.page) if self.page else None
        return arrays, {"lines": lines, "page": page, "used": self._used}

    def restore(self, arrays: Arrays, facts: dict[str, Any]) -> None:
        """Go on from a state."""
        self.lines = []
        for i, plain in enumerate(facts["lines"]):
            at = plain.pop("mark")
            mark = None
            if at is not None:
                mark = Stencil(at[0], at[1], arrays[f"mark{i}"])
            plain["box"] = tuple(plain["box"])
            self.lines.append(Line(**plain, mark=mark))
        self.page = Page(**facts["page"]) if facts["page"] else None
        self._used = dict(facts["used"])


def _reading_order(line: TextLine) -> tuple[float, float, str]:
    return (round(line.box[1], 2), line.box[0], line.text)


def _is_word(text: str) -> bool:
    return sum(c.isalnum() for c in text) >= 2
