"""What "it", "she", "they" and "there" may stand for: names and things of earlier turns.

Contract: `referents_of` lists what a turn spoke of, as JSON; `pronoun_in` finds the word of a new
question that stands for something; `ranked` scores who is meant. The rules are those of salience
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
from longtake.agent.reading.extract import headline, sentences
from longtake.agent.state import Finding, Part
from longtake.agent.talk.given_names import FEMALE, MALE
from longtake.tools.topic import FUNCTION, WATCHING, content_words
from longtake.tools.words import stem, tokens

Referent = dict[str, Any]
"""``name``, ``words``, ``kind`` (person, thing, place), ``role`` (subject, asked, mention),
``plural`` and ``gender`` ("m", "f" or None)."""

ROLE = {"subject": 1.0, "asked": 0.7, "mention": 0.5}
BY_ROLE, BY_AGE, BY_VERB = 0.6, 0.3, 0.15
WRONG_NUMBER, WRONG_SORT = 0.25, 0.2
EQUAL = 0.1
"""Two that are less apart than this are equally likely."""
_MOST = 12

_TITLE = r"(?:Dr|Prof|Professor|Mr|Mrs|Ms|Miss|Sir|Lady|King|Queen|Captain|Saint|Pope)"
_CAPITAL = r"[A-ZÀ-Þ][\w’'-]*[a-zà-ÿ]"
_NAME = re.compile(
    rf"\b(?:{_TITLE}\.?\s)?{_CAPITAL}(?:\s(?:(?:van|von|de|of|the)\s)?{_CAPITAL}){{0,3}}"
)
_PAIR = re.compile(rf"\b({_CAPITAL}(?:\s{_CAPITAL})*) and ({_CAPITAL}(?:\s{_CAPITAL})*)")
_PLACED = re.compile(r"\b(?:in|at|near|from|to|into|inside|outside|behind|around)\s+(?:the\s+)?$")
_LEADING = re.compile(
    r"^(?:Here is |This is |There is |It is )?(?:the|a|an|our|my|his|her|its)\s+(.+)", re.IGNORECASE
)
_SPOT = re.compile(r"\b(?:in|at|near|inside|behind|from|to)\s+the\s+((?:[a-z]+\s)?[a-z]{3,})\b")

_NOT_NAMES = frozenset(
    """i the a an it this that these those we you he she they so but and now in on at monday tuesday
    wednesday thursday friday saturday sunday january february march april may june july august
    september october november december ok okay here there then welcome thank please today
    our my his her its when what where who why how if as for after before yes no""".split()  # noqa: SIM905
)
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
    if pronoun.gender and one["gender"] not in (None, pronoun.gender):
        return False
    return one["kind"] in pronoun.kinds


def ranked(
    pronoun: Pronoun, turns: Sequence[dict[str, Any]], question: str
) -> list[tuple[float, Referent]]:
    """Score what earlier turns spoke of, likeliest first; ties by the order they were told in."""
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
            if pronoun.kinds[0] != one["kind"] and not pronoun.noun:
                score -= WRONG_SORT * (len(pronoun.kinds) < 3)
            key = " ".join(one["words"])
            if key not in scored or score > scored[key][0]:
                scored[key] = (round(score, 4), len(scored), one)
    rows = sorted(scored.values(), key=lambda row: (-row[0], row[1]))
    return [(score, one) for score, _, one in rows]


def put(question: str, pronoun: Pronoun, one: Referent) -> str:
    """The question with the name in place of the word that stands for it.

    >>> it = {"name": "the old ferry"}
    >>> put("What does it cost?", pronoun_in("What does it cost?"), it)
    'What does the old ferry cost?'
    """
    return question[: pronoun.start] + str(one["name"]) + question[pronoun.end :]


# -- what a turn spoke of -------------------------------------------------------------------


def referents_of(part: Part, found: Finding) -> list[Referent]:
    """List what a turn spoke of: its answer, its topic, and the names its evidence holds."""
    quotes = [str(e["quote"]) for e in found["evidence"][:3]]
    topic, answers = topic_of(part), _answers(part, found, quotes)
    first = answers[0] if answers else None
    if topic and first and _one_thing(part, topic, first):
        first["words"] = list(dict.fromkeys([*topic["words"], *first["words"]]))
        topic = None
    if topic is not None:
        topic["role"] = "asked" if first and first["role"] == "subject" else "subject"
    made = [*answers, *([topic] if topic else [])]
    for quote in quotes:
        made += _named(quote, part)
    kept: dict[str, Referent] = {}
    for one in made:
        named = set(one["words"])
        if not any(named <= set(other["words"]) and not _joint(other) for other in kept.values()):
            kept.setdefault(" ".join(one["words"]), one)
    return list(kept.values())[:_MOST]


def _joint(one: Referent) -> bool:
    return " and " in one["name"]


def referent(name: str, kind: str, role: str, context: str = "") -> Referent:
    """One thing spoken of."""
    words = [w for w in tokens(name) if w not in FUNCTION] or tokens(name)
    last = words[-1] if words else ""
    plural = kind != "person" and last.endswith("s") and not last.endswith(("ss", "us", "is"))
    return {"name": name, "words": words, "kind": kind, "role": role,
            "plural": plural or " and " in name, "gender": gender_of(name, context)}  # fmt: skip


def gender_of(name: str, context: str = "") -> str | None:
    """Tell by title, first name or the pronouns around it; None when nothing tells."""
    words = set(tokens(name))
    if words & FEMALE or words & MALE:
        return "f" if words & FEMALE else "m"
    around = set(tokens(context))
    she, he = bool(around & {"she", "her", "hers"}), bool(around & {"he", "his", "him"})
    return ("f" if she else "m") if she != he else None


def topic_of(part: Part) -> Referent | None:
    """The question's own topic, as a phrase."""
    words = list(part["words"] or part["anchor"] or [])
    if not words or part["kind"] in ("at_time", "choice", "summary", "highlights", "unsupported"):
        return None
    text = part["text"]
    names = [n for m in _NAME.finditer(text[1:]) if (n := _trimmed(m.group()))
             and set(tokens(n)) <= {*words, *tokens(part.get("referent") or "")}]  # fmt: skip
    if names:
        return referent(names[0], _kind_of(names[0], text, part), "asked")
    nouns = next((p for p in phrases(text) if set(p) & set(words)), None) or words
    return referent("the " + " ".join(nouns), "thing", "asked")


_ARTICLE = frozenset("the a an this that these those his her its their our my".split())  # noqa: SIM905


def phrases(question: str) -> list[list[str]]:
    """Runs of content words after an article; those after "about" and "of" first.

    In "does the old ferry leave the quay" the last word of the first run is the verb.
    """
    low = tokens(question)
    found: list[tuple[bool, list[str]]] = []
    for n, word in enumerate(low):
        if word not in _ARTICLE or (n and low[n - 1] in _ARTICLE):
            continue
        run: list[str] = []
        for other in low[n + 1 : n + 5]:
            if other in FUNCTION:
                break
            run.append(other)
        ends = n + 1 + len(run)
        verb = n and low[n - 1] in ("does", "do", "did") and len(run) > 1
        passive = (
            n and low[n - 1] in ("is", "was", "are", "were") and len(run) > 1 and ends <= len(low)
        )
        kept = [w for w in (run[:-1] if verb or passive else run) if w not in WATCHING]
        if kept:
            found.append((not (n and low[n - 1] in ("about", "on", "of")), kept))
    return [run for _, run in sorted(found, key=lambda one: one[0])]


def _answers(part: Part, found: Finding, quotes: Sequence[str]) -> list[Referent]:
    """What the answer is: its short form, those named with it, or what its sentence begins with."""
    short, wants = found.get("short"), part.get("wants")
    spoken = [e["quote"] for e in found["evidence"][:3] if e["source"] == "speech"]
    quote = spoken[0] if spoken else quotes[0] if quotes else ""
    said = _answering(part, quote)
    if short and wants == "place":
        return [referent(str(short), "place", "subject")]
    if short and wants == "person":
        return _joined(str(short), said) or [referent(str(short), "person", "subject", quote)]
    if not quote:
        return []
    asks = bool(re.match(r"^(?:and |so )*(?:what|which|who|whose)\b", part["text"].lower()))
    asks = asks and part["kind"] == "fact" and wants is None
    asked = {stem(w) for w in part["words"]}
    names = [one for one in _named(said, part) if not one["name"].startswith("the ")
             and not {stem(w) for w in one["words"]} & asked]  # fmt: skip
    if asks and names and _CALLED.search(part["text"].lower()):
        return [names[0] | {"role": "subject"}]
    leading = _subject(said)
    if leading is None:
        return [names[0] | {"role": "subject"}] if asks and names else []
    overlap = {stem(w) for w in leading["words"]} & asked
    return [leading | {"role": "subject" if overlap or asks else "mention"}]


_CALLED = re.compile(r"\b(?:called|named|titled|name of|title of)\b")


def _joined(short: str, said: str) -> list[Referent]:
    """Two people named in one breath are both the answer, each and together."""
    pair = next((m for m in _PAIR.finditer(said) if short in m.groups()), None)
    if pair is None:
        return []
    each = [referent(name, "person", "subject") for name in pair.groups()]
    both = referent(f"{pair.group(1)} and {pair.group(2)}", "person", "subject")
    return [*each, both | {"gender": None}]


def _answering(part: Part, quote: str) -> str:
    roots = {stem(word) for word in part["words"]}
    pieces = sentences(quote) or [quote]
    return max(pieces, key=lambda piece: len(roots & {stem(w) for w in tokens(piece)}))


def _one_thing(part: Part, topic: Referent, answer: Referent) -> bool:
    """Whether question and answer speak of the same thing: "what is X called?", or one name."""
    if {stem(w) for w in topic["words"]} & {stem(w) for w in answer["words"]}:
        return True
    return bool(_CALLED.search(part["text"].lower()))


def _subject(text: str) -> Referent | None:
    """The noun phrase that a sentence begins with: "The old ferry leaves", "Fresh herring is sold"."""
    match = _LEADING.match(text.strip())
    bare = None if match else _BARE.match(text.strip())
    if bare is not None:
        return referent(bare.group(1).lower(), "thing", "mention")
    words: list[str] = []
    for word in re.findall(r"[\w’'-]+|[,.;:!?]", match.group(1))[:5] if match else []:
        verbal = bool(words) and word.endswith(("s", "ed")) and not word.endswith("ss")
        if not word[0].isalnum() or word.lower() in FUNCTION or verbal:
            break
        words.append(word)
    return referent("the " + " ".join(words[:3]), "thing", "mention") if words else None


_BARE = re.compile(r"^([A-Z][a-z]+(?: [a-z]+)?) (?:is|are|was|were) ")


def names_in(text: str) -> list[str]:
    """Names that a text holds; a lone capital at its beginning is none.

    >>> names_in("There it was Clara Lindqvist who spoke of Marsund.")
    ['Clara Lindqvist', 'Marsund']
    """
    found = _named(text, {"wants": None})
    return [one["name"] for one in found if not one["name"].startswith("the ")]


def _named(quote: str, part: Part) -> list[Referent]:
    """Names that a quotation holds, and the places it puts things in."""
    if headline(quote):
        return []
    found = []
    for match in _NAME.finditer(quote):
        name = _trimmed(match.group())
        first = match.start() == 0 or bool(re.search(r"[.!?:“]\s*$", quote[: match.start()]))
        lone = " " not in name and not set(tokens(name)) & (FEMALE | MALE)
        if not name or (first and lone):
            continue
        found.append(referent(name, _kind_of(name, quote, part), "mention", quote))
    found += [referent("the " + m.group(1), "place", "mention") for m in _SPOT.finditer(quote)]
    return found


def _trimmed(name: str) -> str:
    """A run of capitals without a sentence's first word: "When Anna" is Anna."""
    pieces = name.split()
    while pieces and pieces[0].lower() in _NOT_NAMES:
        pieces.pop(0)
    while pieces and pieces[-1].lower() in _NOT_NAMES:
        pieces.pop()
    return " ".join(pieces)


def _kind_of(name: str, text: str, part: Part) -> str:
    """Person, place or thing, by title, first name and what stands before it."""
    words = set(tokens(name))
    titled = re.match(rf"{_TITLE}\b", name)
    if titled or words & (FEMALE | MALE):
        return "person"
    if _PLACED.search(text[: max(0, text.find(name))].lower()):
        return "place"
    return "person" if part.get("wants") == "person" and " " in name else "thing"
