"""Text made for calibration: a log of a ship with key–value facts hidden in it, and questions.

Twenty facts of four kinds, five alike in each but for their key and their value, so that a head has
to find the key and not only the kind; and as many questions about keys that are nowhere. All of it
comes from a seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

_KINDS: tuple[tuple[str, str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("The code of the {key} locker is {value}.", "What is the code of the {key} locker?",
     ("amber", "crimson", "ivory", "violet", "olive",
      "indigo", "turquoise", "beige", "scarlet", "silver"),
     ("3351", "8126", "7704", "5939", "2283")),
    ("The password of engineer {key} is {value}.", "What is the password of engineer {key}?",
     ("Halvorsen", "Okafor", "Petrescu", "Yamada", "Ferrari",
      "Lindqvist", "Moreau", "Castellano", "Novak", "Schmidt"),
     ("thistle", "pyramid", "walnut", "cobweb", "lemonade")),
    ("The dog of {key} is called {value}.", "What is the dog of {key} called?",
     ("Mister Fairweather", "Madame Dupont", "Captain Ivanov", "Sister Agatha", "Uncle Benedict",
      "Doctor Quimby", "Lady Thornton", "Father Gregor", "Colonel Sanchez", "Aunt Matilda"),
     ("Biscuit", "Thunder", "Pepper", "Shadow", "Domino")),
    ("The freight for {key} weighs {value} tons.", "How many tons does the freight for {key} weigh?",
     ("Valparaiso", "Rotterdam", "Casablanca", "Singapore", "Marseille",
      "Montreal", "Calcutta", "Durban", "Odessa", "Havana"),
     ("614", "387", "952", "271", "438")),
)  # fmt: skip
"""A fact, a question, keys (the first `EACH` have a fact), and their values."""
EACH = 5

_CREW = ("the cook", "the second mate", "a stoker", "the radio operator", "the ship's cat",
         "a passenger", "the purser", "the boatswain", "the carpenter", "the lookout")  # fmt: skip
_ACTS = ("reports", "writes down", "complains about", "jokes about", "watches", "repairs",
         "explains", "forgets", "measures", "sings about")  # fmt: skip
_WHAT = ("the swell from the west", "the smell of tar", "a loose shackle", "the barometer",
         "a school of dolphins", "the leaking hatch", "the new propeller", "an albatross",
         "the price of coal", "the fog signal", "a torn flag", "the ration of limes",
         "the noise of the pumps", "a wet hawser", "the last lighthouse", "the galley fire",
         "a drifting buoy", "the paint on the funnel", "the southern stars",
         "a broken lantern")  # fmt: skip
_WHEN = ("at dawn", "during the dog watch", "shortly before noon", "in a squall",
         "as the anchor is weighed", "at two bells", "under a grey sky", "all through the night",
         "after the drill", "while the sea is calm")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """A question, the line that answers it (None: none does), and the word of the answer."""

    text: str
    line: int | None
    word: str


def practice(
    tokens: int, count: Callable[[str], int], *, seed: int = 907
) -> tuple[list[str], list[Question]]:
    """Return lines of about so many tokens, and questions: answered ones and then the others."""
    dice = Random(seed)
    facts = [(kind, n) for n in range(EACH) for kind in range(len(_KINDS))]
    told = [_KINDS[kind][0].format(key=_KINDS[kind][2][n], value=_KINDS[kind][3][n])
            for kind, n in facts]  # fmt: skip
    lines: list[str] = []
    left = tokens - sum(count(one) for one in told)
    while left > 0:
        lines.append(_filler(dice))
        left -= count(lines[-1])
    order = list(range(len(facts)))
    dice.shuffle(order)
    room = len(lines) / len(facts)
    places: dict[int, int] = {}
    for nth, which in enumerate(order):
        places[which] = round((nth + 0.1 + 0.8 * dice.random()) * room) + nth
        lines.insert(places[which], told[which])
    asks = [Question(_KINDS[kind][1].format(key=_KINDS[kind][2][n]), places[at],
                     _KINDS[kind][3][n].split()[-1])
            for at, (kind, n) in enumerate(facts)]  # fmt: skip
    nowhere = [Question(_KINDS[kind][1].format(key=_KINDS[kind][2][n + EACH]), None, "")
               for kind, n in facts]  # fmt: skip
    return lines, asks + nowhere


def _filler(dice: Random) -> str:
    one, two = dice.sample(_WHAT, 2)
    line = f"{dice.choice(_CREW)} {dice.choice(_ACTS)} {one} {dice.choice(_WHEN)}"
    if dice.random() < 0.4:
        line += f", then {dice.choice(_ACTS)} {two}"
    return f"{line[0].upper()}{line[1:]}."
