"""Name the video in every sentence that tells a time, when several videos are asked.

Contract: `named` changes texts of sentences only; times and quotations stay as they are, and a
name's own clock times or quotation marks are written so that they are taken for neither.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from longtake.agent.desk import Desk
from longtake.agent.findings import Candidate, clock

_CLOCK = re.compile(r"\b\d{2}:\d{2}:\d{2}\b")
_QUOTED = re.compile(r"“[^”]*”")
LONGEST_NAME = 60


def named(
    desk: Desk, sentences: Sequence[dict[str, Any]], evidence: Sequence[Candidate]
) -> list[dict[str, Any]]:
    """Sentences with the video's name beside their times; unchanged when one video is asked."""
    if len(desk.videos) < 2:
        return list(sentences)
    names = {v.id: shown(v.name) for v in desk.videos}
    made = []
    for one in sentences:
        cited = [evidence[n] for n in one["cites"] if 0 <= n < len(evidence)]
        told = cited and one["by"] == "code" and not any(n in one["text"] for n in names.values())
        made.append(dict(one) | {"text": _placed(one["text"], cited, names)} if told else one)
    return made


def shown(name: str) -> str:
    """A file's name as a sentence may hold it."""
    plain = re.sub(r"(?<=\d):(?=\d)", ".", re.sub(r"[“”\"\x00-\x1f]", "'", name))
    return plain if len(plain) <= LONGEST_NAME else plain[: LONGEST_NAME - 1] + "…"


def _placed(text: str, cited: Sequence[Candidate], names: dict[str, str]) -> str:
    """ "At 00:12:03 in b.mp4 the speaker says …"; several videos: each time with its own."""
    quotes = [(m.start(), m.end()) for m in _QUOTED.finditer(text)]
    times = [m for m in _CLOCK.finditer(text) if not any(a <= m.start() < b for a, b in quotes)]
    videos = list(dict.fromkeys(one["video"] for one in cited))
    if not times:
        where = " and ".join(names.get(v, v) for v in videos)
        return f"{where}: {text.lstrip()}" if text.strip() else text
    if len(videos) == 1:
        at = times[-1].end() if len(times) > 1 else times[0].end()
        return f"{text[:at]} in {names.get(videos[0], videos[0])}{text[at:]}"
    left = list(cited)
    out, end = "", 0
    for match in times:
        one = next((c for c in left if clock(c["start"]) == match.group()), None)
        if one is not None:
            left.remove(one)
        name = f" in {names.get(one['video'], one['video'])}" if one is not None else ""
        out += text[end : match.end()] + name
        end = match.end()
    return out + text[end:]
