"""The bench of profiles counts what a library holds; offline asks no model anything."""

from __future__ import annotations

import pytest

from bench import profiles
from bench.profiles import Machine, main, seconds_of
from longtake.planning import Plan
from tests.cli_world import World, empty_world, world

__all__ = ["empty_world", "world"]


def test_every_profile_has_a_row_and_offline_asks_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(profiles, "processor", lambda: Machine(5e10, 1e10))
    found = main(["--library", str(world.library), "--price-read", "1", "--price-written", "0"])
    rows = {row["profile"]: row["all"] for row in found["per_hour"]}
    assert set(rows) == set(profiles.PROFILES)
    assert set(rows["offline"].values()) == {0}
    assert rows["gpu"]["calls"] == rows["cpu"]["calls"] == rows["api"]["calls"] > 0
    assert rows["api"]["cost"] == pytest.approx(rows["api"]["tokens_read"] / 1e6, rel=0.02)
    assert rows["cpu"]["cost"] == 0
    assert 0 < rows["gpu"]["seconds"] < rows["cpu"]["seconds"]
    assert found["assumed"]["price_read"] == 1.0


def test_time_grows_with_tokens_and_an_unknown_model_has_none() -> None:
    plan = Plan("captions", "qwen3-4b@hub", 1, 0, 1000, 0)
    machine = Machine(8e12, 1e9)
    assert seconds_of(plan, machine, 1) == pytest.approx(1.0)
    written = Plan("captions", "qwen3-4b@hub", 1, 0, 0, 4)
    assert seconds_of(written, machine, 8) == pytest.approx(4.0)
    assert seconds_of(Plan("captions", "other@hub", 1), machine, 1) is None
