"""Which frames get how many tokens, on and off; encoders of a fixed number of frames."""

from __future__ import annotations

import pytest
import torch

from longtake.errors import UsageError
from longtake.models.economy.scheduling import (
    Tracks,
    fit,
    picked,
    representative,
    slow_fast,
    slow_frames,
)
from longtake.models.economy.strategies import carrier
from longtake.models.economy.strided import strided
from longtake.timecode import Span
from tests.token_worlds import noise, planted, scenes

LENGTHS = [9, 14, 6, 20, 11, 4]
CHANGES = [0, 9, 23, 29, 49, 60]


class TestSlowFast:
    """S23: slow frames are those that show something new; all fill the budget."""

    def test_slow_frames_are_the_changes(self) -> None:
        vectors = scenes(LENGTHS, 36)
        slow = slow_frames(planted(vectors, (6, 6)))
        assert [n for n, one in enumerate(slow) if one] == CHANGES
        assert all(slow_frames(planted(vectors, (6, 6)), alike=1.1)) is True  # OFF.

    @pytest.mark.parametrize("seed", range(10))
    def test_the_budget_is_filled_and_not_overrun(self, seed: int) -> None:
        lengths = [int(n) for n in torch.randint(2, 30, (5,), generator=torch.Generator()
                                                 .manual_seed(seed))]  # fmt: skip
        whole = planted(scenes(lengths, 36, 8, seed=seed), (6, 6))
        for share in (0.15, 0.3, 0.6):
            budget = max(whole.frames, int(share * whole.n))
            left = slow_fast(whole, budget)
            full = sum(36 if one else 10 for one in slow_frames(whole))
            assert left.n <= budget
            assert left.n >= 0.95 * min(budget, full)
            assert float(left.size.sum()) == whole.n

    def test_new_frames_get_more(self) -> None:
        whole = planted(scenes(LENGTHS, 36), (6, 6))
        counts = torch.bincount(slow_fast(whole, 600).frame).tolist()
        assert min(counts[n] for n in CHANGES) > 2 * max(
            count for n, count in enumerate(counts) if n not in CHANGES
        )
        with pytest.raises(UsageError, match="do not fit"):
            slow_fast(whole, 63)


class TestFit:
    """S16: groups of frames, the first sharp; pooled until all fit."""

    def test_the_first_step_is_the_formula(self) -> None:
        whole = planted(noise(16, 36, 8), (6, 6))
        left = fit(whole, int(0.44 * whole.n))
        assert left.n / whole.n == 0.4375
        counts = torch.bincount(left.frame).tolist()
        assert counts == [36, 9, 9, 9] * 4

    def test_a_card_on_a_groups_first_frame_stays_readable(self) -> None:
        vectors = noise(8, 36, 8)
        card = noise(8, seed=9) * 5
        vectors[4, 17] = vectors[5, 17] = card
        left = fit(planted(vectors, (6, 6)), 200)
        alike = left.unit() @ torch.nn.functional.normalize(card, dim=0)
        assert float(alike[left.frame == 4].max()) > 0.999
        assert float(alike[left.frame == 5].max()) < 0.95  # OFF: on a pooled frame it is blurred.

    @pytest.mark.parametrize("frames", [1, 5, 16, 300])
    @pytest.mark.parametrize("budget", [1, 7, 40, 333, 10**6])
    def test_any_number_of_frames_fits_any_budget(self, frames: int, budget: int) -> None:
        whole = planted(noise(frames, 36, 4), (6, 6))
        left = fit(whole, budget)
        assert left.n <= budget
        assert float(left.size.sum()) == whole.n
        if budget >= whole.n:
            assert torch.equal(left.embeds, whole.embeds)


class TestRepresentative:
    """S15: some frames evenly, and those least like any taken."""

    def test_a_short_event_is_caught_and_evenly_it_is_not(self) -> None:
        caught = {"even": 0, "both": 0}
        for trial in range(40):
            vectors = noise(1, 32, seed=1) + 0.2 * noise(600, 32, seed=trial)
            at = 7 + 14 * trial % 590
            vectors[at : at + 2] = noise(32, seed=500 + trial) + 0.1 * noise(2, 32, seed=trial)
            event = {at, at + 1}
            caught["both"] += bool(event & set(picked(vectors, 15)))
            caught["even"] += bool(event & set(picked(vectors, 15, even=1.0)))
        assert caught["both"] == 40
        assert caught["even"] <= 6

    def test_frames_stay_whole_and_as_many_as_were_asked(self) -> None:
        whole = planted(scenes([5, 5, 5]), (4, 4))
        left = representative(whole, 6)
        assert len(left.frame.unique()) == 6
        assert left.n == 96
        assert len(set(left.frame.unique().tolist()) & {*range(5)}) >= 1
        assert representative(whole, 99).n == whole.n


class TestTracks:
    """S22: an overview that does not grow, and detail that is read only when asked for."""

    def test_the_prompt_hardly_grows_with_the_video(self) -> None:
        sizes = [Tracks.of(planted(noise(n, 36, 8), (6, 6)), 64).overview.n for n in (16, 128)]
        assert sizes[1] <= 1.05 * sizes[0]
        assert [carrier(planted(noise(n, 36, 8))).n for n in (16, 128)] == [16, 128]  # OFF.

    def test_small_text_is_read_in_the_detail_and_not_in_the_overview(self) -> None:
        letters = noise(10, 24, seed=1) * 1.2
        said = torch.randint(0, 10, (64,), generator=torch.Generator().manual_seed(2))
        vectors = noise(64, 36, 24, seed=3)
        vectors[:, 20] += letters[said]
        tracks = Tracks.of(planted(vectors, (6, 6)), 64)

        def read(tokens: torch.Tensor) -> int:
            unit = torch.nn.functional.normalize(letters, dim=1)
            return int((tokens @ unit.T).amax(0).argmax())

        overview = [read(tracks.overview.embeds[tracks.overview.frame == n]) for n in range(64)]
        assert sum(a == b for a, b in zip(overview, said.tolist(), strict=True)) / 64 <= 0.5
        assert tracks.log == []  # Overview questions touch no detail.
        detail = [read(tracks.read(Span(n, n + 1)).embeds) for n in range(64)]
        assert sum(a == b for a, b in zip(detail, said.tolist(), strict=True)) / 64 >= 0.95
        assert tracks.log[3] == Span(3, 4)
        assert tracks.read(Span(5, 7)).frame.unique().tolist() == [5, 6]


class TestStrided:
    """S35: an encoder of exactly n frames serves any number."""

    def test_frames_come_back_in_order_and_each_call_spans_the_clip(self) -> None:
        calls: list[list[int]] = []

        def encoder(frames: list[int]) -> list[int]:
            assert len(frames) == 8
            calls.append(frames)
            return [100 + frame for frame in frames]

        assert strided(range(64), 8, encoder) == list(range(100, 164))
        assert len(calls) == 8
        assert all(call == sorted(call) for call in calls)
        assert all(call[0] < 8 and call[-1] >= 56 for call in calls)
        blocks = [encoder(list(range(at, at + 8))) for at in range(0, 64, 8)]  # OFF: in blocks.
        assert not any(one[0] < 108 and one[-1] >= 156 for one in blocks)

    @pytest.mark.parametrize("frames", [1, 7, 8, 9, 13, 30])
    def test_nothing_is_lost_or_doubled(self, frames: int) -> None:
        assert strided(range(frames), 8, list) == list(range(frames))

    def test_what_does_not_fit_is_refused(self) -> None:
        with pytest.raises(UsageError, match="positions"):
            strided(range(64), 8, list, limit=1000, each=16)
        assert len(strided(range(64), 8, list, limit=1024, each=16)) == 64
        with pytest.raises(UsageError, match="answered for 3"):
            strided(range(8), 8, lambda frames: frames[:3])
        with pytest.raises(UsageError, match="needs frames"):
            strided([], 8, list)
