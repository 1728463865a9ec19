"""A query as each kind of encoder embeds it, with a memory of recent queries.

Words are embedded by the text encoder for texts, and by an image encoder for its pictures; a
picture by image encoders alone. Which encoder made a column of pictures is in its facet: the
profile's own one made ``sight``, a further one ``sight.NAME``.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from longtake.errors import BackendError
from longtake.memory.terms import Query
from longtake.models.protocols import ImageEncoder, QueryEncoder, TextEncoder
from longtake.storage.records import Facet, Floats, sight_facet

_QUERIES = 256

Rows: TypeAlias = tuple[Floats | None, Floats | None]
"""The vector of a query's words and that of its picture, each None where there is none."""


@dataclass
class Encoders:
    """Query encoders; further image encoders are only asked for where they have a column."""

    text: TextEncoder | None
    image: ImageEncoder | None
    further: Callable[[], Sequence[ImageEncoder]] = tuple
    _recent: OrderedDict[tuple[str, str], Floats] = field(default_factory=OrderedDict)

    def of_text(self, query: Query) -> Floats | None:
        """Embed a query for comparison with texts; None without an encoder or words."""
        if self.text is None:
            return None
        asks = self.text.encode_queries if isinstance(self.text, QueryEncoder) else self.text.encode
        return self._encode("text", query.text, asks)

    def of_sight(self, query: Query, facet: Facet) -> Rows | None:
        """Embed a query for comparison with pictures; None when their encoder is not loaded.

        Of words it takes the things they name, not the asking.

        Raises:
            BackendError, MissingError: the encoder does not work.
        """
        encoder = self._seeing(facet)
        if encoder is None:
            return None
        words = self._encode(facet, " ".join(query.terms), encoder.encode_texts)
        if query.picture is None:
            return words, None
        return words, _usable(encoder.encode_images([query.picture])[0], encoder.name)

    def _seeing(self, facet: Facet) -> ImageEncoder | None:
        if facet == "sight":
            return self.image
        return next((one for one in self.further() if sight_facet(one.name) == facet), None)

    def _encode(
        self, kind: str, text: str, encode: Callable[[Sequence[str]], Floats]
    ) -> Floats | None:
        if not text.strip():
            return None
        key = (kind, text)
        if key not in self._recent:
            self._recent[key] = _usable(encode([text])[0], kind)
            if len(self._recent) > _QUERIES:
                self._recent.popitem(last=False)
        return self._recent[key]


def _usable(vector: Floats, name: str) -> Floats:
    if not np.isfinite(vector).all():
        raise BackendError(f"{name} gave a vector that is no row of numbers", fix="name another")
    return vector
