"""Frames as units: streamed in any chunks they are what the model makes of the whole video."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from longtake.errors import UnsupportedModel, UsageError
from longtake.models.kv.adapters import Adapter, FrameTokens, Reader, adapter_for
from longtake.models.kv.adapters.pixels import Look, fit, patches, scaled
from longtake.models.kv.held import Held
from longtake.models.kv.tap import RopeTap
from longtake.models.protocols import Image
from tests.kv_tiny import joined, tiny, words, worst

PICTURE, VIDEO, FIRST, LAST, AROUND, WHOLE = 90, 91, 92, 93, 94, 95
SETTINGS = {"size": {"shortest_edge": 24 * 32, "longest_edge": 24 * 32}}
SEEING = ("llava_onevision", "qwen2_5_vl", "qwen3_vl", "smolvlm")
PREFIX, SUFFIX = words(5, seed=1), words(6, seed=2)


class Letters:
    """A tokenizer of single letters."""

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        assert not add_special_tokens
        return [2 + ord(letter) % 80 for letter in text]

    def convert_tokens_to_ids(self, mark: str) -> int:
        return {"<fake_token_around_image>": AROUND, "<global-img>": WHOLE}[mark]


def film(n: int, seed: int = 0) -> list[Image]:
    made = np.random.default_rng(seed)
    return [made.integers(0, 256, (24, 32, 3), dtype=np.uint8) for _ in range(n)]


def adapter(family: str, **changes: Any) -> Adapter:
    return adapter_for(tiny(family, **changes), Letters(), SETTINGS)


def streamed(adapter: Adapter, frames: list[Image], fps: float, size: int) -> list[FrameTokens]:
    """Feed frames `size` at a time; number them as a video begins, not at zero."""
    reader = Reader(adapter, 1 / fps)
    units = []
    for start in range(0, len(frames), size):
        part = frames[start : start + size]
        units += reader.feed(part, [7.0 + (start + i) / fps for i in range(len(part))])
    return units + reader.close()


def whole_ids(adapter: Adapter, units: list[FrameTokens]) -> Tensor:
    """The one sequence a processor would make of the same video."""
    mark = PICTURE if adapter.name == "smolvlm" else VIDEO
    parts = [adapter.opening(), *units, adapter.closing()]
    tokens = torch.cat([part.tokens for part in parts if part is not None])
    return torch.cat((PREFIX[0], tokens.masked_fill(tokens == -1, mark), SUFFIX[0]))[None]


def positions(adapter: Adapter, units: list[FrameTokens]) -> Tensor:
    """[A, all] positions of prefix, video and suffix by opening, lead, places and closing."""
    opening, closing = adapter.opening(), adapter.closing()
    made = [torch.arange(5).expand(adapter.axes, -1)]
    at = 5 if opening is None else 5 + opening.width
    if opening is not None:
        made.append(opening.places + 5)
    width = 0
    for unit in units:
        made.append(unit.places + torch.tensor(unit.lead)[:, None] + at)
        width = adapter.after(width, unit)
    at += width
    if closing is not None:
        made.append(closing.places + at)
        at += closing.width
    made.append(torch.arange(6).expand(adapter.axes, -1) + at)
    return torch.cat([part.long() for part in made], dim=1)


def seen_at_once(adapter: Adapter, frames: list[Image], ids: Tensor, fps: float) -> Tensor:
    """The model's own scores for the whole video in one call."""
    model = adapter.model  # type: ignore[attr-defined]
    look = adapter.scaling  # type: ignore[attr-defined]
    with torch.no_grad():
        if adapter.name == "llava_onevision":
            pixels = scaled(frames, (32, 32), look).double()[None]
            return model(input_ids=ids, pixel_values_videos=pixels).logits  # type: ignore[no-any-return]
        if adapter.name == "smolvlm":
            pixels = scaled(frames, (32, 32), look).double()[None]
            return model(input_ids=ids, pixel_values=pixels).logits  # type: ignore[no-any-return]
        rows, grid = patches(scaled(frames, (24, 32), look), 4, 2, 2)
        timed = {"second_per_grid_ts": torch.tensor([2 / fps])}
        return model(  # type: ignore[no-any-return]
            input_ids=ids,
            pixel_values_videos=rows.double(),
            video_grid_thw=torch.tensor([grid]),
            mm_token_type_ids=(ids == VIDEO).int() * 2,
            **(timed if adapter.name == "qwen2_5_vl" else {}),
        ).logits


def run_streamed(adapter: Adapter, units: list[FrameTokens], per_run: int = 2) -> Tensor:
    """The scores of the same sequence run in pieces, each reading all that went before."""
    pieces: list[list[FrameTokens]] = [[adapter.words(PREFIX[0].tolist())]]
    if (opening := adapter.opening()) is not None:
        pieces.append([opening])
    pieces += [units[i : i + per_run] for i in range(0, len(units), per_run)]
    if (closing := adapter.closing()) is not None:
        pieces.append([closing])
    pieces.append([adapter.words(SUFFIX[0].tolist())])
    places, at = positions(adapter, units), 0
    held: Held | None = None
    scores = []
    with RopeTap(adapter.model, trig64=False) as tap:  # type: ignore[attr-defined]
        for piece in pieces:
            embeds = torch.cat([unit.embeds for unit in piece], dim=1)
            here = places[:, at : at + embeds.shape[1]]
            at += embeds.shape[1]
            made = tap.run(embeds=embeds, positions=here, held=held, extras=adapter.extras(piece))
            held = joined(tap, held, made, here)
            scores.append(tap.logits(made.hidden))
    return torch.cat(scores, dim=1)


# E15: what is streamed is what the model makes of the whole.
@pytest.mark.parametrize("family", SEEING)
def test_streamed_frames_are_the_models_own_video(family: str) -> None:
    eyes, frames = adapter(family), film(6)
    units = streamed(eyes, frames, 2.0, 3)
    ids = whole_ids(eyes, units)
    plain = seen_at_once(eyes, frames, ids, 2.0)
    assert worst(run_streamed(eyes, units), plain) <= 1e-9
    assert worst(run_streamed(eyes, units, per_run=1), run_streamed(eyes, units)) <= 1e-9
    other = seen_at_once(eyes, film(6, seed=1), ids, 2.0)
    assert worst(other, plain) > 1e-3


@pytest.mark.parametrize("family", SEEING)
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_units_do_not_depend_on_the_chunks(family: str, size: int) -> None:
    eyes, frames = adapter(family), film(5)
    once = streamed(eyes, frames, 1.0, 5)
    pieces = streamed(eyes, frames, 1.0, size)
    assert len(once) == len(pieces) == (3 if eyes.group == 2 else 5)
    for one, other in zip(once, pieces, strict=True):
        assert worst(one.embeds, other.embeds) <= 1e-9
        assert torch.equal(one.places, other.places)
        assert torch.equal(one.tokens, other.tokens)
        assert (one.start, one.end, one.lead) == (other.start, other.end, other.lead)
    assert once[0].start == 7.0
    assert once[-1].end == 12.0


# E6: positions are those of the model's own get_rope_index, to the integer.
@pytest.mark.parametrize("family", ["qwen2_5_vl", "qwen3_vl"])
@pytest.mark.parametrize("fps", [0.5, 1.0, 2.0, 3.0, 29.97])
def test_positions_are_the_models_own_integers(family: str, fps: float) -> None:
    eyes = adapter(family)
    units = streamed(eyes, film(10), fps, 3)
    ids = whole_ids(eyes, units)
    model = eyes.model.model  # type: ignore[attr-defined]
    own, _ = model.get_rope_index(
        ids,
        mm_token_type_ids=(ids == VIDEO).int() * 2,
        video_grid_thw=torch.tensor([[5, 6, 8]]),
        second_per_grid_ts=torch.tensor([2 / fps]),
    )
    assert torch.equal(positions(eyes, units), own[:, 0])
    assert units[1].places[1].max() - units[1].places[1].min() >= 2  # Rows count.


def test_without_lead_positions_are_not_the_models() -> None:
    eyes = adapter("qwen2_5_vl")
    units = streamed(eyes, film(6), 1.0, 6)
    assert [unit.lead for unit in units] == [(0, 0, 0), (8, 0, 0), (16, 0, 0)]
    assert all(unit.places[0].max() == 0 for unit in units)


def test_llavas_line_vector_ends_the_video_once() -> None:
    eyes = adapter("llava_onevision")
    units = streamed(eyes, film(4), 1.0, 1)
    assert [unit.embeds.shape[1] for unit in units] == [4, 4, 4, 4]
    line = eyes.model.model.image_newline.detach()  # type: ignore[attr-defined]
    for unit in units:
        assert worst(unit.embeds[0, -1], line) > 1e-3
    closing = eyes.closing()
    assert closing is not None
    assert torch.equal(closing.embeds[0, 0], line)
    assert int(closing.tokens[0]) == -1


def test_qwen3_writes_the_middle_of_each_pair() -> None:
    eyes = adapter("qwen3_vl")
    units = streamed(eyes, film(4), 2.0, 4)
    said = Letters().encode("<7.2 seconds>", add_special_tokens=False)
    tokens = units[0].tokens.tolist()
    assert tokens[: len(said) + 1] == [*said, FIRST]
    assert tokens[-1] == LAST
    assert tokens.count(-1) == 12
    assert (units[1].start, units[1].end) == (8.0, 9.0)


def test_deepstack_matters_and_follows_its_frames() -> None:
    eyes = adapter("qwen3_vl")
    units = streamed(eyes, film(4), 2.0, 4)
    extras = eyes.extras(units)
    assert [tuple(layer.shape) for layer in extras["deepstack_visual_embeds"]] == [(24, 32)] * 2
    assert int(extras["visual_pos_masks"].sum()) == 24
    assert eyes.extras([eyes.words([3, 4])]) == {}
    embeds = torch.cat([unit.embeds for unit in units], dim=1)
    places = torch.arange(embeds.shape[1])[None]
    with RopeTap(eyes.model) as tap:  # type: ignore[attr-defined]
        with_it = tap.run(embeds=embeds, positions=places, extras=extras).hidden
        assert worst(with_it, tap.run(embeds=embeds, positions=places).hidden) > 1e-3


def test_smolvlm_writes_minutes_and_seconds() -> None:
    eyes = adapter("smolvlm")
    (unit,) = eyes.see(film(1), [125.9], 1.0)
    said = Letters().encode("\nFrame from 02:05:", add_special_tokens=False)
    assert unit.tokens.tolist() == [*said, AROUND, WHOLE, -1, -1, -1, -1, AROUND]


def test_an_odd_frame_waits_and_is_shown_twice_at_the_end() -> None:
    eyes = adapter("qwen2_5_vl")
    frames = film(3)
    reader = Reader(eyes, 1.0)
    assert len(reader.feed(frames, [0.0, 1.0, 2.0])) == 1
    (last,) = reader.close()
    (twice,) = eyes.see([frames[2]] * 2, [2.0, 2.0], 1.0)
    assert torch.equal(last.embeds, twice.embeds)
    assert (last.start, last.end) == (2.0, 3.0)
    assert reader.close() == []
    with pytest.raises(UsageError, match="groups of 2"):
        eyes.see(frames, [0.0, 1.0, 2.0], 1.0)


def test_patches_are_those_of_transformers() -> None:
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    frame = np.random.default_rng(4).integers(0, 256, (90, 130, 3), dtype=np.uint8)
    theirs = Qwen2VLImageProcessorPil(min_pixels=56 * 56, max_pixels=28 * 28 * 9)(
        images=[frame], return_tensors="pt"
    )
    look = Look(least=56 * 56, most=28 * 28 * 9)
    size = fit(90, 130, 28, look)
    rows, grid = patches(scaled([frame, frame], size, look), 14, 2, 2)
    assert [grid] == theirs["image_grid_thw"].tolist()
    assert worst(rows, theirs["pixel_values"]) <= 1e-4


@pytest.mark.parametrize("shape", [(1080, 1920), (50, 700), (30, 20), (4000, 300)])
def test_frames_fit_between_least_and_most(shape: tuple[int, int]) -> None:
    look = Look(least=10_000, most=200_000)
    height, width = fit(*shape, 28, look)
    assert height % 28 == width % 28 == 0
    assert 10_000 <= height * width <= 200_000
    with pytest.raises(UsageError, match="cannot be looked at"):
        fit(0, 5, 28, look)


def test_settings_of_a_model_folder_are_kept() -> None:
    look = Look().changed({"image_mean": [0.1, 0.2, 0.3], "max_pixels": 99, "resample": 2})
    assert (look.mean, look.most, look.resample) == ((0.1, 0.2, 0.3), 99, 2)
    assert look.std == Look().std


def test_a_text_model_has_words_and_no_frames() -> None:
    eyes = adapter_for(tiny("llama"))
    assert (eyes.name, eyes.axes, len(eyes.layers)) == ("text", 1, 3)
    page = eyes.words([5, 6, 7], 1.0, 2.0)
    assert torch.equal(page.embeds[0], eyes.embeddings.weight[5:8])
    assert (page.width, page.start, page.end) == (3, 1.0, 2.0)
    with pytest.raises(UsageError, match="reads no frames"):
        eyes.see(film(1), [0.0], 1.0)
    assert eyes.opening() is eyes.closing() is None


def test_what_has_no_adapter_is_told() -> None:
    model = tiny("llava_onevision")
    model.config.model_type = "unheard_of"
    with pytest.raises(UnsupportedModel, match="unheard_of"):
        adapter_for(model)
    with pytest.raises(UsageError, match="needs its tokenizer"):
        adapter_for(tiny("smolvlm"))


def test_frames_and_times_go_together() -> None:
    with pytest.raises(UsageError, match="1 times were given for 2"):
        Reader(adapter("smolvlm"), 1.0).feed(film(2), [0.0])


@pytest.mark.parametrize("family", SEEING)
def test_where_the_parts_of_a_model_are(family: str) -> None:
    eyes = adapter(family)
    assert len(eyes.layers) == 3
    assert eyes.head.weight.shape == (97, 32)
    assert eyes.embeddings.weight.shape == (97, 32)
    assert eyes.axes == (3 if family.startswith("qwen") else 1)
