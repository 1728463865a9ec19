"""Stand-ins for models: cheap, deterministic, and they look at pixels alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from bench.streaming.drawn import ACROSS, DOWN, MIDDLE, TOP, mosaic
from longtake.models.protocols import Image, Tag, Vectors
from tests.fakes import FakeModels, FakeReader, FakeTextEncoder, fake_models
from tests.media import read_blocks

DIM = 128


class MosaicTagger:
    """Sees the mosaic between two rows: its tiles' means, turned into so many numbers."""

    name = "mosaic@1"
    dim = DIM

    @cached_property
    def _turn(self) -> Vectors:
        drawn = np.random.default_rng(3).standard_normal((2 * DOWN * 2 * ACROSS * 3, DIM))
        return np.asarray(drawn / np.sqrt(DIM), np.float32)

    def look(self, images: Sequence[Image]) -> tuple[list[list[Tag]], Vectors]:
        """Return no tags to speak of, and vectors."""
        return [[Tag("mosaic", 0.9)] for _ in images], self.encode_images(images)

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        """Return unit vectors."""
        import cv2

        rows = []
        for image in images:
            high = image.shape[0] / 108
            part = np.ascontiguousarray(image[round(TOP * high) : round(MIDDLE * high)])
            small = cv2.resize(part, (2 * ACROSS, 2 * DOWN), interpolation=cv2.INTER_AREA)
            rows.append((small.astype(np.float32).reshape(-1) - 128.0) @ self._turn)
        found = np.stack(rows)
        return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Return what the scene that a text names looks like: "scene 17"."""
        numbers = [int(text.rsplit(" ", 1)[-1]) if text[-1:].isdigit() else 0 for text in texts]
        return self.encode_images([mosaic(number) for number in numbers])


def truth(scenes: Sequence[int]) -> Vectors:
    """Return the direction of each scene."""
    return MosaicTagger().encode_images([mosaic(one) for one in scenes])


def stand_ins(**more: Any) -> FakeModels:
    """Return models that see mosaics and read blocks."""
    tagger = MosaicTagger()
    reader = FakeReader(lambda image: [one for one in read_blocks(image).split("\n") if one])
    return fake_models(image_tagger=tagger, image_encoder=tagger, text_reader=reader,
                       text_encoder=FakeTextEncoder(DIM), **more)  # fmt: skip
