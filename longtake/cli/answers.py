"""How an answer reads: the answer first, then its evidence, then how sure it is.

A refusal says what was searched and what to try.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from longtake.cli.output import clean, dim, style
from longtake.cli.times import clock, stretch

TRY = {
    "not_in_video": "ask it in other words, or `longtake search` for a word you remember",
    "not_seen_yet": "let `longtake ingest` go on, then ask again",
    "insufficient": "name a time or a detail, or look with `longtake show VIDEO TIME`",
    "ambiguous": "say which one you mean",
    "unsupported": "ask about what is said, shown or written in the video",
}


def answer_text(data: Mapping[str, Any], names: Mapping[str, str], *, seconds: float) -> str:
    """Return an answer's JSON as text; `names` gives video ids their names."""
    lines = [style(clean(data["text"]) or "No answer.", bold=True)]
    if data["evidence"]:
        lines += ["", *evidence_lines(data["evidence"], names)]
    lines.append("")
    if data["status"] != "answered":
        lines += refusal_lines(data)
    lines.append(dim(f"{data['status']} · confidence {data['confidence']:.2f} · {seconds:.1f} s"))
    return "\n".join(lines)


def evidence_lines(evidence: Iterable[Mapping[str, Any]], names: Mapping[str, str]) -> list[str]:
    """One line for each piece, strongest first; the video is named when there are several."""
    pieces = list(evidence)
    several = len({piece["video"] for piece in pieces}) > 1
    lines = []
    for number, piece in enumerate(pieces, 1):
        where = f"  {clean(names.get(piece['video'], piece['video']))}" if several else ""
        when = stretch(piece["start"], piece["end"])
        lines.append(
            f"  {style(f'[{number}]', fg='cyan')} {when} {piece['source']:<7}{where} "
            f"“{shorten(piece['quote'])}”"
        )
    return lines


def refusal_lines(data: Mapping[str, Any]) -> list[str]:
    """What was searched, and what to try."""
    lines = [f"  searched: {line}" for line in searched_lines(data["searched"])]
    hint = TRY.get(data["status"])
    if hint and "Next: " not in data.get("text", ""):
        lines.append(f"  try: {hint}")
    return lines


def searched_lines(searched: Iterable[Mapping[str, Any]]) -> list[str]:
    """Merge what was searched by level: `clip, scene 00:00:00–01:00:00`."""
    levels: dict[tuple[float, float], list[str]] = {}
    joined: dict[str, list[list[float]]] = {}
    for item in sorted(searched, key=lambda one: (one["start"], one["end"])):
        spans = joined.setdefault(item["level"], [])
        if spans and item["start"] <= spans[-1][1] + 1.0:
            spans[-1][1] = max(spans[-1][1], item["end"])
        else:
            spans.append([item["start"], item["end"]])
    for level, spans in joined.items():
        for start, end in spans:
            levels.setdefault((start, end), []).append(level)
    rows = [
        f"{clock(start)}–{clock(end)}  {', '.join(found)}"
        for (start, end), found in sorted(levels.items())
    ]
    return rows if len(rows) <= 5 else [*rows[:4], f"and {len(rows) - 4} more spans"]


def answer_markdown(question: str, data: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """Return an answer's JSON as Markdown, for notes."""
    lines = [f"**{escape_md(question)}**", "", escape_md(data["text"]), ""]
    if len({piece["video"] for piece in data["evidence"]}) > 1:
        lines += [*compare_table(data["evidence"], names), ""]
        return "\n".join([*lines, _how_sure(data)])
    for number, piece in enumerate(data["evidence"], 1):
        name = escape_md(names.get(piece["video"], piece["video"]))
        when = stretch(piece["start"], piece["end"])
        quote = escape_md(piece["quote"])
        lines.append(f"{number}. {name} {when} ({piece['source']}): “{quote}”")
    return "\n".join([*lines, "", _how_sure(data)])


def _how_sure(data: Mapping[str, Any]) -> str:
    return f"_{data['status']}, confidence {data['confidence']:.2f}_"


def compare_table(
    evidence: Iterable[Mapping[str, Any]], names: Mapping[str, str], most: int = 4
) -> list[str]:
    """What each video holds, as a Markdown table: one row a video, its proofs in order of time."""
    held: dict[str, list[Mapping[str, Any]]] = {}
    for piece in evidence:
        held.setdefault(piece["video"], []).append(piece)
    rows = ["| video | what it holds |", "|---|---|"]
    for video, pieces in held.items():
        shown = sorted(pieces, key=lambda one: (one["start"], one["quote"]))[:most]
        cells = [
            f"{stretch(one['start'], one['end'])} ({one['source']}): “{escape_md(shorten(one['quote']))}”"
            for one in shown
        ]
        more = f"<br>and {len(pieces) - most} more" if len(pieces) > most else ""
        rows.append(f"| {escape_md(names.get(video, video))} | {'<br>'.join(cells)}{more} |")
    return rows


def escape_md(text: str) -> str:
    """Take the meaning out of Markdown's marks and of HTML; the text is not ours."""
    marked = "".join(f"\\{char}" if char in "\\`*_{}[]<>#|!~" else char for char in clean(text))
    return marked.replace("&", "&amp;")


def shorten(text: str, limit: int = 160) -> str:
    """Cut a quote at a word, with an ellipsis.

    >>> shorten("one two three", 9)
    'one two …'
    """
    text = clean(text)
    if len(text) <= limit:
        return text
    return text[: limit - 1].rsplit(" ", 1)[0] + " …"
