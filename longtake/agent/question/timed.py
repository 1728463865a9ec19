"""Which operator on intervals a question asks for, by its turn of phrase.

Each rule returns what `classify.part` is to be given: the kind that answers when the operator
finds too little, the operator, and the events as they were named.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from longtake.agent.question import patterns as p
from longtake.tools.topic import content_words

Timed = dict[str, Any]
_LEAD = re.compile(r"^(?:(?:and|so|then|please|can you|could you) )+")
_ARTICLE = re.compile(r"^(?:it|there|that(?! of\b)|when|between|both)\s+", re.IGNORECASE)


def timed(text: str, wants: str | None) -> Timed | None:
    """What a question about time between things asks for, or None for any other question.

    >>> made = timed("How long is it between the opening and the cake?", None)
    >>> made["op"], made["names"]
    ('gap', ['the opening', 'the cake'])
    """
    plain = _LEAD.sub("", text.strip(" ?.!").lower())
    start = len(text.strip(" ?.!")) - len(plain)
    kept = text.strip(" ?.!")[start:]
    for rule in (
        _values,
        _gap,
        _left,
        _edges,
        _changes,
        _often,
        _together,
        _in_order,
        _there,
        _heard,
        _nth,
        _member,
    ):
        made = rule(kept, plain)
        if made is not None:
            return made
    return _state(kept, plain, wants)


def _named(kept: str, match: re.Match[str], *groups: str) -> list[str]:
    """The events as they were written, without words that name nothing."""
    pieces = [kept[match.start(g) : match.end(g)] for g in groups if match.group(g)]
    return [_ARTICLE.sub("", piece).strip(" ,.?") for piece in pieces]


def _usable(names: Sequence[str]) -> bool:
    """Whether each names something, and none is a time of day or a length."""
    return all(name and not re.match(r"(?:\d|minute\b)", name) for name in names) and all(
        content_words(n) or re.search(r"\w{3,}", n) for n in names
    )


def listed(text: str) -> list[str]:
    """The things of a list: "the opening, the cake and the concert".

    >>> listed("the opening, the cake and the concert")
    ['the opening', 'the cake', 'the concert']
    """
    pieces = re.split(r"\s*[,;]\s*(?:and\s+|or\s+)?|\s+(?:and|or)\s+", text.strip(" ?.!:"))
    return [piece.strip() for piece in pieces if piece.strip()]


def _gap(kept: str, plain: str) -> Timed | None:
    for pattern in p.GAP:
        if match := pattern.match(plain):
            names = _named(kept, match, "a", "b")
            if len(names) == 2 and _usable(names := _whole_names(names)):
                return _made("duration", "gap", names, unit="gap")
    return None


def _whole_names(names: Sequence[str]) -> list[str]:
    """Names that lean on each other, each in full.

    >>> _whole_names(["the sale of the lamp", "that of the rug"])
    ['the sale of the lamp', 'the sale of the rug']
    >>> _whole_names(["the first", "the last word about glue"])
    ['the first word about glue', 'the last word about glue']
    """
    one, other = names
    if (that := re.match(r"(?:that|those) of (.+)", other)) and " of " in one:
        return [one, f"{one.split(' of ')[0]} of {that.group(1)}"]
    first = re.fullmatch(rf"(?:the )?({_PICKED})", one)
    if first and (last := re.match(rf"(the )?(?:{_PICKED}) (.+)", other)):
        return [f"{last.group(1) or ''}{first.group(1)} {last.group(2)}", other]
    return list(names)


_PICKED = rf"(?:first|last|{'|'.join(p.ORDINALS)})"


def _left(kept: str, plain: str) -> Timed | None:
    match = p.LEFT.match(plain)
    names = _named(kept, match, "a", "b") if match else []
    return _made("duration", "left", names, unit="gap") if names and _usable(names) else None


def _edges(kept: str, plain: str) -> Timed | None:
    for pattern, edge in p.EDGES:
        if match := pattern.match(plain):
            names = _named(kept, match, "a")
            if names and _usable(names):
                return _made("when", "edges", names, edge=edge)
    return None


def _changes(kept: str, plain: str) -> Timed | None:
    for pattern in p.CHANGED:
        if match := pattern.match(plain):
            group = "value" if "value" in pattern.groupindex else "a"
            names = _named(kept, match, group)
            if content_words(names[0]):
                kind = "fact" if group == "value" else "count"
                return _made(kind, "changes", names, asks=group, unit="change", wants="number")
    return None


def _often(kept: str, plain: str) -> Timed | None:
    del kept
    longest = p.LONGEST_PAUSE.search(plain)
    if not p.OFTEN.match(plain) and not longest:
        return None
    words = [w for w in content_words(plain) if w not in _MEASURES]
    if not words:
        return None
    return {"kind": "count", "op": "often", "unit": "mention", "words": words,
            "longest": bool(longest)}  # fmt: skip


_MEASURES = frozenset(
    """every intervals interval average mean usual gap pause longest largest biggest stretch
    frequently per two""".split()  # noqa: SIM905
)


def _together(kept: str, plain: str) -> Timed | None:
    for pattern in p.TOGETHER:
        match = pattern.match(plain)
        if match and match.group("a"):
            names = _named(kept, match, "a", "b")
            if len(names) == 2 and _usable(names):
                return _made("exists", "together", names)
    return None


def _in_order(kept: str, plain: str) -> Timed | None:
    for pattern in p.IN_ORDER:
        if match := pattern.match(plain):
            names = listed(kept[match.start("list") : match.end("list")])
            if len(names) >= 2 and _usable(names):
                return _made("compare", "order", names, relation="order")
    return None


def _there(kept: str, plain: str) -> Timed | None:
    match = p.TIMES_THERE.match(plain)
    names = _named(kept, match, "a", "b") if match else []
    return _made("count", "count", names, unit="mention") if names and _usable(names) else None


def _heard(kept: str, plain: str) -> Timed | None:
    """ "How often did the bell ring?": what rings is counted, however its ringing is told."""
    match = p.HEARD.match(plain)
    if match is None or re.search(rf"\b(?:{p.SAY}|{p.SCREEN}|{p.SIGHT})\b", match.group("a") or ""):
        return None  # "mention the tin whistle" ends with a thing, and no sound
    names = _named(kept, match, *(g for g in ("a", "b") if match.group(g)))
    return _made("count", "heard", names, unit="mention") if names and _usable(names) else None


def _nth(kept: str, plain: str) -> Timed | None:
    """ "When is the third example?"; not "the third mention", nor "the Second World War"."""
    from longtake.agent.reading.anchors import which_of

    which = which_of(plain)
    if not isinstance(which, int):
        return None
    named = re.search(r"\b([A-Z]\w+) (?=[A-Z])", kept)
    if named is not None and named.group(1).lower() in p.ORDINALS:
        return None
    if p.NTH_SLIDE.search(plain) and not content_words(_unordered(plain)):
        return {"kind": "shown", "op": "nth", "unit": "slide", "pick": which, "words": [],
                "sources": ["screen", "speech"]}  # fmt: skip
    if not p.WHEN.match(plain) or re.search(rf"\b(?:{p.SAY}|time|occurrence|appearance)\b", plain):
        return None
    words = [w for w in content_words(_unordered(plain)) if w not in _COUNTED]
    return {"kind": "when", "op": "nth", "pick": which, "words": words} if words else None


def _member(kept: str, plain: str) -> Timed | None:
    """ "What was the very last thing to be offered?"; what is beside something is another kind."""
    if not p.MEMBER_PICK.match(plain) or p.RELATION.match(plain):
        return None
    words = content_words(kept)
    return {"kind": "fact", "op": "member", "words": words} if words else None


_COUNTED = frozenset(
    "began begun start started take place over done break-off".split()  # noqa: SIM905
)


def _unordered(plain: str) -> str:
    """The question without its ordinal and without "last"."""
    return re.sub(rf"\b(?:{'|'.join(p.ORDINALS)}|last|to|from|penultimate|but one)\b", " ", plain)


def _state(kept: str, plain: str, wants: str | None) -> Timed | None:
    del kept
    if wants not in ("number", "person", "place") or p.YES_NO.match(plain):
        return None
    if not p.CLOCK.search(plain) and not p.NOW.search(plain):
        return None
    rest = p.NOW.sub(" ", p.CLOCK.sub(" ", plain))
    words = content_words(rest)
    if not words:
        return None
    return {"kind": "fact", "op": "state", "wants": wants, "words": words}


def _values(kept: str, plain: str) -> Timed | None:
    """ "Which tower is taller, A or B?": values to be found one by one and compared."""
    for pattern in p.MORE:
        if match := pattern.match(plain):
            groups = match.groupdict()
            if groups.get("list"):
                names = listed(kept[match.start("list") : match.end("list")])
            else:
                names = _named(kept, match, "a", "b")
            names = [re.sub(r"^(?:is|was)\s+", "", name.strip(" :")) for name in names]
            if 2 <= len(names) <= 3 and _usable(names):
                more = {k: (groups.get(k) or "").strip() for k in ("how", "what", "verb", "said")}
                difference = plain.startswith(("how much", "how many"))
                return _made("compare", "value", names, relation=more["how"] or "more",
                             compares=more | {"difference": difference})  # fmt: skip
    return None


def _made(kind: str, op: str, names: Sequence[str], **more: Any) -> Timed:
    words = content_words(names[0]) or names[0].lower().split()
    other = content_words(names[1]) or names[1].lower().split() if len(names) > 1 else None
    return {"kind": kind, "op": op, "names": list(names), "words": words, "anchor": other,
            "pick": "best"} | more  # fmt: skip
