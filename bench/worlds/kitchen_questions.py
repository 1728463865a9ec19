"""Questions about the kitchen world, with their gold spans, made from its timetable.

People ask as after a day out: vaguely, in other words than were used, some in haste and with a
slip of the finger. Half of them do not tell whether it was said, shown or seen. `ABSENT` gives
with each question about nothing the words that would have to be there; the first twelve are near
misses.
"""

from __future__ import annotations

from collections.abc import Iterator

from bench.worlds.auction_questions import Patterns, Spans, ask, colour, gap, number, said
from bench.worlds.evening import Evening
from bench.worlds.kitchen_script import BROKEN, COOKS, LADLE, RING, RUNG
from bench.worlds.regatta_questions import Makers, sheet, view
from bench.worlds.truth import Question, count_patterns, lasting, numbered

ABSENT: tuple[tuple[str, Patterns], ...] = (
    ("How many kids does Mei have?", (r"\bchild", r"\bkids?\b", r"\bdaughter", r"\bsons?\b")),
    (
        "What was the name of the ship the stoves are from?",
        (r"\bship (called|named|was)", r"\bname of the ship", r"\bferry", r"\bfreighter"),
    ),
    ("what type of flour was in the bread, rye or spelt?",
     (r"\brye\b", r"\bspelt", r"\bwheat", r"\bwholemeal")),
    ("How much is the iron pot worth?", (r"\bworth\b", r"\bpot (cost|was bought)")),
    ("Do you know who built the snowman?", (r"\bbuil[td]", r"\bsnow")),
    ("Which taxi firm does Farid drive for?", (r"\bfirm\b", r"\bcompany")),
    ("How many tokens was a jar of jam?", (r"\bjam \| \d", r"\bjam (costs?|for)\b")),
    (
        "What did Wilma's husband do for a living?",
        (r"\bhusband (was|worked|drove)", r"\bhis (job|work|trade)"),
    ),
    (
        "How hot does the jam have to get, please?",
        (r"\bjam\b.*\bdegrees", r"\bthermometer", r"\bboiling"),
    ),
    ("what class is the girl from the school paper in", (r"\bclass\b", r"\bgrade\b", r"\bform\b")),
    (
        "Who is going to be cook on the fish day?",
        (r"\bfish\b.*\b(edda|jonas|mei|farid|wilma|toni)\b",),
    ),
    ("Where does Edda buy her yeast?", (r"\bbuys?\b", r"\bbought", r"\byeast (is )?from")),
    ("Where could people park?", (r"\bpark",)),
    ("Who won the karaoke?", (r"\bkaraoke", r"\bsing", r"\bsong")),
    ("At what time was the magician on?", (r"\bmagic", r"\bconjur")),
    ("How do you roll the sushi so that it holds?", (r"\bsushi", r"\brice\b", r"\bseaweed")),
    ("which wine went with the main course", (r"\bwine", r"\bbottle")),
    ("What did the beekeeper bring along?", (r"\bbees?\b", r"\bbeekeeper", r"\bhoney")),
    ("When does the last tram leave?", (r"\btram", r"\btrain", r"\bbus\b")),
    ("When can you see the parrot?", (r"\bparrot", r"\bbird", r"\bfeather")),
)  # fmt: skip
NEAR = 12
"""So many of `ABSENT` have their subject in the film."""


def ask_about(day: Evening) -> tuple[Question, ...]:
    """Return the questions of a cooking day; those about nothing last."""
    makers: Makers = {
        "speech": _speech,
        "screen": _screen,
        "sight": _sight,
        "order": _order,
        "first_last": _first_last,
        "how_long": _how_long,
        "how_many": _how_many,
        "count": _count,
        "two_hop": _two_hop,
        "state": _state,
        "between": _between,
        "absent": lambda _day: (ask(text) for text, _ in ABSENT),
    }
    return numbered(makers, day)


def rung(day: Evening) -> Spans:
    """Return when the timer rings, with the sentence that follows it."""
    return tuple((start - RING, end) for start, end in day.said[RUNG[1]])


def cook(*tables: int) -> Patterns:
    """Return patterns for cooks by table, dish or name."""
    dishes = {1: r"\bbread\b", 2: r"\bsoup\b", 3: r"\bdumpling", 4: r"\bbeans?\b", 5: r"\bjam\b"}
    names = (rf"\b{COOKS[table][1].casefold()}\b" for table in tables)
    return (*names, *(dishes[one] for one in tables), *(rf"\btable {one}\b" for one in tables))


def others(*tables: int) -> Patterns:
    """Return patterns for all cooks but these."""
    return cook(*(table for table in COOKS if table not in tables))


def _speech(day: Evening) -> Iterator[Question]:
    def heard(text: str, words: str, right: Patterns, wrong: Patterns = ()) -> Question:
        return ask(text, said(day, words), right, wrong)

    yield heard("What did they say to do if you burn yourself?", "under the tap",
                (r"\btap\b", r"\bwater\b", r"\bten minutes", r"\b10 min"))  # fmt: skip
    yield heard("where was it held last winter when the hall got flooded", "Last winter this hall",
                (r"\bfire ?station",))  # fmt: skip
    yield heard("What did she say a good dough should feel like?", "feels like the lobe",
                (r"\bear\b", r"\blobe", r"\bearlobe"))  # fmt: skip
    yield heard("Sorry, what does the bread woman call her sourdough again?", "is called Gustav",
                (r"\bgusta[vf]",))  # fmt: skip
    yield heard("Which direction does the gas wheel go at the end, did they tell us?",
                "The last one at the stove", (r"\bleft\b", r"\banti.?clock", r"\bcounter.?clock"),
                (r"\bto the right", r"(?<!anti)(?<!anti.)(?<!counter)(?<!counter.)clockwise"))  # fmt: skip
    yield heard("thickening a watery soup without flour?", "If it is too thin", (r"\bbread\b",))
    yield heard("How do the dumplings let you know that they're cooked?", "because they float",
                (r"\bfloat", r"\bsurface", r"\brise"))  # fmt: skip
    yield heard("According to the man talking about beans, when should you salt them?",
                "Salt comes last", (r"\blast\b", r"\bend\b"), (r"\bfirst\b", r"\bbefore"))  # fmt: skip
    yield heard("Whats the secret ingredient at table 4?", "My secret is", (r"\bcoffee",))
    yield heard("What did the old lady say gets the fuzz off?", "Rub off the fluff",
                (r"\bstocking", r"\btights"))  # fmt: skip
    yield heard("What was to blame for us all having to go outside?", "my toast", (r"\btoast",))
    yield heard("What does Jonas tell the girl he has for dinner when nobody's about?",
                "out of the pot, standing", (r"\bspaghetti", r"\bpasta", r"\bnoodles"))  # fmt: skip
    yield heard("Any food the sailor cant stand?", "in the dark", (r"\bceler(y|iac)",))
    yield heard("Somebody said where all the money goes, where was that?", "Your tokens have made",
                (r"\blife.?boat",))  # fmt: skip


def _screen(day: Evening) -> Iterator[Question]:
    def seen(text: str, title: str, right: Patterns, wrong: Patterns = ()) -> Question:
        return ask(text, sheet(day, title), right, wrong)

    rules, bye = "House rules", "See you again"
    yield seen("How much yeast was written down for the bread?", "For the bread", number(12),
               number(900, 550, 2))  # fmt: skip
    yield seen("What does the sign want you to shout when you carry a hot pan?", rules,
               (r"\bbehind",))  # fmt: skip
    yield seen("Which drawer are the plasters in?", rules, number(7))
    yield seen("When were the votes due to be counted, going by the timetable they put up?",
               "The plan", (r"\b15[:.]45", r"\b0?3[:.]45", r"\bquarter to (four|4)"),
               (r"\b13[:.]00", r"\b1[01][:.]\d\d"))  # fmt: skip
    yield seen("chickpeas, how long in water beforehand?", "Beans and water", number(12),
               number(10, 90, 75, 25))  # fmt: skip
    prices = (*sheet(day, "On the counter"), *sheet(day, "Second helping"))
    yield ask("What was an apple juice on the price list?", prices, number(3), number(5, 2, 6, 4))
    yield seen("If I have sixty people round, how much pumpkin will I need to buy?",
               "Soup for more people", number(12), number(2, 5))  # fmt: skip
    yield seen("Can the dumplings be frozen, and for how long?", "How long it keeps",
               (r"\b(6|six) months", r"\bhalf a year"), (r"\b[34] months", r"\b\d days"))  # fmt: skip
    yield seen("What do they write about knives, by the sink?", "At the sink",
               (r"\bnever\b", r"\bwater\b"))  # fmt: skip
    yield seen("when is the next one, it was on the last sheet", bye,
               (r"\b22(nd)?( of)? november", r"\bnovember( the)? (22|twenty.second)",
                r"twenty.second of november"))  # fmt: skip
    yield seen("Wich place do I have to go to for the recipes?", bye, (r"\blibrary",))
    yield ask("What year could you read on the old jar?", view(day, "jar"), number(1998))


def _sight(day: Evening) -> Iterator[Question]:
    yield ask("What colour apron does the jam lady have on?", view(day, "table 5"),
              *colour("purple"))  # fmt: skip
    yield ask("What colour was the pot they showed as the main prize?", view(day, "iron pot"),
              *colour("orange"))  # fmt: skip
    yield ask("When do you see a man made out of snow?", view(day, "snowman"))
    yield ask("Where is there a salty twisted snack in the picture?", view(day, "pretzel"))
    yield ask("Could you find me the bit where they show a toadstool with spots?",
              view(day, "mushroom"))  # fmt: skip
    yield ask("at what point does a tropical fruit with a tuft of leaves come up on screen",
              view(day, "pineapple"))  # fmt: skip


def _order(day: Evening) -> Iterator[Question]:
    parts = day.parts
    yield ask("Which did they show first, the beans or the dumplings?",
              (parts["dumplings"], parts["beans"]), cook(3), cook(4))  # fmt: skip
    yield ask("Did everybody have to leave the bulding before or after eating?",
              (parts["alarm"], parts["yard"], parts["lunch"]), (r"\bbefore?\b", r"\bearlier"),
              (r"\bafter\b", r"\blater"))  # fmt: skip
    yield ask("what was the second thing to get broken", said(day, BROKEN[1][1]),
              (r"\bbowl", r"\bglass"), (r"\bplate", r"\bcup\b"))  # fmt: skip
    yield ask("What did they talk about straight after coming back in from the cold?",
              (parts["ovens again"],),
              (r"\bovens?\b", r"\bdegrees", r"\b230\b", r"\bedda\b", r"\bbread\b"),
              (r"\bbeans?\b", r"\bdumpling", r"\blunch", r"\bsoup"))  # fmt: skip
    yield ask("Who was runner-up on the final results?", sheet(day, "Votes, counted again"),
              cook(1), others(1))  # fmt: skip


def _first_last(day: Evening) -> Iterator[Question]:
    yield ask("When does the timer first go off?", rung(day)[:1])
    yield ask("When does anyone talk about the ladle for the last time?", said(day, LADLE[-1][1]))
    yield ask("Which prize was given away last?", said(day, "And the pepper mill"),
              (r"\bpepper", r"\bmill\b"), (r"\bpot\b", r"\bpin\b", r"\bladle"))  # fmt: skip
    yield ask("Of the five cooks, whose turn was it first?", (day.parts["bread"],), cook(1),
              others(1))  # fmt: skip


def _how_long(day: Evening) -> Iterator[Question]:
    yield lasting("How long were we all standing outside?", day.parts["yard"])
    yield lasting("how long was lunch", day.parts["lunch"])
    yield lasting("For how long does Wilma talk about her jam?", day.parts["jam"])
    yield lasting("How long did the girl's interview with the sailor go on?",
                  day.parts["interview"])  # fmt: skip


def _counted(text: str, spans: Spans) -> Question:
    return ask(text, spans, *count_patterns(len(spans)))


def _how_many(day: Evening) -> Iterator[Question]:
    spans = tuple(span for _, text in LADLE for span in day.said[text])
    yield _counted("How many times is the ladle mentioned?", spans)


def _count(day: Evening) -> Iterator[Question]:
    prizes = ("The great prize", "Table 1 takes home", LADLE[-1][1], "And the pepper mill")
    yield _counted("How often did the timer ring altogether?", rung(day))
    yield _counted("How many things got broken over the day?",
                   tuple(said(day, text)[0] for _, text in BROKEN))  # fmt: skip
    yield _counted("How many prizes did they announce?",
                   tuple(said(day, words)[0] for words in prizes))  # fmt: skip


def _two_hop(day: Evening) -> Iterator[Question]:
    cooks = sheet(day, "Who cooks what")
    dishes = {table: cook(table)[1] for table in COOKS}
    yield ask("What did they make at the table that won the iron pot?", cooks, (dishes[4],),
              tuple(dish for table, dish in dishes.items() if table != 4))  # fmt: skip
    yield ask("What colour apron do you see on whoever makes the dumplings?",
              view(day, "table 3"), *colour("yellow"))  # fmt: skip
    yield ask("Who cooked the dish that came last in the vote?", cooks, (r"\bjonas\b",),
              tuple(rf"\b{who.casefold()}\b" for _, who in COOKS.values() if who != "Jonas"))  # fmt: skip
    yield ask("What did the taxi driver win?", said(day, "The great prize"),
              (r"\biron\b", r"(?<!bean )\bpot\b", r"\bgreat prize"),
              (r"\brolling", r"\bpepper", r"\bladle"))  # fmt: skip
    yield ask("According to the list, how long can table 2's dish stay in the fridge?",
              sheet(day, "How long it keeps"), (r"\b(4|four) days",),
              (r"\b(2|5|two|five) days", r"\bmonths"))  # fmt: skip
    yield ask("How much ginger does the man who used to be at sea put in?",
              sheet(day, "For the soup"), number(40), number(2, 11))  # fmt: skip


def _state(day: Evening) -> Iterator[Question]:
    yield ask("What temperature did it say for the bread before they corrected it?",
              sheet(day, "Ovens"), number(180), number(230, 60))  # fmt: skip
    yield ask("How much was a soup at first, before it got cheaper?",
              sheet(day, "On the counter"), number(5), number(4))  # fmt: skip
    yield ask("Who was ahead on the screen after the first count?", sheet(day, "Votes"), cook(1),
              others(1))  # fmt: skip


def _between(day: Evening) -> Iterator[Question]:
    parts = day.parts
    yield ask("What came up between lunch and the bread being done?", (parts["soup again"],),
              (*cook(2), r"\bpumpkin", r"\blemon", r"\bcoconut"), cook(3, 4, 5))  # fmt: skip
    yield gap("how much time between the smoke alarm and us sitting down to eat?",
              said(day, "That is the smoke alarm")[0], said(day, "Now we eat")[0])  # fmt: skip
