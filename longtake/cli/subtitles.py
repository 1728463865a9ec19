"""Words as txt, srt, vtt and json, in the forms that whisper's tools write; other cues as vtt."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from longtake.cli.output import clean, dump
from longtake.timecode import format_time

Segment = Mapping[str, Any]


def segments(records: Sequence[Any]) -> list[dict[str, Any]]:
    """Turn speech records into whisper's segments, words included."""
    found = []
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
    return found


def txt(found: Sequence[Segment]) -> str:
    """One utterance a line."""
    return "\n".join(clean(one["text"]) for one in found)


def srt(found: Sequence[Segment]) -> str:
    """SubRip."""
    blocks = []
    for number, one in enumerate(found, 1):
        start, end = (_stamp(one[key], ",") for key in ("start", "end"))
        blocks.append(f"{number}\n{start} --> {end}\n{_cue(one['text'])}\n")
    return "\n".join(blocks)


def vtt(found: Sequence[Segment]) -> str:
    """WebVTT; what looks like its markup is escaped. A segment's `name` names its cue."""
    blocks = ["WEBVTT\n"]
    for one in found:
        start, end = (_stamp(one[key], ".") for key in ("start", "end"))
        text = clean(one["text"]).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        name = f"{_cue(str(one['name']))}\n" if one.get("name") else ""
        blocks.append(f"{name}{start} --> {end}\n{text or '…'}\n")
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
