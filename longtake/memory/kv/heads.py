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
from dataclasses import asdict, dataclass
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
ALONE = 0.75
"""A head is one that finds when it alone puts the gold block first in this share of questions."""
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
        sure: weights of how sure an answer is (`recall.confidence`): a constant, the mean
            log-probability of its tokens, the log of how many times the score of the next block
            the last one that stands out has, the log of how many blocks were read; None: never
            measured.
        found: what calibration saw: recall on the half of its facts that chose no heads, and more.
    """

    model: str
    print: str
    heads: tuple[tuple[int, int], ...]
    group: int
    measured: bool = False
    sure: tuple[float, float, float, float] | None = None
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
        if told.get("sure") is not None:
            base, words, place, read = told["sure"]
            told["sure"] = float(base), float(words), float(place), float(read)
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


def kept(found: Tensor) -> list[tuple[int, int]]:
    """Return the heads that alone put most gold blocks first, best first.

    A head is kept when it does so for `ALONE` of the questions, at most `MOST` of all heads; where
    none does, the best one is. In a text long enough for chance to fail, heads that find and heads
    that do not lie far apart (0.81 and 0.44 of the questions in SmolLM2-135M at 20,000 tokens).

    Args:
        found: ranks of gold blocks from 1, [questions, L, Hq].
    """
    share = (found == 1).float().mean(dim=0)
    order = order_of(found)
    good = [one for one in order if float(share[one]) >= ALONE]
    return good[: max(1, int(MOST * len(order)))] or order[:1]


def together(
    heads: Sequence[tuple[int, int]],
    blocks: Sequence[Block],
    queries: Sequence[Mapping[int, Tensor]],
    gold: Sequence[int],
) -> Tensor:
    """Rank the gold block of every question by the mass of some heads together: [questions]."""
    import torch

    per = queries[0][0].shape[0] // blocks[0].keys.shape[1]
    sizes = torch.tensor([block.n for block in blocks])
    owner = torch.arange(len(blocks)).repeat_interleave(sizes)
    total = torch.zeros(len(gold), len(blocks))
    for layer, head in heads:
        keys = torch.cat([block.keys[layer, head // per].float() for block in blocks], dim=0)[None]
        for n, asked in enumerate(queries):
            query = asked[layer][head : head + 1].float()
            total[n] += block_mass(query, keys, owner, len(blocks))[0]
    mine = total.gather(1, torch.tensor(gold)[:, None])
    return (total > mine).sum(dim=1) + 1


def choose(
    tap: RopeTap,
    blocks: Sequence[Block],
    queries: Sequence[Mapping[int, Tensor]],
    gold: Sequence[int],
) -> Profile:
    """Choose the retrieval heads from questions about a stream (`kept`).

    `found` tells how heads that every other question chose rank the gold blocks of the rest.

    Raises:
        KVError: there are too few questions.
    """
    if len(gold) < 4:
        raise KVError("heads cannot be chosen by fewer than four questions")
    found = ranks(blocks, queries, gold)
    rest = together(kept(found[0::2]), blocks, queries[1::2], gold[1::2])
    told = {"recall_at_1": float((rest == 1).float().mean()),
            "recall_at_4": float((rest <= NEAR).float().mean()),
            "blocks": float(len(blocks)), "questions": float(len(gold))}  # fmt: skip
    return Profile(_name(tap), fingerprint(tap.model), tuple(kept(found)),
                   tap.heads // tap.kv_heads, measured=True, found=told)  # fmt: skip


def _name(tap: RopeTap) -> str:
    config = tap.model.config
    return f"{config.model_type}-{tap.layers}x{tap.heads}"


def _lines(told: Mapping[str, Any]) -> str:
    """One field a line, so that a change to a profile can be read."""
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in told.items())
    return f"{{\n{rows}\n}}\n"
