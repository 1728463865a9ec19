"""The last answer's evidence, kept so that `longtake clip 2` and `show 2` know what is meant."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from longtake.errors import NoSuchMoment
from longtake.storage.state import state_folder
from longtake.timecode import Span


def remember(library: Path, question: str, data: Mapping[str, Any]) -> None:
    """Keep the evidence of an answer. That it cannot be kept is no reason to fail."""
    kept = {"library": str(library), "question": question, "evidence": data["evidence"]}
    target = state_folder() / "last-answer.json"
    draft = target.with_suffix(f".{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(kept), encoding="utf-8")
        draft.replace(target)
    except OSError:
        draft.unlink(missing_ok=True)


def evidence(library: Path, number: int) -> tuple[str, Span]:
    """Return (video, span) of a piece of evidence of the last answer, counted from 1.

    Raises:
        NoSuchMoment: no answer was kept for this library, or it had fewer pieces.
    """
    try:
        kept = json.loads((state_folder() / "last-answer.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        kept = {}
    if kept.get("library") != str(library):
        raise NoSuchMoment("no answer is kept for this library", fix="longtake ask QUESTION")
    pieces = kept["evidence"]
    if not 1 <= number <= len(pieces):
        raise NoSuchMoment(f"the last answer has {len(pieces)} pieces of evidence, not {number}")
    piece = pieces[number - 1]
    return piece["video"], Span(piece["start"], piece["end"])
