"""Questions about the whole: what is asked for, how long, of which part, about what.

``whole_kind(low)`` reads the lower-case text of a question and returns None, or a dict::

    {"kind": "summary" | "highlights", "about": str, "sentences": int | None, "words": int | None,
     "when": [low, high] | None, "half": 1 | 2 | None, "section": str, "n": int | None,
     "spoken": bool, "outline": bool}

`about` and `section` are words of the question; `when` is in seconds, a missing end is `FOREVER`,
a negative start counts from the end. Whether such times are in the video is seen when it is
answered. Rules only, each with an example in the tests.
"""

from __future__ import annotations

import re
from typing import Any

from longtake.errors import UsageError
from longtake.memory.when import parse_when
from longtake.timecode import parse_time

FOREVER = 1e9
_NUMBERS = {
    name: n
    for n, name in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve".split()  # noqa: SIM905
    )
} | {"a": 1, "couple of": 2, "few": 3, "fifteen": 15, "twenty": 20, "thirty": 30, "fifty": 50, "hundred": 100}  # fmt: skip
_N = r"(?:\d+|" + "|".join(sorted(_NUMBERS, key=len, reverse=True)) + r")"
_FILM = (
    r"(?:videos?|lectures?|recordings?|talks?|meetings?|films?|movies?|clips?|presentations?|stream|"
    r"session|day|course|seminar|footage|whole thing|everything|it all|this|it|them|happen(?:s|ed))"
)
_LEAD = r"^\W*(?:please |can you |could you |would you |and |so |now |then )*"
_SUMMARY = re.compile(
    _LEAD + r"(?:(?:briefly |quickly |shortly )?(?:summari[sz]e|sum up|recap|outline)\b|"
    r"(?:give|show|tell|write|make)(?: me| us)? (?:a |an |the )?(?:\w+[- ]){0,3}?"
    r"(?:summary|overview|outline|synopsis|recap|digest|gist|tl;?dr)\b|"
    r"(?:summary|overview|outline|synopsis|recap|tl;?dr|gist)\b|"
    r"catch me up|bring me up to (?:date|speed)|get me up to speed|"
    r"what (?:did|have|has) i (?:miss|missed)\b|what happened (?:since|while i was)|"
    r"what's (?:the gist|new since)|what is (?:the gist|new since))"
)
_HIGHLIGHTS = re.compile(
    r"\bhighlights\b|\bhighlight (?:of|reel)\b|"
    r"\b(?:most|more) (?:important|interesting|exciting|memorable|remarkable|relevant) "
    r"(?:moments?|parts?|points?|scenes?|things?|bits?)|"
    rf"\b(?:best|key|top|main) (?:{_N} )?(?:moments|scenes|bits)\b"
)
_ASKS_FOR = re.compile(
    _LEAD
    + r"(?:(?:give|show|tell|list|find|play|pick|make|name|get|what (?:are|were)|which (?:are|were)|"
    rf"the|top|best|key|highlights?|{_N})\b)"
)
_LENGTH = re.compile(
    rf"\b(?:in|using|with|within|of|at most|no more than|under|up to|max(?:imum)?) (?:at most |about |"
    rf"around |exactly |only |just |no more than |fewer than |less than )?(?:a )?(?!a[- ])({_N})[- ](?:\w+ )?"
    r"(sentences?|words?|lines?|bullets?|bullet points?|points?|seconds?|minutes?)\b"
)
_ADJECTIVE = re.compile(rf"\b({_N})[- ](sentence|word|line|bullet|point|second|minute)\b")
_ABOUT = re.compile(
    r"\b(?:about|on the (?:subject|topic|question) of|concerning|regarding|related to|to do with|"
    r"with respect to|of the part about)\s+(.+)$"
)
_OBJECT = re.compile(
    r"\b(?:summari[sz]e|sum up|recap|outline)\s+(?:for me\s+)?(?:everything |all |what (?:is|was) |what )?(.+)$"
)
_SECTION = re.compile(
    r"\bthe (?:chapter|section|part|segment|bit|passage) (?:on|about|called|titled|named|dealing with)"
    r"\s+(.+)$|\bthe (?!(?:first|second|third|last|next|whole)\b)([\w' -]+?) (?:chapter|section|segment)\b"
)
_HALF = re.compile(r"\b(?:the )?(first|second|last|other|latter) half\b")
_SINCE = re.compile(
    r"\bsince (?:minute )?((?:\d+:)?\d+:\d{2}(?:\.\d+)?|\d+(?:\.\d+)?\s*(?:h|m|s|min|sec)?)\b"
)
_LAST = re.compile(rf"\b(?:the )?(?:last|past|previous) ({_N}) ?(seconds?|minutes?|hours?)\b")
_FROM = re.compile(
    r"\b(?:from|between) ((?:\d+:)?\d+:\d{2}) (?:to|and|until|till|-) ((?:\d+:)?\d+:\d{2})\b"
)
_OUTLINE = re.compile(
    r"\boutline\b|\bchapters\b|\bwhat (?:are|were) the (?:\w+ )?(?:topics|subjects|sections|parts)\b|"
    r"\bwhat (?:topics|subjects)\b|\btable of contents\b"
)
_SPOKEN = re.compile(
    r"\b(?:says?|said|talks?|talked|speaks?|spoke|tells?|told|explains?|explained|mentions?)\b"
)
_TRAIL = re.compile(
    r"[\s,]*\b(?:in|using|with|within|of|at most|no more than|under|up to) (?:at most |about |only |just )?"
    rf"(?:a )?{_N}[- ](?:\w+ )?(?:sentences?|words?|lines?|bullets?|bullet points?|points?|seconds?|minutes?)\b.*$|"
    r"[\s,]*\b(?:please|briefly|shortly|in detail|for me|so far|in short)\W*$|"
    rf"[\s,]*\b(?:in|of|from|during|throughout) (?:the|this) (?:whole |entire )?{_FILM}\b\W*$"
)


def whole_kind(low: str) -> dict[str, Any] | None:
    """Say what kind of summary or highlights a question wants; None for any other question.

    >>> whole_kind("summarise what she says about honey bees in two sentences")["about"]
    'honey bees'
    >>> whole_kind("what is the exam about?") is None
    True
    """
    low = " ".join(low.replace("’", "'").split()).strip(" ?.!")
    kind = _kind(low)
    return read(low, kind) if kind is not None else None


def read(low: str, kind: str = "summary") -> dict[str, Any]:
    """Read length, stretch and topic of a request whose kind is known."""
    low = " ".join(low.replace("’", "'").split()).strip(" ?.!")
    made: dict[str, Any] = {"kind": kind, "n": _count(low) if kind == "highlights" else None}
    made |= _length(low) | _when(low)
    made |= _topic(low, kind)
    made["spoken"] = bool(made["about"] and _SPOKEN.search(low))
    made["outline"] = bool(_OUTLINE.search(low))
    return made


def _kind(low: str) -> str | None:
    if _HIGHLIGHTS.search(low) and _ASKS_FOR.search(low):
        return "highlights"
    return "summary" if _SUMMARY.search(low) else None


def _number(text: str) -> int:
    return int(text) if text.isdigit() else _NUMBERS[text]


def _count(low: str) -> int | None:
    bare = _LENGTH.sub(" ", low)
    match = re.search(
        rf"\b({_N}) (?:\w+ ){{0,2}}?(?:highlights?|moments?|parts?|points?|scenes?|things?|bits?)\b", bare
    )  # fmt: skip
    return _number(match.group(1)) if match and match.group(1) != "a" else None


def _length(low: str) -> dict[str, Any]:
    """How long: in sentences (lines, bullets) or words; time becomes words read aloud."""
    made: dict[str, Any] = {"sentences": None, "words": None}
    match = _LENGTH.search(low) or _ADJECTIVE.search(low)
    if match:
        n, unit = _number(match.group(1)), match.group(2)
        if unit.startswith("word"):
            made["words"] = n
        elif unit.startswith(("second", "minute")):
            made["words"] = round(2.5 * n * (60 if unit.startswith("minute") else 1))
        else:
            made["sentences"] = n
    elif re.search(r"\bin (?:one|a single) sentence\b", low):
        made["sentences"] = 1
    elif re.search(r"\b(?:tl;?dr|gist|briefly|shortly|in short|brief|short|quick)\b", low):
        made["sentences"] = 3
    return made


def _when(low: str) -> dict[str, Any]:
    """Which stretch: two times, since a time, the last so long, or a half."""
    made: dict[str, Any] = {"when": None, "half": None}
    bare = _LENGTH.sub(" ", low)
    if match := _FROM.search(bare):
        times = sorted(parse_time(one) for one in match.groups())
        return made | {"when": times}
    if match := _SINCE.search(bare):
        return made | {"when": [_seconds(match.group(1)), FOREVER]}
    if match := _LAST.search(bare):
        unit = {"s": 1.0, "m": 60.0, "h": 3600.0}[match.group(2)[0]]
        return made | {"when": [-unit * _number(match.group(1)), FOREVER]}
    if match := _HALF.search(bare):
        return made | {"half": 1 if match.group(1) == "first" else 2}
    if found := parse_when(bare):
        return made | {"when": [found.span.start, found.span.end]}
    return made


def _seconds(text: str) -> float:
    """A time as written after "since"; a bare number is minutes.

    >>> _seconds("40"), _seconds("00:40:00")
    (2400.0, 2400.0)
    """
    bare = text.replace(" ", "").replace("min", "m").replace("sec", "s")
    try:
        return 60.0 * float(bare) if bare.replace(".", "").isdigit() else parse_time(bare)
    except UsageError:
        return 0.0


def _topic(low: str, kind: str) -> dict[str, Any]:
    """What it is to be about, and whether a part of the video is named."""
    if match := _SECTION.search(low):
        return {"about": "", "section": _bare(match.group(1) or match.group(2))}
    found = ""
    if (match := _ABOUT.search(low)) or (kind == "summary" and (match := _OBJECT.search(low))):
        found = _bare(match.group(1))
    if re.fullmatch(
        rf"(?:the |this |that |these |those |whole |entire |full |all |both |of )*{_FILM}?(?: so far)?",
        found,
    ):
        found = ""
    return {"about": found, "section": ""}


def _bare(text: str) -> str:
    """A topic without what is said of length, time and the film around it."""
    for pattern in (_FROM, _SINCE, _LAST, _HALF):
        text = pattern.sub(" ", text)
    found = parse_when(text)
    text = found.rest if found else text
    before = None
    while before != text:
        before = text
        text = _TRAIL.sub("", text).strip(" ,?.!")
    text = re.sub(
        r"^(?:the |a |an )?(?:topic|subject|theme|discussion|explanation|story|history) of\s+",
        "",
        text,
    )
    text = re.sub(r"\b(?:of|in|from|during|between)\W*$", "", text).strip(" ,")
    text = re.sub(
        r"^(?:(?:he|she|they|the (?:speaker|lecturer|professor)) )?(?:says?|said|talks?|tells?)\s+(?:about\s+)?",
        "",
        text,
    )
    return re.sub(r"^(?:the|a|an|of)\s+", "", text).strip()
