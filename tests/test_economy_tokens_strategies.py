"""Token strategies: exact books for every one of them, and what each is for, on and off."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
import torch

from longtake.errors import UsageError
from longtake.models.economy.groups import cells
from longtake.models.economy.pipeline import NAMES, pipeline
from longtake.models.economy.strategies import (
    Drop,
    Prune,
    carrier,
    cuts,
    distinct,
    kept_shares,
    merge,
    pool,
    static,
    windows,
)
from longtake.models.economy.tokens import Tokens
from tests.token_worlds import (
    greys,
    moving_square,
    noise,
    patched,
    planted,
    scenes,
    slow_fade,
    still_with_mover,
)

EVICTING = ("drop", "distinct", "prune", "frames", "uniform", "random")
MERGING = ("static", "slowfast", "fit", "merge", "carrier")


def books(one: Tokens) -> list[tuple[int, int, int]]:
    return list(zip(one.frame.tolist(), one.row.tolist(), one.column.tolist(), strict=True))


def last_of(left: Tokens) -> torch.Tensor:
    """The grey level that was kept last at each place."""
    made = torch.zeros(left.grid[0] * left.grid[1], dtype=torch.float64)
    for cell, grey in zip(left.cell.tolist(), greys(left).tolist(), strict=True):
        made[cell] = grey
    return made


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", NAMES)
def test_books_are_exact(name: str, dtype: torch.dtype) -> None:
    whole = planted(scenes([6, 5, 9]).to(dtype), (4, 4))
    left, steps = pipeline(name)(whole)
    assert books(left) == sorted(set(books(left)))
    assert torch.equal(left.number, left.number.sort().values)
    for book in ("time", "frame", "row", "column"):
        assert torch.equal(getattr(left, book), getattr(whole, book)[left.number])
    assert left.embeds.shape == (left.n, 24) == left.deep[0].shape
    assert left.embeds.dtype == dtype
    assert (left.whole, left.frames, left.grid) == (whole.whole, 20, (4, 4))
    if name in ("none", "cache"):
        assert left is whole
        return
    assert steps[0].name == name
    assert (steps[0].before, steps[0].after) == (320, left.n)
    assert 0 < left.n < 320
    if name in EVICTING:
        assert torch.equal(left.embeds, whole.embeds[left.number])
        assert torch.equal(left.deep[0], whole.deep[0][left.number])
        assert left.size.tolist() == [1.0] * left.n
    else:
        assert float(left.size.sum()) == steps[0].mass == 320
        mean = (left.embeds.double() * left.size[:, None]).sum(0) / 320
        near = {torch.float64: 1e-9, torch.float32: 1e-5, torch.bfloat16: 5e-3}[dtype]
        torch.testing.assert_close(mean, whole.embeds.double().mean(0), atol=near, rtol=0)
    again, _ = pipeline(name)(whole)
    assert torch.equal(again.embeds, left.embeds)


@pytest.mark.parametrize("name", NAMES)
def test_one_token_is_left_alone(name: str) -> None:
    one = planted(noise(1, 1, 8))
    left, _ = pipeline(name)(one)
    assert torch.equal(left.embeds, one.embeds)


def test_steps_follow_each_other_and_masses_carry() -> None:
    whole = planted(scenes([8, 8]), (4, 4))
    left, steps = pipeline("cache,drop=0.9,static,merge=0.5")(whole)
    assert [one.name for one in steps] == ["drop", "static", "merge"]
    assert [one.after for one in steps[:-1]] == [one.before for one in steps[1:]]
    assert left.n == steps[-1].after == 16
    assert float(left.size.sum()) == steps[0].after


@pytest.mark.parametrize(
    "said", ["drop=2", "gist", "drop,cache", "carrier=3", "fit=x", "merge=0", "fit=-3", ""]
)
def test_what_is_no_pipeline_is_said(said: str) -> None:
    with pytest.raises(UsageError) as caught:
        pipeline(said)
    assert caught.value.fix


class TestDrop:
    """S10: drop against the last kept token; the control compares with the frame before."""

    def test_a_moving_square_leaves_little(self) -> None:
        whole = patched(moving_square(), 16)
        left = Drop(0.98, refresh=0)(whole)
        assert 0.9 <= 1 - left.n / whole.n <= 0.97
        # What the kept tokens say of each place is what is there, at the end too.
        assert float((last_of(left) - greys(whole)[-64:]).abs().max()) < 30

    def test_a_slow_fade_is_seen_and_against_the_frame_before_it_is_not(self) -> None:
        whole = patched(slow_fade(), 16)
        left = Drop(0.99, refresh=0)(whole)
        blind = Drop(0.99, refresh=0, against="previous")(whole)
        assert blind.n == 64  # OFF: the first frame and nothing after it.
        assert 0.85 <= 1 - left.n / whole.n <= 0.97
        end = greys(whole)[-64:]
        assert float((last_of(left) - end).abs().max()) < 25
        assert float((last_of(blind) - end).abs().min()) > 150

    def test_cuts_are_where_nothing_can_be_dropped(self) -> None:
        lengths = [9, 12, 7, 15, 8, 10, 11, 6, 13, 9]
        whole = planted(scenes(lengths))
        left = Drop(0.9, refresh=0)(whole)
        true = {sum(lengths[:n]) for n in range(1, len(lengths))}
        found = set(cuts(kept_shares(whole, left)))
        assert 2 * len(found & true) / (len(found) + len(true)) >= 0.95
        everything = set(cuts(kept_shares(whole, whole)))  # OFF: nothing is dropped.
        assert 2 * len(everything & true) / (len(everything) + len(true)) < 0.5

    def test_refresh_keeps_a_whole_frame_every_so_many(self) -> None:
        whole = planted(scenes([50]))
        left = Drop(0.9, refresh=10)(whole)
        assert left.frame.unique().tolist() == [0, 10, 20, 30, 40]
        assert Drop(0.9, refresh=0)(whole).frame.unique().tolist() == [0]

    def test_a_stream_may_come_in_pieces(self) -> None:
        whole = planted(scenes([7, 9, 5]))
        at_once = Drop(0.9, refresh=6)(whole)
        stream, numbers = Drop(0.9, refresh=6), []
        for first in range(0, 21, 4):
            part = whole.chosen(
                ((whole.frame >= first) & (whole.frame < first + 4)).nonzero()[:, 0]
            )
            numbers += stream(part).number.tolist()
        assert numbers == at_once.number.tolist()

    def test_distinct_frames_stay_whole(self) -> None:
        vectors, _ = still_with_mover(40)
        vectors[25:] = scenes([15], 64, seed=5)
        left = distinct(planted(vectors, (8, 8)))
        assert left.frame.unique().tolist() == [0, 25]
        assert left.n == 128
        assert distinct(planted(vectors, (8, 8)), share=0.01).n > 1000  # OFF: a patch is enough.


class TestPrune:
    """S1: what is unlike its frame and those before it stays."""

    def test_a_mover_survives_and_chance_loses_it(self) -> None:
        vectors, where = still_with_mover()
        common = noise(24, seed=5) * 3  # Patches of a scene have something in common; movers not.
        vectors = vectors + torch.where(where[..., None], torch.zeros(24).double(), common)
        whole = planted(vectors, (8, 8))
        moving = where.flatten()
        left = Prune(0.25)(whole)
        assert left.n == 64 * 16
        assert float(moving[left.number].sum() / moving.sum()) >= 0.95
        lucky, _ = pipeline("random=0.25")(whole)
        assert float(moving[lucky.number].sum() / moving.sum()) < 0.5

    def test_history_is_a_ring(self) -> None:
        pruner = Prune(0.25, history=3)
        pruner(planted(scenes([30])))
        assert len(pruner._means) == 3


class TestStatic:
    """S33: still patches over the windows that save most."""

    def test_the_windows_are_the_best_there_are(self) -> None:
        by = torch.Generator().manual_seed(3)
        for count in (1, 5, 9, 10):
            saved = [torch.randint(0, 13, (count - n,), generator=by).cummin(0).values
                     * torch.arange(count - n) for n in range(count)]  # fmt: skip
            found = windows(saved)
            assert [a for a, _ in found[1:]] == [b for _, b in found[:-1]]

            def value(edges: list[tuple[int, int]], saved: list[torch.Tensor] = saved) -> int:
                return sum(int(saved[a][b - a - 1]) for a, b in edges)

            best = 0
            for many in range(count):
                for inner in combinations(range(1, count), many):
                    ends = [0, *inner, count]
                    best = max(best, value(list(pairwise(ends))))
            assert value(found) == best

    def test_a_still_scene_becomes_one_picture_and_all_that_moves_stays(self) -> None:
        vectors, where = still_with_mover(64, track=4)
        whole = planted(vectors, (8, 8))
        left = static(whole)
        assert 1 - left.n / whole.n >= 0.9
        moving = where.flatten().nonzero()[:, 0].tolist()
        assert set(moving) <= set(left.number.tolist())
        short = static(whole, longest=1)  # OFF: windows of one frame hold nothing still.
        assert short.n == whole.n

    def test_a_slow_change_does_not_count_as_still(self) -> None:
        turn = torch.linspace(0, 3, 64, dtype=torch.float64)[:, None, None]
        a, b = noise(1, 4, 24, seed=1), noise(1, 4, 24, seed=2)
        whole = planted(turn.cos() * a + turn.sin() * b)
        alike = torch.nn.functional.cosine_similarity(whole.embeds[:-4], whole.embeds[4:])
        assert float(alike.min()) > 0.99  # From frame to frame nothing seems to change.
        assert static(whole).n >= 4 * 3

    def test_what_is_held_does_not_grow_with_the_stream(self) -> None:
        long = planted(scenes([500], places=4, d=8))
        left = static(long, longest=32)
        assert left.n == 4 * 16
        assert float(left.size.max()) == 32


class TestMerge:
    """S50: masses are carried through all rounds."""

    def test_the_mean_stays_with_sizes_and_is_lost_without(self) -> None:
        common, rare = noise(1, 16, seed=1), noise(16, 16, seed=2) * 3
        vectors = torch.cat((common.expand(240, -1) + 0.01 * noise(240, 16, seed=3), rare))
        whole = planted(vectors[None])
        left = merge(whole, 32)
        assert left.n == 32
        true = vectors.mean(0)
        weighted = (left.embeds * left.size[:, None]).sum(0) / left.size.sum()
        assert float((weighted - true).norm() / true.norm()) < 1e-6
        assert float((left.embeds.mean(0) - true).norm() / true.norm()) > 0.5  # OFF: no sizes.
        assert books(left) == sorted(books(left))

    def test_a_rare_token_survives(self) -> None:
        whole = planted(scenes([40]))
        whole.embeds[333] = noise(24, seed=99) * 4
        left = merge(whole, 32)
        kept = left.embeds[(left.number == 333).nonzero()[:, 0]]
        assert kept.shape[0] == 1
        assert torch.equal(kept[0], whole.embeds[333])

    def test_the_budget_is_met_whatever_it_is(self) -> None:
        whole = planted(scenes([3, 4]))
        for m in (1, 2, 7, 50, 111, 112, 500):
            assert merge(whole, m).n == min(m, 112)


class TestCarrier:
    """S39: one token a frame, of known bytes; events are found, details are not."""

    def test_bytes_are_frames_times_width(self) -> None:
        whole = planted(scenes([30]).half())
        left = carrier(whole)
        assert left.embeds.numel() * left.embeds.element_size() == 30 * 24 * 2
        assert left.size.tolist() == [16.0] * 30

    def test_carriers_find_events_and_one_tier_deeper_finds_details(self) -> None:
        events, patches, d = 200, 16, 32
        scene, patch = noise(events, 1, d, seed=1), noise(events, patches, d, seed=2) * 3
        vectors = (scene + patch).repeat_interleave(3, 0) + 0.1 * noise(600, patches, d, seed=3)
        whole = planted(vectors)
        coarse, fine = carrier(whole).unit(), whole.unit()
        event = torch.arange(600) // 3
        asked = torch.nn.functional.normalize(
            (scene + patch).mean(1) + 0.1 * noise(events, d, seed=4), dim=1
        )

        def recall(scores: torch.Tensor, owner: torch.Tensor, k: int) -> float:
            found = owner[scores.topk(k, dim=1).indices]
            return float((found == torch.arange(events)[:, None]).any(1).double().mean())

        assert recall(asked @ coarse.T, event, 10) >= 0.95
        detail = torch.nn.functional.normalize(patch[:, 5], dim=1)
        assert recall(detail @ coarse.T, event, 1) < 0.5
        assert recall(detail @ fine.T, event.repeat_interleave(patches), 1) >= 0.95


@pytest.mark.parametrize("grid", [(3, 3), (14, 14), (4, 7), (1, 9), (9, 1)])
def test_a_grid_is_cut_into_exactly_so_many_cells(grid: tuple[int, int]) -> None:
    for k in range(1, grid[0] * grid[1] + 1):
        cut = cells(*grid, k)
        assert cut.unique().tolist() == list(range(k))
    quarter = cells(4, 4, 4).reshape(4, 4)
    assert quarter[:2, :2].unique().tolist() == [0]


def test_pooling_takes_neighbours() -> None:
    whole = planted(noise(2, 16, 8), (4, 4))
    left = pool(whole, 4)
    assert left.n == 8
    torch.testing.assert_close(left.embeds[0], whole.embeds[[0, 1, 4, 5]].mean(0))
    assert books(left)[:4] == [(0, 0, 0), (0, 0, 2), (0, 2, 0), (0, 2, 2)]
