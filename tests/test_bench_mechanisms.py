"""The bench of mechanisms on small worlds with fakes: every row runs, and on beats off."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.mechanisms import NUMBERS, ROWS, chosen, measure
from bench.overhead import measure as overhead
from bench.overhead import room_of
from bench.rows import anchors, choices, consensus, counts, details, followups, hops, reuse, walk
from bench.rows.common import Bench, twice
from bench.worlds.scripted import Strewn, write
from bench.worlds.scripted_film import LASTING, make_film, nowhere
from bench.worlds.scripted_items import ITEMS
from bench.worlds.scripted_questions import (
    STREWN,
    absent,
    follow_ups,
    orders,
    plain,
    two_hops,
)
from bench.worlds.scripted_questions import counts as counted
from tests.fakes import fake_models
from tests.worlds import ContentEncoder


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    models = fake_models(text_encoder=ContentEncoder(), image_encoder=None, image_tagger=None)
    made = Bench(
        tmp_path_factory.mktemp("mechanisms"), 40.0, models=models, each=3, drawn=False, most=6,
        trials=6, early=True,
    )  # fmt: skip
    yield made
    made.close()


# -- worlds --------------------------------------------------------------------------------


def test_the_programme_holds_what_is_asked_for_at_any_length() -> None:
    short, long = (write("w", minutes=m, strewn=STREWN) for m in (60, 120))
    for made, seconds in ((short, 3600), (long, 7200)):
        assert made.script.duration == pytest.approx(seconds, rel=0.1)
        assert [len(made.strewn[one.phrase]) for one in STREWN] == [one.times for one in STREWN]
        for question in [*two_hops(made), *plain(made), *orders(made), *counted(made)]:
            assert all(0 <= a < b <= made.script.duration for a, b in question.spans), question
        assert [pair.then.spans for pair in follow_ups(made)]
    assert short.when("GATE B7")[0] < long.when("GATE B7")[0]
    assert write("w", minutes=60, strewn=STREWN).script == short.script


def test_phrases_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        write("w", minutes=10, strewn=(Strewn("x", 900, ("X.",)),))


def test_there_are_as_many_questions_as_the_rows_want() -> None:
    made = write("w", minutes=60, strewn=STREWN)
    assert (len(two_hops(made)), len(plain(made)), len(follow_ups(made))) == (30, 30, 20)
    for some in (two_hops(made), plain(made), counted(made), orders(made), absent()):
        assert len({one.text for one in some}) == len(some)


def test_labels_are_seen_only_in_frames_that_show_them() -> None:
    film = make_film("w", minutes=20, each=2)
    assert {d.lasted for d in film.details} == set(LASTING)
    for detail in film.details:
        start, end = detail.question.spans[0]
        number = detail.question.right[0].strip("\\b")
        look = film.look(Path(), None, _span(start - 2, start + 2), None, fps=8.0)
        assert any(number in line["text"] for line in look["lines"])
        missed = film.look(Path(), None, _span(end + 0.01, end + 2), None, fps=8.0)
        assert not any(number in line["text"] for line in missed["lines"])
    asked = {d.question.text for d in film.details}
    assert not asked & {one.text for one in nowhere(film)}


def _span(start: float, end: float) -> Any:
    from longtake.timecode import Span

    return Span(max(0.0, start), end)


# -- rows ----------------------------------------------------------------------------------


def test_every_row_is_named_and_found_by_number() -> None:
    assert chosen(None) == list(ROWS)
    assert chosen("15, walk") == ["hops", "walk"]
    assert set(NUMBERS.values()) <= set(ROWS)
    with pytest.raises(SystemExit, match="no row"):
        chosen("nonsense")


def test_history_tells_what_then_means_and_talks_stay_apart(bench: Bench) -> None:
    place = bench.afternoon()
    assert place.programme is not None
    pairs = [one for one in follow_ups(place.programme) if re.search("then|moment", one.then.text)]
    on, off = (followups.talks(bench, place, pairs, history=told) for told in (True, False))
    assert on["right"] > off["right"]
    assert followups.apart(place, pairs)
    assert followups.run(bench).on["questions"] == bench.most


def test_splitting_answers_more_two_hop_questions_than_one_search(bench: Bench) -> None:
    row = hops.run(bench)
    assert row.on["two_hop"] > max(row.off["two_hop"], row.off["nearest_clip"])
    assert row.on["split"] > row.off["split"]
    assert row.on["plain_split"] == 0.0


def test_counting_scans_and_is_wrong_without(bench: Bench) -> None:
    own = Bench(bench.folder / "counts", 16.0, models=bench.models, items=ITEMS[:6])
    own.folder.mkdir()
    row = counts.run(own)
    own.close()
    assert row.on["counts_exact"] > row.off["counts_exact"]
    assert row.on["growth_over_length"] <= counts.GROWS
    assert len(row.on["cost"]) == 3


def test_a_model_that_leans_is_steadied_within_the_budget(bench: Bench) -> None:
    row = choices.run(bench)
    assert row.on["right"] > row.off["right"]
    assert row.on["right_turned_wrong"] == 0.0
    assert row.on["small_budget_calls"] <= choices.FEW < row.on["calls"]


def test_a_second_round_mends_bad_first_looks_and_costs_the_sure_nothing(bench: Bench) -> None:
    row = consensus.run(bench)
    assert row.on["right"] > row.off["right"]
    assert row.on["unanimous_asked_again"] == 0 < row.on["asked_again"]
    assert row.on["small_budget_rounds"] == consensus.FEW // consensus.COST
    assert row.on["refused"] > 0 == row.off["asked_again"]


def test_anchors_meet_short_events_that_the_best_frames_miss(bench: Bench) -> None:
    row = anchors.run(bench)
    assert row.on["events_met_of_3"] >= 2.9
    assert row.off["events_met_of_3"] <= 2.0
    assert 0 <= row.on["memory"] <= 3


def test_best_first_opens_fewer_nodes_of_noisy_trees() -> None:
    best, broad = (walk.trees(best_first=first, trials=8) for first in (True, False))
    for noise in best:
        assert best[noise]["opened"] < broad[noise]["opened"]
        assert best[noise]["found"] >= 0.75
    assert best["noise_0.15"]["opened"] <= 0.25 * broad["noise_0.15"]["opened"]


def test_details_of_a_minute_are_remembered_and_no_span_is_looked_at_twice(bench: Bench) -> None:
    row = details.run(bench)
    assert row.on["right"]["60 s"] > 0
    assert row.off["looks"] == row.off["captions"]["looks"] == 0
    assert row.on["spans_twice"] == 0
    assert row.on["frames_of_exhaustive"] <= 0.05
    assert reuse.run(bench).on["decoded"][1] == 0


@pytest.mark.slow
def test_looks_read_what_memory_cannot_and_are_not_made_again(
    tmp_path: Path, offline_models: Any
) -> None:
    own = Bench(tmp_path, 16.0, models=offline_models, each=2, drawn=False, early=True)
    row, again = details.run(own), reuse.run(own)
    own.close()
    assert row.on["read_by_looks"]["0.5 s"] > 0 == row.off["read_by_looks"]["0.5 s"]
    assert row.on["looks"] > 0
    assert again.on["decoded"][0] > 0 == again.on["decoded"][1]
    assert again.off["decoded"][1] > 0


def test_a_span_seen_twice_on_one_rung_is_noticed() -> None:
    def step(*looks: tuple[float, float, str]) -> dict[str, Any]:
        rows = [{"video": "v", "start": a, "end": b, "rung": r} for a, b, r in looks]
        return {"step": "extract", "looked": rows}

    class Told:
        def __init__(self, *steps: dict[str, Any]) -> None:
            self.trace = steps

    apart: Any = Told(step((0, 10, "R4")), step((10, 20, "R4"), (2, 5, "R5")))
    again: Any = Told(step((0, 10, "R4")), step((1, 11, "R4")))
    assert (twice(apart), twice(again)) == (0, 1)


def test_the_report_counts_what_was_met(bench: Bench) -> None:
    made = measure(bench, ["walk"])
    assert made["of"] == 1
    assert made["met"] == int(made["rows"]["walk"]["met"])
    assert set(made["rows"]["walk"]) == {"name", "on", "off", "wanted", "met", "seconds"}


# -- overhead ------------------------------------------------------------------------------


def test_overhead_leaves_the_encoder_out(bench: Bench) -> None:
    own = Bench(bench.folder, 40.0, models=bench.models, most=2)
    made = overhead(own, profile=True)
    own.close()
    assert made["all"]["questions"] == sum(kind["questions"] for kind in made["kinds"].values())
    assert made["all"]["p50_ms"] > 0
    assert made["shares"]["longtake.agent"] > 0


def test_files_belong_to_rooms() -> None:
    assert room_of("/a/longtake/storage/store.py") == "longtake.storage"
    assert room_of("/b/lib/python3.11/site-packages/numpy/core/x.py") == "numpy"
    assert room_of("~") == "built in"
