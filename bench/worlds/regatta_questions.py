"""Questions about the regatta world, with their gold spans, made from its timetable.

People ask as after a day out: vaguely, in other words than were said, some in haste and with a
slip of the finger. `ABSENT` gives with each question about nothing the words that would have to
be there; the first twelve are near misses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bench.worlds.auction_questions import Patterns, Spans, ask, colour, gap, number, said
from bench.worlds.evening import Evening
from bench.worlds.regatta_script import BLOW, BOATS, HORN, SEAL
from bench.worlds.truth import Question, count_patterns, lasting, numbered

ABSENT: tuple[tuple[str, Patterns], ...] = (
    ("How old is Lena?", (r"\byears old", r"\bage\b", r"\bbirthday")),
    ("What breed is Ida's dog?", (r"\bbreed", r"\bterrier", r"\bpoodle", r"\bhound", r"\bpuppy")),
    ("Who baked the cake for lunch?", (r"\bbak(ed|es|ing|er)\b",)),
    ("How many metres does the new pier measure?", (r"\bpier.*\bmet(re|er)", r"\blong is")),
    ("In which hospital does Ben work?", (r"\bhospital", r"\bclinic")),
    ("how much was a raffle ticket?", (r"\btickets? costs?\b", r"\b(per|each|a) ticket\b")),
    ("How many points did number 27 end up with?", (r"^27 \| \d",)),
    ("What was the air temperature on the board, please?", (r"\bair\b",)),
    ("Could you tell me how deep the water is at the pier?", (r"\bdeep", r"\bdepth")),
    ("What name did they give the seal?", (r"\bseal\b.*\b(called|named)", r"\bname for")),
    (
        "What is the name of the person who won the weekend in the hut?",
        (r"\bhas won (a|the) (weekend|hut)", r"\bmy ticket", r"\bit is mine"),
    ),
    ("What is engraved on the bucket?", (r"\bengrav", r"\binscri")),
    ("When does the brass band play?", (r"\bband\b", r"\bmusic")),
    ("What did the mayor say in his speech?", (r"\bmayor",)),
    ("Where can you rent a kayak?", (r"\bkayak", r"\brent")),
    ("Which bus goes back to the station?", (r"\bbus\b", r"\bstation")),
    ("whats the wifi password", (r"\bwi-?fi", r"\bpassword", r"\binternet")),
    ("At what time do the fireworks begin?", (r"\bfirework",)),
    ("How did the helicopter rescue go?", (r"\bhelicopter",)),
    ("Who took the swimming lesson?", (r"\blesson", r"\bswimming")),
)
NEAR = 12
"""So many of `ABSENT` have their subject in the film."""

Makers = dict[str, Callable[[Evening], Iterator[Question]]]


def ask_about(day: Evening) -> tuple[Question, ...]:
    """Return the questions of an open day; those about nothing last."""
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


def sheet(day: Evening, title: str) -> Spans:
    """Return when a sheet is on the screen."""
    return (day.shown[title, title],)


def view(day: Evening, name: str) -> Spans:
    """Return when the camera looks at this."""
    return tuple(span for one, span in day.scenes if one == name)


def blown(day: Evening) -> Spans:
    """Return when the horn is blown, with the sentence that follows it."""
    return tuple((start - BLOW, end) for start, end in day.said[HORN[1]])


def boat(*sails: int) -> Patterns:
    """Return patterns for boats by sail number, name or helm."""
    names = (name for sail in sails for name in BOATS[sail][:2])
    return (*number(*sails), *(rf"\b{name.casefold()}\b" for name in names))


def others(*sails: int) -> Patterns:
    """Return patterns for all boats but these."""
    return boat(*(sail for sail in BOATS if sail not in sails))


def _speech(day: Evening) -> Iterator[Question]:
    def heard(text: str, words: str, right: Patterns, wrong: Patterns = ()) -> Question:
        return ask(text, said(day, words), right, wrong)

    yield heard("What does it mean when they put the stripy flag up?", "I show the flag",
                (r"\bhome\b", r"\bback\b", r"\bover\b", r"\breturn"))  # fmt: skip
    yield heard("How long did the helpers need to put up the new landing stage?",
                "The pier is new", (r"\bnine\b", r"\b9\b"))  # fmt: skip
    yield heard("What do you have to do if you bump into one of the bouys?",
                "Whoever touches a mark", (r"\bcircle", r"\bturn\b", r"\bround\b"))  # fmt: skip
    yield heard("Which part of his body does the weather man trust?", "says that there is more",
                (r"\bknee",))  # fmt: skip
    yield heard("how did a crew make itself heard when you couldnt see a thing",
                "Out there somebody is", (r"\bsauce.?pan", r"\bspoon", r"\bpan\b", r"\bpot\b"))  # fmt: skip
    yield heard("What was Marta's excuse for the wrong result?", "when I wrote it down",
                (r"\bglasses", r"\bspectacles"))  # fmt: skip
    yield heard("Since when had the cook been at it?", "peeling potatoes",
                (r"\bfive\b", r"\b0?5([:.]00)?( ?a\.?m|\b)"))  # fmt: skip
    yield heard("If your fingers are freezing, where should you warm them?", "Never rub",
                (r"\barm", r"\barmpit"))  # fmt: skip
    yield heard("Would you know what injured most people last summer?", "Last summer most",
                (r"\bbees?\b",), (r"\bwater",))  # fmt: skip
    yield heard("What animal stands for the end of the rope when the lady explains it?",
                "it comes out of its hole", (r"\brabbit", r"\bbunny"), (r"\bdog", r"\bswan"))  # fmt: skip
    yield heard("What did they use for a rudder after theirs had broken?", "has lost its tiller",
                (r"\bfrying", r"\bpan\b"))  # fmt: skip
    yield heard("What is the young girl scared of?", "Waves are fun", (r"\bswan",))
    yield heard("And what job does she dream of?", "I want to build", (r"\bbridge", r"\bengineer"))
    yield heard("Where was the trophy before there was a club?", "older than the club",
                (r"\bdairy", r"\bfarm"))  # fmt: skip


def _screen(day: Evening) -> Iterator[Question]:
    def seen(text: str, title: str, right: Patterns, wrong: Patterns = ()) -> Question:
        return ask(text, sheet(day, title), right, wrong)

    rules, box, thanks = "Rules of the day", "First-aid box", "Thank you"
    yield seen("Up to what age must a grown-up come along?", rules, (*number(8), *number(7)))
    yield seen("By when did everybody have to be in with their boats?", rules,
               (r"\b17[:.]00", r"\b17 ?h", r"\b5 ?(p\.?m|o.?clock)", r"\bfive\b"))  # fmt: skip
    yield seen("When did the second race really get going?", "Race 2",
               (r"\b11[:.]34", r"eleven.thirty.four"), (r"\b11[:.]30", r"\b12[:.]\d\d"))  # fmt: skip
    yield seen("Where is the key for the plasters and bandages?", box,
               (r"\bhook", r"\b5\b"))  # fmt: skip
    yield seen("In what month do they go through the first aid kit?", box, (r"\bmarch\b",))
    yield seen("Someone talks slowly and slurs after a fall into the sea, what now?",
               "Signs of cold", (r"\blie\b", r"\blying", r"\bflat\b"),
               (r"\bdry clothes", r"\bcall for help"))  # fmt: skip
    yield seen("Which knot takes the longest to tie?", "Knots", (r"\bsheet.?bend",),
               (r"\bbowline", r"\bclove", r"\breef"))  # fmt: skip
    yield seen("How much rope did each one get to practise with?", "Your rope",
               (r"\b2 ?m", r"\btwo met"))  # fmt: skip
    menus = (*sheet(day, "Lunch"), *sheet(day, "Still lunch"))
    yield ask("price of a cheese roll?", menus, number(3), number(4, 5, 6))
    yield seen("When could I come if I wanted to join?", thanks,
               (r"\btuesday", r"\b18[:.]00", r"\b6 ?p\.?m"), (r"\bjune",))  # fmt: skip
    yield seen("What date is the next one of these days, please?", thanks,
               (r"\b14(th)?( of)? june", r"\bjune( the)? (14|fourteen)", r"fourteenth of june"))  # fmt: skip
    yield seen("What did somebody forget there?", thanks, (r"\bboots?\b",))


def _sight(day: Evening) -> Iterator[Question]:
    yield ask("What colour was the sail with 35 on it?", view(day, "boat 35"), *colour("green"))
    yield ask("What colour is the big prize?", view(day, "bucket"), *colour("pink"))
    yield ask("When does somebody float down from the sky?", view(day, "parachute"))
    yield ask("At what point do you see a striped tower on a rock?", view(day, "lighthouse"))
    yield ask("Could you find the bit with the sea creature that has five arms?",
              view(day, "starfish"))  # fmt: skip
    yield ask("When is there a plate of fruit in the picture?", view(day, "strawberry"))


def _order(day: Evening) -> Iterator[Question]:
    parts = day.parts
    yield ask("Which was earlier, the knots or the bit about first aid?",
              (parts["first aid"], parts["knots"]), (r"\bfirst.?aid\b", r"\bcold water", r"\bben\b"),
              (r"\bknot", r"\bruth\b"))  # fmt: skip
    yield ask("Did they draw the raffle befor or after the prizes were handed out?",
              (parts["raffle"], parts["prizes"]), (r"\bbefore?\b", r"\bearlier"),
              (r"\bafter\b", r"\blater"))  # fmt: skip
    yield ask("Which was the second ticket to come out?", said(day, "Then we have ticket"),
              number(36), number(225, 307, 140))  # fmt: skip
    yield ask("What was dealt with right after the rules had been read out?", (parts["weather"],),
              (r"\bweather", r"\bwind\b", r"\bpiet\b"), (r"\brace\b", r"\blunch", r"\bknot"))  # fmt: skip
    yield ask("Who came in behind 12 in the second race?", sheet(day, "Race 2"), boat(48),
              boat(61, 27, 35, 53))  # fmt: skip


def _first_last(day: Evening) -> Iterator[Question]:
    yield ask("When does the horn go for the very first time?", blown(day)[:1])
    yield ask("When is the seal last talked about?", said(day, SEAL[-1][1]))
    yield ask("What was the last of the prizes to be given away?", said(day, "gets a towel"),
              (r"\btowel",), (r"\bbucket", r"\bcompass", r"\bhoney"))  # fmt: skip
    yield ask("Which boat was the first to capsize?", said(day, "has turned over"), boat(27),
              others(27))  # fmt: skip


def _how_long(day: Evening) -> Iterator[Question]:
    yield lasting("How long did they stop to eat?", day.parts["lunch"])
    yield lasting("For how long was there nothing to see but fog?", day.parts["fog"])
    yield lasting("How long did Ben talk about first aid?", day.parts["first aid"])
    yield lasting("how long is the interview with the girl", day.parts["interview"])


def _counted(text: str, spans: Spans) -> Question:
    return ask(text, spans, *count_patterns(len(spans)))


def _how_many(day: Evening) -> Iterator[Question]:
    spans = tuple(span for _, text in SEAL for span in day.said[text])
    yield _counted("How many times does Kit mention the seal?", spans)


def _count(day: Evening) -> Iterator[Question]:
    tickets = ("ticket 225", "ticket 36", "Ticket 307", "ticket 140")
    yield _counted("How often was the horn blown, all day?", blown(day))
    yield _counted("How many boats ended up on their side or upside down?",
                   (*said(day, "has turned over"), *said(day, "lies on its side")))  # fmt: skip
    yield _counted("How many lucky tickets were there?",
                   tuple(said(day, words)[0] for words in tickets))  # fmt: skip


def _two_hop(day: Evening) -> Iterator[Question]:
    first, second = sheet(day, "The boats, page 1"), sheet(day, "The boats, page 2")
    yield ask("What is the boat called that won the first race?", second, (r"\btin whistle",),
              tuple(rf"\b{name.casefold()}" for sail, (name, *_) in BOATS.items() if sail != 48))  # fmt: skip
    yield ask("Who was at the helm of the one that went over in race two?", first, (r"\bsam\b",),
              tuple(rf"\b{who.casefold()}\b" for _, who, _ in BOATS.values() if who != "Sam"))  # fmt: skip
    yield ask("What was won with the ticket that the dog picked?", sheet(day, "Raffle"),
              (r"\bweekend", r"\bhut\b"), (r"\bblanket", r"\blantern", r"\btool"))  # fmt: skip
    yield ask("What colour is the Soup Spoon's sail?", view(day, "boat 61"), *colour("purple"))
    yield ask("At which berth does Lena keep her boat?", sheet(day, "Berths, east pier"),
              (r"\bc ?-?4\b",), (r"\bb ?6\b", r"\bc ?9\b", r"\ba ?[17]\b", r"\bb ?2\b"))  # fmt: skip
    yield ask("What did Nils get for being the quickest round the island?",
              said(day, "gets a brass compass"), (r"\bcompass",),
              (r"\bbucket", r"\btowel", r"\bhoney"))  # fmt: skip


def _state(day: Evening) -> Iterator[Question]:
    yield ask("How strong was the wind on the board first thing in the morning?",
              sheet(day, "Weather at 9:00"), number(8), number(15, 14, 22))  # fmt: skip
    yield ask("Who was down as second in the first race before it was put right?",
              sheet(day, "Race 1"), boat(35), others(35))  # fmt: skip
    yield ask("So when was high tide in the end, once he had fixed it?",
              (*said(day, "High water is at"), *sheet(day, "Weather at 13:00")),
              (r"\b13[:.]10", r"\b(ten|10) past (one|1)\b", r"\b0?1[:.]10", r"\bone.ten\b"),
              (r"\b12[:.]40",))  # fmt: skip


def _between(day: Evening) -> Iterator[Question]:
    horns = blown(day)
    yield ask("What was on between lunch and the talk about cold water?",
              (day.parts["weather again"],), (r"\bweather", r"\bwind\b", r"\btide", r"\bpiet\b"),
              (r"\bknot", r"\braffle", r"\brace\b"))  # fmt: skip
    yield gap("How much time went by between the very first horn and the very last?",
              horns[0], horns[-1])  # fmt: skip
