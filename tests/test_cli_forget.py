"""`longtake forget`: pictures first, text last, and nothing without being sure."""

from __future__ import annotations

from tests.cli_world import World, world

__all__ = ["world"]


def test_detail_goes_and_text_stays(world: World) -> None:
    tried = world.data("forget", "lecture", "--dry-run", "--keep-text")
    made = world.data("forget", "lecture", "--keep-text", "--yes")
    assert made["records"] == 0
    assert made["bytes"]["after"] < made["bytes"]["before"]
    assert {**made, "dry_run": True} == tried
    assert world.data("db", "check")["problems"] == []
    assert world.data("forget", "lecture", "--to-bytes", "0", "--yes")["bytes"]["after"] == 0


def test_it_asks_first_and_takes_one_way_at_a_time(world: World) -> None:
    before = world.data("forget", "lecture", "--dry-run")["bytes"]
    assert world.run("forget", "lecture").exit_code == 2
    assert world.run("forget", "lecture", "--to-bytes", "9", "--before", "3", "-y").exit_code == 2
    assert world.data("forget", "lecture", "--dry-run")["bytes"] == before
