"""What the library remembers, as values.

A `Record` is one thing that was observed or derived: which span it speaks of, when it could be
known, what made it, and from what. Raw words and raw screen text are records of their own;
derived texts (captions, summaries) point at their parents and never replace them.

Levels and channels that are written today:

==========  =========  =====================================================================
level       channel    text
==========  =========  =====================================================================
moment      speech     one utterance; ``data["words"] = [[start, end, word, p], ...]``, and
                       ``"language"`` where it was detected
moment      screen     one line of screen text, first seen to last seen;
                       ``data = {"score", "box": [x0, y0, x1, y1] in 0..1}``
moment      caption    by later passes: what a model saw happen, ``data = {"of": "clip" or "scene",
                       "facts": {KEY: value}, "frames": [t], "before": id or None}``; or speech
                       told again in plain lines, ``{"of": "speech"}``; or what a person marked,
                       ``{"of": "mark", "note"}``
moment      entity     by later passes: a thing followed through the picture, ``data = {"kind":
                       "object", "label", "p", "boxes": [[t, x0, y0, x1, y1, p], ...], "track"}``;
                       or the turn of one speaker, ``{"kind": "speaker", "n"}``
frame       screen     the page: all lines read on one kept frame, until the next reading
frame       sight      what one kept frame shows: tags and colours;
                       ``data = {"tags": [[label, p], ...], "colours", "motion", "thumb"}``
clip        caption    composed caption of about 10 s, or "" with ``data["same_as"]`` when
                       nothing changed since that clip; ``data["glimpses"] = [[start, end,
                       levels], ...]`` tells what was there for a moment only, if anything
scene       caption    summary of 20-120 s; ``data = {"title", "keywords"}``
chapter     caption    summary of about 10 min; same data
video       caption    synopsis of the whole; same data
==========  =========  =====================================================================
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from longtake.timecode import Seconds, Span

Channel: TypeAlias = Literal["speech", "screen", "sight", "caption", "event", "entity", "dialogue"]
Level: TypeAlias = Literal["moment", "frame", "clip", "scene", "chapter", "video"]
Facet: TypeAlias = str
"""``text``, ``context``, ``sight``, or ``sight.NAME``: pictures as a further encoder sees them."""
Floats: TypeAlias = NDArray[np.float32]

LEVELS: tuple[Level, ...] = ("moment", "frame", "clip", "scene", "chapter", "video")
CHANNELS: tuple[Channel, ...] = (
    "speech",
    "screen",
    "sight",
    "caption",
    "event",
    "entity",
    "dialogue",
)


@dataclass(frozen=True, slots=True)
class Video:
    """One video of the library.

    `id` is ``v`` + the first ten hex digits of the content fingerprint; `ordinal` counts from 1
    in order of arrival and is never reused. `media` holds what the container says: ``width``,
    ``height``, ``fps``, ``video_codec``, ``audio_codec``, ``has_video``, ``has_audio``, ``size``.
    """

    id: str
    ordinal: int
    fingerprint: str
    path: str
    name: str
    duration: Seconds
    media: dict[str, Any] = field(default_factory=dict)

    def at(self, time: Seconds | None) -> Video:
        """The entry as it stood at a time: a recording that was followed had come so far.

        How long a file is, that was whole when it came, was known all the time.
        """
        live = self.media.get("live")
        if time is None or live is None or time >= self.duration:
            return self
        breaks = [one for one in live.get("breaks", ()) if one["at"] <= time]
        media = self.media | {"live": live | {"ended": None, "breaks": breaks}}
        return replace(self, duration=time, media=media)


@dataclass(frozen=True, slots=True)
class Record:
    """One remembered thing. See the module's table for `level`, `channel`, `text` and `data`.

    `id` sorts by video and time (see `record_id`). `known_at` is the stream time at which the
    record could first be known; a reader `as_of` an earlier time never sees it. `maker` names
    the model and its version, ``whisper-tiny.en@1a5afae0``; makers of the quick first pass
    start with ``quick:`` and their records go when the deep pass has covered their span; those of
    a later pass start with its name, ``captions:qwen3-vl-4b-instruct@hub``.
    """

    id: str
    video: str
    level: Level
    channel: Channel
    span: Span
    known_at: Seconds
    text: str
    maker: str
    parents: tuple[str, ...] = ()
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VectorRow:
    """A unit vector that stands for a record in the index of (the record's level, `facet`).

    `known_at` may be later than the record's: a clip's ``context`` vector needs its chapter.
    """

    record: str
    facet: Facet
    vector: Floats
    known_at: Seconds


@dataclass(frozen=True, slots=True)
class Thumb:
    """A small JPEG, named by the SHA-256 of its bytes."""

    name: str
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one pass over one video has come, and what it needs to go on.

    `carry` is opaque to the store: safetensors or JSON bytes written by the pass itself.
    """

    done: Seconds
    finished: bool
    carry: bytes


@dataclass(frozen=True, slots=True)
class Chunk:
    """What perception hands over at once: 30-60 s of video, stored in one transaction.

    `boundaries` are (time, strength 0..1) of shot cuts and event changes inside `span`.
    """

    span: Span
    records: tuple[Record, ...]
    vectors: tuple[VectorRow, ...]
    thumbs: tuple[Thumb, ...]
    boundaries: tuple[tuple[Seconds, float], ...]
    carry: bytes
    last: bool


def sight_facet(encoder: str) -> Facet:
    """Return the facet of a further image encoder's vectors.

    >>> sight_facet("siglip2-base-patch16-224@hub")
    'sight.siglip2-base-patch16-224@hub'
    """
    return f"sight.{encoder.replace('/', '-')}"


def record_id(ordinal: int, start: Seconds, level: Level, channel: Channel, n: int = 0) -> str:
    """Name a record so that names sort by video, then time, and repeat on a repeated ingest.

    >>> record_id(1, 12.5, "clip", "caption")
    '00001-00000012500-clip-caption-0'
    """
    return f"{ordinal:05d}-{round(start * 1000):011d}-{level}-{channel}-{n}"
