"""Frame and token economy, measured: tokens, time of encoding, and answers of a small model.

    python -m bench.economy [--weights FILE]

The model (`bench.tinyvlm`) reads drawn films (`bench.economy_worlds`) through the real adapter; each
strategy is a declaration of `longtake.models.economy.pipeline`. For every world: tokens kept, time
of encoding (tower and economy) as a share of that without, and answers. Controls: as many tokens
by chance, and as many whole frames evenly, as differential drop kept in the same film; and the
first frame of each picture, by what the film knows of itself. Times are seconds of the processor
in this thread; what other processes do does not count. The same cache is behind all strategies, so
it is run once for all of them.

The small model's tower is so small that what is around it counts; `tower` measures the cache with
an encoder of more usual size and random weights on the same films, and on a still camera before
which one square moves.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.economy_worlds import WORLDS, Film
from bench.machine import emit, machine, say
from bench.tinyvlm.model import LOOK, TOKENS, WEIGHTS, WORDING, loaded, sha256, tokenizer
from bench.tinyvlm.worlds import Question
from longtake.memory.kv.session import MARK, ids_of
from longtake.models.economy import FeatureCache, Pipeline, Stretch, Tokens, line, pipeline
from longtake.models.kv.adapters import Reader, adapter_for
from longtake.models.kv.adapters.llava_onevision import LlavaOnevision
from longtake.models.kv.tap import RopeTap
from longtake.models.protocols import Image

SEED = 41_000
QUESTIONS = 120
"""Asked about each world, over as many films as it takes."""
CACHE = "cache=10"
"""The noise of the films differs by 6 grey levels on the mean."""
Row = dict[str, Any]


class Eyes(LlavaOnevision):
    """The small model's adapter: it was trained without the line vector behind a video."""

    def closing(self) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class Way:
    """A declaration, and how what it left is read.

    Attributes:
        gaps: frames of which nothing is left keep their positions.
        mass: merged tokens count for as many as they are.
        control: `random` or `uniform`, as much as the drop that ran before kept; `oracle`, the
            first frame of each picture, by what the film knows of itself.
    """

    name: str
    text: str
    gaps: bool = False
    mass: bool = True
    control: str = ""


@dataclass(slots=True)
class Sum:
    """What a way came to over the films of a world."""

    kept: int = 0
    whole: int = 0
    seconds: float = 0.0
    computed: list[float] = field(default_factory=list)
    hits: list[bool] = field(default_factory=list)


def ways(frames: int) -> list[Way]:
    """Every strategy, for films of so many frames; budgets are a sixth of the tokens."""
    tokens, few = frames * TOKENS // 6, max(1, frames // 6)
    return [
        Way("none", "none"),
        Way("one frame of each", "none", control="oracle"),
        Way("cache", CACHE),
        Way("drop", f"{CACHE},drop"),
        Way("drop, gaps kept", f"{CACHE},drop", gaps=True),
        Way("random tokens, as many", "random", control="random"),
        Way("uniform frames, as many", "uniform", control="uniform"),
        Way("distinct frames", f"{CACHE},distinct"),
        Way("drop, merge", f"{CACHE},drop,merge=0.7"),
        Way("static", f"{CACHE},static"),
        Way("static, sizes forgotten", f"{CACHE},static", mass=False),
        Way("merge", f"{CACHE},merge=0.1667"),
        Way("prune", f"{CACHE},prune=0.25"),
        Way("slow and fast", f"{CACHE},slowfast={tokens}"),
        Way("fit", f"{CACHE},fit={tokens}"),
        Way("carrier", f"{CACHE},carrier"),
        Way("representative frames", f"{CACHE},frames={few}"),
    ]


class Asker:
    """The small model, asked about what is left of films."""

    def __init__(self, tap: RopeTap) -> None:
        self.tap, self.eyes = tap, Eyes(tap.model, None, LOOK)
        self._words = tokenizer()
        self._before = self._ids(WORDING.before)

    def right(self, seen: Stretch, questions: Sequence[Question], way: Way) -> list[bool]:
        """Which questions are answered right; the film is read once for all of them."""
        made = line(self.eyes, self._before, seen.units, seen.tokens, (), gaps=way.gaps)
        bias = made.size.log() if way.mass and bool((made.size != 1).any()) else None
        read = self.tap.run(embeds=made.embeds, positions=made.positions, bias=bias)
        at = self._end(seen, way)
        hits = []
        for one in questions:
            asked = np.asarray(self._ids(WORDING.after.replace(MARK, one.text)))
            hits.append(self._said(asked, at, read.held) == one.answer)
        return hits

    def _end(self, seen: Stretch, way: Way) -> int:
        """The first position behind the film."""
        word = line(self.eyes, self._before, seen.units, seen.tokens, self._before[:1],
                    gaps=way.gaps)  # fmt: skip
        return int(word.positions[0, -1])

    def _said(self, asked: Any, at: int, held: Any) -> str:
        import torch

        ids = torch.from_numpy(asked)
        made = self.tap.run(ids, positions=(torch.arange(len(ids)) + at)[None], held=held)
        best = int(self.tap.logits(made.hidden[:, -1:])[0, -1].argmax())
        return str(self._words.decode([best]))

    def _ids(self, text: str) -> list[int]:
        found: list[int] = ids_of(self._words, text).tolist()
        return found


def measured(asker: Asker, world: str, count: int) -> list[Row]:
    """All ways on the films of a world."""
    first = WORLDS[world](SEED)
    films = [WORLDS[world](SEED + n) for n in range(-(-count // len(first.questions)))]
    every = ways(len(first.frames))
    sums = {way.name: Sum() for way in every}
    for film in films:
        share = 1.0
        encoded = {text: _encoded(pipeline(text), asker, film) for text in ("none", CACHE)}
        for way in every:
            declared = pipeline(_control(way, share, len(film.frames)) or way.text)
            seen, seconds = encoded["none" if declared.grey is None else CACHE]
            began = time.thread_time()
            tokens, steps = declared(seen.tokens)
            seconds += time.thread_time() - began
            if way.control == "oracle":
                tokens = _first(tokens, film.new)
            seen = replace(seen, tokens=tokens, steps=steps)
            if way.name == "drop":
                share = seen.tokens.n / seen.tokens.whole
            one = sums[way.name]
            one.kept, one.whole = one.kept + seen.tokens.n, one.whole + seen.tokens.whole
            one.seconds += seconds
            one.hits += asker.right(seen, film.questions, way)
            if seen.encoded is not None:
                one.computed.append(seen.encoded.share)
    rows = [_row(way, sums) for way in every]
    for row in rows:
        say(f"{world}: {row}")
    return rows


def _first(tokens: Tokens, new: Sequence[int]) -> Tokens:
    """The frames with which another picture begins."""
    import torch

    return tokens.chosen(torch.isin(tokens.frame, torch.tensor(new)).nonzero()[:, 0])


def _control(way: Way, share: float, frames: int) -> str:
    """A control keeps what drop kept of the same film."""
    if way.control == "random":
        return f"random={share:.6f}"
    return f"uniform={max(1, round(share * frames))}" if way.control == "uniform" else ""


def _encoded(declared: Pipeline, asker: Asker, film: Film) -> tuple[Stretch, float]:
    """A film as it is encoded, and the least time of two."""
    times = []
    for _ in range(2):
        began = time.thread_time()
        seen = declared.watch(asker.eyes, film.frames, film.times, 1.0)
        times.append(time.thread_time() - began)
    return seen, min(times)


def _row(way: Way, sums: dict[str, Sum]) -> Row:
    one, plain = sums[way.name], sums["none"]
    right, before = (sum(s.hits) / len(s.hits) for s in (one, plain))
    made: Row = {
        "way": way.name, "declared": way.text, "kept": round(one.kept / one.whole, 4),
        "encode": round(one.seconds / plain.seconds, 3), "right": round(right, 3),
        "of_none": round(right / before, 3) if before else None, "questions": len(one.hits),
    }  # fmt: skip
    if one.computed:
        made["patches_computed"] = round(sum(one.computed) / len(one.computed), 4)
    return made


def tower(frames: int = 24) -> dict[str, Row]:
    """The cache before an encoder of 8 layers, 384 wide, on 14 × 14 patches; random weights."""
    eyes = _usual()
    films = {"still camera": _square(frames)}
    films |= {name: film(SEED).frames[:frames] for name, film in WORLDS.items()}
    _embeds(eyes, films["still camera"][:8])  # Warm.
    made: dict[str, Row] = {}
    for name, film in films.items():
        began = time.thread_time()
        plain = _embeds(eyes, film)
        middle = time.thread_time()
        with FeatureCache(eyes, threshold=10.0) as cache:
            cached = _embeds(eyes, film)
        ended = time.thread_time()
        away = (cached - plain).norm(dim=(1, 2)) / plain.norm(dim=(1, 2))
        made[name] = {
            "frames": len(film), "seconds_none": round(middle - began, 3),
            "encode": round((ended - middle) / (middle - began), 3),
            "patches_computed": round(cache.counts.share, 4),
            "relative_error_mean": round(float(away.mean()), 4),
            "relative_error_worst": round(float(away.max()), 4),
        }  # fmt: skip
        say(f"tower, {name}: {made[name]}")
    return made


def _usual() -> Any:
    """The adapter of a model with a tower of 14 M random weights."""
    import torch
    from transformers import (
        LlavaOnevisionConfig,
        LlavaOnevisionForConditionalGeneration,
        Qwen2Config,
        SiglipVisionConfig,
    )

    vision = SiglipVisionConfig(hidden_size=384, intermediate_size=1536, num_hidden_layers=8,
                                num_attention_heads=6, image_size=224, patch_size=16,
                                vision_use_head=False)  # fmt: skip
    text = Qwen2Config(vocab_size=64, hidden_size=384, intermediate_size=64, num_hidden_layers=1,
                       num_attention_heads=4, num_key_value_heads=2)  # fmt: skip
    config = LlavaOnevisionConfig(vision_config=vision, text_config=text, vision_feature_layer=-1,
                                  image_token_index=60, video_token_index=61)  # fmt: skip
    torch.manual_seed(0)
    return adapter_for(LlavaOnevisionForConditionalGeneration(config).float().eval())


def _square(frames: int) -> list[Image]:
    by = np.random.default_rng(0)
    ground = by.integers(40, 200, (56, 56, 3)).repeat(4, 0).repeat(4, 1)
    made = []
    for n in range(frames):
        frame = ground + by.integers(-2, 3, ground.shape)
        frame[96:128, 6 * n : 6 * n + 32] = (250, 20, 20)
        made.append(frame.clip(0, 255).astype(np.uint8))
    return made


def _embeds(eyes: Any, film: list[Image]) -> Any:
    import torch

    reader = Reader(eyes, 1.0)
    units = [
        unit
        for at in range(0, len(film), 8)
        for unit in reader.feed(film[at : at + 8], [float(n) for n in range(at, at + 8)])
    ]
    return torch.stack([unit.embeds[0] for unit in units])


def measure(weights: Path, count: int = QUESTIONS, names: Sequence[str] = ()) -> Row:
    """Return all tables."""
    import torch

    torch.set_num_threads(1)
    began = time.monotonic()
    with RopeTap(loaded(weights)) as tap:
        asker = Asker(tap)
        _encoded(pipeline("none"), asker, WORLDS["lecture"](1))  # Warm.
        worlds = {name: measured(asker, name, count) for name in names or WORLDS}
    made: Row = {"machine": machine(), "weights": sha256(weights), "worlds": worlds}
    if not names:
        made["tower"] = tower()
    return made | {"seconds": round(time.monotonic() - began)}


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--questions", type=int, default=QUESTIONS)
    parser.add_argument(
        "--worlds", nargs="*", choices=[*WORLDS], default=(), help="these alone, and no tower"
    )
    given = parser.parse_args()
    emit(measure(given.weights, given.questions, given.worlds))


if __name__ == "__main__":
    main()
