"""Questions about the seminar world, with their gold spans, made from its timetable.

About half of the questions use other words than the film. Half of those about nothing in it are
near misses: their subject is there, what they ask about it never is; `ABSENT` gives with each the
words that would have to be in the film.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bench.worlds.programme import Ask, Day, Section
from bench.worlds.timetable import Times
from bench.worlds.truth import Question, count_patterns, lasting, numbered

SIGHT = {
    "lighthouse": "When is a lighthouse in the picture?",
    "pizza": "When do we see a pizza?",
    "football": "At what point does the camera film a black and white ball on the grass?",
    "school bus": "When is a yellow bus visible?",
    "candle": "When does a candle burn on screen?",
    "pumpkin": "When is the carved pumpkin with a face shown?",
    "ladybird": "When can a red beetle with black dots be seen?",
    "parachute": "When does somebody float down under a parachute?",
}
"""The piano's keys are filmed too, and a piano is talked about elsewhere; it is not asked about."""

NEXT = (
    ("What comes directly after the choir rehearsal?", 7),
    ("Which part of the day follows the cooking class?", 3),
)
EARLIER = (
    ("Which came first, the auction or the rowing race?", 16, 17),
    ("Which happens earlier, the first aid course or the museum tour?", 5, 10),
)
BEFORE_AFTER = (
    ("Is the weather briefing before or after the sales review?", 12, 11),
    ("Did the bicycle workshop take place before or after the school board?", 6, 15),
)
MENTIONS = (
    ("blue folder", "When is the blue folder mentioned for the first time?",
     "When is the blue folder mentioned for the last time?"),
    ("caretaker", "When does anybody first speak of the caretaker?",
     "When do they talk about the caretaker for the last time?"),
)  # fmt: skip

ABSENT: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Who scored the opening goal of the cup match?", (r"\bscored by", r"\bscorer", r"\bstriker")),
    ("Who built the bandstand?", (r"\bbuil(t|d|der|ders)\b", r"\barchitect")),
    (
        "What is the name of the hotel that is the best customer?",
        (r"\bhotel (called|named)", r"\binn\b"),
    ),
    ("When does the ferry arrive at the island?", (r"\barriv", r"\bland(s|ed)?\b")),
    ("What is the salary for the open position?", (r"\bsalar", r"\bwage", r"\bpaid\b")),
    ("How old is the aunt with the soup?", (r"\bold age", r"\byears old", r"\bborn\b")),
    ("How much did the server room's repair cost?", (r"\brepair", r"\binvoice")),
    ("Which opera house did Thomas study at?", (r"\bstud(y|ied|ies)\b",)),
    ("What is the password of the guest wireless network?", (r"\bpassword", r"\bwireless")),
    ("Which wine goes well with the duck?", (r"\bwine", r"\bduck")),
    ("When does a helicopter land?", (r"\bhelicopter",)),
    ("Who explains the rules of cricket?", (r"\bcricket",)),
    ("What is said about solar panels on the roof?", (r"\bsolar", r"\broof")),
    ("On which slide is the map of Portugal?", (r"\bmap\b", r"\bportugal")),
    ("How is the wedding cake decorated?", (r"\bwedding", r"\bcake")),
)


def ask_about(day: Day) -> tuple[Question, ...]:
    """Return the questions of a day; those about nothing last."""
    makers: dict[str, Callable[[Day], Iterator[Question]]] = {
        "speech": _speech,
        "screen": _screen,
        "sight": _sight,
        "order": _order,
        "first_last": _first_last,
        "how_long": _how_long,
        "how_many": _how_many,
        "absent": _absent,
    }
    return numbered(makers, day)


def _ask(ask: Ask, spans: tuple[Times, ...]) -> Question:
    return Question("", "", ask.text, spans, ask.right, ask.wrong)


def _speech(day: Day) -> Iterator[Question]:
    for section, _ in day.sections:
        for ask in section.heard:
            sentence = the_one(ask, section.said)
            yield _ask(ask, tuple(day.said[sentence]))


def _screen(day: Day) -> Iterator[Question]:
    for section, _ in day.sections:
        for ask in section.seen:
            lines = {line: card.title for card in section.cards for line in card.lines}
            line = the_one(ask, tuple(lines))
            yield _ask(ask, (day.shown[lines[line], line],))


def the_one(ask: Ask, texts: tuple[str, ...]) -> str:
    """Return the one text that holds what is asked."""
    found = [text for text in texts if ask.where in text]
    if len(found) != 1:
        raise ValueError(f"{ask.where!r} is in {len(found)} texts, not in one")
    return found[0]


def _sight(day: Day) -> Iterator[Question]:
    for name, text in SIGHT.items():
        spans = tuple(span for shown, span in day.scenes if shown == name)
        if spans:
            yield Question("", "", text, spans)


def _order(day: Day) -> Iterator[Question]:
    """Ask what follows, what is earlier, and before or after; only of sections that are there."""
    parts = day.sections
    for text, index in NEXT:
        if index + 1 < len(parts):
            wrong = _patterns(parts, index, index + 1)
            yield Question("", "", text, (parts[index + 1][1],), (parts[index + 1][0].pattern,),
                           wrong)  # fmt: skip
    for text, first, other in EARLIER:
        if other < len(parts):
            yield Question("", "", text, (parts[first][1], parts[other][1]),
                           (parts[first][0].pattern,), (parts[other][0].pattern,))  # fmt: skip
    for text, subject, other in BEFORE_AFTER:
        if max(subject, other) < len(parts):
            words = (r"\bbefore\b", r"\bafter\b")
            right, wrong_word = words if subject < other else words[::-1]
            yield Question("", "", text, (parts[subject][1], parts[other][1]), (right,),
                           (wrong_word,))  # fmt: skip


def _patterns(parts: list[tuple[Section, Times]], *without: int) -> tuple[str, ...]:
    return tuple(part.pattern for i, (part, _) in enumerate(parts) if i not in without)


def mentions(day: Day, words: str) -> list[Times]:
    """Return where sentences with these words are said, in time order."""
    return sorted(span for text, spans in day.said.items() if words in text for span in spans)


def _first_last(day: Day) -> Iterator[Question]:
    for words, first, last in MENTIONS:
        times = mentions(day, words)
        if len(times) >= 2:
            yield Question("", "", first, (times[0],))
            yield Question("", "", last, (times[-1],))


def _how_long(day: Day) -> Iterator[Question]:
    for title, text in (("Lunch", "How long is the break for lunch?"),
                        ("Coffee break", "How much time is there for coffee?")):  # fmt: skip
        if title in day.pauses:
            yield lasting(text, day.pauses[title])
    for section, span in day.sections:
        if section.name == "the cooking class":
            yield lasting("How much time does the cooking class take?", span)
    if ("Bus lines", "Bus lines") in day.shown:
        yield lasting("For how long is the table of the bus lines on the screen?",
                      day.shown["Bus lines", "Bus lines"])  # fmt: skip


def _how_many(day: Day) -> Iterator[Question]:
    times = mentions(day, "caretaker")
    if len(times) >= 2:
        right, wrong = count_patterns(len(times))
        yield Question("", "", "How many times is the caretaker mentioned?", tuple(times), right,
                       wrong)  # fmt: skip
    if len(day.breaks) >= 2:
        right, wrong = count_patterns(len(day.breaks))
        yield Question("", "", "How many breaks are there during the day?", tuple(day.breaks),
                       right, wrong)  # fmt: skip


def _absent(day: Day) -> Iterator[Question]:
    for text, _ in ABSENT:
        yield Question("", "", text)
