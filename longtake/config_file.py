"""How a configuration file is written: the commented sample, and one option set in place.

A file that a person wrote stays theirs: lines and comments that are not the option's are kept.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

from longtake.config import (
    PROJECT_FILE,
    SECRETS,
    USER_ONLY,
    Option,
    check_key,
    loader,
    nest,
    options,
    project_file,
    user_file,
    user_only,
)
from longtake.errors import UsageError

_HEAD = re.compile(r"^\s*\[([^\]]+)\]\s*$")


def set_option(path: Path, key: str, raw: str) -> Any:
    """Write one option into a file, keeping its other lines and comments; return the value.

    Raises:
        UsageError: no such option, a secret, a value that does not fit, or one that would not
            be taken from this file.
    """
    option = check_key(key)
    value = _parse(option, raw)
    if path == project_file() != user_file() and user_only(key, value):
        raise UsageError(
            f"{key} = {raw} is not taken from {path}, because a folder's file may not name "
            "programs, endpoints or folders",
            fix="leave out --project: it then goes into your own file",
        )
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    changed = _with_line(text, key, _toml(value))
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.write_text(changed, encoding="utf-8")
    draft.replace(path)
    return value


def sample() -> str:
    """Write a commented configuration file with every option at its default."""
    lines = [
        "# Longtake's configuration. Every option is shown at its default.",
        "# The key of an endpoint is never read from a file: set LONGTAKE_API_KEY.",
        f"# In a folder's {PROJECT_FILE}, options marked * are not used: they may only be yours.",
    ]
    section = ""
    for option in options():
        if option.key in SECRETS:
            continue
        head, _, name = option.key.rpartition(".")
        if head != section:
            lines += ["", f"[{head}]"]
            section = head
        mark = "*" if option.key in USER_ONLY else ""
        lines += ["", f"# {option.help}{mark}  ({option.env})"]
        lines.append(f"# {name} = {_toml(shown_default(option))}")
    return "\n".join(lines) + "\n"


def shown_default(option: Option) -> Any:
    """The default as documentation shows it: folders of a person become ``~``, unset is empty."""
    if isinstance(option.default, Path):
        home = str(Path.home())
        text = str(option.default)
        return "~" + text[len(home) :] if text.startswith(home) else text
    return "" if option.default is None else option.default


def _parse(option: Option, raw: str) -> Any:
    """Read a value as the option's kind by trying it in the whole model."""
    from pydantic import ValidationError

    try:
        loaded: Any = loader()(**nest(option.key, raw))
    except ValidationError as error:
        detail = error.errors(include_url=False, include_input=False)[0]["msg"].lower()
        raise UsageError(f"{raw!r} does not fit the option {option.key}: {detail}") from None
    return functools.reduce(getattr, option.key.split("."), loaded)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    import json

    return json.dumps(str(value), ensure_ascii=True)


def _with_line(text: str, key: str, value: str) -> str:
    """Put ``name = value`` into its section, in place of the line that sets it or shows it."""
    section, _, name = key.rpartition(".")
    lines = text.splitlines()
    heads = [(i, match[1]) for i, line in enumerate(lines) if (match := _HEAD.match(line))]
    begin = 0
    if section:
        begin = next((i + 1 for i, head in heads if head == section), -1)
        if begin < 0:
            lines += [""] * bool(lines) + [f"[{section}]", f"{name} = {value}"]
            return "\n".join(lines) + "\n"
    end = next((i for i, _ in heads if i >= begin), len(lines))
    for pattern in (rf"\s*{name}\s*=", rf"#\s*{name}\s*="):
        for i in range(begin, end):
            if re.match(pattern, lines[i]):
                lines[i] = f"{name} = {value}"
                return "\n".join(lines) + "\n"
    while end > begin and not lines[end - 1].strip():
        end -= 1
    lines.insert(end, f"{name} = {value}")
    return "\n".join(lines) + "\n"
