"""From what a person names (file, folder, pattern) to the list of files to watch."""

from __future__ import annotations

import difflib
import glob
from collections.abc import Iterable
from pathlib import Path

from longtake.cli.group import MEDIA_ENDINGS
from longtake.errors import LongtakeError, NoSuchFile
from longtake.perception.hushed import hushed
from longtake.perception.segment_names import natural


def find_sources(names: Iterable[str]) -> tuple[list[Path], list[tuple[str, LongtakeError]]]:
    """Return the files in the order named, each once, and what could not be found."""
    found: dict[Path, None] = {}
    lost: list[tuple[str, LongtakeError]] = []
    for name in names:
        try:
            for path in _expand(name):
                found.setdefault(path)
        except NoSuchFile as error:
            lost.append((hushed(name), error))
    return list(found), lost


def _expand(name: str) -> list[Path]:
    if "://" in name:
        raise NoSuchFile(
            f"{hushed(name)} is an address, not a file", fix="add --follow to read a stream"
        )
    path = Path(name).expanduser()
    if path.is_dir():
        files = [one for one in path.rglob("*") if one.suffix.lower() in MEDIA_ENDINGS]
        if not files:
            raise NoSuchFile(f"the folder {name} holds no video", fix="name a file")
        return sorted((one for one in files if one.is_file()), key=natural)
    if path.exists():
        return [path]
    if glob.has_magic(name):
        files = [Path(one) for one in glob.glob(str(path), recursive=True)]
        if files:
            return sorted((one for one in files if one.is_file()), key=natural)
        raise NoSuchFile(f"no file fits {name}", fix="check the pattern")
    raise NoSuchFile(f"there is no file {name}", fix=_nearest(path) or "check the path")


def _nearest(path: Path) -> str | None:
    if not path.parent.is_dir():
        return f"there is no folder {path.parent} either"
    # By the names' stems: that two files end in .mp4 makes them no nearer.
    stems = {one.name: one.stem.lower() for one in sorted(path.parent.iterdir())}
    stem = path.stem.lower()
    like = {name: difflib.SequenceMatcher(None, stem, one).ratio() for name, one in stems.items()}
    near = sorted((name for name in like if like[name] >= 0.6), key=lambda name: -like[name])[:3]
    return f"did you mean {' or '.join(near)}?" if near else None
