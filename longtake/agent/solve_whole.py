"""Answers about the whole: an outline with times, or the summary of the part about something."""

from __future__ import annotations

from collections.abc import Sequence

from longtake.agent.desk import Desk, row
from longtake.agent.findings import Candidate, clock, finding, sentence
from longtake.agent.solve_when import absent
from longtake.agent.state import Finding, Part
from longtake.storage.records import Record
from longtake.tools.corpus import Term, coverage

MOST = 12


def solve_summary(
    desk: Desk, part: Part, terms: Sequence[Term], found: Sequence[Candidate]
) -> Finding:
    """Outline the videos by chapters, or by scenes where there are none yet."""
    records: list[Record] = []
    for video in desk.ids:
        for level in ("video", "chapter"):
            records += desk.toolbox.timeline(video, zoom=level, as_of=desk.as_of)
        if not any(r.level == "chapter" and r.video == video for r in records):
            records += desk.toolbox.timeline(video, zoom="scene", as_of=desk.as_of)[:MOST]
    desk.count("records_read", len(records))
    if terms:
        return _about(desk, part, terms, found)
    records = _final(records)
    records = [r for r in records if r.text.strip() or r.data.get("title")][: MOST + 1]
    if not records:
        return absent(found)
    evidence = [row(r, "caption", 0.9 if r.level == "video" else 0.8, lex=1.0) for r in records]
    sentences = []
    for n, record in enumerate(records):
        if record.level == "video":
            sentences.append(sentence(_line(record, whole=True), n))
        else:
            sentences.append(sentence(f"\n{clock(record.span.start)} {_line(record)}", n))
    return finding("found", sentences, evidence, confidence=0.7)


def _final(records: Sequence[Record]) -> list[Record]:
    """Of several summaries of one video only that which reaches farthest."""
    reach: dict[str, float] = {}
    for r in records:
        if r.level == "video":
            reach[r.video] = max(reach.get(r.video, 0.0), r.span.end)
    return [r for r in records if r.level != "video" or r.span.end >= reach[r.video]]


def _line(record: Record, *, whole: bool = False) -> str:
    title = str(record.data.get("title") or "").strip()
    text = " ".join(record.text.split())
    if whole or not title:
        return text if text.endswith((".", "!", "?", "…")) else text + "."
    return title if title.endswith((".", "!", "?")) else title + "."


def _about(desk: Desk, part: Part, terms: Sequence[Term], found: Sequence[Candidate]) -> Finding:
    """The scenes or chapters that the words of the request fit best."""
    scored = [
        (coverage(terms, [unit]), unit)
        for unit in desk.corpus.of("caption")
        if unit.record.level in ("scene", "chapter") and desk.in_scope(part, unit.record)
    ]
    scored = [(c, u) for c, u in scored if c >= 0.6]
    if not scored:
        return absent(found)
    top = max(c for c, _ in scored)
    kept = [u.record for c, u in scored if c >= 0.9 * top][:4]
    evidence = [row(r, "caption", 0.7 * top, lex=top) for r in kept]
    sentences = [
        sentence(f"{clock(r.span.start)} {_line(r, whole=True)}", n) for n, r in enumerate(kept)
    ]
    return finding("found", sentences, evidence, confidence=round(0.6 * top, 3))
