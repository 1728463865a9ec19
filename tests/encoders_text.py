"""Tiny random text models, saved as sentence-transformers keeps them."""

from __future__ import annotations

from pathlib import Path

import torch
import transformers as hf

from tests.encoders_tiny import letters

_BERT = {
    "vocab_size": 40, "hidden_size": 32, "intermediate_size": 37, "num_hidden_layers": 2,
    "num_attention_heads": 2, "max_position_embeddings": 64, "pad_token_id": 0,
}  # fmt: skip


def save_bert(place: Path, **more: int) -> Path:
    """Save a network and its tokenizer; with `num_labels` one that judges pairs."""
    torch.manual_seed(3)
    config = hf.BertConfig(**_BERT, **more)
    kind = hf.BertForSequenceClassification if more else hf.BertModel
    kind(config).save_pretrained(place)
    letters().save_pretrained(place)
    return place


def save_sentences(place: Path, prompts: dict[str, str] | None = None) -> Path:
    """Save a sentence encoder, with what is put before queries and passages if anything."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling

    network = Transformer(str(save_bert(place / "network")))
    pool = Pooling(network.get_embedding_dimension())
    made = SentenceTransformer(modules=[network, pool], prompts=prompts)
    made.save(str(place / "model"))
    return place / "model"
