"""Questions about a person, thing or place that is only described: first who or what that is.

"Where did the captain of the ferry grow up?" and "How much does the tool that replaced the hammer
cost?" hide a question in a noun phrase. `value_hop` cuts it out and leaves `MARK` in its place. What
describes may be a clause (who, that, where, or none: "the book she wrote"), a role ("the
keeper of …"), or a place in charge ("the woman behind …"). A question that asks for no more than the
thing described is one question, and stays whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from longtake.agent.question import patterns as p
from longtake.agent.question.classify import classify
from longtake.agent.question.roles import ROLE, asks, cues, role_in, singular
from longtake.agent.state import Part
from longtake.tools.topic import FUNCTION, content_words
from longtake.tools.words import tokens

MARK = "[…]"
"""Stands in a text for what another part will find."""
Split = list[Part]
_PEOPLE = (
    r"(?:person|people|man|men|woman|women|boys?|girls?|author|writer|guest|speaker|students?|singer|"
    r"player|artist|somebody|someone|one|ones|scientist|engineer|teacher|lady|ladies|gentleman|fellow|"
    r"guy|couple|family|brothers|sisters|twins|musicians?|painter|gardener|baker|pilot|child|children|"
    r"visitor|caller|volunteers?|lad|lass|boss|doctor|nurse|winner|team|crew)"
)
PLAIN = frozenset(
    """who what which whose whom where when how is are was were the a an of name called named does
    did do person man woman thing one title it that this in on at by for and so then please tell
    me exactly actually much many""".split()  # noqa: SIM905
)
"""Words that ask for the thing itself and for nothing about it."""
_NO_HEAD = frozenset(
    """time moment way reason fact place point first second last idea slide part day there it all
    anything something everything thing things only same times moments kind sort card page screen
    sign who that which""".split()  # noqa: SIM905
)
_HEAD = r"(?P<head>(?:[\w-]+ ){0,2}?[\w-]+)"
_REL = re.compile(
    rf"\b(?:the|a|an|that|those) {_HEAD},? (?P<rel>who|that|which|where|in which|on which) "
    rf"(?P<clause>(?!(?:{p.TALKER}|i|you)\b(?! \w+(?:ed|t|e|w)\b))\w.+)$",
    re.IGNORECASE,
)
_WHOEVER = re.compile(r"\b(?:whoever|the one who|those who) (?P<clause>\w.+)$", re.IGNORECASE)
_BARE = re.compile(
    rf"\b(?:the|a) {_HEAD} (?P<clause>(?:she|he|they|(?-i:[A-Z]\w+(?: [A-Z]\w+)?)) "
    r"(?P<verb>\w+(?:ed|ought|ote|ew|ade|old|ung|ave|on|ent|ound|uilt))\b.*)$",
    re.IGNORECASE,
)
_CHARGE = re.compile(
    rf"\bthe (?P<head>{_PEOPLE}) (?P<rel>behind|in charge of|responsible for) (?P<thing>.+)$",
    re.IGNORECASE,
)
_OF = re.compile(
    rf"\b(?:the|its|a) (?:(?:new|old|present|current|former|young|first|last|proud|happy|lucky) )?"
    rf"(?P<role>{ROLE}) of (?P<thing>(?!(?:{p.TALKER}|state|day)\b).+)$",
    re.IGNORECASE,
)
_OWNED = re.compile(
    rf"\b(?P<thing>(?:the )?[\w-]+(?: [\w-]+)?)['’]s (?P<role>{ROLE})\b(?! of\b)", re.IGNORECASE
)
_VERBS = """cost speak talk live work come say teach play weigh start begin go study earn arrive
leave bring make take recommend suggest show mention describe explain present perform sit stay wear
like love hate need have sing paint write give use call want think advise warn do drive ride row swim
eat drink buy sell build grow hold win lose get collect keep learn become look feel find meet move
travel stand sleep wake rise retire die marry run walk carry fetch cook bake brew plant pick catch
breed raise own rent pay charge spend save offer promise plan hope prefer choose decide open close
finish cut clean wash repair fix mend change turn throw break lie end belong join train compete serve
design draw found invent discover come receive get dream fear remember forget know believe call dance
practise practice read hear listen watch see wait hide put store send add charge replace resign vote
donate lend owe fly sail fish hunt climb fall land sound smell taste happen differ stem originate
employ feed produce export ship deliver supply treat cure heal count measure produce lead manage rehearse""".split()  # noqa: SIM905
_MAIN = (
    r"(?:" + "|".join(sorted({f"{v}(?:e?s)?" for v in _VERBS}, key=lambda w: (-len(w), w))) + ")"
)
_DONE = (
    r"(?:call(?:ed)?|made|kept|stored|born|buried|named|painted|shown|sold|found|moored|built|hired|"
    r"elected|trained|fined|paid|hurt|rescued|located|based|founded|opened|written|printed|parked|"
    r"planted|hidden|grown|raised|educated|awarded|given|used|taught|employed|taken|arrested|seen)"
)
_PARTICLE = frozenset(
    "up out in off away down home back there on for from with at to about as over".split()  # noqa: SIM905
)
_NOUNS_AFTER = frozenset(
    """the a an to his her its their my our your of this that these those every each no some any
    two three four five old new""".split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class Cut:
    """A description cut out: the question for it, the rest, what it is, and in which role."""

    asked: str
    rest: str
    wants: str | None
    head: str
    role: str | None = None
    thing: str | None = None


def value_hop(one: Part) -> Split | None:
    """ "How much does the tool that replaced the hammer cost?": which tool, then its price."""
    text = one["text"].strip(" ?.!")
    if (
        one["kind"] in ("choice", "summary", "highlights", "unsupported", "compare")
        or one["phrases"]
        or one.get("op") == "gap"
    ):
        return None
    cuts = [made for cut in (_relative, _role_of, _owned, _charge, _bare) if (made := cut(text))]
    made = next(iter(cuts), None)
    if made is None or not _asks_more(made.rest):
        return None
    first, kept = _first(made), {k: one[k] for k in ("scope", "point") if one.get(k)}
    inner = [sub_ | kept for sub_ in first]
    later = classify(made.rest.replace(MARK, "it"))[0]
    later |= {"text": made.rest, "words": content_words(made.rest.replace(MARK, " ")),
              "phrases": [], "follows": False, "anchor": None, "whole": one["text"]}  # fmt: skip
    bind = {"how": "value", "wants": made.wants, "head": made.head}
    return [*inner, sub(later | kept, [len(inner) - 1], bind)]


def _first(made: Cut) -> Split:
    """The part that asks for the thing described; two, when its description describes again."""
    first = classify(made.asked)[0] | {"silent": True}
    deeper = _deeper(first)
    if deeper is not None:
        return deeper
    if made.role and made.thing:
        first |= {"op": "bearer", "role": made.role, "cues": cues(made.role),
                  "thing": content_words(made.thing), "kind": "fact"}  # fmt: skip
    return [sub(first)]


def _deeper(first: Part) -> Split | None:
    """ "Where does the wife of the captain of the ferry work?" has a captain to be found first."""
    text = first["text"]
    last = max((m.start() for m in re.finditer(rf"\b(?:the|its|a) (?=(?:\w+ )?(?:{ROLE}) of )", text)),
               default=0)  # fmt: skip
    match = _OF.match(text, last)
    if match is None or re.fullmatch(r"(?:who|what) (?:is|was) ", text[:last]):
        return None
    rest = f"{text[:last]}{MARK}"
    role, thing = singular(match.group("role")), match.group("thing")
    inner = classify(asks(role, thing))[0] | {
        "silent": True, "op": "bearer", "role": role, "cues": cues(role),
        "thing": content_words(thing), "kind": "fact",
    }  # fmt: skip
    later = classify(rest.replace(MARK, "it"))[0]
    later |= {"text": rest, "words": content_words(rest.replace(MARK, " ")), "phrases": [],
              "follows": False, "anchor": None, "silent": True}  # fmt: skip
    outer = role_in(re.sub(r" of$", "", text[:last].strip()))
    if outer:
        later |= {"op": "bearer", "role": outer, "cues": cues(outer), "thing": [], "kind": "fact"}
    bind = {"how": "value", "wants": "person", "head": role}
    return [sub(inner), sub(later, [0], bind)]


def sub(one: Part, deps: Sequence[int] = (), bind: dict[str, Any] | None = None) -> Part:
    """A part that waits for others."""
    return dict(one) | {"deps": list(deps), "bind": bind}


# -- what describes ------------------------------------------------------------------------


def _relative(text: str) -> Cut | None:
    """A thing told by a clause: what it is, the rest of the question, and what sort it is of."""
    match = _WHOEVER.search(text)
    if match is not None:
        clause, tail = cut_off(match.group("clause"), text[: match.start()])
        asked, rest = f"who {clause}", joined(text[: match.start()], tail)
        return Cut(asked, rest, "person", "person") if content_words(clause) else None
    match = _REL.search(text)
    if match is None or _no_head(match.group("head"), match.group("clause")):
        return None
    before, rel = text[: match.start()], match.group("rel").lower()
    head, verb = _extraposed(match.group("head"), before)
    clause, tail = cut_off(match.group("clause"), before) if not verb else (match["clause"], verb)
    if not content_words(clause):
        return None
    rest = joined(before, tail)
    if rel in ("where", "in which", "on which"):
        return Cut(f"in which {head} {clause}", rest, "place", head)
    person = re.fullmatch(rf"(?:[\w-]+ )*{_PEOPLE}", head.lower()) or role_in(head)
    asked = f"who {clause}" if person else f"which {head} {clause}"
    return Cut(asked, rest, "person" if person else None, head)


def _no_head(head: str, clause: str) -> bool:
    """Whether nothing in particular is described: "the moment that …", "the thing she says"."""
    words = set(tokens(head))
    if words & {"thing", "things"} and re.match(r"the |a |an |(?-i:[A-Z])", clause):
        return False
    return bool(words & _NO_HEAD - {"one"})


def _extraposed(head: str, before: str) -> tuple[str, str]:
    """The verb that stands before the clause: "When was the company founded that cleans …?"

    >>> _extraposed("company founded", "When was "), _extraposed("night train", "Where is ")
    (('company', 'founded'), ('night train', ''))
    """
    noun, _, verb = head.rpartition(" ")
    aux = re.search(r"\b(?:is|are|was|were|does|do|did|has|have|had)\s*$", before.lower())
    done = rf"{_DONE}|\w+ed" if aux and re.match(r"(?:is|are|was|were|ha)", aux[0]) else _MAIN
    return (noun, verb) if noun and aux and re.fullmatch(done, verb.lower()) else (head, "")


def _bare(text: str) -> Cut | None:
    """ "Where is the book she bought kept?": the pronoun that joins the clause may be left out."""
    match = _BARE.search(text)
    if match is None or set(tokens(match.group("head"))) & (_NO_HEAD | FUNCTION):
        return None
    before = text[: match.start()]
    clause, tail = cut_off(match.group("clause"), before)
    head = match.group("head")
    if not content_words(clause) or not content_words(head):
        return None
    return Cut(f"which {head} {clause}", joined(before, tail), None, head)


def _charge(text: str) -> Cut | None:
    """ "the woman behind the exhibition": somebody has to do with it."""
    match = _CHARGE.search(text)
    if match is None:
        return None
    thing, tail = cut_off(match.group("thing"), text[: match.start()])
    if not content_words(thing):
        return None
    asked = f"who is {match.group('rel').lower()} {thing}"
    return Cut(asked, joined(text[: match.start()], tail), "person", "person", "leader", thing)


def _role_of(text: str) -> Cut | None:
    match = _OF.search(text)
    if match is None:
        return None
    thing, tail = cut_off(match.group("thing"), text[: match.start()])
    return _role(match.group("role"), thing, text[: match.start()], tail)


def _owned(text: str) -> Cut | None:
    match = _OWNED.search(text)
    if match is None or match.group("thing").lower() in ("what", "who", "it", "that", "there"):
        return None
    thing = re.sub(r"^(?:does|did|do|is|was|of|the|by|when|where) ", "", match.group("thing"))
    cut = match.start() + len(match.group("thing")) - len(thing)
    before = re.sub(r"\bthe $", "", text[:cut])
    return _role(match.group("role"), thing, before, text[match.end() :])


def _role(role: str, thing: str, before: str, tail: str) -> Cut | None:
    if not content_words(thing):
        return None
    one = singular(role)
    return Cut(asks(one, thing), joined(before, tail), "person", one, one, thing)


# -- where a description ends --------------------------------------------------------------


def cut_off(words: str, before: str) -> tuple[str, str]:
    """Cut what follows "who" or "of" into the description and what goes on behind it.

    After "does" or "did" a main verb must follow: it ends the description. Else all belongs to it
    but a preposition or participle left behind: "… by the person who wrote Tides in".

    >>> cut_off("the bakery on Mill Street get up", "When does ")
    ('the bakery on Mill Street', 'get up')
    >>> cut_off("the kite contest", "How old is ")
    ('the kite contest', '')
    """
    if re.search(r"\b(?:does|did|do|will|can|should|may|must)\s*(?:\w+ ){0,6}$", before.lower()):
        at = _main_verb(words)
        if at is not None:
            return words[:at].strip(), words[at:].strip()
        return _last_verb(words)
    stranded = re.search(r"\s(in|at|on|from|for|to|with|about|by|of|called|named|made of)$", words)
    if stranded and re.match(r"(?:and |so )*(?:where|when|how|why)\b", before.lower()):
        stranded = re.search(r"\s(called|named|made of)$", words)  # the clause's own preposition
    passive = re.search(
        rf"\s((?:{_DONE}|\w+ed)(?: (?:in|at|on|from|for|to|with|of|up))?)$", words.lower()
    )
    asked_of = re.search(r"\b(?:is|are|was|were)\s*$", before.lower())
    found = stranded or (passive if asked_of else None)
    if found and len(words[: found.start()].split()) >= 2:
        return words[: found.start()].strip(), words[found.start() :].strip()
    return words, ""


def _main_verb(words: str) -> int | None:
    """Where the bare verb stands that belongs to "does"; the description has verbs of its own."""
    verbs = [
        m for m in re.finditer(rf"\s(?={_MAIN}\b)", words, re.IGNORECASE)
        if words[: m.start()].lower().split()[-1] not in _NOUNS_AFTER
    ]  # fmt: skip
    bare = [m for m in verbs if not re.match(r"\s\w+(?:ed|[^s]s)\b", words[m.start() :])]
    bare = bare or (verbs if len(verbs) == 1 else verbs[-1:])
    return bare[-1].start() if bare else None


def _last_verb(words: str) -> tuple[str, str]:
    """Without a verb that is known: the last word is one, with a particle the last but one."""
    pieces = words.split()
    n = 2 if len(pieces) > 2 and pieces[-1].lower() in _PARTICLE else 1
    if len(pieces) <= n:
        return words, ""
    return " ".join(pieces[:-n]), " ".join(pieces[-n:])


def joined(before: str, tail: str) -> str:
    """The question with `MARK` for what was described."""
    return re.sub(r"\s+", " ", f"{before} {MARK} {tail}").strip()


def _asks_more(rest: str) -> bool:
    """Whether the rest asks for something about the thing, and not for the thing itself."""
    low = rest.lower()
    told = bool([w for w in tokens(low.replace(MARK, " ")) if w not in PLAIN])
    if re.match(r"^(?:when|where|how|why)\b", low):
        return told or bool(re.match(r"^(?:when|where) (?:is|was|does|did)\b", low))
    return told
