"""The sort of thing a question asks for, and whether a quotation holds one.

"Who threw the snowball?" wants a person; "The window was broken by a snowball" names none, so it
is near the question and no answer to it. Most questions that a video nearly answers fail here: it
speaks of the map, and never of its price. A sort is told by the question's own words; a quotation
holds it when it has a match that is not a repetition of the question. Questions of no known sort
pass.
"""

from __future__ import annotations

import re

from longtake.agent.reading.extract import NUMBER, headline, short_answer
from longtake.tools.words import stem, tokens

_TIMES = r"(?:seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|nights?|weeks?|months?|years?|decades?|centur(?:y|ies))"
_LENGTHS = (
    r"(?:milli|centi|kilo)?(?:metres?|meters?)|km|cm|mm|m|miles?|feet|foot|ft|inch(?:es)?|yards?|"
    r"stor(?:e?y|ies|eys)|floors?|light[- ]years?|fathoms?|hectares?|acres?|square|cubic|lit(?:re|er)s?"
)
_WEIGHTS = r"(?:kilo|milli)?gram(?:me)?s?|kg|g|mg|tons?|tonnes?|pounds?|lbs?|ounces?|oz|lit(?:re|er)s?|ml|spoons?|cups?|stone"
_MONEY = r"dollars?|euros?|pounds?|cents?|pence|pennies|penny|crowns?|francs?|yen|rupees?|kroner|coins?|bucks|grand|million|billion"
_UNITS: dict[str, str] = {
    "time": rf"{_TIMES}|old",
    "extent": rf"{_LENGTHS}|{_TIMES}",
    "length": _LENGTHS,
    "weight": _WEIGHTS,
    "money": rf"{_MONEY}|[$€£¥]",
    "temperature": r"degrees?|°|celsius|fahrenheit|kelvin|c|f",
    "speed": r"per|an|a|km/?h|kph|mph|knots?|m/s|hertz|hz|[kmg]bps|times",
}
_COST = (
    r"\bhow much (?:\w+ ){0,6}(?:costs?|charged?|paid|pay|worth|spen[dt])\b|"
    r"\b(?:price|cost|fee|budget|salary|fine|rent|fare)\b(?! of living)"
)
_MEASURED = r"(?:height|depth|width|distance|altitude|diameter)"
_FAR = (
    r"\bhow (?:far|tall|high|deep|wide|thick)\b|"
    rf"\b{_MEASURED} (?:of|is|was|does|did|between|from|to)\b|\bwhat (?:\w+ )?{_MEASURED}\b"
)
_OLD = (
    r"\bhow old\b|\bthe age of\b|"
    r"\bhow (?:many|much) (?:hours|minutes|seconds|days|weeks|months|years|time)\b"
)
_WHICH_DAY = (
    r"\b(?:what|which|on what|on which|in what|in which) "
    r"(?:day|date|year|month|deadline|weekday|week)\b|\b(?:date|deadline|year) (?:of|for|is|was)\b"
)
_WHO = (
    r"^(?:and |so |by |to |with |for |from )*(?:who|whom|whose)\b|"
    r"\bwhich (?:person|author|professor|scientist)\b"
)
_HUE = r"\b(?:what|which)(?: \w+){0,2} colou?rs?\b|\bcolou?r (?:is|was|are|were|of|does|did)\b"
_NAMED = r"\b(?:name|title) (?:of|is|was)\b|\b(?:is|was|are|were) (?:\w+ ){1,6}(?:called|named)\b"
MEASURES = frozenset((*_UNITS, "number"))
"""The sorts that are numbers."""
_ASKED: tuple[tuple[str, str], ...] = (
    ("colour", _HUE),
    ("money", _COST),
    ("temperature", r"\btemperature\b|\bhow (?:hot|cold|warm)\b"),
    ("speed", r"\bhow fast\b|\bspeed\b"),
    ("weight", r"\bhow (?:heavy|much (?:does|did|do) (?:\w+ ){1,5}weigh)\b|\bweights?\b"),
    ("length", _FAR),
    ("time", _OLD),
    ("extent", r"\bhow long\b|\b(?:length|duration) of\b"),
    ("phone", r"\b(?:tele)?phone number\b"),
    ("email", r"\be-?mail address\b"),
    ("date", _WHICH_DAY),
    ("person", _WHO),
    ("name", _NAMED),
    ("number", r"\bhow many\b|\bwhat percentage\b|\bwhat share\b|\b(?:which|what) numbers?\b"),
)
COLOURS = [
    "black",
    "white",
    "grey",
    "gray",
    "red",
    "green",
    "blue",
    "yellow",
    "cyan",
    "magenta",
    "orange",
    "brown",
    "purple",
    "pink",
    "violet",
    "golden",
    "gold",
    "silver",
    "beige",
    "turquoise",
    "crimson",
    "scarlet",
    "navy",
    "maroon",
    "teal",
    "amber",
]
_PEOPLE = re.compile(
    r"\b(?:children|women|men|woman|man|boys?|girls?|sisters?|brothers?|"
    r"mothers?|fathers?|(?:grand)?parents|grandmother|grandfather|wife|husband|daughters?|sons?|"
    r"uncle|aunt|family|team|company|crew|king|queen|prince|princess|pope|monks?|nuns?|doctors?|"
    r"students?|pupils?|volunteers?|villagers|police|army|council|committee|university|ministry|"
    r"[a-z]{3,}(?:ers|ors|ists|ians|men|women)|"
    r"(?:teach|keep|mill|farm|bak|work|driv|writ|paint|sing|danc|play|lead|manag|own|butch|carpent|"
    r"lawy|offic|soldi|sail|miners|play|swimm|runn|wait|clean|hunt|build|lectur|research|engine|"
    r"photograph|report|speak|read|found|design|develop|engineer|present|train)er|"
    r"(?:profess|doct|act|direct|edit|auth|invent|mayor|govern|senat|auth|sculpt|conduct|mentor|"
    r"tut|visit|edit)or|mayor|(?:\w+)(?:ist|ian)|fisherm[ae]n|chairm[ae]n|captain|clerk|cook|nurse|chef|"
    r"judge|guard|pilot|priest|president|minister|chief|boss|neighbou?rs?|friend|friends|apprentice|school|church|company|library|museum|club|council|hotel|hospital|bank|shop|firm|"
    r"department|office|group|choir|band|class|(?:town|city)(?! hall)|government)\b"
)
_DAYS = re.compile(
    r"\b(?:(?:mon|tues|wednes|thurs|fri|satur|sun)days?|january|february|march|april|may|june|july|"
    r"august|september|october|november|december|today|tomorrow|yesterday|tonight|spring|summer|"
    r"autumn|winter|christmas|easter|(?:1[0-9]|20)\d\d|\d{1,2}(?:st|nd|rd|th)|\w+teenth|\w+tieth|"
    r"(?:next|last|this) (?:week|month|year)|weekend|weekdays?|ago|century)\b",
    re.IGNORECASE,
)
_CALLED = re.compile(
    r"\b(?:called|named|known as|titled|entitled|name is|name was)\s+\w", re.IGNORECASE
)
_PROPER = re.compile(r"(?<![.!?:/|“\"'\n]\s)(?<!^)\b(?!I\b|I'|I’)[A-Z][\w’'-]*")


def sort_of(question: str) -> str | None:
    """Return the sort of thing asked for, or None when its words do not tell.

    >>> [sort_of(q) for q in ("Who won?", "How old is it?", "How far is it?", "What is a vector?")]
    ['person', 'time', 'length', None]
    """
    low = question.lower().strip()
    return next((sort for sort, pattern in _ASKED if re.search(pattern, low)), None)


def holds(sort: str, question: str, quote: str) -> bool:
    """Whether a quotation holds something of a sort, beyond what the question said itself.

    >>> holds("money", "How much did the map cost?", "The map was drawn on goat skin.")
    False
    >>> holds("money", "How much did the map cost?", "It was sold for 40 crowns.")
    True
    """
    if sort in _UNITS:
        return _measured(sort, question, quote)
    words = tokens(quote)
    asked = {stem(word) for word in tokens(question)}
    if sort == "colour":
        return any(word in COLOURS and stem(word) not in asked for word in words)
    if sort == "date":
        found = [m.group().lower() for m in _DAYS.finditer(quote)]
        return any(stem(word) not in asked for word in found)
    if sort == "phone":
        return bool(re.search(r"\d(?:[\d\s/-]{4,})\d", quote))
    if sort == "email":
        return "@" in quote
    if sort == "number":
        given = {m.group().lower() for m in NUMBER.finditer(question)}
        return any(m.group().lower() not in given for m in NUMBER.finditer(quote))
    if sort == "person":
        return _someone(quote, asked)
    return bool(_CALLED.search(quote)) or _proper(quote, asked)


def _measured(sort: str, question: str, quote: str) -> bool:
    """A number with a fitting unit; or a bare number beside the asked word, as in a table."""
    numbers = list(NUMBER.finditer(quote))
    unit = re.compile(rf"^[\s-]?(?:{_UNITS[sort]})(?![a-z])", re.IGNORECASE)
    loose = re.compile(rf"^\W?(?:\w+\W+){{0,2}}?(?:{_UNITS[sort]})(?![a-z])", re.IGNORECASE)
    for match in numbers:
        after = quote[match.end() :]
        if unit.match(after) or loose.match(after):
            return True
        if sort == "money" and re.match(r"[$€£¥]", match.group()):
            return True
    bare = [m for m in numbers if not re.match(r"\s?[A-Za-z°%]", quote[m.end() :])]
    measure = {stem(w) for w in tokens(question)} & {stem(w) for w in _MEASURES}
    return bool(bare and measure & {stem(w) for w in tokens(quote)})


_MEASURES = [
    "price",
    "cost",
    "fee",
    "budget",
    "temperature",
    "speed",
    "weight",
    "height",
    "depth",
    "width",
    "distance",
    "age",
    "length",
    "duration",
    "altitude",
    "diameter",
    "fare",
    "rent",
    "fine",
    "salary",
]


def _someone(quote: str, asked: set[str]) -> bool:
    if any(stem(m.group().lower()) not in asked for m in _PEOPLE.finditer(quote)):
        return True
    name = short_answer(quote, "person", [])
    if name is None or all(stem(w) in asked for w in tokens(name)):
        return False
    # A bare line of two capitalised words may be a heading; one that repeats the question is.
    bare = len(quote.split()) <= 4 and not any(stem(w) in asked for w in tokens(name))
    return bare or _proper(quote, asked)


def _proper(quote: str, asked: set[str]) -> bool:
    """A capitalised word that does not begin a sentence and was not in the question."""
    if headline(quote):
        return False
    return any(
        stem(word) not in asked for m in _PROPER.finditer(quote) for word in tokens(m.group())
    )
