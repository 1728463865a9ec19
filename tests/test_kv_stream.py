"""Streams encoded chunk by chunk are the same as read at once, in float64, to 1e-9."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from longtake.errors import UsageError
from longtake.models.kv.held import Held, assemble, layout
from longtake.models.kv.stream import StreamEncoder, Unit
from longtake.models.kv.tap import RopeTap
from longtake.storage.kv.block import Block
from tests.kv_tiny import tiny, words

FAMILIES = ("llama", "qwen3", "qwen2_5_vl", "qwen3_vl")
SINK, LENGTH, ASKED = 5, 60, 7


@pytest.fixture(scope="module", params=FAMILIES)
def tap(request: pytest.FixtureRequest) -> Iterator[RopeTap]:
    with RopeTap(tiny(request.param)) as made:
        yield made


@pytest.fixture(scope="module")
def llama() -> Iterator[RopeTap]:
    with RopeTap(tiny("llama")) as made:
        yield made


def units(ids: Any, size: int = 8) -> list[Unit]:
    """Lines of so many tokens, two seconds each."""
    lines = ids.split(size)
    return [Unit(2.0 * n, 2.0 * n + 2, one, refs=(f"r{n}",)) for n, one in enumerate(lines)]


def encoded(
    tap: RopeTap, ids: Any, line: int = 8, **sizes: Any
) -> tuple[StreamEncoder, list[Block]]:
    encoder = StreamEncoder(tap, words(SINK, seed=1)[0], **sizes)
    blocks = [block for unit in units(ids, line) for block in encoder.feed(unit)]
    return encoder, blocks + encoder.close()


def places(n: int, start: int = 0) -> Any:
    return (torch.arange(n) + start)[None]


def asked(tap: RopeTap, held: Held, ids: Any) -> Any:
    return tap.logits(tap.run(ids, positions=places(len(ids), held.next), held=held).hidden)


def at_once(tap: RopeTap, *ids: Any) -> Any:
    """Logits of one pass over everything."""
    every = torch.cat(ids)
    return tap.logits(tap.run(every, positions=places(len(every))).hidden)


@pytest.mark.parametrize("chunk", [1, 7, 16, 1000])
def test_any_chunks_in_a_full_window_are_one_pass(tap: RopeTap, chunk: int) -> None:
    ids, question = words(LENGTH)[0], words(ASKED, seed=9)[0]
    encoder, blocks = encoded(tap, ids, 9, window=1000, chunk=chunk, block=16)
    assert [block.n for block in blocks] == [9, 9, 9, 9, 9, 15]
    held = assemble(tap, encoder.sink, blocks)
    wanted = at_once(tap, words(SINK, seed=1)[0], ids, question)[:, -ASKED:]
    assert float((asked(tap, held, question) - wanted).abs().max()) <= 1e-9


def test_a_window_is_the_band_that_was_stated(llama: RopeTap) -> None:
    """Against one pass whose mask shows each chunk the blocks in reach, and no sink."""
    ids, chunk, block, window = words(LENGTH)[0], 8, 8, 20
    encoder = StreamEncoder(llama, ids[:0], window=window, chunk=chunk, block=block)
    blocks = [b for unit in units(ids) for b in encoder.feed(unit)] + encoder.close()
    keys = torch.cat([b.keys for b in blocks], dim=2)
    wanted = banded(llama, ids, chunk, block, window)
    assert float((keys - wanted).abs().max()) <= 1e-9
    wider = StreamEncoder(llama, ids[:0], window=window + block, chunk=chunk, block=block)
    other = [b for unit in units(ids) for b in wider.feed(unit)] + wider.close()
    assert float((torch.cat([b.keys for b in other], dim=2) - wanted).abs().max()) > 1e-6


def banded(tap: RopeTap, ids: Any, chunk: int, block: int, window: int) -> Any:
    """Keys by absolute positions: chunk after chunk reads what the stated rule lets it see."""
    keys: list[Any] = []
    held = Held([torch.zeros(1, 2, 0, 8).double()] * 3, [torch.zeros(1, 2, 0, 8).double()] * 3,
                [None] * 3, 0)  # fmt: skip
    for first in range(0, len(ids), chunk):
        new = ids[first : first + chunk]
        at = places(len(new), first)
        seen = torch.tensor([
            first - ((t // block + 1) * block - 1) <= window for t in range(first)
        ], dtype=torch.bool)  # fmt: skip
        made = tap.run(new, positions=at, held=held, visible=seen[None].expand(len(new), -1))
        keys.append(made.keys)
        held = made.held
    return torch.cat(keys, dim=2)


def test_blocks_are_of_whole_lines_and_tell_when_and_of_what(llama: RopeTap) -> None:
    _, blocks = encoded(llama, words(LENGTH)[0], 9, window=64, chunk=7, block=20)
    assert [block.id for block in blocks] == [0, 1, 2, 3]
    assert [block.n for block in blocks] == [18, 18, 18, 6]
    assert (blocks[0].start, blocks[0].end, blocks[0].refs) == (0.0, 4.0, ("r0", "r1"))
    assert (blocks[1].start, blocks[1].refs) == (4.0, ("r2", "r3"))
    assert torch.equal(torch.cat([block.tokens for block in blocks]), words(LENGTH)[0])


def test_only_a_line_longer_than_a_block_is_cut(llama: RopeTap) -> None:
    ids = words(LENGTH)[0]
    _, blocks = encoded(llama, ids, LENGTH, window=64, chunk=7, block=16)
    assert [block.n for block in blocks] == [16, 16, 16, 12]
    assert torch.equal(torch.cat([block.tokens for block in blocks]), ids)


@pytest.mark.parametrize(("first", "sizes"), [(7, [23, 10]), (8, [8, 16, 10])])
def test_a_block_less_than_half_full_takes_a_line_that_goes_over(
    llama: RopeTap, first: int, sizes: list[int]
) -> None:
    encoder = StreamEncoder(llama, words(SINK, seed=1)[0], window=64, chunk=7, block=16)
    blocks: list[Block] = []
    for n in (first, 16, 10):
        blocks += encoder.feed(Unit(0.0, 1.0, words(n, seed=n)[0]))
    assert [block.n for block in blocks + encoder.close()] == sizes


def test_reading_blocks_alone_is_not_reading_them_in_their_stream(llama: RopeTap) -> None:
    ids = words(LENGTH)[0]
    _, blocks = encoded(llama, ids, window=64, chunk=16, block=16)
    alone = llama.run(ids[16:32], positions=places(16))
    assert float((alone.keys - blocks[1].keys).abs().max()) > 1e-3


def test_places_never_exceed_sink_two_windows_block_and_chunk(
    llama: RopeTap, monkeypatch: pytest.MonkeyPatch
) -> None:
    highest: list[int] = []
    run = llama.run

    def noted(*given: Any, **more: Any) -> Any:
        highest.append(int(more["positions"].max()))
        return run(*given, **more)

    monkeypatch.setattr(llama, "run", noted)
    encoded(llama, words(600)[0], window=32, chunk=16, block=16)
    assert max(highest) < SINK + 2 * 32 + 16 + 16
    assert sorted(highest) != highest


def test_pictures_leave_before_words_do(llama: RopeTap) -> None:
    encoder = StreamEncoder(llama, words(SINK, seed=1)[0], window=64, sight_window=8,
                            chunk=8, block=8)  # fmt: skip
    embeds = llama.model.get_input_embeddings()
    for n in range(12):
        frame = embeds(words(4, seed=50 + n)).detach()
        encoder.feed(Unit(float(n), n + 1.0, embeds=frame, places=places(4).int()))
        encoder.feed(Unit(float(n), n + 1.0, words(8, seed=90 + n)[0]))
    kinds = [int(block.tokens[0]) < 0 for block in encoder.recent]
    assert sum(kinds) <= 3
    assert sum(not kind for kind in kinds) >= 8
    both = StreamEncoder(llama, words(SINK, seed=1)[0], window=24, chunk=8, block=8)
    for n in range(12):
        both.feed(Unit(float(n), n + 1.0, words(8, seed=90 + n)[0]))
    assert len(both.recent) <= 4


def test_a_stream_taken_up_again_gives_the_same_blocks(llama: RopeTap) -> None:
    ids = words(LENGTH)[0]
    _, wanted = encoded(llama, ids, 9, window=32, chunk=7, block=16)
    first = StreamEncoder(llama, words(SINK, seed=1)[0], window=32, chunk=7, block=16)
    lines = units(ids, 9)
    made = [block for unit in lines[:4] for block in first.feed(unit)]
    tensors, values = first.state()
    second = StreamEncoder(llama, words(SINK, seed=1)[0], window=32, chunk=7, block=16)
    second.restore({k: v.clone() for k, v in tensors.items()}, json.loads(json.dumps(values)))
    made += [block for unit in lines[4:] for block in second.feed(unit)] + second.close()
    assert [block.id for block in made] == [block.id for block in wanted]
    for one, other in zip(made, wanted, strict=True):
        assert torch.equal(one.keys, other.keys)
        assert (one.start, one.end, one.refs) == (other.start, other.end, other.refs)


def test_order_of_blocks_does_not_matter_and_twice_is_refused(llama: RopeTap) -> None:
    encoder, blocks = encoded(llama, words(LENGTH)[0], window=64, chunk=16, block=16)
    one, other = assemble(llama, encoder.sink, blocks), assemble(llama, encoder.sink, blocks[::-1])
    assert all(torch.equal(a, b) for a, b in zip(one.keys, other.keys, strict=True))
    with pytest.raises(UsageError, match="twice"):
        assemble(llama, encoder.sink, [blocks[0], blocks[0]])


def test_a_common_shift_of_places_changes_nothing(llama: RopeTap) -> None:
    ids, question = words(LENGTH)[0], words(ASKED, seed=9)[0]
    _, blocks = encoded(llama, ids, window=64, chunk=16, block=16)
    near = assemble(llama, None, blocks)
    at = layout(blocks, 5000)
    keys = llama.rotate(torch.cat([b.keys for b in blocks], dim=2), at)
    far = Held([one[None] for one in keys], near.values, near.bias, int(at.max()) + 1)
    assert float((asked(llama, near, question) - asked(llama, far, question)).abs().max()) <= 1e-9


def test_policies_place_blocks_as_they_say(llama: RopeTap) -> None:
    _, blocks = encoded(llama, words(LENGTH)[0], window=64, chunk=16, block=16)
    some = [blocks[0], blocks[2], blocks[3]]
    assert layout(some)[0, [0, 16, 32]].tolist() == [0, 16, 32]
    assert layout(some, policy="gapped")[0, [0, 16, 32]].tolist() == [0, 80, 96]
    assert set(layout(some, 3, policy="one_angle")[0].tolist()) == {3}


def test_sizes_weigh_like_repeated_keys(llama: RopeTap) -> None:
    _, blocks = encoded(llama, words(LENGTH)[0], window=64, chunk=16, block=16)
    one = blocks[0]
    at = one.places * 0  # all at one place, so that a doubled key stands where its like does
    sizes = torch.ones(one.n)
    sizes[3] = 2.0
    weighed = Block(0, 0, 1, one.keys, one.values, at, one.tokens, sizes)
    twice = [*range(one.n), 3]
    doubled = Block(0, 0, 1, one.keys[:, :, twice], one.values[:, :, twice], at[:, [*range(one.n), 3]],
                    one.tokens[twice])  # fmt: skip
    plain = Block(0, 0, 1, one.keys, one.values, at, one.tokens)
    question = words(ASKED, seed=9)[0]
    wanted = asked(llama, assemble(llama, None, [doubled]), question)
    assert (
        float((asked(llama, assemble(llama, None, [weighed]), question) - wanted).abs().max())
        < 1e-6
    )
    assert (
        float((asked(llama, assemble(llama, None, [plain]), question) - wanted).abs().max()) > 1e-6
    )
