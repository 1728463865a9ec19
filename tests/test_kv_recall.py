"""Adaptive k: as few blocks as it takes, every attempt told, little confidence in what is not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import pytest

from longtake.errors import UsageError
from longtake.memory.kv.calibrate import Tried, fitted
from longtake.memory.kv.mass import Hit
from longtake.memory.kv.practice import practice
from longtake.memory.kv.recall import ENOUGH, Attempt, Recall, chosen, confidence, margin
from longtake.memory.kv.session import Said
from tests.kv_planted import PROFILE

SURE = replace(PROFILE, sure=(-4.4, 6.0, 6.0, 0.0))
TIMES = {n: (float(n), n + 1.0) for n in range(20)}


@dataclass
class Reader:
    """A session that is sure once it reads all it needs."""

    needs: frozenset[int]
    asked: list[tuple[int, ...]]

    def fork(self) -> Reader:
        return self

    def queries(self, question: str, layers: Sequence[int]) -> dict[int, Any]:
        return {}

    def ask(self, question: str, blocks: Sequence[int], *, max_tokens: int = 24) -> Said:
        self.asked.append(tuple(blocks))
        sure = self.needs <= set(blocks)
        return Said("right" if sure else "wrong", -0.1 if sure else -2.0, 1, tuple(blocks), 0, 0)


class Found:
    """An index that finds what it is told."""

    layers = (0,)

    def __init__(self, scores: Sequence[tuple[int, float]]) -> None:
        self.scores = scores

    def search(self, queries: Any, k: int, spans: Any = None) -> list[Hit]:
        return [Hit(one, score, score / 2) for one, score in self.scores[:k]]


def over(needs: set[int], scores: Sequence[tuple[int, float]]) -> tuple[Recall, Reader]:
    reader = Reader(frozenset(needs), [])
    return Recall(reader, Found(scores), SURE, TIMES), reader  # type: ignore[arg-type]


STEEP = [(7, 1.6), (3, 0.4), (9, 0.3), (12, 0.2), (1, 0.1)]
PAIR = [(7, 1.6), (3, 1.5), (9, 0.3), (12, 0.2), (1, 0.1)]
FLAT = [(7, 0.22), (3, 0.21), (9, 0.2), (12, 0.19), (1, 0.18)]


def test_one_block_that_answers_is_all_that_is_read() -> None:
    recall, reader = over({7}, STEEP)
    (only,) = recall.recall("What?")
    assert reader.asked == [(7,)]
    assert (only.blocks, only.times, only.text) == ((7,), ((7.0, 8.0),), "right")
    assert only.accepted
    assert only.confidence > 0.5
    assert only.p == (0.8,)


def test_it_widens_until_two_facts_are_read_and_tells_every_attempt() -> None:
    recall, _ = over({7, 3}, PAIR)
    tried = recall.recall("Which two?")
    assert [one.blocks for one in tried] == [(7,), (7, 3)]
    assert [one.accepted for one in tried] == [False, True]
    assert tried[0].confidence < tried[1].confidence
    assert chosen(tried) is tried[1]


def test_a_fixed_k_does_not_widen() -> None:
    """The control: adaptive k switched off."""
    recall, reader = over({7, 3}, PAIR)
    (only,) = recall.recall("Which two?", 1)
    assert not only.accepted
    assert only.text == "wrong"
    assert reader.asked == [(7,)]


def test_neighbours_come_last_and_only_those_that_are_there() -> None:
    recall, _ = over({8}, STEEP)
    tried = recall.recall("What goes on?")
    assert tried[-1].blocks == (7, 3, 2, 4, 6, 8)
    assert tried[-1].accepted
    assert tried[-1].scores[2:] == (0.0,) * 4
    assert [len(one.blocks) for one in tried] == [1, 2, 4, 5, 6]
    edge, _ = over({100}, [(0, 1.0), (19, 0.1)])
    assert edge.recall("?")[-1].blocks == (0, 19, 1, 18)
    near, _ = over({100}, STEEP)
    assert near.recall("?", spans=[(6.5, 8.0)])[-1].blocks == (7, 3, 6)


def test_what_is_nowhere_keeps_a_low_confidence_however_sure_the_words_are() -> None:
    recall, _ = over(set(), FLAT)
    tried = recall.recall("What is not there?")
    assert not any(one.accepted for one in tried)
    assert all(one.confidence < 0.1 for one in tried)
    best = chosen(tried)
    assert best is not None
    assert best.confidence == max(one.confidence for one in tried)
    without = replace(SURE, sure=(1.0, 6.0, 0.0, 0.0))  # The control: no block has to stand out.
    assert confidence(-0.1, margin([Hit(1, 0.22, 0), Hit(2, 0.21, 0)], 1), 1, without) > 0.5
    never = replace(SURE, sure=None)
    assert confidence(-0.01, 50.0, 1, never) < ENOUGH


def test_no_block_is_no_attempt_and_k_is_positive() -> None:
    recall, _ = over(set(), [])
    assert recall.recall("?") == []
    assert chosen([]) is None
    with pytest.raises(UsageError, match="at least one"):
        recall.recall("?", 0)


def test_an_agent_may_decide_what_is_enough() -> None:
    recall, _ = over({7}, STEEP)
    seen: list[Attempt] = []

    def enough(one: Attempt) -> bool:
        seen.append(one)
        return len(one.blocks) >= 4

    tried = recall.recall("?", enough=enough)
    assert [len(one.blocks) for one in tried] == [1, 2, 4]
    assert [one.accepted for one in tried] == [False, False, True]
    assert len(seen) == 3


def test_margins_are_the_largest_step_down_so_far() -> None:
    hits = [Hit(1, 2.0, 0.99), Hit(2, 1.8, 0.89), Hit(3, 0.6, 0.29)]
    assert margin(hits, 1) == pytest.approx(1 / 0.9)
    assert margin(hits, 2) == pytest.approx(3.0)
    assert margin(hits, 8) == pytest.approx(3.0)
    assert margin(hits[:1], 1) == 1.0
    assert margin([Hit(1, 0.0002, 0.0001), Hit(2, 0.0, 0.0)], 1) < 1.02  # nothing beside nothing


def test_confidence_is_fitted_to_how_often_answers_are_right() -> None:
    """Drawn from a known line; chance parts right from wrong no better than it was drawn."""
    dice = Random(3)
    tried = []
    for _ in range(2000):
        logprob, stands_out, k = -2 * dice.random(), 1 + 2 * dice.random(), dice.choice((1, 2))
        z = 0.5 + 3 * logprob + 2 * math.log(stands_out) - 1.5 * math.log(k)
        tried.append(Tried(dice.random() < 1 / (1 + math.exp(-z)), logprob, stands_out, k))
    told = replace(PROFILE, sure=fitted(tried))
    assert told.sure == pytest.approx((0.5, 3.0, 2.0, -1.5), abs=0.5)
    sure = [confidence(one.logprob, one.margin, one.blocks, told) for one in tried]
    for low in (0.0, 0.25, 0.5, 0.75):
        some = [(c, one.right) for c, one in zip(sure, tried, strict=True) if low <= c < low + 0.25]
        assert sum(c for c, _ in some) == pytest.approx(sum(right for _, right in some), rel=0.15)


def test_answers_that_part_cleanly_do_not_make_it_certain() -> None:
    right = [Tried(True, -0.1 - 0.01 * n, 5.0 + n) for n in range(8)]
    wrong = [Tried(False, -1.0, 1.1), Tried(False, -1.5, 1.2), Tried(False, -1.05, 1.4)]
    told = replace(PROFILE, sure=fitted([*right, *wrong]))
    assert confidence(-0.1, 6.0, 1, told) > ENOUGH > confidence(-1.2, 1.2, 1, told)
    assert confidence(-0.6, 2.5, 1, told) < 0.999


def test_practice_is_made_from_a_seed_and_its_answers_stand_in_it_once() -> None:
    lines, asks = practice(3000, lambda line: len(line.split()))
    assert (lines, asks) == practice(3000, lambda line: len(line.split()))
    assert practice(3000, lambda line: len(line.split()), seed=2)[0] != lines
    known = [ask for ask in asks if ask.line is not None]
    assert len(known) == 20
    for ask in known:
        assert [n for n, line in enumerate(lines) if ask.word in line] == [ask.line]
    assert all(not ask.word for ask in asks if ask.line is None)
