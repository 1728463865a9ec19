"""One pipeline from frames to the tokens a model reads: strategies, declared in their order.

    pipeline("cache,drop=0.9,merge=0.5")(tokens)        → the tokens left, and what each step left

============== ================================================ ========================
step           means                                            without a number
============== ================================================ ========================
none           nothing
cache=G        what did not change by G grey levels is not      8
               encoded again (before all others)
drop=C         what is like the last kept token (cosine C) goes 0.9
distinct=S     frames of which a share S or less is new go      0.25
prune=S        a share S of each frame stays, the most novel    0.25
static=C       patches that stand still become one (cosine C)   0.8
slowfast=T     slow and fast frames fill T tokens               a quarter of the tokens
fit=T          frames are pooled until T tokens are enough      a quarter of the tokens
merge=S        the most alike are merged until a share S        0.5
carrier        one token a frame
frames=N       N frames stay: some evenly, then the most unlike a quarter of the frames
uniform=N      N frames stay, evenly (control)                  a quarter of the frames
random=S       a share S stays, by chance (control)             0.25
============== ================================================ ========================
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from longtake.errors import UsageError
from longtake.models.economy.cache import Counts, FeatureCache
from longtake.models.economy.scheduling import fit, representative, slow_fast
from longtake.models.economy.strategies import (
    Drop,
    Prune,
    by_frame,
    carrier,
    chance,
    distinct,
    merge,
    static,
    uniform,
)
from longtake.models.economy.tokens import Tokens, seen
from longtake.models.kv.adapters import Adapter, Reader
from longtake.models.kv.adapters.family import FrameTokens
from longtake.models.protocols import Image

Strategy = Callable[[Tokens], Tokens]
CHUNK = 8
"""Frames that are encoded in one call."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a step left: its name, tokens before and after, and the sum of sizes after it."""

    name: str
    before: int
    after: int
    mass: float


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """A watched stretch: its units as seen, the tokens left, and the books of how."""

    units: tuple[FrameTokens, ...]
    tokens: Tokens
    steps: tuple[Step, ...]
    encoded: Counts | None = None


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Steps in order; `grey` is the threshold of the cache, None without one."""

    text: str
    steps: tuple[tuple[str, Callable[[], Strategy]], ...]
    grey: float | None = None

    def __call__(self, tokens: Tokens) -> tuple[Tokens, tuple[Step, ...]]:
        """Take a stretch through all steps; nothing is remembered between calls."""
        told = []
        for name, make in self.steps:
            before = tokens.n
            tokens = make()(tokens)
            told.append(Step(name, before, tokens.n, float(tokens.size.sum())))
        return tokens, tuple(told)

    def watch(
        self, adapter: Adapter, frames: Sequence[Image], times: Sequence[float], step: float
    ) -> Stretch:
        """Encode frames of one video, shown for `step` seconds each, and take them through."""
        if self.grey is None:
            units = _units(adapter, frames, times, step)
            return Stretch(units, *self(seen(units)))
        with FeatureCache(adapter, threshold=self.grey) as cache:
            units = _units(adapter, frames, times, step)
        return Stretch(units, *self(seen(units)), cache.counts)


def _units(
    adapter: Adapter, frames: Sequence[Image], times: Sequence[float], step: float
) -> tuple[FrameTokens, ...]:
    reader = Reader(adapter, step)
    made: list[FrameTokens] = []
    for at in range(0, len(frames), CHUNK):
        made += reader.feed(frames[at : at + CHUNK], times[at : at + CHUNK])
    return tuple(made + reader.close())


def pipeline(text: str) -> Pipeline:
    """Read a declaration.

    Raises:
        UsageError: a step is not known, or its number is not one it takes.
    """
    grey: float | None = None
    steps: list[tuple[str, Callable[[], Strategy]]] = []
    for n, part in enumerate(text.split(",")):
        name, _, said = part.strip().partition("=")
        number = _number(part, said)
        if name == "cache":
            if n:
                raise UsageError("the cache comes before all other steps", fix="cache,drop")
            grey = 8.0 if number is None else number
        elif name != "none":
            steps.append((name, _made(name, number)))
    return Pipeline(text, tuple(steps), grey)


NAMES = ("none", "cache", "drop", "distinct", "prune", "static", "slowfast", "fit", "merge", "carrier",
         "frames", "uniform", "random")  # fmt: skip
_SHARES = {
    "drop": 0.9,
    "distinct": 0.25,
    "prune": 0.25,
    "static": 0.8,
    "merge": 0.5,
    "random": 0.25,
}
_COUNTS = ("slowfast", "fit", "frames", "uniform")


def _number(part: str, said: str) -> float | None:
    if not said:
        return None
    try:
        number = float(said)
    except ValueError:
        number = -1.0
    if number <= 0:
        raise UsageError(f"{part.strip()!r} has no number above zero", fix="drop=0.9")
    return number


def _made(name: str, number: float | None) -> Callable[[], Strategy]:
    if name in _SHARES:
        share = _SHARES[name] if number is None else number
        if share > 1:
            raise UsageError(f"{name} takes a number up to 1, not {share:g}", fix=f"{name}=0.5")
        return _by_share(name, share)
    if name in _COUNTS:
        return lambda: partial(_by_count, name, None if number is None else int(number))
    if name == "carrier" and number is None:
        return lambda: carrier
    raise UsageError(f"there is no step {name!r} of frame economy" if name != "carrier" else
                     "carrier takes no number", fix=f"one of: {', '.join(NAMES)}")  # fmt: skip


def _by_share(name: str, share: float) -> Callable[[], Strategy]:
    """A strategy that takes a share or a cosine; those that remember begin anew each time."""
    makers: dict[str, Callable[[], Strategy]] = {
        "drop": lambda: Drop(share),
        "distinct": lambda: partial(distinct, share=share),
        "prune": lambda: Prune(share),
        "static": lambda: partial(static, threshold=share),
        "merge": lambda: lambda tokens: merge(tokens, int(share * tokens.n + 0.5)),
        "random": lambda: lambda tokens: chance(tokens, int(share * tokens.n + 0.5)),
    }
    return makers[name]


def _by_count(name: str, number: int | None, tokens: Tokens) -> Tokens:
    """A strategy that takes a number of tokens or frames."""
    many = sum(1 for _ in by_frame(tokens))
    if name in ("slowfast", "fit"):
        budget = max(1, tokens.n // 4) if number is None else number
        return (fit if name == "fit" else slow_fast)(tokens, budget)
    count = max(1, many // 4) if number is None else number
    return (representative if name == "frames" else uniform)(tokens, count)
