"""Configuration: every option, where its value came from, and how a file is changed.

The options themselves are listed in `longtake.settings`. Values come from, strongest first: flag >
environment ``LONGTAKE_*`` (``__`` between levels) > ``./longtake.toml`` > the user's file > the
profile > the default.

The folder's file may have come with the folder, so it is not trusted with what starts programs,
opens files or sends: `USER_ONLY`. The key of an endpoint is a secret: it is read from
``LONGTAKE_API_KEY`` alone, never from a file, and never shown. Importing this module is cheap;
pydantic-settings is imported by `load_settings`.

>>> load_settings(clip_seconds=8).clip_seconds
8.0
"""

from __future__ import annotations

import dataclasses
import functools
import os
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from longtake.errors import UsageError
from longtake.settings import (
    MODEL_KINDS,
    NO_OPTIONS,
    PREFIX,
    PROFILES,
    Option,
    Profile,
    SearchSettings,
    Settings,
    options,
)

if typing.TYPE_CHECKING:
    from pydantic_settings import BaseSettings

__all__ = ["PROFILES", "Option", "Profile", "SearchSettings", "Settings", "options"]

PROJECT_FILE = "longtake.toml"
SECRETS = frozenset({"api_key"})
USER_ONLY = frozenset(
    {"api_base", "api_model", "ffmpeg", "library", "models_dir", "retell", "streamer", *MODEL_KINDS}
)
"""What the folder's file may not set: a program that is started, an endpoint that is sent
quotations and the key, and folders whose files are opened and written. Nor may it choose a
profile of `SENDING`."""
SENDING = frozenset({"api"})

# What a profile sets when nothing stronger does.
PROFILE_VALUES: Mapping[str, Mapping[str, Any]] = {
    "offline": {"language": "en"},  # its transcriber knows English only
    "api": {"api_base": "https://api.openai.com/v1"},
}


def value_of(settings: Settings, key: str) -> Any:
    """Read one option by its dotted key; a secret reads as ``set`` or None."""
    value = functools.reduce(getattr, key.split("."), typing.cast(Any, settings))
    return ("set" if value else None) if key in SECRETS else value


def origins(settings: Settings) -> dict[str, str]:
    """Return where each option's value came from: flag, a variable, a file, profile, default."""
    return {option.key: settings.sources.get(option.key, "default") for option in options()}


def user_file() -> Path:
    """The user's configuration file; ``LONGTAKE_CONFIG`` names another."""
    if named := os.environ.get(PREFIX + "CONFIG"):
        return Path(named).expanduser()
    import platformdirs

    return platformdirs.user_config_path("longtake") / "config.toml"


def project_file() -> Path:
    """The configuration file of the current folder."""
    return Path.cwd() / PROJECT_FILE


def load_settings(**flags: Any) -> Settings:
    """Read the configuration; `flags` are the strongest, and a flag that is None is not given.

    Raises:
        UsageError: a file is no TOML, names an unknown option, or a value does not fit.
    """
    from pydantic import ValidationError

    given = {name: value for name, value in flags.items() if value is not None}
    layers, warnings = _layers(given)
    sources = {key: origin for origin, data in reversed(layers) for key in _flat(data)}
    try:
        loaded = loader()(**_merge([data for _, data in layers]))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        where = sources.get(key, "the configuration")
        raise UsageError(
            f"the option {key} does not fit ({where}): {first['msg'].lower()}",
            fix="see `longtake config show --origin`",
        ) from None
    values: dict[str, Any] = {name: getattr(loaded, name) for name in type(loaded).model_fields}
    values = {name: None if value == "" else value for name, value in values.items()}
    for name in ("library", "models_dir"):
        values[name] = values[name].expanduser()
    for item in dataclasses.fields(Settings):
        section = item.default_factory
        if dataclasses.is_dataclass(section):
            values[item.name] = section(**values[item.name].model_dump())
    return Settings(**values, sources=sources, warnings=warnings)


def read_file(path: Path) -> dict[str, Any]:
    """Read one configuration file; a file that is not there is empty.

    Raises:
        UsageError: the file is no TOML, holds a secret, or names an unknown option.
    """
    import tomllib

    try:
        with path.open("rb") as stream:
            data = tomllib.load(stream)
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise UsageError(
            f"the configuration file {path} cannot be read: {error}",
            fix="mend it, or start from `longtake config sample`",
        ) from None
    for key in _flat(data):
        check_key(key, where=str(path))
    return data


def check_key(key: str, *, where: str = "the command line") -> Option:
    """Return the option with this dotted key.

    Raises:
        UsageError: there is none (nearest names are given), or it is a secret.
    """
    import difflib

    known = {option.key: option for option in options()}
    if key in SECRETS:
        variable = known[key].env
        raise UsageError(
            f"{key} is a secret and does not belong in a file ({where})",
            fix=f"remove it and set the environment variable {variable}",
        )
    if key not in known:
        near = difflib.get_close_matches(key, known, n=3, cutoff=0.5)
        guess = f"; near: {', '.join(near)}" if near else ""
        raise UsageError(
            f"there is no option {key!r} ({where}){guess}",
            fix="`longtake config show` lists all options",
        )
    return known[key]


Layers: TypeAlias = list[tuple[str, dict[str, Any]]]


def _layers(flags: Mapping[str, Any]) -> tuple[Layers, tuple[str, ...]]:
    """Return (origin, nested values), strongest first, the profile's values last; and warnings."""
    project, user = project_file(), user_file()
    layers: Layers = [("flag", dict(flags))]
    layers += [(f"env {variable}", data) for variable, data in _environment()]
    held = read_file(project)
    taken = held if project == user else {k: v for k, v in held.items() if not user_only(k, v)}
    layers += [(str(project), taken), (str(user), read_file(user))]
    profile = next((data["profile"] for _, data in layers if "profile" in data), "auto")
    layers.append((f"profile {profile}", dict(PROFILE_VALUES.get(str(profile), {}))))
    warnings = (_not_taken(held, project, user),) if len(taken) < len(held) else ()
    return layers, warnings


def user_only(key: str, value: Any) -> bool:
    """Whether an option, set to this value, is the user's own to set."""
    return key in USER_ONLY or (key == "profile" and value in SENDING)


def _not_taken(held: Mapping[str, Any], project: Path, user: Path) -> str:
    """Say which of the folder's settings were left out, and where they belong."""
    keys = [key for key, value in held.items() if user_only(key, value)]
    one = len(keys) == 1
    return (
        f"{' and '.join(keys)} in {project} {'is' if one else 'are'} not used, because a folder's "
        f"file may not name programs, endpoints or folders; if you want {'it' if one else 'them'}, "
        f"set {'it' if one else 'them'} in {user}, in LONGTAKE_* variables or as flags"
    )


def _environment() -> Iterator[tuple[str, dict[str, Any]]]:
    """Read ``LONGTAKE_*`` through pydantic-settings, one layer for each variable."""
    from pydantic_settings import EnvSettingsSource, SettingsError

    source = EnvSettingsSource(
        loader(), env_prefix=PREFIX, env_nested_delimiter="__", env_ignore_empty=True
    )
    try:
        found = source()
    except SettingsError as error:
        raise UsageError(f"an environment variable does not fit: {error}") from None
    for option in options():
        node: Any = found
        for part in option.key.split("."):
            node = node.get(part) if isinstance(node, dict) else None
        if node is not None:
            yield option.env, nest(option.key, node)


@functools.cache
def loader() -> type[BaseSettings]:
    """Make the pydantic-settings model of `Settings`; constraints come from the fields."""
    from pydantic import Field, create_model
    from pydantic_settings import BaseSettings, SettingsConfigDict

    class Loaded(BaseSettings):
        """Validates values that `load_settings` has merged; reads no source by itself."""

        model_config = SettingsConfigDict(extra="forbid")

        @classmethod
        def settings_customise_sources(cls, *args: Any, **sources: Any) -> tuple[Any, ...]:
            return (sources["init_settings"],)

    return create_model("Settings", __base__=Loaded, **_pydantic_fields(Settings, Field))


def _pydantic_fields(kind: type[Any], make_field: Any) -> dict[str, Any]:
    from pydantic import BaseModel, ConfigDict, create_model

    class Section(BaseModel):
        model_config = ConfigDict(extra="forbid")

    hints: dict[str, Any] = typing.get_type_hints(kind)
    made: dict[str, Any] = {}
    for item in dataclasses.fields(kind):
        if item.name in NO_OPTIONS:
            continue
        limits = {key: value for key, value in item.metadata.items() if key != "help"}
        hint = hints[item.name]
        if dataclasses.is_dataclass(hint):
            inner = _pydantic_fields(typing.cast(Any, hint), make_field)
            hint = create_model(f"{item.name.title()}Section", __base__=Section, **inner)
            made[item.name] = (hint, make_field(default_factory=hint))
        elif item.default_factory is not dataclasses.MISSING:
            made[item.name] = (hint, make_field(default_factory=item.default_factory, **limits))
        else:
            made[item.name] = (hint, make_field(default=item.default, **limits))
    return made


def _flat(data: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the dotted keys of nested values."""
    for name, value in data.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name


def nest(key: str, value: Any) -> dict[str, Any]:
    """Put a value where its dotted key says."""
    for part in reversed(key.split(".")):
        value = {part: value}
    return typing.cast(dict[str, Any], value)


def _merge(layers: list[dict[str, Any]]) -> dict[str, Any]:
    """Merge nested values; an earlier layer wins."""
    merged: dict[str, Any] = {}
    for layer in reversed(layers):
        for name, value in layer.items():
            old = merged.get(name)
            both = isinstance(old, dict) and isinstance(value, dict)
            merged[name] = _merge([value, typing.cast(Any, old)]) if both else value
    return merged
