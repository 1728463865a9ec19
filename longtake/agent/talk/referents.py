"""What "it", "she", "they" and "there" may stand for: names and things of earlier turns.

Contract: `longtake.agent.talk.mentions` lists what a turn spoke of; `pronoun_in` finds the word of a
new question that stands for something; `ranked` scores who is meant. The rules are those of salience
ranking (Lappin and Leass, "An algorithm for pronominal anaphora resolution"): what fits in number,
gender and sort competes by its role in the answer, by how long ago it was spoken of, and by what
the verb of the new question wants. Nothing here reads a video.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from longtake.agent.question.patterns import SAY
from longtake.tools.topic import FUNCTION, content_words
from longtake.tools.words import stem

Referent = dict[str, Any]
"""``name``, ``words``, ``kind`` (person, thing, place), ``role`` (subject, asked, mention),
``plural`` and ``gender`` ("m", "f" or None)."""

ROLE = {"subject": 1.0, "asked": 0.7, "mention": 0.5}
BY_ROLE, BY_AGE, BY_VERB = 0.6, 0.3, 0.3
WRONG_NUMBER, WRONG_SORT = 0.4, 0.2
EQUAL = 0.1
"""Two that are less apart than this are equally likely."""

_WANTS = {
    "person": r"born|lives?|lived|works?|worked|stud(?:y|ied|ies)|died?|marr(?:y|ied)|wear\w*|taught|"
    r"teach\w*|age|job|profession|famil(?:y|iar)|nationality|grew up|retire[sd]?|wife|husband|hired?",
    "thing": r"costs?|price[sd]?|weighs?|weight|made|colou?rs?|sizes?|built|wide|heavy|tall|deep|"
    r"thick|contains?|taste|invented|used|broken?|repair\w*|sold|bought|last|start\w*|held|"
    r"announced|takes?|leaves?|called|run",
    "place": r"far|visit\w*|population|inhabitants|located|grow|grows|stand|stands|reach",
}


@dataclass(frozen=True, slots=True)
class Pronoun:
    """A word that stands for something: where it is, and what it may stand for."""

    word: str
    start: int
    end: int
    kinds: tuple[str, ...]
    plural: bool | None = None
    gender: str | None = None
    noun: str = ""
    """"that bridge": only what is a bridge."""


_TALKS = rf"(?:\s+(?:also|ever|first|then|just))?\s+(?:{SAY})\b"
_PASSIVE = r"\b(?:is|was|are|were|been|be)\s+(?:\w+\s+)?$"
_EXPLETIVE = re.compile(
    r"\b(?:is|was) it (?:true|possible|clear|important|necessary|worth|likely|raining|snowing)\b|"
    r"\bit (?:rains?|snows?)\b|\bwhat time is it\b"
)
_PEOPLE = {"he": "m", "him": "m", "his": "m", "she": "f", "her": "f", "hers": "f"}
_DEMONSTRATIVE = re.compile(
    r"(?:^|\b(?:is|was|are|were|does|did|do|of|about|for|with|on|in|to|by|from|like|after|before)\s+)"
    r"(?P<word>that|this|these|those)\b(?:\s+(?P<noun>[a-z]+))?|\s(?P<last>that|this|these|those)\W*$"
)


def pronoun_in(question: str) -> Pronoun | None:
    """Find the first word that stands for something spoken of before.

    Whoever talks ("what does she say …") is the speaker, and no one of an earlier turn.

    >>> pronoun_in("What does it cost?").word, pronoun_in("What does she say about it?").word
    ('it', 'it')
    >>> pronoun_in("Is there a dog?"), pronoun_in("Who lives there?").kinds
    (None, ('place',))
    """
    low = question.lower()
    if _EXPLETIVE.search(low):
        return None
    for match in re.finditer(r"\b(?:it|its|he|him|his|she|her|hers|they|them|their|there)\b", low):
        word = match.group()
        if word == "there":
            if not _existential(low, match):
                return Pronoun(word, match.start(), match.end(), ("place",))
            continue
        talks = re.match(_TALKS, low[match.end() :]) and not re.search(
            _PASSIVE, low[: match.start()]
        )
        if talks and word in ("it", "he", "she", "they"):
            continue
        if word in ("it", "its"):
            return Pronoun(word, match.start(), match.end(), ("thing", "place"), plural=False)
        if word in _PEOPLE:
            return Pronoun(word, match.start(), match.end(), ("person",), False, _PEOPLE[word])
        return Pronoun(word, match.start(), match.end(), ("thing", "person"), plural=True)
    return _demonstrative(low)


def _existential(low: str, match: re.Match[str]) -> bool:
    around = low[: match.start()].split()[-1:] + low[match.end() :].split()[:1]
    return bool(set(around) & {"is", "are", "was", "were", "be", "been", "will", "has", "have"})


def _demonstrative(low: str) -> Pronoun | None:
    match = _DEMONSTRATIVE.search(low)
    if match is None:
        return None
    noun, group = match.group("noun") or "", "word" if match.group("word") else "last"
    plural = match.group(group) in ("these", "those")
    named = bool(noun) and noun in content_words(noun)
    verbal = noun.endswith(("ed", "ing"))
    if noun and not named and not verbal and noun not in FUNCTION:
        return None  # "that slide", "this lecture": a place in the video, and nothing told of
    done = re.search(r"\b(?:does|did|do)\s+$", low[: match.start(group)])
    whole = named and not verbal and not done
    end = match.end("noun") if whole else match.end(group)
    kinds = ("thing", "place", "person")
    return Pronoun(
        match.group(group),
        match.start(group),
        end,
        kinds,
        plural or None,
        None,
        noun if whole else "",
    )


def fits(pronoun: Pronoun, one: Referent) -> bool:
    """Whether a referent is of the gender and sort that the word demands."""
    if pronoun.noun:
        return stem(pronoun.noun) in {stem(word) for word in one["words"]}
    if pronoun.gender and (one["plural"] or one["gender"] not in (None, pronoun.gender)):
        return False
    return one["kind"] in pronoun.kinds or (not pronoun.gender and _may_be_a_firm(one))


def _may_be_a_firm(one: Referent) -> bool:
    """A lone name that answers "who?" and is no known person's may be that of a firm or a club."""
    return (
        one["kind"] == "person" and len(one["words"]) == 1 and not (one["gender"] or one["plural"])
    )


def ranked(
    pronoun: Pronoun, turns: Sequence[dict[str, Any]], question: str
) -> list[tuple[float, Referent]]:
    """Score what earlier turns spoke of, likeliest first; ties by the order they were told in.

    Each gets ``age``: 0 for what the latest turn spoke of.
    """
    low = question.lower()
    wanted = [kind for kind, verbs in _WANTS.items() if re.search(rf"\b(?:{verbs})\b", low)]
    scored: dict[str, tuple[float, int, Referent]] = {}
    for age, turn in enumerate(reversed(turns)):
        for one in turn.get("referents") or []:
            if not fits(pronoun, one):
                continue
            score = BY_ROLE * ROLE[one["role"]] + BY_AGE * 0.5**age
            score += BY_VERB * (0.5 if not wanted else float(one["kind"] in wanted))
            if pronoun.plural is not None and pronoun.plural != one["plural"]:
                score -= WRONG_NUMBER
            score -= _wrong_sort(pronoun, one)
            key = " ".join(one["words"])
            if key not in scored or score > scored[key][0]:
                scored[key] = (round(score, 4), len(scored), dict(one) | {"age": age})
    rows = sorted(scored.values(), key=lambda row: (-row[0], row[1]))
    return [(score, one) for score, _, one in rows]


def _wrong_sort(pronoun: Pronoun, one: Referent) -> float:
    """What it costs a referent to be of another sort than the word means first of all."""
    if pronoun.noun or pronoun.plural or len(pronoun.kinds) > 2 or pronoun.kinds[0] == one["kind"]:
        return 0.0
    return WRONG_SORT / 2 if one["kind"] == "place" else WRONG_SORT


def put(question: str, pronoun: Pronoun, one: Referent) -> str:
    """The question with the name in place of the word that stands for it.

    >>> it = {"name": "the old ferry"}
    >>> put("What does it cost?", pronoun_in("What does it cost?"), it)
    'What does the old ferry cost?'
    """
    return question[: pronoun.start] + str(one["name"]) + question[pronoun.end :]
