"""A scripted afternoon put into a library without pixels: for benches of single mechanisms.

The programme (`bench.worlds.scripted_items`) is laid out over any length; small talk fills the
time, so that a two-hour world has the facts of a short one at other distances. Phrases can be
strewn over it a known number of times. The script is written into a library by the writer of the
development worlds, so the memory's own levels are built over it. Same settings, same world.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from bench.worlds.dev import DevWorld
from bench.worlds.dev_script import Script
from bench.worlds.scripted_items import ENDINGS, ITEMS, MIDDLES, OPENINGS

Times = tuple[float, float]
PACE = 0.36
"""Seconds for a spoken word."""
EACH = 7.0
"""Seconds of small talk for one sentence of it."""
REST = 1.2
"""Seconds of silence after a sentence."""


@dataclass(frozen=True, slots=True)
class Strewn:
    """A phrase that comes a known number of times, in one of several sentences each time.

    With `card` it is shown on a card of its own for a few seconds instead of being spoken.
    """

    phrase: str
    times: int
    sentences: tuple[str, ...] = ()
    card: str = ""


@dataclass
class Programme:
    """The script, and where each of its lines was said or shown."""

    script: Script
    said: dict[str, list[Times]] = field(default_factory=dict)
    shown: dict[str, list[Times]] = field(default_factory=dict)
    strewn: dict[str, list[Times]] = field(default_factory=dict)
    standing: tuple[str, float] | None = None
    """The card that is up while the programme is being written, and since when."""

    @property
    def world(self) -> DevWorld:
        """What can be remembered by a library."""
        return DevWorld(self.script, ())

    def when(self, line: str) -> Times:
        """When a sentence was said, or a card was shown, for the first time.

        >>> write("w", minutes=8).when("Lustro was founded in 1987.")[0] > 60
        True
        """
        found = self.said.get(line) or self.shown.get(line)
        if not found:
            raise KeyError(f"nothing in the programme is {line!r}")
        return found[0]


def write(
    name: str,
    *,
    minutes: float,
    strewn: Sequence[Strewn] = (),
    seed: int = 1,
    items: Sequence[str] = ITEMS,
) -> Programme:
    """Lay the programme out over so many minutes."""
    chance = Random(f"{name}:{seed}")
    made = Programme(Script(name, "one"))
    lines = [line.strip() for item in items for line in item.strip().splitlines()]
    spoken = sum(_lasts(line) for line in lines if line[0] not in "#.")
    weight = sum(_weight(line) for line in lines if line[0] == ".")
    spoken += sum(
        8.0 if one.card else _lasts(one.sentences[0]) for one in strewn for _ in range(one.times)
    )
    talk = max(0.0, 60 * minutes - spoken) / weight
    slots = [_weight(line) for line in lines for _ in range(_slots(line, talk))]
    places = _places(strewn, slots, chance)
    slot = 0
    for line in lines:
        if line[0] == "#":
            _card(made, line[1:].strip())
        elif line[0] == ".":
            for _ in range(_slots(line, talk)):
                _talk(made, places.get(slot, []), chance)
                slot += 1
        else:
            _say(made, line)
    _card(made, "-")
    made.script.duration = round(made.script.duration, 3)
    return made


def _weight(line: str) -> float:
    return float(line[1:].strip() or 1)


def _slots(line: str, talk: float) -> int:
    """How many sentences of small talk a line of it becomes; none for lines of other kinds."""
    return round(_weight(line) * talk / EACH) if line[0] == "." else 0


def _lasts(text: str) -> float:
    return PACE * len(text.split()) + 0.4 + REST


def _places(
    strewn: Sequence[Strewn], slots: Sequence[float], chance: Random
) -> dict[int, list[Strewn]]:
    """Which phrases come in which sentence of small talk; one comes at most once in each.

    Cards come only in long small talk, so that none comes between cards that follow each other.
    """
    found: dict[int, list[Strewn]] = {}
    for one in strewn:
        # every other sentence, so that two of the same are never one
        free = [n for n, weight in enumerate(slots) if n % 2 and (weight >= 3 or not one.card)]
        if one.times > len(free):
            raise ValueError(f"{one.times} times {one.phrase!r} do not fit into so little talk")
        for place in sorted(chance.sample(free, one.times)):
            found.setdefault(place, []).append(one)
    return found


def _talk(made: Programme, strewn: Sequence[Strewn], chance: Random) -> None:
    _say(made, f"{chance.choice(OPENINGS)} {chance.choice(MIDDLES)} {chance.choice(ENDINGS)}")
    for one in strewn:
        if one.card:
            before = made.script.duration
            _show(made, one.card, (before, before + 6.0), top=0.7)
            made.script.duration = before + 8.0
            made.strewn.setdefault(one.phrase, []).append((before, before + 6.0))
        else:
            made.strewn.setdefault(one.phrase, []).append(_say(made, chance.choice(one.sentences)))


def _say(made: Programme, text: str) -> Times:
    start = round(made.script.duration, 3)
    end = round(start + PACE * len(text.split()) + 0.4, 3)
    made.script.said.append((start, end, text))
    made.script.duration = end + REST
    made.said.setdefault(text, []).append((start, end))
    return start, end


def _card(made: Programme, text: str) -> None:
    """Put a card up, which stays until the next one; "-" only takes the old one down."""
    now = made.script.duration
    if made.standing:
        old, since = made.standing
        _show(made, old, (since, now))
    made.standing = (text, now) if text != "-" else None


def _show(made: Programme, text: str, span: Times, top: float = 0.2) -> None:
    span = (round(span[0], 3), round(span[1], 3))
    for n, line in enumerate(text.split("|")):
        high = top + 0.14 * n
        box = (0.1, high, min(0.95, 0.1 + 0.025 * len(line)), high + 0.08)
        made.script.shown.append((*span, line.strip(), box))
    made.shown.setdefault(text, []).append(span)
