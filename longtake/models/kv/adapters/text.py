"""Models that read text alone: a unit is a page of words."""

from __future__ import annotations

from typing import ClassVar

from longtake.models.kv.adapters.family import Family


class Text(Family):
    """Any rotary decoder of transformers."""

    name: ClassVar[str] = "text"
