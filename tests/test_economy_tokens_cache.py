"""The encoder is asked for what changed alone (S1), and its answers hardly differ."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
import torch
import transformers as hf

from longtake.models.economy.cache import Counts, FeatureCache
from longtake.models.kv.adapters import Adapter, adapter_for
from longtake.models.kv.adapters.family import FrameTokens
from longtake.models.protocols import Image
from tests.kv_tiny import TEXT, shaken
from tests.test_kv_adapters import adapter, film, streamed

SIDE, PATCH = 128, 8


@pytest.fixture(scope="module")
def eyes() -> Adapter:
    """A LLaVA whose tower looks at 16 × 16 patches."""
    vision = hf.SiglipVisionConfig(
        hidden_size=64, intermediate_size=128, num_hidden_layers=3, num_attention_heads=4,
        image_size=SIDE, patch_size=PATCH,
    )  # fmt: skip
    config = hf.LlavaOnevisionConfig(
        vision_config=vision, text_config=hf.Qwen2Config(**TEXT), image_token_index=90,
        video_token_index=91, vision_feature_layer=-1,
    )  # fmt: skip
    torch.manual_seed(7)
    return adapter_for(shaken(hf.LlavaOnevisionForConditionalGeneration(config), torch.float32))


def camera(n: int, seed: int = 0) -> tuple[list[Image], list[np.ndarray]]:
    """A still picture with noise and one moving square; and which patches truly changed."""
    by = np.random.default_rng(seed)
    ground = by.integers(40, 200, (SIDE // 4, SIDE // 4, 3)).repeat(4, 0).repeat(4, 1)
    frames, spots = [], []
    for k in range(n):
        frame = ground + by.integers(-2, 3, ground.shape)
        x = 8 + 4 * k % 88
        frame[40:64, x : x + 24] = (250, 20, 20)
        covered = np.zeros((SIDE // PATCH, SIDE // PATCH), bool)
        covered[5:8, x // PATCH : -(-(x + 24) // PATCH)] = True
        spots.append(covered)
        frames.append(frame.clip(0, 255).astype(np.uint8))
    return frames, spots


def vectors(units: list[FrameTokens]) -> torch.Tensor:
    return torch.stack([unit.embeds[0] for unit in units])


def looked(eyes: Adapter, frames: list[Image], **how: Any) -> tuple[torch.Tensor, Counts]:
    with FeatureCache(eyes, **how) as cache:
        return vectors(streamed(eyes, frames, 1.0, 8)), cache.counts


def test_what_changed_is_computed_and_the_rest_is_nearly_what_it_was(eyes: Adapter) -> None:
    frames, spots = camera(22)
    plain = vectors(streamed(eyes, frames, 1.0, 8))
    cached, counts = looked(eyes, frames)
    assert (counts.whole, counts.part, counts.reused) == (1, 21, 0)
    true = np.mean([1.0, *((spots[0] | one).mean() for one in spots[1:])])
    assert abs(counts.share - true) <= 0.02
    away = (cached - plain).norm(dim=(1, 2)) / plain.norm(dim=(1, 2))
    assert float(away.max()) <= 0.05
    stale = (plain[:1] - plain).norm(dim=(1, 2)) / plain.norm(dim=(1, 2))
    assert float(away.mean()) < 0.5 * float(stale[1:].mean())  # OFF: the first frame for all.


def test_a_cut_is_computed_whole(eyes: Adapter) -> None:
    before, after = camera(4)[0], camera(4, seed=9)[0]
    _, counts = looked(eyes, before + after)
    assert (counts.whole, counts.part) == (2, 6)
    assert looked(eyes, film(8))[1] == Counts(whole=8, patches=8 * 256, computed=8 * 256)


def test_a_fade_does_not_drift(eyes: Adapter) -> None:
    frames = [np.full((SIDE, SIDE, 3), 20 + 2 * k, np.uint8) for k in range(60)]
    plain = vectors(streamed(eyes, frames, 1.0, 8))
    cached, counts = looked(eyes, frames, refresh=0)
    assert 10 <= counts.whole <= 15
    assert counts.reused == 60 - counts.whole
    away = (cached - plain).norm(dim=(1, 2)) / plain.norm(dim=(1, 2))
    assert float(away[-1]) <= float(away.max()) <= 0.1


def test_refresh_looks_again(eyes: Adapter) -> None:
    frames = [camera(1)[0][0]] * 20
    assert looked(eyes, frames, refresh=0)[1].whole == 1
    assert looked(eyes, frames, refresh=5)[1].whole == 4


def test_who_forgets_at_a_checkpoint_can_go_on_from_it(eyes: Adapter) -> None:
    frames = camera(12)[0]

    def told(forgets: bool) -> torch.Tensor:
        with FeatureCache(eyes) as cache:
            streamed(eyes, frames[:6], 1.0, 3)
            if forgets:
                cache.forget()
            return vectors(streamed(eyes, frames[6:], 1.0, 3))

    anew, _ = looked(eyes, frames[6:])
    torch.testing.assert_close(told(True), anew, atol=1e-5, rtol=0)
    assert float((told(False) - anew).abs().max()) > 1e-3  # OFF.


def test_a_picture_that_comes_back_is_not_computed_again(eyes: Adapter) -> None:
    a, b = camera(9)[0][0], camera(9)[0][8]
    cached, counts = looked(eyes, [a, b, b, a, a], refresh=0)
    assert (counts.whole, counts.part, counts.reused) == (1, 1, 3)
    assert torch.equal(cached[3], cached[0])
    assert torch.equal(cached[1], cached[2])


@pytest.mark.parametrize("family", ["llava_onevision", "smolvlm"])
def test_a_part_of_everything_is_the_encoders_own(family: str) -> None:
    """With every patch taken for changed, but none that makes it whole, nothing differs."""
    tiny = adapter(family)
    frames = film(6)
    plain = streamed(tiny, frames, 1.0, 6)
    with FeatureCache(tiny, most=1.0) as cache:
        parts = streamed(tiny, frames, 1.0, 4)
    assert (cache.counts.whole, cache.counts.part) == (1, 5)
    for one, other in zip(plain, parts, strict=True):
        torch.testing.assert_close(one.embeds, other.embeds, atol=1e-9, rtol=0)


@pytest.mark.parametrize("family", ["qwen2_5_vl", "qwen3_vl"])
def test_other_encoders_are_asked_for_whole_pictures(family: str) -> None:
    tiny = adapter(family)
    frames = [film(1)[0]] * 4
    frames += [frames[0].copy() for _ in range(4)]
    frames[6][:6, :8] = 0
    with FeatureCache(tiny) as cache:
        streamed(tiny, frames, 1.0, 4)
    assert (cache.counts.whole, cache.counts.part, cache.counts.reused) == (2, 0, 2)


def test_the_model_is_as_it_was_afterwards(eyes: Adapter) -> None:
    made: Any = eyes
    before = dict(made.model.__dict__)
    tower = made.model.model.vision_tower
    inner = dict(tower.__dict__)
    hooks = [len(one._forward_hooks) for one in tower.modules()]

    def fails() -> None:
        with FeatureCache(eyes):
            streamed(eyes, camera(8)[0], 1.0, 8)
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fails()
    assert dict(made.model.__dict__).keys() == before.keys()
    assert dict(tower.__dict__).keys() == inner.keys()
    assert [len(one._forward_hooks) for one in tower.modules()] == hooks


def test_less_work_is_less_time(eyes: Adapter) -> None:
    """Told, not asserted: how long both take. What is asserted is the work."""
    frames = camera(22)[0]
    began = time.thread_time()
    streamed(eyes, frames, 1.0, 8)
    whole = time.thread_time() - began
    began = time.thread_time()
    _, counts = looked(eyes, frames)
    print(f"whole {whole:.3f} s, cached {time.thread_time() - began:.3f} s")
    assert counts.share < 0.2
