"""What kind of answer a question wants, by rules over its words.

Rules and not a model: the same rules serve a 135 M model and none at all, they can be read, and
they are tested one by one. A question is cut into parts ("when …, and what did the slide say?");
each part becomes a plain dict (see `part`). Words are matched whole: "last" is not in "plastic".
"""

from __future__ import annotations

import re
from typing import Any

from longtake.agent.question import patterns as p
from longtake.agent.question.manners import bare
from longtake.agent.question.timed import timed
from longtake.agent.question.whole import whole_kind
from longtake.agent.state import Part
from longtake.tools.topic import content_words

MOST_NAMED = 4
"""With more words than these a question of how long names more than an event."""


def classify(question: str, options: list[str] | None = None) -> list[Part]:
    """Cut a question into parts and say of each what kind of answer it wants.

    >>> [(p["kind"], p["pick"], p["words"]) for p in classify("When is the exam announced?")]
    [('when', 'best', ['exam'])]
    """
    plain = bare(question)
    if options:
        return [part(plain, "choice", options=list(options))]
    if p.UNSUPPORTED.search(plain.lower()):
        return [part(plain, "unsupported")]
    parts: list[Part] = []
    for text in _split(plain):
        parts += _whole(text) or _while(text) or [_one(text)]
    parts = parts or [part(plain, "fact")]
    for later in parts[1:]:
        if not later["words"] and not later["follows"]:
            later["follows"] = True
    return parts


def _whole(text: str) -> list[Part] | None:
    """A summary or highlights, of all or of a part, where those are asked for."""
    asked = whole_kind(text.lower())
    if asked is None:
        return None
    words = content_words(asked["about"])
    sources, strict = _sources(text.lower())
    return [part(text, asked["kind"], whole=asked, words=words, sources=sources, strict=strict)]


def part(text: str, kind: str, **more: Any) -> Part:
    """One thing asked.

    Keys: `text`; `kind` (when, said, shown, duration, count, order, compare, exists, at_time, fact,
    summary, highlights, choice, unsupported); `pick` (best, first, last, every, or n); `words` (content words) and
    `phrases` (quoted); `sources` in order of preference, `strict` when no other will do,
    `even` when the question prefers none;
    `anchor` (words of what it is related to) with `relation` (after, before, during) and `section`
    (it is a part of the day, not a sentence of it); `op` (operator on intervals) over `names` (the
    events as they were named), `edge` (which end of one is asked for: end or both); `wants` (number, person, date, place or None); `unit` of a count; `follows`: it speaks of what the
    part before, or the turn before, found.
    """
    base: Part = {
        "text": text,
        "kind": kind,
        "pick": _pick(text.lower()),
        "words": content_words(_unquoted(text)),
        "phrases": _quoted(text),
        "sources": ["speech", "screen"],
        "strict": False,
        "even": False,
        "anchor": None,
        "relation": None,
        "wants": None,
        "unit": None,
        "follows": False,
    }
    base |= more
    if base["pick"] != "best":
        base["words"] = [w for w in base["words"] if w not in p.ORDINALS]
    for phrase in base["phrases"]:
        base["words"] += [w for w in content_words(phrase) or phrase.lower().split()
                          if w not in base["words"]]  # fmt: skip
    return base


def _one(text: str) -> Part:
    low = text.lower()
    if asked := timed(text, wanted(low)):
        return part(text, asked.pop("kind"), **{"sources": _sources(low)[0]} | asked)
    if match := next((m for pattern in p.COMPARE if (m := pattern.search(low))), None):
        return _compare(text, low, match)
    sources, strict = _sources(low)
    common: dict[str, Any] = {"sources": sources, "strict": strict, "follows": _anaphora(low)}
    common["even"] = not re.search(rf"\b(?:{p.SCREEN}|{p.SAY}|{p.SIGHT})\b", low)
    if p.SUMMARY.search(low):
        return part(text, "summary", **common)
    if p.WHOLE.search(low):
        return part(text, "duration", unit="video", **common)
    if found := p.HOW_MANY_UNITS.search(low):
        return part(text, "count", unit=found.group(1).rstrip("s"), **common)
    if p.HOW_MANY_TIMES.search(low):
        return part(text, "count", unit="mention", **common)
    if related := _related(text, low, common):
        return related
    if p.HOW_LONG.search(low) and _lasting(low):
        return part(text, "duration", unit="topic", **common)
    if p.SCHEDULE.search(low) and not p.OTHERWISE.search(low):
        return part(text, "fact", wants="clock", **common)
    if p.STARTS.match(low) and not p.TOLD_OR_SHOWN.search(low):
        return part(text, "fact", wants="clock", **common)
    if p.WHEN.match(low) or p.LISTING.match(low):
        if common["even"]:
            common["sources"] = [*common["sources"], "sight"]
        return part(text, "when", **common)
    if p.YES_NO.match(low):
        return part(text, "exists", **common)
    if p.HOW_LONG.search(low) and len(content_words(text)) <= MOST_NAMED:
        common["op"] = "lasting"
    return part(text, _open_kind(low, sources), wants=wanted(low), **common)


def _open_kind(low: str, sources: list[str]) -> str:
    if re.match(r"^(?:and |so |then )*(?:what|which)\b", low):
        if re.search(r"\b(?:happen\w*|going on)\b", low) and not content_words(low):
            return "at_time"
        about = re.search(rf"\b(?:{p.SAY})\b", low)
        if sources[0] in ("screen", "sight") and not about:
            return "shown"
        if sources[0] == "screen":
            return "shown"
        if about and wanted(low) is None:
            return "said"
    return "fact"


def _sources(low: str) -> tuple[list[str], bool]:
    """Where the answer should be looked for, and whether only there."""
    shown = re.sub(r"\bon[ -]?screen\b", " ", low)  # things are on screen as text is
    if shown != low and not re.search(rf"\b(?:{p.SCREEN}|{p.SAY})\b", shown):
        return ["screen", "sight", "speech"], False
    screen = re.search(rf"\b{p.SCREEN}\b", low)
    said = re.search(rf"\b{p.SAY}\b", low)
    if screen and not re.search(r"\b(?:mention|talk|explain|spoken|speak)\w*", low):
        return ["screen", "speech"], bool(re.search(r"\b(?:slides?|screens?|on-?screen)\b", low))
    if said:
        return ["speech", "screen"], False
    if re.search(rf"\b{p.EYES}\b", low):
        return ["sight", "screen"], False
    if re.search(rf"\b{p.SIGHT}\b", low) or re.match(r"^(?:is|are|was|were) there\b", low):
        return ["sight", "screen", "speech"], False
    return ["speech", "screen"], False


def _compare(text: str, low: str, match: re.Match[str]) -> Part:
    groups = match.groups()
    if len(groups) == 2:
        relation, one, other = _superlative(low), groups[0], groups[1]
    else:
        one, relation, other = groups
    one = re.sub(r"^.*[:,]\s*", "", one)
    return part(
        text,
        "compare",
        relation=relation,
        words=content_words(one) or content_words(text)[:1],
        anchor=content_words(other),
        names=[_name(text, one), _name(text, other)],
        sources=_sources(low)[0],
    )


def _superlative(low: str) -> str:
    return "later" if re.search(r"\b(?:last|later)\b", low) else "first"


def _name(text: str, piece: str) -> str:
    """The piece as it was written, without a leading article or the verb of asking."""
    at = text.lower().find(piece)
    written = (text[at : at + len(piece)] if at >= 0 else piece).strip(" ?.!,:")
    return re.sub(
        rf"^(?:(?:is|does|she|he|they|{p.SAY}|the|a|an)\s+)+", "", written, flags=re.IGNORECASE
    )


def _related(text: str, low: str, common: dict[str, Any]) -> Part | None:
    """Parts such as "what comes after X" and "when does she mention X after Y"."""
    match = p.FOLLOWS.match(low) or p.RELATION.match(low)
    if not match or re.match(r"\d", match.group("anchor")):
        return None
    anchor = content_words(match.group("anchor"))
    if not anchor or set(anchor) <= p.CHANGES:
        return None
    word = match.group("relation")
    relation = "before" if word in ("before", "preceding", "precedes", "until") else "after"
    head = text[: match.end("head")]
    sources, strict = _sources(head.lower())
    kind = "when" if p.WHEN.match(low) else "exists" if p.YES_NO.match(low) else "order"
    if kind == "exists" or (kind == "when" and not content_words(head)):
        return None
    anchored = _sources(match.group("anchor"))[0]
    named = {"sources": sources, "strict": strict, "follows": False}
    if kind == "order" and not re.search(rf"\b(?:{p.SAY}|{p.SCREEN}|{p.SIGHT})\b", head.lower()):
        named["sources"] = ["screen", "speech"]
    day = p.DAY_HEAD.match(low) and not re.search(
        rf"\b(?:{p.SAY}|{p.SCREEN})\b", f"{match.group('anchor')} {head.lower()}"
    )
    return part(
        text,
        kind,
        relation=relation,
        section=bool(day) and kind == "order",
        anchor_text=text[match.start("anchor") : match.end("anchor")].strip(" ?.!"),
        anchor=anchor,
        anchor_sources=anchored,
        words=content_words(head),
        pick=_pick(head.lower()),
        phrases=[],
        wants=None,
        **named,
    )


def _while(text: str) -> list[Part] | None:
    """ "What does the slide show when she mentions X?" is an anchor, then a look at that time."""
    low = text.lower()
    match = p.WHILE.match(low)
    if not match or not re.match(p.QUESTION, low) or p.WHEN.match(low) or p.HOW_LONG.search(low):
        return None
    head, anchor = text[: match.end("head")], text[match.start("anchor") :]
    if (
        not set(content_words(anchor)) - p.BEGINS
        or re.match(r"\d", anchor)
        or p.HOW_MANY_TIMES.search(low)
    ):
        return None
    if not re.search(rf"\b(?:{p.SAY}|{p.SCREEN}|{p.SIGHT})\b", match.group("anchor")):
        return None
    first = _one("when " + anchor)
    second = _one(head)
    if second["kind"] not in ("shown", "said", "fact", "at_time"):
        return None
    first["silent"] = True
    second["follows"] = True
    return [first, second]


def _split(text: str) -> list[str]:
    """Cut "when …, and what …?" where both halves ask; a lone half stays whole."""
    pieces = re.split(
        rf"\s*(?:[?;]\s*(?:and\s+)?|,?\s+and\s+(?:then\s+)?)(?={p.QUESTION}\b)",
        text,
        flags=re.IGNORECASE,
    )
    pieces = [piece.strip(" ?") for piece in pieces if piece and piece.strip(" ?")]
    asks = re.compile(
        rf"^(?:and |so |then |in |at |on )*{p.QUESTION}\b|^(?:tell|find|show|give)\b", re.IGNORECASE
    )
    if len(pieces) > 1 and all(asks.match(piece) for piece in pieces):
        return pieces[:4]
    return [text.strip(" ?")] if text.strip(" ?") else []


def _pick(low: str) -> str | int:
    low = re.sub(
        r"\b\d+ (?:first|last)\b|\bat (?:first|last)\b|\blast (?:name|week|year)\b", " ", low
    )
    if re.search(r"\b(?:every|each|all|list)\b.*\b(?:times?|moments?|mention\w*|places?|occurrences?)"
                 r"|\bwhenever\b|\beverywhere\b|\bat (?:what|which) times\b", low):  # fmt: skip
        return "every"
    if re.search(r"\b(?:last|final|latest|most recent\w*|lastly) (?:time|mention\w*|appear\w*|talk\w*|"
                 r"say\w*|said|shown|show|seen|spoken|discuss\w*|refer\w*|occurrence|speak\w*|bring\w*|"
                 r"visible|heard|explain\w*)|\bfor the last time\b|\blast$", low):  # fmt: skip
        return "last"
    for word, n in p.ORDINALS.items():
        if re.search(rf"\b{word} (?:time|mention|occurrence|appearance)\b", low):
            return n
    if re.search(
        rf"\bfirst (?:time|mention\w*|appear\w*|shown|seen|visible|displayed|{p.SAY})\b|"
        r"\bfor the first time\b|\bfirst\W*$|\bearliest\b|\binitially\b|\bfirst slide\b", low
    ):  # fmt: skip
        return "first"
    if re.search(r"\b(?:introduc\w+|announc\w+|start\w*|begin\w*|began)\b", low):
        return "first" if not re.search(r"\bannounc", low) else "best"
    return "best"


def wanted(low: str) -> str | None:
    """Which short answer is wanted inside the sentence."""
    if re.search(
        r"\bat (?:what|which) (?:sum|price|amount)\b|\bhow (?:many|much|big|large|fast|far|old|hot|cold|warm|thick|tall|heavy|deep|high|long|wide)\b",
        low,
    ):
        return "number"
    if re.search(r"\bwhat (?:is |was |are )?(?:the )?(?:\w+ ){0,3}(?:rate|size|number|value|percentage|"
                 r"accuracy|percent|price|cost|score|dimension|temperature|speed|budget|probability|"
                 r"weight|distance|age|ratio|threshold|batch|limit|amount|length|version|year)\b", low):  # fmt: skip
        return "number"
    if re.match(
        r"^(?:and |so )*(?:who|whom|whose)\b|\bwhich (?:person|author|professor|scientist)\b", low
    ):
        return "person"
    if re.search(r"\b(?:what|which|on what|on which) (?:day|date|year|month|deadline|weekday)\b|"
                 r"\bwhat (?:is|was) the (?:due )?(?:date|deadline)\b", low):  # fmt: skip
        return "date"
    if re.search(
        r"^(?:and |so )*where\b|\b(?:what|which) (?:room|place|city|building|hall|country)\b", low
    ):
        return "place"
    return None


def _lasting(low: str) -> bool:
    """Whether "how long" asks for time in the video, and not for a fact that is told in it."""
    seen = (
        rf"\b(?:{p.SCREEN}|visible|on|up|stay\w*|remain\w*|appear\w*|shown|displayed|seen|camera)\b"
    )
    said = r"\b(?:talk\w*|speak\w*|discuss\w*|explain\w*|spend\w*|spent|describ\w*|cover\w*|deal\w*|treat\w*|last)\b"
    return bool(re.search(seen, low) or re.search(said, low))


def _anaphora(low: str) -> bool:
    """Whether it speaks of something found before: "what did it say then?"."""
    return not content_words(low) and bool(
        re.search(
            r"\b(?:it|that|this|then|there|those|these|them|at that (?:time|moment|point)|next|"
            r"before|after(?:wards)?|later|earlier)\b", low
        )
    )  # fmt: skip


_QUOTES = re.compile(r"[\"“”„«»]([^\"“”„«»]{2,80})[\"“”„«»]|(?<!\w)['‘]([^'‘’]{2,80})['’](?!\w)")


def _quoted(text: str) -> list[str]:
    return [(m.group(1) or m.group(2)).strip() for m in _QUOTES.finditer(text)]


def _unquoted(text: str) -> str:
    return _QUOTES.sub(" ", text)
