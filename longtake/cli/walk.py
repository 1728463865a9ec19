"""How an answer came about, for people: the walk as a tree, the reasons in sentences, the cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from longtake.cli.answers import evidence_lines, searched_lines, shorten
from longtake.cli.output import clean, table
from longtake.cli.times import clock

_NAMES = ("step", "node", "name")
_WIDEST = 400
_SIGNALS = 8
"""Signals that are told in the sentence; all of them stand in the tree."""


def tree(trace: Iterable[Mapping[str, Any]]) -> list[str]:
    """The walk as lines: steps of the turn, and under them those of each part of the question.

    >>> steps = [{"step": "schedule"}, {"step": "read", "part": "s1", "candidates": 3}]
    >>> print("\\n".join(tree(steps)))
    · schedule
    · s1
      └─ read candidates=3
    """
    lines: list[str] = []
    parts: dict[str, list[Mapping[str, Any]]] = {}
    rows: list[tuple[str, Mapping[str, Any] | None]] = []
    for step in trace:
        name = step.get("part")
        if isinstance(name, str):
            if name not in parts:
                rows.append((name, None))
            parts.setdefault(name, []).append(step)
        else:
            rows.append(("", step))
    for name, one in rows:
        if one is not None:
            lines.append("· " + step_line(one))
            continue
        inner = parts[name]
        text = next((str(s["text"]) for s in inner if s.get("text")), "")
        lines.append(f"· {clean(name)}" + (f" “{shorten(text, 100)}”" if text else ""))
        for n, step in enumerate(inner):
            mark = "└─" if n == len(inner) - 1 else "├─"
            bare = {k: v for k, v in step.items() if k not in ("part", "text")}
            lines.append(f"  {mark} {step_line(bare)}")
    return lines


def step_line(step: Mapping[str, Any]) -> str:
    """One step in one line: its name first, then what it says of itself.

    >>> step_line({"step": "coarse", "top": [{"start": 60.0, "end": 70.0, "fit": 1.0}], "n": 2})
    'coarse top=[00:01:00–00:01:10] n=2'
    """
    name = next((str(step[key]) for key in _NAMES if key in step), "step")
    rest = [
        f"{key}={_brief(value)}"
        for key, value in step.items()
        if key not in _NAMES and value not in (None, "", [], {})
    ]
    return shorten(" ".join([name, *rest]), _WIDEST)


def _brief(value: Any) -> str:
    """A step's detail in few words; records by their quote or their time."""
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, list | tuple):
        more = f", +{len(value) - 3}" if len(value) > 3 else ""
        return f"[{', '.join(_brief(one) for one in value[:3])}{more}]"
    if isinstance(value, dict):
        if "quote" in value:
            score = f" {value['score']:.2f}" if "score" in value else ""
            return f"“{shorten(str(value['quote']), 60)}”{score}"
        if "start" in value and "end" in value:
            return f"{clock(value['start'])}–{clock(value['end'])}"
        if "text" in value:
            return f"“{shorten(str(value['text']), 60)}” {value.get('kind', '')}".strip()
        return "{" + ", ".join(f"{k} {_brief(v)}" for k, v in value.items()) + "}"
    return str(value)


def why_lines(question: str, answer: Mapping[str, Any], names: Mapping[str, str]) -> list[str]:
    """A past turn explained: what was asked, looked at, found, and how sure that made it."""
    trace = list(answer.get("trace") or [])
    lines = [f"question: {clean(question)}", f"answer: {shorten(answer['text'], 200)}"]
    lines += [f"asked for: {one}" for one in _understood(trace)]
    lines += _opened(trace)
    lines += [f"searched: {one}" for one in searched_lines(answer["searched"])]
    if answer["evidence"]:
        lines += ["evidence:", *evidence_lines(answer["evidence"], names)]
    lines.append(f"{answer['status']}, confidence {answer['confidence']:.2f}{_signals(trace)}")
    if trace:
        lines += ["steps:", *(f"  {line}" for line in tree(trace))]
    return lines


def _understood(trace: Sequence[Mapping[str, Any]]) -> list[str]:
    """The parts of the question, as they were understood in the end."""
    bound = [s for s in trace if s.get("step") == "bind" and s.get("text")]
    if bound:
        return [_part(s) for s in bound]
    last = [s for s in trace if isinstance(s.get("parts"), list) and s["parts"]]
    named = [
        p for p in (last[0]["parts"] if last else []) if isinstance(p, Mapping) and p.get("text")
    ]
    return [_part(p) for p in named]


def _part(one: Mapping[str, Any]) -> str:
    words = ", ".join(str(word) for word in one.get("words") or [])
    more = [str(one["kind"])] if one.get("kind") else []
    more += [f"words {words}"] if words else []
    window = one.get("window") or one.get("scope")
    more += [f"{clock(window[0])}–{clock(window[1])}"] if window else []
    return f"“{shorten(str(one['text']), 120)}”" + (f" ({'; '.join(more)})" if more else "")


def _opened(trace: Sequence[Mapping[str, Any]]) -> list[str]:
    """Which rungs of detail were opened, and why the next step was taken."""
    lines = []
    read = [s for s in trace if s.get("step") in ("read", "open_finer")]
    if read:
        n = sum(int(s.get("candidates") or 0) for s in read)
        lines.append(f"read: {n} moments that bear on it, out of all that is remembered")
    looked = [one for s in trace for one in s.get("looked") or [] if isinstance(one, Mapping)]
    for one in looked[:6]:
        rung = f" at {one['rung']}" if one.get("rung") else ""
        again = ", seen before" if one.get("reused") else ""
        lines.append(f"looked again: {clock(one['start'])}–{clock(one['end'])}{rung}{again}")
    for step in trace:
        if step.get("step") == "reflect" and step.get("why"):
            lines.append(f"then: {step.get('decision')}, because {clean(str(step['why']))}")
        for asked in step.get("asked") or []:
            lines.append(f"asked back: {clean(str(asked['asked']))} — {clean(str(asked['reply']))}")
    return lines


def _signals(trace: Sequence[Mapping[str, Any]]) -> str:
    found = [s["signals"] for s in trace if isinstance(s.get("signals"), Mapping) and s["signals"]]
    if not found:
        return ""
    numbers = [f"{k} {_brief(v)}" for k, v in found[-1].items() if isinstance(v, int | float)]
    numbers = [*numbers[:_SIGNALS], *(["…"] if len(numbers) > _SIGNALS else [])]
    return f" (from {', '.join(numbers)})" if numbers else ""


def cost_table(turns: Sequence[tuple[int, str, Mapping[str, Any]]]) -> str:
    """What each turn of a thread cost, and all of them."""
    keys = list(dict.fromkeys(key for _, _, cost in turns for key in cost))
    head = ("turn", *(key.replace("_", " ") for key in keys), "question")
    rows = [(str(n), *(str(cost.get(k, 0)) for k in keys), shorten(q, 50)) for n, q, cost in turns]
    total = {k: sum(int(cost.get(k, 0)) for _, _, cost in turns) for k in keys}
    rows.append(("all", *(str(total[k]) for k in keys), ""))
    return table([head, *rows], right=tuple(range(1, 1 + len(keys))))
