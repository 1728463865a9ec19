"""Strategies keep what they promise in planted blocks; without the mechanism it is lost."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from longtake.errors import UsageError
from longtake.memory.kv.compress import (
    NAMES,
    by_bucket,
    by_value,
    chosen,
    frames,
    joined,
    strategy,
)
from longtake.memory.kv.pooled import bilevel, cost
from longtake.storage.kv.block import Block
from tests.kv_reading_worlds import (
    NEEDLE_BLOCK,
    NEEDLE_TOKEN,
    answer,
    error,
    event,
    hogged,
    long_film,
    made,
    noise,
    rows,
    still_and_moving,
    turned,
    uneven,
)

MERGING = ("pooled", "carrier", "merge")
EVICTING = ("value_norm", "peak_end", "bucketed")


def stock(n: int = 24, axes: int = 1) -> Block:
    """A block of three layers and two heads."""
    keys = noise(3, 2, n, 8, seed=n, dtype=torch.float32)
    line = torch.arange(n, dtype=torch.int32)
    places = line[None]
    if axes == 3:
        places = torch.stack((line // 12, line % 12 // 4, line % 4))
    return Block(7, 14.0, 16.0, keys, keys * 2, places, torch.full((n,), -1), refs=("r",))


def kept_rows(small: Block, whole: Block) -> torch.Tensor:
    """Where the tokens of a block of evicted ones stood."""
    same = (small.keys[:, :, :, None] == whole.keys[:, :, None]).all(-1).all(0).all(0)
    return same.nonzero()[:, 1]


@pytest.mark.parametrize("axes", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_blocks_stay_consistent(name: str, axes: int) -> None:
    whole = stock(axes=axes)
    small = strategy(name, keep=0.25)(whole)
    assert (small.id, small.start, small.end, small.refs) == (7, 14.0, 16.0, ("r",))
    assert small.keys.shape == small.values.shape == (3, 2, small.n, 8)
    assert small.places.shape == (axes, small.n)
    assert (small.keys.dtype, small.places.dtype) == (torch.float32, torch.int32)
    if name == "none":
        assert small is whole
    elif name in MERGING:
        assert small.n < whole.n
        assert float(small.sizes.sum()) == whole.n
        torch.testing.assert_close(small.values, small.keys * 2)
        weighted = (small.keys * small.sizes[:, None]).sum(2) / whole.n
        torch.testing.assert_close(weighted, whole.keys.mean(2))
    else:
        assert small.sizes is None
        assert small.n == (12 if (name, axes) == ("peak_end", 3) else 6) or name == "peak_end"
        index = kept_rows(small, whole)
        assert torch.equal(index, index.sort().values)
        assert torch.equal(small.places, whole.places[:, index])


@pytest.mark.parametrize("name", NAMES)
def test_one_token_and_all_tokens_and_half_floats(name: str) -> None:
    assert strategy(name, keep=0.1)(stock(1)).n == 1
    whole = stock()
    all_kept = strategy(name, keep=1.0)(whole)
    assert name == "carrier" or all_kept is whole
    halves = replace(whole, keys=whole.keys.bfloat16(), values=whole.values.bfloat16())
    assert strategy(name, keep=0.5)(halves).keys.dtype == torch.bfloat16


def test_bad_names_and_shares_are_refused() -> None:
    with pytest.raises(UsageError, match="no strategy"):
        strategy("gist")
    with pytest.raises(UsageError, match="cannot keep"):
        strategy("merge", keep=0.0)


def test_redundant_patches_go_when_keys_are_not_rotated() -> None:
    block, moving = still_and_moving()
    m = 48

    def share(seen: Block) -> float:
        """Of the older tokens of the moving patch, how many stay."""
        index = by_value(seen, m)
        older = moving & (frames(block) < 12)
        return float(older[index].sum() / older.sum())

    assert share(block) == 1.0
    # OFF: rotated keys, as in the released code: a patch that stands still looks new.
    assert share(turned(block)) <= 0.6


def test_largest_values_fill_the_budget() -> None:
    keys, values = noise(40, 8, seed=20), noise(40, 8, seed=21) * 0.1
    values[11] *= 100
    block = made(keys.abs() + 3, values)
    assert 11 in by_value(block, 8)
    dull = replace(block, values=block.values / block.values.norm(dim=-1, keepdim=True))
    assert 11 not in by_value(dull, 8)


def test_peak_and_last_frame_of_an_event_stay_whole() -> None:
    whole = event()
    small = strategy("peak_end", keep=0.3)(whole)
    time = small.places[0]
    assert int((time == 7).sum()) == int((time == 11).sum()) == 6
    assert small.n == 22
    assert len(time.unique()) > 5  # What is thinned is spread over the event.
    # OFF: thinned evenly, neither stays whole.
    even = chosen(whole, torch.arange(22) * whole.n // 22)
    assert int((even.places[0] == 7).sum()) < 6


def test_an_event_of_several_blocks() -> None:
    whole = event()
    parts = [chosen(whole, (frames(whole) == f).nonzero()[:, 0]) for f in range(12)]
    inner = [replace(one, id=n, start=2.0 * n, end=2.0 * n + 2, refs=(f"f{n}",),
                     places=one.places - torch.tensor([[n], [0], [0]], dtype=torch.int32))
             for n, one in enumerate(parts)]  # fmt: skip
    one = joined(inner)
    assert (one.id, one.start, one.end, len(one.refs)) == (0, 0.0, 24.0, 12)
    small = strategy("peak_end", keep=0.2)(one)
    assert set(frames(one)[kept_rows(small, one)].tolist()) >= {7, 11}


def test_every_scene_keeps_something_though_one_hogs_attention() -> None:
    block, scene = hogged()
    m = round(0.12 * block.n)
    kept = scene[by_bucket(block, m, buckets=8)]
    assert len(kept) == m
    assert set(kept.tolist()) == set(range(8))
    # OFF: the best of all, whatever their scene.
    assert len(set(scene[by_bucket(block, m, buckets=1)].tolist())) < 8


def test_weighted_merging_keeps_the_mean_and_the_order() -> None:
    whole = uneven()
    small = strategy("merge", keep=1 / 8)(whole)
    assert small.n == 32
    true = rows(whole).mean(0)
    weights = small.sizes.double() / small.sizes.sum()
    assert error(weights @ rows(small), true) < 1e-6
    # OFF: without sizes a detail weighs as much as the whole background.
    assert error(rows(small).mean(0), true) > 0.5
    line = whole.places.T.tolist()
    index = [line.index(place) for place in small.places.T.tolist()]
    assert index == sorted(set(index))


def test_merging_twice_carries_sizes_and_keeps_words_apart() -> None:
    whole = stock(32)
    twice = strategy("merge", keep=0.5)(strategy("merge", keep=0.5)(whole))
    assert float(twice.sizes.sum()) == 32
    torch.testing.assert_close(
        (twice.keys * twice.sizes[:, None]).sum(2) / 32, whole.keys.mean(2)
    )  # fmt: skip
    mixed = replace(whole, tokens=torch.where(torch.arange(32) < 16, 5, -1))
    mixed.keys[:, :, 16:] = mixed.keys[:, :, :16]  # Each word has a patch that is just like it.
    small = strategy("merge", keep=1 / 16)(mixed)
    assert int(small.sizes[small.tokens >= 0].sum()) == 16


def test_pooling_takes_squares_of_patches_and_no_timestamps() -> None:
    line = torch.arange(16)
    places = torch.stack((torch.zeros(16), line // 4, line % 4)).long()
    frame = made(noise(16, 8, seed=30), places=places)
    small = strategy("pooled", keep=0.25)(frame)
    assert small.sizes.tolist() == [4.0] * 4
    torch.testing.assert_close(rows(small)[0], rows(frame)[[0, 1, 4, 5]].mean(0))
    assert small.places[1:].T.tolist() == [[0, 0], [0, 2], [2, 0], [2, 2]]
    dated = replace(frame, tokens=torch.where(line < 3, line, -1), places=line[None].int())
    small = strategy("pooled", keep=0.25, frame=16)(dated)
    assert small.tokens[:3].tolist() == [0, 1, 2]
    assert small.sizes[:3].tolist() == [1.0] * 3
    assert small.n < 10


def test_a_carrier_is_a_mean_token_a_frame_of_known_bytes() -> None:
    whole = event()
    small = strategy("carrier")(whole)
    assert small.n == 12
    assert small.sizes.tolist() == [6.0] * 12
    halves = strategy("carrier")(replace(whole, keys=whole.keys.half(), values=whole.values.half()))
    width = whole.keys.shape[-1]
    assert halves.keys.numel() * halves.keys.element_size() == 12 * width * 2


def test_carriers_find_events_but_not_details_inside_a_frame() -> None:
    events, patches, dim = 200, 16, 32
    scene = noise(events, dim, seed=40)
    patch = noise(events, patches, dim, seed=41) * 3
    keys = scene[:, None] + patch
    carriers = [rows(strategy("carrier")(made(keys[e], number=e))) for e in range(events)]
    coarse = torch.nn.functional.normalize(torch.cat(carriers), dim=1)
    fine = torch.nn.functional.normalize(keys, dim=2)

    def recall(asked: torch.Tensor, scores: torch.Tensor, k: int) -> float:
        found = scores.topk(k, dim=1).indices
        return float((found == asked[:, None]).any(1).double().mean())

    which = torch.arange(events)
    shown = torch.nn.functional.normalize(keys.mean(1) + noise(events, dim, seed=42) * 0.2, dim=1)
    assert recall(which, shown @ coarse.T, 10) >= 0.95
    detail = torch.nn.functional.normalize(patch[:, 5], dim=1)
    assert recall(which, detail @ coarse.T, 1) < 0.5
    assert recall(which, (fine @ detail.T).amax(1).T, 1) >= 0.95


class TestTwoLevels:
    """Dense and pooled reading of a long film at 32.5 % of its tokens."""

    @pytest.mark.parametrize("asked", ["needle", "whole"])
    def test_both_questions_are_answered(self, asked: str) -> None:
        film, needle, everything = long_film()
        query = needle if asked == "needle" else everything
        relevant = {NEEDLE_BLOCK, NEEDLE_BLOCK + 1}
        two = bilevel(film, relevant)
        assert cost(two, film).share == pytest.approx(0.325)
        true = answer(query, film)
        found = {
            "two": error(answer(query, two), true),
            "dense": error(
                answer(query, [film[b] for b in (0, NEEDLE_BLOCK, NEEDLE_BLOCK + 1, -1)]), true
            ),
            "pooled": error(answer(query, [strategy("pooled")(one) for one in film]), true),
            "no mass": error(answer(query, two, mass=False), true),
        }
        assert found["two"] <= 0.05
        if asked == "needle":
            assert found["dense"] <= 0.05
            assert found["pooled"] >= 0.9  # OFF: the needle is lost among its neighbours.
        else:
            assert found["pooled"] <= 0.05
            assert found["dense"] >= 1.0  # OFF: few blocks do not tell the whole.
            assert found["no mass"] >= 0.5  # OFF: sizes ignored.

    def test_order_and_ends(self) -> None:
        film, _, _ = long_film(blocks=6)
        made_of = bilevel(film[::-1], {3})
        assert [one.id for one in made_of] == [0, 1, 2, 3, 4, 5]
        assert [one.n for one in made_of] == [32, 8, 8, 32, 8, 32]

    def test_what_is_wrong_is_said(self) -> None:
        film, _, _ = long_film(blocks=3)
        with pytest.raises(UsageError, match="not given"):
            bilevel(film, {9})
        with pytest.raises(UsageError, match="twice"):
            bilevel([*film, film[0]], ())

    def test_the_needle_is_where_it_was_planted(self) -> None:
        film, needle, _ = long_film()
        scores = torch.stack([rows(one) @ needle for one in film])
        assert divmod(int(scores.argmax()), 32) == (NEEDLE_BLOCK, NEEDLE_TOKEN)
