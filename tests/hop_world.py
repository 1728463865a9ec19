"""A fair day that was never filmed, for questions that need two steps or operators on time.

Thirty talks, tools, boats and cards: each question's two facts stand far apart, and each second
fact has neighbours that are alike but for one word, so that one search for all of the words finds
the neighbour as well.
"""

from __future__ import annotations

from tests.worlds import Section

BOOKS = (
    ("Tides", "Hanna Brandt", "room 12"), ("Embers", "Carl Jonas", "room 31"),
    ("Lanterns", "Vera Lindqvist", "room 7"), ("Orchards", "Paul Okafor", "room 44"),
    ("Glaciers", "Marta Silva", "room 19"), ("Harbours", "Yusuf Demir", "room 26"),
    ("Meadows", "Olga Petrov", "room 58"), ("Quarries", "Ivo Novak", "room 63"),
)  # fmt: skip
TOOLS = (
    ("mallet", "hammer", "42 crowns"), ("chisel", "scraper", "17 crowns"),
    ("winch", "pulley", "350 crowns"), ("bellows", "fan", "88 crowns"),
    ("anvil", "block", "910 crowns"), ("sickle", "knife", "23 crowns"),
)  # fmt: skip
BOATS = (
    ("Swallow", "regatta", "Elmsport"), ("Otter", "storm", "Farhaven"),
    ("Juniper", "collision", "Greystone"), ("Falcon", "treasure hunt", "Saltwick"),
)  # fmt: skip
COLOURS = ("crimson", "green", "yellow", "purple", "orange", "blue", "white", "brown", "pink", "grey",
           "violet", "silver")  # fmt: skip
GATES = ("A1", "B7", "C3", "D9", "E2", "F6", "G4", "H8", "J5", "K1", "L7", "M2")


def authors() -> Section:
    said = tuple((8.0 + 24 * n, f"{book} was written by {name}.") for n, (book, name, _)
                 in enumerate(BOOKS))  # fmt: skip
    return Section("Books", ("Books of the year",), said, seconds=220.0)


def rooms() -> Section:
    said = tuple((8.0 + 24 * n, f"{name} gives the talk in {room}.") for n, (_, name, room)
                 in enumerate(BOOKS))  # fmt: skip
    return Section("Rooms", ("Where to go",), said, seconds=220.0)


def replaced() -> Section:
    said = tuple((8.0 + 24 * n, f"In this trade the {new} replaced the {old}.") for n, (new, old, _)
                 in enumerate(TOOLS))  # fmt: skip
    return Section("Workshop history", ("Workshop history",), said, seconds=180.0)


def prices() -> Section:
    said = tuple((8.0 + 24 * n, f"The {new} is sold at a cost of {price}.") for n, (new, _, price)
                 in enumerate(TOOLS))  # fmt: skip
    return Section("Prices", ("Prices",), said, seconds=180.0)


def survivors() -> Section:
    said = tuple((8.0 + 24 * n, f"The {boat} survived the {event}." if n else
                  f"The {boat} won the {event}.") for n, (boat, event, _)
                 in enumerate(BOATS))  # fmt: skip
    return Section("Boats", ("Boats",), said, seconds=150.0)


def harbours() -> Section:
    said = tuple((8.0 + 24 * n, f"The {boat} is moored in {place}.") for n, (boat, _, place)
                 in enumerate(BOATS))  # fmt: skip
    return Section("Moorings", ("Moorings",), said, seconds=150.0)


NEXT = ((3, "And on we go."),)


def cards() -> list[Section]:
    """Gates and coloured cards in turn, each gate's card after it."""
    made = []
    for gate, colour in zip(GATES, COLOURS, strict=True):
        made.append(Section(f"Gate {gate}", (f"GATE {gate}",), NEXT, seconds=20.0))
        made.append(Section(f"Card {colour}", (f"This card is {colour}",), NEXT, seconds=20.0))
    return made


FAIR = (
    Section("Opening", ("Opening",), ((5, "The mayor opens the fair with a short speech."),)),
    authors(), replaced(), *cards(), survivors(),
    Section("Break", ("Break",), NEXT, seconds=90.0),
    Section("Soldering", ("Soldering wires",), (
        (5, "Now the soldering begins."), (30, "Hold the iron like a pen, soldering needs calm."),
        (60, "Too much glue spoils soldering."), (90, "Wipe the tip, and no glue on the table."))),
    Section("Choir", ("Choir practice",), (
        (5, "The choir sings scales."), (60, "Glue the notes together, says the choir master."),)),
    rooms(), prices(),
    Section("Break again", ("Break",), NEXT, seconds=150.0),
    harbours(),
    Section("Towers", ("Towers",), (
        (8, "The Old Mill is 31 metres tall."), (40, "Saint Anne is 46 metres tall."),
        (80, "The tower has 212 steps and the light stays on all night."))),
    Section("Stairs", ("Stairs",), ((8, "The mill has 90 steps."),)),
    Section("Cake", ("The cake",), ((5, "At last the cake is cut."),), seconds=60.0),
)  # fmt: skip

TWO_HOPS: list[tuple[str, str, str]] = [
    *((f"Which room is the talk by the person who wrote {b} in?", r, f"{b} was written by")
      for b, _, r in BOOKS[:4]),
    *((f"In which room does the author of {b} give the talk?", r, f"{b} was written by")
      for b, _, r in BOOKS[4:]),
    *((f"How much does the tool that replaced the {old} cost?", price, f"replaced the {old}")
      for _, old, price in TOOLS),
    *((f"Where is the boat that {'won' if n == 0 else 'survived'} the {e} moored?", place, e)
      for n, (_, e, place) in enumerate(BOATS)),
    *((f"What colour is the card right after GATE {g}?", c, f"GATE {g}")
      for g, c in zip(GATES, COLOURS, strict=True)),
]  # fmt: skip
"""Question, what its answer must hold, and words of the sentence on which the first step rests."""
