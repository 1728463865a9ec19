"""Clips in their place: a second vector for each clip, of its text under its titles.

The words of a clip say little about where it stands: "the square is red" is the same in level 1
and level 2. When a chapter closes, each of its clips gets a ``context`` vector of "video — chapter
— scene: clip" (the global context of LongVLM, without training). It is known when the chapter is.
"""

from __future__ import annotations

from collections.abc import Sequence

from longtake.memory.chapters import video_title
from longtake.memory.filing import clip_text
from longtake.memory.levels import Memory
from longtake.storage.records import Record, VectorRow
from longtake.timecode import Span


def write_context(memory: Memory, chapters: Sequence[Record]) -> None:
    """Write the context vectors of the clips of chapters that have closed."""
    for chapter in chapters:
        rows = _texts(memory, chapter)
        if rows:
            vectors = memory.encoder.encode([text for _, text in rows])
            memory.store.put_vectors(
                [
                    VectorRow(clip, "context", vector, chapter.known_at)
                    for (clip, _), vector in zip(rows, vectors, strict=True)
                ]
            )


def _texts(memory: Memory, chapter: Record) -> list[tuple[str, str]]:
    known = chapter.known_at
    scenes = memory.deep("scene", "caption", chapter.span, known)
    said = memory.deep("moment", "speech", chapter.span, known)
    lines = memory.deep("moment", "screen", chapter.span, known)
    found: list[tuple[str, str]] = []
    for clip in memory.deep("clip", "caption", chapter.span, known):
        if not chapter.span.contains(clip.span.start):
            continue
        near = _near(clip.span)
        text, _ = clip_text(
            clip,
            [one for one in said if one.span.overlap(near)],
            [one for one in lines if one.span.overlap(near)],
        )
        scene = next((one for one in scenes if one.span.contains(clip.span.start)), None)
        names = [video_title(memory.video), chapter.data["title"]]
        names += [scene.data["title"]] if scene else []
        if text:
            found.append((clip.id, in_place(names, text)))
    return found


def _near(span: Span) -> Span:
    return span.widen(0.001)


def in_place(names: Sequence[str], text: str) -> str:
    """Put a clip's text under the titles above it, each once.

    >>> in_place(["game", "Level 2", "Level 2"], "a red square")
    'game — Level 2: a red square'
    """
    return f"{' — '.join(dict.fromkeys(name for name in names if name))}: {text}"
