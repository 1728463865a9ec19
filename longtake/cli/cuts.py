"""Moments as cut lists: an EDL for editing programs, and a list for ffmpeg's concat demuxer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from longtake.cli.output import clean

Moment = Mapping[str, Any]
"""`start`, `end`, `title` and `text`; times in seconds."""


def edl(name: str, moments: Sequence[Moment], fps: float) -> str:
    """Write a CMX 3600 edit list: the moments one after another, in frames of `fps`."""
    rate = max(1, round(fps))
    lines = [f"TITLE: {_plain(name, 60)}", "FCM: NON-DROP FRAME", ""]
    done = 0
    for number, one in enumerate(moments, 1):
        first, last = round(one["start"] * rate), max(round(one["end"] * rate), 1)
        last = max(last, first + 1)
        times = " ".join(_frames(n, rate) for n in (first, last, done, done + last - first))
        lines.append(f"{number:03d}  AX       V     C        {times}")
        lines.append(f"* FROM CLIP NAME: {_plain(name, 120)}")
        lines += [f"* COMMENT: {_plain(str(one['title'] or one['text']), 120)}", ""]
        done += last - first
    return "\n".join(lines).rstrip() + "\n"


def _frames(n: int, rate: int) -> str:
    """Frames as HH:MM:SS:FF.

    >>> _frames(26, 25)
    '00:00:01:01'
    """
    seconds, frame = divmod(n, rate)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{frame:02d}"


def _plain(text: str, longest: int) -> str:
    return re.sub(r"[^\x20-\x7e]", "?", clean(text))[:longest]


def concat(path: str, moments: Sequence[Moment]) -> str:
    """Write a list that `ffmpeg -f concat -safe 0 -i LIST OUT` joins into one film."""
    if "\n" in path or "\r" in path:
        path = re.sub(r"[\r\n]", "", path)
    quoted = "'" + path.replace("'", r"'\''") + "'"
    lines = ["ffconcat version 1.0"]
    for one in moments:
        lines += [f"file {quoted}", f"inpoint {one['start']:.3f}", f"outpoint {one['end']:.3f}"]
    return "\n".join(lines) + "\n"
