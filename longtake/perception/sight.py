"""What frames show: tags and a vector from the image tagger, named colours, how much moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from longtake.models.protocols import Image, ImageTagger, Tag
from longtake.perception.thumbs import thumbnail
from longtake.storage.records import Floats, Record, Thumb, VectorRow, Video, record_id
from longtake.timecode import Seconds, Span

LEAST_TAG = 0.1
MOST_TAGS = 5
LEAST_COLOUR = 0.12
MOST_COLOURS = 3
STILL_BELOW = 0.3

# Upper ends of hue ranges on OpenCV's scale of 0..180.
_HUES = ((8, "red"), (20, "orange"), (34, "yellow"), (85, "green"), (100, "cyan"), (130, "blue"),
         (148, "purple"), (172, "pink"), (181, "red"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Look:
    """One frame that was looked at."""

    time: Seconds
    tags: tuple[Tag, ...]
    colours: tuple[str, ...]
    vector: Floats
    thumb: Thumb


def colours(image: Image) -> tuple[str, ...]:
    """Name the colours that cover much of the picture, the largest first."""
    import cv2

    small = cv2.resize(image, (64, 36), interpolation=cv2.INTER_AREA)
    hsv = cv2.cvtColor(small, cv2.COLOR_RGB2HSV).reshape(-1, 3).astype(np.int16)
    hue, saturation, value = hsv[:, 0], hsv[:, 1], hsv[:, 2]
    names = np.full(len(hsv), "", dtype="<U8")
    low = -1
    for high, name in _HUES:
        names[(hue > low) & (hue <= high)] = name
        low = high
    names[(names == "orange") & (value < 150)] = "brown"
    names[(names == "red") & (value < 110) & (saturation < 170)] = "brown"
    names[(names == "red") & (saturation < 120) & (value > 190)] = "pink"
    pale = saturation < 46
    names[pale & (value >= 190)] = "white"
    names[pale & (value < 190)] = "grey"
    names[value < 46] = "black"
    found, counts = np.unique(names, return_counts=True)
    order = sorted(zip(-counts, found, strict=True))
    shares = [(str(name), -int(count) / len(names)) for count, name in order]
    return tuple(name for name, share in shares[:MOST_COLOURS] if share >= LEAST_COLOUR)


def look(frames: Sequence[tuple[Seconds, Image]], tagger: ImageTagger | None) -> list[Look]:
    """Look at frames in one batch; without a tagger there are colours and a thumbnail only."""
    if not frames:
        return []
    images = [image for _, image in frames]
    if tagger is None:
        named: list[list[Tag]] = [[] for _ in images]
        vectors = np.zeros((len(images), 0), np.float32)
    else:
        named, vectors = tagger.look(images)
    return [
        Look(
            time,
            tuple(Tag(t.label, round(float(t.p), 4)) for t in tags[:MOST_TAGS] if t.p >= LEAST_TAG),
            colours(image),
            np.asarray(vector, np.float32),
            thumbnail(image),
        )
        for (time, image), tags, vector in zip(frames, named, vectors, strict=True)
    ]


def sight_record(
    seen: Look, video: Video, maker: str, until: Seconds, *, motion: float | None = None
) -> tuple[Record, list[VectorRow]]:
    """Return the record of a looked-at frame, which stands until `until`, and its vector."""
    name = record_id(video.ordinal, seen.time, "frame", "sight")
    words = [tag.label for tag in seen.tags]
    text = "; ".join(part for part in (", ".join(words), ", ".join(seen.colours)) if part)
    data = {
        "tags": [[tag.label, tag.p] for tag in seen.tags],
        "colours": list(seen.colours),
        "motion": motion,
        "thumb": seen.thumb.name,
    }
    span = Span(seen.time, max(seen.time, until))
    record = Record(name, video.id, "frame", "sight", span, seen.time, text, maker, (), data)
    rows = [VectorRow(name, "sight", seen.vector, seen.time)] if seen.vector.size else []
    return record, rows


def pooled(vectors: Sequence[Floats]) -> Floats | None:
    """Return the unit mean of unit vectors, or None where there are none."""
    rows = [vector for vector in vectors if vector.size]
    if not rows:
        return None
    mean = np.mean(np.stack(rows).astype(np.float64), axis=0)
    norm = float(np.linalg.norm(mean))
    return np.asarray(mean / norm, np.float32) if norm > 1e-9 else rows[0]


def motion_of(scores: Sequence[float], cuts: int) -> float:
    """Return the mean change between fine-grid pictures, leaving the cuts themselves out."""
    rest = sorted(scores)[: len(scores) - cuts] if cuts else list(scores)
    return round(sum(rest) / len(rest), 3) if rest else 0.0
