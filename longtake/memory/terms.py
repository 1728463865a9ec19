"""What a query asks for: content words, quoted phrases and a stretch of time.

Plain code, no model. `parse_query` takes a question apart::

    >>> query = parse_query('when does he say "attention sinks" after 10 minutes?', 3600.0)
    >>> query.terms, query.phrases, query.span
    (('attention', 'sinks'), ('attention sinks',), Span(start=600.0, end=3600.0))

Words are compared by `stem`, a light suffix stripper that treats inflections alike; it only has
to agree with itself. Words are whole words: "last" is never found inside "plastic".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from longtake.memory.when import parse_when
from longtake.models.protocols import Image
from longtake.timecode import Seconds, Span

STOP_WORDS = frozenset(
    """
    a about above after again against ah all also am an and any anyway are aren't as at back be
    because been before being below between both but by can can't cannot could couldn't did
    didn't do does doesn't doing don't down during each either else er even ever every few for
    from further get gets getting go goes going gonna got had hadn't has hasn't have haven't
    having he he's her here here's hers herself hi him himself his hmm how i i'd i'll i'm i've
    if in into is isn't it it's its itself just kind know let let's like ll look lot made make
    makes many maybe me mean might more most much must my myself no nor not now of off oh ok
    okay on once one only onto or other our ours ourselves out over own per please quite rather
    re really right said same say see she she's should shouldn't so some something sort such
    sure take than that that's the their theirs them themselves then there there's these they
    they're thing things think this those though through thus to too uh um under until up upon
    us use used using ve very want was wasn't we we'll we're we've well went were weren't what
    what's when where which while who whom whose why will with within without won't would
    wouldn't yeah yes yet you you'll you're you've your yours yourself yourselves s t d m
    """.split()  # noqa: SIM905  (a table reads better than a list of 300 strings)
)
"""English function words and fillers of speech."""

WEAK_WORDS = frozenset(
    """
    anybody anyone anything appear appeared appears asked beginning camera chapter clip clips describe
    described discuss discussed discusses displayed ending explain explained explains film
    find first footage frame happen happened happening happens last mention mentioned mentions
    minute minutes moment moments movie namely name part picture point recording says saying
    scene scenes screen second seconds seen sees show showed showing shown shows slide slides
    somebody someone speaker speakers spoke spoken talk talked talking talks tell tells text
    time times told video videos visible word words written
    """.split()  # noqa: SIM905
)
"""Words of asking about a video: they say where to look, not for what, unless alone."""

_WORD = re.compile(r"\d+(?:[.,:/]\d+)+|\w+(?:['’]\w+)?")
_QUOTED = re.compile(r"[\"“”„«»]([^\"“”„«»]{2,80})[\"“”„«»]|(?<!\w)['‘]([^'‘’]{2,80})['’](?!\w)")
_SUFFIXES = ("ations", "ation", "ings", "ing", "edly", "ied", "ies", "ers", "ed", "es", "er", "ly")


@dataclass(frozen=True, slots=True)
class Query:
    """A question taken apart; `text` is the question without its time expression.

    `picture` is what the moments sought look like, if the search was given one.
    """

    text: str
    terms: tuple[str, ...]
    phrases: tuple[str, ...] = ()
    span: Span | None = None
    picture: Image | None = field(default=None, compare=False)


def words_of(text: str) -> list[str]:
    """Return the lower-case words and numbers of a text, in order.

    >>> words_of("It's 3.5 GB, k8v4!")
    ["it's", '3.5', 'gb', 'k8v4']
    """
    return [word.replace("’", "'") for word in _WORD.findall(text.lower())]


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Return what a word shares with its inflections.

    >>> stem("announces") == stem("announced") == stem("announcing")
    True
    >>> stem("sinks") == stem("sink"), stem("bus"), stem("123")
    (True, 'bus', '123')
    """
    word = word.removesuffix("'s").replace("'", "")
    if len(word) <= 3 or not word.isalpha():
        return word
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            return _tidy(word.removesuffix(suffix) + ("y" if suffix in ("ied", "ies") else ""))
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    return _tidy(word)


def _tidy(root: str) -> str:
    """Undo a doubled consonant and a final e, so `stopped` meets `stop` and `noted` `note`."""
    if len(root) > 3 and root[-1] == root[-2] and root[-1] not in "aeiouls":
        root = root[:-1]
    return root[:-1] if len(root) > 3 and root.endswith("e") else root


def stems_of(text: str) -> list[str]:
    """Return the stems of the words of a text, in order."""
    return [stem(word) for word in words_of(text)]


def content_words(words: Iterable[str]) -> list[str]:
    """Keep what carries meaning: no function words, no single letters; numbers stay.

    Words of asking ("slide", "mentioned") go too, unless nothing else is left.
    """
    kept = [w for w in words if w not in STOP_WORDS and (len(w) > 1 or w.isdigit())]
    return [w for w in kept if w not in WEAK_WORDS] or kept


def parse_query(text: str, duration: Seconds | None = None) -> Query:
    """Take a question apart; without `duration`, times counted from the end are not read."""
    phrases = tuple(
        " ".join((a or b).split()) for a, b in _QUOTED.findall(text) if words_of(a or b)
    )
    quoted = [match.span() for match in _QUOTED.finditer(text)]
    when = parse_when(text, duration, keep=quoted)
    bare = " ".join(when.rest.split()) if when else " ".join(text.split())
    words = words_of(bare)
    inside = [word for phrase in phrases for word in words_of(phrase)]
    terms = content_words(words) or words
    terms += [word for word in inside if word not in terms and word not in STOP_WORDS]
    return Query(bare, tuple(dict.fromkeys(terms)), phrases, when.span if when else None)
