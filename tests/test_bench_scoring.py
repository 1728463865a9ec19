"""The scorer, on predictions whose marks are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.scoring import Mark, Prediction, accuracy_at, mark, seconds_in, summary, surety
from bench.surety import by_chance, expected_error
from bench.worlds.truth import Question, Truth

QUESTIONS = (
    Question("speech-1", "speech", "How many stairs?", ((10.0, 20.0),), (r"\b212\b",)),
    Question("screen-1", "screen", "Which works?", ((30.0, 60.0),), ("fenwick",)),
    Question("sight-1", "sight", "When is a flower seen?", ((70.0, 80.0), (170.0, 180.0))),
    Question("order-1", "order", "Bees before or after tea?", ((0.0, 9.0),), (r"\bbefore\b",),
             (r"\bafter\b",)),
    Question("how_long-1", "how_long", "How long is the break?", ((90.0, 190.0),), value=100.0,
             tolerance=15.0),
    Question("absent-1", "absent", "Who won the match?"),
    Question("absent-2", "absent", "What is the dog called?"),
)  # fmt: skip

PERFECT = (
    Prediction("She climbed 212 steps.", spans=((10.0, 20.0),)),
    Prediction("Made in the FENWICK works", spans=((30.0, 60.0), (0.0, 1.0))),
    Prediction("At 00:02:50.", spans=((170.0, 180.0),)),
    Prediction("before, not after", spans=((0.0, 9.0),)),
    Prediction("1 minute 40 seconds", value=100, spans=((90.0, 190.0),)),
    Prediction("It is not in the video.", "not_in_video"),
    Prediction("Not enough is known.", "insufficient"),
)


def scored(predictions: tuple[Prediction, ...]) -> dict:  # type: ignore[type-arg]
    return summary([mark(q, p) for q, p in zip(QUESTIONS, predictions, strict=True)])


def test_perfect_answers_score_one_everywhere() -> None:
    figures = scored(PERFECT)
    total = figures["answerable"]
    assert (total["accuracy"], total["hit@1"], total["right_with_hit"]) == (1.0, 1.0, 1.0)
    assert total["mean_iou"] == 1.0
    assert figures["kinds"]["absent"] == {"questions": 2, "accuracy": 1.0, "declined": 1.0}
    assert figures["abstention"] == {"precision": 1.0, "recall": 1.0, "false_declines": 0.0}


def test_shifted_evidence_keeps_the_text_right_and_loses_the_hit() -> None:
    far = tuple(replace(p, spans=tuple((a + 500, b + 500) for a, b in p.spans)) for p in PERFECT)
    total = scored(far)["answerable"]
    assert total["accuracy"] == 0.8  # "when" questions are right by their span only
    assert (total["hit@1"], total["right_with_hit"], total["mean_iou"]) == (0.0, 0.0, 0.0)


def test_half_shifted_evidence_has_a_third_of_iou() -> None:
    given = replace(PERFECT[0], spans=((15.0, 25.0),))
    assert mark(QUESTIONS[0], given).hit
    assert mark(QUESTIONS[0], given).iou == pytest.approx(1 / 3)


def test_touching_is_no_hit() -> None:
    assert not mark(QUESTIONS[0], replace(PERFECT[0], spans=((20.0, 30.0),))).hit


def test_only_the_first_evidence_counts() -> None:
    given = replace(PERFECT[0], spans=((400.0, 410.0), (10.0, 20.0)))
    assert not mark(QUESTIONS[0], given).hit


def test_all_declined_gets_only_the_absent_right() -> None:
    figures = scored((Prediction("no", "not_in_video"),) * len(QUESTIONS))
    assert figures["answerable"]["accuracy"] == 0.0
    assert figures["abstention"] == {"precision": 0.2857, "recall": 1.0, "false_declines": 1.0}


def test_never_declining_gets_no_absent_right() -> None:
    figures = scored((*PERFECT[:5], Prediction("212"), Prediction("Rex")))
    assert figures["answerable"]["accuracy"] == 1.0
    assert figures["kinds"]["absent"]["accuracy"] == 0.0
    assert figures["abstention"] == {"precision": None, "recall": 0.0, "false_declines": 0.0}


@pytest.mark.parametrize(
    ("text", "right"),
    [("after bees, before tea", False), ("it comes before", True), ("beforehand", False)],
)
def test_the_first_named_alternative_is_the_answer(text: str, right: bool) -> None:
    assert mark(QUESTIONS[3], Prediction(text, spans=((0.0, 9.0),))).right is right


@pytest.mark.parametrize(
    ("given", "right"),
    [
        (Prediction("", value=114.0), True),
        (Prediction("", value=116.0), False),
        (Prediction("about 1 min 35 s"), True),
        (Prediction("100"), False),
        (Prediction("from 1:30 on", value=None), True),
    ],
)
def test_durations_within_tolerance(given: Prediction, right: bool) -> None:
    assert mark(QUESTIONS[4], given).right is right


def test_seconds_in_reads_one_duration() -> None:
    assert seconds_in("2 hours 3 min") == 7380.0
    assert seconds_in("95 seconds, not 20 seconds") == 95.0
    assert seconds_in("01:02:03") == 3723.0


def test_truth_survives_its_file(tmp_path: Path) -> None:
    truth = Truth(200.0, QUESTIONS, {"seed": 1})
    truth.save(tmp_path / "truth.json")
    assert Truth.load(tmp_path / "truth.json") == truth


def sure(*pairs: tuple[float | None, bool | None]) -> list[Mark]:
    """Return marks of answers with these confidences; None: declined."""
    return [
        Mark(f"q{n}", "speech", bool(right), False, 0.0, right is None, confidence)
        for n, (confidence, right) in enumerate(pairs)
    ]


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    assert expected_error([(1.0, True), (1.0, True), (0.0, False)]) == 0.0
    assert expected_error([(0.9, True), (0.9, False)]) == pytest.approx(0.4)
    # two bins of unequal size: 3 x |0.8 - 1| and 1 x |0.2 - 0| over four answers
    some = [(0.8, True), (0.8, True), (0.8, True), (0.2, False)]
    assert expected_error(some) == pytest.approx((3 * 0.2 + 0.2) / 4)


def test_few_answers_err_by_chance_and_many_do_not() -> None:
    few, many = by_chance([0.8] * 20 + [0.65] * 20), by_chance([0.8] * 2000 + [0.65] * 2000)
    assert few["one_in_twenty"] > few["mean"] > 0.04 > many["one_in_twenty"] > many["mean"]
    assert by_chance([1.0, 0.0]) == {"mean": 0.0, "one_in_twenty": 0.0}
    assert by_chance([]) == {}


def test_declined_answers_have_no_calibration() -> None:
    assert surety(sure((0.7, True), (0.1, None)))["expected_error"] == pytest.approx(0.3)
    assert surety(sure((None, True)))["expected_error"] is None


def test_accuracy_at_coverage_drops_the_least_confident() -> None:
    marks = sure((0.9, True), (0.8, True), (0.7, True), (0.6, True), (0.1, False))
    assert accuracy_at(marks) == 1.0
    assert accuracy_at(marks, 1.0) == 0.8
    assert accuracy_at(sure((0.1, True), (0.8, True), (0.7, True), (0.6, True), (0.9, False))) == (
        0.75
    )


def test_declining_more_than_the_rest_costs_accuracy_at_coverage() -> None:
    declined = (0.99, None)
    assert accuracy_at(sure((0.5, True), (0.5, True), declined, declined, declined)) == 0.5
    assert accuracy_at(sure((None, True), (None, False))) is None


def test_confidence_reaches_the_figures() -> None:
    given = tuple(replace(p, confidence=0.9) for p in PERFECT)
    figures = scored(given)["calibration"]
    assert figures["expected_error"] == pytest.approx(0.1)
    assert figures["accuracy_at_80%"] == 1.0
    silent = scored(PERFECT)["calibration"]
    assert silent == {
        "expected_error": None,
        "expected_error_by_chance": {},
        "accuracy_at_80%": None,
    }


def test_timecodes_are_no_numbers() -> None:
    question = Question("screen-1", "screen", "How many?", ((0.0, 9.0),), (r"\b35\b",))
    assert not mark(question, Prediction("It is said at 01:35:20.")).right
    assert mark(question, Prediction("At 01:20:10: 35 buses.")).right
    assert mark(replace(question, right=("18:45",)), Prediction("Doors open 18:45")).right
