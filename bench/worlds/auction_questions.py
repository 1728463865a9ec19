"""Questions about the auction world, with their gold spans, made from its timetable.

Half of them use other words than the film. `two_hop` questions need the answer of one place to
find another; `count` counts what happens, `state` asks how things stood, `between` what or how
much time lies between two events. Of those about nothing in the film, the first twelve are near
misses; `ABSENT` gives with each the words that would have to be there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bench.worlds.auction_script import BUYERS, VAN
from bench.worlds.evening import RUNG, Evening
from bench.worlds.timetable import Times
from bench.worlds.truth import Question, count_patterns, lasting, numbered

Patterns = tuple[str, ...]
Spans = tuple[Times, ...]

ABSENT: tuple[tuple[str, Patterns], ...] = (
    ("How old is Walter, the roofer?", (r"\byears old", r"\bborn\b", r"\bbirthday")),
    ("Which workshop built the guitar?", (r"\bbuilt\b", r"\bmaker\b", r"\bfactory", r"\bbrand\b")),
    ("What is the name of the man who painted the light house?", (r"\bsigned\b", r"\bcalled\b")),
    ("What is written on the number plate of the grey van?", (r"\bplate", r"\bregistration")),
    ("Who baked the scones for the break?", (r"\bbak(ed|es|ing)\b",)),
    ("What was the husband of the lady with the lamp called?", (r"\bhis name", r"\bcalled\b")),
    ("How many gears does the bike have?", (r"\bgears?\b", r"\bspeeds\b")),
    ("From which country did the bidder on the telephone ring?", (r"\bcountry", r"\babroad")),
    ("How much had the waffle iron cost?", (r"\bwatt", r"\bwaffle iron (cost|was bought)")),
    ("Which wine is served with the dinner for six?", (r"\bwine", r"\bbottle")),
    ("Which company is going to deliver the new roof?", (r"\bcompany", r"\bdeliver", r"\bfirm\b")),
    ("Against whom did the young Rovers play their final?", (r"\bagainst\b", r"\bopponent")),
    ("When does the mayor give a speech?", (r"\bmayor",)),
    ("What is said about the swimming pool?", (r"\bswim", r"\bpool\b")),
    ("When can an elephant be seen?", (r"\belephant",)),
    ("Who plays the trumpet?", (r"\btrumpet",)),
    ("What temperature is forecast for tomorrow?", (r"\btemperature", r"\bdegrees", r"\bforecast")),
    ("On which sheet is the password for the internet?", (r"\bpassword", r"\binternet")),
    ("How did the police find the stolen paintings?", (r"\bpolice",)),
    ("What did the dog at the door want?", (r"\bbark", r"\bdoor bell")),
)
NEAR = 12
"""So many of `ABSENT` have their subject in the film."""

_COLOURS = ("red", "green", "yellow", "purple", "orange", "blue", "pink", "white", "black")
_ONES = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
         "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen",
         "eighteen", "nineteen")  # fmt: skip
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def ask_about(evening: Evening) -> tuple[Question, ...]:
    """Return the questions of an evening; those about nothing last."""
    makers: dict[str, Callable[[Evening], Iterator[Question]]] = {
        "speech": _speech,
        "screen": _screen,
        "sight": _sight,
        "order": _order,
        "first_last": _first_last,
        "how_long": _how_long,
        "two_hop": _two_hop,
        "count": _count,
        "state": _state,
        "between": _between,
        "absent": lambda _evening: (ask(text) for text, _ in ABSENT),
    }
    return numbered(makers, evening)


def ask(text: str, spans: Spans = (), right: Patterns = (), wrong: Patterns = ()) -> Question:
    """Return a question whose id and kind are given later."""
    return Question("", "", text, spans, right, wrong)


def number(*values: int) -> Patterns:
    """Return patterns for numbers below a million, in digits or in words.

    >>> number(57)
    ('(?<![\\\\d:.,])57(?![\\\\d:]|[.,]\\\\d)', '\\\\bfifty.seven\\\\b')
    """
    found: list[str] = []
    for value in values:
        digits = f"{value:,}".replace(",", "[,. ]?")
        found.append(rf"(?<![\d:.,]){digits}(?![\d:]|[.,]\d)")
        if value < 1000:
            found.append(rf"\b{_words(value)}\b")
    return tuple(found)


def _words(value: int) -> str:
    if value >= 100:
        rest = _words(value % 100)
        return f"{_ONES[value // 100]} hundred" + (f"( and)? {rest}" if rest else "")
    if value < 20:
        return _ONES[value]
    return _TENS[value // 10] + (f".{_ONES[value % 10]}" if value % 10 else "")


def colour(name: str) -> tuple[Patterns, Patterns]:
    """Return patterns for a colour and for all others."""
    others = tuple(rf"\b{one}\b" for one in _COLOURS if one != name)
    return (rf"\b{name}\b",), others


def said(evening: Evening, words: str) -> Spans:
    """Return where the one sentence with these words is said."""
    found = [text for text in evening.said if words in text]
    if len(found) != 1:
        raise ValueError(f"{words!r} is in {len(found)} sentences, not in one")
    return tuple(evening.said[found[0]])


def cards(evening: Evening, key: str) -> Spans:
    """Return when a lot's card is on the screen."""
    return tuple(evening.lots[key].cards)


def view(evening: Evening, key: str) -> Spans:
    """Return when a lot is on camera."""
    span = evening.lots[key].view
    return (span,) if span else ()


def shown(evening: Evening, title: str) -> Spans:
    """Return when a sheet is on the screen."""
    return (evening.shown[title, title],)


def scene(evening: Evening, name: str) -> Spans:
    """Return when the camera looks elsewhere at this."""
    return tuple(span for one, span in evening.scenes if one == name)


def end(evening: Evening, key: str) -> Spans:
    """Return when a lot is sold, or given up, and its card says so."""
    times = evening.lots[key]
    return ((times.end[0], times.span[1]),)


def buyers(but: int) -> Patterns:
    """Return patterns for all names on the board except that of one paddle."""
    return tuple(rf"\b{name.casefold()}" for paddle, (name, _) in BUYERS.items() if paddle != but)


def gap(text: str, first: Times, second: Times) -> Question:
    """Return a question for the time from one event to another, right within 15 % or 10 s."""
    length = second[0] - first[1]
    return Question("", "", text, (first, second), value=round(length, 2),
                    tolerance=round(max(10.0, 0.15 * length), 2))  # fmt: skip


def _speech(evening: Evening) -> Iterator[Question]:
    def heard(text: str, words: str, right: Patterns, wrong: Patterns = ()) -> Question:
        return ask(text, said(evening, words), right, wrong)

    yield heard("Who came across the missing lid of the kettle?", "The lid was lost", (r"\bdiver",))
    yield heard("Who mended the teapot so well that nothing can be seen?", "The spout was",
                (r"\bdentist",))  # fmt: skip
    yield heard("In what place did the wall clock use to be?", "It hung in the station",
                (r"alder", r"\bstation"))  # fmt: skip
    yield heard("Why did nobody ever listen to one of the discs in the box?", "never played",
                (r"\bangry", r"\bsinger"))  # fmt: skip
    yield heard("How many ladies worked on the blanket made of patches?", "Nine women",
                (r"\bnine\b", r"\b9\b"))  # fmt: skip
    yield heard("What overloaded the electricity?", "waffle iron", (r"\bwaffle",))
    yield heard("What was the artist short of money for, so that he left his picture instead?",
                "could not pay for a room", (r"\broom\b", r"\binn\b", r"\brent"))  # fmt: skip
    yield heard("How heavy is the thing that the pupils grew?", "It weighs nineteen", number(19))
    yield heard("Besides the players, whose writing is on the football?", "The whole team",
                (r"\bdriver",))  # fmt: skip


def _screen(evening: Evening) -> Iterator[Question]:
    yield ask("Until what time must people have paid?", shown(evening, "Rules of the evening"),
              (r"21[:.]30", r"half past nine", r"9[:.]30"))  # fmt: skip
    yield ask("From which year is the record that is in the worst shape?",
              shown(evening, "Some of the records"), number(1961), number(1974, 1968))  # fmt: skip
    yield ask("How much tea fits into the pot?", cards(evening, "teapot"), (r"1[.,]2",))
    yield ask("What do they ask for a scone in the break?", shown(evening, "Tea break"),
              number(4), number(2, 5))  # fmt: skip
    yield ask("Which sweet thing ends the meal that was auctioned last?",
              shown(evening, "The menu"), (r"\bplum",), (r"\btrout", r"\bbeetroot"))  # fmt: skip
    yield ask("In which year was the oil painting made?", cards(evening, "painting"), number(1958))
    yield ask("When does the boat club have its next meeting?", shown(evening, "Thank you"),
              (r"\b6(th)? (of )?may", r"\bmay (the )?(6|sixth)", r"sixth of may"))  # fmt: skip
    yield ask("For how many persons is the day on the boat meant?", cards(evening, "sailing"),
              number(4))  # fmt: skip


def _sight(evening: Evening) -> Iterator[Question]:
    yield ask("What colour is the teapot?", view(evening, "teapot"), *colour("blue"))
    yield ask("What colour is the shade of the lamp?", view(evening, "lamp"), *colour("pink"))
    yield ask("What colour was the vase before the accident?", view(evening, "vase"),
              *colour("green"))  # fmt: skip
    yield ask("When does the film cut away to a hot-air balloon?", scene(evening, "balloon"))
    yield ask("At which point do we see something round with cheese and slices of sausage on it?",
              scene(evening, "pizza"))  # fmt: skip
    yield ask("When is there a close-up of a small insect with dots on its back?",
              scene(evening, "ladybird"))  # fmt: skip
    yield ask("When is a big yellow vehicle for children in the picture?",
              scene(evening, "school bus"))  # fmt: skip


def _order(evening: Evening) -> Iterator[Question]:
    lots = evening.lots
    yield ask("Which thing was offered right after the kettle?", (lots["teapot"].span,),
              (r"\btea.?pot",), (r"\bclock", r"\bumbrella"))  # fmt: skip
    yield ask("What came under the hammer earlier, the bike or the ball?",
              (lots["football"].span, lots["bicycle"].span), (r"\b(foot.?)?ball\b",),
              (r"\bbike", r"\bbicycle"))  # fmt: skip
    yield ask("Did they draw the raffle before or after the tea?",
              (evening.parts["raffle"], evening.parts["tea"]), (r"\bafter\b",),
              (r"\bbefore\b",))  # fmt: skip
    yield ask("What was the first thing that found a buyer once people were back from their tea?",
              end(evening, "umbrella again"), (r"\bumbrella",), (r"\bvase", r"\blamp"))  # fmt: skip


def _first_last(evening: Evening) -> Iterator[Question]:
    yield ask("When is the badly parked van first complained about?", said(evening, VAN[0][1]))
    yield ask("When does the bell ring for the last time?", (evening.said[RUNG][-1],))
    yield ask("What was the very last thing to be auctioned?", (evening.lots["dinner"].span,),
              (r"\bdinner", r"\bmeal"), (r"\bbicycle", r"\bfootball", r"\bguitar"))  # fmt: skip


def _how_long(evening: Evening) -> Iterator[Question]:
    yield lasting("How long did they stop for tea?", evening.parts["tea"])
    yield lasting("For how long was there no light?", evening.dark)
    yield lasting("How much time did Olga need for the drawing of the raffle?",
                  evening.parts["raffle"])  # fmt: skip


def _two_hop(evening: Evening) -> Iterator[Question]:
    lots = evening.lots
    yield ask("How much was bid in the end for the thing that the widow brought?",
              end(evening, "lamp"), number(57), number(35, 40, 45, 50, 210))  # fmt: skip
    yield ask("What is the name of the person who may go to sea with the captain?",
              shown(evening, "Paddles, page 1"), (r"\bivy", r"\blambert"), buyers(12))  # fmt: skip
    yield ask("At which table do the people sit who got the painting of the light house?",
              shown(evening, "Paddles, page 1"), (r"\blily",), (r"\brose\b", r"\boak\b"))  # fmt: skip
    yield ask("Who carried the old records home?", shown(evening, "Paddles, page 2"),
              (r"\bpaula", r"\bquist"), buyers(85))  # fmt: skip
    yield ask("What happened to the gift of the woman who bought the records?",
              (lots["vase"].end, lots["vase"].span),
              (r"\bpieces", r"\bbr[oe]ke?", r"\bslipped", r"\bshatter", r"\bsmash"))  # fmt: skip
    yield ask("What colour is the card that is shown directly after the pumpkin's?",
              cards(evening, "football"), *colour("red"))  # fmt: skip
    yield ask("Where must the new owner of the lamp go to fetch it?",
              shown(evening, "Where to collect"), (r"\bstage",),
              (r"\bkitchen", r"\bside gate"))  # fmt: skip
    yield ask("What did the lady who gave away her lamp do for a living?",
              said(evening, "I am the widow"), (r"\bteach",))  # fmt: skip
    yield ask("What colour is the vehicle that Felix Arden takes home?",
              view(evening, "bicycle"), *colour("red"))  # fmt: skip
    yield ask("What did the holder of the third ticket that was drawn win?",
              shown(evening, "Raffle"), (r"\bgarden chair", r"\bchair"),
              (r"\bcheese", r"\bcinema", r"\bcoins"))  # fmt: skip
    yield ask("Who had donated the most expensive thing of the evening?",
              cards(evening, "painting"), (r"\blibrary",), (r"\bmoss\b", r"\bhotel"))  # fmt: skip
    yield ask("Whose gift was being sold when the power failed?", cards(evening, "guitar"),
              (r"\blow.?tide", r"\bband\b"), (r"\bmoss\b", r"\bhotel"))  # fmt: skip


def _count(evening: Evening) -> Iterator[Question]:
    def counted(text: str, spans: Spans) -> Question:
        return ask(text, spans, *count_patterns(len(spans)))

    lots = evening.lots
    yield counted("How many times did the bell ring?", tuple(evening.said[RUNG]))
    yield counted("How many things did the caller on the telephone get?",
                  tuple(lots[key].end for key in ("clock", "quilt")))  # fmt: skip
    yield counted("How many lots went to the firemen?",
                  tuple(lots[key].end for key in ("kettle", "umbrella again", "football")))  # fmt: skip
    yield counted("How many bids were made for the guitar, all in all?", tuple(lots["guitar"].bids))
    yield counted("How often were people asked about the grey van?",
                  tuple(span for _, text in VAN for span in evening.said[text]))  # fmt: skip
    draws = (" first ticket is 318", "ticket 77", "ticket 204", "ticket 451")
    yield counted("How many winning tickets were pulled out of the box?",
                  tuple(said(evening, words)[0] for words in draws))  # fmt: skip


def _state(evening: Evening) -> Iterator[Question]:
    guitar, boards = evening.lots["guitar"], evening.boards
    yield ask("What had the price of the guitar reached when it went dark?",
              (guitar.bids[3], evening.dark), number(130), number(120, 140, 160))  # fmt: skip
    yield ask("To what was the estimate for the clock changed?", said(evening, "I must correct"),
              (r"90 (to|-|–|and) 110", r"ninety (to|and) (one|a) hundred( and)? ten", r"\b110\b"),
              (r"60 (to|-|–|and) 80",))  # fmt: skip
    fund = {key: next((sum_, span) for sum_, span in boards if span[1] > after)
            for key, after in (("tea", evening.parts["tea"][0] - 20), ("end", boards[-1][1][0]))}  # fmt: skip
    others = tuple(sum_ for sum_, _ in boards)
    for key, text in (("tea", "How much money was in the fund when everybody went for tea?"),
                      ("end", "At what sum did the roof fund stand in the end?")):  # fmt: skip
        total, span = fund[key]
        wrong = number(*(one for one in others if one != total), 3000)
        yield ask(text, (span,), number(total), wrong)


def _between(evening: Evening) -> Iterator[Question]:
    lots = evening.lots
    yield gap("How much time passed between the sale of the guitar and that of the day at sea?",
              lots["guitar"].end, lots["sailing"].end)  # fmt: skip
    first, second = said(evening, VAN[0][1])[0], said(evening, VAN[2][1])[0]
    yield gap("How many minutes lie between the first and the last word about the van?",
              first, second)  # fmt: skip
    yield ask("What was auctioned between the painting and the ball?", (lots["pumpkin"].span,),
              (r"\bpumpkin",), (r"\bbicycle", r"\bhour.?glass"))  # fmt: skip
    yield ask("For which thing did nobody raise a hand, between the clock and the records?",
              (lots["umbrella"].span,), (r"\bumbrella",), (r"\bguitar", r"\btea.?pot"))  # fmt: skip
