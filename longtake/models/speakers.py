"""Whose voice it is: a vector for the voice in a stretch of speech.

The model is a small recurrent network trained to bring stretches of one voice together and those
of different voices apart, whatever is said and in whichever language (Wan et al., "Generalized
End-to-End Loss for Speaker Verification", ICASSP 2018). It hears mel spectrograms of 40 bands, 100
frames a second, in windows of 1.6 s; a longer stretch has the mean of its windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from longtake.errors import BackendError
from longtake.models.protocols import SAMPLE_RATE, Samples, Vectors
from longtake.models.quiet import torch_threads
from longtake.timecode import Span

if TYPE_CHECKING:
    import torch

_BANDS, _FFT, _HOP = 40, 400, 160
_WINDOW, _STEP = 160, 80  # frames of 10 ms
_LOUDNESS = 10 ** (-30 / 20)  # root mean square that quiet speech is raised to
_BATCH = 64
_SAME = 0.68
"""Mean cosine between the stretches of two groups from which they are one voice; see
docs/measurements.md for the voices it was chosen on."""


class Voices:
    """`Diarizer` over the weights of a GE2E voice encoder, kept as safetensors."""

    def __init__(self, weights: Path, name: str, *, threads: int = 0, same: float = _SAME) -> None:
        import torch
        from safetensors.torch import load_file
        from transformers.audio_utils import mel_filter_bank

        torch_threads(threads)
        state = load_file(weights)
        hidden, size = _shape(state, weights)
        self._lstm = torch.nn.LSTM(_BANDS, hidden, _layers(state), batch_first=True)
        self._linear = torch.nn.Linear(hidden, size)
        for module, prefix in ((self._lstm, "lstm."), (self._linear, "linear.")):
            own = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
            module.load_state_dict(own)
            module.eval()
        bank = mel_filter_bank(
            _FFT // 2 + 1, _BANDS, 0.0, SAMPLE_RATE / 2, SAMPLE_RATE,
            norm="slaney", mel_scale="slaney",
        )  # fmt: skip
        self._bank = torch.from_numpy(np.asarray(bank, np.float32))
        self._hann = torch.hann_window(_FFT)
        self._lock = Lock()
        self.name = name
        self.same = same
        self.dim = size

    def voices(self, samples: Samples, spans: Sequence[Span]) -> Vectors:
        """Return unit vectors [len(spans), dim], one for the voice in each span of `samples`."""
        import torch

        found = np.zeros((len(spans), self.dim), np.float32)
        if not spans:
            return found
        windows, owners = [], []
        for n, span in enumerate(spans):
            cut = samples[round(span.start * SAMPLE_RATE) : round(span.end * SAMPLE_RATE)]
            parts = _windows(self._mels(cut))
            windows += parts
            owners += [n] * len(parts)
        with self._lock, torch.inference_mode():
            rows = [self._forward(windows[i : i + _BATCH]) for i in range(0, len(windows), _BATCH)]
        np.add.at(found, owners, np.concatenate(rows))
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        return np.asarray(found / np.maximum(lengths, 1e-12), np.float32)

    def _mels(self, samples: Samples) -> torch.Tensor:
        """The sound as mel energies [frames, bands], quiet sound raised, at least one window."""
        import torch

        loud = float(np.sqrt(np.square(samples, dtype=np.float64).mean())) if len(samples) else 0.0
        raised = samples * max(1.0, _LOUDNESS / loud) if loud > 0 else samples
        short = max(0, _WINDOW * _HOP - len(raised))
        sound = torch.from_numpy(np.pad(np.asarray(raised, np.float32), (0, short)))
        spectrum = torch.stft(
            sound, _FFT, _HOP, window=self._hann, pad_mode="constant", return_complex=True
        )
        return spectrum.abs().square().T @ self._bank

    def _forward(self, windows: Sequence[torch.Tensor]) -> Any:
        import torch

        _, (hidden, _) = self._lstm(torch.stack(list(windows)))
        rows = torch.relu(self._linear(hidden[-1]))
        return torch.nn.functional.normalize(rows, dim=1).numpy()


def _windows(mels: torch.Tensor) -> list[torch.Tensor]:
    """Windows of 1.6 s every 0.8 s; the last one ends where the sound ends."""
    last = len(mels) - _WINDOW
    starts = sorted({*range(0, last, _STEP), max(0, last)})
    return [mels[start : start + _WINDOW] for start in starts]


def _layers(state: dict[str, Any]) -> int:
    return sum(key.startswith("lstm.weight_ih_l") for key in state)


def _shape(state: dict[str, Any], weights: Path) -> tuple[int, int]:
    """The sizes of the hidden state and of the vector.

    Raises:
        BackendError: these are not the weights of such a model.
    """
    first, out = state.get("lstm.weight_ih_l0"), state.get("linear.weight")
    if first is None or out is None or first.shape[1] != _BANDS:
        raise BackendError(
            f"{weights} does not hold the weights of a voice encoder",
            fix="longtake models pull speaker-ge2e --again",
        )
    return int(out.shape[1]), int(out.shape[0])
