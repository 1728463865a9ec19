"""Tiny random image–text models, saved as their makers save real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers as hf
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
from transformers.models.siglip2.image_processing_pil_siglip2 import Siglip2ImageProcessorPil

from longtake.models.protocols import Image

LENGTH = 16
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_TEXT = {
    "vocab_size": 40, "hidden_size": 32, "intermediate_size": 37, "num_hidden_layers": 2,
    "num_attention_heads": 2, "max_position_embeddings": LENGTH, "pad_token_id": 0,
    "bos_token_id": 2, "eos_token_id": 3,
}  # fmt: skip
_SIGHT = {
    "hidden_size": 32, "intermediate_size": 37, "num_hidden_layers": 2, "num_attention_heads": 2,
    "patch_size": 8,
}  # fmt: skip


def letters() -> Any:
    """A tokenizer of single letters; it knows no length at which to cut."""
    signs = ["<pad>", "<unk>", "<bos>", "<eos>", *_LETTERS]
    made = Tokenizer(models.WordLevel({s: n for n, s in enumerate(signs)}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    made.post_processor = processors.TemplateProcessing(
        single="<bos> $A <eos>", special_tokens=[("<bos>", 2), ("<eos>", 3)]
    )
    return hf.PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", unk_token="<unk>", bos_token="<bos>",
        eos_token="<eos>",
    )  # fmt: skip


def save(family: str, place: Path) -> Path:
    """Save a model of a family with its processor; return its folder."""
    torch.manual_seed(5)
    side = {"height": 32, "width": 32}
    processor: Any
    if family == "clip":
        config: Any = hf.CLIPConfig(
            text_config=_TEXT, vision_config=_SIGHT | {"image_size": 32}, projection_dim=24
        )
        cut = CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=side)
        processor = hf.CLIPProcessor(cut, letters())
    elif family == "siglip":
        config = hf.SiglipConfig(text_config=_TEXT, vision_config=_SIGHT | {"image_size": 32})
        processor = hf.SiglipProcessor(SiglipImageProcessorPil(size=side), letters())
    else:
        config = hf.Siglip2Config(text_config=_TEXT, vision_config=_SIGHT | {"num_patches": 16})
        cut = Siglip2ImageProcessorPil(patch_size=8, max_num_patches=16)
        processor = hf.Siglip2Processor(cut, letters())
    hf.AutoModel.from_config(config).save_pretrained(place)
    processor.save_pretrained(place)
    return place


def save_sentence_clip(clip: Path, place: Path) -> Path:
    """Save the CLIP model of a folder as sentence-transformers keeps it."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Transformer

    SentenceTransformer(modules=[Transformer(str(clip))]).save(str(place))
    return place


def pictures(count: int) -> list[Image]:
    """Noise of several shapes."""
    return [
        np.random.default_rng(n).integers(0, 256, (24 + 9 * n, 70 - 8 * n, 3), dtype=np.uint8)
        for n in range(count)
    ]
