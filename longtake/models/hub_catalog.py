"""The models of the bigger profiles, as they are named on the model hub.

`PLANS` says which one does what in which profile; `HUB` says of each what a person wants to know
before a download: how much it is, under which licence, and at which revision it is taken.

Sizes are those of the files that are fetched (weights, tokenizer, configuration), rounded, from
the numbers of parameters that the models' makers give; the hub is asked for exact ones where it
can be reached. A revision of None means the hub's newest, whichever that is: nobody has pinned it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HubModel:
    """One repository of the hub; `bytes` is about what is fetched, `kind` what it does here.

    `pickled` repositories hold their weights as a torch pickle only: it is read with
    `weights_only=True` when it is fetched and kept as safetensors.
    """

    name: str
    kind: str
    about: str
    revision: str | None
    bytes: int
    licence: str
    pickled: bool = False


_ALL = (
    HubModel(
        "Systran/faster-whisper-small", "transcriber", "speech in 99 languages to words",
        "536b0662742c02347bc0e980a01041f333bce120", 486_000_000, "MIT",
    ),
    HubModel(
        "mobiuslabsgmbh/faster-whisper-large-v3-turbo", "transcriber",
        "speech in 99 languages to words, fewer errors",
        "0a363e9161cbc7ed1431c9597a8ceaf0c4f78fcf", 1_620_000_000, "MIT",
    ),
    HubModel(
        "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2", "text_encoder",
        "sentence vectors, 384 numbers, 50 languages",
        "e8f8c211226b894fcb81acc59f3b34ba3efd5f42", 490_000_000, "Apache-2.0",
    ),
    HubModel(
        "BAAI/bge-m3", "text_encoder", "sentence vectors, 1024 numbers, 100 languages",
        "5617a9f61b028005a4858fdac845db406aefb181", 2_290_000_000, "MIT", pickled=True,
    ),
    HubModel(
        "cross-encoder/mmarco-mMiniLMv2-L12-H384-v1", "reranker",
        "reads query and passage together, 14 languages",
        "1427fd652930e4ba29e8149678df786c240d8825", 490_000_000, "Apache-2.0",
    ),
    HubModel(
        "BAAI/bge-reranker-v2-m3", "reranker", "reads query and passage together, 100 languages",
        "953dc6f6f85a1b2dbfca4c34a2796e7dde08d41e", 2_290_000_000, "Apache-2.0",
    ),
    HubModel(
        "google/siglip2-base-patch16-224", "encoders", "images and texts in one space",
        "75de2d55ec2d0b4efc50b3e9ad70dba96a7b2fa2", 1_540_000_000, "Apache-2.0",
    ),
    HubModel(
        "google/siglip2-so400m-patch14-384", "encoders", "images and texts in one space, finer",
        "e8e487298228002f3d8a82e0cd5c8ea9c567f57f", 4_580_000_000, "Apache-2.0",
    ),
    HubModel(
        "HuggingFaceTB/SmolVLM2-500M-Video-Instruct", "captioner", "a small model with eyes",
        "7b375e1b73b11138ff12fe22c8f2822d8fe03467", 2_040_000_000, "Apache-2.0",
    ),
    HubModel(
        "Qwen/Qwen3-VL-4B-Instruct", "captioner", "a model with eyes, many languages",
        "ebb281ec70b05090aa6165b016eac8ec08e71b17", 8_890_000_000, "Apache-2.0",
    ),
    HubModel(
        "PekingU/rtdetr_v2_r18vd", "detector", "finds 80 kinds of things and where they are",
        None, 81_000_000, "Apache-2.0",
    ),
    HubModel(
        "PekingU/rtdetr_v2_r50vd", "detector",
        "finds 80 kinds of things and where they are, fewer errors",
        None, 172_000_000, "Apache-2.0",
    ),
    HubModel(
        "Qwen/Qwen3-0.6B", "chat", "a small language model",
        "c1899de289a04d12100db370d81485cdf75e47ca", 1_520_000_000, "Apache-2.0",
    ),
    HubModel(
        "Qwen/Qwen3-4B", "chat", "a language model",
        "1cfa9a7208912126459214e8b04321603b3df60c", 8_060_000_000, "Apache-2.0",
    ),
)  # fmt: skip

HUB: dict[str, HubModel] = {one.name: one for one in _ALL}

PLANS: dict[str, dict[str, str]] = {
    "cpu": {
        "transcriber": "Systran/faster-whisper-small",
        "text_encoder": "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2",
        "chat": "Qwen/Qwen3-0.6B",
        "captioner": "HuggingFaceTB/SmolVLM2-500M-Video-Instruct",
        "encoders": "google/siglip2-base-patch16-224",
        "detector": "PekingU/rtdetr_v2_r18vd",
        "reranker": "cross-encoder/mmarco-mMiniLMv2-L12-H384-v1",
    },
    "gpu": {
        "transcriber": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
        "text_encoder": "BAAI/bge-m3",
        "chat": "Qwen/Qwen3-4B",
        "captioner": "Qwen/Qwen3-VL-4B-Instruct",
        "encoders": "google/siglip2-so400m-patch14-384",
        "detector": "PekingU/rtdetr_v2_r50vd",
        "reranker": "BAAI/bge-reranker-v2-m3",
    },
}
"""Profile → kind of model → its name on the hub."""

CORE = ("transcriber", "text_encoder", "chat")
"""What must be on this machine for `auto` to take a profile; the rest it takes where it is here."""
