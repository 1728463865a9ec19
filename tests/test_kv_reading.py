"""Pages, budgets per layer, knock-outs and windows: exact where they say so."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from longtake.errors import UsageError
from longtake.memory.kv.budgets import budgeted, held_bytes
from longtake.memory.kv.compress import strategy
from longtake.memory.kv.knockout import Cell, knock_out
from longtake.memory.kv.pages import Page, paged_attention
from longtake.memory.kv.window import (
    fitted,
    ntk_base,
    progressive,
    progressive_tokens,
    strided,
    windowed,
)
from longtake.models.kv.held import Held, assemble
from longtake.models.kv.stream import StreamEncoder, Unit, sink_block
from longtake.models.kv.tap import RopeTap
from longtake.storage.kv.block import Block
from tests.kv_reading_worlds import made, noise, rows
from tests.kv_tiny import tiny, words


@pytest.fixture(scope="module")
def tap() -> Iterator[RopeTap]:
    with RopeTap(tiny("llama")) as one:
        yield one


@pytest.fixture(scope="module")
def stream(tap: RopeTap) -> tuple[Block, list[Block]]:
    encoder = StreamEncoder(tap, words(4, seed=1)[0], window=64, chunk=8, block=8)
    blocks = [*encoder.feed(Unit(0.0, 2.0, words(40)[0])), *encoder.close()]
    return encoder.sink, blocks


class TestPages:
    HEADS, SHARED, QUERIES, DIM = 4, 2, 3, 16

    def parts(self, sizes: Sequence[int]) -> list[tuple[Tensor, Tensor, Tensor]]:
        return [(noise(self.SHARED, n, self.DIM, seed=50 + n) * 2,
                 noise(self.SHARED, n, self.DIM, seed=90 + n),
                 noise(n, seed=70 + n)) for n in sizes]  # fmt: skip

    def dense(self, query: Tensor, parts: Sequence[tuple[Tensor, ...]]) -> Tensor:
        keys, values = (torch.cat([one[k] for one in parts], dim=1) for k in (0, 1))
        keys, values = (x.repeat_interleave(self.HEADS // self.SHARED, 0) for x in (keys, values))
        bias = torch.cat([one[2] for one in parts], dim=-1)
        scores = query @ keys.transpose(-1, -2) * self.DIM**-0.5 + bias
        return scores.softmax(-1) @ values

    @pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
    def test_pages_are_the_same_as_all_at_once(self, dtype: torch.dtype) -> None:
        query = noise(self.HEADS, self.QUERIES, self.DIM, seed=60)
        parts = self.parts([7, 1, 64, 30])
        found = paged_attention(query.to(dtype), (Page(*(x.to(dtype) for x in p)) for p in parts))
        tolerance = 1e-14 if dtype == torch.float64 else 1e-6
        assert float((found.double() - self.dense(query, parts)).abs().max()) <= tolerance
        # OFF: means of the pages' own softmaxes are something else.
        apart = torch.stack([paged_attention(query, [Page(*p)]) for p in parts]).mean(0)
        assert float((apart - self.dense(query, parts)).abs().max()) > 0.1

    def test_one_page_at_a_time_is_in_memory(self) -> None:
        alive: list[weakref.ref[Tensor]] = []
        most = 0

        def pages() -> Iterator[Page]:
            nonlocal most
            for k, v, b in self.parts([5, 6, 7, 8]):
                most = max(most, sum(one() is not None for one in alive))
                page = Page(k.clone(), v, b)
                alive.append(weakref.ref(page.keys))
                yield page
                del page

        gc.collect()
        paged_attention(noise(self.HEADS, 1, self.DIM), pages())
        assert len(alive) == 4
        assert most == 0  # None was left when the next one was read.

    def test_hidden_pages_and_huge_scores_do_no_harm(self) -> None:
        query = noise(self.HEADS, self.QUERIES, self.DIM, seed=60)
        parts = self.parts([7, 9])
        hidden = (parts[0][0], parts[0][1], torch.full((7,), float("-inf")))
        found = paged_attention(query, [Page(*hidden), Page(*parts[1])])
        assert torch.allclose(found, self.dense(query, parts[1:]), atol=1e-14)
        large = [(k * 400, v, b) for k, v, b in parts]
        found = paged_attention(query, [Page(*one) for one in large])
        assert torch.allclose(found, self.dense(query, large), atol=1e-12)
        with pytest.raises(UsageError, match="nothing to read"):
            paged_attention(query, [Page(*hidden)])
        with pytest.raises(UsageError, match="nothing to read"):
            paged_attention(query, [])

    def test_each_query_may_have_a_mask_of_its_own(self) -> None:
        query = noise(self.HEADS, self.QUERIES, self.DIM, seed=60)
        (old, new) = self.parts([9, self.QUERIES])
        among = torch.zeros(3, 3).masked_fill(torch.ones(3, 3).triu(1).bool(), float("-inf"))
        found = paged_attention(query, [Page(*old), Page(new[0], new[1], among)])
        rows_ = [(old[0], old[1], old[2].expand(3, -1)), (new[0], new[1], among)]
        assert torch.allclose(found, self.dense(query, rows_), atol=1e-14)


class TestBudgetsPerLayer:
    def marks(self, tap: RopeTap, n: int) -> list[Tensor]:
        line = torch.arange(n)
        return [line % (layer + 1) == 0 for layer in range(tap.layers)]

    def test_all_kept_is_the_uniform_context(self, tap: RopeTap, stream: Any) -> None:
        sink, blocks = stream
        n = sum(one.n for one in blocks)
        uniform = assemble(tap, sink, blocks)
        full = budgeted(tap, sink, blocks, [torch.ones(n, dtype=torch.bool)] * tap.layers)
        for a, b in zip(full.keys + full.values, uniform.keys + uniform.values, strict=True):
            assert torch.equal(a, b)
        assert full.next == uniform.next
        assert held_bytes(full) == held_bytes(uniform)

    def test_layers_differ_and_bytes_are_their_sum(self, tap: RopeTap, stream: Any) -> None:
        sink, blocks = stream
        marks = self.marks(tap, sum(one.n for one in blocks))
        held = budgeted(tap, sink, blocks, marks)
        tokens = [sink.n + int(mark.sum()) for mark in marks]
        assert [one.shape[2] for one in held.keys] == tokens
        assert len(set(tokens)) == tap.layers
        assert held_bytes(held) == sum(tokens) * tap.kv_heads * tap.head_dim * 2 * 8

    def test_what_a_layer_lacks_is_as_if_hidden(self, tap: RopeTap, stream: Any) -> None:
        sink, blocks = stream
        marks = self.marks(tap, sum(one.n for one in blocks))
        whole = assemble(tap, sink, blocks)
        ask = words(5, seed=9)[0]
        positions = (torch.arange(5) + whole.next)[None]

        def read(held: Held) -> Tensor:
            return tap.logits(tap.run(ask, positions=positions, held=held).hidden)

        rows_ = [torch.cat((torch.ones(sink.n).bool(), mark)) for mark in marks]
        hidden = [torch.zeros(len(r), dtype=torch.float64).masked_fill(~r, -torch.inf)
                  for r in rows_]  # fmt: skip
        masked = read(Held(whole.keys, whole.values, hidden, whole.next))
        own = read(budgeted(tap, sink, blocks, marks))
        assert float((masked - own).abs().max()) <= 1e-9
        # OFF: the same number of tokens, the same ones in every layer.
        same = read(budgeted(tap, sink, blocks, [marks[-1]] * tap.layers))
        assert float((masked - same).abs().max()) > 1e-4

    def test_sizes_go_with_their_tokens(self, tap: RopeTap, stream: Any) -> None:
        sink, blocks = stream
        small = [strategy("merge", keep=0.5)(one) for one in blocks]
        marks = self.marks(tap, sum(one.n for one in small))
        held = budgeted(tap, sink, small, marks)
        mass = torch.cat([torch.ones(sink.n), *(one.sizes for one in small)])
        for bias, mark in zip(held.bias, marks, strict=True):
            row = torch.cat((torch.ones(sink.n).bool(), mark))
            assert torch.equal(bias, mass[row].log())

    def test_marks_must_fit(self, tap: RopeTap, stream: Any) -> None:
        sink, blocks = stream
        with pytest.raises(UsageError, match="marks"):
            budgeted(tap, sink, blocks, [torch.ones(3, dtype=torch.bool)] * tap.layers)


class TestSizesInTheModel:
    def test_twins_merged_are_read_as_two(self, tap: RopeTap) -> None:
        """Two equal tokens at one place and one of size two are the same to a real attention."""
        one = sink_block(tap, words(6, seed=2)[0])
        twins = made_double(one)
        pair = strategy("merge", keep=0.5)(twins)
        assert pair.sizes.tolist() == [2.0] * 6
        ask = words(5, seed=9)[0]

        def read(block: Block, *, mass: bool = True) -> Tensor:
            held = assemble(tap, None, [block])
            held = held if mass else Held(held.keys, held.values, [None] * tap.layers, held.next)
            line = (torch.arange(5) + held.next)[None]
            return tap.logits(tap.run(ask, positions=line, held=held).hidden)

        true = read(twins)
        assert float((read(pair) - true).abs().max()) <= 1e-6  # Sizes are float32.
        assert float((read(pair, mass=False) - true).abs().max()) > 1e-3


def made_double(block: Block) -> Block:
    twice = torch.arange(block.n).repeat_interleave(2)
    return Block(0, 0.0, 2.0, block.keys[:, :, twice], block.values[:, :, twice],
                 block.places[:, twice], block.tokens[twice])  # fmt: skip


class TestKnockOut:
    @pytest.fixture
    def planted(self) -> Iterator[RopeTap]:
        """Tokens learn of other blocks in the first layer alone: the others' attention is off."""
        model = tiny("llama")
        with torch.no_grad():
            for layer in model.model.layers[1:]:
                layer.self_attn.o_proj.weight.zero_()
            model.model.layers[0].self_attn.o_proj.weight.mul_(30)
        with RopeTap(model) as one:
            yield one

    def test_the_layer_that_carries_is_found(self, planted: RopeTap) -> None:
        parts = list(words(20).reshape(4, 5))
        ask = words(3, seed=8)[0]
        first, later = knock_out(planted, parts, ask, [Cell((0, 1), (1, 9)), Cell((1, 3), (1, 9))])
        assert first.change > 1e-3
        assert not first.same
        assert later.change <= 1e-12
        assert later.same
        assert later.edges == 2 * first.edges

    def test_edges_are_counted_exactly(self, planted: RopeTap) -> None:
        parts = [words(n, seed=n)[0] for n in (4, 2, 5)]
        (loss,) = knock_out(planted, parts, words(3, seed=8)[0], [Cell((0, 2), (2, 4))])
        sizes, layers = [4, 2, 5, 3], planted.layers
        owner = [b for b, n in enumerate(sizes) for _ in range(n)]
        pairs = [(i, j) for i in range(14) for j in range(i + 1)]
        cut = sum(2 <= owner[i] - owner[j] < 4 for i, j in pairs) * 2
        assert loss.edges == cut / (layers * len(pairs))
        (nothing,) = knock_out(planted, parts, words(3, seed=8)[0], [Cell((0, 3), (9, 12))])
        assert (nothing.edges, nothing.change, nothing.same) == (0.0, 0.0, True)


class TestWindow:
    def film(self, frames: int, patches: int = 6, lines: int = 2) -> tuple[Tensor, Tensor]:
        """Places on one axis, and which are of pictures: two words, then a frame, again and again."""
        sight = torch.tensor(([False] * lines + [True] * patches) * frames)
        return torch.arange(len(sight))[None], sight

    @pytest.mark.parametrize("frames", [1, 10, 100, 400])
    def test_places_fit_any_length_in_order(self, frames: int) -> None:
        places, sight = self.film(frames)
        found = fitted(places, sight, 1024)
        assert float(found.max()) <= 1023
        assert bool((found[0].diff() > 0).all())
        if places.max() < 1024:
            assert torch.equal(found, places.double())  # Nothing is moved without need.
        else:
            assert float(found.max()) == pytest.approx(1023)
            assert float(places.max()) > 1023  # OFF: as they were, they leave the window.
            assert found[0, 1] - found[0, 0] == 1.0  # Words keep their distance.

    def test_frames_keep_their_proportions_on_three_axes(self) -> None:
        frame = torch.tensor([[0] * 6, [0, 0, 0, 1, 1, 1], [0, 1, 2, 0, 1, 2]])
        places = torch.cat([frame + 3 * n for n in range(50)], dim=1)
        found = fitted(places, torch.ones(300, dtype=torch.bool), 64)
        assert float(found.max()) <= 63
        inner = found[:, :6] - found[:, :1]
        torch.testing.assert_close(inner, frame.double() * float(inner[2, 1]), rtol=0, atol=1e-9)
        assert bool((found[0, ::6].diff() > 0).all())

    def test_words_alone_that_do_not_fit_are_refused(self) -> None:
        places, sight = self.film(400)
        with pytest.raises(UsageError, match="do not fit"):
            fitted(places, sight, 600)

    def test_the_rotation_takes_fractions(self, tap: RopeTap) -> None:
        one, other = noise(1, 1, tap.head_dim, seed=80), noise(1, 1, tap.head_dim, seed=81)

        def score(a: float, b: float) -> float:
            turned = [tap.rotate(x, torch.tensor([[p]], dtype=torch.float64))
                      for x, p in ((one, a), (other, b))]  # fmt: skip
            return float((turned[0] * turned[1]).sum())

        assert score(7.5, 4.25) == pytest.approx(score(103.5, 100.25), abs=1e-12)
        assert abs(score(7.5, 4.25) - score(7.0, 4.0)) > 1e-3

    def test_pictures_are_read_at_places_drawn_together(self, tap: RopeTap, stream: Any) -> None:
        sink, blocks = stream
        ask = words(5, seed=9)[0]

        def read(held: Held) -> Tensor:
            line = (torch.arange(5) + held.next)[None]
            return tap.logits(tap.run(ask, positions=line, held=held).hidden)

        pictures = [replace(one, tokens=torch.full_like(one.tokens, -1)) for one in blocks]
        roomy = windowed(tap, sink, pictures, 100)
        assert torch.equal(read(roomy), read(assemble(tap, sink, pictures)))
        tight = windowed(tap, sink, pictures, 20)
        assert tight.next == 20
        assert float((read(tight) - read(roomy)).abs().max()) > 1e-4

    def test_pooling_by_groups_leaves_the_share_of_the_formula(self) -> None:
        frames, side = 10, 8
        line = torch.arange(side * side)
        places = torch.stack((torch.zeros_like(line), line // side, line % side))
        # Four still objects, each a quarter of the picture, and a card on the first frame.
        objects = noise(4, 16, seed=33)
        which = line // side // 4 * 2 + line % side // 4
        film = [made(objects[which] + (noise(64, 16, seed=34) if n == 0 else 0), number=n,
                     places=places) for n in range(frames)]  # fmt: skip
        small = progressive(film)
        assert small[0] is film[0]
        assert sum(one.n for one in small) == progressive_tokens(frames, 64)
        assert progressive_tokens(400, 64) == 0.4375 * 400 * 64
        for one in small[1:]:
            near = torch.cdist(rows(one), objects).min(dim=1)
            assert float(near.values.max()) <= 1e-6
            assert len(near.indices.unique()) == 4

    @pytest.mark.parametrize("frames", [64, 61, 9, 8, 3, 1])
    def test_an_encoder_of_eight_frames_sees_the_whole_clip(self, frames: int) -> None:
        calls: list[list[int]] = []

        def encode(shown: Sequence[int]) -> list[str]:
            assert len(shown) == 8
            calls.append(list(shown))
            return [f"frame {n}" for n in shown]

        assert strided(range(frames), 8, encode) == [f"frame {n}" for n in range(frames)]
        assert len(calls) == -(-frames // 8)
        assert all(max(c) - min(c) >= frames - len(calls) - len(calls) + 1 for c in calls)

    def test_an_encoder_of_another_size_is_refused(self) -> None:
        with pytest.raises(UsageError, match="gave 1 results"):
            strided(range(9), 8, lambda shown: shown[:1])

    def test_scaling_the_rotation_is_refused_beyond_its_limit(self) -> None:
        assert ntk_base(10_000.0, 64, 2048, 1000) == 10_000.0
        base = ntk_base(10_000.0, 64, 2048, 8192)
        # The slowest pair turns over four times the places as far as it did before.
        assert (base / 10_000.0) ** (-62 / 64) == pytest.approx(1 / 4)
        with pytest.raises(UsageError, match="more than 4"):
            ntk_base(10_000.0, 64, 2048, 8193)
