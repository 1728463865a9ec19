"""Where somebody speaks: Silero VAD v6, which lies inside faster-whisper (no torch, no fetch)."""

from __future__ import annotations

from longtake.models.protocols import SAMPLE_RATE, Samples
from longtake.timecode import Span


class SileroVoice:
    """`VoiceActivity` by Silero VAD.

    Args:
        threshold: the probability from which a 32 ms block counts as speech.
        pause: silences shorter than this many seconds do not end a span.
        pad: seconds added before and after, so that soft first and last sounds are kept.
    """

    def __init__(self, *, threshold: float = 0.45, pause: float = 0.5, pad: float = 0.2) -> None:
        from faster_whisper.vad import VadOptions, get_vad_model

        get_vad_model()
        self.name = "silero-vad-v6"
        self._options = VadOptions(
            threshold=threshold,
            min_speech_duration_ms=200,
            min_silence_duration_ms=round(pause * 1000),
            speech_pad_ms=round(pad * 1000),
        )

    def speech(self, samples: Samples) -> list[Span]:
        """Return the spans that hold speech, in order, in seconds from the first sample."""
        from faster_whisper.vad import get_speech_timestamps

        if not len(samples):
            return []
        found = get_speech_timestamps(samples, self._options)
        last = len(samples)
        return [
            Span(span["start"] / SAMPLE_RATE, min(span["end"], last) / SAMPLE_RATE)
            for span in found
            if span["start"] < min(span["end"], last)
        ]
