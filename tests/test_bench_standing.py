"""The bench of standing queries: what counts as found, and the truth of a world that a seed lays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.standing import CONTROLS, LATE, Control, queries_of, scored
from bench.worlds import harbour, layers
from bench.worlds.layers import Source
from bench.worlds.watched import START, Event, World
from longtake.agent.standing.firing import COOLDOWN

EVENTS = (Event("a dog is seen", 50.0, 70.0, early=2.0), Event('she says "stop"', 80.0, 88.0))


def test_an_alert_counts_from_when_a_change_may_be_told() -> None:
    told = scored(EVENTS, [("a dog is seen", 48.1), ('she says "stop"', 79.9)])
    assert (told["found"], told["false"], told["delays"]) == (2, 0, [-1.9, -0.1])
    early = scored(EVENTS, [("a dog is seen", 47.9), ('she says "stop"', 79.0)])
    assert (early["found"], early["false"]) == (0, 2)


def test_a_late_or_second_alert_is_false() -> None:
    late = scored(EVENTS, [("a dog is seen", 50.0 + LATE + 0.1)])
    assert (late["found"], late["false"], late["missed"]) == (
        0, 1, ["a dog is seen", 'she says "stop"'],
    )  # fmt: skip
    again = scored(EVENTS, [("a dog is seen", 51.0), ("a dog is seen", 66.0)])
    assert (again["found"], again["false"], again["most_for_one_event"]) == (1, 1, 2)
    assert again["f1"] == pytest.approx(2 / 4)


def test_what_never_comes_is_watched_for_and_counts_as_false() -> None:
    world = World("w", Path("w.mp4"), EVENTS, (), 100.0, never=("a bird is seen",))
    texts = [one.predicate.text for one in queries_of(world)]
    assert texts == ["a dog is seen", 'she says "stop"', "a bird is seen"]
    assert scored(EVENTS, [("a bird is seen", 51.0)])["false"] == 1


def test_a_control_differs_in_what_it_switches_off() -> None:
    world = World("w", Path("w.mp4"), EVENTS, (), 100.0)
    (one, _), (off, _) = queries_of(world), queries_of(world, CONTROLS["no_hysteresis"])
    assert all(rule.hysteresis for rule in one.rules.values())
    assert not any(rule.hysteresis for rule in off.rules.values())
    assert (one.cooldown, off.cooldown) == (COOLDOWN, COOLDOWN)
    assert all(control != Control() for control in CONTROLS.values())


@pytest.mark.parametrize("seed", [harbour.SEED, 1, 2])
def test_a_seed_orders_twelve_changes_after_the_start(seed: int) -> None:
    laid = harbour._laid(harbour.DRAWN, Source(), seed)
    onsets = [wish.at if wish.said is None else wish.said for wish in laid.wishes]
    assert len({wish.query for wish in laid.wishes}) == len(laid.wishes) == 12
    assert all(START < at < laid.end - LATE for at in onsets)
    assert {wish.said for wish in laid.wishes if wish.said is not None} <= {
        say.at for say in laid.says
    }


def test_seeds_give_other_orders_and_one_seed_the_same() -> None:
    def order(seed: int) -> list[str]:
        laid = harbour._laid(harbour.DRAWN, Source(), seed)
        return [wish.query for wish in laid.wishes]

    assert order(1) == order(1)
    assert order(1) != order(2)


def test_a_phrase_of_a_ticker_is_whole_between_the_times_of_the_truth() -> None:
    since, until = layers.whole_at("bridge", "bridge")
    layer = layers.ticker("bridge", 0.0)

    def lit(time: float) -> int:
        drawn = np.asarray(layer.paint(Image.new("RGB", layers.SIZE), time))
        return int((drawn[-44:-4].max(axis=(0, 2)) > 150).sum())

    whole = lit((since + until) / 2)
    assert min(lit(since + 0.05), lit(until - 0.05)) >= whole - 1
    assert max(lit(since - 0.15), lit(until + 0.15)) < whole - 4
