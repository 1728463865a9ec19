"""`longtake mark`: what a person marked is listed, found and removed."""

from __future__ import annotations

from tests.cli_world import World, world

__all__ = ["world"]


def test_marks_are_kept_listed_found_and_removed(world: World) -> None:
    nothing = world.run("mark", "lecture")
    assert (nothing.stdout, "nothing of" in nothing.stderr) == ("", True)
    made = world.data("mark", "lecture", "0:03", "the heron on the roof", "--end", "5")
    assert [one["note"] for one in made["marks"]] == ["the heron on the roof"]
    assert (made["marks"][0]["start"], made["marks"][0]["end"]) == (3.0, 5.0)
    world.data("mark", "lecture", "1")
    assert [one["start"] for one in world.data("mark", "lecture")["marks"]] == [1.0, 3.0]
    found = world.data("search", "heron")["moments"]
    assert found[0]["text"] == "Marked: the heron on the roof"
    assert world.data("db", "check")["problems"] == []
    gone = world.data("mark", "lecture", "4", "--remove")
    assert [one["note"] for one in gone["marks"]] == ["", "the heron on the roof"]
    assert world.data("mark", "lecture")["marks"] == []
    assert world.run("mark", "lecture", "4", "--remove").exit_code == 5


def test_what_cannot_be_marked_says_so(world: World) -> None:
    assert world.run("mark", "lecture", "9:00:00").exit_code == 2
    assert world.run("mark", "lecture", "5", "--end", "3").exit_code == 2
    assert world.run("mark", "lecture", "--remove").exit_code == 2
