"""The program with its real library, decoder and storage, and fake models that read drawn text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from longtake.cli.main import cli
from longtake.library import Library
from tests.fakes import FakeReader, fake_models
from tests.media import Scene, draw_video, read_blocks, tone

SCENES = [
    Scene(6, (200, 30, 30), text="EXAM ON 14 MARCH"),
    Scene(6, (30, 30, 200), text="ROOM B2"),
]


class Program:
    """Runs commands in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.library = folder / "test.longtake"

    def run(self, *args: str | Path) -> Result:
        result = CliRunner().invoke(cli, [str(one) for one in args])
        assert "Traceback" not in result.output
        return result

    def run_with(self, input: str, *args: str | Path) -> Result:
        return CliRunner().invoke(cli, [str(one) for one in args], input=input)

    def fails(self, code: int, *args: str | Path) -> str:
        """Run, check the exit code, that it is an error in two lines at most, and return it."""
        result = self.run(*args)
        assert result.exit_code == code, result.output
        assert result.stdout == ""
        errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1
        told = json.loads(self.run(*args, "--json").stdout)
        assert told["ok"] is False
        assert f"error: {told['error']['message']}" in errors
        return str(told["error"]["message"])


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    models = fake_models(
        text_reader=FakeReader(lambda image: [one for one in read_blocks(image).split("\n") if one])
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LONGTAKE_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(
        "longtake.cli.session.open_library",
        lambda settings: Library(settings, models=models),  # type: ignore[arg-type]
    )
    return Program(tmp_path)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("media") / "good.mp4"
    return draw_video(path, SCENES, fps=5, sound=tone(12))
