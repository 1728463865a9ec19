"""What a turn spoke of: its answer, its topic, and the names its evidence holds.

Contract: `referents_of(part, found)` lists them as JSON, for `longtake.agent.talk.referents` to
choose from when a later question says "it", "she" or "there". The answer itself is told by its
short form or by its focus (`longtake.agent.talk.focus`). Nothing here reads a video.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from longtake.agent.reading.extract import headline, sentences
from longtake.agent.state import Finding, Part
from longtake.agent.talk.focus import focus
from longtake.agent.talk.given_names import FEMALE, MALE
from longtake.agent.talk.referents import Referent, pronoun_in
from longtake.tools.topic import FUNCTION, WATCHING
from longtake.tools.words import stem, tokens

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

_PEOPLE = r"\b(?:brothers?|sisters?|twins|couple|men|women|girls|boys|children|people|students)$"
_FIRM = r"(?:company|firm|club|school|team|orchestra|agency|bank|brand|shop|studio|group|works)"
_PLACES = frozenset(
    "street road lane square avenue alley quay harbour bay island valley village".split()  # noqa: SIM905
)
_NOT_NAMES = frozenset(
    """i the a an it this that these those we you he she they so but and now in on at monday tuesday
    wednesday thursday friday saturday sunday january february march april may june july august
    september october november december ok okay here there then welcome thank please today
    our my his her its when what where who why how if as for after before yes no""".split()  # noqa: SIM905
)


def referents_of(part: Part, found: Finding) -> list[Referent]:
    """List what a turn spoke of: its answer, its topic, and the names its evidence holds.

    A question that was declined spoke of its topic only.
    """
    ok = found["status"] == "found"
    quotes = [str(e["quote"]) for e in found["evidence"][:3]] if ok else []
    topics = topics_of(part)
    topic, answers = next(iter(topics), None), _answers(part, found, quotes)
    first = answers[0] if answers else None
    if topic and first and _one_thing(part, topic, first):
        first["words"] = list(dict.fromkeys([*topic["words"], *first["words"]]))
        topic = None
    if topic is not None:
        topic["role"] = "asked" if first and first["role"] == "subject" else "subject"
    made = [*answers, *([topic] if topic else []), *topics[1:]]
    for quote in quotes:
        made += _named(quote, part)
    kept: dict[str, Referent] = {}
    for one in made:
        named = set(one["words"])
        known = part.get("known")
        if known and named and named <= set(known["words"]):
            one |= {k: known[k] for k in ("kind", "gender", "plural")}
        if not any(named <= set(other["words"]) and not _joint(other) for other in kept.values()):
            kept.setdefault(" ".join(one["words"]), one)
    return list(kept.values())[:_MOST]


def _joint(one: Referent) -> bool:
    return " and " in one["name"]


def referent(name: str, kind: str, role: str, context: str = "") -> Referent:
    """One thing spoken of."""
    words = [w for w in tokens(name) if w not in FUNCTION] or tokens(name)
    plural = _plural(name, kind) or " and " in name
    gender = None if plural else gender_of(name, context)
    return {"name": name, "words": words, "kind": kind, "role": role, "plural": plural,
            "gender": gender}  # fmt: skip


_MANY = frozenset("people men women children police twins couple family crew team".split())  # noqa: SIM905


def _plural(name: str, kind: str) -> bool:
    """Whether a name stands for several: "the Abbas brothers", but not "Lars Hals"."""
    last = (name.split() or [""])[-1]
    if last.lower() in _MANY:
        return True
    if kind == "person" and not last.islower():
        return False
    return last.lower().endswith("s") and not last.lower().endswith(("ss", "us", "is"))


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
    return next(iter(topics_of(part)), None)


def topics_of(part: Part) -> list[Referent]:
    """What a question names, the likeliest topic first."""
    words = list(part["words"] or part["anchor"] or [])
    if not words or part["kind"] in ("at_time", "choice", "summary", "highlights", "unsupported"):
        return []
    text = part["text"]
    known = {*words, *tokens(part.get("referent") or "")}
    names = [name for name in names_of(text) if set(tokens(name)) <= known]
    nouns = [p for p in phrases(text) if set(p) & set(words)]
    if not names and not nouns:
        alone = not pronoun_in(text)  # of "when does it open" the words left are its verb
        return [referent("the " + " ".join(words), "thing", "asked")] if alone else []
    named = [referent(name, _kind_of(name, text, part), "asked") for name in names]
    things = [referent("the " + " ".join(run), "thing", "asked") for run in nouns]
    first, *rest = [*named[:1], *things, *named[1:]]
    return [first, *(one | {"role": "mention"} for one in rest)]


def names_of(question: str) -> list[str]:
    """Names that a question holds, in order; its own first word is none.

    >>> names_of("Where was Anna Berg born?")
    ['Anna Berg']
    """
    return [name for m in _NAME.finditer(question[1:]) if (name := _trimmed(m.group()))]


_AUXILIARY = frozenset("does do did is was are were".split())  # noqa: SIM905
_ARTICLE = frozenset("the a an this that these those his her its their our my".split())  # noqa: SIM905


def phrases(question: str) -> list[list[str]]:
    """Runs of content words after an article; those after "about" and "of" first.

    In "does the old ferry leave the quay" the last word of the first run is the verb.
    """
    low = tokens(question)
    found: list[tuple[bool, list[str]]] = []
    for n, word in enumerate(low):
        after = low[n + 1] if n + 1 < len(low) else ""
        bare = word in _AUXILIARY and after not in FUNCTION  # "does bread rise"
        if not (word in _ARTICLE or bare) or (n and low[n - 1] in _ARTICLE):
            continue
        run: list[str] = []
        for other in low[n + 1 : n + 5]:
            if other in FUNCTION:
                break
            run.append(other)
        ends = n + 1 + len(run)
        asks = word if bare else low[n - 1] if n else ""
        verb = asks in ("does", "do", "did") and len(run) > 1
        passive = asks in ("is", "was", "are", "were") and len(run) > 1 and ends <= len(low)
        kept = [w for w in (run[:-1] if verb or passive else run) if w not in WATCHING]
        if kept:
            found.append((not (n and low[n - 1] in ("about", "on", "of")), kept))
    return [run for _, run in sorted(found, key=lambda one: one[0])]


def _answers(part: Part, found: Finding, quotes: Sequence[str]) -> list[Referent]:
    """What the answer is: its short form, those named with it, or what its sentence tells anew."""
    if not quotes:
        return []
    short, wants = str(found.get("short") or ""), part.get("wants")
    spoken = [e["quote"] for e in found["evidence"][:3] if e["source"] == "speech"]
    quote = spoken[0] if spoken else quotes[0]
    said = _answering(part, quote)
    asked = {stem(w) for w in [*part["words"], *tokens(part.get("referent") or "")]}
    if {stem(w) for w in tokens(short)} <= asked:
        short = ""  # the question's own words are no answer to go on about
    new = focus(part["text"], said) if part["kind"] in _OPEN and wants not in _VALUES else None
    if new and short and set(tokens(short)) <= set(tokens(new)):
        short = new  # "Abbas" is "the Abbas brothers"
    if short and wants in ("place", "person"):
        joined = _joined(short, said) if wants == "person" else []
        return joined or [referent(short, str(wants), "subject", quote)]
    if new:
        who = _WHO.match(part["text"].lower()) and not set(tokens(new)) & _PLACES
        who = who and not re.search(rf"\b{_FIRM}(?: \w+)? {re.escape(new)}", said)
        kind = "person" if who else _kind_of(new, said, part)
        return [referent(new, kind, "subject", quote)]
    return _leading(part, said, asked)


_OPEN = ("fact", "shown", "exists")
_VALUES = ("number", "date", "clock")


def _leading(part: Part, said: str, asked: set[str]) -> list[Referent]:
    """What the answer's sentence begins with, or the first new name in it."""
    asks = bool(re.match(r"^(?:and |so )*(?:what|which|who|whose)\b", part["text"].lower()))
    asks = asks and part["kind"] == "fact" and part.get("wants") is None
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
    if bare is not None and bare.group(1).split()[0].lower() not in FUNCTION:
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
    if titled or words & (FEMALE | MALE) or re.search(_PEOPLE, name.lower()):
        return "person"
    if words & _PLACES:
        return "place"
    if _PLACED.search(text[: max(0, text.find(name))].lower()):
        return "place"
    asked = part.get("wants") == "person" or bool(_WHO.match(str(part.get("text") or "").lower()))
    given = set(tokens(name)) & set(tokens(str(part.get("text") or "")))
    return "person" if asked and name[:1].isupper() and not given else "thing"


_WHO = re.compile(r"^(?:and |so )*(?:by |with |for )?(?:who|whom)\b")
