"""Frame and token economy: as few frames and tokens of a video as a model needs.

Before the encoder: a `FeatureCache`. After it: strategies on `Tokens` with exact
bookkeeping, declared as a `pipeline`. To the model: `line`, `scores`, `write`.
"""

from __future__ import annotations

from longtake.models.economy.cache import FeatureCache
from longtake.models.economy.feeding import Line, drawn, line, scores, write
from longtake.models.economy.pipeline import NAMES, Pipeline, Stretch, pipeline
from longtake.models.economy.tokens import Tokens, seen, units

__all__ = [
    "NAMES", "FeatureCache", "Line", "Pipeline", "Stretch", "Tokens", "drawn", "line",
    "pipeline", "scores", "seen", "units", "write",
]  # fmt: skip
