"""Row 47: how often, first, last and which first, over hours; and what hours more cost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median
from typing import Any

from bench.rows.common import Bench, Place, Row, asked, share
from bench.worlds.scripted_questions import counts, orders

WANTED = ("counts exact by scan and at most half of them by top-k; orders right >= 0.9; records "
          "read grow no faster than the film")  # fmt: skip
GROWS = 1.15
"""How much more than in proportion to the length the records read may grow."""


def run(bench: Bench) -> Row:
    """Count over twice the length with and without the scan, and over half of it for the cost."""
    long, short = bench.afternoon(2 * bench.minutes), bench.afternoon(bench.minutes / 2)
    on: dict[str, Any] = {}
    off: dict[str, Any] = {}
    for mode, row in (("on", on), ("off", off)):
        row |= _asked(bench, long, mode, scan=mode == "on")
    on["cost"] = [_cost(bench, place) for place in (short, bench.afternoon(), long)]
    few, many = on["cost"][0], on["cost"][-1]
    more = (many["records_read"] / few["records_read"]) / (many["minutes"] / few["minutes"])
    on["growth_over_length"] = round(more, 3)
    met = on["counts_exact"] == 1.0 and off["counts_exact"] <= 0.5 and on["orders"] >= 0.9
    return Row("counts", on, off, WANTED, met and more <= GROWS)


def _asked(bench: Bench, place: Place, mode: str, *, scan: bool) -> dict[str, Any]:
    assert place.programme is not None
    counted = asked(bench, "counts", mode, place, counts(place.programme), scan=scan)
    ordered = asked(bench, "orders", mode, place, orders(place.programme), scan=scan)
    return {
        "minutes": round(place.video.duration / 60, 1),
        "counts_exact": share([right for _, _, right in counted]),
        "counted": {q.text: [q.value, a.value] for q, a, _ in counted},
        "orders": share([right for _, _, right in ordered]),
    }


def _cost(bench: Bench, place: Place) -> dict[str, Any]:
    """What a count costs in a world of one length, the first question apart (it warms caches)."""
    assert place.programme is not None
    agent = place.agent()
    read: list[int] = []
    spent: list[float] = []
    for question in bench.some(counts(place.programme)):
        began = time.monotonic()
        answer = agent.ask(question.text, videos=[place.video])
        spent.append(time.monotonic() - began)
        read.append(answer.cost["records_read"])
    return {"minutes": round(place.video.duration / 60, 1), "records_read": _middle(read),
            "seconds": round(_middle(spent[1:] or spent), 3)}  # fmt: skip


def _middle(rows: Sequence[float]) -> float:
    return float(median(rows))
