"""What a viewer of the scripted afternoon would ask, and what is right.

Questions of two steps, plain ones that need no splitting, follow-ups, counts and orders. They
were written from the programme alone, before the agent was asked any of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.worlds.scripted import Programme, Strewn
from bench.worlds.truth import Question

STREWN: tuple[Strewn, ...] = (
    Strewn("blue circle", 37, card="Blue circle"),
    Strewn("tin whistle", 12, (
        "Somewhere behind me a tin whistle can be heard.",
        "There it is again, the tin whistle.",
        "A tin whistle, if I am not mistaken.",
        "And the boy with the tin whistle has come back.",
    )),
    Strewn("marzipan", 23, (
        "Someone just offered me marzipan.",
        "I was told that the marzipan is made by hand.",
        "No, thank you, no more marzipan for me.",
        "You can smell the marzipan from over there.",
        "The marzipan, of course, never runs out.",
    )),
    Strewn("glass harmonica", 7, (
        "Later on somebody will play the glass harmonica.",
        "The glass harmonica is being carried across the square.",
        "They say the glass harmonica is out of tune.",
    )),
    Strewn("stilt walker", 8, (
        "A stilt walker has just bowed to the mayor.",
        "The stilt walker nearly lost his hat.",
        "Look, a stilt walker at the fountain.",
    )),
)  # fmt: skip
"""Phrases that come a known number of times, whatever the length of the programme."""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Two questions of one talk: the second leans on the first."""

    first: str
    then: Question


def _ask(
    name: str, made: Programme, text: str, line: str | None, right: Sequence[str] = (),
    wrong: Sequence[str] = (),
) -> Question:  # fmt: skip
    spans = (made.when(line),) if line else ()
    return Question(name, "two_hop", text, spans, tuple(right), tuple(wrong))


_BRIDGES = (
    ("Where did the captain of the ferry Runa grow up?",
     "Odell grew up in Tarnby, where his mother kept a mill.", r"\btarnby\b", r"\b(?:losk|brenna)\b"),
    ("Where did the conductor of the brass orchestra study?",
     "Mirela Voss studied in Gdansk for six years.", r"\bgdansk\b", r"\b(?:turin|vienna|oslo)\b"),
    ("When does the owner of the bakery on Mill Street get up?",
     "Tomas Ekberg gets up at half past two.", r"half past two", r"\bfive\b|\bfour\b|quarter to"),
    ("Which other building was designed by the architect of the swimming hall?",
     "Ines Calloway also designed the library in Porthen.", r"\blibrary\b", r"\bbus station\b|\bice rink\b"),
    ("What does the keeper of the lighthouse collect?",
     "Hedda Lund collects old barometers.", r"\bbarometers?\b", r"tin soldiers|engines|beetles"),
    ("When was the company founded that cleans the night train?",
     "Lustro was founded in 1987.", r"\b1987\b", r"\b(?:1902|1869|1931)\b"),
    ("How many people work at the nursery that supplies the rose garden?",
     "Fennick employs forty one people.", r"\bforty.one\b|\b41\b", r"three hundred|seventy|sixteen|\b300\b"),
    ("Where did the men who repaired the clock tower learn their trade?",
     "The Abbas brothers learned their trade in Lisbon.", r"\blisbon\b", r"\b(?:murano|ghent|seville)\b"),
    ("How old is the winner of the kite contest?",
     "Pelle Dahl is eleven years old.", r"\beleven\b|\b11\b", r"eighty|nine|fourteen|\b83\b"),
    ("Where is the farm that the cow Bella belongs to?",
     "The Hartog farm lies beside the old canal.", r"\bcanal\b", r"\bquarry\b|\bcastle\b"),
    ("Which instrument does the man who looks after the water wheel of the paper mill play?",
     "Jorun Aske plays the hardanger fiddle.", r"\bfiddle\b", r"bassoon|tuba|zither"),
)  # fmt: skip

_BESIDE = (
    ("What does the card right after GATE B7 say?", "PLATFORM 4", r"platform 4", r"counter|pier"),
    ("Which card comes right before PIER C?", "COUNTER 19", r"counter 19", r"platform|gate"),
    ("What does the screen show right after the card ROW 12?", "BOX 3", r"box 3", r"stage door"),
    ("What is on the screen just before STAGE DOOR?", "CLOAKROOM", r"cloakroom", r"row 12"),
    ("What is said right after the card PLATFORM 4 comes up?",
     "The green carriage will be added at the junction.", r"green carriage", r"umbrellas|luggage"),
    ("What does she say right after the card CLOAKROOM appears?",
     "Coats with fur collars go to the left.", r"fur collars", r"velvet|wig"),
    ("What is said right after the card BOX 3 appears?",
     "The velvet curtain weighs half a ton.", r"velvet curtain", r"fur collars"),
    ("Which card follows after lost umbrellas are mentioned?", "PIER C", r"pier c", r"gate|platform"),
    ("Which card comes right after the one that promises hail on Sunday?", "Monday: clear",
     r"monday", r"detour"),
    ("Which item comes right after the night trains?", "Rose garden", r"rose", r"clock|weather"),
    ("What comes on the programme after the cattle show?", "The paper mill", r"paper mill",
     r"firms|chess"),
)  # fmt: skip

_WHILE = (
    ("What does the screen show when the velvet curtain is mentioned?", "BOX 3", r"box 3", r"row 12"),
    ("Which card is on the screen while the wig maker is mentioned?", "STAGE DOOR", r"stage door",
     r"cloakroom"),
    ("What is written on the screen when she speaks about sour cream?", "Serve cold",
     r"serve cold", r"simmer"),
    ("What does the card say when the polished mirror is mentioned?", "Bring a blanket",
     r"blanket", r"saturn"),
    ("Which card is shown while the nine trombones are mentioned?", "Next concert: 14 August",
     r"14 august", r"brass in the park"),
    ("What does the screen show when the convoy with the turbine blade is announced?",
     "Speed limit 40", r"speed limit", r"detour"),
    ("What is on the screen when the owl watermark is mentioned?", "Built in 1811", r"1811",
     r"\bmurano\b"),
    ("What does the card say when she mentions the bell forged from a tram rail?",
     "31 litres a day", r"31 lit", r"cattle show"),
)  # fmt: skip


def two_hops(made: Programme) -> list[Question]:
    """Thirty questions that need the answer of another one first."""
    rows = [*_BRIDGES, *_BESIDE, *_WHILE]
    return [_ask(f"hop{n:02d}", made, text, line, (right,), (wrong,))
            for n, (text, line, right, wrong) in enumerate(rows, 1)]  # fmt: skip


_PLAIN = (
    ("Who steers the ferry Runa?", "It is Captain Odell who steers the ferry Runa.", "odell"),
    ("What does a ticket for the ferry cost?",
     "A ticket costs twelve kroner, and bicycles travel free of charge.", "twelve|12"),
    ("Who conducts the brass orchestra?", "The brass orchestra is conducted by Mirela Voss.", "voss"),
    ("How many trombones does their loudest piece need?",
     "Their loudest piece needs nine trombones.", r"\bnine\b"),
    ("Who owns the bakery on Mill Street?", "The bakery on Mill Street belongs to Tomas Ekberg.",
     "ekberg"),
    ("How was the stone oven carried here?", "The stone oven was carried here on a hay cart.",
     "hay cart"),
    ("Who designed the swimming hall?", "The swimming hall was designed by Ines Calloway.", "calloway"),
    ("How deep is the deepest pool?", "The deepest pool goes down five metres.", "five|5"),
    ("How many steps lead up to the lamp of the lighthouse?",
     "Two hundred and eleven steps lead up to the lamp.", "eleven|211"),
    ("Who keeps the lighthouse?", "The lighthouse is kept by Hedda Lund.", "lund"),
    ("How long are lost umbrellas kept?", "Lost umbrellas are kept for ninety days.", "ninety|90"),
    ("What does Hedda Lund collect?", "Hedda Lund collects old barometers.", "barometer"),
    ("How old is Pelle Dahl?", "Pelle Dahl is eleven years old.", "eleven|11"),
    ("Where did Mirela Voss study?", "Mirela Voss studied in Gdansk for six years.", "gdansk"),
    ("When does the night train leave?", "Departure 22:40", "22.40"),
    ("Which company cleans the night train?",
     "The night train is cleaned by a company called Lustro.", "lustro"),
    ("When was Lustro founded?", "Lustro was founded in 1987.", "1987"),
    ("How many kinds of roses grow in the rose garden?",
     "The rose garden has four hundred and six kinds of roses.", "four hundred|406"),
    ("What may come on Sunday above the hills?", "On Sunday there may be hail above the hills.",
     "hail"),
    ("How long had the clock tower been silent?",
     "The clock tower had been silent for nineteen years.", "nineteen|19"),
    ("What was the winning kite painted like?", "The winning kite was painted like a heron.", "heron"),
    ("How heavy is the velvet curtain?", "The velvet curtain weighs half a ton.", "half a ton"),
    ("What is the watermark of the paper?", "Every sheet carries an owl as its watermark.", "owl"),
    ("Where does the chess club meet?",
     "The chess club meets under the stairs of the cafe Orient.", "stairs|orient"),
    ("When does the observatory open its dome?",
     "The observatory on the hill opens its dome on Fridays.", "friday"),
    ("How long should the plum soup simmer?", "Let it simmer for twenty five minutes.",
     "twenty.five|25"),
    ("What do you need for the plum soup?",
     "For the plum soup you need two pounds of plums and a stick of cinnamon.", "cinnamon"),
    ("Until when is the bridge at Sandvik closed?", "The bridge at Sandvik is closed until Thursday.",
     "thursday"),
    ("Where did the glass blowers learn their trade?",
     "The glass blowers learned their trade in Murano.", "murano"),
    ("Who made the silver anchor above the door?",
     "The silver anchor above the door was made by an apprentice.", "apprentice"),
)  # fmt: skip


def plain(made: Programme) -> list[Question]:
    """Thirty questions that one place in the programme answers."""
    return [_ask(f"plain{n:02d}", made, text, line, (right,))
            for n, (text, line, right) in enumerate(_PLAIN, 1)]  # fmt: skip


_FOLLOW = (
    ("Who steers the ferry Runa?", "Where did he grow up?",
     "Odell grew up in Tarnby, where his mother kept a mill.", r"\btarnby\b", r"\b(?:losk|brenna)\b"),
    ("Who conducts the brass orchestra?", "Where did she study?",
     "Mirela Voss studied in Gdansk for six years.", r"\bgdansk\b", r"\b(?:turin|vienna|oslo)\b"),
    ("Who owns the bakery on Mill Street?", "And when does he get up?",
     "Tomas Ekberg gets up at half past two.", r"half past two", r"\bfive\b|\bfour\b|quarter to"),
    ("Who designed the swimming hall?", "What else did she design?",
     "Ines Calloway also designed the library in Porthen.", r"\blibrary\b", r"\bbus station\b|\bice rink\b"),
    ("Who keeps the lighthouse?", "What does she collect?",
     "Hedda Lund collects old barometers.", r"\bbarometers?\b", r"tin soldiers|engines|beetles"),
    ("Which company cleans the night train?", "When was it founded?",
     "Lustro was founded in 1987.", r"\b1987\b", r"\b(?:1902|1869|1931)\b"),
    ("Where do the plants for the rose garden come from?", "How many people does it employ?",
     "Fennick employs forty one people.", r"\bforty.one\b|\b41\b", r"three hundred|seventy|sixteen"),
    ("Who repaired the clock tower?", "Where did they learn their trade?",
     "The Abbas brothers learned their trade in Lisbon.", r"\blisbon\b", r"\b(?:murano|ghent|seville)\b"),
    ("Who won the kite contest?", "How old is he?",
     "Pelle Dahl is eleven years old.", r"\beleven\b|\b11\b", r"eighty|nine|fourteen"),
    ("Which farm does the cow Bella belong to?", "Where is it?",
     "The Hartog farm lies beside the old canal.", r"\bcanal\b", r"\bquarry\b|\bcastle\b"),
    ("When does the card GATE B7 appear?", "And what is said right after it?",
     "Passengers for the islands, please keep your luggage with you.", r"luggage", r"carriage"),
    ("When is the velvet curtain mentioned?", "What does the screen show then?",
     "BOX 3", r"box 3", r"row 12"),
    ("When does the card PLATFORM 4 come up?", "And which card comes right after it?",
     "COUNTER 19", r"counter 19", r"gate b7|pier"),
    ("When does the card STAGE DOOR appear?", "What was on the screen just before that?",
     "CLOAKROOM", r"cloakroom", r"row 12"),
    ("When is the owl watermark mentioned?", "What was on the screen then?",
     "Built in 1811", r"1811", r"\bmurano\b"),
    ("What must be cast anew for the clock tower?", "How long had it been silent?",
     "The clock tower had been silent for nineteen years.", r"nineteen|19 years", r"three weeks"),
    ("When does the card Serve cold appear?", "And what does she say right after that?",
     "A spoon of sour cream goes on top.", r"sour cream", r"cinnamon"),
    ("Who looks after the water wheel of the paper mill?", "Which instrument does he play?",
     "Jorun Aske plays the hardanger fiddle.", r"fiddle", r"bassoon|tuba|zither"),
    ("When are lost umbrellas mentioned?", "Which card is shown after that?",
     "PIER C", r"pier c", r"gate|platform"),
    ("When is the convoy with the turbine blade announced?", "What did the screen show at that moment?",
     "Speed limit 40", r"speed limit", r"detour"),
)  # fmt: skip


def follow_ups(made: Programme) -> list[FollowUp]:
    """Twenty talks of two questions; the second is right only with the first in mind."""
    return [
        FollowUp(first, _ask(f"follow{n:02d}", made, then, line, (right,), (wrong,)))
        for n, (first, then, line, right, wrong) in enumerate(_FOLLOW, 1)
    ]


_COUNTED = {
    "blue circle": ("How many times did the blue circle appear?",
                    "How often is the blue circle shown on the screen?"),
    "tin whistle": ("How many times is a tin whistle mentioned?",
                    "How often does the speaker mention the tin whistle?"),
    "marzipan": ("How many times does she mention marzipan?", "How often is marzipan mentioned?"),
    "glass harmonica": ("How many times is the glass harmonica mentioned?",
                        "How often does she talk about the glass harmonica?"),
    "stilt walker": ("How many times is a stilt walker mentioned?",
                     "How often does a stilt walker come up?"),
}  # fmt: skip


def counts(made: Programme) -> list[Question]:
    """How often something is mentioned or shown: two ways of asking for each phrase."""
    found: list[Question] = []
    for phrase, texts in _COUNTED.items():
        spans = tuple(made.strewn.get(phrase, ()))
        for text in texts:
            name = f"count{len(found) + 1:02d}"
            found.append(Question(name, "how_many", text, spans, value=float(len(spans))))
    return found


_EXTREMES = (
    ("first", "When is the glass harmonica mentioned for the first time?", "glass harmonica"),
    ("last", "When is the glass harmonica mentioned for the last time?", "glass harmonica"),
    ("first", "When does she first mention the tin whistle?", "tin whistle"),
    ("last", "When is marzipan mentioned for the last time?", "marzipan"),
    ("last", "When did the blue circle appear for the last time?", "blue circle"),
    ("third", "When is a stilt walker mentioned for the third time?", "stilt walker"),
)
_PAIRS = (
    ("the rose garden", "the clock tower", "rose", "clock"),
    ("the swimming hall", "the paper mill", "swimming", "paper mill"),
    ("the plum soup", "the observatory", "observatory", "plum soup"),
    ("the cow Bella", "the kite contest", "kite", "bella"),
    ("the turbine blade", "the brass orchestra", "brass", "turbine"),
    ("the chess club", "the night train", "night train", "chess"),
)


def orders(made: Programme) -> list[Question]:
    """First and last of many, and which of two came first."""
    found: list[Question] = []
    for which, text, phrase in _EXTREMES:
        spans = sorted(made.strewn[phrase])
        span = spans[{"first": 0, "last": -1, "third": 2}[which]]
        found.append(Question(f"order{len(found) + 1:02d}", "first_last", text, (span,)))
    for one, other, right, wrong in _PAIRS:
        text = f"Which is mentioned first, {one} or {other}?"
        name = f"order{len(found) + 1:02d}"
        found.append(Question(name, "order", text, right=(right,), wrong=(wrong,)))
    return found


def absent() -> list[Question]:
    """What a viewer might ask that is nowhere in the programme."""
    texts = (
        "What does the harp maker charge for a repair?", "When does the planetarium close?",
        "Who trains the sled dogs?", "How tall is the radio mast on the moor?",
        "What is the name of the submarine?", "Which card comes right after GATE Z9?",
        "Where did the conductor of the mandolin orchestra study?", "How old is the goalkeeper?",
    )  # fmt: skip
    return [Question(f"absent{n}", "absent", text) for n, text in enumerate(texts, 1)]
