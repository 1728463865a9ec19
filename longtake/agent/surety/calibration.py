"""From signals to a probability: weights that were fitted, then two corrections.

For each group of findings (`longtake.agent.surety.confidence.group_of`): a regularised logistic regression
over the signals; a temperature (Guo et al., "On Calibration of Modern Neural Networks",
arXiv:1706.04599); an isotonic map (Zadrozny and Elkan, 2002), which may only bend, never turn the
order. They are fitted by ``python -m bench.calibrate`` on made-up films and packaged as JSON, one
file for each profile. What a chat model's judgement adds stands apart, one file for each model
(`longtake.agent.surety.correction`).

The numbers hold for the text encoder that they were measured with. With another one the weights
are refused: the solver's own numbers are then only cooled by a temperature, and nothing is
declined for them.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from longtake.agent.surety.correction import FOLDER as JUDGES
from longtake.agent.surety.correction import Correction
from longtake.errors import UsageError

FOLDER = Path(__file__).with_name("weights")
VERSION = 1
LOWEST, HIGHEST = 0.02, 0.98
"""Nothing is surer than this, whatever was fitted."""
EVEN = 0.5
PLAIN = "plain"
GENERIC = 1.5
"""The temperature where nothing was measured."""


@dataclass(frozen=True, slots=True)
class Group:
    """What was fitted for findings of one kind.

    Args:
        features: names of the signals, in the order of the weights.
        mean, scale: what the signals are centred by and divided by.
        weights, bias: the logistic regression.
        temperature: what log-odds are divided by.
        bins: (log-odds, probability) with both rising; between them it is linear.
        threshold: below this probability a finding is declined.
        n: how many questions were fitted on.
    """

    features: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float
    temperature: float
    bins: tuple[tuple[float, float], ...]
    threshold: float
    n: int

    def log_odds(self, signals: Mapping[str, float]) -> float:
        """What the weights make of the signals, divided by the temperature."""
        rows = zip(self.features, self.mean, self.scale, self.weights, strict=True)
        z = self.bias + sum(w * (signals.get(name, m) - m) / s for name, m, s, w in rows)
        return z / self.temperature

    def probability(self, signals: Mapping[str, float]) -> float:
        """How often findings with such signals were right."""
        z = self.log_odds(signals)
        p = bent(z, self.bins) if self.bins else sigmoid(z)
        return min(HIGHEST, max(LOWEST, p))

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Group:
        """Read what `row` wrote."""
        rows = {k: tuple(raw[k]) for k in ("features", "mean", "scale", "weights")}
        bins = tuple((float(z), float(p)) for z, p in raw["bins"])
        return cls(**rows, bias=raw["bias"], temperature=raw["temperature"], bins=bins,
                   threshold=raw["threshold"], n=raw["n"])  # fmt: skip

    def row(self) -> dict[str, Any]:
        """The group as JSON, floats rounded."""
        some = {k: [rounded(x) for x in getattr(self, k)] for k in ("mean", "scale", "weights")}
        one = {k: rounded(getattr(self, k)) for k in ("bias", "temperature", "threshold")}
        return {"features": list(self.features), **some, **one, "n": self.n,
                "bins": [[rounded(z), rounded(p)] for z, p in self.bins]}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was measured for one set of models; `models` is their fingerprint.

    `trouble` says why the measured weights are not used, if they are not; `generic` then cools the
    solver's own number. Groups with too few rows to be fitted keep that number as it is.
    """

    name: str
    models: dict[str, str]
    groups: dict[str, Group] = field(default_factory=dict)
    generic: float | None = None
    figures: dict[str, Any] = field(default_factory=dict)
    trouble: str | None = None
    judge: Correction | None = None
    """What the word of the chat model in use is worth; None where that was not measured."""

    def probability(self, group: str, signals: Mapping[str, float]) -> float:
        """How sure a finding of this group with these signals is, 0 to 1."""
        fitted = self.groups.get(group)
        if fitted is not None:
            return fitted.probability(signals)
        z = float(signals.get("hand", 0.0))
        return sigmoid(z / self.generic) if self.trouble and self.generic else sigmoid(z)

    def threshold(self, group: str) -> float:
        """Below this a finding is declined; 0 where nothing at all was measured.

        Of a group that was not measured, what is more likely wrong than right is declined: what a
        second look read has no place in memory to be weighed by, and a misread line would be said.
        """
        fitted = self.groups.get(group)
        if fitted is not None:
            return fitted.threshold
        return EVEN if self.groups else 0.0

    @property
    def heeds_judge(self) -> bool:
        """Whether a model's judgement has a say; if not, it need not be asked.

        Where nothing was fitted on purpose, it is asked, so that it can be.
        """
        return self.name == PLAIN or (self.judge is not None and self.judge.heeded)

    @property
    def guesses(self) -> bool:
        """Whether guesses were measured, or are to be."""
        return self.name == PLAIN or "guess" in self.groups

    @classmethod
    def plain(cls) -> Calibration:
        """No calibration: signals are told, the solver's own numbers stay, nothing is declined."""
        return cls(PLAIN, {})

    @classmethod
    def load(
        cls, names: Mapping[str, str], *, chat: str | None = None, folder: Path = FOLDER
    ) -> Calibration:
        """Find what was measured with these models.

        Args:
            names: kind → name of the profile's models, as `Models.names` tells.
            chat: the chat model that may be asked to judge.
            folder: where the files are; those of chat models lie in its folder "judges".
        """
        encoder = names.get("text_encoder", "")
        known = [parsed(path) for path in sorted(folder.glob("*.json"))]
        fitting = [one for one in known if one.models.get("text_encoder") == encoder]
        if fitting:
            judge = Correction.load(chat, encoder, folder / JUDGES.name) if chat else None
            return replace(fitting[0], judge=judge)
        said = f"how sure answers are was not measured with the text encoder {encoder or 'in use'}"
        warnings.warn(f"{said}; confidence is a rough number", stacklevel=2)
        generic = next((one.generic for one in known if one.generic is not None), GENERIC)
        return cls("generic", dict(names), generic=generic, trouble=said)

    def save(self, path: Path) -> None:
        """Write as JSON; the same fit gives the same bytes."""
        raw = {
            "version": VERSION, "name": self.name, "models": self.models,
            "generic": None if self.generic is None else rounded(self.generic),
            "figures": self.figures, "groups": {k: g.row() for k, g in sorted(self.groups.items())},
        }  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(raw, indent=1, sort_keys=True) + "\n", encoding="utf-8")

    def row(self) -> dict[str, Any]:
        """What a person may want to know of it."""
        return {"name": self.name, "models": self.models, "trouble": self.trouble,
                "heeds_judge": self.heeds_judge, "figures": self.figures,
                "groups": {k: {"n": g.n, "threshold": g.threshold}
                           for k, g in sorted(self.groups.items())}}  # fmt: skip


@cache
def parsed(path: Path) -> Calibration:
    """Read a file that `Calibration.save` wrote.

    Raises:
        UsageError: it is not such a file, or of another version.
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if raw["version"] != VERSION:
            raise UsageError(f"{path} is a calibration of version {raw['version']}, not {VERSION}",
                             fix="python -m bench.calibrate --write")  # fmt: skip
        groups = {name: Group.of(one) for name, one in raw["groups"].items()}
        return Calibration(raw["name"], raw["models"], groups, raw["generic"], raw["figures"])
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{path} is not a calibration: {error}",
                         fix="python -m bench.calibrate --write") from error  # fmt: skip


def bent(z: float, bins: Sequence[tuple[float, float]]) -> float:
    """Read a rising line through points; beyond its ends it goes on as a logistic curve.

    >>> bent(0.5, [(0.0, 0.2), (1.0, 0.6)]), round(bent(3.0, [(0.0, 0.2), (1.0, 0.6)]), 3)
    (0.4, 0.917)
    """
    if z <= bins[0][0]:
        return _beyond(z, *bins[0])
    for (low, p), (high, q) in pairwise(bins):
        if z <= high:
            return p + (q - p) * (z - low) / max(high - low, 1e-9)
    return _beyond(z, *bins[-1])


def _beyond(z: float, at: float, p: float) -> float:
    held = min(HIGHEST, max(LOWEST, p))
    return sigmoid(math.log(held / (1.0 - held)) + z - at)


def sigmoid(z: float) -> float:
    """The logistic function, for any log-odds."""
    return 1.0 / (1.0 + math.exp(-z)) if z >= 0 else math.exp(z) / (1.0 + math.exp(z))


def rounded(x: float) -> float:
    """Five digits after the point: enough for weights, and the same on every machine."""
    return round(float(x), 5)
