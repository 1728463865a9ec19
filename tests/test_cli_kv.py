"""`longtake kv`: build, status, verify, drop; `ingest --kv`; `ask --no-kv`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bench.worlds.needles import filler
from longtake.config import load_settings
from longtake.models.kv.streamer import Streamer
from longtake.models.profiles import Models
from longtake.storage.store import Store
from tests.cli_world import Scripted, World, answered, world
from tests.kv_library import add, tiny_streamer

__all__ = ["world"]


@pytest.fixture(scope="module")
def streamer(tmp_path_factory: pytest.TempPathFactory) -> Streamer:
    return tiny_streamer(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def kv(world: World, streamer: Streamer, monkeypatch: pytest.MonkeyPatch) -> World:
    """The world of the other commands' tests, with a streamer of random weights."""

    def opened(given: Any) -> Scripted:
        made = Scripted(given, world.script)
        made.models.streamer = streamer  # type: ignore[misc]
        made.models.streamer_name = streamer.name  # type: ignore[misc]
        return made

    monkeypatch.setattr("longtake.cli.session.open_library", opened)
    return world


def files(world: World) -> list[Path]:
    return sorted((world.library / "kv").glob("*/*/seg-*"))


def test_build_status_verify_drop(kv: World) -> None:
    (row,) = kv.data("kv", "status", command="kv status")["memories"]
    assert row["state"] == "none"
    (made,) = kv.data("kv", "build", "lecture", command="kv build")["memories"]
    assert made["read"] == made["lines"] == made["of"] > 0
    assert (made["state"], made["scheme"], made["streamer"]) == ("built", "ghost", "tiny@0")
    (row,) = kv.data("kv", "status", "lecture")["memories"]
    assert {**made, **row} == made
    on_disk = sum(p.stat().st_size for p in files(kv)[0].parent.glob("*.safetensors"))
    assert row["bytes"] >= on_disk > 0
    assert kv.data("kv", "verify", "lecture")["memories"][0]["ok"]
    assert "nothing new" in kv.run("kv", "build", "lecture").stdout
    assert kv.data("kv", "drop", "lecture", command="kv drop")["freed"] >= on_disk
    assert files(kv) == []
    error = kv.data("kv", "drop", "lecture", code=4)
    assert error["code"] == "kv_missing"
    assert error["fix"] == "longtake kv build vababababab"


def test_what_came_later_is_told_and_read(kv: World) -> None:
    kv.run("kv", "build")
    add(kv.library, "moment", "speech", 1000.0, 1002.0, "one word more")
    assert kv.data("kv", "status")["memories"][0]["state"] == "behind"
    (made,) = kv.data("kv", "build")["memories"]
    assert (made["read"], made["anew"], made["state"]) == (1, "", "built")


def test_damage_is_an_error_with_what_mends_it(kv: World) -> None:
    kv.run("kv", "build", "lecture")
    segment = files(kv)[0]
    raw = bytearray(segment.read_bytes())
    raw[-100] ^= 255
    segment.write_bytes(raw)
    error = kv.data("kv", "verify", "lecture", code=3)
    assert error["code"] == "kv_damaged"
    assert "longtake kv build vababababab" in error["fix"]


def test_a_budget_of_bytes_chooses_how_blocks_are_kept(kv: World) -> None:
    (large,) = kv.data("kv", "build", "--bytes-per-hour", "1e9")["memories"]
    (small,) = kv.data("kv", "build", "--bytes-per-hour", "1")["memories"]
    assert (large["scheme"], small["scheme"]) == ("k8v4", "ghost")
    assert "over" not in large
    assert small["over"] == small["bytes"] * 3 > 1, "a third of an hour; no way is that small"
    assert "no way takes less" in kv.run("kv", "build", "--bytes-per-hour", "1").stdout
    assert kv.run("kv", "build", "--bytes-per-hour", "0").exit_code == 2


def test_a_budget_is_kept_where_short_blocks_cost_more_than_was_computed(kv: World) -> None:
    """OFF: what is computed for full blocks would fit, and what is written would not."""
    (free,) = kv.data("kv", "build", "--scheme", "k8v4")["memories"]
    most = 3 * free["bytes"] - 1
    assert most > 3 * free["tokens"] * 20, "what is computed is much less"
    (made,) = kv.data("kv", "build", "--bytes-per-hour", str(most))["memories"]
    assert (made["scheme"], made["read"]) == ("k4v4", 0)
    assert 3 * made["bytes"] <= most
    (again,) = kv.data("kv", "build", "--bytes-per-hour", str(most))["memories"]
    assert {**made, **again} == made, "and it stays so, not read anew"


def test_ingest_builds_only_when_told(kv: World) -> None:
    plain = kv.data("ingest", kv.source)
    assert files(kv) == []
    same = kv.data("ingest", kv.source, "--no-kv")
    assert same == plain
    built = kv.data("ingest", kv.source, "--kv")
    assert built["videos"][0].pop("kv")["state"] == "built"
    assert built == plain
    assert files(kv)


def test_ingest_builds_where_the_configuration_says_so(kv: World) -> None:
    env = {"LONGTAKE_KV__BUILD": "true"}
    assert kv.run("ingest", kv.source, "--no-kv", **env).exit_code == 0
    assert files(kv) == []
    assert kv.run("ingest", kv.source, **env).exit_code == 0
    assert files(kv)


def test_records_are_the_same_with_and_without(kv: World) -> None:
    with Store.open(kv.library) as store:
        before = store.records()
    kv.run("kv", "build")
    with Store.open(kv.library) as store:
        assert store.records() == before


def test_ask_may_leave_it_out_and_tells_of_trouble_once(kv: World) -> None:
    step = {"step": "kv", "trouble": ["it is damaged; longtake kv build lecture"]}
    kv.script.answer = lambda video: answered(video, trace=(step, step))
    result = kv.run("ask", "lecture", "when?", "--no-kv")
    assert kv.script.asked[-1]["kv"] is False
    assert result.stderr.count("answered without the key–value memory") == 1
    kv.run("ask", "lecture", "when?")
    assert "kv" not in kv.script.asked[-1]


def test_help_loads_no_model_library() -> None:
    code = (
        "import sys\nfrom longtake.cli.main import cli\n"
        "for words in (['--help'], ['kv', 'build', '--help'], ['kv', 'status', '--help']):\n"
        "    try: cli(words, standalone_mode=False)\n"
        "    except SystemExit: pass\n"
        "print([n for n in ('torch', 'transformers', 'faiss') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env=dict(os.environ))  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.slow
def test_the_real_model_reads_keeps_ghosts_and_finds_by_them(
    world: World, offline_models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole command with the real weights; what it finds lies in a ghost."""

    def opened(given: Any) -> Scripted:
        made = Scripted(given, world.script)
        made.models.streamer = offline_models.streamer  # type: ignore[misc]
        made.models.streamer_name = offline_models.streamer_name  # type: ignore[misc]
        return made

    monkeypatch.setattr("longtake.cli.session.open_library", opened)
    dice = Random(3)
    said = [filler(dice) for _ in range(66)]
    said.insert(9, "The ferry to the island leaves from pier nineteen.")
    ids = [add(world.library, "moment", "speech", 800.0 + 5 * n, 804.0 + 5 * n, text)
           for n, text in enumerate(said)]  # fmt: skip
    (made,) = world.data("kv", "build", "--scheme", "ghost")["memories"]
    assert made["state"] == "built"
    assert 0 < made["ghosts"] == made["blocks"] - 16
    assert world.data("kv", "verify")["memories"][0]["ok"]
    assert world.data("kv", "build", "--scheme", "ghost")["memories"][0]["read"] == 0
    with opened(load_settings(library=world.library)) as library:
        told = library.toolbox.call(
            "recall_kv", question="From which pier does the ferry to the island leave?",
            video="lecture", k=1,
        )["attempts"][0]  # fmt: skip
    assert ids[9] in told["blocks"][0]["refs"]
    assert told["blocks"][0]["block"] < made["ghosts"]
    assert told["text"], "what so small a model says is not asked for here"
    assert world.data("kv", "drop", "lecture")["freed"] > made["bytes"] // 2
    assert world.data("kv", "status")["memories"][0]["state"] == "none"
