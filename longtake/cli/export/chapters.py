"""The chapters as WebVTT, the form in which players show them under the timeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from longtake.cli.subtitles import vtt


def chapters(tree: Mapping[str, Any]) -> str:
    """Write one cue for each chapter; each lasts until the next, so that none is left out."""
    parts = list(tree["chapters"])
    cues = []
    for number, part in enumerate(parts, 1):
        end = parts[number]["start"] if number < len(parts) else max(part["end"], tree["duration"])
        title = str(part["title"] or "").strip() or f"Part {number}"
        cues.append({"name": str(number), "start": part["start"], "end": end, "text": title})
    return vtt(cues)
