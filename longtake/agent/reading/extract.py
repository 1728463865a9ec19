"""Take the short answer out of the sentence that holds it: a number, a name, a day, a place.

Only words of the sentence are returned, so what is extracted is evidence. Nearness to the
question's own words decides between several numbers or names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from longtake.tools.topic import FUNCTION
from longtake.tools.words import stem, tokens

_NUMBER_WORD = (
    r"(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|"
    r"fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|"
    r"ninety|hundred|thousand|million|billion)"
)
NUMBER = re.compile(
    rf"[$€£]?\d+(?:[.,:]\d+)*(?:e-?\d+)?(?:\s?(?:%|percent|per cent|million|billion|thousand))?"
    rf"|\b{_NUMBER_WORD}(?:[\s-](?:and[\s-])?(?:{_NUMBER_WORD}|point))*(?:\s(?:%|percent))?",
    re.IGNORECASE,
)
_UNIT = re.compile(r"^\s?([A-Za-zµ°%]+)")
_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
)
_DAY_NUMBER = (
    r"(?:\d{1,2}(?:st|nd|rd|th)?|(?:twenty-? ?|thirty-? ?)?(?:first|second|third|fourth|fifth|sixth|"
    r"seventh|eighth|ninth)|tenth|eleventh|twelfth|\w+teenth|twentieth|thirtieth)"
)
_DAY = re.compile(
    rf"\b(?:(?:next |this )?(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day(?:,?(?: the)? {_DAY_NUMBER}"
    rf"(?:(?: of)? {_MONTH})?)?|(?:the )?{_DAY_NUMBER}(?: of)? {_MONTH}(?:,? \d{{4}})?|"
    rf"{_MONTH}(?: the)? {_DAY_NUMBER}(?:,? \d{{4}})?"
    r"|\d{4}-\d{2}-\d{2}|\b(?:19|20)\d{2}\b|tomorrow|next week|tonight)\b",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"\b(?:(?:Dr|Prof|Professor|Mr|Mrs|Ms)\.? )?[A-Z][a-zà-ÿ]+(?:[- ](?:(?:van|von|de|of) )?[A-Z][a-zà-ÿ]+)*"
)
_PLACE = re.compile(
    r"\b(?:in|at|near|inside|to|from)\s+((?:the\s+)?(?:(?:room|hall|building|lab|floor|auditorium|theat(?:er|re)|"
    r"library|lecture hall)\s+[\w-]+(?:\s\d+)?|[A-Z][\w-]+(?:\s[A-Z][\w-]+)*|(?:\w+\s){0,3}"
    r"(?:room|hall|building|lab|auditorium|library|kitchen|garden|office|campus|city|theat(?:er|re))"
    r"(?:\s[\w-]+)?))"
)
_CLOCK = re.compile(
    r"\b(?:[01]?\d|2[0-3])[:.h][0-5]\d(?:\s?[ap]\.?m\b\.?)?|\b(?:1[0-2]|[1-9])\s?[ap]\.?m\b\.?|"
    r"\b(?:noon|midnight)\b|\b(?:\d{1,2}|[a-z]+) minutes? (?:to|past|before|after) (?:\d{1,2}\b|[a-z]+)|"
    r"\b(?:half|(?:a )?quarter) (?:to|past) (?:\d{1,2}\b|[a-z]+)|"
    rf"\b(?:\d{{1,2}}|{_NUMBER_WORD}) in the (?:morning|afternoon|evening)|"
    r"\b(?:[01]?\d|2[0-3]) o['’]clock\b",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\+?\d[\d ()/-]+\d")
"""A telephone number is one number."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9“\"'(])")


def sentences(text: str) -> list[str]:
    """Cut a text into sentences; a decimal point does not end one.

    >>> sentences("Use 0.001. It works! ok")
    ['Use 0.001.', 'It works! ok']
    """
    return [piece.strip() for piece in _SENTENCE.split(text.strip()) if piece.strip()]


def best_sentence(text: str, words: Sequence[str]) -> str:
    """The sentence that shares most with the question's words; the earlier of two equals."""
    roots = {stem(word) for word in words}
    pieces = sentences(text) or [text]
    return max(pieces, key=lambda piece: len(roots & {stem(w) for w in tokens(piece)}))


def short_answer(text: str, wants: str | None, words: Sequence[str]) -> str | None:
    """The part of a text that is of the wanted sort and nearest to the question's words.

    >>> short_answer("We use a learning rate of 0.001 for 3 epochs.", "number", ["learning", "rate"])
    '0.001'
    >>> short_answer("The exam is on Friday the 12th in room 204.", "place", ["exam"])
    'room 204'
    """
    pattern = {
        "number": NUMBER,
        "date": _DAY,
        "place": _PLACE,
        "person": _NAME,
        "clock": _CLOCK,
    }.get(wants or "")
    if pattern is None:
        return None
    if wants == "number" and _DIGITS.fullmatch(text.strip()):
        return text.strip()
    found = []
    for match in pattern.finditer(text):
        piece = match.group(1) if pattern is _PLACE else match.group()
        if wants == "person" and not _is_name(text, match, words):
            continue
        if wants == "number" and stem(piece.lower()) in {stem(w) for w in words}:
            continue
        if wants == "number" and piece.lower() == "one":
            continue
        found.append(
            (_distance(text, match, words), match.start(), _with_unit(text, match, piece, wants))
        )
    return min(found)[2] if found else None


_DETERMINERS = frozenset(
    "a an the his her their its my our your another one two three".split()  # noqa: SIM905
)


def phrase_with(text: str, word: str) -> str:
    """A word of a text as the text writes it, with its article and what stands between them.

    >>> phrase_with("It was lost until a very old diver found it.", "diver")
    'a very old diver'
    >>> phrase_with("Cobalt gives blue", "cobalt")
    'Cobalt'
    """
    at = re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE)
    if at is None:
        return word
    start = at.start()
    for before in reversed(list(re.finditer(r"[\w'’-]+", text[:start]))[-4:]):
        if re.search(r"[^\w'’\s-]", text[before.end() : start]):
            break
        if before.group().lower() in _DETERMINERS:
            return text[before.start() : at.end()]
        if before.group().lower() in FUNCTION - {"very", "other"}:
            break
    return at.group()


def _distance(text: str, match: re.Match[str], words: Sequence[str]) -> int:
    """Characters between the match and the nearest question word; what follows it is preferred."""
    roots = {stem(word) for word in words}
    best = 10_000
    for word in re.finditer(r"\w+", text):
        if stem(word.group().lower()) in roots and not match.start() <= word.start() < match.end():
            gap = (
                match.start() - word.end()
                if word.end() <= match.start()
                else word.start() - match.end()
            )
            best = min(best, abs(gap) + (0 if word.end() <= match.start() else 2))
    return best


def _with_unit(text: str, match: re.Match[str], piece: str, wants: str | None) -> str:
    if wants != "number" or piece.endswith(("%", "percent")):
        return piece
    unit = _UNIT.match(text[match.end() :])
    short = unit and (unit.group(1) in _UNITS or unit.group(1).lower().rstrip("s") in _UNITS)
    return f"{piece} {unit.group(1)}" if unit and short else piece


LEAST_HELD = 0.5
"""Share of the question's weight that the answer's own sentence must hold."""
_SHARE = r"(?:percent\w*|what share|what fraction)"
PART = re.compile(r"\d\s?(?:%|percent|per cent)|\bpercent\b|%", re.IGNORECASE)
_INTERVAL = re.compile(r"\d+\s?%\s*(?:C[Il1]\b|confidence)", re.IGNORECASE)
_DECIMAL = re.compile(r"\d[.,]\d|\d\s?(?::|/|to)\s?\d")


def of_kind(question: str, text: str) -> bool:
    """Whether a text has a number of the kind that is asked for: a share, or any."""
    if re.search(rf"\b{_SHARE}\b", question.lower()):
        return bool(PART.search(_INTERVAL.sub(" ", text)))
    return True


def fits(question: str, short: str, sentence: str, held: float) -> bool:
    """Whether a short answer may stand in front: its sentence is about what was asked.

    Args:
        question: as it was asked.
        short: the number, name, day or place.
        sentence: the sentence that holds it.
        held: share of the question's weight in that sentence alone, 0 to 1.

    >>> fits("What is the odds ratio for dementia?", "100", "In 100 twin pairs", 0.0)
    False
    >>> fits("By how much is the risk increased?", "60%", "about a 60% increase in risk", 0.7)
    True
    """
    low = question.lower()
    if re.search(r"\b(?:ratio|odds)\b", low) and not _DECIMAL.search(short):
        return False
    if re.search(rf"\b{_SHARE}\b", low):
        return bool(PART.search(short)) and held >= LEAST_HELD / 2
    if "by how much" in low and PART.search(short):
        return held >= LEAST_HELD / 2
    return held >= LEAST_HELD


_UNITS = frozenset(
    """second minute hour day week month year meter metre kilometer kilometre kilogram gram kg km cm
    mm m s ms gb mb kb tb hz khz mhz ghz watt volt degree euro dollar pound percent token layer
    head epoch point step page student people person gpu liter litre ton tonne mile feet foot
    inch knot time bit byte parameter""".split()  # noqa: SIM905
)


def _is_name(text: str, match: re.Match[str], words: Sequence[str]) -> bool:
    """A capital after a full stop is no sign of a name unless more capitals follow."""
    piece = match.group()
    if piece.lower() in {w.lower() for w in words} or piece in _NOT_NAMES or headline(text):
        return False
    starts = match.start() == 0 or text[: match.start()].rstrip().endswith((".", "!", "?", ":"))
    return " " in piece or not starts


def headline(text: str) -> bool:
    """Whether most words have capitals, so that a capital is no sign of a name.

    >>> headline("Twin Study to Control for Genetics"), headline("Drawn by Robert Ames in 1681")
    (True, False)
    """
    words = re.findall(r"[^\W\d_]+", text)
    return len(words) >= 5 and sum(word[0].isupper() for word in words) > 0.6 * len(words)


_NOT_NAMES = frozenset(
    """I The A An It This That These Those We You He She They So But And Now In On At Monday
    Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May June July
    August September October November December OK Okay""".split()  # noqa: SIM905
)
