"""Words as txt, srt, vtt and json, in the forms that whisper's tools write; other cues as vtt."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from longtake.cli.output import clean, dump
from longtake.timecode import Span, format_time

Segment = Mapping[str, Any]


def segments(records: Sequence[Any], turns: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """Turn speech records into whisper's segments, words included.

    With `turns`, records of who speaks when, a segment has the `speaker` that it shares most with.
    """
    found: list[dict[str, Any]] = []
    for number, record in enumerate(records):
        words = [
            {"start": start, "end": end, "word": word, "probability": round(float(p), 4)}
            for start, end, word, p in record.data.get("words", ())
        ]
        found.append(
            {
                "id": number,
                "start": round(record.span.start, 3),
                "end": round(record.span.end, 3),
                "text": record.text,
                "words": words,
            }
        )
        if who := _speaker(record.span, turns):
            found[-1]["speaker"] = who
    return found


def _speaker(span: Span, turns: Sequence[Any]) -> str | None:
    """Who speaks in most of a span; None where nobody is known to."""
    shares: dict[str, float] = {}
    for turn in turns:
        shared = min(turn.span.end, span.end) - max(turn.span.start, span.start)
        if shared > 0:
            shares[turn.text] = shares.get(turn.text, 0.0) + shared
    return max(sorted(shares), key=lambda name: shares[name]) if shares else None


def _spoken(found: Sequence[Segment]) -> list[str]:
    """The texts, each with its speaker where that is another one than before."""
    texts, before = [], None
    for one in found:
        who = one.get("speaker")
        texts.append(f"{who}: {one['text']}" if who and who != before else one["text"])
        before = who
    return texts


def txt(found: Sequence[Segment]) -> str:
    """One utterance a line."""
    return "\n".join(clean(text) for text in _spoken(found))


def srt(found: Sequence[Segment]) -> str:
    """SubRip."""
    blocks = []
    for number, (one, text) in enumerate(zip(found, _spoken(found), strict=True), 1):
        start, end = (_stamp(one[key], ",") for key in ("start", "end"))
        blocks.append(f"{number}\n{start} --> {end}\n{_cue(text)}\n")
    return "\n".join(blocks)


def vtt(found: Sequence[Segment]) -> str:
    """WebVTT; what looks like its markup is escaped. A segment's `name` names its cue."""
    blocks = ["WEBVTT\n"]
    for one in found:
        start, end = (_stamp(one[key], ".") for key in ("start", "end"))
        text = clean(one["text"]).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        name = f"{_cue(str(one['name']))}\n" if one.get("name") else ""
        voice = f"<v {_cue(str(one['speaker']))}>" if one.get("speaker") else ""
        blocks.append(f"{name}{start} --> {end}\n{voice}{text or '…'}\n")
    return "\n".join(blocks)


def whisper_json(found: Sequence[Segment]) -> str:
    """Whisper's JSON: the whole text, and segments with words."""
    return dump(whole(found))


def whole(found: Sequence[Segment]) -> dict[str, Any]:
    """The value that `whisper_json` writes."""
    return {"text": " ".join(one["text"].strip() for one in found), "segments": list(found)}


WRITERS: Mapping[str, Callable[[Sequence[Segment]], str]] = {
    "txt": txt,
    "srt": srt,
    "vtt": vtt,
    "json": whisper_json,
}


def _stamp(seconds: float, mark: str) -> str:
    return format_time(seconds).replace(".", mark)


def _cue(text: str) -> str:
    """A cue's text must not hold an arrow, which would begin another cue."""
    return re.sub(r"--+>", "→", clean(text)) or "…"
