"""Compare values that several parts of a question have found, each with its own evidence."""

from __future__ import annotations

import re
from collections.abc import Sequence

from longtake.agent.findings import finding, sentence
from longtake.agent.question.spoken import spoken
from longtake.agent.solvers.state_at import with_unit
from longtake.agent.state import Finding, Part
from longtake.tools.words import number_of

_LESS = re.compile(
    r"\b(?:short|low|young|light|small|slow|cheap|fewer|less|cold|least|low)(?:er|est)?\b"
)
_SCALE = {
    "second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0, "week": 604800.0,
    "month": 2.63e6, "year": 3.156e7, "mm": 0.001, "millimetre": 0.001, "millimeter": 0.001,
    "cm": 0.01, "centimetre": 0.01, "centimeter": 0.01, "m": 1.0, "metre": 1.0, "meter": 1.0,
    "km": 1000.0, "kilometre": 1000.0, "kilometer": 1000.0, "mile": 1609.3, "g": 0.001,
    "gram": 0.001, "kg": 1.0, "kilogram": 1.0, "kilo": 1.0, "ton": 1000.0, "tonne": 1000.0,
}  # fmt: skip


def reduced(part: Part, waits: Sequence[tuple[Part, Finding]]) -> Finding:
    """Which of the values is greatest or least, or how much the first exceeds the second."""
    numbers = [amount(made) for _, made in waits]
    proofs = [made["evidence"][0] for _, made in waits]
    names = part["names"]
    if any(n is None for n in numbers):
        gone = next(name for name, n in zip(names, numbers, strict=True) if n is None)
        return finding("weak", confidence=0.3, nearest=proofs[0], dependent=True,
                       note=f"No number was found for {gone}.")  # fmt: skip
    known = [float(n) for n in numbers if n is not None]
    sure = min(made["confidence"] for _, made in waits)
    asked = part["compares"]
    if asked.get("difference"):
        more = round(abs(known[0] - known[1]), 6)
        said = f"{shown(more, waits)}: {told(names, waits)}."
        return _made(said, proofs, sure, more)
    least = bool(_LESS.search(part["relation"]))
    line = sorted(range(len(known)), key=lambda n: (known[n] if least else -known[n], n))
    if known[line[0]] == known[line[1]]:
        return _made(f"They are equal: {told(names, waits)}.", proofs, 0.8 * sure, None)
    if part["text"].lower().startswith(("is ", "was ", "are ", "were ")):
        lead = "Yes" if line[0] == 0 else "No"
    else:
        lead = names[line[0]][:1].upper() + names[line[0]][1:]
    return _made(f"{lead}: {told(names, waits)}.", proofs, sure, None)


def amount(made: Finding) -> float | None:
    """The number of a finding, in seconds, metres or kilograms where its unit is one of these."""
    if made.get("runs"):
        return float(made["value"])
    short = made.get("short") or (made["evidence"][0]["quote"] if made["evidence"] else "")
    number = made["value"] if made["value"] is not None else number_of(short)
    if number is None:
        return None
    unit = re.search(r"[\d\w]\s*([a-zµ]+)\W*$", short.lower()) if made.get("short") else None
    name = unit.group(1) if unit else ""
    return float(number) * _SCALE.get(name, _SCALE.get(name.removesuffix("s"), 1.0))


def told(names: Sequence[str], waits: Sequence[tuple[Part, Finding]]) -> str:
    """Each name with its value: "the Old Mill 31 metres, Saint Anne 40 metres"."""
    return ", ".join(f"{name} {_value(made)}" for name, (_, made) in zip(names, waits, strict=True))


def _value(made: Finding) -> str:
    if made.get("runs"):
        return spoken(made["value"])
    short = str(made.get("short") or f"{made['value']:g}")
    return with_unit(made["evidence"][0]["quote"], short)


def shown(number: float, waits: Sequence[tuple[Part, Finding]]) -> str:
    """A difference as people say it: as a duration where durations were subtracted."""
    return spoken(number) if all(made.get("runs") for _, made in waits) else f"{number:g}"


def _made(
    said: str, proofs: Sequence[dict[str, object]], sure: float, value: float | None
) -> Finding:
    parts = [sentence(said, *range(len(proofs)), computed=value)]
    return finding("found", parts, [dict(p) for p in proofs], confidence=sure, value=value)
