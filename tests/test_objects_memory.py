"""The object table asked in code: places between sightings, boxes, numbers, words for labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from longtake.memory.objects import ObjectTable, where
from longtake.storage.records import Record
from longtake.timecode import Span
from longtake.tools.objects import told_of


def track(n: int, label: str, boxes: Sequence[Sequence[float]], **data: Any) -> Record:
    rows = [[*row, 0.9] for row in boxes]
    span = Span(rows[0][0], rows[-1][0])
    told = {"kind": "object", "label": label, "p": 0.9, "track": n, "boxes": rows, **data}
    return Record(f"r{n}", "v1", "moment", "entity", span, span.end, label, "objects:x", (), told)


RECORDS = [
    track(1, "dog", [(10.0, 0.0, 0.4, 0.2, 0.6), (20.0, 0.5, 0.4, 0.7, 0.6)]),
    track(2, "car", [(12.0, 0.6, 0.1, 0.9, 0.3), (30.0, 0.6, 0.1, 0.9, 0.3)]),
    track(3, "car", [(25.0, 0.1, 0.1, 0.4, 0.3), (28.0, 0.1, 0.1, 0.4, 0.3)]),
    track(4, "dog", [(50.0, 0.4, 0.8, 0.6, 1.0), (55.0, 0.4, 0.8, 0.6, 1.0)], same_as_track=1),
    track(5, "traffic light", [(5.0, 0.45, 0.0, 0.5, 0.1)]),
    track(6, "light", [(6.0, 0.1, 0.0, 0.2, 0.1)]),
    track(7, "person", [(60.0, 0.1, 0.0, 0.2, 0.1)]),
    Record("s1", "v1", "moment", "entity", Span(0, 9), 9.0, "speaker 1", "speakers:y", (),
           {"kind": "speaker", "n": 1}),
]  # fmt: skip
TABLE = ObjectTable(RECORDS)


def test_a_place_says_whether_it_was_seen_or_lies_between() -> None:
    dog = TABLE.of(["dog"])[0]
    seen, between = dog.at(10.0), dog.at(14.0)
    assert seen is not None
    assert between is not None
    assert (seen.how, seen.box) == ("seen", (0.0, 0.4, 0.2, 0.6))
    assert (between.how, between.box, between.sighted) == (
        "between",
        (0.2, 0.4, 0.4, 0.6),
        (10, 20),
    )
    assert between.centre == pytest.approx((0.3, 0.5))
    late = dog.at(20.8)
    assert late is not None
    assert (late.how, late.box, late.sighted) == ("near", (0.5, 0.4, 0.7, 0.6), (20, 20))
    assert dog.at(21.5) is None
    assert dog.at(8.5) is None
    last = dog.at(20.0)
    assert last is not None
    assert last.how == "seen"


def test_first_last_and_how_many() -> None:
    first, last = TABLE.first(["dog"]), TABLE.last(["dog"])
    assert first is not None
    assert last is not None
    assert (first.span.start, last.span.end) == (10.0, 55.0)
    assert TABLE.things(["dog"]) == 1  # it came back
    assert TABLE.things(["car"]) == 2
    assert TABLE.labels() == {"car": 2, "dog": 1, "light": 1, "person": 1, "traffic light": 1}
    most = TABLE.most(["car"])
    assert most is not None
    assert (most.count, most.span) == (2, Span(25.0, 28.0))
    assert TABLE.most(["zebra"]) is None
    assert [len(TABLE.at(time, ["car"])) for time in (5.0, 15.0, 26.0)] == [0, 1, 2]
    near = TABLE.nearest(["dog"], 40.0)
    assert near is not None
    assert near.n == 4
    assert [t.n for t in TABLE.of(["dog"], Span(15.0, 40.0))] == [1]


def test_a_box_is_answered_by_what_fills_it_best() -> None:
    inside = TABLE.inside((0.05, 0.05, 0.45, 0.35), 26.0)
    assert [(place.seen.n, share) for place, share in inside] == [(3, pytest.approx(1.0))]
    whole = TABLE.inside((0.0, 0.0, 1.0, 1.0), 26.0)
    assert {place.seen.n for place, _ in whole} == {2, 3}
    assert TABLE.inside((0.0, 0.7, 0.1, 0.8), 26.0) == []
    part = TABLE.inside((0.0, 0.45, 0.1, 0.55), 10.0)  # a small part of the dog is the dog
    assert [place.seen.label for place, _ in part] == ["dog"]


def test_a_track_that_was_continued_is_one_thing_at_the_seam() -> None:
    seam = ObjectTable([
        track(1, "fly", [(0.0, 0.1, 0.1, 0.2, 0.2), (10.0, 0.1, 0.1, 0.2, 0.2)]),
        track(2, "fly", [(10.0, 0.1, 0.1, 0.2, 0.2), (20.0, 0.3, 0.1, 0.4, 0.2)], same_as_track=1),
    ])  # fmt: skip
    assert [len(seam.at(t)) for t in (9.5, 10.0, 10.5)] == [1, 1, 1]
    most = seam.most(["fly"])
    assert most is not None
    assert most.count == 1


@pytest.mark.parametrize(
    ("words", "labels"),
    [
        ("dogs", ["dog"]), ("the dog's bowl", ["dog"]), ("people", ["person"]), ("cars", ["car"]),
        ("traffic lights", ["traffic light"]), ("lights", ["light"]), ("zebra", []),
        ("cars and dogs", ["car", "dog"]), ("scar", []),
    ],
)  # fmt: skip
def test_words_find_labels_by_their_stems(words: str, labels: list[str]) -> None:
    assert TABLE.fitting(words) == labels


def test_where_in_words() -> None:
    said = [where((x, y, x + 0.1, y + 0.1)) for y in (0.1, 0.45, 0.8) for x in (0.1, 0.45, 0.8)]
    assert said == [
        "at the top left", "at the top", "at the top right", "on the left", "in the middle",
        "on the right", "at the bottom left", "at the bottom", "at the bottom right",
    ]  # fmt: skip


def test_the_tool_tells_of_a_label_a_time_and_a_stretch() -> None:
    dogs = told_of(TABLE, label="dogs")
    assert (dogs["label"], dogs["first"], dogs["last"], dogs["count"]) == (["dog"], 10.0, 55.0, 1)
    assert [row.get("same_as_track") for row in dogs["tracks"]] == [None, 1]
    early = told_of(TABLE, span=Span(0.0, 8.0))
    assert [row["label"] for row in early["tracks"]] == ["traffic light", "light"]
    gone = told_of(TABLE, label="dog", at=40.0)
    assert (gone["places"], gone["nearest"]["track"]) == ([], 4)
    assert told_of(TABLE, label="zebra")["label"] == []
    assert told_of(ObjectTable([]), at=3.0)["places"] == []
