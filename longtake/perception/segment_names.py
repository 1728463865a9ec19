"""The names of segments: which files are some, their order, and which numbers are missing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

SUFFIXES = frozenset({".ts", ".m2ts", ".mts", ".mkv", ".webm", ".mp4", ".m4v", ".mov"})
LATE = frozenset({".mp4", ".m4v", ".mov"})
"""Their index may come last, so they are not read before they are finished."""


def is_segment(name: str) -> bool:
    """Whether a file of this name is a segment: media with a number in its name."""
    stem, dot, suffix = name.rpartition(".")
    numbered = any(letter.isdecimal() for letter in stem)
    return numbered and dot + suffix.lower() in SUFFIXES and not name.startswith(".")


def natural(path: Path | str) -> list[tuple[int, str]]:
    """Sort key by which part 2 comes before part 10."""
    parts = re.split(r"(\d+)", str(path).lower())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def missing(before: str, after: str, names: Sequence[str]) -> str:
    """Say which numbers lie between two segments, where the folder counts by ones.

    >>> missing("cam6.ts", "cam8.ts", ["cam1.ts", "cam2.ts"])
    'segment 7 missing'
    """
    first, second = _counted(before), _counted(after)
    if first is None or second is None or first[0] != second[0] or second[1] <= first[1] + 1:
        return ""
    counted = [one for one in map(_counted, names) if one is not None and one[0] == first[0]]
    numbers = {number for _, number in counted}
    if not any(number + 1 in numbers for number in numbers):
        return ""  # such as times of day
    low, high = first[1] + 1, second[1] - 1
    return f"segment {low} missing" if low == high else f"segments {low} to {high} missing"


def _counted(name: str) -> tuple[str, int] | None:
    """A name without its last number, and that number."""
    found = re.search(r"(\d+)(\D*)$", Path(name).stem)
    if found is None:
        return None
    return f"{name[: found.start()]}#{found[2]}{Path(name).suffix}", int(found[1])


def number_of(name: str) -> str:
    """The last number in a name."""
    found = _counted(name)
    return str(found[1]) if found else name


def size_of(path: Path) -> int:
    """Bytes of a file; -1 when it is gone."""
    try:
        return path.stat().st_size
    except OSError:
        return -1
