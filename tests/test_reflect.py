"""The decision table: each row of it, and that a row needs its number."""

from __future__ import annotations

from dataclasses import replace

import pytest

from longtake.agent.looking.reflect import Seen, decide

OPEN = Seen(
    status="absent", p=0.4, direct=False, settled=False, absent=0.0, coverage=1.0, novelty=(),
    rewrites_left=1, looks_left=3, frontier=4, promising=True, stopped=False,
)  # fmt: skip

ROWS = [
    (OPEN, {"settled": True}, "done"),
    (OPEN, {"stopped": True}, "give_up"),
    (OPEN, {"status": "found", "p": 0.9, "direct": True}, "done"),
    (OPEN, {"status": "found", "p": 0.9, "direct": False}, "deeper"),
    (OPEN, {"status": "found", "p": 0.9, "direct": False, "looks_left": 0}, "done"),
    (OPEN, {"status": "found", "p": 0.2, "direct": True}, "deeper"),
    (OPEN, {"status": "found", "p": 0.2, "frontier": 0}, "done"),
    (OPEN, {"absent": 0.5}, "rewrite"),
    (OPEN, {"absent": 0.5, "rewrites_left": 0}, "deeper"),
    (OPEN, {"promising": False}, "wider"),
    (OPEN, {"promising": False, "novelty": (2,)}, "deeper"),
    (OPEN, {"novelty": (1, 0)}, "deeper"),
    (OPEN, {"novelty": (1, 0, 0)}, "give_up"),
    (OPEN, {"looks_left": 0}, "give_up"),
    (OPEN, {"frontier": 0}, "give_up"),
]


@pytest.mark.parametrize(("seen", "change", "decision"), ROWS)
def test_the_table(seen: Seen, change: dict[str, object], decision: str) -> None:
    assert decide(replace(seen, **change))[0] == decision  # type: ignore[arg-type]


def test_the_numbers_go_into_the_trace_as_json() -> None:
    import json

    row = OPEN.row()
    assert json.loads(json.dumps(row)) == row
    assert row["novelty"] == []
    assert row["p"] == 0.4
