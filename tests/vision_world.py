"""Tiny random vision-language models saved with their processors, as the hub's folders are laid out.

Each family's own configuration, image processor, marks of pictures and layout of a chat; only the
sizes are small. The tokenizer knows bytes and the family's marks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers as hf
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

from longtake.models.protocols import Image

SIDE = 32  # Pixels of the picture a tower of SigLIP sees.
TEXT: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 4096,
}
TOWER: dict[str, Any] = {
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": SIDE,
    "patch_size": 8,
}
QWEN_EYES: dict[str, Any] = {
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_heads": 2,
    "out_hidden_size": 32,
    "patch_size": 4,
}
MROPE = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [1, 1, 2]}
QWEN_MARKS = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
SMOL_MARKS = ("<image>", "<fake_token_around_image>", "<global-img>")

# How each family writes a user's turn and begins its own.
_EACH = (
    "{{% for m in messages %}}{before}{{% for c in m['content'] %}}"
    "{{% if c['type'] == 'image' %}}{picture}{{% else %}}{{{{ c['text'] }}}}{{% endif %}}"
    "{{% endfor %}}{after}{{% endfor %}}{{% if add_generation_prompt %}}{reply}{{% endif %}}"
)
_CHATML = {
    "before": "<|im_start|>{{ m['role'] }}\n",
    "after": "<|im_end|>\n",
    "reply": "<|im_start|>assistant\n",
}


@dataclass(frozen=True)
class Family:
    """How one family is built and how many tokens a picture of a size is to it.

    `several` counts one of several pictures in a request, `alone` the only one.
    """

    marks: tuple[str, ...]
    end: str
    chat: str
    named: dict[str, str]
    model: Callable[[Callable[[str], int], dict[str, Any]], Any]
    image_processor: Callable[[], Any]
    processor: Callable[[Any, Any], tuple[str, dict[str, Any]]]
    several: Callable[[int, int], int]
    alone: Callable[[int, int], int]


def _smolvlm(token: Callable[[str], int], text: dict[str, Any]) -> Any:
    return hf.SmolVLMForConditionalGeneration(
        hf.SmolVLMConfig(
            vision_config=hf.SmolVLMVisionConfig(**TOWER),
            text_config=hf.LlamaConfig(**text),
            image_token_id=token("<image>"),
            scale_factor=2,
            pad_token_id=text["pad_token_id"],
        )
    )


def _llava(token: Callable[[str], int], text: dict[str, Any]) -> Any:
    return hf.LlavaOnevisionForConditionalGeneration(
        hf.LlavaOnevisionConfig(
            vision_config=hf.SiglipVisionConfig(**TOWER),
            text_config=hf.Qwen2Config(**text),
            image_token_index=token("<image>"),
            video_token_index=token("<video>"),
            vision_feature_layer=-1,
            vision_feature_select_strategy="full",
            image_grid_pinpoints=[[SIDE, SIDE], [SIDE, 2 * SIDE], [2 * SIDE, SIDE]],
        )
    )


def _qwen_marks(token: Callable[[str], int]) -> dict[str, int]:
    return {
        "image_token_id": token("<|image_pad|>"),
        "video_token_id": token("<|video_pad|>"),
        "vision_start_token_id": token("<|vision_start|>"),
        "vision_end_token_id": token("<|vision_end|>"),
    }


def _qwen2_5_vl(token: Callable[[str], int], text: dict[str, Any]) -> Any:
    eyes = {**QWEN_EYES, "depth": 2, "window_size": 16, "fullatt_block_indexes": [1]}
    return hf.Qwen2_5_VLForConditionalGeneration(
        hf.Qwen2_5_VLConfig(
            vision_config={**eyes, "tokens_per_second": 4},
            text_config={**text, "rope_parameters": dict(MROPE)},
            **_qwen_marks(token),
        )
    )


def _qwen3_vl(token: Callable[[str], int], text: dict[str, Any]) -> Any:
    eyes = {**QWEN_EYES, "depth": 3, "deepstack_visual_indexes": [0, 1]}
    return hf.Qwen3VLForConditionalGeneration(
        hf.Qwen3VLConfig(
            vision_config={**eyes, "num_position_embeddings": 16},
            text_config={**text, "head_dim": 8, "rope_parameters": dict(MROPE)},
            **_qwen_marks(token),
        )
    )


def _gemma3(token: Callable[[str], int], text: dict[str, Any]) -> Any:
    return hf.Gemma3ForConditionalGeneration(
        hf.Gemma3Config(
            vision_config=hf.SiglipVisionConfig(**TOWER),
            text_config=hf.Gemma3TextConfig(**text, head_dim=8, sliding_window=64),
            mm_tokens_per_image=4,
            boi_token_index=token("<start_of_image>"),
            eoi_token_index=token("<end_of_image>"),
            image_token_index=token("<image_soft_token>"),
        )
    )


def _qwen_looks() -> Any:
    return hf.Qwen2VLImageProcessorPil(
        patch_size=4, merge_size=2, temporal_patch_size=2,
        size={"shortest_edge": 16 * 16, "longest_edge": 48 * 48},
    )  # fmt: skip


def _smol_looks() -> Any:
    return hf.SmolVLMImageProcessorPil(
        size={"longest_edge": 2 * SIDE}, max_image_size={"longest_edge": SIDE}
    )


def _llava_looks() -> Any:
    return hf.LlavaOnevisionImageProcessorPil(
        size={"height": SIDE, "width": SIDE},
        image_grid_pinpoints=[[SIDE, SIDE], [SIDE, 2 * SIDE], [2 * SIDE, SIDE]],
    )


def _gemma_looks() -> Any:
    return hf.Gemma3ImageProcessorPil(size={"height": SIDE, "width": SIDE})


def _qwen_tokens(height: int, width: int) -> int:
    """Patches of 4 merged by 2 × 2: one token for 8 × 8 pixels, at the size the model picks."""
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

    tall, wide = smart_resize(height, width, factor=8, min_pixels=16 * 16, max_pixels=48 * 48)
    return (tall // 8) * (wide // 8)


def _llava_alone(height: int, width: int) -> int:
    """Landscape 3:2 is placed on two tiles side by side, without its padding, and seen whole."""
    assert 2 * height > width > height
    tall, wide = 4, 8  # Tokens of the two tiles; rows of padding are cut off again.
    wide -= (wide - round(tall * width / height)) // 2 * 2
    return 16 + tall * wide + tall  # The whole, the tiles, and a mark at the end of each line.


FAMILIES: dict[str, Family] = {
    "smolvlm": Family(
        marks=(*SMOL_MARKS, "<|im_start|>", *(f"<row_{r}_col_{c}>" for r in (1, 2) for c in (1, 2))),
        end="<end_of_utterance>",
        chat=_EACH.format(before="<|im_start|>User:", picture="<image>",
                          after="<end_of_utterance>\n", reply="Assistant:"),
        named={},
        model=_smolvlm,
        image_processor=_smol_looks,
        processor=lambda looks, words: ("SmolVLMProcessor", {"image_seq_len": 4}),
        several=lambda height, width: 4,
        alone=lambda height, width: 4 * (2 * 2 + 1),
    ),
    "qwen2_5_vl": Family(
        marks=(*QWEN_MARKS, "<|im_start|>"),
        end="<|im_end|>",
        chat=_EACH.format(picture="<|vision_start|><|image_pad|><|vision_end|>", **_CHATML),
        named={},
        model=_qwen2_5_vl,
        image_processor=_qwen_looks,
        processor=lambda looks, words: ("Qwen2_5_VLProcessor", {}),
        several=_qwen_tokens,
        alone=_qwen_tokens,
    ),
    "qwen3_vl": Family(
        marks=(*QWEN_MARKS, "<|im_start|>"),
        end="<|im_end|>",
        chat=_EACH.format(picture="<|vision_start|><|image_pad|><|vision_end|>", **_CHATML),
        named={},
        model=_qwen3_vl,
        image_processor=_qwen_looks,
        processor=lambda looks, words: ("Qwen3VLProcessor", {}),
        several=_qwen_tokens,
        alone=_qwen_tokens,
    ),
    "llava_onevision": Family(
        marks=("<image>", "<video>", "<|im_start|>"),
        end="<|im_end|>",
        chat=_EACH.format(picture="<image>", **_CHATML),
        named={},
        model=_llava,
        image_processor=_llava_looks,
        processor=lambda looks, words: (
            "LlavaOnevisionProcessor",
            {"num_image_tokens": 16, "vision_feature_select_strategy": "full"},
        ),
        several=lambda height, width: 16 + 1,
        alone=_llava_alone,
    ),
    "gemma3": Family(
        marks=("<start_of_image>", "<end_of_image>", "<image_soft_token>", "<start_of_turn>", "<bos>"),
        end="<end_of_turn>",
        chat="<bos>" + _EACH.format(before="<start_of_turn>{{ m['role'] }}\n",
                                    picture="<start_of_image>", after="<end_of_turn>\n",
                                    reply="<start_of_turn>model\n"),
        named={"boi_token": "<start_of_image>", "eoi_token": "<end_of_image>",
               "image_token": "<image_soft_token>"},
        model=_gemma3,
        image_processor=_gemma_looks,
        processor=lambda looks, words: ("Gemma3Processor", {"image_seq_length": 4}),
        several=lambda height, width: 4,
        alone=lambda height, width: 4,
    ),
}  # fmt: skip


def tokenizer_of(family: Family) -> Any:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    marks = ["<pad>", family.end, *family.marks]
    plain = Tokenizer(models.BPE({token: n for n, token in enumerate([*letters, *marks])}, []))
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    plain.decoder = decoders.Fuse()  # A sign for each byte, whatever bytes they are.
    named: Any = dict(family.named)
    if "<bos>" in marks:
        named["bos_token"] = "<bos>"
        plain.post_processor = processors.TemplateProcessing(
            single="<bos> $A", special_tokens=[("<bos>", marks.index("<bos>") + len(letters))]
        )
    return hf.PreTrainedTokenizerFast(
        tokenizer_object=plain,
        pad_token="<pad>",
        eos_token=family.end,
        additional_special_tokens=list(family.marks),
        **named,
    )


def saved(name: str, folder: Path) -> Path:
    """Write a tiny model of the family as a folder of the hub holds it; the same one each time."""
    family = FAMILIES[name]
    words = tokenizer_of(family)
    words.save_pretrained(folder)
    marks = {
        "pad_token_id": words.pad_token_id,
        "eos_token_id": words.eos_token_id,
        "bos_token_id": words.bos_token_id or words.eos_token_id,
    }
    torch.manual_seed(7)
    model = family.model(
        words.convert_tokens_to_ids,
        {**TEXT, "vocab_size": len(words), "tie_word_embeddings": False, **marks},
    )
    with torch.no_grad():
        for parameter in model.parameters():  # Large enough that a picture tells in the words.
            parameter.add_(torch.randn(parameter.shape) * 0.05)
    model.generation_config = hf.GenerationConfig(**marks)
    model.eval().save_pretrained(folder)
    looks = family.image_processor()
    kind, told = family.processor(looks, words)
    seen = {key: one for key, one in looks.to_dict().items() if key != "image_processor_type"}
    plain = type(looks).__name__.removesuffix("Pil")
    write(folder / "preprocessor_config.json",
          {**seen, "image_processor_type": plain, "processor_class": kind})  # fmt: skip
    write(folder / "processor_config.json", {**told, "processor_class": kind})
    (folder / "chat_template.jinja").write_text(family.chat, "utf-8")
    return folder


def write(path: Path, told: dict[str, Any]) -> None:
    path.write_text(json.dumps(told, default=str), "utf-8")


def picture(seed: int, height: int = 40, width: int = 60) -> Image:
    """A picture of large coloured fields, another one for each seed."""
    small = np.random.default_rng(seed).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    rows = np.linspace(0, 4, height, endpoint=False).astype(int)
    columns = np.linspace(0, 6, width, endpoint=False).astype(int)
    return np.ascontiguousarray(small[rows][:, columns])


def film(seeds: Sequence[int]) -> tuple[Image, ...]:
    return tuple(picture(seed) for seed in seeds)
