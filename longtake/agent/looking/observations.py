"""What a look says for a part of the question, and what it contradicts.

`claims` turns what was seen into candidates; `contest` sets it against what the memory says of the
same place and notes what the finer look contradicts (VideoLucy's memory is corrected on the way
back up, S51); `settle` lets disputed candidates count for less. Raw records are never changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any

from longtake.agent.desk import Desk
from longtake.agent.findings import Candidate
from longtake.agent.reading.sight import BELIEVED, strengths
from longtake.agent.state import Part
from longtake.memory.disputes import LOWER
from longtake.storage.observations import Dispute, Observation
from longtake.storage.records import Record
from longtake.timecode import Span
from longtake.tools.corpus import Corpus, Term, Unit, coverage
from longtake.tools.observed import COVERS, plain, records_of
from longtake.tools.words import tokens

OPEN_KINDS = ("shown", "fact", "at_time", "said")
"""Kinds of questions that a line may answer without holding the question's words."""
HOLDS = 0.6
SEEN = "obs:"
"""Ids of records that are observations begin so; candidates of a look begin with ``look:``."""
SAME_PLACE = 0.5
ALIKE = 0.6
"""Least likeness of two readings for them to be readings of one line."""
SURE_LINE = 0.8


def question_of(desk: Desk) -> str:
    """The whole question of the person, to whom looks are put down."""
    return str(getattr(desk, "question", ""))


def earlier(desk: Desk, video: str, span: Span) -> list[Observation]:
    """What was seen of a place for other questions; this one's own looks it makes again itself."""
    kept = desk.toolbox.store.observations
    found: list[Observation] = kept.read(
        [video], span=span, as_of=desk.as_of, but=question_of(desk) or None
    )
    return found


def observed(desk: Desk) -> list[Unit]:
    """The units of the corpus that second looks have seen."""
    return [unit for unit in desk.corpus.units if unit.record.id.startswith(SEEN)]


def claims(
    desk: Desk, part: Part, terms: Sequence[Term], seen: Sequence[Observation], place: Span,
    fit: float,
) -> list[Candidate]:  # fmt: skip
    """What observations say of a part inside a place, beyond what the memory says; best first.

    Args:
        desk: the question's means.
        part: what is asked.
        terms: its words.
        seen: the observations.
        place: only what overlaps it.
        fit: how well the surroundings of the place fit the part, 0 to 1.
    """
    known = [
        unit.record
        for video in dict.fromkeys(one.video for one in seen)
        for unit in desk.lane(video, "screen").at(place)
        if not unit.record.id.startswith(SEEN)
    ]
    records = [r for r in records_of(seen, known) if _inside(r.span, place)]
    found = [
        *_lines(desk, part, terms, [r for r in records if r.channel == "screen"], fit),
        *_sights(desk, part, [r for r in records if r.channel == "sight"]),
        *_told(desk, part, terms, [r for r in records if r.channel == "caption"], fit),
    ]
    found.sort(key=lambda c: (-c["score"], c["start"], c["id"]))
    return found


def _inside(span: Span, place: Span) -> bool:
    return span.overlap(place) > 0 or place.contains(span.start)


def _lines(
    desk: Desk, part: Part, terms: Sequence[Term], records: Sequence[Record], fit: float
) -> list[Candidate]:
    found = []
    for record in records:
        held = _held(desk, terms, record)
        if len(record.text) < 3 or (part["kind"] not in OPEN_KINDS and held < HOLDS):
            continue
        score = 0.45 + 0.25 * fit + 0.25 * held
        found.append(_candidate(record, "screen", score, lex=max(held, fit)))
    return found


def _sights(desk: Desk, part: Part, records: Sequence[Record]) -> list[Candidate]:
    """Frames whose labels or colours name what was asked for, one for each run of them."""
    if "sight" not in part["sources"] or not part["words"] or not records:
        return []
    units = Corpus(records, desk.ids).units
    found: list[Candidate] = []
    for unit, strength in zip(units, strengths(desk, part["words"], units), strict=True):
        if strength < BELIEVED:
            continue
        score = (0.45 + 0.5 * strength) * (1.0 if part["sources"][0] == "sight" else 0.8)
        one = _candidate(unit.record, "sight", score, lex=strength)
        one |= {"strength": round(strength, 4)}
        last = found[-1] if found else None
        if last is not None and last["video"] == one["video"] and one["start"] - last["end"] < 1.5:
            best = one if one["strength"] > last["strength"] else last
            found[-1] = best | {"start": last["start"], "end": one["end"]}
        else:
            found.append(one)
    return found


def _told(
    desk: Desk, part: Part, terms: Sequence[Term], records: Sequence[Record], fit: float
) -> list[Candidate]:
    """Captions made for this question that speak of what was asked for."""
    found = []
    for record in records:
        held = _held(desk, terms, record)
        if held >= HOLDS:
            found.append(_candidate(record, "caption", 0.35 + 0.2 * fit + 0.3 * held, lex=held))
    return found


def _candidate(record: Record, source: str, score: float, *, lex: float) -> Candidate:
    return {
        "id": "look:" + record.id.removeprefix(SEEN),
        "video": record.video,
        "start": float(record.span.start),
        "end": float(record.span.end),
        "source": source,
        "quote": record.text,
        "score": round(score, 4),
        "lex": round(lex, 4),
        "dense": 0.0,
        "sure": True,
    }


def _held(desk: Desk, terms: Sequence[Term], record: Record) -> float:
    """Share of the question's words in a text that is in no record of the memory."""
    corpus = Corpus([record], [record.video])
    fresh = corpus.terms([term.text for term in terms])
    weighed = [
        Term(old.text, old.stem, old.weight, new.forms, new.joined)
        for old, new in zip(terms, fresh, strict=False)
    ]
    return coverage(weighed, corpus.units)


# -- what is contradicted ------------------------------------------------------------------


def contest(desk: Desk, one: Observation) -> list[str]:
    """Note which records a look contradicts; returns their ids."""
    if not desk.switches.dispute:
        return []
    found = [*_misread(desk, one), *_misnamed(desk, one)]
    desk.toolbox.store.observations.contest(found)
    return list(dict.fromkeys(dispute.record for dispute in found))


def settle(desk: Desk, found: Sequence[Candidate]) -> list[Candidate]:
    """Candidates with those that a finer look contradicts lower, best first."""
    if not desk.switches.dispute:
        return list(found)
    kept = desk.toolbox.store.observations.disputes(desk.ids, as_of=desk.as_of)
    disputed = {dispute.record: dispute for dispute in kept}
    made = []
    for one in found:
        dispute = disputed.get(one["id"])
        if dispute is not None and not one.get("disputed"):
            score = round(one["score"] * LOWER, 4)
            one = one | {"score": score, "disputed": dispute.observation}
        made.append(one)
    return sorted(made, key=lambda c: (-c["score"], c["start"], c["id"]))


def _misread(desk: Desk, one: Observation) -> list[Dispute]:
    """Lines that the finer look reads surely and otherwise, and captions that repeat them."""
    fine = [r for r in records_of([one]) if r.channel == "screen" and r.data.get("box")]
    read = {plain(r.text) for r in fine}
    found = []
    for unit in desk.lane(one.video, "screen").at(one.span):
        old = unit.record
        if old.id.startswith(SEEN) or not old.data.get("box") or plain(old.text) in read:
            continue
        better = [new for new in fine if _contradicts(new, old)]
        if not better:
            continue
        new = max(better, key=lambda r: (r.data["score"], -r.span.start, r.id))
        found.append(_dispute(desk, one, old.id, new.span, "text", (old.text, new.text)))
        for caption in desk.lane(one.video, "caption").at(old.span):
            if caption.record.level == "clip" and old.text in caption.record.text:
                told = (old.text, new.text)
                found.append(_dispute(desk, one, caption.record.id, new.span, "text", told))
    return found


def _contradicts(new: Record, old: Record) -> bool:
    """Whether a surer reading of the same place at the same time says something else."""
    score = float(new.data["score"])
    if score < SURE_LINE or score <= float(old.data.get("score", 1.0)):
        return False
    least = max(1e-3, min(new.span.duration, old.span.duration))
    if new.span.overlap(old.span) < 0.5 * least or _share(new, old) < SAME_PLACE:
        return False
    mine, theirs = set(tokens(new.text)), set(tokens(old.text))
    alike = SequenceMatcher(None, plain(new.text), plain(old.text)).ratio()
    return bool(mine - theirs and theirs - mine) and alike >= ALIKE


def _share(one: Record, other: Record) -> float:
    """Share of the greater box that both cover."""
    a, b = one.data["box"], other.data["box"]
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    most = max((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return float(max(0.0, wide) * max(0.0, high) / most) if most > 0 else 0.0


def _misnamed(desk: Desk, one: Observation) -> list[Dispute]:
    """Labels of a caption that a look over nearly all of its clip never sees, where it sees a rival."""
    best: dict[str, tuple[float, float]] = {}
    for tag in one.seen["tags"]:
        p, time = float(tag["p"]), float(tag.get("time", one.span.start))
        best[str(tag["label"])] = max(best.get(str(tag["label"]), (0.0, 0.0)), (p, -time))
    if not best:
        return []
    found = []
    for unit in desk.lane(one.video, "caption").at(one.span):
        clip = unit.record
        whole = max(clip.span.duration, 1e-6)
        if clip.level != "clip" or one.span.overlap(clip.span) < COVERS * whole:
            continue
        told: list[Any] = [str(tag[0]) for tag in clip.data.get("tags", ())]
        rivals = [(p, label) for label, (p, _) in best.items() if p >= BELIEVED]
        rivals = [(p, label) for p, label in rivals if label not in told]
        gone = [label for label in told if label not in best and label in clip.text]
        if rivals and gone:
            _, now = max(rivals, key=lambda r: (r[0], r[1]))
            at = Span(-best[now][1], one.span.end)
            found.append(_dispute(desk, one, clip.id, at, "sight", (gone[0], now)))
    return found


def _dispute(
    desk: Desk, one: Observation, record: str, span: Span, kind: str, told: tuple[str, str]
) -> Dispute:
    was, now = told
    asked = question_of(desk)
    return Dispute(record, one.id, one.video, span, one.known_at, asked, kind, was, now)
