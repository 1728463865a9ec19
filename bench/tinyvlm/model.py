"""The model: LLaVA-OneVision's parts at the size of a toy, and a vocabulary of whole words.

A SigLIP tower over 36 patches of 8 × 8 pixels, LLaVA's projector and pooling (9 tokens a frame) and
a Qwen2 decoder. Nothing in it is ours, so frames go through the real adapter and the decoder under
the real `RopeTap`. Weights are kept as float16 and computed with as float32.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from bench.tinyvlm.worlds import SIDE
from longtake.memory.kv.session import MARK, Wording

HERE = Path(__file__).parent
WEIGHTS = HERE / "weights" / "tinyvlm.safetensors"
TOKENS = 9
"""Tokens of a frame."""
WINDOW = 24
"""Frames of the longest stream it is trained on."""
WORDING = Wording("watch :", f"ask {MARK}")
"""How a stream begins and a question is put; its answer follows at once."""
LOOK = {"image_mean": [0.3, 0.3, 0.3], "image_std": [0.25, 0.25, 0.25]}
_PATCH = 8


@cache
def words() -> dict[str, int]:
    """Return word → id."""
    found: dict[str, int] = json.loads((HERE / "vocabulary.json").read_text("utf-8"))
    return found


def tokenizer() -> Any:
    """Return the tokenizer: words between blanks."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(WordLevel(words(), unk_token="<unknown>"))
    made.pre_tokenizer = WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=made, unk_token="<unknown>",
                                   eos_token="<end>", pad_token="<pad>")  # fmt: skip


def built(seed: int = 0) -> Any:
    """Return the model with random weights, float32, in eval mode."""
    import torch
    from transformers import (
        LlavaOnevisionConfig,
        LlavaOnevisionForConditionalGeneration,
        Qwen2Config,
        SiglipVisionConfig,
    )

    vocabulary = words()
    text = Qwen2Config(
        vocab_size=len(vocabulary), hidden_size=96, intermediate_size=256, num_hidden_layers=4,
        num_attention_heads=6, num_key_value_heads=3, head_dim=32, max_position_embeddings=4096,
        tie_word_embeddings=True, initializer_range=0.04, use_sliding_window=False,
        bos_token_id=None, eos_token_id=vocabulary["<end>"], pad_token_id=vocabulary["<pad>"],
    )  # fmt: skip
    vision = SiglipVisionConfig(
        hidden_size=80, intermediate_size=192, num_hidden_layers=3, num_attention_heads=4,
        image_size=SIDE, patch_size=_PATCH, vision_use_head=False,
    )  # fmt: skip
    config = LlavaOnevisionConfig(
        text_config=text, vision_config=vision, vision_feature_layer=-1,
        image_token_index=vocabulary["<picture>"], video_token_index=vocabulary["<video>"],
        tie_word_embeddings=True,
    )  # fmt: skip
    torch.manual_seed(seed)
    return LlavaOnevisionForConditionalGeneration(config).float().eval()


def save(model: Any, path: Path) -> str:
    """Write the weights as float16; return their SHA-256."""
    import torch
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    kept = {name: value.to(torch.float16).contiguous()
            for name, value in model.state_dict().items() if name != "lm_head.weight"}  # fmt: skip
    save_file(kept, path)
    return sha256(path)


def loaded(path: Path = WEIGHTS) -> Any:
    """Return the model with the weights of a file, float32, in eval mode."""
    from safetensors.torch import load_file

    model = built()
    missing, unknown = model.load_state_dict(
        {name: value.float() for name, value in load_file(path).items()}, strict=False
    )
    if unknown or set(missing) - {"lm_head.weight"}:
        raise ValueError(f"{path} is not of this model: {missing[:2]} {unknown[:2]}")
    model.tie_weights()
    return model.eval()


def sha256(path: Path) -> str:
    """Hash a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
