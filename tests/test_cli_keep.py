"""`videos`, `config`, `db`, `models` and `doctor`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from longtake import config, config_file
from longtake.errors import MissingModel
from longtake.storage.store import Store
from tests.cli_world import World, empty_world, fill, world
from tests.media import Scene, draw_video

__all__ = ["empty_world", "world"]


def test_videos_are_listed(world: World) -> None:
    text = world.run("videos", "list").stdout
    assert "vababababab  00:20:00  lecture.mp4  deep pass done" in text
    world.source.unlink()
    assert "the file is gone" in world.run("videos", "list").stdout
    row = world.data("videos", "list", command="videos list")["videos"][0]
    assert (row["id"], row["present"], row["duration"]) == ("vababababab", False, 1200.0)


def test_one_video_is_shown(world: World) -> None:
    text = world.run("videos", "show", "lect").stdout
    assert str(world.source) in text
    assert "1280" in text
    assert world.data("videos", "show", "lect")["media"]["height"] == 720
    assert world.run("videos", "show", "other").exit_code == 5


def test_video_is_forgotten_only_when_meant(world: World) -> None:
    assert world.run("videos", "rm", "lecture").exit_code == 2
    with Store.open(world.library) as store:
        assert len(store.videos()) == 1
    assert world.data("videos", "rm", "lecture", "--yes")["removed"] == "vababababab"
    assert world.source.exists()
    assert "no video yet" in world.run("videos", "list").stdout
    with Store.open(world.library) as store:
        assert store.records() == []


def test_part_of_a_name_must_be_unique(world: World) -> None:
    fill(world.library, world.folder / "videos" / "lecture2.mp4", print_="cd" * 32)
    result = world.run("timeline", "lect")
    assert result.exit_code == 5
    assert "lecture2.mp4" in result.stderr


def test_config_is_shown_with_origins(world: World) -> None:
    data = world.data("config", "show", "--origin")
    assert data["options"]["library"] == {
        "value": str(world.library),
        "origin": "env LONGTAKE_LIBRARY",
    }
    assert set(data["options"]) == {option.key for option in config.options()}
    line = world.run("config", "show", "threads", "--origin").stdout
    assert line.split() == ["threads", "0", "default"]
    assert world.run("config", "show", "thread").exit_code == 2


def test_key_is_never_shown(world: World) -> None:
    result = world.run("config", "show", "--origin", LONGTAKE_API_KEY="sk-secret")
    assert "sk-secret" not in result.output
    assert "env LONGTAKE_API_KEY" in result.stdout


def test_config_is_set_in_the_users_file(world: World) -> None:
    path = world.run("config", "path").stdout.strip()
    assert world.run("config", "set", "threads", "2").exit_code == 0
    assert Path(path).read_text("utf-8") == "threads = 2\n"
    assert world.data("config", "show", "threads")["options"]["threads"]["value"] == 2
    assert world.run("config", "set", "api_key", "x").exit_code == 2


def test_folders_file_cannot_name_a_program(world: World) -> None:
    draw_video(world.source, [Scene(3, (9, 9, 9))], fps=5)
    evil = world.folder / "evil"
    evil.write_text("#!/bin/sh\ntouch ran\n")
    evil.chmod(0o755)
    (world.folder / "longtake.toml").write_text(f'ffmpeg = "{evil}"\n')
    result = world.run("clip", "lecture", "1-2", "-o", "c.mp4")
    assert f"warning: ffmpeg in {world.folder / 'longtake.toml'} is not used" in result.stderr
    assert not (world.folder / "ran").exists()
    world.run("clip", "lecture", "1-2", "-o", "d.mp4", LONGTAKE_FFMPEG=str(evil))
    assert (world.folder / "ran").exists()  # Named by the user, it would have run.
    told = json.loads(world.run("videos", "list", "--json").stdout)
    assert [text.split()[0] for text in told["warnings"]] == ["ffmpeg"]


@pytest.mark.parametrize(
    ("name", "full"), [("videos", "list"), ("models", "list"), ("config", "show")]
)
def test_bare_name_of_a_group_lists(world: World, name: str, full: str) -> None:
    models = {"LONGTAKE_MODELS_DIR": str(world.folder / "models")}
    assert world.run(name, **models).stdout == world.run(name, full, **models).stdout != ""
    assert world.data(name, command=f"{name} {full}")


def test_group_without_a_command_of_its_own_says_where_they_are_listed(world: World) -> None:
    result = world.run("db")
    assert result.exit_code == 2
    error, fix = result.stderr.splitlines()
    assert error.endswith("db needs a command")
    assert fix.endswith("db --help lists them")


def test_sample_is_printed(world: World) -> None:
    assert world.run("config", "sample").stdout == config_file.sample()


def test_broken_file_is_an_error_of_usage(world: World) -> None:
    (world.folder / "longtake.toml").write_text("threads = ")
    result = world.run("videos", "list")
    assert result.exit_code == 2
    assert "longtake.toml" in result.stderr


def test_library_is_sound(world: World) -> None:
    assert world.run("db", "path").stdout.strip() == str(world.library)
    assert "sound" in world.run("db", "check").stdout
    assert world.data("db", "repair", command="db repair")["ok"] is True


def test_library_is_backed_up(world: World) -> None:
    data = world.data("db", "backup", world.folder / "copy.longtake")
    with Store.open(Path(data["path"])) as store:
        assert [video.name for video in store.videos()] == ["lecture.mp4"]


def test_damaged_library_is_told(world: World) -> None:
    (world.library / "library.sqlite").write_bytes(b"not a database at all" * 100)
    result = world.run("videos", "list")
    assert result.exit_code == 3
    assert result.stderr.startswith("error:")
    assert "Traceback" not in result.stderr


def test_models_are_listed(world: World) -> None:
    folder = world.folder / "models"
    rows = json.loads(
        world.run("models", "list", "--json", LONGTAKE_MODELS_DIR=str(folder)).stdout
    )["data"]["models"]
    assert {"whisper-tiny.en", "all-minilm-l6-v2"} <= {row["name"] for row in rows}
    assert not any(row["here"] for row in rows)
    result = world.run("models", "path", "whisper-tiny.en", LONGTAKE_MODELS_DIR=str(folder))
    assert result.exit_code == 4
    assert "longtake models pull whisper-tiny.en" in result.stderr
    result = world.run("models", "path", LONGTAKE_MODELS_DIR=str(folder))
    assert result.stdout.strip() == str(folder)
    assert world.run("models", "pull", "nonesuch").exit_code == 2


def test_changed_weights_are_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("longtake.models.store.ModelStore.verify", lambda self, name: ["w.bin"])
    result = world.run("models", "verify", "whisper-tiny.en")
    assert result.exit_code == 3
    assert "longtake models pull --again whisper-tiny.en" in result.stderr


def test_missing_model_names_the_command(world: World) -> None:
    world.script.ask_raises = MissingModel("no model", fix="longtake models pull x")
    assert world.run("ask", "lecture", "q").exit_code == 4


def test_doctor_lists_checks_and_what_mends_them(world: World) -> None:
    folder = world.folder / "models"
    result = world.run("doctor", LONGTAKE_MODELS_DIR=str(folder))
    assert result.exit_code == 4
    assert "longtake models pull" in result.stdout
    assert "library: 1 videos" in result.stdout
    assert "disk:" in result.stdout
