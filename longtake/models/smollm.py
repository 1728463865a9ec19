"""A local language model through transformers: from a GGUF file or a folder of weights.

Control asks for `score`: the log-probability of short labels. The prompt is run once; its cache
serves every label, and what the next prompt shares with it is not run again (`PromptCache`).
Everything is at temperature 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from longtake.errors import BackendError, UsageError
from longtake.models.prompt_cache import PromptCache
from longtake.models.quiet import offline, torch_threads


class LocalChat:
    """`ChatModel` with log-probabilities over a causal language model on this machine.

    Args:
        model: a GGUF file, or a folder with config, tokenizer and safetensors.
        context: the most tokens a prompt may have; the middle of a longer one is left out.
        reuse: keep the cache of the last prompt for what the next one shares with it.

    `cache` tells how many tokens were run and how many were not run again.
    """

    scores = True

    def __init__(
        self,
        model: Path,
        name: str,
        *,
        threads: int = 0,
        context: int = 2048,
        device: str = "cpu",
        reuse: bool = True,
    ) -> None:
        with offline():
            from transformers import AutoModelForCausalLM, AutoTokenizer

            gguf = model.is_file()
            place, kind = (model.parent, {"gguf_file": model.name}) if gguf else (model, {})
            self._tokenizer: Any = AutoTokenizer.from_pretrained(
                place, local_files_only=True, **kind
            )
            self._model: Any = AutoModelForCausalLM.from_pretrained(
                place, local_files_only=True, dtype=_dtype(device), **kind
            )
        torch_threads(threads)
        self._model.eval().to(device)
        self._model.generation_config.temperature = None
        self._model.generation_config.top_p = None
        self._model.generation_config.top_k = None
        self._device = device
        self._lock = Lock()
        self.cache = PromptCache(self._model, reuse=reuse)
        self.name = name
        self._context = min(
            context, int(getattr(self._model.config, "max_position_embeddings", context))
        )

    @property
    def parts(self) -> tuple[Any, Any]:
        """The model and the tokenizer, for a streamer that shares them."""
        return self._model, self._tokenizer

    def generate(
        self, messages: Sequence[tuple[str, str]], *, max_tokens: int, stop: Sequence[str] = ()
    ) -> str:
        """Continue a chat of (role, text) pairs, at temperature 0."""
        import torch

        ids = torch.tensor([self._prompt(messages)], device=self._device)
        with self._lock, torch.inference_mode():
            out = self._model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=max_tokens,
                do_sample=False,
                pad_token_id=self._tokenizer.eos_token_id,
                **({"stop_strings": list(stop), "tokenizer": self._tokenizer} if stop else {}),
            )
        text = self._tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True)
        cuts = [text.find(mark) for mark in stop if mark and mark in text]
        return str(text[: min(cuts)] if cuts else text).strip()

    def score(
        self,
        messages: Sequence[tuple[str, str]],
        labels: Sequence[str],
        *,
        per_token: bool = False,
    ) -> list[float]:
        """Return the log-probability of each label as the assistant's next words.

        Args:
            per_token: divide by the label's tokens, so that long labels may win too.
        """
        if not all(labels):
            raise UsageError("a label to score is empty")
        prompt = self._prompt(messages)
        told = [self._tokenizer.encode(label, add_special_tokens=False) for label in labels]
        with self._lock:
            found = self.cache.continuations(prompt, told)
        return [
            total / len(ids) if per_token else total for total, ids in zip(found, told, strict=True)
        ]

    def _prompt(self, messages: Sequence[tuple[str, str]]) -> list[int]:
        if not messages:
            raise UsageError("a chat needs at least one message")
        chat = [{"role": role, "content": self._tame(text)} for role, text in messages]
        try:
            text = self._tokenizer.apply_chat_template(
                chat, tokenize=False, add_generation_prompt=True
            )
        except ValueError as error:
            raise BackendError(f"{self.name} has no usable chat template: {error}") from error
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False)
        if len(ids) > self._context:  # Keep the instructions and the question at the end.
            head = self._context // 4
            ids = [*ids[:head], *ids[-(self._context - head) :]]
        return ids

    def _tame(self, text: str) -> str:
        """Break up what the tokenizer takes for a mark of turns: only the template may set those."""
        for mark in self._tokenizer.all_special_tokens:
            if len(mark) > 1 and mark in text:
                text = text.replace(mark, f"{mark[0]} {mark[1:]}")
        return text


def _dtype(device: str) -> Any:
    import torch

    return torch.float32 if device == "cpu" else torch.bfloat16
