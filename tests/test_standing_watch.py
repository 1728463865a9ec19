"""A watch over drawn streams with fakes: each event is told once, on time; near misses are not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longtake.agent.standing.firing import RULES
from longtake.agent.standing.predicate import parse
from longtake.agent.standing.watcher import Alert, Query, Watcher
from longtake.perception.decode import Decoder
from longtake.perception.items import Picture
from tests.fakes import FakeReader, FakeTranscriber, fake_models, tone
from tests.media import Scene, draw_video, read_blocks

RATE = 16_000
TONES = {400.0: "the closing date is monday", 800.0: "the closing ceremony is on a later date"}
SCENES = [
    Scene(8, "white", "timetable"),
    Scene(8, "blue", "budget plan"),
    Scene(6, "black"),
    Scene(8, "red", "final budget"),
    Scene(10, "white", "timetable"),
]
SPOKEN = ((3.0, 800.0), (18.0, 400.0), (30.0, 800.0))


def models(**more: Any) -> Any:
    reader = FakeReader(lambda image: [one for one in read_blocks(image).split("\n") if one])
    more = {"text_reader": reader, "transcriber": FakeTranscriber(tones=TONES)} | more
    return fake_models(**more)


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sound = np.zeros(40 * RATE, np.float32)
    for at, hertz in SPOKEN:
        part = tone(hertz, 2.0, RATE)
        sound[round(at * RATE) :][: len(part)] = part
    path = tmp_path_factory.mktemp("standing") / "s.ts"
    return draw_video(path, SCENES, fps=10, size=(320, 180), sound=sound, rate=RATE, numbered=False)


def watched(path: Path, *texts: str, begin: float = 0.0, **more: Any) -> list[Alert]:
    nots = more.pop("nots", ())
    made = more.pop("models", None) or models()
    watcher = Watcher([Query(parse(text, nots), cooldown=5.0) for text in texts], made, **more)
    decoder = Decoder(path, start=begin, fine_fps=4, coarse_fps=2,
                      sound=watcher.hears, picture=watcher.sees)  # fmt: skip
    return list(watcher.run(decoder))


@pytest.mark.parametrize(
    ("query", "at"),
    [
        ('"final budget" is on the slide', 22.0),
        ('she says "closing date"', 19.0),  # the fake knows a tone from its first tenth
        ("the screen goes black", 16.0),
        ("the picture turns red", 22.0),
    ],
)
def test_an_event_is_told_once_and_on_time(stream: Path, query: str, at: float) -> None:
    (alert,) = watched(stream, query)
    assert alert.onset == pytest.approx(at, abs=1.0)
    assert 0.0 <= alert.delay <= 2.0


def test_near_misses_are_not_told(stream: Path) -> None:
    assert not watched(stream, '"budget timetable" is on the slide', 'she says "final date"')


def test_several_queries_are_watched_at_once(stream: Path) -> None:
    alerts = watched(stream, "the screen goes black", '"final budget" is on the slide')
    assert [one.channel for one in alerts] == ["black", "screen"]


def test_what_came_before_the_start_is_not_told(stream: Path) -> None:
    query = '"timetable" is on the slide'
    assert [round(one.onset) for one in watched(stream, query)] == [0, 30]
    late = watched(stream, query, begin=2.0, start=6.0, fresh=False)
    assert [round(one.onset) for one in late] == [30]


def test_a_negative_example_keeps_it_quiet(stream: Path) -> None:
    query, no = "the closing is announced", ["the closing ceremony"]
    assert len(watched(stream, query)) == 3
    (alert,) = watched(stream, query, nots=no)
    assert alert.quote == "the closing date is monday"
    assert len(watched(stream, query, nots=no, contrast=False, second=False)) == 3


def test_a_closer_look_refuses_what_is_not_so_on_it(stream: Path) -> None:
    """The first hearing was wrong; the sound heard again as one piece says so."""

    class Wavers(FakeTranscriber):
        calls = 0

        def transcribe(self, samples: Any, spans: Any) -> Any:
            self.calls += 1
            found = super().transcribe(samples, spans)
            again = len(spans) == 1 and spans[0].start == 0.0
            return [one for one in found if not again]

    query = 'she says "closing date"'
    wavers = models(transcriber=Wavers(tones=TONES))
    assert not watched(stream, query, models=wavers)
    assert watched(stream, query, models=wavers, second=False)


def flashed(red: list[tuple[float, float]], **more: Any) -> list[float]:
    """When a watch tells that a white picture turns red, which it is in the given seconds."""
    rule = replace(RULES["seen"], k=more.pop("k", RULES["seen"].k))
    rules, cooldown = {**RULES, "seen": rule}, more.pop("cooldown", 15.0)
    query = Query(parse("the picture turns red"), rules, cooldown)
    items = []
    for n in range(72):
        colour = (200, 20, 20) if any(a <= n / 2 < b for a, b in red) else (240, 240, 240)
        image = np.full((108, 192, 3), colour, np.uint8)
        items.append(Picture(n / 2, image, image))
    return [one.onset for one in Watcher([query], models(), **more).run(items)]


def test_a_flash_is_no_event() -> None:
    """The last look still holds when the flash is over; the pictures since then do not agree."""
    flash, stays = [(12.0, 13.0)], [(12.0, 18.0)]
    assert len(flashed(stays)) == 1
    assert flashed(flash) == []
    assert len(flashed(flash, second=False)) == 1
    assert len(flashed(flash, k=1)) == 1


def test_what_comes_again_and_again_is_told_at_the_pace_that_the_cooldown_allows() -> None:
    twice = [(6.0, 9.0), (12.0, 15.0)]
    assert len(flashed(twice, cooldown=0.0)) == 2
    assert len(flashed(twice)) == 1


def test_without_hysteresis_what_stays_is_told_again_and_again(stream: Path) -> None:
    """The cooldown counts from the last alert, and hides no missing hysteresis."""
    predicate = parse('"budget" is on the slide')

    def told(hysteresis: bool) -> int:
        rules = {name: replace(rule, hysteresis=hysteresis) for name, rule in RULES.items()}
        watcher = Watcher([Query(predicate, rules, cooldown=2.0)], models())
        return len(list(watcher.run(Decoder(stream, fine_fps=4, coarse_fps=2))))

    assert told(hysteresis=True) == 2
    assert told(hysteresis=False) >= 6


def test_an_alert_carries_its_evidence(stream: Path) -> None:
    (alert,) = watched(stream, '"final budget" is on the slide')
    told = alert.to_dict()
    assert told["evidence"]["quote"] == "final budget"
    assert told["delay"] == pytest.approx(told["at"] - told["onset"])
    assert alert.jpeg is not None
    assert alert.jpeg[:2] == b"\xff\xd8"


def test_only_what_a_query_needs_is_made_out(stream: Path) -> None:
    class Refuses:
        name = "none"

        def __getattr__(self, name: str) -> Any:
            raise AssertionError(f"{name} was asked for")

    nothing = models(text_reader=Refuses(), image_tagger=Refuses(), transcriber=Refuses())
    assert len(watched(stream, "the screen goes black", models=nothing)) == 1
