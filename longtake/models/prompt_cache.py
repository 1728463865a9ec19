"""The keys and values of the last prompt, kept for what the next prompt shares with it.

Decisions about one question come in rows: the same instructions and question, another passage or
the same options in another order. Only what differs is run again. Prompts are run in blocks that
begin at fixed places, and a block is used again whole or not at all; so a score does not depend,
not by its last bit, on what was scored before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

BLOCK = 64
"""Tokens run at once; what two prompts share is used again down to a multiple of it."""


class PromptCache:
    """Scores continuations of prompts over one causal language model.

    `ran` and `reused` count tokens of prompts. A model whose cache cannot be cut back (sliding
    windows, recurrent states) is run anew for each prompt and each longer continuation.
    """

    def __init__(self, model: Any, *, reuse: bool = True) -> None:
        self._model = model
        self._reuse = reuse
        self._kept: Any = None
        self._tokens: list[int] = []
        self.ran = 0
        self.reused = 0

    def continuations(self, prompt: list[int], tails: Sequence[Sequence[int]]) -> list[float]:
        """Return the log-probability of each tail after the prompt."""
        import torch

        with torch.inference_mode():
            try:
                first = self._run(prompt)
                return [self._tail(prompt, first, list(tail)) for tail in tails]
            except BaseException:
                self._kept, self._tokens = None, []  # it may hold half a block
                raise

    def _run(self, prompt: list[int]) -> Any:
        """Run a prompt and return the log-probabilities of what comes next."""
        kept = self._shared(prompt)
        if kept:
            self._cut(kept)
        else:
            self._kept = None
        self.reused += kept
        self.ran += len(prompt) - kept
        self._tokens = prompt
        last = None
        for at in range(kept, len(prompt), BLOCK):
            last = self._forward(prompt[at : at + BLOCK])[-1:]
        return _log_softmax(last)[0]

    def _shared(self, prompt: list[int]) -> int:
        """How many tokens of the prompt need not be run, a multiple of a block and not all."""
        if self._kept is None or not self._reuse or not self._croppable():
            return 0
        same = 0
        for old, new in zip(self._tokens, prompt, strict=False):
            if old != new:
                break
            same += 1
        return min(same, len(prompt) - 1) // BLOCK * BLOCK

    def _tail(self, prompt: list[int], first: Any, tail: list[int]) -> float:
        total = float(first[tail[0]])
        if len(tail) == 1:
            return total
        if not self._croppable():
            self._kept = None
            for at in range(0, len(prompt), BLOCK):
                self._forward(prompt[at : at + BLOCK])
        rows = _log_softmax(self._forward(tail[:-1]))
        total += sum(float(rows[i, token]) for i, token in enumerate(tail[1:]))
        if self._croppable():
            self._cut(len(prompt))
        return total

    def _forward(self, tokens: list[int]) -> Any:
        import torch

        ids = torch.tensor([tokens], device=self._model.device)
        out = self._model(ids, past_key_values=self._kept, use_cache=True)
        self._kept = out.past_key_values
        return out.logits[0]

    def _croppable(self) -> bool:
        """Whether every layer keeps all keys, so that the last ones can be taken off again."""
        layers = getattr(self._kept, "layers", None)
        return bool(layers) and all(
            type(layer).__name__ == "DynamicLayer" for layer in layers or ()
        )

    def _cut(self, length: int) -> None:
        for layer in self._kept.layers:
            layer.keys = layer.keys[..., :length, :]
            layer.values = layer.values[..., :length, :]


def _log_softmax(rows: Any) -> Any:
    import torch

    return torch.log_softmax(rows.float(), -1)
