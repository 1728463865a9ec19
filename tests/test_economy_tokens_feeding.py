"""Reduced tokens are read as the model itself would read them, for all four families, in fp64."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from longtake.errors import UsageError
from longtake.models.economy import drawn, line, pipeline, scores, seen, units, write
from longtake.models.economy.cache import FeatureCache
from longtake.models.kv.adapters import Adapter
from longtake.models.kv.adapters.pixels import patches, scaled
from longtake.models.kv.tap import RopeTap
from tests.kv_tiny import worst
from tests.test_kv_adapters import (
    PREFIX,
    SEEING,
    SUFFIX,
    VIDEO,
    adapter,
    film,
    positions,
    streamed,
    whole_ids,
)

BEFORE, AFTER = PREFIX[0].tolist(), SUFFIX[0].tolist()


@pytest.fixture(scope="module", params=SEEING)
def eyes(request: pytest.FixtureRequest) -> Adapter:
    return adapter(request.param)


def own_scores(eyes: Adapter, n: int, ids: Tensor, mask: Tensor, places: Tensor) -> Tensor:
    """The model's own answer to its pixels, with these keys masked, at these positions."""
    made: Any = eyes
    frames = film(n)
    given: dict[str, Any] = {
        "input_ids": ids, "attention_mask": mask.long()[None],
        "position_ids": places[:, None].long() if places.shape[0] == 3 else places.long(),
    }  # fmt: skip
    with torch.no_grad():
        if eyes.name in ("llava_onevision", "smolvlm"):
            name = "pixel_values_videos" if eyes.name == "llava_onevision" else "pixel_values"
            given[name] = scaled(frames, (32, 32), made.scaling).double()[None]
        else:
            rows, grid = patches(scaled(frames, (24, 32), made.scaling), 4, 2, 2)
            given |= {"pixel_values_videos": rows.double(), "video_grid_thw": torch.tensor([grid]),
                      "mm_token_type_ids": (ids == VIDEO).int() * 2}  # fmt: skip
        return made.model(**given).logits[0]  # type: ignore[no-any-return]


def shown(eyes: Adapter, whole: Any, tokens: Any) -> Tensor:
    """Which tokens of the model's own sequence are left, bool [all]."""
    opening, closing = eyes.opening(), eyes.closing()
    kept = [torch.ones(len(BEFORE) + (opening.tokens.numel() if opening else 0), dtype=torch.bool)]
    left, at = set(tokens.number.tolist()), 0
    for unit in whole:
        sight = (unit.tokens == -1).nonzero()[:, 0]
        here = torch.ones(len(unit.tokens), dtype=torch.bool)
        here[sight] = torch.tensor([at + i in left for i in range(len(sight))])
        if not bool(here[sight].any()):
            here[:] = False  # Its words go with it.
        at += len(sight)
        kept.append(here)
    tail = len(AFTER) + (closing.tokens.numel() if closing else 0)
    return torch.cat([*kept, torch.ones(tail, dtype=torch.bool)])


@pytest.mark.parametrize("steps", ["none", "random=0.4", "uniform=1"])
def test_what_is_left_is_read_as_the_model_reads_it_with_the_rest_masked(
    eyes: Adapter, steps: str
) -> None:
    whole = streamed(eyes, film(6), 2.0, 3)
    ids, places = whole_ids(eyes, whole), positions(eyes, whole)
    tokens, _ = pipeline(steps)(seen(whole))
    mask = shown(eyes, whole, tokens)
    made = line(eyes, BEFORE, whole, tokens, AFTER)
    assert torch.equal(made.positions, places[:, mask])
    with RopeTap(eyes.model, trig64=False) as tap:  # type: ignore[attr-defined]
        mine = scores(tap, made)[0]
    own = own_scores(eyes, 6, ids, mask, places)[mask]
    assert worst(mine, own) <= 1e-9
    if steps != "none":  # OFF: the tokens that went did matter.
        every = own_scores(eyes, 6, ids, torch.ones_like(mask), places)[mask]
        assert worst(mine, every) > 1e-3


def test_deep_vectors_follow_their_tokens() -> None:
    eyes = adapter("qwen3_vl")
    whole = streamed(eyes, film(6), 2.0, 3)
    tokens, _ = pipeline("random=0.4")(seen(whole))
    made = line(eyes, BEFORE, whole, tokens, AFTER)
    assert [tuple(one.shape) for one in made.extras["deepstack_visual_embeds"]] == [
        (tokens.n, 32)
    ] * 2
    assert int(made.extras["visual_pos_masks"].sum()) == tokens.n
    merged, _ = pipeline("carrier")(seen(whole))
    assert worst(merged.deep[0][0], seen(whole).deep[0][:12].mean(0)) <= 1e-12


def test_a_merged_token_is_read_as_if_its_copies_stood_there() -> None:
    """Two equal tokens at one place, seeing each other, are one of size 2; without sizes not."""
    eyes = adapter("llava_onevision")
    whole = streamed(eyes, film(2), 1.0, 2)
    tokens = seen(whole)
    twice = tokens.chosen(torch.arange(8))
    twice.embeds[4:8] = twice.embeds[0:4]  # The second frame is the first again.
    merged = twice.grouped(torch.arange(8) % 4)
    assert merged.size.tolist() == [2.0] * 4
    one = line(eyes, BEFORE, whole, merged, AFTER)
    with RopeTap(eyes.model, trig64=False) as tap:  # type: ignore[attr-defined]
        mine = scores(tap, one)[0, -len(AFTER) :]
        copies = _copied(one, merged.n)
        true = _seeing_copies(eyes, copies)[-len(AFTER) :]
        bare = scores(tap, type(one)(one.embeds, one.positions, one.tokens,
                                     torch.ones_like(one.size), one.extras))  # fmt: skip
    assert worst(mine, true) <= 1e-9
    assert worst(bare[0, -len(AFTER) :], true) > 1e-4  # OFF: sizes forgotten.


def _copied(one: Any, n: int) -> tuple[Tensor, Tensor, Tensor]:
    """A line with each picture token twice: vectors, positions, and which original it is."""
    origin = torch.arange(one.embeds.shape[1]).repeat_interleave(one.size.long())
    return one.embeds[:, origin], one.positions[:, origin], origin


def _seeing_copies(eyes: Any, copies: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """The model's own decoder on copies that see each other."""
    embeds, places, origin = copies
    visible = origin[:, None] >= origin[None]
    mask = torch.zeros(visible.shape, dtype=torch.float64).masked_fill_(~visible, float("-inf"))
    with torch.no_grad():
        hidden = eyes.decoder(inputs_embeds=embeds, position_ids=places.long(),
                              attention_mask=mask[None, None]).last_hidden_state  # fmt: skip
        return eyes.head(hidden)[0]  # type: ignore[no-any-return]


def test_writing_is_the_models_own_generate(eyes: Adapter) -> None:
    """Greedy words after a line are those of full passes; of the model's `generate` too."""
    whole = streamed(eyes, film(4), 1.0, 4)
    tokens, _ = pipeline("random=0.5")(seen(whole))
    with RopeTap(eyes.model) as tap:  # type: ignore[attr-defined]
        made = line(eyes, BEFORE, whole, tokens, AFTER)
        said = write(tap, made, max_tokens=5)
        slow: list[int] = []
        for _ in range(5):
            longer = line(eyes, BEFORE, whole, tokens, [*AFTER, *slow])
            slow.append(int(scores(tap, longer)[0, -1].argmax()))
        assert said == slow
        stop = said[-1]
        assert write(tap, made, max_tokens=9, stops={stop}) == said[: said.index(stop)]


@pytest.mark.parametrize("family", ["llava_onevision", "smolvlm"])
def test_generate_of_the_model_takes_the_vectors(family: str) -> None:
    """With one axis and nothing left out the model's own `generate` gives the same words."""
    eyes: Any = adapter(family)
    whole = streamed(eyes, film(3), 1.0, 3)
    made = line(eyes, BEFORE, whole, seen(whole), AFTER)
    with RopeTap(eyes.model) as tap:
        said = write(tap, made, max_tokens=4, stops={1})
    with torch.no_grad():
        own = eyes.model.generate(
            inputs_embeds=made.embeds, attention_mask=torch.ones(made.embeds.shape[:2]).long(),
            max_new_tokens=4, do_sample=False,
        )[0].tolist()  # fmt: skip
    assert said == own[: len(said)]


def test_without_gaps_frames_follow_each_other() -> None:
    eyes = adapter("llava_onevision")
    whole = streamed(eyes, film(6), 1.0, 6)
    tokens = seen(whole)
    left = tokens.chosen(torch.tensor([0, 1, 2, 3, 21, 23]))  # Frame 0, and two tokens of 5.
    made = line(eyes, BEFORE, whole, left, AFTER, gaps=False)
    assert made.positions[0].tolist() == [*range(5), 5, 6, 7, 8, 10, 12, 13, *range(14, 20)]
    kept = line(eyes, BEFORE, whole, left, AFTER)
    assert int(kept.positions.max()) == 5 + 24 + 1 + 6 - 1
    time = adapter("qwen2_5_vl")
    pairs = streamed(time, film(8), 1.0, 8)
    last = seen(pairs).chosen(torch.arange(36, 48))
    apart = line(time, BEFORE, pairs, last, AFTER, gaps=False)
    assert int(apart.positions[0, 6]) == 6 + 24  # Time is time: 6 s at 4 positions a second.


def test_positions_are_drawn_into_the_window_of_the_model(eyes: Adapter) -> None:
    whole = streamed(eyes, film(16), 0.2, 16)
    made = line(eyes, BEFORE, whole, seen(whole), AFTER)
    top = int(made.positions.max())
    words = len(made.positions[0, made.tokens >= 0].unique())
    limit = words + (top - words) // 3 + 2
    small = drawn(made, limit)
    assert float(small.positions.max()) < limit <= top
    order = made.positions.flatten().argsort(stable=True)
    before, after = (torch.diff(one.positions.flatten()[order]) for one in (made, small))
    assert torch.equal(before > 0, after > 0)  # Strictly in the order they were in.
    both = (made.tokens[1:] >= 0) & (made.tokens[:-1] >= 0)
    for axis in range(eyes.axes):
        steps = [torch.diff(one.positions[axis])[both] for one in (made, small)]
        ones = steps[0] == 1
        assert worst(steps[1][ones], steps[0][ones]) <= 1e-9
    assert drawn(made, top + 1) is made
    with pytest.raises(UsageError, match="the words of this line"):
        drawn(made, 5)
    with RopeTap(eyes.model) as tap:  # type: ignore[attr-defined]
        assert bool(scores(tap, small).isfinite().all())


def test_units_of_a_frame_with_nothing_left_go_with_their_words() -> None:
    eyes = adapter("smolvlm")
    whole = streamed(eyes, film(3), 1.0, 3)
    tokens = seen(whole)
    left = units(whole, tokens.chosen(torch.tensor([0, 9])))
    assert [unit.start for unit in left] == [7.0, 9.0]
    assert [int((unit.tokens == -1).sum()) for unit in left] == [1, 1]
    assert len(left[0].tokens) == len(whole[0].tokens) - 3
    assert torch.equal(left[1].embeds[0, -2], whole[2].embeds[0, -4])


@pytest.mark.parametrize("same", [False, True])
def test_a_cache_in_the_model_leaves_words_and_order(eyes: Adapter, same: bool) -> None:
    frames = film(6)
    if same:
        frames[:5] = frames[:1] * 5
    plain = streamed(eyes, frames, 1.0, 6)
    with FeatureCache(eyes) as cache:
        cached = streamed(eyes, frames, 1.0, 4)
    for one, other in zip(plain, cached, strict=True):
        assert worst(one.embeds, other.embeds) <= 1e-9
        assert torch.equal(one.tokens, other.tokens)
        assert torch.equal(one.places, other.places)
        for layer, own in zip(*(unit.extras.get("deepstack_visual_embeds", ())
                                for unit in (one, other)), strict=True):  # fmt: skip
            assert worst(layer, own) <= 1e-9
    group = eyes.group
    assert cache.counts.reused == ((4 if group == 1 else 1) if same else 0)
    assert cache.counts.whole + cache.counts.reused == 6 // group
    after = streamed(eyes, frames, 1.0, 6)  # The model is as it was.
    assert cache.counts.whole + cache.counts.reused == 6 // group
    assert worst(after[0].embeds, plain[0].embeds) == 0
