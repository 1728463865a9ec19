"""What one model's judgement changes of how sure an answer is: a line on log-odds, per model.

z' = z + a · lift + b, with z the calibrated log-odds of the answer and `lift` by how many nats the
model prefers "yes, this passage answers the question" (`Reasoner.judge`). Both numbers are fitted
by ``python -m bench.calibrate --chat`` on questions that no film asks, and kept only where on
subjects that were left out the loss falls and what is told is no worse, and where a is no noise;
otherwise a = 0 and the model is not asked. So a model can add to an answer's surety what it was seen to know, and no more:
lifts beyond those seen count as the outermost that were, and a is never below 0.

One file for each model lies in ``weights/judges``. Its name is a fingerprint of the model's name,
without what servers and files add to it, so that the same model is known by whatever door it
comes.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from longtake.errors import UsageError

FOLDER = Path(__file__).with_name("weights") / "judges"
VERSION = 1
LEAST = 1e-6
"""Probabilities are held this far from 0 and 1."""
_TAIL = re.compile(r"(?:@api|@hub|\.gguf|[-_.:](?:q\d\w*|i?q\d_k_\w|f16|bf16|f32|fp16))+$")


@dataclass(frozen=True, slots=True)
class Correction:
    """What was fitted for one model.

    Args:
        model: its fingerprint, see `key_of`.
        encoder: the text encoder whose calibrated log-odds it was fitted on.
        a, b: the line; a is 0 where the model added nothing.
        low, high: the least and greatest lift that count as they are.
        n: how many questions were fitted on.
        figures: what it was worth on questions left out.
    """

    model: str
    encoder: str
    a: float
    b: float
    low: float
    high: float
    n: int
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def heeded(self) -> bool:
        """Whether the model's word changes anything."""
        return self.a > 0

    def applied(self, p: float, lift: float) -> float:
        """The probability after the model has been heard."""
        if not self.heeded:
            return p
        held = min(1.0 - LEAST, max(LEAST, p))
        seen = min(self.high, max(self.low, lift))
        z = math.log(held / (1.0 - held)) + self.a * seen + self.b
        return 1.0 / (1.0 + math.exp(-z))

    def save(self, folder: Path = FOLDER) -> Path:
        """Write as JSON; the same fit gives the same bytes."""
        path = folder / f"{self.model}.json"
        folder.mkdir(parents=True, exist_ok=True)
        raw = {"version": VERSION} | asdict(self)
        path.write_text(json.dumps(raw, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        return path

    @classmethod
    def load(cls, name: str, encoder: str, folder: Path = FOLDER) -> Correction | None:
        """What was fitted for the model of this name; None if nothing, or with another encoder.

        Raises:
            UsageError: the file is no correction, or of another version.
        """
        path = folder / f"{key_of(name)}.json"
        if not path.exists():
            return None
        try:
            raw: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if raw["version"] != VERSION:
                raise ValueError(f"version {raw['version']}")
            made = cls(**{key: value for key, value in raw.items() if key != "version"})
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(f"{path} is not what a model's judgement is worth: {error}",
                             fix="python -m bench.calibrate --chat --write") from error  # fmt: skip
        return made if made.encoder == encoder else None


def key_of(name: str) -> str:
    """The fingerprint of a model's name.

    >>> key_of("models/Some-Model-2B-Instruct-Q4_K_M.gguf@api") == key_of("some-model-2b-instruct")
    True
    >>> key_of("some-model-2b") == key_of("some-model-7b")
    False
    """
    bare = re.split(r"[\\/]", name.strip().lower())[-1]
    return hashlib.sha256(_TAIL.sub("", bare).encode()).hexdigest()[:12]
