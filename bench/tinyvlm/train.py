"""Train the model from nothing, by one command.

    python -m bench.tinyvlm.train --out DIR

Two parts. Sight: the tower and the projector learn to say what is in one frame, through linear
readers that are thrown away. Memory: with sight held still, the decoder reads streams of more and
more moments and answers questions that stand after them; the loss is on answers alone. A question
sees the stream and itself, never other questions. Streams are read as the memory will read them
later: some of them with a window over the frames before each frame, and some of the questions see a
few frames only, since that is what retrieval gives a reader; in the end half of each.

Everything is drawn from seeds, and stages end by what was learnt, so the same machine makes the
same weights. Held-out worlds have seeds of their own (`HELD_OUT`).
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from bench.machine import emit, say
from bench.tinyvlm.model import LOOK, TOKENS, WINDOW, WORDING, built, loaded, save, tokenizer
from bench.tinyvlm.worlds import (
    COLOURS,
    FRAMES,
    KINDS,
    LETTERS,
    SHAPES,
    SIDE,
    Moment,
    draw,
    moment,
    text,
)
from longtake.memory.kv.session import MARK, ids_of

if TYPE_CHECKING:
    from torch import Tensor

HELD_OUT = "held out"
SIGHT_STEPS, SIGHT_BATCH = 1300, 48
POOL = 8000
"""Moments that streams are put together from."""
SCALE = 0.3
"""Standard deviation of the vectors of a frame: about what a layer adds to them."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the training of memory.

    Attributes:
        moments: the fewest and most of a stream.
        streams: streams of a step.
        asks: questions to each.
        steps: the most steps.
        enough: the accuracy over the last steps that ends it.
        few: the share of streams that are read with a window, and of questions that see a few
            frames only.
    """

    moments: tuple[int, int]
    streams: int
    asks: int
    steps: int
    enough: float
    few: float


STAGES = (
    Stage((1, 1), 20, 4, 400, 0.93, 0.0),
    Stage((2, 2), 20, 8, 2000, 0.93, 0.15),
    Stage((2, 4), 14, 12, 1000, 0.94, 0.3),
    Stage((3, 8), 10, 16, 700, 0.94, 0.5),
    Stage((2, 12), 8, 20, 700, 1.1, 0.5),
)
RATE, WARM = 2e-3, 40
LAST = 40
"""Steps over which a stage is judged."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Moments, and the vectors of their frames [moments, frames, tokens, d]."""

    moments: list[Moment]
    seen: Tensor

    @classmethod
    def of(cls, model: Any, n: int, seed: object) -> Pool:
        """Draw n moments by chance and look at them."""
        import torch

        made = Random(f"pool {seed}")
        moments = [moment("".join(made.sample(LETTERS, 2)), made) for _ in range(n)]
        rows = []
        with torch.no_grad():
            for at in range(0, n, 50):
                frames = [frame for one in moments[at : at + 50] for frame in draw(one)]
                rows.append(look(model, frames))
        return cls(moments, torch.cat(rows).reshape(n, FRAMES, TOKENS, -1))


def look(model: Any, frames: Sequence[Any]) -> Tensor:
    """Return the vectors of frames [frames, tokens, d], as the adapter makes them."""
    import torch

    from longtake.models.kv.adapters.pixels import Look, scaled

    pixels = scaled(frames, (SIDE, SIDE), Look().changed(LOOK))
    seen: Tensor = model.model.get_video_features(pixels[None], return_dict=True).pooler_output
    return torch.reshape(seen[0, :-1], (len(frames), TOKENS, -1))


def train_sight(model: Any, steps: int, batch: int, seed: int) -> float:
    """Teach the tower and the projector to say what a frame shows; return the accuracy.

    All tokens of a frame together tell its digit, colour, shape and place; each by itself tells the
    key, which frame it is and which token, as towers trained at large do mix a whole picture into
    each patch.
    """
    import torch

    made = Random(f"sight {seed}")
    d = model.config.text_config.hidden_size
    torch.manual_seed(seed)
    readers = torch.nn.ModuleList([torch.nn.Linear(TOKENS * d, sum(_WHOLE)),
                                   torch.nn.Linear(d, sum(_EACH))])  # fmt: skip
    parts = [model.model.vision_tower, model.model.multi_modal_projector, readers]
    weights = [weight for part in parts for weight in part.parameters()]
    optimiser = torch.optim.AdamW(weights, lr=1e-3, betas=(0.9, 0.98), weight_decay=0.02)
    right: list[float] = []
    for step in range(steps):
        moments = [moment("".join(made.sample(LETTERS, 2)), made) for _ in range(batch // FRAMES)]
        seen = look(model, [frame for one in moments for frame in draw(one)])
        whole, each = _shown(moments)
        told = [(readers[0](seen.flatten(1)), _WHOLE, whole, 1.0),
                (readers[1](seen).flatten(0, 1), _EACH, each, 2.0)]  # fmt: skip
        loss = torch.zeros(())
        hits = []
        for scores, sizes, truth, weight in told:
            for n, score in enumerate(scores.split(sizes, dim=1)):
                loss = loss + weight * torch.nn.functional.cross_entropy(score, truth[:, n])
                hits.append(float((score.argmax(1) == truth[:, n]).float().mean()))
        _descend(optimiser, weights, loss, 1.5e-3 * _rate(step, steps, WARM))
        right.append(sum(hits) / len(hits))
        if step % 50 == 49:
            say(f"sight {step + 1}: {_mean(right):.3f} {[round(one, 2) for one in hits]}")
    _centred(model, seen.detach())
    return _mean(right)


_WHOLE = [10, len(COLOURS), len(SHAPES), SIDE // 4, SIDE // 4]
_EACH = [len(LETTERS), len(LETTERS), FRAMES, TOKENS]


def _shown(moments: Sequence[Moment]) -> tuple[Tensor, Tensor]:
    """What frames show: digit, colour, shape, column, row; what each token is to tell."""
    import torch

    whole, each = [], []
    for one in moments:
        for n in range(FRAMES):
            left, top = one.place(n)
            whole.append([int(one.digit), list(COLOURS).index(one.colour),
                          SHAPES.index(one.shape), left // 4, top // 4])  # fmt: skip
            key = [LETTERS.index(letter) for letter in one.key]
            each += [[*key, n, token] for token in range(TOKENS)]
    return torch.tensor(whole), torch.tensor(each)


def _centred(model: Any, seen: Tensor) -> None:
    """Let vectors of frames be around zero and of the size `SCALE`."""
    import torch

    last = model.model.multi_modal_projector.linear_2
    middle = seen.mean(dim=(0, 1))
    times = SCALE / float((seen - middle).std())
    with torch.no_grad():
        last.weight.mul_(times)
        last.bias.sub_(middle).mul_(times)


class Lines:
    """Streams and questions as tensors for the decoder."""

    def __init__(self, model: Any, pool: Pool) -> None:

        self._model, self._pool = model, pool
        self._tokenizer = tokenizer()
        before, after = WORDING.before, WORDING.after
        self._sink = ids_of(self._tokenizer, before)
        self._after = after
        self._by_key: dict[str, list[int]] = {}
        for n, one in enumerate(pool.moments):
            self._by_key.setdefault(one.key, []).append(n)
        self._keys = sorted(self._by_key)
        self.end = int(self._tokenizer.eos_token_id)
        self._ids: dict[tuple[str, str, str], Tensor] = {}

    def made(
        self, moments: int, streams: int, asks: int, by: Random, *, hide: bool = False,
        few: float = 0.0,
    ) -> tuple[dict[str, Tensor], Tensor, Tensor, list[str]]:  # fmt: skip
        """Return what the decoder takes, where answers stand [streams, asks], and what they are.

        Args:
            hide: no question sees its own moment (the control).
            few: as in `Stage`.
        """
        import torch

        chosen = torch.tensor([self._stream(moments, by) for _ in range(streams)])
        wanted = [self._asks(row, asks, by) for row in chosen.tolist()]
        ids = torch.stack([torch.cat([self._said(*one) for _, one in row]) for row in wanted])
        each = ids.shape[1] // asks
        first, n = len(self._sink), moments * FRAMES * TOKENS
        embed = self._model.get_input_embeddings()
        seen = self._pool.seen[chosen].reshape(streams, n, -1)
        embeds = torch.cat((embed(self._sink).expand(streams, -1, -1), seen, embed(ids)), dim=1)
        line = torch.cat((torch.arange(first + n),
                          (torch.arange(each) + first + n).repeat(asks)))  # fmt: skip
        gold = torch.tensor([[place for place, _ in row] for row in wanted])
        kinds = [one[0] for row in wanted for _, one in row]
        visible = self._visible(first, moments, each, gold, kinds, by, hide=hide, few=few)
        mask = torch.zeros(visible.shape).masked_fill_(~visible, torch.finfo(torch.float32).min)
        at = first + n + each * torch.arange(asks) + each - 2
        answers = ids.reshape(streams, asks, each)[:, :, -1]
        given = {"inputs_embeds": embeds, "attention_mask": mask[:, None],
                 "position_ids": line[None].expand(streams, -1)}  # fmt: skip
        return given, at, answers, kinds

    def _stream(self, moments: int, by: Random) -> list[int]:
        return [by.choice(self._by_key[key]) for key in by.sample(self._keys, moments)]

    def _asks(
        self, row: Sequence[int], n: int, by: Random
    ) -> list[tuple[int, tuple[str, str, str]]]:
        every = [(place, kind) for place in range(len(row)) for kind in KINDS]
        made = []
        for place, kind in by.sample(every, n) if n <= len(every) else by.choices(every, k=n):
            one = self._pool.moments[row[place]]
            made.append((place, (kind, one.key, one.told(kind))))
        return made

    def _said(self, kind: str, key: str, answer: str) -> Tensor:
        import torch

        if (kind, key, answer) not in self._ids:
            whole = f"{self._after.replace(MARK, text(kind, key))} {answer}"
            self._ids[kind, key, answer] = torch.as_tensor(ids_of(self._tokenizer, whole))
        return self._ids[kind, key, answer]

    def _visible(
        self, first: int, moments: int, each: int, gold: Tensor, kinds: Sequence[str], by: Random,
        *, hide: bool, few: float,
    ) -> Tensor:  # fmt: skip
        """Who sees whom, bool [streams, all, all]."""
        import torch

        streams, asks = gold.shape
        frames = moments * FRAMES
        n = first + frames * TOKENS
        whole = n + asks * each
        seen = torch.ones(whole, whole, dtype=torch.bool).tril().repeat(streams, 1, 1)
        owner = torch.arange(frames).repeat_interleave(TOKENS)
        block = torch.arange(asks).repeat_interleave(each)
        seen[:, n:, n:] &= block[:, None] == block[None]
        for s in range(streams):
            if by.random() < few:
                near = by.randint(2, max(2, frames))
                seen[s, first:n, first:n] &= owner[:, None] - owner[None] <= near
            for a in range(asks):
                mine = int(gold[s, a]) * FRAMES
                shown = torch.ones(frames, dtype=torch.bool)
                if hide:
                    shown[mine : mine + FRAMES] = False
                elif by.random() < few:
                    share = by.random()
                    shown = torch.tensor([by.random() < share for _ in range(frames)])
                    alone = kinds[s * asks + a] == "way" or by.random() < 0.5
                    shown[mine + alone] = True
                seen[s, n + a * each : n + (a + 1) * each, first:n] &= shown[owner]
        return seen


def train_memory(
    model: Any, pool: Pool, stages: Sequence[Stage], seed: int, out: Path | None = None
) -> list[dict[str, Any]]:
    """Teach the decoder to answer, stage after stage; return what each came to.

    With a folder, each stage leaves its weights there, and one that did is not done again.
    """
    from safetensors.torch import load_file, save_file

    lines = Lines(model, pool)
    decoder = model.model.language_model
    told = []
    for number, stage in enumerate(stages):
        kept = out / f"stage-{number}.safetensors" if out is not None else None
        if kept is not None and kept.is_file():
            decoder.load_state_dict(load_file(kept))
            continue
        told.append(_stage(model, lines, stage, f"{seed} {number}",
                           falls=number == len(stages) - 1))  # fmt: skip
        say(f"stage {number}: {told[-1]}")
        if kept is not None:
            save_file(decoder.state_dict(), kept)
    return told


def _stage(
    model: Any, lines: Lines, stage: Stage, seed: str, *, falls: bool = False
) -> dict[str, Any]:
    """One stage, with an optimiser of its own; `falls`: the rate falls to its end."""
    import torch

    by = Random(f"memory {seed}")
    weights = list(model.model.language_model.parameters())
    optimiser = torch.optim.AdamW(weights, lr=RATE, betas=(0.9, 0.98), weight_decay=0.03)
    right: list[float] = []
    losses: list[float] = []
    began = time.monotonic()
    for step in range(stage.steps):
        moments = by.randint(*stage.moments)
        given, at, answers, _ = lines.made(moments, stage.streams, stage.asks, by, few=stage.few)
        scores, after = _scores(model, given, at)
        loss = torch.nn.functional.cross_entropy(scores.flatten(0, 1), answers.flatten())
        end = torch.full((answers.numel(),), lines.end)
        loss = loss + 0.1 * torch.nn.functional.cross_entropy(after.flatten(0, 1), end)
        rate = _rate(step, stage.steps if falls else 10**9, WARM)
        _descend(optimiser, weights, loss, RATE * rate)
        right.append(float((scores.argmax(-1) == answers).float().mean()))
        losses.append(float(loss.detach()))
        if step % 25 == 24:
            say(f"step {step + 1}: loss {_mean(losses):.3f} right {_mean(right):.3f} "
                f"{(time.monotonic() - began) / (step + 1):.2f} s")  # fmt: skip
        if len(right) >= LAST and _mean(right) >= stage.enough:
            break
    return {"moments": list(stage.moments), "steps": len(right),
            "loss": round(_mean(losses), 4), "right": round(_mean(right), 4)}  # fmt: skip


def _mean(told: Sequence[float]) -> float:
    """Over the last steps."""
    few = told[-LAST:]
    return sum(few) / len(few)


def _scores(model: Any, given: dict[str, Tensor], at: Tensor) -> tuple[Tensor, Tensor]:
    """Scores of answers [streams, asks, words], and of what follows them."""
    hidden = model.model.language_model(**given, use_cache=False).last_hidden_state
    return model.lm_head(hidden[:, at]), model.lm_head(hidden[:, at + 1])


def _rate(step: int, steps: int, warm: int) -> float:
    """Rise over the first steps, then fall to a twentieth as a cosine."""
    if step < warm:
        return (step + 1) / warm
    return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def _descend(optimiser: Any, weights: Sequence[Any], loss: Any, rate: float) -> None:
    import torch

    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(weights, 1.0)
    optimiser.step()


def accuracy(
    model: Any, pool: Pool, moments: int, streams: int, *, hide: bool = False, seed: object = 0
) -> dict[str, float]:
    """Share of right answers on streams of held-out moments, by kind and over all."""
    import torch

    by = Random(f"{HELD_OUT} {seed}")
    lines = Lines(model, pool)
    found: dict[str, list[bool]] = {}
    with torch.no_grad():
        for _ in range(streams):
            given, at, answers, kinds = lines.made(moments, 1, min(24, 4 * moments), by, hide=hide)
            right = _scores(model, given, at)[0].argmax(-1) == answers
            for kind, one in zip(kinds, right[0].tolist(), strict=True):
                found.setdefault(kind, []).append(one)
    told = {kind: round(sum(one) / len(one), 4) for kind, one in sorted(found.items())}
    every = [one for row in found.values() for one in row]
    return {"all": round(sum(every) / len(every), 4), **told}


def run(out: Path, seed: int = 0) -> dict[str, Any]:
    """Train, measure on held-out worlds, and write the weights; goes on from what is in `out`."""
    import torch
    from safetensors.torch import load_file, save_file

    torch.set_num_threads(1)
    began = time.monotonic()
    model = built(seed)
    told: dict[str, Any] = {}
    if (sight := out / "sight.safetensors").is_file():
        model.model.load_state_dict(load_file(sight))
    else:
        told["sight"] = round(train_sight(model, SIGHT_STEPS, SIGHT_BATCH, seed), 4)
        out.mkdir(parents=True, exist_ok=True)
        save_file(model.model.state_dict(), sight)
    pool = Pool.of(model, POOL, seed)
    say(f"sees after {time.monotonic() - began:.0f} s")
    told["stages"] = train_memory(model, pool, STAGES, seed, out)
    told["sha256"] = save(model, out / "tinyvlm.safetensors")
    told["seconds"] = round(time.monotonic() - began)
    return told | held_out(loaded(out / "tinyvlm.safetensors"))


def held_out(model: Any, streams: int = 20) -> dict[str, Any]:
    """Measure a model on moments it was not trained on, in plain streams, and with them hidden."""
    pool = Pool.of(model, 600, HELD_OUT)
    lengths = (1, 4, WINDOW // FRAMES)
    return {
        "right": {n * FRAMES: accuracy(model, pool, n, streams) for n in lengths},
        "hidden": accuracy(model, pool, lengths[-1], streams, hide=True),
        "chance": round(sum(1 / n for n in KINDS.values()) / len(KINDS), 4),
    }


def main() -> None:
    """Train the model."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    emit(run(given.out, given.seed))


if __name__ == "__main__":
    main()
