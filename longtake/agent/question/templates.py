"""Turns of phrase that hide one question in another, and the parts they come apart into.

Each template takes a part and returns new parts, or None where it does not fit. Parts name what
they wait for by position in the returned list (`deps`), and how to use it (`bind`):

* `value`: what the other part found (a person, a thing) is put for `MARK` in the text;
* `after`, `before`, `at`, `during`, `between`: the other parts found places in time;
* `reduce`: the other parts found values, which are compared.

Words are matched whole. A template fits only where the question asks for something else than the
thing that the inner clause describes: "Who is the man who won?" is one question.
"""

from __future__ import annotations

import re
from typing import Any

from longtake.agent.question import patterns as p
from longtake.agent.question.classify import classify, part
from longtake.agent.question.clauses import PLAIN, Split, value_hop
from longtake.agent.question.clauses import sub as _sub
from longtake.agent.state import Part
from longtake.tools.topic import content_words
from longtake.tools.words import tokens


def moment(name: str, scope: Any = None) -> Part:
    """The part that finds when an event is on which another part hangs."""
    words = content_words(name) or [w for w in tokens(name) if w not in PLAIN]
    made = part(name, "when", words=words, op="event", names=[name], silent=True)
    made |= {"pick": "best", "onset": bool(_ONSET.search(name.lower()))}
    return _sub(made | ({"scope": scope} if scope else {}))


_BETWEEN = re.compile(r"^(?P<head>.+?)\s*,?\s*\b(?:in )?between (?P<a>.+?) and (?P<b>.+)$")
_DURING = re.compile(
    r"^(?P<head>.+?)\s*,?\s*\b(?:during|throughout|in the course of) (?P<a>(?!the (?:day|video|lecture|talk|"
    r"whole|film|recording|meeting|night|week|summer|winter|year)\b).+)$"
)
_BESIDE = re.compile(
    r"^(?P<head>.+?)\s*,?\s*\b(?:right |just |immediately |directly |shortly |straight )?"
    rf"{p.CARES}(?P<how>after|before|following)\s+(?P<a>.+)$"
)
_SAYS = re.compile(
    r"^(?P<name>.+) (?P<verb>says?|shows?|reads?|tells?|announces?|depicts?|promises?)$"
)
"""The verb of "What does the card after X say?" belongs to the card."""
_CARDS = re.compile(
    r"^(?:and |so )*(?:on |at |to )?(?:what|which)\b.*?\b(?P<what>cards?|slides?|pages?|signs?|posters?|"
    r"boards?|pictures?|images?|title)\b"
)
_NEXT_CARD = re.compile(
    r"^(?P<head>(?:what|which) (?:cards?|slides?|pages?|signs?|posters?|pictures?)) "
    r"(?:directly |immediately )?(?:follows(?! after)|precedes) (?P<a>.+)$"
)
_ONE_THAT = re.compile(
    r"^the (?:one|card|slide|page|sign|poster|board|picture)s? (?:that|which) \w+(?:s|ed|d)?(?: of| about| for)? (?P<about>.+)$"
)
_ONSET = re.compile(
    r"\b(?:comes? up|came up|comes? on|came on|appear(?:s|ed)?|pops? up|popped up|turns? up|(?:is|was) "
    r"(?:first )?(?:shown|displayed|put up)|starts?|started|begins?|began|opens?|opened|goes up|went up)$"
)
"""An event that is over as soon as it has happened: what comes after it begins then."""
_WHEN = re.compile(
    r"^(?P<head>.+?)\s*,?\s*\b(?:when|while|as soon as|at the (?:time|moment)(?: when| that)?) (?P<a>.+)$"
)
_HAPPENS = re.compile(
    r"^(?:and |so )*what (?:happen\w*|takes place|took place|"
    r"(?:is going on|goes on|is on|was on|came|comes)\W*$)"
)


def between(one: Part) -> Split | None:
    """ "What does she say about X between A and B?": A, B, and the question in that stretch."""
    made = _cut(one, _BETWEEN)
    if made is None:
        return None
    head, names = made
    later = _headed(head, one)
    if later is None or one.get("op") == "gap":
        return None
    return [moment(names[0]), moment(names[1]), _sub(later, [0, 1], {"how": "between"})]


def during(one: Part) -> Split | None:
    """ "How often does she mention glue during the soldering?": the stretch, then the count."""
    made = _cut(one, _DURING)
    later = _headed(made[0], one) if made else None
    if made is None or later is None:
        return None
    return [moment(made[1][0]), _sub(later, [0], {"how": "during"})]


def beside(one: Part) -> Split | None:
    """ "What colour is the card right after GATE B7?": the gate, then the card behind it."""
    made = _cut(one, _BESIDE) or _cut(one, _NEXT_CARD)
    if made is None or one["kind"] not in ("order", "fact", "said", "shown", "count", "when"):
        return None
    head, names = _says(*made)
    if set(content_words(names[0])) <= p.CHANGES or one.get("section") or one.get("op"):
        return None
    later = _headed(head, one)
    how = (
        "before"
        if re.search(r"\b(?:before|precedes)\b[^?]*$", one["text"].lower()[len(head) :])
        else "after"
    )
    if later is None or not re.match(
        r"^(?:and |so )*(?:what|which|when|how (?:many|often))\b", head.lower()
    ):
        return None
    card = _CARDS.match(head.lower())
    rest = set(later["words"]) - _GENERIC - set(tokens(card.group("what")) if card else ())
    if not rest and not card and not _said_at_shown(head, names[0]):
        return None  # what comes next to one thing is one question
    if not rest and card:
        later |= {"words": [], "kind": "order", "sources": ["screen"]}
    return [moment(names[0]), _sub(later, [0], {"how": how})]


def _says(head: str, names: list[str]) -> tuple[str, list[str]]:
    """Give the head back its verb; "the one that promises hail" is named by what it is about."""
    name = names[0]
    if re.search(r"\b(?:does|did|do)\b", head) and (match := _SAYS.match(name)):
        head, name = f"{head} {match.group('verb')}", match.group("name")
    card = _CARDS.match(head.lower())
    if card and (about := _ONE_THAT.match(name)):
        name = f"the {card.group('what')} about {about.group('about')}"
    return head, [name]


def _said_at_shown(head: str, name: str) -> bool:
    """Whether words are asked for beside something that was shown."""
    shown = re.search(rf"\b(?:{p.SCREEN}|{p.EYES})\b", name.lower())
    return bool(shown and re.search(rf"\b{p.SAY}\b", head.lower()))


def at_moment(one: Part) -> Split | None:
    """ "What was on screen when the second speaker began?": the moment, then what it shows."""
    made = _cut(one, _WHEN)
    if made is None or p.WHEN.match(one["text"].lower()) or one["kind"] == "duration":
        return None
    head, names = made
    later = _headed(head, one)
    anchored = content_words(names[0]) or re.search(r"\b(?:speaker|slide|talk)\b", names[0].lower())
    if later is None or not anchored or not _looks(head):
        return None
    return [moment(names[0]), _sub(later, [0], {"how": "at"})]


_STOOD = re.compile(
    r"^how (?:much|many) .*\b(?:was|were|had|stood)\b.*\b(?:in|on|at|reached|there)\b"
)


def stood(one: Part) -> Split | None:
    """ "How much was in the box when they went to lunch?": the moment, then the value it had."""
    made = _cut(one, _WHEN)
    if made is None or one.get("op") or not _STOOD.match(made[0].lower()):
        return None
    later = _headed(made[0], one)
    if later is None or later["wants"] != "number" or not later["words"]:
        return None
    return [moment(made[1][0]), _sub(later | {"op": "state"}, [0], {"how": "at"})]


_GENERIC = frozenset("on up next going thing do follow happen".split())  # noqa: SIM905


def _looks(head: str) -> bool:
    """Whether the head asks what was there to see or hear at a time, and not for a fact."""
    low = head.lower()
    return bool(
        re.match(rf"^(?:and |so )*(?:what|which)\b.*\b(?:{p.SCREEN}|{p.SIGHT}|{p.SAY}|on)\b", low)
    )


def _cut(one: Part, pattern: re.Pattern[str]) -> tuple[str, list[str]] | None:
    """The head of the question, and the events it is bound to; times of day are not events."""
    text = one["text"].strip(" ?.!")
    match = pattern.match(text) or pattern.match(text[:1].lower() + text[1:])
    if match is None or not re.match(
        rf"^(?:and |so |then )*(?:(?:for|on|to|with|by|of) )?(?:{p.QUESTION}|list|at what)\b",
        text.lower(),
    ):
        return None
    names = [match.group(g).strip(" ,") for g in ("a", "b") if match.groupdict().get(g)]
    if any(
        re.match(r"(?:\d|minute\b|the (?:first|last) \w+ (?:minutes|seconds))", n) for n in names
    ):
        return None
    if not all(content_words(n) or re.search(r"\w{4,}", n) for n in names):
        return None
    own = rf"(?:{p.TALKER})\b(?!.*\b(?:{p.SAY}|{p.SCREEN}|{p.SIGHT})\b)"
    if any(re.match(own, n.lower()) for n in names):
        return None  # "before she became a teacher" is told, and no moment of the video
    return match.group("head"), names


def _headed(head: str, one: Part) -> Part | None:
    """The head as a question of its own, in the stretch of time of the whole."""
    if (
        one["kind"] in ("choice", "summary", "highlights", "unsupported", "compare", "duration")
        or one["phrases"]
    ):
        return None
    if _HAPPENS.match(head.lower()) and not content_words(head):
        return part(head, "summary", words=[])
    made = classify(head)
    if len(made) != 1:
        return None
    return made[0] | {"follows": False}


def values(one: Part) -> Split | None:
    """ "Which tower is taller, A or B?": how tall each is, then which is more."""
    if one.get("op") != "value":
        return None
    more = one["compares"]
    parts = [_sub(classify(measure(name, more))[0] | {"silent": True}) for name in one["names"]]
    last = dict(one) | {"words": one["words"]}
    return [*parts, _sub(last, list(range(len(parts))), {"how": "reduce"})]


_ASKS = (
    (r"expensive|cheap|dear", "how much does {} cost"),
    (r"long|short", "how long is {}"),
    (r"tall", "how tall is {}"), (r"high|low", "how high is {}"), (r"old|young", "how old is {}"),
    (r"heav|light", "how heavy is {}"), (r"big|larg|small", "how big is {}"),
    (r"fast|slow", "how fast is {}"), (r"deep", "how deep is {}"), (r"wid", "how wide is {}"),
    (r"far|furth", "how far is {}"), (r"hot|cold|warm", "what is the temperature of {}"),
)  # fmt: skip


def measure(name: str, more: dict[str, Any]) -> str:
    """The question for one of the values that are compared.

    >>> measure("the Old Mill", {"how": "taller"})
    'how tall is the Old Mill'
    >>> measure("May", {"how": "more", "what": "visitors", "said": "came in"})
    'how many visitors came in May'
    """
    verb, what = more.get("verb") or "", more.get("what") or ""
    if more.get("said"):
        return f"how many {what} {more['said']} {name}"
    if what:
        return f"how many {what} does {name} have"
    if verb and verb not in ("has", "have", "had"):
        bare = re.sub(r"s$", "", verb)
        return f"how {'long' if bare in ('last', 'take') else 'much'} does {name} {bare}"
    for pattern, asked in _ASKS:
        if re.search(rf"\b(?:most )?(?:{pattern})", more["how"]):
            return asked.format(name)
    return f"how much is {name}"


def options(one: Part) -> Split | None:
    """ "Which of these comes first?": each option is tested by itself, then they are compared."""
    if one["kind"] != "choice" or not one.get("options"):
        return None
    low = one["text"].lower()
    asked = next((name for name, pattern in _CHOOSE if re.search(pattern, low)), None)
    if asked is None or not re.match(r"^(?:which|what|who)\b", low):
        return None
    made = dict(one) | {"kind": "compare", "op": "choose", "names": list(one["options"]),
                        "relation": asked, "words": content_words(one["text"]) or ["option"],
                        "anchor": content_words(" ".join(one["options"]))}  # fmt: skip
    return [_sub(made)]


_ITS = (
    rf"(?:{p.SAY}|{p.SIGHT}|{p.SCREEN}|comes?|happens?|treated|covered|of these|of the following)"
)
_CHOOSE = (
    ("absent", rf"\b(?:not|never|isn't|wasn't) (?:\w+ )?{_ITS}"),
    ("most", rf"\b{_ITS}\b.*\b(?:most often|most frequently|the most)\b"),
    ("least", rf"\b{_ITS}\b.*\b(?:least often|the least|most rarely)\b"),
    ("first", rf"\b{_ITS}\b.*\b(?:first|earliest)\b"),
    ("last", rf"\b{_ITS}\b.*\b(?:last|latest)\b"),
)


def next_card(one: Part) -> Split | None:
    """ "Which card follows the one that promises hail?": no other card is described by it."""
    made = beside(one) if _CARDS.match(one["text"].lower()) else None
    return made if made is not None and made[-1]["kind"] == "order" else None


TEMPLATES = (options, values, between, during, next_card, value_hop, stood, at_moment, beside)
"""In the order in which they are tried."""
