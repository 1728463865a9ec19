"""How long the agent itself takes over a question, without any model.

    python -m bench.overhead [--minutes 120] [--folder DIR] [--profile]

Asks the questions of the scripted afternoon (`bench.worlds.scripted_questions`) of a library kept
in `--folder`, with the rules alone. The text encoder's time is measured where it is called and
taken out; what is left is the graph, the tools, the memory and the storage. Each question is asked
after one round that warms caches, in a thread of its own, and threads are kept on disk as in daily
use. With `--profile` a further round is profiled, and its own time shared out among the rooms of
the package.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.machine import emit, machine
from bench.rows.common import Bench, Place
from bench.worlds.scripted_questions import absent, counts, orders, plain, two_hops

AIM_MS = 150.0


class TimedEncoder:
    """A text encoder that adds up how long it is busy."""

    def __init__(self, encoder: Any) -> None:
        self._encoder = encoder
        self.seconds = 0.0
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._encoder, name)

    def encode(self, texts: Sequence[str]) -> Any:
        """Texts to vectors."""
        return self._timed(self._encoder.encode, texts)

    def words(self, texts: Sequence[str]) -> Any:
        """Texts to vectors of their words."""
        return self._timed(self._encoder.words, texts)

    def _timed(self, what: Callable[[Sequence[str]], Any], texts: Sequence[str]) -> Any:
        began = time.perf_counter()
        try:
            return what(texts)
        finally:
            self.seconds += time.perf_counter() - began
            self.calls += 1


class TimedModels:
    """A profile's models with the text encoder under a clock."""

    def __init__(self, models: Any) -> None:
        self._models = models
        self.text_encoder = TimedEncoder(models.text_encoder)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._models, name)


def questions_of(bench: Bench, place: Place) -> dict[str, list[str]]:
    """Texts by kind: the programme's questions of every sort."""
    assert place.programme is not None
    made = place.programme
    kinds = {"plain": plain(made), "two_hop": two_hops(made), "count": counts(made),
             "order": orders(made), "absent": absent()}  # fmt: skip
    return {kind: [one.text for one in bench.some(some)] for kind, some in kinds.items()}


def one_round(
    asked: dict[str, list[str]], place: Place, agent: Any, clock: TimedEncoder, name: str
) -> dict[str, list[tuple[float, float]]]:
    """Ask everything once: seconds without the encoder, and seconds in it."""
    spent: dict[str, list[tuple[float, float]]] = {}
    for kind, texts in asked.items():
        for n, text in enumerate(texts):
            before, began = clock.seconds, time.perf_counter()
            agent.ask(text, videos=[place.video], thread=f"{name}-{kind}-{n}")
            whole, inside = time.perf_counter() - began, clock.seconds - before
            spent.setdefault(kind, []).append((whole - inside, inside))
    return spent


def figures(rows: Sequence[tuple[float, float]]) -> dict[str, float]:
    """Milliseconds of the agent alone, and of the encoder."""
    own, encoder = np.asarray(rows).T * 1000
    return {
        "questions": len(rows),
        "p50_ms": round(float(np.percentile(own, 50)), 1),
        "p95_ms": round(float(np.percentile(own, 95)), 1),
        "encoder_p50_ms": round(float(np.percentile(encoder, 50)), 1),
    }


def rooms(profile: cProfile.Profile, clock: float) -> dict[str, float]:
    """Shares of own time by room of the package and by library, without the encoder's."""
    shares: Counter[str] = Counter()
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    for (file, _, _), (_, _, own, _, _) in stats.items():
        shares[room_of(file)] += own
    whole = sum(shares.values()) or 1.0
    told = {room: round(seconds / whole, 4) for room, seconds in shares.most_common(14)}
    return told | {"encoder_calls": round(clock / whole, 4)}


def room_of(file: str) -> str:
    """The room or library a source file belongs to.

    >>> room_of("/x/longtake/agent/solvers/by_kind.py"), room_of("/y/site-packages/langgraph/pregel/x.py")
    ('longtake.agent', 'langgraph')
    """
    parts = Path(file).parts
    if "longtake" in parts:
        at = len(parts) - 1 - parts[::-1].index("longtake")
        return ".".join(Path(*parts[at : at + 2]).with_suffix("").parts)
    if "site-packages" in parts:
        return parts[parts.index("site-packages") + 1].removesuffix(".py")
    return "built in" if file.startswith(("~", "<")) else "python"


def measure(bench: Bench, *, profile: bool) -> dict[str, Any]:
    """Ask everything twice, and once more under the profiler."""
    from longtake.agent.agent import Agent

    bench.models = TimedModels(bench.models or bench.library(bench.folder / "none").models)
    clock = bench.models.text_encoder
    place = bench.afternoon()
    asked = questions_of(bench, place)
    with tempfile.TemporaryDirectory() as threads:
        agent = Agent(place.toolbox(), None, Path(threads) / "threads.sqlite")
        one_round(asked, place, agent, clock, "warm")
        spent = one_round(asked, place, agent, clock, "timed")
        shared = _profiled(asked, place, agent, clock) if profile else None
        agent.close()
    every = [row for rows in spent.values() for row in rows]
    whole = figures(every)
    return {
        "bench": "overhead",
        "machine": machine(),
        "minutes": round(place.video.duration / 60, 1),
        "aim_ms": AIM_MS,
        "met": whole["p50_ms"] <= AIM_MS,
        "all": whole,
        "kinds": {kind: figures(rows) for kind, rows in spent.items()},
        **({"shares": shared} if shared is not None else {}),
    }


def _profiled(
    asked: dict[str, list[str]], place: Place, agent: Any, clock: TimedEncoder
) -> dict[str, float]:
    watch = cProfile.Profile()
    before = clock.seconds
    watch.enable()
    one_round(asked, place, agent, clock, "profiled")
    watch.disable()
    return rooms(watch, clock.seconds - before)


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--folder", type=Path, help="where the worlds are kept")
    parser.add_argument("--profile", action="store_true", help="share the time out among rooms")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        bench = Bench(folder, given.minutes)
        try:
            emit(measure(bench, profile=given.profile))
        finally:
            bench.close()


if __name__ == "__main__":
    main()
