"""Row 15: questions that need another one's answer first, split and in a single search."""

from __future__ import annotations

from typing import Any

from bench.baselines import PlainRag
from bench.rows.common import Bench, Row, asked, share, steps
from bench.scoring import mark
from bench.worlds.scripted_questions import absent, plain, two_hops
from bench.worlds.truth import Question

WANTED = "two-hop right >= 0.9 split and <= 0.6 in a single search; plain questions never split"


def run(bench: Bench) -> Row:
    """Ask thirty two-hop and thirty plain questions with and without decomposition."""
    place = bench.afternoon()
    assert place.programme is not None
    hops, simple = two_hops(place.programme), plain(place.programme)
    on, off = ({}, {})  # type: dict[str, Any], dict[str, Any]
    for mode, row in (("on", on), ("off", off)):
        split = mode == "on"
        made = asked(bench, "hops", mode, place, hops, decompose=split)
        row["two_hop"] = share([right for _, _, right in made])
        row["cited"] = share([bool(a.evidence) for _, a, right in made if right])
        row["split"] = share([parts(a) > 1 for _, a, _ in made])
        lone = asked(bench, "hops_plain", mode, place, simple, decompose=split)
        row["plain"] = share([right for _, _, right in lone])
        row["plain_split"] = share([parts(a) > 1 for _, a, _ in lone])
        gone = asked(bench, "hops_absent", mode, place, absent(), decompose=split)
        row["absent_declined"] = share([right for _, _, right in gone])
    off["nearest_clip"] = _nearest(bench, hops)
    single = max(off["two_hop"], off["nearest_clip"])
    met = on["two_hop"] >= 0.9 and single <= 0.6 and on["plain_split"] == 0.0
    return Row("two_hops", on, off, WANTED, met)


def parts(answer: Any) -> int:
    """Into how many parts a question was cut."""
    told = steps(answer, "decompose")
    return len(told[-1]["parts"]) if told else len(steps(answer, "classify")[-1]["parts"])


def _nearest(bench: Bench, questions: list[Question]) -> float:
    """How often the nearest of ten clips, quoted, is right: a single search and nothing else."""
    place = bench.afternoon()
    rag = PlainRag(place.library.store, place.video, place.library.models.text_encoder, 10)
    return share([mark(one, rag.ask(one.text)).right for one in bench.some(questions)])
