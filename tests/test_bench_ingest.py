"""Parts of the ingest bench: comparing lines, the naive pipeline, measured children."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.ingest import LEAST_MINUTES, _line_figures, naive_span
from bench.lines import distinct, missing
from bench.machine import child, machine
from bench.naive import pictures, run_naive, sound
from bench.startup import measure
from bench.worlds.film import Format, Line, Shot, write_film
from bench.worlds.mixed import Facts
from tests.fakes import FakeReader, fake_models

FORM = Format(size=(160, 90), fps=10, crf=20)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Three seconds of red, two of blue; a hum from 1 s to 3 s."""

    def paint(colour: tuple[int, int, int]) -> Image.Image:
        return Image.new("RGB", FORM.size, colour)

    shots = [Shot(0, 3, lambda t: paint((220, 30, 30))), Shot(3, 5, lambda t: paint((30, 60, 220)))]
    hum = (0.4 * np.sin(np.arange(32_000) * 0.2)).astype(np.float32)
    write_film(tmp_path / "film.mp4", shots, [Line(1.0, hum)], FORM)
    return tmp_path / "film.mp4"


def test_distinct_lines_forgive_reading_slips() -> None:
    lines = ["Fog signals", "fog  signals", "Fog sgnals", "The lens", "x", "Longest span: 940 m"]
    assert distinct(lines) == ["fog signals", "longest span: 940 m", "the lens"]
    assert distinct(lines, seen_at_least=2) == ["fog signals"]


def test_missing_lines_are_those_without_a_twin() -> None:
    assert missing(["the lens", "fog signals"], ["Fog signais", "Tides"]) == ["the lens"]


def test_line_figures_count_a_lost_line() -> None:
    figures = _line_figures(["The lens", "The lens", "Key stone"], ["the lens"])
    assert figures["all"]["found_share"] == 0.5
    assert figures["all"]["lost"] == ["key stone"]
    assert figures["read_twice"]["found_share"] == 1.0


def test_the_naive_sample_is_long_enough_for_thirty_lines() -> None:
    def facts(lines: int) -> Facts:
        return Facts(60.0, 2, "v", 0.25, 3600.0, 0.5, lines)

    assert naive_span(facts(62)) == pytest.approx(1800.0)
    assert naive_span(facts(10)) == 3600.0
    assert naive_span(facts(5000)) == LEAST_MINUTES * 60
    assert naive_span(facts(62), 3.0) == 180.0
    assert naive_span(facts(62), 90.0) == 3600.0


def test_the_naive_pipeline_reads_every_second_and_hears_every_window(film: Path) -> None:
    reader = FakeReader({(220, 30, 30): ["first slide"], (30, 60, 220): ["second slide"]})
    found = run_naive(film, fake_models(text_reader=reader), until=100.0)
    assert found.frames == 5
    assert found.lines == ("first slide",) * 3 + ("second slide",) * 2
    assert found.seconds == pytest.approx(5.0, abs=0.2)


def test_the_naive_pipeline_stops_where_it_is_told(film: Path) -> None:
    assert len(list(pictures(film, 2.0))) == 2
    assert len(sound(film, 2.0)) == 32_000


def test_sound_is_at_its_time(film: Path) -> None:
    loud = np.flatnonzero(np.abs(sound(film, 10.0)) > 0.2) / 16_000
    assert 0.9 < loud.min() < 1.1
    assert 2.9 < loud.max() < 3.1


def test_a_child_is_measured_and_a_failing_one_stops_the_bench(tmp_path: Path) -> None:
    code = """
        import sys
        from bench.machine import finish
        eaten = b"1" * int(sys.argv[1])
        finish({"n": len(eaten)})
    """
    (tmp_path / "eater.py").write_text(textwrap.dedent(code))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", f"{tmp_path}:{Path(__file__).parents[1]}")
        small, large = child("eater", ["10"]), child("eater", [str(200 * 2**20)])
        with pytest.raises(SystemExit, match="failed"):
            child("eater", ["-1 is no number"])
    assert large.result == {"n": 200 * 2**20}
    assert 190 < large.peak_mib - small.peak_mib < 215


def test_the_machine_is_named() -> None:
    assert machine()["cores"] >= 1
    assert machine()["cpu"]


def test_startup_compares_commands_with_python_doing_nothing() -> None:
    figures = measure(1, {"python_pass": ("-c", "pass"), "import_json": ("-c", "import json")})
    assert figures["python_pass"]["over_python_seconds"] == 0.0
    assert figures["import_json"]["median_seconds"] > 0
