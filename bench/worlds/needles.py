"""A stream of time-stamped notes with a few facts hidden in it, as text of any length.

The haystack is notes about a day in a town, made from a seed: what was seen, said and written,
all different. Hidden in it are twelve sentences that are alike but for one name and one number
(near-identical needles), ten facts of other kinds, and pairs and triples that a question needs
together. Truth is where each fact stands and what answers it; some questions have no fact at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

SECONDS = 4.0
"""How long a note lasts."""

ANIMALS = ("otter", "heron", "badger", "falcon", "weasel", "salmon", "beetle", "magpie", "rabbit",
           "lizard", "walrus", "donkey")  # fmt: skip
NUMBERS = (4182, 7356, 2914, 8607, 5231, 9478, 1693, 6045, 3827, 7519, 2468, 8150)

FACTS: tuple[tuple[str, str, str], ...] = (
    ("The ferry to the island leaves from pier nineteen.",
     "From which pier does the ferry to the island leave?", "nineteen"),
    ("Marta keeps the spare key under the blue flowerpot.",
     "Where does Marta keep the spare key?", "flowerpot"),
    ("The choir will sing in Lisbon next spring.",
     "In which city will the choir sing next spring?", "Lisbon"),
    ("The old clock tower was painted bright orange.",
     "What colour was the old clock tower painted?", "orange"),
    ("Doctor Bellweather owns the white sailing boat.",
     "Who owns the white sailing boat?", "Bellweather"),
    ("The soup of the day is made from pumpkin and ginger.",
     "What is the soup of the day made from?", "pumpkin"),
    ("The museum is closed every Wednesday.",
     "On which day is the museum closed?", "Wednesday"),
    ("The winner of the chess match received a silver whistle.",
     "What did the winner of the chess match receive?", "whistle"),
    ("The bridge over the gorge is 340 metres long.",
     "How long is the bridge over the gorge?", "340"),
    ("Before the war the bakery was a school for dancing.",
     "What was the bakery before the war?", "danc"),
)  # fmt: skip
"""A note, a question, and what the answer must hold."""

PARAPHRASES: tuple[tuple[int, str], ...] = (
    (1, "What is the hiding place of Marta's second key?"),
    (4, "To whom does the white yacht belong?"),
    (7, "Which prize was given to the champion at chess?"),
)
"""Questions in other words about the same facts, by their number."""

NOWHERE = (
    "What is the secret number of the penguin?",
    "In which year was the lighthouse sold?",
    "Who repaired the organ in the chapel?",
    "How many bicycles does the postman own?",
)

_NAMES = """
anvil apron arch atlas awning axle balcony barrel basin basket bench blanket boiler bonnet
bookcase bottle bracelet bucket buckle cabinet candle canoe canvas carpet cart ceiling chain
chair chalk chest chimney cider coat compass copper cork crate cup curtain cushion desk dish
doorbell drawer drum easel engine envelope fence fiddle flute fountain fork frame funnel garland
gate globe goblet gravel hammer hammock handle harp hat hedge helmet hinge hook hose jar jigsaw
kettle kite ladle lamp lantern lens letter lever map marble mask mattress medal mirror mitten
mop mug napkin needlework notebook oar oven paddle pail pamphlet parasol parcel pebble pencil
pennant photograph pillow pipe pitcher plank plate plough pocket poster pulley purse quilt radio
rail rake ribbon rope saddle sack sail satchel saucer saw scarf scissors scooter shawl shelf
shovel sieve skirt sledge slipper spade spoon stamp statue stool stove suitcase table tambourine
tent thimble ticket tile toolbox torch towel trellis trolley trumpet tub tunnel typewriter
umbrella vase veil violin wagon wallet wardrobe wheel wick window wreath
"""
_THINGS = tuple(_NAMES.split())

_PLACES = ("on the market", "by the river", "at the station", "in the library", "near the mill",
           "at the harbour", "in the courtyard", "behind the town hall", "on the hill",
           "in the old quarter", "at the bus stop", "in the park")  # fmt: skip
_WHO = ("a woman in a raincoat", "a small boy", "the gardener", "a man with a ladder",
        "a group of students", "the baker's daughter", "an elderly couple", "the caretaker",
        "a cyclist", "a tourist", "a policeman", "the piano teacher")  # fmt: skip
_DOES = ("looks at", "carries", "asks about", "points to", "photographs", "walks past", "cleans",
         "sells", "buys", "talks about", "draws", "borrows")  # fmt: skip
_HOW = ("slowly", "with a smile", "for a while", "once more", "without a word", "in the rain",
        "after lunch", "before the bell rings", "in the shade", "while the wind picks up",
        "as a van passes", "and then leaves")  # fmt: skip
_SAYS = ("Somebody says that the {a} is nicer than the {b}.",
         "The loudspeaker talks about the {a} again.",
         "A sign says: {a}, {b} and more, every day.",
         "One hears a discussion about the {a} and the {b}.",
         "Nobody seems to care about the {a} today.",
         "There is a {a} next to the {b}, as yesterday.",
         "It gets quieter, only the {a} is still there.",
         "The picture shows a {a}, partly hidden by a {b}.")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ask:
    """A question: the notes that answer it (none: it has no answer) and what must be said."""

    id: str
    kind: str
    text: str
    gold: tuple[int, ...]
    accepts: tuple[str, ...]

    def is_in(self, text: str) -> bool:
        """Whether a text says all that must be said."""
        return all(word.lower() in text.lower() for word in self.accepts)


@dataclass(frozen=True, slots=True)
class Stream:
    """Notes one after another, and questions about them."""

    notes: tuple[str, ...]
    asks: tuple[Ask, ...]

    def span(self, note: int) -> tuple[float, float]:
        """When a note is, in seconds."""
        return note * SECONDS, (note + 1) * SECONDS


def filler(dice: Random) -> str:
    """One note that answers nothing."""
    item, other = dice.sample(_THINGS, 2)
    if dice.random() < 0.5:
        said = dice.choice(_SAYS).format(a=item, b=other)
        return said[0].upper() + said[1:]
    who, does = dice.choice(_WHO), dice.choice(_DOES)
    line = f"{who} {does} the {item} {dice.choice(_PLACES)} {dice.choice(_HOW)}."
    return line[0].upper() + line[1:]


def stream(
    tokens: int, count: Callable[[str], int], *, seed: int = 1, needles: int = len(ANIMALS)
) -> Stream:
    """Make a stream of about so many tokens, as `count` counts those of a text.

    Facts are spread over the whole stream at places that the seed decides; none stands in the
    last tenth, which a recent window would hold.
    """
    dice = Random(seed)
    hidden = [*_needles(needles), *(fact for fact, _, _ in FACTS)]
    notes: list[str] = []
    left = tokens - sum(count(one) for one in hidden)
    while left > 0:
        notes.append(filler(dice))
        left -= count(notes[-1])
    order = list(range(len(hidden)))
    dice.shuffle(order)
    room = 0.9 * len(notes) / len(hidden)
    places: dict[int, int] = {}
    for nth, which in enumerate(order):
        at = round((nth + 0.15 + 0.7 * dice.random()) * room) + nth
        notes.insert(at, hidden[which])
        places[which] = at
    return Stream(tuple(notes), tuple(_asks(needles, places)))


def _needles(n: int) -> list[str]:
    return [f"The secret number of the {animal} is {number}."
            for animal, number in zip(ANIMALS[:n], NUMBERS[:n], strict=True)]  # fmt: skip


def _asks(needles: int, places: dict[int, int]) -> list[Ask]:
    """Every question about the facts that stand at these places."""
    made = [
        Ask(f"needle-{n + 1}", "needle", f"What is the secret number of the {ANIMALS[n]}?",
            (places[n],), (str(NUMBERS[n]),)) for n in range(needles)
    ]  # fmt: skip
    at = {n: places[needles + n] for n in range(len(FACTS))}
    made += [Ask(f"fact-{n + 1}", "fact", ask, (at[n],), (word,))
             for n, (_, ask, word) in enumerate(FACTS)]  # fmt: skip
    made += [Ask(f"paraphrase-{k + 1}", "paraphrase", ask, (at[n],), (FACTS[n][2],))
             for k, (n, ask) in enumerate(PARAPHRASES)]  # fmt: skip
    made += _together(needles, places)
    made += _orders(needles, places)
    made += [Ask(f"nowhere-{n + 1}", "nowhere", text, (), ()) for n, text in enumerate(NOWHERE)]
    return made


def _together(needles: int, places: dict[int, int]) -> list[Ask]:
    """Questions that need two or three needles at once."""
    groups: Sequence[tuple[int, ...]] = ((0, 5), (3, 8), (2, 10), (1, 4, 7), (6, 9, 11))
    made = []
    for k, group in enumerate(one for one in groups if max(one) < needles):
        names = " and of the ".join(ANIMALS[n] for n in group)
        text = f"What are the secret numbers of the {names}?"
        numbers = tuple(str(NUMBERS[n]) for n in group)
        made.append(Ask(f"together-{k + 1}", "together", text,
                        tuple(places[n] for n in group), numbers))  # fmt: skip
    return made


def _orders(needles: int, places: dict[int, int]) -> list[Ask]:
    """Which of two needles came first."""
    made = []
    for k, (a, b) in enumerate(((0, 1), (2, 3), (4, 5), (6, 7))):
        if max(a, b) >= needles:
            continue
        first = a if places[a] < places[b] else b
        text = (f"Which was told first, the secret number of the {ANIMALS[a]} "
                f"or that of the {ANIMALS[b]}?")  # fmt: skip
        made.append(Ask(f"order-{k + 1}", "order", text, (places[a], places[b]),
                        (ANIMALS[first],)))  # fmt: skip
    return made
