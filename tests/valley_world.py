"""A market day in a valley that was never filmed, for two-step questions of six shapes.

People are named once, by what they do and in another word than the question's; what is asked about
them stands far away, beside the same fact about somebody else. Cards are up for half a minute with
a sentence each.
"""

from __future__ import annotations

from tests.worlds import Section

PEOPLE = (
    "The sawmill is run by Elin Forss.",
    "It is Birger Holm who steers the mail boat.",
    "The accordion club rehearses on Mondays, and Sanna Reik conducts it.",
    "For forty years Otto Brenk has kept the weather station.",
    "The cheese shop at the bridge belongs to Lovisa Tamm.",
    "The wooden church was designed by Matti Oravisto.",
    "The pony Flicka belongs to the Gyllen farm.",
    "The tents were lent by a firm called Skarvik.",
    "Kerstin Aho won the log rolling.",
    "Two students, Nils Varga and his sister, repaired the old cinema organ.",
    "The puppet theatre is led by Rasmus Ek.",
    "Birger Holm is married to Agda Stenport.",
    "The honey stall is looked after by Yrsa Quill.",
    "The potter Hilma Dorn grew up in Vassele.",
    "The first ski lift was built in Orrnes.",
    "Tove Lind bought the red tractor at the auction.",
)
FACTS = (
    ("Elin Forss studied forestry in Umestad.", "The vicar studied theology in Lundby."),
    ("Birger Holm gets up at a quarter to four.", "The postman gets up at six."),
    ("Sanna Reik plays chess against herself.", "The teacher plays bridge."),
    ("Otto Brenk collects thermometers.", "The dentist collects stamps."),
    ("Lovisa Tamm was born in Kiruvaara.", "The mayor was born in Mora."),
    ("Matti Oravisto also drew the fire station.", "The engineer also drew the dam."),
    ("The Gyllen farm lies behind the quarry.", "The Ask farm lies below the castle."),
    ("Skarvik was founded in 1951.", "The bank was founded in 1903."),
    ("Kerstin Aho is fifty two years old.", "The oldest judge is eighty years old."),
    ("Nils Varga trained in Bergen.", "The plumber trained in Hamburg."),
    ("Rasmus Ek sleeps in a caravan.", "The clown sleeps in a tent."),
    ("Agda Stenport works at the telegraph office.", "The nurse works at the hospital."),
    ("Yrsa Quill sings bass.", "The baker sings tenor."),
    ("The river Ljusa flows through Vassele.", "The river Indra flows through Mora."),
    ("Orrnes has nine hundred inhabitants.", "Mora has eleven thousand inhabitants."),
    ("Tove Lind lives above the pharmacy.", "The sexton lives beside the graveyard."),
)
CARDS = (
    ("STALL 4", "Rye bread is sold out until noon."),
    ("LOST CHILD", "A boy in yellow boots waits at the fountain."),
    ("TOMBOLA", "Every second ticket wins a jar of jam."),
    ("GATE K2", "Bicycles must be pushed here."),
    ("Storm on Friday", "Tie down the roofs of the stalls."),
    ("LAST BUS 23:10", "The driver does not wait."),
)


def people() -> Section:
    said = tuple((6.0 + 15 * n, line) for n, line in enumerate(PEOPLE))
    return Section("People of the valley", ("People of the valley",), said, seconds=270.0)


def facts() -> Section:
    said = tuple(
        (6.0 + 10 * n, line) for n, line in enumerate(one for pair in FACTS for one in pair)
    )
    return Section("Small portraits", ("Small portraits",), said, seconds=350.0)


def cards() -> list[Section]:
    return [Section(title, (title,), ((4.0, line),), seconds=30.0) for title, line in CARDS]


VALLEY = (
    Section("Opening", ("Market day",), ((5, "The market is open."),)),
    people(), *cards(),
    Section("Pause", ("Pause",), ((5, "We take a rest."),), seconds=120.0),
    facts(),
)  # fmt: skip

ASKED: list[tuple[str, str, str]] = [
    ("role", "Where did the manager of the sawmill study?", "Umestad"),
    ("role", "When does the captain of the mail boat get up?", "quarter to four"),
    ("role", "What does the conductor of the accordion club play against herself?", "chess"),
    ("role", "What does the keeper of the weather station collect?", "thermometers"),
    ("role", "Where was the owner of the cheese shop born?", "Kiruvaara"),
    ("role", "Which other building was drawn by the architect of the wooden church?", "fire station"),
    ("clause", "Where is the farm that the pony Flicka belongs to?", "quarry"),
    ("clause", "When was the firm founded that lent the tents?", "1951"),
    ("clause", "How old is the woman who won the log rolling?", "fifty two"),
    ("clause", "Where did the students who repaired the cinema organ train?", "Bergen"),
    ("charge", "Where does the man behind the puppet theatre sleep?", "caravan"),
    ("charge", "What does whoever looks after the honey stall sing?", "bass"),
    ("charge", "Where does whoever bought the red tractor live?", "pharmacy"),
    ("owned", "Where was the cheese shop's owner born?", "Kiruvaara"),
    ("owned", "When does the mail boat's captain get up?", "quarter to four"),
    ("owned", "Where does the wife of the captain of the mail boat work?", "telegraph office"),
    ("place", "Which river flows through the town where the potter Hilma Dorn grew up?", "Ljusa"),
    ("place", "How many inhabitants has the village in which the first ski lift was built?", "nine hundred"),
    ("card", "What does the card right after STALL 4 say?", "LOST CHILD"),
    ("card", "Which card comes right before GATE K2?", "TOMBOLA"),
    ("card", "What is said right after the card TOMBOLA comes up?", "jar of jam"),
    ("card", "What does she say right after the card LOST CHILD appears?", "yellow boots"),
    ("card", "Which card follows the one that warns of a storm on Friday?", "LAST BUS"),
    ("card", "Which card follows after bicycles are mentioned?", "Storm on Friday"),
]  # fmt: skip
"""Shape, question, and what its answer must hold."""
