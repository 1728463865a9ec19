"""What became of one part of a question, and the sentences that say so.

A finding holds its evidence and sentences that cite it by position; every clock time in a
sentence is inserted here, by code, from the evidence it cites.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from longtake.agent.state import Finding
from longtake.timecode import Seconds, format_time

Candidate = dict[str, Any]
LONGEST_QUOTE = 320


def finding(
    status: str,
    sentences: Sequence[dict[str, Any]] = (),
    evidence: Sequence[Candidate] = (),
    *,
    confidence: float = 0.0,
    value: float | None = None,
    nearest: Candidate | None = None,
    **more: Any,
) -> Finding:
    """A finding; `status` is found, absent, weak, ambiguous or unsupported."""
    made: Finding = {
        "status": status,
        "sentences": list(sentences),
        "evidence": list(evidence),
        "confidence": float(confidence),
        "value": value,
        "nearest": nearest,
        "spans": [{"video": e["video"], "start": e["start"], "end": e["end"]} for e in evidence],
    }
    return made | more


def sentence(text: str, *cites: int, computed: float | None = None) -> dict[str, Any]:
    """A sentence, the positions of the evidence it rests on, and a number that code computed."""
    return {"text": text, "cites": list(cites), "by": "code", "computed": computed}


def clock(time: Seconds) -> str:
    """A time as sentences write it."""
    return format_time(time, millis=False)


def quoted(one: Candidate) -> str:
    """The candidate's raw words between quotation marks; very long ones end in an ellipsis."""
    words = " ".join(one["quote"].split())
    if len(words) > LONGEST_QUOTE:
        words = words[:LONGEST_QUOTE].rsplit(" ", 1)[0] + " …"
    return f"“{words}”"


def stop(text: str) -> str:
    """End a sentence, unless a quotation has ended it already."""
    bare = text.rstrip("”")
    return text if bare.endswith((".", "!", "?", "…")) else text + "."


def telling(one: Candidate) -> str:
    """Say what a candidate shows: "the speaker says: “…”"."""
    if one["source"] == "speech":
        return f"the speaker says: {quoted(one)}"
    if one["source"] == "sight":
        return f"the picture shows: {quoted(one)}"
    if one.get("by") == "person":
        return f"you noted: {quoted(one)}"
    if one.get("by"):
        return f"the model's caption says: {quoted(one)}"
    if one["source"] == "caption":
        return f"the memory notes: {quoted(one)}"
    return f"the screen shows: {quoted(one)}"


def at(one: Candidate) -> str:
    """Say when and what: "At 00:12:03 the speaker says: “…”."."""
    return stop(f"At {clock(one['start'])} {telling(one)}")


def listing(found: Sequence[Candidate], most: int = 8) -> str:
    """Clock times of several candidates, in order of time."""
    times = [clock(one["start"]) for one in sorted(found, key=lambda c: (c["start"], c["id"]))]
    times = list(dict.fromkeys(times))
    more = f" and {len(times) - most} more" if len(times) > most else ""
    return ", ".join(times[:most]) + more


def page_of(lines: Sequence[Candidate], most: int = 6) -> str:
    """Several lines of one page in reading order: "“a” / “b”"."""
    return " / ".join(quoted(line) for line in lines[:most])
