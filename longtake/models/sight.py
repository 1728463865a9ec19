"""What images show, by EfficientNet-Lite0: tags, and vectors in the space of a text encoder.

A frame's probability is often shared among near kinds (a dog over ten breeds), so the sums of
broader groups are tags too. Vectors follow ConSE (see `longtake.models.efficientnet`) with two
changes that were measured on real clips: square roots of the probabilities, which give the
second and third thing in a picture a voice, and the fifty likeliest classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from longtake.models.efficientnet import EfficientNetLite0, labels
from longtake.models.protocols import Image, Tag, TextEncoder, Vectors

_LEAST_CLASS, _LEAST_GROUP = 0.1, 0.3
_MOST_TAGS = 6
_CLASSES_IN_VECTOR = 50


class Sight:
    """`ImageTagger` and `ImageEncoder` over one network and one text encoder.

    Args:
        weights: the network's safetensors.
        text_encoder: gives the classes their vectors, and encodes queries.
        cache: where the classes' vectors are kept between runs, if anywhere.
    """

    def __init__(
        self,
        weights: Path,
        text_encoder: TextEncoder,
        name: str,
        *,
        threads: int = 0,
        cache: Path | None = None,
    ) -> None:
        self.name = name
        self.dim = text_encoder.dim
        self._texts = text_encoder
        self._weights = weights
        self._threads = threads
        self._cache = cache
        self._network: EfficientNetLite0 | None = None
        self._classes: Vectors | None = None

    def look(self, images: Sequence[Image]) -> tuple[list[list[Tag]], Vectors]:
        """Return each image's tags, best first, and its unit vector, from one forward pass."""
        p = self._probabilities(images)
        return [tags_of(row) for row in p], conse(p, self._class_vectors())

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        """Return unit vectors [len(images), dim]."""
        return conse(self._probabilities(images), self._class_vectors())

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors [len(texts), dim] comparable with those of images."""
        return self._texts.encode(texts)

    def _probabilities(self, images: Sequence[Image]) -> NDArray[np.float32]:
        if self._network is None:  # A search needs texts only: the network waits for an image.
            self._network = EfficientNetLite0(self._weights, threads=self._threads)
        return self._network.probabilities(images)

    def _class_vectors(self) -> Vectors:
        if self._classes is None:
            kept = self._cached()
            self._classes = self._made() if kept is None else kept
        return self._classes

    def _cached(self) -> Vectors | None:
        if self._cache is None or not self._cache.is_file():
            return None
        try:
            kept = np.load(self._cache, allow_pickle=False)
        except (OSError, ValueError):
            return None
        fits = kept.shape == (len(labels().labels), self.dim) and kept.dtype == np.float32
        return kept if fits else None

    def _made(self) -> Vectors:
        made = self._texts.encode(labels().labels)
        if self._cache is not None:
            scratch = self._cache.with_suffix(f".{id(self)}.npy")
            np.save(scratch, made)
            scratch.replace(self._cache)
        return made


def tags_of(p: NDArray[np.float32]) -> list[Tag]:
    """Name the likely classes and groups of one image's probabilities, best first."""
    names = labels()
    found = {names.labels[i]: float(p[i]) for i in np.flatnonzero(p >= _LEAST_CLASS)}
    for group, members in names.groups:
        share = min(1.0, float(p[list(members)].sum()))
        if share >= _LEAST_GROUP:  # A group may bear the name of one of its classes.
            found[group] = max(share, found.get(group, 0.0))
    tags = [Tag(label, round(share, 4)) for label, share in found.items()]
    return sorted(tags, key=lambda tag: (-tag.p, tag.label))[:_MOST_TAGS]


def conse(p: NDArray[np.float32], classes: Vectors) -> Vectors:
    """Place images among texts: class vectors weighted by root probability, unit length."""
    weights = np.sqrt(p)
    least = np.sort(weights, axis=1)[:, -_CLASSES_IN_VECTOR, None]
    weights = np.where(weights >= least, weights, 0)
    # Row by row: a product of matrices may round a row differently with its company.
    rows = np.array([row @ classes for row in weights], np.float32).reshape(-1, classes.shape[1])
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(norms, 1e-12), np.float32)
