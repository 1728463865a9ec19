"""Questions about this very moment: which they are, and what they ask for without the word "now".

A cue makes a question one about now: "right now", "at the moment", "currently", "the current
slide". Only those in the present tense are meant, and none that speak of a stretch up to now
("so far", "until now", "since") or of another time. What the moment is depends on who asks: of a
video that is being followed it is the newest there is, as of a time it is that time, and a
finished video has none, so that the word keeps its plain sense.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from longtake.agent.question.classify import classify
from longtake.agent.state import Part
from longtake.timecode import Seconds

LASTS: Seconds = 8.0
"""Seconds that the moment lasts as of a time: those of the now-window."""
_CUE = re.compile(
    r"\b(?:right now|just now|now|at (?:the|this) (?:very )?moment|currently|at present|presently|"
    r"(?:at |in )?this (?:very )?(?:second|instant|minute))\b"
)
_CURRENT = re.compile(r"\b(?:the )?current (?=\w)")
_NOT = re.compile(
    r"^now\b[, ]|\b(?:now (?:and|that)|(?:until|till|up to|by|before|from|for|every) now)\b|"
    r"\b(?:was|were|did|had|has|have|will|ago|since|so far|earlier|yesterday|changed?|how long|how often|"
    r"when|before|after)\b|\b\d{1,2}:\d{2}\b"
)
_KINDS = ("said", "shown", "fact", "at_time", "exists", "count")
_HAPPENS = re.compile(r"^what(?:'s| is)? (?:happening|going on|up|there to see)\b|^what\W*$")


def cue_in(text: str) -> str | None:
    """The question without its cue for now; None where it is about another time.

    >>> cue_in("What does the slide say right now?"), cue_in("Is it raining at the moment?")
    ('What does the slide say?', 'Is it raining?')
    >>> cue_in("What was said until now?"), cue_in("Now, when is the exam?")
    (None, None)
    """
    low = text.lower()
    if _NOT.search(low):
        return None
    found = _CUE.search(low)
    if found is not None:
        kept = text[: found.start()].rstrip(" ,") + text[found.end() :]
        return re.sub(r"\s+", " ", kept).strip()
    found = _CURRENT.search(low)
    return text[: found.start()] + "the " + text[found.end() :] if found else None


def channels(part: Part) -> list[str]:
    """What may answer a part about now, in the order in which it is asked.

    Where a question says nothing of where, the picture is asked first: one is looked at sooner than
    a sentence is heard. One that asks for words spoken is not answered by a slide, nor a slide by
    words. The memory, which is asked after, goes by all of the part's sources.
    """
    sources: list[str] = part["sources"][:1] if part["strict"] else list(part["sources"])
    if part["even"]:
        return sorted(sources, key=lambda source: source == "speech")
    heard = sources[0] == "speech"
    return ["speech"] if heard else [source for source in sources if source != "speech"]


def about_now(parts: Sequence[Part], at: Seconds | None) -> list[Part]:
    """Mark the parts that ask about now; as of a time `at`, bind them to that time.

    A marked part has ``now``: the part as it was read before, for when nothing of it is in sight.
    """
    return [_marked(part, at) or part for part in parts]


def _marked(part: Part, at: Seconds | None) -> Part | None:
    bare = None if part.get("options") else cue_in(part["text"])
    if bare is None:
        return None
    made = classify(bare)
    if len(made) != 1 or made[0]["kind"] not in _KINDS or made[0].get("anchor"):
        return None
    one = dict(made[0]) | {"follows": False, "op": None, "text": part["text"]}
    if _HAPPENS.search(bare.lower()):
        one |= {"kind": "at_time", "words": [], "even": True}
    if at is None:
        return one | {"now": _plain(part)}
    if one["words"]:
        return None
    only = not one["even"]
    window = [max(0.0, at - LASTS), at]
    return one | {"kind": "at_time", "window": window, "point": max(0.0, at - 0.25), "only": only}


def _plain(part: Part) -> Part:
    """The part as it was, less the words that only say that it is about now."""
    low = part["text"].lower()
    cues = {"current", *re.findall(r"\w+", " ".join(_CUE.findall(low)))}
    return dict(part) | {"words": [word for word in part["words"] if word not in cues]}
