"""Questions about now, of a video that is being followed: answered from its newest frames alone.

Memories beside the newest frames mislead ("perception-memory trade-off", SimpleStream): the slide
of a minute ago is as good a line of text as the one that stands there now. So the now-window is all
that is read first; only where the answer is not in it is the memory joined, and the answer says
so: "Not seen now (00:11:52–00:12:00). Last seen …". Of the memory the buffer comes first, the newest
minute, which the watch may not have reached yet. With `Switches.now_only` off (the control in
tests) what the window holds is only put beside everything that is remembered.

Of the window only what the question needs is looked at (`longtake.agent.question.now.channels`), the
newest picture first, and what answers ends it; the control, `Switches.sparing` off, looks at everything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar, cast

import numpy as np

from longtake.agent.desk import Desk, candidate
from longtake.agent.findings import Candidate, clock, finding, page_of, quoted, sentence, stop
from longtake.agent.findings import at as told_at
from longtake.agent.question.now import channels
from longtake.agent.reading.evidence import collect, enough
from longtake.agent.reading.pages import readable, top
from longtake.agent.state import Finding, Part
from longtake.errors import LongtakeError
from longtake.storage.records import Record, Video
from longtake.timecode import Seconds
from longtake.tools.corpus import Corpus, Unit
from longtake.tools.now import BUFFER, SOURCES, Glance, followed

S = TypeVar("S")
T = TypeVar("T")

STANDS: Seconds = 1.0
"""What was last seen so shortly before the newest moment is there now."""
MOST_LINES, MOST_SAID = 6, 3
SURE, SEEN_BEFORE = 0.9, 0.6
_NAME = re.compile(
    r"(?:(?:Dr|Prof|Mr|Ms|Mrs)\.? )?[^\W\d_][\w'’-]*(?: [^\W\d_a-z][\w'’.-]*){1,3}(?:, .*)?"
)
"""A line that is a person's name, with a title before or a role behind."""
_PICTURE = re.compile(
    r"\bon (?:the )?(?:screen|display|monitor|tv)\b|"
    r"\b(?:screen|display|camera|picture|feed) (?:shows?|showing)\b"
)
"""Asked so, a picture without text is an answer, too; of a slide or a sign only its words are."""


def solve_now(desk: Desk, part: Part) -> tuple[Part, Finding | None]:
    """Answer a part about now from the newest frames.

    Returns the part, and a finding where the window holds an answer, or it is known what to say
    without one; else the part as it is to be asked of the memory, with ``unseen_now``.
    """
    videos = [video for video in desk.videos if followed(video)]
    if not part.get("now") or not videos:
        return part, None
    windows, trouble = _of_each([(v, v) for v in videos], partial(_window, desk))
    seen, unread = _of_each(windows, partial(_visible, desk, part))
    if not seen:
        return _joined(part, f"What is there now cannot be seen: {trouble or unread}."), None
    if found := [made for _, made in seen if made]:
        return part, _together(found)
    windows = [(video, one) for video, one in windows if video.id in {v.id for v, _ in seen}]
    unseen = _unseen(part, [one for _, one in windows])
    plain = _joined(part, unseen)
    lately, _ = _of_each(windows, partial(_lately, desk, part))
    if found := [made for _, made in lately if made]:
        return plain, _together(found)
    if plain["words"] and part["kind"] != "exists":
        return plain, None
    return plain, _last_seen(desk, part, unseen)


def _of_each(
    items: Sequence[tuple[Video, S]], make: Callable[[Video, S], T]
) -> tuple[list[tuple[Video, T]], str]:
    """What is made of each video that can be read; why one cannot be."""
    found, trouble = [], ""
    for video, one in items:
        try:
            found.append((video, make(video, one)))
        except LongtakeError as error:
            trouble = error.message
    return found, trouble


def _window(desk: Desk, video: Video, _: Video) -> Glance:
    """The now-window of a video, the same for all parts of a question."""

    def make() -> Glance:
        one: Glance = desk.toolbox.now.window(video, desk.question, desk.count)
        return _looked(desk, one, "window")

    return desk.once(("window", video.id), make)


def _buffer(desk: Desk, window: Glance) -> Glance:
    """The newest minute: what the memory holds of it is taken from there."""

    def make() -> Glance:
        held = _held(desk, window.video, window.span.start) if desk.switches.sparing else 0.0
        known = [u.record for u in desk.corpus.of() if u.record.span.start < held]
        one: Glance = desk.toolbox.now.buffer(window, held=held, known=known, count=desk.count)
        return _looked(desk, one, "buffer") if one.looks else one

    return desk.once(("buffer", window.video.id), make)


def _held(desk: Desk, video: Video, end: Seconds) -> Seconds:
    """Until when the memory holds all of a video; what came too fast was seen in part only."""
    live = video.media["live"]
    thin = [float(low) for low, high, _ in live.get("left_out", ()) if high > end - BUFFER]
    return min([desk.read_to(video), *thin])


def _looked(desk: Desk, one: Glance, which: str) -> Glance:
    desk.count("inspections")
    step = {"step": "now", "look": which, "video": one.video.id, "known": one.video.duration}
    desk.tell(step | {"start": one.span.start, "end": one.span.end})
    if not desk.switches.sparing:
        one.records(SOURCES, one.span.start)
    return one


def _joined(part: Part, note: str) -> Part:
    """The part as the memory is to be asked, with what is said before its answer."""
    own = {key: part[key] for key in ("id", "deps", "bind", "videos") if key in part}
    return dict(part["now"]) | own | {"unseen_now": note}


def _together(found: Sequence[Finding]) -> Finding:
    """The findings of several videos as one; what does not answer counts where nothing does."""
    found = [one for one in found if one["status"] == "found"] or found[:1]
    if len(found) == 1:
        return found[0]
    evidence: list[Candidate] = []
    sentences: list[dict[str, Any]] = []
    for one in found:
        begin = len(evidence)
        evidence += one["evidence"]
        sentences += [
            dict(s) | {"cites": [begin + n for n in s["cites"]]} for s in one["sentences"]
        ]
    sure = min(one["confidence"] for one in found)
    return finding("found", sentences, evidence, confidence=sure)


# -- what is in sight --------------------------------------------------------------------------


def _visible(desk: Desk, part: Part, video: Video, one: Glance) -> Finding | None:
    """What the window of one video says of the part; None when that is nothing."""
    if part["wants"] == "person" and not part["words"]:
        return _speaker(one)
    if not part["words"]:
        return _all_of(part, one)
    for records, whole in _stages(desk, part, one):
        made = _answered(_narrowed(desk, video, records, blur=whole), part)
        if made is not None:
            return made
    return None


def _stages(desk: Desk, part: Part, one: Glance) -> Iterator[tuple[list[Record], bool]]:
    """What is seen and heard of the window, more and more; whether that is all.

    The newest picture comes first, then what else may answer, the older pictures last.
    """
    names = channels(part) if desk.switches.sparing else SOURCES
    for n in range(len(names)) if desk.switches.sparing else ():
        yield one.records(names[: n + 1], one.edge), False
    yield one.records(names, one.span.start), True


def _answered(near: Desk, part: Part) -> Finding | None:
    """The answer that is at hand."""
    terms = near.terms(part["words"])
    found = collect(near, part, terms)
    found = [c for c in found if enough(c, terms)]
    if not found:
        return None
    if part["kind"] == "exists":
        best = max(found, key=lambda c: (c["score"], c["end"], c["id"]))
        said = stop(f"Yes, now: {told_at(best)[0].lower()}{told_at(best)[1:]}")
        return finding("found", [sentence(said, 0)], [best], confidence=SURE)
    from longtake.agent.solvers.by_kind import solve

    made = solve(near, part, terms, found, None)
    return made if made["status"] == "found" else None


def _narrowed(desk: Desk, video: Video, records: Sequence[Record], *, blur: bool) -> Desk:
    """A desk that knows these records and no others; without the switch, all that is remembered too.

    Words that are nearly right count (`blur`) only once all is known: the right one may yet come.
    """
    if not desk.switches.now_only:
        records = [*(unit.record for unit in desk.corpus.units), *records]
    blur = blur and desk.switches.blur
    switches = replace(desk.switches, inspect=False, kv=False, guess=False, blur=blur)
    box = cast(Any, _Window(desk.toolbox, records))
    made = replace(desk, toolbox=box, videos=[video], switches=switches, _near={}, _made={},
                   places={})  # fmt: skip
    vars(made)["corpus"] = Corpus(records, [video.id])
    return made


class _Window:
    """The toolbox, with the window's records in place of what is remembered."""

    def __init__(self, toolbox: Any, records: Sequence[Record]) -> None:
        self._toolbox = toolbox
        self._records = records

    def __getattr__(self, name: str) -> Any:
        return getattr(self._toolbox, name)

    def similar(self, query: str, *, level: str, channel: str, **_: Any) -> list[tuple[str, float]]:
        """Cosines of a text with the window's texts of a level and channel, best first."""
        own = [r for r in self._records if (r.level, r.channel) == (level, channel)]
        if not own:
            return []
        rows = self._toolbox.embed([query, *(r.text for r in own)])
        cosines = np.asarray(rows[1:] @ rows[0], np.float64)
        found = [(r.id, float(p)) for r, p in zip(own, cosines, strict=True)]
        return sorted(found, key=lambda hit: (-hit[1], hit[0]))

    def sight_curve(self, *_: Any, **__: Any) -> list[Any]:
        """No vectors are made of the window's pictures."""
        return []


def _all_of(part: Part, one: Glance) -> Finding | None:
    """All that is there to see, to read or to hear, whatever it is about."""
    wanted = part["sources"] if part["even"] or part["kind"] == "at_time" else part["sources"][:1]
    if part["kind"] == "at_time":
        wanted = ["speech", "screen", "sight"]
    elif wanted == ["sight"]:
        wanted = ["sight", "screen"]
    elif part["kind"] == "shown" and not part["strict"]:
        wanted = part["sources"][:2]
    sentences: list[dict[str, Any]] = []
    evidence: list[Candidate] = []
    for source in wanted:
        rows = _standing(one, source)
        if rows:
            place = len(evidence)
            evidence += rows
            text = f"Now, at {clock(rows[0]['start' if source == 'speech' else 'end'])}, "
            sentences.append(sentence(stop(text + _what(source, rows)),
                                      *range(place, place + len(rows))))  # fmt: skip
    if not evidence and _PICTURE.search(part["text"].lower()):
        evidence = _standing(one, "sight")
        if evidence:
            text = f"Now, at {clock(one.edge)}, no text is read there; {_what('sight', evidence)}"
            sentences.append(sentence(stop(text), *range(len(evidence))))
    return finding("found", sentences, evidence, confidence=SURE) if evidence else None


def _what(source: str, rows: Sequence[Candidate]) -> str:
    if source == "screen":
        return f"the screen shows: {page_of(rows)}"
    joined = dict(rows[0]) | {"quote": " ".join(row["quote"] for row in rows)}
    if source == "speech":
        return f"the speaker says: {quoted(joined)}"
    return f"the picture shows: {quoted(joined)}"


def _standing(one: Glance, source: str) -> list[Candidate]:
    """What of a source is there at the newest moment, in the order in which it is read."""
    if source == "speech":
        said = _units(one, source, one.edge)
        return [candidate(unit, SURE, lex=1.0) for unit in said[-MOST_SAID:]]
    there: list[Unit] = []
    for since in (one.edge, one.edge - STANDS):  # the newest picture; if it has none, those before
        units = _units(one, source, since)
        there = [u for u in units if u.record.span.end >= one.edge - STANDS] or there
        if source == "sight" and there:
            return [candidate(there[-1], SURE, lex=1.0)]
        if any(readable(u.record.text) for u in there):
            there = [u for u in there if readable(u.record.text)]
            break
    there.sort(key=_reading_order)
    return [candidate(unit, SURE, lex=1.0) for unit in there[:MOST_LINES]]


def _units(one: Glance, source: str, since: Seconds) -> list[Unit]:
    units = Corpus(one.records([source], since), [one.video.id]).units
    return [unit for unit in units if unit.source == source]


def _reading_order(unit: Unit) -> tuple[float, float, str]:
    return top(unit), unit.record.span.start, unit.record.id


def _speaker(one: Glance) -> Finding | None:
    """Who speaks now: the one name on the screen beside what is said; no face or voice is known."""
    said = _standing(one, "speech")
    if not said:
        return None
    names = [row for row in _standing(one, "screen") if _NAME.fullmatch(row["quote"])]
    words = f"Now, at {clock(said[0]['start'])}, {_what('speech', said)}"
    if len(names) != 1:
        note = "Someone is speaking now, and nothing on the screen says who."
        return finding("weak", confidence=0.3, note=note, nearest=said[-1])
    shown = f"Now, at {clock(names[0]['end'])}, {_what('screen', names)}"
    told = [sentence(stop(shown), 0), sentence(stop(words), *range(1, 1 + len(said)))]
    return finding("found", told, [*names, *said], confidence=0.6, short=names[0]["quote"])


# -- what is not in sight ----------------------------------------------------------------------


def _unseen(part: Part, glances: Sequence[Glance]) -> str:
    """ "Not seen now (00:11:52–00:12:00)"."""
    what = "heard" if part["sources"][0] == "speech" and not part["even"] else "seen"
    spans = ", ".join(f"{clock(one.span.start)}–{clock(one.edge)}" for one in glances)
    return f"Not {what} now ({spans})."


def _lately(desk: Desk, part: Part, video: Video, window: Glance) -> Finding | None:
    """What the newest minute says of it, which the watch may not have reached."""
    if part["wants"] == "person" and not part["words"]:
        return None
    # The newest page first: what an older one says is no longer so.
    for records, whole in _backwards(desk, part, _buffer(desk, window)):
        near = _narrowed(desk, video, records, blur=whole)
        if part["words"] and part["kind"] != "exists":
            made = _answered(near, part)
        else:
            last = _latest(near, part)
            made = _told_last(last) if last else None
        if made is not None:
            return made
    return None


def _backwards(desk: Desk, part: Part, one: Glance) -> Iterator[tuple[list[Record], bool]]:
    """More and more of a glance, from its end back; what is heard comes last where either will do."""
    names = channels(part) if part["words"] else part["sources"][:1]
    shown = [name for name in names if name != "speech"]
    every = ([shown, names] if shown != names else [names]) if shown else [names]
    for some in every if desk.switches.sparing else [list(SOURCES)]:
        for since in one.times(some):
            yield [r for r in one.records(some, since) if r.span.end > since], False
    yield one.records(some, 0.0), True


def _last_seen(desk: Desk, part: Part, unseen: str) -> Finding:
    """The last time that the memory knows of it."""
    last = _latest(desk, part)
    return _told_last(last) if last else finding("absent", confidence=0.5, note=unseen)


def _told_last(last: Sequence[Candidate]) -> Finding:
    source = last[0]["source"]
    heard = source == "speech"
    time = last[0]["start"] if heard else max(row["end"] for row in last)
    lead = f"Last {'heard' if heard else 'seen'} at {clock(time)}: "
    told = sentence(stop(lead + _what(source, last)), *range(len(last)))
    return finding("found", [told], last, confidence=SEEN_BEFORE)


def _latest(desk: Desk, part: Part) -> list[Candidate]:
    """The latest of what bears on it, or of its source; of the screen all of the page."""
    if part["words"]:
        terms = desk.terms(part["words"])
        found = [c for c in collect(desk, part, terms) if enough(c, terms)]
        good = [c for c in found if c["score"] >= 0.85 * found[0]["score"]]
        return [max(good, key=lambda c: (c["start"], c["id"]))] if good else []
    source = part["sources"][0]
    units = [unit for unit in desk.corpus.units if unit.source == source]
    if part["wants"] == "person":
        return []
    newest = max(units, key=lambda u: (u.record.span.end, u.record.id), default=None)
    if newest is None:
        return []
    page = [newest]
    if source == "screen":
        ended = newest.record.span.end - STANDS
        page = sorted((u for u in units if u.record.span.end >= ended), key=_reading_order)
    return [candidate(unit, SEEN_BEFORE, lex=1.0) for unit in page[:MOST_LINES]]
