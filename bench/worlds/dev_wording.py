"""What is told of the things of the development worlds, and how it is asked for.

Each attribute has two families of wordings, one for each half. `ask` uses the words of the
statement, `para` uses others, with other words for the thing as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from bench.worlds.dev_topics import PEOPLE, TOWNS, Half

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("January", "March", "April", "May", "June", "September", "October", "November")
COLOURS = ("dark green", "bright red", "pale blue", "yellow", "black", "white", "purple", "brown")
MATERIALS = ("oak", "copper", "steel", "granite", "brass", "pine", "glass", "cedar")
CAUSES = ("a flood", "a lightning strike", "hungry mice", "a falling branch", "careless movers",
          "salt water", "a short circuit", "heavy frost")  # fmt: skip
ROOMS = ("the left wing", "the basement", "the west hall", "the back yard", "the entrance hall",
         "the blue room", "the top floor", "the long corridor")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Value:
    """A value as it is spoken and written, and patterns that find it in an answer."""

    said: str
    written: str
    right: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wording:
    """How one half tells an attribute and asks for it.

    ``{t}`` is the thing, ``{T}`` with a capital, ``{K}`` its name as a heading, ``{a}`` other
    words for it, ``{v}`` the value.
    """

    said: tuple[str, ...]
    line: str
    ask: tuple[str, ...]
    para: tuple[str, ...]
    check: str = ""
    """A question for yes or no that names the value."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """Something that may be told of things of one sort."""

    name: str
    sort: str
    noun: str
    """What one calls it: "the weight of the bell"."""
    value: Callable[[Random, Half], Value]
    one: Wording
    two: Wording

    def wording(self, half: Half) -> Wording:
        """The wordings of a half."""
        return self.one if half == "one" else self.two


_ONES = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
fifteen sixteen seventeen eighteen nineteen""".split()  # noqa: SIM905
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()  # noqa: SIM905


def in_words(number: int) -> str:
    """Spell a number below 10,000.

    >>> in_words(42), in_words(307), in_words(1200)
    ('forty two', 'three hundred seven', 'one thousand two hundred')
    """
    if number < 20:
        return _ONES[number]
    if number < 100:
        return _TENS[number // 10 - 2] + (f" {_ONES[number % 10]}" if number % 10 else "")
    size, name = (1000, "thousand") if number >= 1000 else (100, "hundred")
    rest = f" {in_words(number % size)}" if number % size else ""
    return f"{_ONES[number // size]} {name}{rest}"


def _amount(low: int, high: int, unit: str = "") -> Callable[[Random, Half], Value]:
    def make(chance: Random, half: Half) -> Value:
        del half
        number = chance.randrange(low, high)
        words = in_words(number) if number < 10_000 else str(number)
        said = words if chance.random() < 0.25 else str(number)
        tail = f" {unit}" if unit else ""
        thousands = f"{number:,}".replace(",", "[,. ]?")
        return Value(said + tail, f"{number}{tail}", (rf"\b{thousands}\b", rf"\b{words}\b"))

    return make


def _one_of(choices: tuple[str, ...]) -> Callable[[Random, Half], Value]:
    def make(chance: Random, half: Half) -> Value:
        del half
        word = chance.choice(choices)
        return Value(word, word, (rf"\b{word.split()[-1].lower()}\b",))

    return make


def _person(chance: Random, half: Half) -> Value:
    name = chance.choice(PEOPLE[half])
    return Value(name, name, (rf"\b{name.split()[-1].lower()}\b",))


def _town(chance: Random, half: Half) -> Value:
    town = chance.choice(TOWNS[half])
    return Value(town, town, (rf"\b{town.lower()}\b",))


def _year(chance: Random, half: Half) -> Value:
    del half
    year = str(chance.randrange(1740, 2012))
    return Value(year, year, (rf"\b{year}\b",))


def _date(chance: Random, half: Half) -> Value:
    del half
    day, month, number = chance.choice(DAYS), chance.choice(MONTHS), chance.randrange(4, 20)
    text = f"{day} the {number}th of {month}"
    return Value(text, f"{day} {number} {month}", (day.lower(),))


def _clock(chance: Random, half: Half) -> Value:
    del half
    hour, late = chance.randrange(7, 12), chance.random() < 0.5
    said = f"half past {in_words(hour)}" if late else f"{in_words(hour)} o'clock"
    digits = f"{hour}:{'30' if late else '00'}"
    return Value(said, digits, (rf"\b{digits}\b", rf"\b{said}\b", rf"\b{hour} o.?clock\b",
                                rf"half past {hour}\b"))  # fmt: skip


ATTRIBUTES: tuple[Attribute, ...] = (
    Attribute("price", "object", "price", _amount(40, 9000, "euros"),
        Wording(("{T} cost {v}.", "We paid {v} for {t}."), "{K}: {v}",
                ("How much did {t} cost?",), ("How expensive was {a}?", "What was spent on {a}?")),
        Wording(("The price of {t} was {v}.", "{T} is worth {v}."), "Value of {k}: {v}",
                ("What is {t} worth?", "What was the price of {t}?"),
                ("How much money was paid for {a}?",))),
    Attribute("maker", "object", "maker", _person,
        Wording(("{T} was built by {v}.", "{v} built {t}."), "{K} built by {v}",
                ("Who built {t}?",), ("Whose work is {a}?", "Who made {a}?"),
                "Was {t} built by {v}?"),
        Wording(("{v} designed {t}.", "{T} was designed by {v}."), "{K}, design {v}",
                ("Who designed {t}?",), ("Who invented {a}?", "Who is the creator of {a}?"),
                "Did {v} design {t}?")),
    Attribute("origin", "object", "origin", _town,
        Wording(("{T} was made in {v}.", "{T} comes from a workshop in {v}."), "{K} from {v}",
                ("Where was {t} made?",), ("Where does {a} come from?",)),
        Wording(("{T} was brought here from {v}.", "We bought {t} in {v}."), "Bought in {v}: {k}",
                ("Where was {t} bought?", "From where was {t} brought here?"),
                ("In which town did they get {a}?",))),
    Attribute("weight", "object", "weight", _amount(12, 900, "kilograms"),
        Wording(("{T} weighs {v}.",), "{K} weighs {v}", ("How much does {t} weigh?",),
                ("How heavy is {a}?",)),
        Wording(("{T} is {v} heavy.", "The weight of {t} is {v}."), "Weight of {k} {v}",
                ("How heavy is {t}?", "What is the weight of {t}?"), ("How much does {a} weigh?",))),
    Attribute("colour", "object", "colour", _one_of(COLOURS),
        Wording(("{T} was painted {v}.",), "{K} painted {v}", ("What colour was {t} painted?",),
                ("What colour does {a} have?",)),
        Wording(("{T} is {v} all over.", "They chose {v} as the colour of {t}."), "{K} in {v}",
                ("Which colour is {t}?",), ("In what colour is {a} kept?",))),
    Attribute("year", "object", "year", _year,
        Wording(("{T} was found in {v}.", "In {v} somebody found {t}."), "{K} found {v}",
                ("In which year was {t} found?",), ("When was {a} discovered?",)),
        Wording(("{T} dates from {v}.", "Since {v} we have had {t}."), "{K} since {v}",
                ("From which year does {t} date?",), ("How long ago was {a} made, in which year?",))),
    Attribute("material", "object", "material", _one_of(MATERIALS),
        Wording(("{T} is made of {v}.",), "{K}, all {v}", ("What is {t} made of?",),
                ("Which material was used for {a}?",)),
        Wording(("{T} consists mostly of {v}.",), "{K}: mostly {v}", ("What does {t} consist of?",),
                ("From which material is {a}?",))),
    Attribute("damage", "object", "damage", _one_of(CAUSES),
        Wording(("{T} was damaged by {v}.",), "{K} damaged by {v}", ("What damaged {t}?",),
                ("What broke {a}?", "Why is {a} no longer intact?")),
        Wording(("{T} broke because of {v}.", "We lost {t} for a month to {v}."),
                "{K} out of order: {v}", ("Why did {t} break?",), ("What was the cause of the defect of {a}?",))),
    Attribute("place", "object", "place", _one_of(ROOMS),
        Wording(("{T} stands in {v}.",), "{K}: {v}", ("Where does {t} stand?",),
                ("In which part of the house can one find {a}?",)),
        Wording(("You will find {t} in {v}.", "{T} is kept in {v}."), "{K} in {v}",
                ("Where is {t} kept?",), ("Where do they store {a}?",))),
    Attribute("donor", "object", "donor", _person,
        Wording(("{T} was a present from {v}.",), "{K}, gift of {v}", ("Who gave {t} as a present?",),
                ("From whom did they get {a}?",)),
        Wording(("{v} left us {t}.", "We owe {t} to {v}."), "{K} on loan from {v}",
                ("Who left {t} to us?",), ("Who was the donor of {a}?",))),
    Attribute("day", "event", "date", _date,
        Wording(("{T} takes place on {v}.",), "{K} on {v}", ("On which day does {t} take place?",),
                ("What is the date of {a}?",), "Does {t} take place on {v}?"),
        Wording(("{T} is planned for {v}.", "On {v} there is {t}."), "{v}: {k}",
                ("For which date is {t} planned?",), ("On what day can one go to {a}?",),
                "Is {t} planned for {v}?")),
    Attribute("leader", "event", "leader", _person,
        Wording(("{v} leads {t}.", "{T} is led by {v}."), "{K} with {v}", ("Who leads {t}?",),
                ("Who is in charge of {a}?",), "Is {t} led by {v}?"),
        Wording(("{v} organises {t}.", "{T} is organised by {v}."), "{K}, host {v}",
                ("Who organises {t}?",), ("Which person is responsible for {a}?",),
                "Is {t} organised by {v}?")),
    Attribute("fee", "event", "fee", _amount(3, 60, "euros"),
        Wording(("A ticket for {t} costs {v}.",), "{K} ticket {v}",
                ("How much is a ticket for {t}?",), ("What does one pay to get into {a}?",)),
        Wording(("The fee for {t} is {v}.", "{T} has a fee of {v}."), "{K}, fee {v}",
                ("What is the fee for {t}?",), ("How much does it cost to take part in {a}?",))),
    Attribute("guests", "event", "number of guests", _amount(21, 700),
        Wording(("Last year {v} guests came to {t}.",), "{K}: {v} guests",
                ("How many guests came to {t}?",), ("How many people attended {a}?",)),
        Wording(("{v} visitors registered for {t}.",), "{K}: {v} visitors",
                ("How many visitors registered for {t}?",), ("How big was the audience of {a}?",))),
    Attribute("start", "event", "starting time", _clock,
        Wording(("{T} starts at {v}.",), "{K} {v}", ("At what time does {t} start?",),
                ("When do the doors open for {a}?",)),
        Wording(("{T} begins at {v}.",), "Begin of {k} {v}", ("At what time does {t} begin?",),
                ("What hour should one come to {a}?",))),
    Attribute("venue", "event", "venue", _one_of(ROOMS),
        Wording(("{T} is held in {v}.",), "{K} held in {v}", ("Where is {t} held?",),
                ("Which room is used for {a}?",)),
        Wording(("{T} happens in {v}.", "For {t} please come to {v}."), "{K}: come to {v}",
                ("Where does {t} happen?",), ("What is the location of {a}?",))),
    Attribute("builder", "place", "architect", _person,
        Wording(("{T} was planned by {v}.",), "{K} planned by {v}", ("Who planned {t}?",),
                ("Who was the architect of {a}?",), "Was {t} planned by {v}?"),
        Wording(("{v} drew the plans of {t}.",), "Plans of {k}: {v}", ("Who drew the plans of {t}?",),
                ("Which architect is behind {a}?",), "Did {v} draw the plans of {t}?")),
    Attribute("opened", "place", "opening year", _year,
        Wording(("{T} was opened in {v}.",), "{K} opened {v}", ("In which year was {t} opened?",),
                ("Since when has {a} existed?",)),
        Wording(("{T} was finished in {v}.",), "{K} finished {v}",
                ("In which year was {t} finished?",), ("How old is {a}, when was it built?",))),
    Attribute("height", "place", "size", _amount(3, 80, "metres"),
        Wording(("{T} is {v} high.",), "{K}: {v} high", ("How high is {t}?",),
                ("What does {a} measure from floor to top?",)),
        Wording(("{T} measures {v} from wall to wall.",), "{K} measures {v}",
                ("How much does {t} measure from wall to wall?",), ("What is the width of {a}?",))),
    Attribute("owner", "place", "owner", _person,
        Wording(("{T} belongs to {v}.",), "{K} belongs to {v}", ("To whom does {t} belong?",),
                ("Who is the owner of {a}?",)),
        Wording(("{v} rents {t}.", "{T} is rented by {v}."), "{K}, tenant {v}", ("Who rents {t}?",),
                ("Who is the tenant of {a}?",))),
    Attribute("closed", "place", "closing day", _one_of(DAYS),
        Wording(("{T} is closed on {v}.",), "{K} closed {v}", ("On which day is {t} closed?",),
                ("When can one not visit {a}?",)),
        Wording(("On {v} nobody may enter {t}.",), "No entry to {k}: {v}",
                ("On which day may nobody enter {t}?",), ("Which weekday is {a} locked?",))),
    Attribute("seats", "place", "capacity", _amount(12, 400),
        Wording(("{T} has room for {v} people.",), "{K}: {v} people",
                ("For how many people does {t} have room?",), ("How many visitors fit into {a}?",)),
        Wording(("{v} people can stand in {t}.",), "{K} holds {v}",
                ("How many people can stand in {t}?",), ("What is the capacity of {a}?",))),
)  # fmt: skip

MENTIONED: dict[Half, dict[str, tuple[str, ...]]] = {
    "one": {
        "object": ("Everybody stops in front of {t}.", "We are a little proud of {t}.",
                   "There are good books about {t}.", "Children love {t}."),
        "event": ("I always look forward to {t}.", "{T} is more work than it seems.",
                  "Last time {t} was a great success.", "We talk about {t} all year."),
        "place": ("You can get lost in {t}.", "{T} is quiet in the morning.",
                  "I eat my lunch in {t}.", "Photographs of {t} are sold at the entrance."),
    },
    "two": {
        "object": ("People travel far to see {t}.", "Without {t} nothing works here.",
                   "I could talk about {t} for hours.", "{T} needs a lot of care."),
        "event": ("Please tell your friends about {t}.", "{T} is what most people come for.",
                  "We had to change the plan for {t}.", "The press wrote about {t}."),
        "place": ("My favourite corner is {t}.", "{T} has seen better days.",
                  "In summer it is cool in {t}.", "Nobody cleans {t} as well as she does."),
    },
}  # fmt: skip
"""Sentences that speak of a thing and tell nothing of it that is asked for."""


def attributes_of(sort: str) -> tuple[Attribute, ...]:
    """Those that things of a sort may have."""
    return tuple(one for one in ATTRIBUTES if one.sort == sort)
