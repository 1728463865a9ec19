"""What a standing query is to notice, read from a person's words.

>>> made = parse('tell me when he says "final exam"')
>>> made.phrases, sorted(made.channels)
(('final exam',), ['spoken'])
>>> sorted(parse("the screen goes black").channels), sorted(parse("a dog appears").channels)
(['black'], ['seen'])

Words in quotes must come as they are written; of the other words those that carry meaning must all
be held. The turns of phrase by which people ask about a video tell which channels can show it.
A negative example is read in the same way: what fits it better is not what is meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias, cast, get_args

from longtake.agent.question.patterns import EYES, SAY, SCREEN, SIGHT
from longtake.agent.reading.sorts import COLOURS
from longtake.errors import UsageError
from longtake.memory.terms import WEAK_WORDS, parse_query
from longtake.tools.topic import FUNCTION, content_words
from longtake.tools.words import tokens

Channel: TypeAlias = Literal["spoken", "screen", "seen", "sound", "black", "freeze", "cut"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)
TEXT: frozenset[Channel] = frozenset(("spoken", "screen"))
"""Channels in which words are compared with words."""
LONGEST = 400
"""Characters of a query."""

_ASKING = re.compile(
    r"^\W*(?:please\s+)?(?:(?:tell|alert|notify|warn|ping)\s+me\s+)?"
    r"(?:when(?:ever)?|if|as soon as|once)\s+",
    re.IGNORECASE,
)
_VIEW = r"(?:screen|picture|image|video|frame|stream|camera|feed|scene|shot|slide|page|view)"
_SIGNS: tuple[tuple[Channel, re.Pattern[str]], ...] = (
    ("black", re.compile(
        rf"\b{_VIEW}\b.*\b(?:black|dark|blank|blacks out)\b|\bblack(?:out| screen| frames?| picture)\b|"
        r"\b(?:goes|turns|fades|cuts) (?:to )?(?:black|dark|blank)\b")),
    ("freeze", re.compile(
        rf"\b(?:freez\w*|frozen|froze|stuck|hangs)\b|\b{_VIEW} (?:stands still|stops moving)\b")),
    ("cut", re.compile(
        rf"\b{_VIEW} (?:changes|cuts|switches)\b|\b(?:new|next|another) (?:scene|shot|slide|page)\b|"
        r"\ba cut\b|\bcuts to\b")),
    ("sound", re.compile(
        r"\b(?:silen(?:ce|t)|quiet|no sound|noisy?|loud\w*|bang|explosion|shout\w*|scream\w*|"
        r"applause|sound (?:stops|starts|returns|comes back|is gone|is lost))\b")),
)  # fmt: skip
_SAYS, _READS, _SHOWS = (re.compile(rf"\b{one}\b") for one in (SAY, SCREEN, rf"(?:{SIGHT}|{EYES})"))
_SIGNED = re.compile(
    r"\b(?:slide|screen|page|board|sign|caption|title)s? (?:says?|tells?|reads?)\b"
)
_QUIET = re.compile(r"\b(?:silen(?:ce|t)|quiet|no sound|sound (?:stops|is gone|is lost))\b")
HUES = frozenset((*COLOURS, "gray"))
"""Words for colours."""
_LOOKS = frozenset(
    """screen picture image video frame stream camera feed scene shot slide page view turns turn goes
    becomes is gets all whole entirely completely""".split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class Predicate:
    """What is to be noticed.

    Args:
        text: the person's words, without "tell me when".
        phrases: what stood in quotes; each must be there.
        terms: the words that carry meaning, in order.
        channels: where it may show.
        hue: the colour of the whole picture, if that is what is asked for.
        silence: whether it is the silence that is to be noticed, of sounds.
        nots: negative examples.
    """

    text: str
    phrases: tuple[str, ...]
    terms: tuple[str, ...]
    channels: frozenset[Channel]
    hue: str | None = None
    silence: bool = False
    nots: tuple[Predicate, ...] = ()

    @property
    def bound(self) -> tuple[bool, ...]:
        """Of each term, whether it follows the one before without a word between: a compound."""
        words = tokens(self.text)
        pairs = set(pairwise(words))
        return (False, *(pair in pairs for pair in pairwise(self.terms)))

    @property
    def things(self) -> str:
        """What is asked for in few words, for encoders of pictures."""
        return " ".join(self.terms) or " ".join(self.phrases) or self.text


def parse(text: str, negatives: Sequence[str] = (), within: Iterable[str] = ()) -> Predicate:
    """Read a query, its negative examples, and the channels that the person allows (all if none).

    Raises:
        UsageError: there is nothing to notice, or no channel by this name.
    """
    bare = _ASKING.sub("", " ".join(text.split())).rstrip(" .!?")
    if not tokens(bare) or len(bare) > LONGEST:
        raise UsageError(
            f"{text[:60]!r} says nothing that could be noticed" if len(bare) <= LONGEST
            else f"a query has at most {LONGEST} characters",
            fix='say what is to be noticed: --tell-me "the exam is announced"',
        )  # fmt: skip
    phrases, low = parse_query(bare).phrases, bare.lower()
    channels = _within(within) or _channels(low, bool(phrases))
    nots = tuple(parse(one, within=sorted(channels)) for one in negatives)
    hue = _hue(low) if "seen" in channels and not phrases else None
    terms = () if phrases else _terms(bare)
    return Predicate(bare, phrases, terms, channels, hue, bool(_QUIET.search(low)), nots)


def _within(names: Iterable[str]) -> frozenset[Channel]:
    chosen = frozenset(names)
    if wrong := sorted(chosen - set(CHANNELS)):
        raise UsageError(f"there is no channel {wrong[0]!r}", fix=f"one of {', '.join(CHANNELS)}")
    return cast("frozenset[Channel]", chosen)


def _channels(low: str, quoted: bool) -> frozenset[Channel]:
    """Where it may show, by the person's own words."""
    outside = re.sub(r"[\"“„«].*?[\"”»]|\bthe (?:words?|phrase|text)\b", " ", low)
    if not quoted:
        for channel, sign in _SIGNS:
            if sign.search(low):
                return frozenset((channel,))
    if _SIGNED.search(outside):
        return frozenset(("screen",))
    if _SAYS.search(outside):
        return frozenset(("spoken",))
    if _READS.search(outside) and (quoted or not _hue(low)):
        return frozenset(("screen",))
    if quoted:
        return TEXT
    shown = _SHOWS.search(outside) or _hue(low)
    return frozenset(("seen",)) if shown else frozenset((*TEXT, "seen"))


def _terms(bare: str) -> tuple[str, ...]:
    """The words that carry meaning; those of watching only where nothing else is left."""
    found = [word for word in content_words(bare) if word not in WEAK_WORDS] or [
        word for word in tokens(bare) if word not in FUNCTION
    ]
    return tuple(found or tokens(bare))


def _hue(low: str) -> str | None:
    """The colour, where the words speak of the picture as a whole."""
    words = [word for word in tokens(low) if word not in FUNCTION]
    hues = [word for word in words if word in HUES]
    rest = [word for word in words if word not in HUES and word not in _LOOKS]
    whole = any(word in _LOOKS for word in tokens(low))
    if len(hues) != 1 or rest or not whole:
        return None
    return "grey" if hues[0] == "gray" else hues[0]
