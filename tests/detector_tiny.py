"""Tiny detectors with random weights, one folder for each class, as a hub would serve them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers as hf

LABELS = ("red square", "blue square", "dog")
"""What open detectors are asked for in the tests."""
CLASSES = {0: "square", 1: "disc", 2: "person", 3: "dog"}
_RESNET: dict[str, Any] = {
    "embedding_size": 8,
    "hidden_sizes": [8, 12, 16, 24],
    "depths": [1, 1, 1, 1],
    "layer_type": "basic",
}


def _closed(kind: str) -> tuple[Any, Any]:
    shared: dict[str, Any] = {"id2label": CLASSES, "label2id": {v: k for k, v in CLASSES.items()}}
    if kind == "detr":
        backbone = hf.ResNetConfig(**_RESNET, out_features=["stage4"])
        config = hf.DetrConfig(
            backbone_config=backbone, use_timm_backbone=False, use_pretrained_backbone=False,
            d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
            decoder_attention_heads=2, encoder_ffn_dim=24, decoder_ffn_dim=24, num_queries=12,
            **shared,
        )  # fmt: skip
        size = {"shortest_edge": 64, "longest_edge": 96}
        return hf.DetrForObjectDetection(config), hf.DetrImageProcessorPil(size=size)
    backbone = hf.RTDetrResNetConfig(**_RESNET, out_features=["stage2", "stage3", "stage4"])
    sizes: dict[str, Any] = {
        "backbone_config": backbone, "encoder_hidden_dim": 16, "d_model": 16,
        "encoder_in_channels": [12, 16, 24], "feat_strides": [8, 16, 32], "encoder_layers": 1,
        "encoder_ffn_dim": 24, "encoder_attention_heads": 2, "decoder_layers": 2,
        "decoder_ffn_dim": 24, "decoder_attention_heads": 2, "decoder_in_channels": [16, 16, 16],
        "num_queries": 20, "num_denoising": 0, "hidden_expansion": 1.0, **shared,
    }  # fmt: skip
    processor = hf.RTDetrImageProcessorPil(size={"height": 64, "width": 64})
    if kind == "rt_detr":
        return hf.RTDetrForObjectDetection(hf.RTDetrConfig(**sizes)), processor
    return hf.RTDetrV2ForObjectDetection(hf.RTDetrV2Config(**sizes)), processor


def _owlv2(folder: Path) -> tuple[Any, Any]:
    letters = [chr(n) for n in range(ord("a"), ord("z") + 1)]
    pieces = [
        *letters,
        *(f"{letter}</w>" for letter in letters),
        "<|startoftext|>",
        "<|endoftext|>",
    ]
    (folder / "vocab.json").write_text(json.dumps({piece: n for n, piece in enumerate(pieces)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    words = hf.CLIPTokenizer.from_pretrained(folder, model_max_length=16, pad_token="<|endoftext|>")
    text = {"vocab_size": len(pieces), "hidden_size": 16, "intermediate_size": 24,
            "num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": 16,
            "pad_token_id": 53, "bos_token_id": 52, "eos_token_id": 53}  # fmt: skip
    vision = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1,
              "num_attention_heads": 2, "image_size": 48, "patch_size": 8}  # fmt: skip
    config = hf.Owlv2Config(text_config=text, vision_config=vision, projection_dim=16)
    eyes = hf.Owlv2ImageProcessorPil(size={"height": 48, "width": 48})
    return hf.Owlv2ForObjectDetection(config), hf.Owlv2Processor(eyes, words)


def _grounding_dino(folder: Path) -> tuple[Any, Any]:
    letters = [chr(n) for n in range(ord("a"), ord("z") + 1)]
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "?"]
    pieces = [*marks, "red", "blue", "square", *letters, *(f"##{letter}" for letter in letters)]
    (folder / "vocab.txt").write_text("\n".join(pieces))
    words = hf.BertTokenizer.from_pretrained(folder)
    text = hf.BertConfig(
        vocab_size=len(pieces), hidden_size=16, intermediate_size=24, num_hidden_layers=1,
        num_attention_heads=2, max_position_embeddings=64,
    )  # fmt: skip
    backbone = hf.SwinConfig(
        image_size=64, embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2], window_size=4,
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = hf.GroundingDinoConfig(
        backbone_config=backbone, text_config=text, use_timm_backbone=False, d_model=32,
        num_queries=12, encoder_layers=1, encoder_ffn_dim=24, encoder_attention_heads=2,
        decoder_layers=2, decoder_ffn_dim=24, decoder_attention_heads=2, num_feature_levels=4,
        max_text_len=32,
    )  # fmt: skip
    size = {"shortest_edge": 64, "longest_edge": 96}
    eyes = hf.GroundingDinoImageProcessorPil(size=size)
    return hf.GroundingDinoForObjectDetection(config), hf.GroundingDinoProcessor(eyes, words)


KINDS: dict[str, Callable[[Path], tuple[Any, Any]]] = {
    "rt_detr": lambda _: _closed("rt_detr"),
    "rt_detr_v2": lambda _: _closed("rt_detr_v2"),
    "detr": lambda _: _closed("detr"),
    "owlv2": _owlv2,
    "grounding_dino": _grounding_dino,
}
OPEN = ("owlv2", "grounding_dino")


def saved(kind: str, folder: Path) -> Path:
    """Save a tiny detector of this kind to a folder, weights and processor; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(7)
    model, processor = KINDS[kind](folder)
    model.eval().save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
