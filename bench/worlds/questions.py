"""Questions about the lecture world, with their gold spans, made from its timetable."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from random import Random

from bench.worlds.lecture_script import ABSENT, REFRAINS, Topic
from bench.worlds.timetable import Times, Timetable
from bench.worlds.truth import Question, count_patterns, lasting

QUOTA = {
    "speech": 18, "screen": 18, "sight": 8, "order": 6, "first_last": 6, "how_long": 4,
    "absent": 15,
}  # fmt: skip
ANSWERABLE = 60
"""Counts are asked for until there are so many: how many refrains come twice depends on the voice."""

_SIGHT = {
    "balloon": "When can a hot-air balloon be seen?",
    "traffic light": "At what point is a traffic light on screen?",
    "sailing boat": "When do we see a boat with sails on the water?",
    "wall clock": "When is a clock on a wall filmed?",
    "umbrella": "When is an umbrella visible?",
    "green field": "When does the picture show a green meadow under a blue sky?",
    "flower": "When do we see a flower?",
    "temple": "When is an old palace beside the water in the picture?",
}


def ask_about(table: Timetable, seed: int) -> tuple[Question, ...]:
    """Return the world's questions: at most `QUOTA` of each kind, then counts up to `ANSWERABLE`.

    Those about nothing come last.
    """
    chance = Random(seed + 1)
    made = {
        "speech": list(_speech(table)),
        "screen": list(_screen(table)),
        "sight": list(_sight(table)),
        "order": list(_order(table, chance)),
        "first_last": list(_first_last(table)),
        "how_long": list(_how_long(table)),
        "absent": [Question("", "absent", text) for text in ABSENT],
    }
    chosen: dict[str, list[Question]] = {}
    for kind, asked in made.items():
        keep = sorted(chance.sample(range(len(asked)), min(QUOTA[kind], len(asked))))
        chosen[kind] = [asked[index] for index in keep]
    absent = chosen.pop("absent")
    missing = ANSWERABLE - sum(map(len, chosen.values()))
    chosen["how_many"] = list(_how_many(table))[:missing]
    chosen["absent"] = absent
    return tuple(
        replace(question, id=f"{kind}-{number}")
        for kind, some in chosen.items()
        for number, question in enumerate(some, 1)
    )


def _speech(table: Timetable) -> Iterator[Question]:
    for topic, _ in table.topics:
        sentence = topic.said[topic.heard.about]
        yield Question("", "speech", topic.heard.question, tuple(table.said[sentence]),
                       topic.heard.right)  # fmt: skip


def _screen(table: Timetable) -> Iterator[Question]:
    for topic, _ in table.topics:
        card = topic.cards[topic.seen.about]
        span = next(
            table.shown[card.title, line]
            for line in (*card.bullets, card.title)
            if any(re.search(pattern, line.casefold()) for pattern in topic.seen.right)
        )
        yield Question("", "screen", topic.seen.question, (span,), topic.seen.right)


def _sight(table: Timetable) -> Iterator[Question]:
    spans: dict[str, list[Times]] = {}
    for name, span in table.scenes:
        spans.setdefault(name, []).append(span)
    for name in sorted(spans):
        yield Question("", "sight", _SIGHT[name], tuple(spans[name]))


def topic_pattern(topic: Topic) -> str:
    """Return a pattern for the topic's name in singular or plural."""
    stem = re.sub(r"(?<!s)s$", "", topic.name.split()[-1])
    return rf"\b{stem}s?\b"


def _order(table: Timetable, chance: Random) -> Iterator[Question]:
    topics = table.topics
    names = [topic_pattern(topic) for topic, _ in topics]
    for index in range(len(topics) - 1):
        (topic, span), (other, other_span) = topics[index], topics[index + 1]
        # After a break "what comes next?" has two fair answers, so it is not asked there.
        paused = any(span[1] <= start < other_span[0] for start, _ in table.breaks)
        if index % 3 == 0 and not paused:
            wrong = tuple(name for i, name in enumerate(names) if i not in (index, index + 1))
            yield Question("", "order", f"Which subject comes directly after {topic.name}?",
                           (other_span,), (names[index + 1],), wrong)  # fmt: skip
        later = chance.randrange(index + 1, len(topics))
        other, other_span = topics[later]
        both = (span, other_span)
        if index % 3 == 1 or (index % 3 == 0 and paused):
            pair = [topic.name, other.name]
            chance.shuffle(pair)
            yield Question("", "order", f"Which is treated first, {pair[0]} or {pair[1]}?",
                           both, (names[index],), (names[later],))  # fmt: skip
        if index % 3 == 2:
            turned = chance.random() < 0.5
            a, b = (other, topic) if turned else (topic, other)
            answer = ("after", "before") if turned else ("before", "after")
            yield Question("", "order", f"Does {a.name} come before or after {b.name}?", both,
                           (rf"\b{answer[0]}\b",), (rf"\b{answer[1]}\b",))  # fmt: skip


def _first_last(table: Timetable) -> Iterator[Question]:
    for who, sentence in REFRAINS.items():
        times = table.said.get(sentence, [])
        if len(times) >= 2:
            yield Question("", "first_last", f"When is {who} first mentioned?", (times[0],))
            yield Question("", "first_last", f"When is {who} mentioned for the last time?",
                           (times[-1],))  # fmt: skip


def _how_long(table: Timetable) -> Iterator[Question]:
    counts = ("first", "second", "third")
    for number, span in enumerate(table.breaks):
        which = counts[number] if len(table.breaks) > 1 else "coffee"
        yield lasting(f"How long is the {which} break?", span)
    topic, span = table.topics[len(table.topics) // 2]
    yield lasting(f"How long does the lecture deal with {topic.name}?", span)
    topic, _ = table.topics[-1]
    title = topic.cards[1].title
    yield lasting(f"How long is the slide “{title}” on the screen?", table.shown[title, title])


def _how_many(table: Timetable) -> Iterator[Question]:
    if len(table.breaks) >= 2:
        yield _counted("How many breaks does the lecture have?", table.breaks)
    seen = [span for name, span in table.scenes if name == "balloon"]
    if len(seen) >= 2:
        yield _counted("How many times does a hot-air balloon appear?", seen)
    for who, sentence in REFRAINS.items():
        times = table.said.get(sentence, [])
        if 2 <= len(times) < 10:
            yield _counted(f"How many times is {who} mentioned?", times)


def _counted(text: str, spans: list[Times]) -> Question:
    right, wrong = count_patterns(len(spans))
    return Question("", "how_many", text, tuple(spans), right, wrong)
