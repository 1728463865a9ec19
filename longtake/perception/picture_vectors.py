"""The pictures pass: the kept frames of a video as further image encoders see them.

The deep pass gives each frame it keeps one vector, by the profile's own encoder. This pass decodes
those frames again, in order and once for all encoders, and hangs a vector of each encoder on the
record that is there, under the facet ``sight.NAME``: another column over the same ids, which a
search joins with the others by rank (MERV, arXiv:2501.01426, at the index). It makes no records.

Where the video's file is gone, or has no picture at a time, the thumbnail kept with the record
takes its place: small, but the same picture. That is told, and counted in the carry, JSON
``{"thumbs": n}``.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TypeAlias

import numpy as np

from longtake.models.protocols import Image, ImageEncoder
from longtake.perception.frames import frames_at
from longtake.perception.later import Portion
from longtake.storage.records import Record, VectorRow, Video, sight_facet

NAME = "pictures"
BATCH = 32
"""Frames held, encoded and stored at once."""
MAX_SIDE = 768
"""Longest side of a frame, in pixels: encoders look at 224 to 512."""

Seen: TypeAlias = tuple[Record, Image | None, bool]
"""A record, its picture if there is any, and whether that is the thumbnail."""


class PictureVectors:
    """The pass over one video; see the module.

    Args:
        video: its entry in the library.
        source: its file, there or not.
        frames: records of the level frame and the channel sight, in order.
        encoders: what each frame is encoded by.
        thumb: gives the JPEG bytes of a thumbnail by its name.
        batch: frames encoded at once.
    """

    name = NAME

    def __init__(
        self,
        video: Video,
        source: Path,
        frames: Sequence[Record],
        encoders: Sequence[ImageEncoder],
        thumb: Callable[[str], bytes],
        *,
        batch: int = BATCH,
    ) -> None:
        self.video, self.source = video, source
        self.frames = sorted(frames, key=lambda one: (one.span.start, one.id))
        self.encoders, self.thumb, self.batch = list(encoders), thumb, batch

    @property
    def maker(self) -> str:
        """``pictures:`` and the names of the encoders."""
        return f"{NAME}:{', '.join(one.name for one in self.encoders)}"

    def portions(self, begin: float, carry: bytes) -> Iterator[Portion]:
        """Encode the frames from `begin` on."""
        left = [one for one in self.frames if one.span.start >= begin]
        small = int(json.loads(carry)["thumbs"]) if carry else 0
        told = False
        done = 0
        with closing(self._seen(left)) as seen:
            while batch := list(islice(seen, self.batch)):
                done += len(batch)
                until = left[done].span.start if done < len(left) else left[-1].span.end
                thumbs = sum(is_small for _, _, is_small in batch)
                notes = (self._note(),) if thumbs and not told else ()
                told = told or bool(thumbs)
                small += thumbs
                state = json.dumps({"thumbs": small}).encode()
                yield Portion(until, vectors=self._vectors(batch), carry=state, notes=notes)

    def _vectors(self, batch: Sequence[Seen]) -> tuple[VectorRow, ...]:
        shown = [(record, image) for record, image, _ in batch if image is not None]
        images = [image for _, image in shown]
        rows: list[VectorRow] = []
        for encoder in self.encoders:
            facet = sight_facet(encoder.name)
            for (record, _), vector in zip(shown, encoder.encode_images(images), strict=True):
                rows.append(VectorRow(record.id, facet, vector, record.known_at))
        return tuple(rows)

    def _seen(self, records: Sequence[Record]) -> Generator[Seen]:
        """Yield each record with its frame, else with its thumbnail."""
        if not self.source.exists():
            for record in records:
                yield record, self._small(record), True
            return
        pictures = frames_at(self.source, [one.span.start for one in records], max_side=MAX_SIDE)
        time, image = next(pictures, (np.inf, None))
        for record in records:
            # Frames are kept at whole seconds.
            second = round(record.span.start)
            while round(time, 3) < second:
                time, image = next(pictures, (np.inf, None))
            if round(time, 3) == second:
                yield record, image, False
            else:
                yield record, self._small(record), True

    def _small(self, record: Record) -> Image | None:
        from PIL import Image as Pillow

        name = record.data.get("thumb")
        if not name:
            return None
        with Pillow.open(io.BytesIO(self.thumb(str(name)))) as picture:
            return np.asarray(picture.convert("RGB"), np.uint8)

    def _note(self) -> str:
        if not self.source.exists():
            return (
                f"the file of {self.video.name} is no longer at {self.source}: its pictures are "
                f"encoded from thumbnails; --redo {NAME} takes the frames when it is back"
            )
        return f"{self.video.name} has no picture at some times: thumbnails stand in for them"
