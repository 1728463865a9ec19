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
from collections.abc import Sequence
from typing import Any

from longtake.agent.question import patterns as p
from longtake.agent.question.classify import classify, part
from longtake.agent.state import Part
from longtake.tools.topic import content_words
from longtake.tools.words import tokens

MARK = "[…]"
"""Stands in a text for what another part will find."""
_PEOPLE = (
    r"(?:person|man|woman|boy|girl|author|writer|guest|speaker|student|singer|player|artist|somebody|"
    r"someone|one|scientist|engineer|teacher|lady|fellow|musician|painter|gardener|baker|pilot|child)"
)
_ROLES = {
    "author": "wrote", "writer": "wrote", "painter": "painted", "composer": "composed",
    "inventor": "invented", "founder": "founded", "builder": "built", "winner": "won",
    "owner": "owns", "designer": "designed", "discoverer": "discovered", "architect": "built",
    "director": "directed", "maker": "made", "editor": "edited", "organiser": "organised",
    "organizer": "organized", "translator": "translated", "photographer": "photographed",
}  # fmt: skip
_REL = re.compile(
    rf"\b(?:the|a|an|that) (?P<head>(?:[\w-]+ ){{0,2}}?[\w-]+) (?P<rel>who|that|which) "
    rf"(?P<clause>(?!(?:{p.TALKER}|i|you)\b)\w.+)$",
    re.IGNORECASE,
)
_OF = re.compile(
    rf"\b(?:the|its) (?P<role>{'|'.join(_ROLES)}) of (?P<thing>.+)$", re.IGNORECASE
)  # fmt: skip
_OWNED = re.compile(
    rf"\b(?P<thing>(?:the )?[\w-]+(?: [\w-]+)?)['’]s (?P<role>{'|'.join(_ROLES)})\b", re.IGNORECASE
)
_MAIN = (
    r"(?:costs?|speaks?|talks?|lives?|works?|comes?|says?|teach(?:es)?|plays?|weighs?|starts?|begins?|"
    r"goes|go|studi?e?y?s?|earns?|arrives?|leaves?|bring|make|take|recommend|suggest|show|mention|"
    r"describe|explain|present|perform|sit|stay|wear|like|need|have|sing|paint|write|give|use|call|"
    r"call(?:ed)?|made|kept|stored|born|buried|named|painted|shown|sold|found|think|want|advise|warn|do|drive|ride|row|swim|eat|drink|buy|sell|build|grow|hold|win|lose)"
)
_PLAIN = frozenset(
    """who what which whose whom where when how is are was were the a an of name called named does
    did do person man woman thing one title it that this in on at by for and so then please tell
    me exactly actually much many""".split()  # noqa: SIM905
)
"""Words that ask for the thing itself and for nothing about it."""
Split = list[Part]


def value_hop(one: Part) -> Split | None:
    """ "How much does the tool that replaced the hammer cost?": which tool, then its price."""
    text = one["text"].strip(" ?.!")
    if (
        one["kind"] in ("choice", "summary", "highlights", "unsupported", "compare")
        or one["phrases"]
        or one.get("op") == "gap"
    ):
        return None
    for cut in (_relative, _role_of, _owned):
        made = cut(text)
        if made is None:
            continue
        asked, rest, wants, head = made
        if not _asks_more(rest):
            return None
        first = classify(asked)[0] | {"silent": True}
        later = classify(rest.replace(MARK, "it"))[0]
        later |= {"text": rest, "words": [w for w in content_words(rest.replace(MARK, " "))],
                  "phrases": [], "follows": False, "anchor": None}  # fmt: skip
        kept = {k: one[k] for k in ("scope", "point") if one.get(k)}
        bind = {"how": "value", "wants": wants, "head": head}
        return [_sub(first | kept), _sub(later | kept, [0], bind)]
    return None


def _relative(text: str) -> tuple[str, str, str | None, str] | None:
    """A thing told by a clause: what it is, the rest of the question, and what sort it is of."""
    match = _REL.search(text)
    if match is None:
        return None
    head, before = match.group("head"), text[: match.start()]
    if set(tokens(head)) & (_NO_HEAD | {"who", "that", "which"}):
        return None
    clause, tail = _clause(match.group("clause"), before)
    if not content_words(clause):
        return None
    person = re.fullmatch(rf"(?:[\w-]+ )*{_PEOPLE}", head.lower())
    asks = f"who {clause}" if person else f"which {head} {clause}"
    return asks, _joined(before, tail), "person" if person else None, head


_NO_HEAD = frozenset(
    """time moment way reason fact place point first second last idea slide part day there it all
    anything something everything thing things only same times moments kind sort""".split()  # noqa: SIM905
)


def _clause(words: str, before: str) -> tuple[str, str]:
    """Cut what follows "who" into the clause and what goes on behind it.

    After "does" or "did" a main verb must follow: it ends the clause. Else all belongs to it but a
    preposition left behind: "… by the person who wrote Tides in".
    """
    low = before.lower()
    if re.search(r"\b(?:does|did|do|will|can|should|may|must)\s*(?:\w+ ){0,6}$", low):
        verbs = list(re.finditer(rf"\s(?={_MAIN}\b)", words, re.IGNORECASE))
        if verbs:
            at = verbs[0].start() if len(verbs) == 1 else _second_verb(words, verbs)
            return words[:at].strip(), words[at:].strip()
        head, _, last = words.rpartition(" ")
        return (head, last) if " " in head else (words, "")
    stranded = re.search(r"\s(in|at|on|from|for|to|with|about|by|of|called|named|made of)$", words)
    passive = re.search(rf"\s({_MAIN}(?: (?:in|at|on|from|for|to|with|of))?)$", words.lower())
    found = stranded or (passive if re.search(r"\b(?:is|are|was|were)\b[^?]*$", low) else None)
    if found and len(words[: found.start()].split()) >= 2:
        return words[: found.start()].strip(), words[found.start() :].strip()
    return words, ""


def _second_verb(words: str, verbs: Sequence[re.Match[str]]) -> int:
    """The clause has a verb of its own; what is asked comes at the last bare one."""
    bare = [m for m in verbs if not re.match(r"\s\w+(?:ed|s)\b", words[m.start() :])]
    return (bare or list(verbs))[-1].start()


def _role_of(text: str) -> tuple[str, str, str | None, str] | None:
    match = _OF.search(text)
    if match is None:
        return None
    thing, tail = _clause("x " + match.group("thing"), text[: match.start()])
    return _role(match.group("role"), thing[2:], text[: match.start()], tail)


def _owned(text: str) -> tuple[str, str, str | None, str] | None:
    match = _OWNED.search(text)
    if match is None or match.group("thing").lower() in ("what", "who", "it", "that", "there"):
        return None
    thing = re.sub(r"^(?:does|did|do|is|was|of|the|by|when|where) ", "", match.group("thing"))
    cut = match.start() + len(match.group("thing")) - len(thing)
    before = re.sub(r"\bthe $", "", text[:cut])
    return _role(match.group("role"), thing, before, text[match.end() :])


def _role(role: str, thing: str, before: str, tail: str) -> tuple[str, str, str | None, str] | None:
    if not content_words(thing):
        return None
    verb = _ROLES[role.lower()]
    return f"who {verb} {thing}", _joined(before, tail), "person", role.lower()


def _joined(before: str, tail: str) -> str:
    return re.sub(r"\s+", " ", f"{before} {MARK} {tail}").strip()


def _asks_more(rest: str) -> bool:
    """Whether the rest asks for something about the thing, and not for the thing itself."""
    low = rest.lower()
    if re.match(r"^(?:when|where|how|why)\b", low):
        return bool([w for w in tokens(low.replace(MARK, " ")) if w not in _PLAIN]) or bool(
            re.match(r"^(?:when|where) (?:is|was|does|did)\b", low)
        )
    return bool([w for w in tokens(low.replace(MARK, " ")) if w not in _PLAIN])


def _sub(one: Part, deps: Sequence[int] = (), bind: dict[str, Any] | None = None) -> Part:
    return dict(one) | {"deps": list(deps), "bind": bind}


def moment(name: str, scope: Any = None) -> Part:
    """The part that finds when an event is on which another part hangs."""
    words = content_words(name) or [w for w in tokens(name) if w not in _PLAIN]
    made = part(name, "when", words=words, op="event", names=[name], silent=True)
    made |= {"pick": "best"} | ({"scope": scope} if scope else {})
    return _sub(made)


_BETWEEN = re.compile(r"^(?P<head>.+?)\s*,?\s*\b(?:in )?between (?P<a>.+?) and (?P<b>.+)$")
_DURING = re.compile(
    r"^(?P<head>.+?)\s*,?\s*\b(?:during|throughout|in the course of) (?P<a>(?!the (?:day|video|lecture|talk|"
    r"whole|film|recording|meeting|night|week|summer|winter|year)\b).+)$"
)
_BESIDE = re.compile(
    r"^(?P<head>.+?)\s*,?\s*\b(?:right |just |immediately |directly |shortly |straight )?"
    r"(?P<how>after|before|following)\s+(?P<a>.+)$"
)
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
    made = _cut(one, _BESIDE)
    if made is None or one["kind"] not in ("order", "fact", "said", "shown", "count", "when"):
        return None
    head, names = made
    if set(content_words(names[0])) <= p.CHANGES or one.get("section") or one.get("op"):
        return None
    later = _headed(head, one)
    how = "before" if re.search(r"\bbefore\b[^?]*$", one["text"].lower()[len(head) :]) else "after"
    if later is None or not re.match(
        r"^(?:and |so )*(?:what|which|when|how (?:many|often))\b", head.lower()
    ):
        return None
    if not set(later["words"]) - _GENERIC and not _said_at_shown(head, names[0]):
        return None  # what comes next to one thing is one question
    return [moment(names[0]), _sub(later, [0], {"how": how})]


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
TEMPLATES = (options, values, between, during, value_hop, stood, at_moment, beside)
"""In the order in which they are tried."""
