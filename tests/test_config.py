"""Configuration: who wins, where a value came from, what is refused, and the sample."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import longtake
from longtake import config, config_file
from longtake.errors import UsageError

KEYS = [option.key for option in config.options()]


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[Path, Path]:
    """An empty working folder; returns the paths of the project's and the user's file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LONGTAKE_LIBRARY")
    user = tmp_path / "user" / "config.toml"
    user.parent.mkdir()
    monkeypatch.setenv("LONGTAKE_CONFIG", str(user))
    return tmp_path / "longtake.toml", user


def test_each_source_beats_the_next(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    project, user = files
    assert config.load_settings().language is None
    monkeypatch.setenv("LONGTAKE_PROFILE", "offline")
    settings = config.load_settings()
    assert (settings.language, config.origins(settings)["language"]) == ("en", "profile offline")
    user.write_text('language = "fr"\n')
    assert config.load_settings().language == "fr"
    project.write_text('language = "de"\n')
    settings = config.load_settings()
    assert (settings.language, config.origins(settings)["language"]) == ("de", str(project))
    monkeypatch.setenv("LONGTAKE_LANGUAGE", "it")
    settings = config.load_settings()
    assert config.origins(settings)["language"] == "env LONGTAKE_LANGUAGE"
    settings = config.load_settings(language="es")
    assert (settings.language, config.origins(settings)["language"]) == ("es", "flag")


def test_nested_option_merges_over_sources(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    files[1].write_text("[search]\nk = 3\n[progress]\nevery = 2\n")
    monkeypatch.setenv("LONGTAKE_SEARCH__K", "4")
    settings = config.load_settings()
    assert (settings.search.k, settings.progress.every) == (4, 2.0)
    assert config.origins(settings)["search.k"] == "env LONGTAKE_SEARCH__K"
    assert config.origins(settings)["progress.every"] == str(files[1])


def test_every_option_has_an_origin(files: tuple[Path, Path]) -> None:
    assert set(config.origins(config.load_settings())) == set(KEYS)
    assert set(config.origins(config.load_settings()).values()) == {"default"}


def test_secret_comes_from_the_environment_alone(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LONGTAKE_API_KEY", "sk-hidden")
    settings = config.load_settings()
    assert settings.api_key == "sk-hidden"
    assert "sk-hidden" not in repr(settings)
    assert config.value_of(settings, "api_key") == "set"
    files[0].write_text('api_key = "sk-hidden"\n')
    with pytest.raises(UsageError, match="secret") as caught:
        config.load_settings()
    assert "LONGTAKE_API_KEY" in str(caught.value.fix)
    assert "sk-hidden" not in str(caught.value)
    with pytest.raises(UsageError, match="secret"):
        config_file.set_option(files[1], "api_key", "x")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("threads = [", "cannot be read"),
        ("thread = 2", "near: threads"),
        ("threads = -1", "threads does not fit"),
        ('profile = "fast"', "profile does not fit"),
        ("[search]\nk = 0", "search.k does not fit"),
        ("search = 3", "search"),
    ],
)
def test_bad_file_names_itself(files: tuple[Path, Path], text: str, message: str) -> None:
    files[0].write_text(text)
    with pytest.raises(UsageError, match=message) as caught:
        config.load_settings()
    assert str(files[0]) in str(caught.value)


def test_bad_variable_is_named(files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGTAKE_THREADS", "many")
    with pytest.raises(UsageError, match="env LONGTAKE_THREADS"):
        config.load_settings()


def test_unset_flag_is_not_given(files: tuple[Path, Path]) -> None:
    files[0].write_text('profile = "cpu"\n')
    assert config.load_settings(profile=None).profile == "cpu"


def test_home_is_expanded(files: tuple[Path, Path]) -> None:
    files[1].write_text('library = "~/videos.longtake"\n')
    assert config.load_settings().library == Path.home() / "videos.longtake"


def test_sample_holds_every_option_at_its_default(files: tuple[Path, Path]) -> None:
    text = config_file.sample()
    for option in config.options():
        assert (option.env in text) or option.key in config.SECRETS
        assert option.help in text or option.key in config.SECRETS
    live = "\n".join(
        line.removeprefix("# ") if " = " in line else line for line in text.splitlines()
    )
    assert {k for k in config._flat(tomllib.loads(live))} == set(KEYS) - config.SECRETS
    files[1].write_text(live)
    from_sample = config.load_settings()
    files[1].unlink()
    assert from_sample == config.load_settings()


def test_set_keeps_comments_and_other_lines(files: tuple[Path, Path]) -> None:
    _, user = files
    user.write_text("# mine\nthreads = 1  \n\n[search]\n# how many\nk = 5\n")
    config_file.set_option(user, "threads", "3")
    config_file.set_option(user, "search.k", "7")
    config_file.set_option(user, "language", "fr")
    config_file.set_option(user, "progress.every", "1.5")
    text = user.read_text()
    assert "# mine" in text
    assert "# how many" in text
    settings = config.load_settings()
    assert (settings.threads, settings.search.k) == (3, 7)
    assert (settings.language, settings.progress.every) == ("fr", 1.5)
    assert text.count("threads") == 1


def test_set_fills_the_sample_in_place(files: tuple[Path, Path]) -> None:
    _, user = files
    user.write_text(config_file.sample())
    config_file.set_option(user, "search.k", "7")
    config_file.set_option(user, "library", 'a "b" \\c')
    settings = config.load_settings()
    assert settings.search.k == 7
    assert settings.library == Path('a "b" \\c')
    assert user.read_text().count("k = ") == 1


@pytest.mark.parametrize(("key", "raw"), [("threads", "x"), ("search.k", "0"), ("profile", "p")])
def test_set_refuses_what_does_not_fit(files: tuple[Path, Path], key: str, raw: str) -> None:
    with pytest.raises(UsageError, match="does not fit"):
        config_file.set_option(files[1], key, raw)
    assert not files[1].exists()


USERS_OWN = {
    "ffmpeg": "./evil",
    "api_base": "http://evil.example/v1",
    "api_model": "m",
    "library": "here.longtake",
    "models_dir": "weights",
    "profile": "api",
}


@pytest.mark.parametrize("key", USERS_OWN)
def test_folder_may_not_set_what_runs_opens_or_sends(files: tuple[Path, Path], key: str) -> None:
    project, user = files
    before = config.value_of(config.load_settings(), key)
    project.write_text(f'threads = 2\n{key} = "{USERS_OWN[key]}"\n')
    settings = config.load_settings()
    assert config.value_of(settings, key) == before
    assert config.origins(settings)[key] == "default"
    assert settings.threads == 2
    (told,) = settings.warnings
    assert told.startswith(f"{key} in {project} is not used")
    assert str(user) in told
    with pytest.raises(UsageError, match="folder's file") as caught:
        config_file.set_option(project, key, USERS_OWN[key])
    assert "--project" in str(caught.value.fix)
    assert project.read_text().count(key) == 1


@pytest.mark.parametrize("key", USERS_OWN)
def test_user_may_set_it_in_file_variable_and_flag(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    project, user = files
    kind = Path if key in ("library", "models_dir") else str
    config_file.set_option(user, key, USERS_OWN[key])
    settings = config.load_settings()
    assert config.value_of(settings, key) == kind(USERS_OWN[key])
    assert (config.origins(settings)[key], settings.warnings) == (str(user), ())
    user.unlink()
    assert config.value_of(config.load_settings(**{key: USERS_OWN[key]}), key) is not None
    monkeypatch.setenv(f"LONGTAKE_{key.upper()}", USERS_OWN[key])
    assert config.origins(config.load_settings())[key] == f"env LONGTAKE_{key.upper()}"
    monkeypatch.delenv(f"LONGTAKE_{key.upper()}")
    monkeypatch.setenv("LONGTAKE_CONFIG", str(project))  # The user says that it is their own.
    project.write_text(f'{key} = "{USERS_OWN[key]}"\n')
    assert config.value_of(config.load_settings(), key) == kind(USERS_OWN[key])


def test_without_the_rule_the_folder_would_be_obeyed(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    files[0].write_text('ffmpeg = "./evil"\n')
    assert config.load_settings().ffmpeg is None
    monkeypatch.setattr(config, "USER_ONLY", frozenset())
    assert config.load_settings().ffmpeg == "./evil"


def test_other_profiles_may_come_from_the_folder(files: tuple[Path, Path]) -> None:
    files[0].write_text('profile = "offline"\n')
    settings = config.load_settings()
    assert (settings.profile, settings.warnings) == ("offline", ())


def test_python_is_warned_too(files: tuple[Path, Path]) -> None:
    files[0].write_text('ffmpeg = "./evil"\nlibrary = "x"\n')
    with pytest.warns(UserWarning, match="ffmpeg and library in .* are not used"):
        longtake.open(profile="offline").close()


def test_import_is_light() -> None:
    heavy = "{'pydantic', 'pydantic_settings', 'platformdirs', 'tomllib'}"
    code = f"import sys, longtake.config; print({heavy} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout.strip() == "set()"
