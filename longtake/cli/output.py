"""Printing: data to stdout, talk to stderr, and the one JSON envelope.

Text that came out of a video (speech, screen text, file names) is not ours: `clean` takes out
control characters, so that no terminal obeys what a slide says.
"""

from __future__ import annotations

import json
import math
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from longtake.cli.session import Session, current
from longtake.errors import DiskFull, LongtakeError, UsageError

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """Take out control and direction-changing characters; newlines and tabs become spaces."""
    return _CONTROL.sub("", re.sub(r"[\t\r\n]+", " ", text)).strip()


def emit(data: Any, text: Callable[[], str | None], *, count: int | None = None) -> None:
    """Print a command's result: the envelope with `--json`, else what `text` makes."""
    session = current()
    if session.json:
        write(envelope(session, data, count=count))
    elif (shown := text()) is not None:
        write(shown)


def envelope(
    session: Session, data: Any, *, count: int | None = None, error: LongtakeError | None = None
) -> str:
    """Return the JSON envelope that docs/schema/envelope.json describes."""
    failed = error and {"code": error.code, "message": error.message, "fix": error.fix}
    whole = {
        "ok": error is None,
        "command": session.command,
        "data": data,
        "count": count,
        "duration_ms": round((time.perf_counter() - session.started) * 1000),
        "warnings": session.warnings,
        "error": failed,
    }
    return dump(whole)


def dump(value: Any) -> str:
    """Write JSON: no NaN, numbers as they are, text readable."""
    return json.dumps(_plain(value), ensure_ascii=False, indent=2, allow_nan=False)


def _plain(value: Any) -> Any:
    """Turn values into what JSON holds: numpy numbers, paths and tuples too."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if hasattr(value, "item"):
        return _plain(value.item())
    return str(value)


def write(text: str) -> None:
    """Print data to stdout; characters that its encoding lacks are replaced."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    click.echo(text.encode(encoding, "replace").decode(encoding))


def talk(text: str, *, level: int = 0) -> None:
    """Say something on stderr, unless quiet; `level` 1 needs `-v`."""
    session = current()
    if not session.quiet and session.verbose >= level:
        click.echo(text, err=True)


def warn(text: str) -> None:
    """Note a warning: into the envelope with `--json`, else on stderr, also when quiet."""
    session = current()
    session.warnings.append(text)
    if not session.json:
        click.echo(f"{style('warning:', fg='yellow')} {text}", err=True)


def style(text: str, **how: Any) -> str:
    """Colour or weight; click removes it again when the output is no terminal."""
    return click.style(text, **how)


def dim(text: str) -> str:
    """Text that stands back."""
    return click.style(text, dim=True)


def colour_wanted() -> bool | None:
    """False when `NO_COLOR` is set, True when `FORCE_COLOR` is, else None (a terminal's own)."""
    if os.environ.get("NO_COLOR"):
        return False
    return True if os.environ.get("FORCE_COLOR") else None


def table(rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """Lay out rows in columns; `right` names columns that are set flush right."""
    cells = [[clean(cell) for cell in row] for row in rows]
    if not cells:
        return ""
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    lines = []
    for row in cells:
        padded = [
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def save(path: Path, content: bytes | str, *, overwrite: bool = True) -> Path:
    """Write a file whole or not at all.

    Raises:
        UsageError: the folder does not exist or may not be written.
        DiskFull: there is no room.
    """
    import errno

    raw = content.encode("utf-8") if isinstance(content, str) else content
    check_output(path, overwrite=overwrite)
    draft = path.with_name(f".{path.name}.part")
    try:
        draft.write_bytes(raw)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        if error.errno == errno.ENOSPC:
            raise DiskFull(f"no room on the disk for {path}", fix="make room") from error
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
    return path


def check_output(path: Path, *, overwrite: bool = True) -> None:
    """Refuse an output path before work is spent on it.

    Raises:
        UsageError: the folder does not exist, the path is a folder, or the file may not go.
    """
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}", fix=f"mkdir -p {path.parent}")
    if path.is_dir():
        raise UsageError(f"{path} is a folder", fix="name a file")
    if path.exists() and not overwrite:
        raise UsageError(f"{path} exists", fix="name another file with -o, or say --force")
    if not os.access(path.parent, os.W_OK):
        raise UsageError(f"the folder {path.parent} may not be written", fix="name another folder")
