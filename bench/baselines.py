"""What the memory and its agent are compared with, on the same models and the same ingest.

* `thin_library`: the same agent over a memory of 32 clips spread evenly over the video, the
  usual way of showing a long video to a model of limited sight. Records that overlap a kept clip
  are kept whole, which is generous; summaries and the file itself are gone.
* `PlainRag`: no agent. The words, screen lines and caption of each clip are joined and embedded;
  the question's nearest clips are taken by cosine, the line nearest to the question is the
  answer, cut by the agent's own extractor. It always answers, as plain retrieval does.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from bench.scoring import Prediction
from longtake.timecode import Span

if TYPE_CHECKING:
    from longtake.models.protocols import TextEncoder
    from longtake.storage.records import Level, Record, VectorRow, Video
    from longtake.storage.store import Store

CLIPS = 32
_FINE = ("moment", "frame", "clip")


def thin_library(source: Path, target: Path, video: Video, clips: int = CLIPS) -> list[Span]:
    """Copy the library at `source` and keep of `video` only `clips` evenly spread clips."""
    from longtake.storage.store import Store

    shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.lock", "threads.sqlite*"))
    with Store.open(target, write=True) as store:
        spans = spread(store.records(video=video.id, level="clip"), video.duration, clips)
        kept = [
            record
            for record in store.records(video=video.id, level=list(_FINE))
            if any(record.span.overlap(span) > 0 for span in spans)
        ]
        rows = _vectors(store, video, {record.id for record in kept})
        with store.transaction():
            store.delete_records(video.id)
            store.put_records(kept)
            store.put_vectors(rows)
        store.update_video(video.id, path=str(target / "gone.mp4"))
    return spans


def spread(records: Sequence[Record], duration: float, clips: int) -> list[Span]:
    """Return the spans of the clips in the middle of `clips` equal parts, without repeats."""
    chosen: dict[float, Span] = {}
    for number in range(clips):
        middle = (number + 0.5) * duration / clips
        near = min(records, key=lambda record: (abs(record.span.middle - middle), record.id))
        chosen[near.span.start] = near.span
    return [chosen[start] for start in sorted(chosen)]


def _vectors(store: Store, video: Video, keep: set[str]) -> list[VectorRow]:
    from longtake.storage.records import VectorRow

    rows: list[VectorRow] = []
    for key in store.index_keys():
        level, channel, facet = key.split(".")
        if level not in _FINE:
            continue
        ids, _, matrix = store.vectors(cast("Level", level), facet, video=video.id, channel=channel)
        for name, vector in zip(ids, matrix, strict=True):
            if name in keep:
                rows.append(VectorRow(name, facet, vector, 0.0))
    return rows


@dataclass(frozen=True, slots=True)
class _Line:
    """Something that was said, shown or seen in a clip."""

    text: str
    span: Span


class PlainRag:
    """Plain top-k retrieval of clips by their text, with an extractor and no way to decline."""

    def __init__(self, store: Store, video: Video, encoder: TextEncoder, k: int = 10) -> None:
        self.encoder = encoder
        self.k = k
        clips = store.records(video=video.id, level="clip")
        lines = [
            record
            for record in store.records(video=video.id, level="moment")
            if record.text.strip()
        ]
        self.clips = [_lines_of(clip, lines) for clip in clips]
        self.spans = [clip.span for clip in clips]
        texts = [" ".join(line.text for line in found) or "nothing" for found in self.clips]
        self.vectors = encoder.encode(texts)

    def ask(self, question: str) -> Prediction:
        """Answer from the nearest clips."""
        asked = self.encoder.encode([question])[0]
        order = np.argsort(-(self.vectors @ asked), kind="stable")[: self.k]
        pool = list(dict.fromkeys(line for index in order for line in self.clips[index]))
        if not pool:
            return Prediction("", spans=tuple((s.start, s.end) for s in self.spans[:1]))
        near = self.encoder.encode([line.text for line in pool]) @ asked
        best = pool[int(np.argmax(near))]
        spans = [best.span, *(self.spans[index] for index in order)]
        return Prediction(
            answer_from(question, best.text), spans=tuple((s.start, s.end) for s in spans)
        )


def answer_from(question: str, text: str) -> str:
    """Return the sentence of `text` nearest to the question, its short answer first."""
    from longtake.agent.question.classify import classify
    from longtake.agent.reading.extract import best_sentence, short_answer

    parts: list[dict[str, Any]] = classify(question)
    words = parts[0]["words"]
    sentence = best_sentence(text, words)
    short = short_answer(sentence, parts[0]["wants"], words)
    return f"{short}: {sentence}" if short else sentence


def _lines_of(clip: Record, moments: Sequence[Record]) -> tuple[_Line, ...]:
    found = [_Line(m.text, m.span) for m in moments if m.span.overlap(clip.span) > 0]
    if clip.text.strip():
        found.append(_Line(clip.text, clip.span))
    return tuple(found)
