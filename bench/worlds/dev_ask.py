"""Questions about a development world with their truth: answerable, nearly answerable, far off."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from bench.worlds.dev_script import TABLES, Fact, Script
from bench.worlds.dev_topics import REFRAINS, SIGHTS, Thing
from bench.worlds.dev_wording import Attribute, Wording, attributes_of
from bench.worlds.truth import Question, count_patterns, lasting


@dataclass(frozen=True, slots=True)
class DevQuestion:
    """A question, what makes it easy or hard, and the subject that it must not be split from.

    `hard` is near or para (a fact in the words of the film, or in others), cell (a number in a
    table), mention (when a fact is told), structure (answerable by counting, ordering, times), miss
    (the subject is there, the answer is not), swap (another name, day or row), far (nothing of it
    is there).
    """

    question: Question
    hard: str
    topic: str


QUOTA = {"near": 60, "para": 50, "cells": 14, "check": 14, "hop": 8, "miss": 44, "swap": 22,
         "far": 22, "structure": 60}  # fmt: skip
"""Questions of each sort for an hour of film; the far and near misses are about a quarter."""


def questions_of(script: Script, seed: int) -> list[DevQuestion]:
    """Ask about a world; at most `QUOTA` of each sort for an hour."""
    chance = Random(f"{script.name}:ask:{seed}")
    makers = {
        "near": _facts(script, "ask", chance),
        "para": _facts(script, "para", chance),
        "cells": _cells(script),
        "check": _checks(script),
        "hop": _hops(script),
        "miss": _misses(script, chance),
        "swap": _swaps(script, chance),
        "far": _far(script, chance),
        "structure": _structure(script, chance),
    }
    chosen: list[DevQuestion] = []
    for name, made in makers.items():
        some = list(made)
        most = round(QUOTA[name] * script.duration / 3600)
        keep = sorted(chance.sample(range(len(some)), min(most, len(some))))
        chosen += [some[n] for n in keep]
    unique = {one.question.text: one for one in reversed(chosen)}
    return [
        replace(one, question=replace(one.question, id=f"{script.name}-{n}"))
        for n, one in enumerate(reversed(unique.values()), 1)
    ]


def _made(
    hard: str, topic: str, kind: str, text: str, *spans: tuple[float, float],
    right: tuple[str, ...] = (), wrong: tuple[str, ...] = (),
) -> DevQuestion:  # fmt: skip
    return DevQuestion(Question("", kind, text, tuple(spans), right, wrong), hard, topic)


def _text(pattern: str, thing: Thing, value: str = "") -> str:
    return pattern.format(t=thing.the, a=f"the {thing.other}", v=value)


def _otherwise(wording: Wording, thing: Thing, chance: Random) -> str:
    """In other words: mostly those of the question, sometimes those for the thing, or both."""
    other = f"the {thing.other}"
    which = chance.choice(("question", "question", "thing", "both"))
    if which == "thing":
        return chance.choice(wording.ask).format(t=other)
    return chance.choice(wording.para).format(a=thing.the if which == "question" else other)


def _facts(script: Script, which: str, chance: Random) -> Iterator[DevQuestion]:
    for fact in script.facts:
        wording = fact.attribute.wording(script.half)
        near = which == "ask"
        text = (_text(chance.choice(wording.ask), fact.thing) if near
                else _otherwise(wording, fact.thing, chance))  # fmt: skip
        kind = "screen" if fact.shown else "speech"
        yield _made("near" if near else "para", fact.subject.title, kind, text, *fact.spans,
                    right=fact.value.right)  # fmt: skip


def _cells(script: Script) -> Iterator[DevQuestion]:
    ask = {
        "one": "How many {c} did {s} have in the {r}?",
        "two": "How many {c} are in the {r} of {s}?",
    }
    for cell in script.cells:
        text = ask[script.half].format(
            c=cell.column.lower(), r=cell.row.lower(), s=cell.subject.about
        )
        wrong = tuple(rf"\b{n}\b" for n in cell.others)
        yield _made("cell", cell.subject.title, "screen", text, cell.span,
                    right=(rf"\b{cell.number}\b",), wrong=wrong)  # fmt: skip


def _checks(script: Script) -> Iterator[DevQuestion]:
    for fact in script.facts:
        pattern = fact.attribute.wording(script.half).check
        if pattern:
            text = _text(pattern, fact.thing, fact.value.said)
            kind = "screen" if fact.shown else "speech"
            yield _made("near", fact.subject.title, kind, text, *fact.spans)


def _hops(script: Script) -> Iterator[DevQuestion]:
    """Things named by where they stand; slides named by what is said meanwhile."""
    joint = {"one": "the object that stands in {v}", "two": "the thing that is kept in {v}"}
    for place in [f for f in script.facts if f.attribute.name == "place"]:
        rivals = [f for f in script.facts if f.attribute.name == "place"
                  and f.value.said == place.value.said]  # fmt: skip
        for fact in script.facts:
            if fact.thing == place.thing and fact is not place and len(rivals) == 1:
                named = joint[script.half].format(v=place.value.said)
                pattern = fact.attribute.wording(script.half).ask[0]
                yield _made("para", fact.subject.title, "speech", pattern.format(t=named),
                            *fact.spans, right=fact.value.right)  # fmt: skip
    for refrain, times in script.refrains.items():
        if len(times) == 1:
            title, span = next(p for p in script.pages if p[1][0] <= times[0][0] < p[1][1])
            text = f"What does the slide show when the {refrain} is mentioned?"
            yield _made("near", title, "screen", text, span, right=(re.escape(title.lower()),))


def _misses(script: Script, chance: Random) -> Iterator[DevQuestion]:
    """What is never told of things that are spoken of."""
    for subject, _ in script.sections:
        for thing in subject.things:
            for attribute in _untold(script, thing):
                wording = attribute.wording(script.half)
                near = chance.random() < 0.5
                text = (_text(chance.choice(wording.ask), thing) if near
                        else _otherwise(wording, thing, chance))  # fmt: skip
                yield _made("miss", subject.title, "absent", text)


def _untold(script: Script, thing: Thing) -> list[Attribute]:
    """Attributes not told, nor answered by the way: who built it, once one knows who gave it."""
    told = script.told(thing)
    twins = ({"origin", "place"}, {"year", "opened"})
    shut = {name for pair in twins if pair & told for name in pair}
    return [a for a in attributes_of(thing.sort) if a.name not in told and a.name not in shut]


def _swaps(script: Script, chance: Random) -> Iterator[DevQuestion]:
    """Right in all but one word: another person, day, row or column."""
    for fact in script.facts:
        pattern = fact.attribute.wording(script.half).check
        if not pattern:
            continue
        other = fact.value.said
        while other == fact.value.said or _shares(other, fact):
            other = fact.attribute.value(chance, script.half).said
        yield _made("swap", fact.subject.title, "absent", _text(pattern, fact.thing, other))
    _, rows, columns = TABLES[script.half]
    wrong_row = {"one": "night", "two": "kitchen"}[script.half]
    ask = {
        "one": "How many {c} did {s} have in the {r}?",
        "two": "How many {c} are in the {r} of {s}?",
    }
    for subject, _ in script.sections:
        used = {cell.column for cell in script.cells if cell.subject == subject}
        column = next(c for c in columns if c not in used)
        text = ask[script.half].format(c=column.lower(), r=rows[0].lower(), s=subject.about)
        yield _made("swap", subject.title, "absent", text)
        text = ask[script.half].format(c=min(used).lower(), r=wrong_row, s=subject.about)
        yield _made("swap", subject.title, "absent", text)


def _shares(other: str, fact: Fact) -> bool:
    return any(re.search(pattern, other.lower()) for pattern in fact.value.right)


def _far(script: Script, chance: Random) -> Iterator[DevQuestion]:
    """Nothing of what is asked about is there."""
    for subject in script.unused:
        for thing in subject.things:
            for attribute in chance.sample(attributes_of(thing.sort), 2):
                wording = attribute.wording(script.half)
                pattern = chance.choice((*wording.ask, *wording.para))
                yield _made("far", subject.title, "absent", _text(pattern, thing))
        yield _made("far", subject.title, "absent", f"When do we hear about {subject.about}?")
    never = REFRAINS[script.half][-1]
    yield _made("far", never, "absent", f"When is the {never} mentioned for the first time?")
    shown = {label for _, _, label, _ in script.sights}
    for label, text in SIGHTS[script.half]:
        if label not in shown:
            yield _made("far", label, "absent", f"When do we see {text}?")


def _structure(script: Script, chance: Random) -> Iterator[DevQuestion]:
    yield from _times(script)
    yield from _counts(script)
    yield from _orders(script, chance)
    yield from _lengths(script)


def _times(script: Script) -> Iterator[DevQuestion]:
    for subject, span in script.sections:
        text = {
            "one": "When is {s} the subject?",
            "two": "At what point does the part about {s} begin?",
        }
        yield _made(
            "structure", subject.title, "speech", text[script.half].format(s=subject.about), span
        )
    for start, end, label, _ in script.sights:
        words = dict(SIGHTS[script.half])[label]
        yield _made("structure", label, "sight", f"When do we see {words}?", (start, end))
    for refrain, times in script.refrains.items():
        first, last = (
            f"When is the {refrain} first mentioned?",
            f"When is the {refrain} last mentioned?",
        )
        yield _made("structure", refrain, "first_last", first, times[0])
        yield _made("structure", refrain, "first_last", last, times[-1])
        if len(times) >= 3:
            second = f"When is the {refrain} mentioned for the second time?"
            yield _made("structure", refrain, "first_last", second, times[1])
    for fact in script.facts[::3]:
        told = {"one": "When does the speaker mention {t} and its {h}?",
                "two": "When do we learn the {h} of {t}?"}[script.half]  # fmt: skip
        words = told.format(t=fact.thing.the, h=fact.attribute.noun)
        kind = "screen" if fact.shown else "speech"
        yield _made("mention", fact.subject.title, kind, words, *fact.spans)


def _counts(script: Script) -> Iterator[DevQuestion]:
    for refrain, times in script.refrains.items():
        right, wrong = count_patterns(len(times))
        text = f"How many times is the {refrain} mentioned?"
        yield _made("structure", refrain, "how_many", text, *times, right=right, wrong=wrong)
    right, wrong = count_patterns(len(script.breaks))
    word = {"one": "breaks", "two": "pauses"}[script.half]
    yield _made("structure", word, "how_many", f"How many {word} are there?", *script.breaks,
                right=right, wrong=wrong)  # fmt: skip


def _orders(script: Script, chance: Random) -> Iterator[DevQuestion]:
    names = [_name(subject.about) for subject, _ in script.sections]
    for n, (subject, span) in enumerate(script.sections[:-1]):
        m = chance.randrange(n + 1, len(script.sections))
        other, other_span = script.sections[m]
        pair = [subject.about, other.about]
        chance.shuffle(pair)
        yield _made("structure", subject.title, "order", f"Which comes first, {pair[0]} or {pair[1]}?",
                    span, other_span, right=(names[n],), wrong=(names[m],))  # fmt: skip
        text = f"Is {subject.about} treated before or after {other.about}?"
        yield _made("structure", subject.title, "order", text, span, other_span,
                    right=(r"\bbefore\b",), wrong=(r"\bafter\b",))  # fmt: skip
        follower, follower_span = script.sections[n + 1]
        if follower_span[0] - span[1] < 45:
            wrong = tuple(name for i, name in enumerate(names) if i not in (n, n + 1))
            text = f"Which subject comes directly after {subject.about}?"
            yield _made("structure", follower.title, "order", text, follower_span,
                        right=(names[n + 1],), wrong=wrong)  # fmt: skip
        if script.unused:
            absent = script.unused[n % len(script.unused)].about
            text = f"Which comes first, {subject.about} or {absent}?"
            yield _made("far", subject.title, "absent", text)


def _name(about: str) -> str:
    return rf"\b{about.removeprefix('the ')}"


def _lengths(script: Script) -> Iterator[DevQuestion]:
    word = {"one": "break", "two": "pause"}[script.half]
    for nth, span in zip(("first", "second", "third"), script.breaks, strict=False):
        question = lasting(f"How long is the {nth} {word}?", span)
        yield DevQuestion(question, "structure", word)
    for subject, span in script.sections[::2]:
        question = lasting(f"For how long does the speaker talk about {subject.about}?", span)
        yield DevQuestion(question, "structure", subject.title)
    for title, span in script.pages[1::3]:
        question = lasting(f"How long is the slide “{title}” on the screen?", span)
        yield DevQuestion(question, "structure", title)
