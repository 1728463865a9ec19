"""How sure an answer is: what is fitted, how it is kept, and what it is worth."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bench.fitting import (
    applied,
    figures,
    fit,
    fit_isotonic,
    fit_logistic,
    fit_temperature,
    loss,
    unchanged,
)
from bench.worlds.dev import RECIPES, Recipe, make_dev
from longtake.agent.desk import Desk
from longtake.agent.findings import finding
from longtake.agent.question.classify import classify
from longtake.agent.reading.close_reading import read_closely
from longtake.agent.reading.evidence import collect
from longtake.agent.solvers.by_kind import solve
from longtake.agent.state import Switches
from longtake.agent.surety.calibration import FOLDER, Calibration, Group, bent, parsed, sigmoid
from longtake.agent.surety.confidence import SIGNALS, confident, declines
from longtake.errors import SourceGone, UsageError
from longtake.storage.records import Video
from longtake.storage.store import Store
from longtake.tools.registry import Toolbox
from tests.fakes import fake_models
from tests.worlds import ContentEncoder, World, lecture

if TYPE_CHECKING:
    from longtake.models.profiles import Models

NAMES = {"text_encoder": "encoder-a@1"}


def group(**more: Any) -> Group:
    base: dict[str, Any] = {
        "features": ("weakest",), "mean": (0.5,), "scale": (0.25,), "weights": (2.0,), "bias": 0.0,
        "temperature": 1.0, "bins": (), "threshold": 0.6, "n": 100,
    }  # fmt: skip
    return Group(**(base | more))


# -- the maths of the fit ---------------------------------------------------------------------


def noisy(n: int = 600, steep: float = 1.0, seed: int = 3) -> tuple[Any, Any, Any]:
    """Log-odds, outcomes drawn from them, weights."""
    chance = np.random.default_rng(seed)
    z = chance.normal(0.0, 1.5, n)
    y = (chance.random(n) < 1 / (1 + np.exp(-steep * z))).astype(float)
    return z, y, np.ones(n)


def test_logistic_regression_finds_what_tells_and_ignores_what_does_not() -> None:
    z, y, w = noisy()
    noise = np.random.default_rng(5).normal(size=len(z))
    solution = fit_logistic(np.stack([z, noise], 1), y, w, 1.0)
    assert solution[1] == pytest.approx(1.0, abs=0.25)
    assert abs(solution[2]) < 0.2


def test_temperature_undoes_too_much_certainty_and_keeps_the_order() -> None:
    z, y, w = noisy()
    t = fit_temperature(3.0 * z, y, w)
    assert t == pytest.approx(3.0, rel=0.25)
    assert loss(3.0 * z / t, y, w) < loss(3.0 * z, y, w)
    assert (np.argsort(3.0 * z / t, kind="stable") == np.argsort(z, kind="stable")).all()


def test_isotonic_points_rise_and_hold_enough_rows() -> None:
    z, y, w = noisy(400)
    points = fit_isotonic(z, y, w)
    assert len(points) <= 400 // 20
    assert all(a[0] < b[0] and a[1] < b[1] for a, b in pairwise(points))
    assert all(0.0 < p < 1.0 for _, p in points)


def test_isotonic_mends_a_curve_that_no_temperature_can() -> None:
    z, _, w = noisy(2000)
    chance = np.random.default_rng(9)
    y = (chance.random(2000) < np.where(z < 0, 0.5, 0.9)).astype(float)
    points = fit_isotonic(z, y, w)
    assert bent(-1.0, points) == pytest.approx(0.5, abs=0.08)
    assert bent(1.0, points) == pytest.approx(0.9, abs=0.06)


def test_no_correction_turns_the_order() -> None:
    z, y, w = noisy(500)
    one = group(bins=fit_isotonic(z, y, w), temperature=1.7)
    sure = [one.probability({"weakest": x}) for x in np.linspace(-1, 2, 60)]
    assert sure == sorted(sure)
    assert 0.0 < sure[0] < sure[-1] < 1.0


# -- what is fitted from rows -----------------------------------------------------------------


def rows(n: int = 400, seed: int = 2) -> list[dict[str, Any]]:
    """Answers of which those with a well supported weakest word are right; all say 0.95."""
    chance = np.random.default_rng(seed)
    made = []
    for i in range(n):
        weakest = float(chance.random())
        right = bool(chance.random() < (0.95 if weakest > 0.6 else 0.15))
        told = dict.fromkeys(SIGNALS, 0.0) | {"weakest": weakest, "hand": 2.9}
        told |= {"lift": float(chance.random())}
        hard = "near" if right or i % 2 else "miss"
        made.append({
            "id": str(i), "topic": f"t{i % 17}", "hard": hard, "group": "words", "signals": told,
            "right": right, "declined": False, "confidence": 0.95,
            "kind": "absent" if hard == "miss" else "speech",
        })  # fmt: skip
    return made


def test_a_fit_makes_unseen_answers_as_often_right_as_they_say() -> None:
    made = fit(rows(), "x", NAMES)
    made.groups["words"] = replace(made.groups["words"], threshold=0.0)
    unseen = rows(seed=11)
    before = figures(unchanged(unseen))
    after = figures(applied(unseen, made))
    assert before["expected_error"] > 0.25
    assert after["expected_error"] < 0.1
    assert before["auroc"] == 0.5
    assert after["auroc"] > 0.8


def test_a_fit_declines_near_misses_and_keeps_answers() -> None:
    unseen = rows(seed=11)
    after = figures(applied(unseen, fit(rows(), "x", NAMES)))
    assert after["abstention"]["recall"] > 0.9
    assert after["accuracy_answered"] > 0.85
    assert figures(unchanged(unseen))["abstention"]["recall"] == 0.0


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        fit(rows(), "x", NAMES).save(tmp_path / f"{name}.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


# -- files ------------------------------------------------------------------------------------


def test_what_was_saved_is_read_and_says_the_same(tmp_path: Path) -> None:
    made = fit(rows(), "offline", NAMES)
    made.save(tmp_path / "offline.json")
    read = Calibration.load(NAMES, folder=tmp_path)
    assert read.name == "offline"
    assert read.trouble is None
    for weakest in (0.1, 0.5, 0.9):
        told = dict.fromkeys(SIGNALS, 0.0) | {"weakest": weakest}
        assert read.probability("words", told) == pytest.approx(
            made.probability("words", told), abs=1e-3
        )


def test_another_encoder_is_refused_with_a_warning(tmp_path: Path) -> None:
    fit(rows(), "offline", NAMES).save(tmp_path / "offline.json")
    with pytest.warns(UserWarning, match="encoder-b@2"):
        other = Calibration.load({"text_encoder": "encoder-b@2"}, folder=tmp_path)
    assert other.trouble is not None
    assert not other.groups
    told = dict.fromkeys(SIGNALS, 0.0) | {"hand": 2.0}
    assert other.probability("words", told) == pytest.approx(sigmoid(2.0 / other.generic))
    assert other.probability("words", told) > other.probability("words", told | {"hand": -2.0})
    assert other.threshold("words") == 0.0


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 99}', '{"version": 1}'])
def test_a_broken_file_is_said(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"broken\.json"):
        parsed(path)


def test_packaged_files_are_sound() -> None:
    known = [parsed(path) for path in sorted(FOLDER.glob("*.json"))]
    assert any(one.name == "offline" for one in known)
    for one in known:
        assert one.models["text_encoder"]
        assert one.groups["words"].n >= 100
        for each in one.groups.values():
            assert set(each.features) <= set(SIGNALS)
            assert [p for _, p in each.bins] == sorted(p for _, p in each.bins)
    raw = json.loads((FOLDER / "offline.json").read_text())
    assert not {"date", "time", "when"} & raw.keys()


# -- on a desk --------------------------------------------------------------------------------


def no_source(video: Video) -> Path:
    raise SourceGone(f"{video.name} is only a script")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    from longtake.memory.recall import Recall

    models = fake_models(text_encoder=ContentEncoder())
    made = lecture(tmp_path_factory.mktemp("calibration"), models.text_encoder)
    recall = Recall(made.store, models.text_encoder, None)
    made.toolbox = Toolbox(made.store, models, recall, source_of=no_source)
    yield made
    made.store.close()


def weighed(
    toolbox: Any, video: Any, question: str, calibration: Calibration | None, **off: bool
) -> dict[str, Any]:
    """One question through search, close reading, its solver and calibration."""
    desk = Desk(toolbox, None, [video], None, Switches(**off))
    part = classify(question)[0] | {"scope": None, "window": None}
    terms = desk.terms(part["words"])
    found = read_closely(desk, part, terms, collect(desk, part, terms))
    made = solve(desk, part, terms, found, None)
    return confident(desk, part, terms, found, made, calibration)


STRICT = Calibration("test", NAMES, {"words": group(), "when": group()})
ASKED = "What is said about the calibration set?"
NEAR_MISS = "Why was the calibration set translated?"


def test_signals_are_plain_numbers_and_the_same_each_time(world: World) -> None:
    one = weighed(world.toolbox, world.video, ASKED, STRICT)["signals"]
    assert list(one) == list(SIGNALS)
    assert all(type(x) is float and np.isfinite(x) for x in one.values())
    assert json.dumps(one) == json.dumps(
        weighed(world.toolbox, world.video, ASKED, STRICT)["signals"]
    )
    bounded = {k: v for k, v in one.items() if k != "hand"}
    assert all(0.0 <= v <= 1.0001 for v in bounded.values())


def test_a_word_without_support_lowers_the_weakest(world: World) -> None:
    whole = weighed(world.toolbox, world.video, ASKED, STRICT)["signals"]
    partly = weighed(world.toolbox, world.video, NEAR_MISS, STRICT)["signals"]
    assert partly["weakest"] < whole["weakest"]
    assert partly["held"] < whole["held"]


def test_a_near_miss_is_declined_and_without_calibration_is_answered(world: World) -> None:
    off = weighed(world.toolbox, world.video, NEAR_MISS, STRICT, calibrate=False)
    on = weighed(world.toolbox, world.video, NEAR_MISS, STRICT)
    assert off["status"] == "found"
    assert "signals" not in off
    assert on["status"] == "weak"
    assert "calibration set" in on["nearest"]["quote"]
    assert on["evidence"] == []
    assert on["sentences"] == []
    assert weighed(world.toolbox, world.video, ASKED, STRICT)["status"] == "found"


def test_nothing_is_declined_where_nothing_was_fitted(world: World) -> None:
    plain = weighed(world.toolbox, world.video, NEAR_MISS, Calibration.plain())
    bare = weighed(world.toolbox, world.video, NEAR_MISS, None)
    assert plain["status"] == bare["status"] == "found"
    assert plain["confidence"] == pytest.approx(bare["confidence"], abs=0.002)


@pytest.mark.parametrize(("p", "declined"), [(0.352, True), (0.6, False)])
def test_a_second_look_is_declined_when_it_is_more_likely_wrong(p: float, declined: bool) -> None:
    """No weights were fitted for what a second look reads, so nothing else holds it back."""
    made = finding("found", confidence=p) | {"group": "look"}
    assert declines(made, Calibration("fitted", {}, {"words": group()})) == declined
    assert not declines(made, Calibration("plain", {}))


def test_an_absence_that_is_unsure_becomes_insufficient() -> None:
    calibration = Calibration("test", NAMES, {"declined": group(threshold=0.5)})
    made = finding("absent") | {"group": "declined"}
    assert declines(made | {"confidence": 0.3}, calibration)
    assert not declines(made | {"confidence": 0.7}, calibration)
    assert not declines(made | {"status": "weak", "confidence": 0.3}, calibration)


# -- development worlds -----------------------------------------------------------------------


def test_development_worlds_are_the_same_each_time() -> None:
    recipe = Recipe("again", "one", 3, 9.0)
    assert make_dev(recipe) == make_dev(recipe)
    assert make_dev(recipe) != make_dev(recipe, seed=2)


def test_there_are_enough_questions_and_the_halves_share_no_wording() -> None:
    worlds = {recipe: make_dev(recipe) for recipe in RECIPES}
    texts: dict[str, set[str]] = {"one": set(), "two": set()}
    topics: dict[str, set[str]] = {"one": set(), "two": set()}
    for recipe, made in worlds.items():
        assert 30 * 60 * 0.85 <= made.script.duration <= 120 * 60
        texts[recipe.half] |= {one.question.text for one in made.questions}
        topics[recipe.half] |= {subject.title for subject, _ in made.script.sections}
    assert sum(len(made.questions) for made in worlds.values()) >= 600
    assert not texts["one"] & texts["two"] - {t for t in texts["one"] if t.startswith("How many")}
    assert not topics["one"] & topics["two"]
    assert sum(len(one) for one in topics.values()) >= 20


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda r: r.name)
def test_near_misses_are_never_told(recipe: Recipe) -> None:
    made = make_dev(recipe)
    told = {(fact.thing.the, fact.attribute.name) for fact in made.script.facts}
    assert len(told) >= 30
    for one in made.questions:
        if one.hard == "miss":
            for fact in made.script.facts:
                wording = fact.attribute.wording(recipe.half)
                asked = {p.format(t=fact.thing.the, a=a) for p in (*wording.ask, *wording.para)
                         for a in (fact.thing.the, f"the {fact.thing.other}")}  # fmt: skip
                assert one.question.text not in asked


@pytest.mark.slow
def test_packaged_weights_decline_near_misses_that_were_answered(
    offline_models: Models, tmp_path: Path
) -> None:
    from longtake.memory.recall import Recall

    made = make_dev(Recipe("small", "two", 6, 24.0), seed=5)
    with Store.open(tmp_path / "tiny.longtake", write=True, create=True) as store:
        video = made.remember(store, offline_models.text_encoder)
    calibration = Calibration.load(offline_models.names())
    assert calibration.trouble is None
    found = {"on": {"near": 0, "misleading": 0}, "off": {"near": 0, "misleading": 0}}
    with Store.open(tmp_path / "tiny.longtake") as store:
        recall = Recall(store, offline_models.text_encoder, offline_models.image_encoder)
        toolbox = Toolbox(store, offline_models, recall, source_of=no_source)
        for one in made.questions:
            if one.hard in ("miss", "swap", "near"):
                hard = "near" if one.hard == "near" else "misleading"
                for name, counts in found.items():
                    got = weighed(toolbox, video, one.question.text, calibration,
                                  calibrate=name == "on")  # fmt: skip
                    counts[hard] += got["status"] == "found"
    assert found["off"]["misleading"] >= 5
    assert found["on"]["misleading"] <= 0.5 * found["off"]["misleading"]
    assert found["on"]["near"] >= 0.8 * found["off"]["near"]
