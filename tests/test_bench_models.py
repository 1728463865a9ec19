"""The table of models: a fixed sample, what is counted, and what a model is said to add."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bench.calibrate import endpoint
from bench.models import Counted, adds, ask_all, figures, sample, sentences
from bench.scoring import Mark, Prediction, mark
from bench.worlds.truth import KINDS, Question
from tests.fakes import FakeChat


def questions(**counts: int) -> list[Question]:
    return [Question(f"{kind}{i}", kind, f"{kind} {i}?") for kind, n in counts.items()
            for i in range(n)]  # fmt: skip


@pytest.mark.parametrize("most", [1, 7, 10, 20, 33, 75, 200])
def test_the_sample_is_the_same_each_time_and_three_in_ten_are_about_nothing(most: int) -> None:
    every = questions(speech=18, screen=18, sight=8, order=6, how_many=2, absent=15)
    one = sample(every, most)
    assert one == sample(every, most)
    assert len({q.id for q in one}) == len(one) <= most
    count = Counter(q.kind for q in one)
    assert count["absent"] == min(15, round(0.3 * most))
    assert len(one) - count["absent"] == min(most - count["absent"], 52)
    assert set(count) <= set(KINDS)


def test_what_goes_in_and_out_is_counted() -> None:
    counted = Counted(
        FakeChat(lambda _: "yes, it is", scorer=lambda _m, labels: [0.0] * len(labels))
    )
    counted.score([("user", "1234567")], ["Yes", "No"])
    counted.generate([("user", "7654321")], max_tokens=4)
    assert counted.row(2) == {"model_calls": 2, "tokens_read_each": 2, "tokens_written_each": 1.4}
    assert counted.scores


def one(right: bool, declined: bool = False, kind: str = "speech") -> Mark:
    return Mark("q", kind, right, right, 1.0, declined, 0.7)


def test_what_a_model_adds_is_what_it_changed() -> None:
    asked = [("film", q) for q in questions(speech=4)]
    before = [one(False, True), one(True), one(False), one(True)]
    after = [one(True), one(False), one(False, True), one(True)]
    assert adds(asked, before, after) == {
        "wrong_to_right": ["film: speech 0?"],
        "right_to_wrong": ["film: speech 1?"],
        "else": ["film: speech 2? (declined)"],
    }
    told = figures(after, [1.0, 2.0, 3.0, 9.0])
    assert (told["right"], told["right_with_hit"], told["seconds"]) == (2, 0.5, 2.5)


def test_a_sentence_before_the_quotation_is_marked_by_itself() -> None:
    code = Question("q", "screen", "What is the code?", ((0.0, 9.0),), right=("k-559",))
    found = Prediction("“Sheet 27” / “Code K-559”.", spans=((1.0, 2.0),))
    false = Prediction(f"The code is 27. {found.text}", spans=found.spans)
    true = Prediction(f"The code is K-559. {found.text}", spans=found.spans)
    assert mark(code, false).right, "the quotation after it is right"
    asked = [("film", code)] * 3
    told = sentences(asked, [found] * 3, [false, true, found])
    assert told["sentences"] == 2
    assert told["sentences_wrong"] == ["film: What is the code? – The code is 27."]


def test_an_endpoint_is_named_with_its_address() -> None:
    assert endpoint("m=http://127.0.0.1:1/v1").name == "m@api"
    for bad in ("m", "=http://x", "m=x"):
        with pytest.raises(SystemExit, match="NAME=URL"):
            endpoint(bad)


@pytest.mark.slow
def test_rules_and_a_model_are_asked_the_same(offline_models: object, tmp_path: Path) -> None:
    from bench.calibrate import remember
    from bench.worlds.dev import Recipe, make_dev

    world = make_dev(Recipe("small", "two", 6, 24.0), seed=5)
    path = tmp_path / "small.longtake"
    remember(path, world, "offline")
    some = sample([q.question for q in world.questions], 8)
    answers, seconds = ask_all([(path, some)], "offline", None)
    counted = Counted(
        FakeChat(lambda _: "NOT FOUND", scorer=lambda _m, labels: [0.0] * len(labels))
    )
    others, _ = ask_all([(path, some)], "offline", counted)
    assert len(answers) == len(seconds) == len(others) == 8
    marks = [mark(q, Prediction.of(a)) for q, a in zip(some, answers, strict=True)]
    assert [a.text for a in answers] == [a.text for a in others], "an unknown model changes nothing"
    assert any(m.right for m in marks)
