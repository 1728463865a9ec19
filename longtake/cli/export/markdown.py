"""The tree as Markdown, for notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from longtake.cli.answers import escape_md
from longtake.cli.times import clock


def markdown(tree: Mapping[str, Any]) -> str:
    """Write a heading for each chapter and scene, then what was said and shown there."""
    return "\n".join(_lines(tree)) + "\n"


def _lines(tree: Mapping[str, Any]) -> Iterator[str]:
    yield f"# {escape_md(tree['name'])}"
    yield ""
    yield f"{clock(tree['duration'])}, {tree['video']}"
    if tree["synopsis"]:
        yield f"\n{escape_md(tree['synopsis'])}"
    for chapter in tree["chapters"]:
        yield f"\n## {clock(chapter['start'])} {escape_md(chapter['title']) or 'Chapter'}"
        if chapter["text"]:
            yield f"\n{escape_md(chapter['text'])}"
        for scene in chapter["scenes"]:
            yield f"\n### {clock(scene['start'])} {escape_md(scene['title']) or 'Scene'}\n"
            for clip in scene["clips"]:
                yield from _clip(clip)


def _clip(clip: Mapping[str, Any]) -> Iterator[str]:
    if clip["text"]:
        yield f"- {clock(clip['start'])} {escape_md(clip['text'])}"
    for channel in ("speech", "screen"):
        for line in clip[channel]:
            yield f"  - {clock(line['start'])} {channel}: “{escape_md(line['text'])}”"
