"""Arithmetic over intervals: laws that hold for any spans, and the cases people ask about."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longtake.agent.solvers import operators as op
from longtake.agent.solvers.operators import Event, Reading
from longtake.timecode import Span

times = st.integers(0, 60)
spans = st.tuples(times, times).map(lambda ab: Span(float(min(ab)), float(max(ab))))
solid = spans.filter(lambda s: s.duration > 0)
many = st.lists(spans, max_size=8)
events = st.lists(st.builds(Event, spans, st.floats(0, 1)), max_size=8)
joins = st.integers(0, 5).map(float)


def seconds(found: list[Span]) -> set[int]:
    """Whole seconds that spans cover: the plainest model of a set of intervals."""
    return {n for s in found for n in range(int(s.start), int(s.end))}


@given(many, joins)
def test_merged_spans_are_apart_in_order_and_hold_all(found: list[Span], gap: float) -> None:
    whole = op.merge(found, gap)
    assert whole == sorted(whole)
    assert all(b.start - a.end > gap for a, b in itertools.pairwise(whole))
    assert all(any(w.start <= s.start and s.end <= w.end for w in whole) for s in found)
    assert op.merge(whole, gap) == whole


@given(many)
def test_duration_counts_each_second_once(found: list[Span]) -> None:
    assert op.duration(found) == len(seconds(found))


@given(many, many)
def test_overlap_is_what_both_cover(one: list[Span], other: list[Span]) -> None:
    assert seconds(op.overlap(one, other)) == seconds(one) & seconds(other)
    assert op.overlap(one, other) == op.overlap(other, one)


@given(many, spans)
def test_before_and_after_mirror_each_other(found: list[Span], anchor: Span) -> None:
    assert all(s.end <= anchor.start for s in op.before(found, anchor))
    assert all(s.start >= anchor.end for s in op.after(found, anchor))
    turned = [Span(-s.end, -s.start) for s in found]
    mirror = op.after(turned, Span(-anchor.end, -anchor.start))
    assert sorted(Span(-s.end, -s.start) for s in mirror) == op.before(found, anchor)


@given(many, solid, solid)
def test_between_is_after_one_and_before_the_other(found: list[Span], a: Span, b: Span) -> None:
    inside = op.between(found, a, b)
    assert inside == op.between(found, b, a)
    first, second = sorted((a, b))
    if first.end <= second.start:
        both = [s for s in op.after(found, first) if s in op.before(found, second)]
        assert inside == both
    else:
        assert inside == []


@given(many, spans)
def test_during_keeps_what_lies_mostly_inside(found: list[Span], whole: Span) -> None:
    kept = op.during(found, whole)
    for s in found:
        if s.duration > 0:
            assert (s in kept) == (s.overlap(whole) >= 0.5 * s.duration)


@given(many, joins)
def test_gaps_and_occasions_fill_the_stretch(found: list[Span], gap: float) -> None:
    whole = op.merge(found, gap)
    total = op.duration(whole) + op.total_gap(found, gap)
    assert total == (whole[-1].end - whole[0].start if whole else 0)
    largest = op.largest_gap(found, gap)
    assert (largest is None) == (len(whole) < 2)
    if largest is not None:
        assert largest.duration == max(g.duration for g in op.gaps(found, gap))


@given(events, joins, joins)
def test_counts_are_in_order_and_bounded(found: list[Event], gap: float, least: float) -> None:
    made = op.count(found, gap, least)
    assert 0 <= made.low <= made.likely <= made.high <= len(found)
    assert made.likely == len(op.runs(found, gap, least))
    sure = [Event(e.span) for e in found]
    exact = op.count(sure, gap, least)
    assert exact.low == exact.likely == exact.high


@given(st.lists(st.integers(), max_size=6), st.integers(1, 8))
def test_nth_from_either_end(items: list[int], n: int) -> None:
    assert op.nth(items, n) == (items[n - 1] if n <= len(items) else None)
    assert op.nth(items, -n) == op.nth(items[::-1], n)
    assert op.nth(items, "first") == op.nth(items, 1)
    assert op.nth(items, "last") == op.nth(items, -1)


@given(solid, solid)
def test_one_relation_holds_and_its_inverse_the_other_way(a: Span, b: Span) -> None:
    name = op.allen(a, b)
    assert op.INVERSE[name] == op.allen(b, a)
    apart = {"before", "meets", "met_by", "after"}
    assert (name in apart) == (a.overlap(b) == 0)
    inside = {"starts", "during", "finishes", "equals"}
    assert (name in inside) == (b.start <= a.start and a.end <= b.end)


def test_all_thirteen_relations_come_up() -> None:
    ends = [Span(float(a), float(b)) for a in range(5) for b in range(a + 1, 6)]
    assert {op.allen(a, b) for a in ends for b in ends} == set(op.INVERSE)


@given(st.lists(many, max_size=5))
def test_ranking_agrees_with_the_order_of_each_two(sets: list[list[Span]]) -> None:
    line = op.ranked(sets)
    assert sorted(line) == [n for n, s in enumerate(sets) if s]
    for a, b in itertools.pairwise(line):
        assert op.order(sets[a], sets[b]) <= 0


readings = st.lists(
    st.builds(Reading, times.map(float), st.sampled_from("abc")), max_size=8,
    unique_by=lambda r: r.time,
)  # fmt: skip


@given(readings, times)
def test_the_last_writer_wins(found: list[Reading], time: int) -> None:
    now = op.state_at(found, time)
    earlier = [r for r in found if r.time <= time]
    assert now == (max(earlier, key=lambda r: r.time) if earlier else None)
    turns = op.changes(found)
    assert all(a.value != b.value for a, b in itertools.pairwise(turns))
    known = op.state_at(turns, time)
    assert (known.value if known else None) == (now.value if now else None)


@given(many.filter(bool), joins)
def test_frequency_is_consistent(found: list[Span], gap: float) -> None:
    whole = op.merge(found, gap)
    made = op.frequency(found, Span(0, 3600), gap)
    assert made.count == len(whole) == made.per_hour
    if made.every is not None:
        assert whole[0].start + made.every * (made.count - 1) == pytest.approx(whole[-1].start)


def test_a_bridge_of_doubt_does_not_join_two_sure_occasions() -> None:
    found = [Event(Span(0, 10)), Event(Span(11, 19), 0.3), Event(Span(20, 30), 0.9)]
    assert op.count(found, gap=2) == op.Count(2, 2, 2)
    assert op.count([Event(e.span) for e in found], gap=2) == op.Count(1, 1, 1)


def test_short_flickers_are_no_occasion() -> None:
    found = [Event(Span(0, 1)), Event(Span(50, 60))]
    assert op.count(found, least=5).likely == 1
    assert op.count(found).likely == 2
