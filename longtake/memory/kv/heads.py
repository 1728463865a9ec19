"""Which heads of a model find things: profiles, and how they are measured.

A few heads carry retrieval (CacheFlow, and measured here: 16 of 270 in SmolLM2-135M), most look at
chance. They are found by hiding facts in text, asking for each, and ranking the blocks by what one
head alone attends to; heads whose gold block comes first on average are kept. A profile belongs to
one set of weights: `fingerprint` hashes the shape of the model and some of its numbers. A model
without a profile uses all heads of the middle third of its layers, and `Profile.measured` is False.

Shapes: L layers, Hq / Hkv query / key heads, D head size, n tokens of a block, q of a question.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longtake.errors import KVDamaged, KVError

if TYPE_CHECKING:
    from torch import Tensor

    from longtake.models.kv.tap import RopeTap
    from longtake.storage.kv.block import Block
    from longtake.storage.kv.shelf import Heads

MOST = 0.06
"""The largest share of all heads that a profile may use."""
NEAR = 4
"""A gold block among so many first ones is found."""


@dataclass(frozen=True, slots=True)
class Profile:
    """The retrieval heads of one model, and when an answer is to be believed.

    Attributes:
        model: its name, for people.
        print: `fingerprint` of its weights.
        heads: (layer, query head), best first.
        group: how many query heads share a key head.
        measured: whether calibration chose the heads; False: all of the middle layers.
        tau: an answer is accepted from this mean log-probability of its tokens on,
        rho: when the first block has this many times the mass of the second.
        found: what calibration saw: recall on the half of its facts that chose no heads, and more.
    """

    model: str
    print: str
    heads: tuple[tuple[int, int], ...]
    group: int
    measured: bool = False
    tau: float = -0.35
    rho: float = 2.0
    found: Mapping[str, float] | None = None

    @property
    def layers(self) -> tuple[int, ...]:
        """The layers whose queries are needed."""
        return tuple(sorted({layer for layer, _ in self.heads}))

    @property
    def keys(self) -> Heads:
        """The (layer, key head) whose keys are indexed, in order."""
        return tuple(sorted({(layer, head // self.group) for layer, head in self.heads}))


def fingerprint(model: Any) -> str:
    """Hash what a profile depends on: the shape of the text model and some of its weights.

    Weights are rounded to bfloat16 first, so that a model loaded in another dtype is the same one.
    """
    import torch

    decoder = model.get_decoder()
    config = decoder.config
    names = ("model_type", "hidden_size", "num_hidden_layers", "num_attention_heads",
             "num_key_value_heads", "vocab_size")  # fmt: skip
    told = {name: getattr(config, name, None) for name in names}
    made = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    for layer in (decoder.layers[0], decoder.layers[-1]):
        for _, weight in sorted(layer.named_parameters(), key=lambda pair: pair[0]):
            few = weight.detach().reshape(-1)[:4096].cpu().to(torch.bfloat16)
            made.update(few.view(torch.int16).numpy().tobytes())
    return made.hexdigest()[:16]


def profile_of(tap: RopeTap, folder: Path | None = None) -> Profile:
    """Return the profile of a tapped model: from `folder`, else shipped, else the fallback."""
    print = fingerprint(tap.model)
    if folder is not None and (folder / f"{print}.json").is_file():
        return load((folder / f"{print}.json").read_text("utf-8"))
    shipped = files("longtake.memory.kv") / "profiles" / f"{print}.json"
    if shipped.is_file():
        return load(shipped.read_text("utf-8"))
    return fallback(tap, print)


def fallback(tap: RopeTap, print: str = "") -> Profile:
    """All heads of the middle third of layers: for a model that was never measured."""
    first, last = tap.layers // 3, max(tap.layers // 3 + 1, 2 * tap.layers // 3)
    heads = tuple((layer, head) for layer in range(first, last) for head in range(tap.heads))
    return Profile(_name(tap), print, heads, tap.heads // tap.kv_heads)


def load(text: str) -> Profile:
    """Read a profile.

    Raises:
        KVDamaged: it is not one.
    """
    try:
        told = json.loads(text)
        told["heads"] = tuple((int(layer), int(head)) for layer, head in told["heads"])
        return Profile(**told)
    except (ValueError, TypeError, KeyError) as error:
        raise KVDamaged(
            f"a profile of heads cannot be read: {error}", fix="longtake kv calibrate makes it anew"
        ) from error


def save(profile: Profile, folder: Path) -> Path:
    """Write a profile under its fingerprint; return where."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{profile.print}.json"
    told = {**asdict(profile), "heads": [list(one) for one in profile.heads]}
    path.write_text(_lines(told), "utf-8")
    return path


def ranks(
    blocks: Sequence[Block], queries: Sequence[Mapping[int, Tensor]], gold: Sequence[int]
) -> Tensor:
    """Rank the gold block of every question by each head alone, from 1: [questions, L, Hq].

    Args:
        blocks: the whole stream.
        queries: for each question, of all layers [Hq, q, D], not rotated.
        gold: the place of the block in `blocks` that answers each.
    """
    import torch

    layers, kv_heads = blocks[0].keys.shape[:2]
    heads = queries[0][0].shape[0]
    made = torch.zeros(len(gold), layers, heads)
    sizes = torch.tensor([block.n for block in blocks])
    owner = torch.arange(len(blocks)).repeat_interleave(sizes)
    for layer in range(layers):
        keys = torch.cat([block.keys[layer].float() for block in blocks], dim=1)
        spread = keys.repeat_interleave(heads // kv_heads, dim=0)
        for n, asked in enumerate(queries):
            score = block_mass(asked[layer].float(), spread, owner, len(blocks))
            mine = score[:, gold[n] : gold[n] + 1]
            made[n, layer] = (score > mine).sum(dim=1) + 1
    return made


def block_mass(query: Tensor, keys: Tensor, owner: Tensor, blocks: int) -> Tensor:
    """Softmax mass of each block, the most over the question's tokens: [H, blocks].

    Args:
        query: [H, q, D].
        keys: [H, n, D].
        owner: int64 [n], the block of each key.
    """
    weights = (query @ keys.transpose(1, 2) * query.shape[-1] ** -0.5).softmax(dim=-1)
    heads, asked = weights.shape[:2]
    mass = weights.new_zeros(heads, asked, blocks)
    mass.index_add_(2, owner, weights)
    most: Tensor = mass.amax(dim=1)
    return most


def order_of(found: Tensor) -> list[tuple[int, int]]:
    """Order heads by the mean log-rank of the gold blocks [questions, L, Hq], best first."""
    means = found.log().mean(dim=0)
    every = [(layer, head) for layer in range(means.shape[0]) for head in range(means.shape[1])]
    return sorted(every, key=lambda one: (round(float(means[one]), 6), one))


def tried(
    order: Sequence[tuple[int, int]],
    blocks: Sequence[Block],
    queries: Sequence[Mapping[int, Tensor]],
    gold: Sequence[int],
    *,
    most: float = MOST,
) -> list[tuple[float, float]]:
    """Try the first 1, 2, 3 … heads of an order together, as far as `most` of all heads.

    Returns for each number R@4, and the log of how many times the mass of the best other block the
    gold one has, for the question where that is least.
    """
    import torch

    heads, kv_heads = queries[0][0].shape[0], blocks[0].keys.shape[1]
    cap = max(1, int(most * heads * blocks[0].keys.shape[0]))
    sizes = torch.tensor([block.n for block in blocks])
    owner = torch.arange(len(blocks)).repeat_interleave(sizes)
    total = torch.zeros(len(gold), len(blocks))
    at = torch.tensor(gold)[:, None]
    seen: list[tuple[float, float]] = []
    for layer, head in order[:cap]:
        place = head * kv_heads // heads
        keys = torch.cat([block.keys[layer, place].float() for block in blocks])[None]
        for n, asked in enumerate(queries):
            query = asked[layer][head : head + 1].float()
            total[n] += block_mass(query, keys, owner, len(blocks))[0]
        mine = total.gather(1, at)
        others = total.scatter(1, at, 0.0)
        near = ((others > mine).sum(dim=1) < NEAR).float().mean()
        seen.append((float(near), float((mine[:, 0] / others.amax(dim=1)).log().min())))
    return seen


def choose(
    tap: RopeTap,
    blocks: Sequence[Block],
    queries: Sequence[Mapping[int, Tensor]],
    gold: Sequence[int],
) -> Profile:
    """Choose the retrieval heads from questions about a stream.

    Every other question ranks the heads; the rest, which did not, decides how many are kept: the
    number with the highest R@4, and of those the one by which the worst gold block stands out
    most. (The fewest would be a single head where the text is short, which fails elsewhere.)

    Raises:
        KVError: there are too few questions.
    """
    if len(gold) < 4:
        raise KVError("heads cannot be chosen by fewer than four questions")
    found = ranks(blocks, queries[0::2], gold[0::2])
    order = order_of(found)
    seen = tried(order, blocks, queries[1::2], gold[1::2])
    m = max(range(1, len(seen) + 1), key=lambda n: (seen[n - 1], -n))
    made = Profile(_name(tap), fingerprint(tap.model), tuple(order[:m]),
                   tap.heads // tap.kv_heads, measured=True)  # fmt: skip
    told = {"recall_at_4": seen[m - 1][0], "least_log_margin": round(seen[m - 1][1], 4),
            "blocks": float(len(blocks)), "questions": float(len(gold))}  # fmt: skip
    return replace(made, found=told)


def _name(tap: RopeTap) -> str:
    config = tap.model.config
    return f"{config.model_type}-{tap.layers}x{tap.heads}"


def _lines(told: Mapping[str, Any]) -> str:
    """One field a line, so that a change to a profile can be read."""
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in told.items())
    return f"{{\n{rows}\n}}\n"
