"""RopeTap against the untouched model: equal where it serves, refusing where it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
import transformers as hf
from torch import Tensor

from longtake.errors import BackendError, UnsupportedModel, UsageError
from longtake.models.kv.held import Held
from longtake.models.kv.rotary import Rotary
from longtake.models.kv.tap import RopeTap
from tests.kv_tiny import FAMILIES, TEXT, joined, line, shaken, tiny, words, worst

DTYPES = {"fp64": torch.float64, "fp32": torch.float32, "bf16": torch.bfloat16}


def chunked(tap: RopeTap, ids: Tensor, size: int, shift: int = 0) -> Tensor:
    """Return the hidden states of tokens run `size` at a time on all that went before."""
    held: Held | None = None
    out = []
    for start in range(0, ids.shape[1], size):
        part = ids[:, start : start + size]
        places = line(tap, start + shift, part.shape[1])
        made = tap.run(part, positions=places, held=held)
        held = joined(tap, held, made, places)
        out.append(made.hidden)
    return torch.cat(out, dim=1)


@pytest.fixture(params=FAMILIES)
def model(request: pytest.FixtureRequest) -> Any:
    return tiny(request.param)


@pytest.fixture
def llama() -> Any:
    return tiny("llama")


@pytest.fixture
def tap(llama: Any) -> Iterator[RopeTap]:
    with RopeTap(llama) as tap:
        yield tap


# E1: with nothing held the tap changes no bit.
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_held_is_bit_equal_to_the_untouched_model(family: str, dtype: str) -> None:
    model = tiny(family, DTYPES[dtype])
    ids = words(40)
    with torch.no_grad():
        plain = model(ids, use_cache=False).logits
    with RopeTap(model, trig64=False) as tap:
        made = tap.run(ids, positions=line(tap, 0, 40))
        assert torch.equal(tap.logits(made.hidden), plain)
        # While it is installed the model itself is as it was.
        with torch.no_grad():
            assert torch.equal(model(ids, use_cache=False).logits, plain)


@pytest.mark.parametrize("family", ["llama", "qwen3_vl"])
def test_without_the_taps_rotation_scores_differ(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny(family)
    ids = words(12)
    with torch.no_grad():
        plain = model(ids, use_cache=False).logits
    with RopeTap(model, trig64=False) as tap:
        monkeypatch.setattr(Rotary, "turn", lambda self, query, key, angles: (query, key))
        made = tap.run(ids, positions=line(tap, 0, 12))
        assert worst(tap.logits(made.hidden), plain) > 1e-3
    with pytest.raises(UnsupportedModel, match="other scores"):
        RopeTap(model)


# E2: stored keys, put at their positions, are the model's own cached keys.
def test_rotated_keys_are_the_models_own_cached_keys(model: Any) -> None:
    ids = words(17)
    with torch.no_grad():
        cache = model(ids, use_cache=True).past_key_values
    with RopeTap(model, trig64=False) as tap:
        made = tap.run(ids, positions=line(tap, 0, 17), queries=(1,))
        turned = tap.rotate(made.keys, line(tap, 0, 17))
    assert made.keys.shape == (3, 2, 17, 8)
    for layer in range(3):
        assert torch.equal(turned[layer], cache.layers[layer].keys[0])
        assert torch.equal(made.values[layer], cache.layers[layer].values[0])
    assert worst(turned, made.keys) > 1e-2
    assert list(made.queries) == [1]
    assert made.queries[1].shape == (4, 17, 8)


# E3, as far as it is the tap's: what is held is read as if it had been in the same pass.
@pytest.mark.parametrize("size", [1, 7, 40])
def test_chunks_on_held_keys_are_one_pass(model: Any, size: int) -> None:
    ids = words(40)
    with torch.no_grad():
        plain = model(ids, use_cache=False).logits
    with RopeTap(model, trig64=False) as tap:
        assert worst(tap.logits(chunked(tap, ids, size)), plain) <= 1e-9


def test_held_keys_matter(tap: RopeTap) -> None:
    ids = words(20)
    alone = tap.run(ids[:, 10:], positions=line(tap, 10, 10)).hidden
    assert worst(alone, chunked(tap, ids, 10)[:, 10:]) > 1e-3


# E9: a common shift of positions changes nothing.
@pytest.mark.parametrize("family", ["llama", "qwen2_5_vl", "qwen3_vl"])
@pytest.mark.parametrize(("trig64", "most"), [(True, 1e-9), (False, 1e-3)])
def test_a_shift_of_all_positions_changes_nothing(family: str, trig64: bool, most: float) -> None:
    with RopeTap(tiny(family), trig64=trig64) as tap:
        ids = words(30)
        near = tap.logits(chunked(tap, ids, 8))
        far = tap.logits(chunked(tap, ids, 8, shift=5000))
    moved = worst(near, far)
    assert moved <= most
    # The model's own float32 angles are what moves the scores.
    assert trig64 or moved > 1e-9


def test_positions_matter(tap: RopeTap) -> None:
    ids = words(12)
    near = tap.run(ids, positions=line(tap, 0, 12)).hidden
    assert worst(tap.run(ids, positions=line(tap, 0, 12) * 3).hidden, near) > 1e-3


def test_each_axis_of_mrope_turns_its_own_part() -> None:
    with RopeTap(tiny("qwen2_5_vl")) as tap:
        x = torch.randn(2, 1, 8, dtype=torch.float64)
        still = tap.rotate(x, torch.zeros(3, 1, dtype=torch.long))
        assert torch.equal(still, x)
        parts = []
        for axis in range(3):
            places = torch.zeros(3, 1, dtype=torch.long)
            places[axis] = 5
            parts.append((tap.rotate(x, places) - x).abs().amax(dim=(0, 1)) > 1e-12)
    # Sections of 1, 1 and 2 of the four frequencies, each on two of the eight numbers.
    assert [int(part.sum()) for part in parts] == [2, 2, 4]
    assert int(torch.stack(parts).sum(dim=0).max()) == 1


def test_partial_rotation_leaves_the_rest_alone() -> None:
    config = hf.StableLmConfig(**TEXT, partial_rotary_factor=0.5)
    model = shaken(hf.AutoModelForCausalLM.from_config(config))
    with RopeTap(model) as tap:
        x = torch.randn(1, 2, 5, 8, dtype=torch.float64)
        turned = tap.rotate(x, line(tap, 3, 5))
        assert torch.equal(turned[..., 4:], x[..., 4:])
        assert worst(turned[..., :4], x[..., :4]) > 1e-2
        ids = words(20)
        assert worst(chunked(tap, ids, 6), chunked(tap, ids, 20)) <= 1e-9


def test_visible_narrows_what_is_held(tap: RopeTap) -> None:
    ids = words(18)
    first = tap.run(ids[:, :6], positions=line(tap, 0, 6))
    held = joined(tap, None, first, line(tap, 0, 6))
    rest = ids[:, 6:]
    only = Held([k[:, :, 2:] for k in held.keys], [v[:, :, 2:] for v in held.values], held.bias, 6)
    visible = torch.ones(12, 6, dtype=torch.bool)
    visible[:, :2] = False
    narrowed = tap.run(rest, positions=line(tap, 6, 12), held=held, visible=visible).hidden
    cut = tap.run(rest, positions=line(tap, 6, 12), held=only).hidden
    everything = tap.run(rest, positions=line(tap, 6, 12), held=held).hidden
    assert worst(narrowed, cut) <= 1e-12
    assert worst(narrowed, everything) > 1e-4
    # Row by row: the last token alone may see what the others may not.
    visible[-1] = True
    one = tap.run(rest, positions=line(tap, 6, 12), held=held, visible=visible).hidden
    assert worst(one[:, :-1], narrowed[:, :-1]) <= 1e-12
    assert worst(one[:, -1], narrowed[:, -1]) > 1e-4


@pytest.mark.parametrize("q", [1, 4])
def test_a_bias_of_log_three_is_three_equal_keys(tap: RopeTap, q: int) -> None:
    ids = words(6 + q)
    first = tap.run(ids[:, :6], positions=line(tap, 0, 6))
    held = joined(tap, None, first, line(tap, 0, 6))
    thrice = Held(
        [torch.cat((k, k[:, :, :1], k[:, :, :1]), dim=2) for k in held.keys],
        [torch.cat((v, v[:, :, :1], v[:, :, :1]), dim=2) for v in held.values],
        held.bias,
        6,
    )
    log = torch.tensor([3.0, 1, 1, 1, 1, 1], dtype=torch.float64).log()
    sized = Held(held.keys, held.values, [log] * 3, 6)
    got = [
        tap.run(ids[:, 6:], positions=line(tap, 6, q), held=h).hidden for h in (sized, thrice, held)
    ]
    assert worst(got[0], got[1]) <= 1e-12
    assert worst(got[0], got[2]) > 1e-5


def test_layers_may_hold_different_numbers_of_tokens(tap: RopeTap) -> None:
    ids = words(14)
    first = tap.run(ids[:, :6], positions=line(tap, 0, 6))
    held = joined(tap, None, first, line(tap, 0, 6))
    cuts = (6, 3, 0)
    uneven = Held(
        [k[:, :, :n] for k, n in zip(held.keys, cuts, strict=True)],
        [v[:, :, :n] for v, n in zip(held.values, cuts, strict=True)],
        held.bias,
        6,
    )
    places = line(tap, 6, 8)
    made = tap.run(ids[:, 6:], positions=places, held=uneven)
    full = tap.run(ids[:, 6:], positions=places, held=held)
    assert torch.equal(made.keys[1], full.keys[1])  # Layer 0 reads the same.
    assert worst(made.keys[2], full.keys[2]) > 1e-5  # Layer 1 does not.


def test_vectors_are_as_good_as_words(tap: RopeTap, llama: Any) -> None:
    ids = words(9)
    by_ids = tap.run(ids, positions=line(tap, 0, 9)).hidden
    vectors = llama.get_input_embeddings()(ids)
    assert torch.equal(tap.run(embeds=vectors, positions=line(tap, 0, 9)).hidden, by_ids)
    assert torch.equal(tap.run(ids[0], positions=line(tap, 0, 9)).hidden, by_ids)


def test_scaled_scores_are_the_models_own() -> None:
    for config in (
        hf.CohereConfig(**TEXT, logit_scale=0.3),
        hf.GraniteConfig(**TEXT, logits_scaling=7.0),
    ):
        model = shaken(hf.AutoModelForCausalLM.from_config(config))
        ids = words(12)
        with RopeTap(model, trig64=False) as tap, torch.no_grad():
            scores = tap.logits(tap.run(ids, positions=line(tap, 0, 12)).hidden)
            assert torch.equal(scores, model(ids).logits)


def _as_found(model: Any) -> tuple[Any, ...]:
    decoder = model.get_decoder()
    return (
        decoder.config._attn_implementation,
        "forward" in decoder.rotary_emb.__dict__,
        [name for name, _ in model.named_modules()],
    )


def test_a_failed_run_leaves_the_model_as_it_was(
    llama: Any, tap: RopeTap, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _as_found(llama)
    ids = words(8)
    plain = llama(ids).logits

    def breaks(*args: Any, **rest: Any) -> None:
        raise RuntimeError("a layer broke")

    monkeypatch.setattr(llama.model.layers[1].mlp, "forward", breaks)
    with pytest.raises(RuntimeError, match="a layer broke"):
        tap.run(ids, positions=line(tap, 0, 8))
    monkeypatch.undo()
    assert _as_found(llama) == before
    assert torch.equal(llama(ids).logits, plain)
    assert tap.run(ids, positions=line(tap, 0, 8)).hidden.shape == (1, 8, 32)


def test_leaving_frees_the_model_even_after_an_error(llama: Any) -> None:
    before = _as_found(llama)
    with pytest.raises(RuntimeError, match="outside"), RopeTap(llama):
        raise RuntimeError("outside")
    assert _as_found(llama) == before
    with RopeTap(llama) as tap:
        tap.run(words(3), positions=line(tap, 0, 3))
    with pytest.raises(UsageError, match="not installed"):
        tap.run(words(3), positions=line(tap, 0, 3))


def test_two_taps_on_one_model_are_an_error(llama: Any) -> None:
    with RopeTap(llama), pytest.raises(UsageError, match="already has a tap"), RopeTap(llama):
        pass
    with RopeTap(llama), RopeTap(tiny("qwen2")):
        pass


def test_a_call_of_the_model_from_another_thread_during_a_run_is_told(
    llama: Any, tap: RopeTap
) -> None:
    from threading import Thread

    found: list[BaseException] = []
    mlp = llama.model.layers[0].mlp
    own = mlp.forward

    def elsewhere() -> None:
        try:
            llama(words(3))
        except BackendError as error:
            found.append(error)

    def meanwhile(x: Tensor) -> Tensor:
        mlp.forward = own
        thread = Thread(target=elsewhere)
        thread.start()
        thread.join()
        return own(x)

    mlp.forward = meanwhile
    tap.run(words(5), positions=line(tap, 0, 5))
    assert len(found) == 1
    assert "another thread" in str(found[0])


def test_another_thread_may_rotate_keys_during_a_run(llama: Any, tap: RopeTap) -> None:
    from threading import Thread

    x, places = torch.randn(2, 5, 8, dtype=torch.float64), line(tap, 3, 5)
    turned = tap.rotate(x, places)
    found: list[Tensor] = []
    mlp = llama.model.layers[0].mlp
    own = mlp.forward

    def meanwhile(y: Tensor) -> Tensor:
        mlp.forward = own
        thread = Thread(target=lambda: found.append(tap.rotate(x, places)))
        thread.start()
        thread.join()
        return own(y)

    mlp.forward = meanwhile
    tap.run(words(5), positions=line(tap, 0, 5))
    assert len(found) == 1
    assert torch.equal(found[0], turned)


SLIDING = {"layer_types": ["full_attention", "sliding_attention", "full_attention"]}
REFUSED: dict[str, tuple[Any, str]] = {
    "sliding": (
        lambda: hf.Qwen3Config(
            **TEXT, head_dim=8, use_sliding_window=True, sliding_window=8, **SLIDING
        ),
        "sliding window",
    ),
    "soft cap and windows": (lambda: hf.Gemma2Config(**TEXT, head_dim=8), "sliding window"),
    "latent": (
        lambda: hf.DeepseekV3Config(**{**TEXT, "num_key_value_heads": 4}),
        "latent",
    ),
    "local and global angles": (
        lambda: hf.Gemma3TextConfig(**TEXT, head_dim=8, layer_types=["full_attention"] * 3),
        "different frequencies",
    ),
    "recurrent": (
        lambda: hf.Qwen3NextConfig(**TEXT, head_dim=8, num_experts=2, moe_intermediate_size=8),
        "linear or recurrent",
    ),
    "learned positions": (lambda: hf.GPT2Config(n_layer=2, n_embd=32, n_head=2), "rotary"),
    "ALiBi": (lambda: hf.BloomConfig(hidden_size=32, n_layer=2, n_head=2), "rotary"),
    "layers that do not rotate": (
        lambda: hf.SmolLM3Config(**TEXT, no_rope_layers=[1, 0, 1]),
        "NoPE",
    ),
    "norms after rotation": (lambda: hf.HunYuanDenseV1Config(**TEXT, head_dim=8), "other scores"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_exact_is_refused_with_its_reason(case: str) -> None:
    config, why = REFUSED[case]
    model = shaken(hf.AutoModelForCausalLM.from_config(config()))
    with pytest.raises(UnsupportedModel, match=why) as caught:
        RopeTap(model)
    assert caught.value.exit_code == 3


def test_sinks_are_refused() -> None:
    config = hf.GptOssConfig(
        **{**TEXT, "head_dim": 8}, num_local_experts=2, layer_types=["full_attention"] * 3
    )
    model = shaken(hf.AutoModelForCausalLM.from_config(config))
    with pytest.raises(UnsupportedModel, match=r"sinks|scaled-dot-product"):
        RopeTap(model)


def test_growing_frequencies_are_served_up_to_where_they_change() -> None:
    rope = {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10000.0}
    config = hf.LlamaConfig(**TEXT, max_position_embeddings=32, rope_parameters=rope)
    with RopeTap(shaken(hf.LlamaForCausalLM(config))) as tap:
        ids = words(20)
        assert worst(chunked(tap, ids, 6), chunked(tap, ids, 20)) <= 1e-9
        with pytest.raises(UnsupportedModel, match="beyond 32 positions"):
            tap.run(ids, positions=line(tap, 20, 20))


def test_training_mode_is_told(llama: Any) -> None:
    with pytest.raises(UsageError, match="training"):
        RopeTap(llama.train())


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"positions": torch.arange(4)[None]}, "4 positions were given for 5"),
        ({"positions": torch.arange(5)}, "positions are"),
        ({"positions": torch.zeros(3, 5, dtype=torch.long)}, "positions are"),
        ({"positions": torch.arange(5)[None], "embeds": torch.zeros(1, 5, 32)}, "either"),
        (
            {"positions": torch.arange(5)[None], "visible": torch.ones(5, 2, dtype=torch.bool)},
            "visible",
        ),
    ],
)
def test_wrong_shapes_are_told(tap: RopeTap, arguments: dict[str, Tensor], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        tap.run(words(5), **arguments)  # type: ignore[arg-type]


def test_text_positions_serve_a_model_of_three_axes() -> None:
    ids = words(11)
    with RopeTap(tiny("qwen2_5_vl")) as tap:
        one = tap.run(ids, positions=torch.arange(11)[None]).hidden
        assert torch.equal(one, tap.run(ids, positions=line(tap, 0, 11)).hidden)


@pytest.mark.slow
def test_the_real_model_is_bit_equal_and_reads_pieces_as_one_pass(offline_models: Any) -> None:
    chat = offline_models.chat
    model, ids = chat._model, torch.tensor([chat._tokenizer.encode(__doc__ * 8)])[:, :192]
    with torch.no_grad():
        plain = model(ids, use_cache=False).logits
    with RopeTap(model, trig64=False) as tap:
        made = tap.run(ids, positions=line(tap, 0, ids.shape[1]))
        assert torch.equal(tap.logits(made.hidden), plain)
        pieces = tap.logits(chunked(tap, ids, 64))
    assert worst(pieces, plain) <= 1e-3
    assert torch.equal(pieces.argmax(-1), plain.argmax(-1))
