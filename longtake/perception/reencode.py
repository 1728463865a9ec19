"""The tracks of a recording: packets are copied, or encoded anew where Matroska cannot hold them.

Cameras give raw pictures, telephones and old cameras sound in codecs of their own. Pictures become
H.264 (MPEG-4 where that encoder is missing), sound FLAC. The packets of both kinds of track carry
stream time; a track's `template` tells the muxer what they are.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from typing import Any

_TICKS = Fraction(1, 90_000)
_KEYFRAMES = 2  # seconds between keyframes
_RAW = {"rawvideo", "wrapped_avframe"}
_ENCODERS: dict[str, dict[str, str]] = {
    "libx264": {"preset": "ultrafast", "tune": "zerolatency", "crf": "23"},
    "mpeg4": {},
}
"""The first that is there is taken."""


class Copied:
    """A track whose packets are kept as they are."""

    def __init__(self, stream: Any) -> None:
        self.template = stream

    def packets(self, packet: Any) -> list[Any]:
        """What is kept of a packet."""
        return [packet]

    def rest(self) -> list[Any]:
        """What is still to come at the end."""
        return []


class Encoded:
    """A track that is decoded and encoded anew; damaged packets are left out."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._head: Any = None
        self._resampler: Any = None
        self._last = -1

    @property
    def template(self) -> Any:
        """The encoder's stream."""
        if self._head is None:
            self._begin(self._stream.codec_context)
        return self._head.streams[0]

    def packets(self, packet: Any) -> list[Any]:
        """What is kept of a packet."""
        from longtake.perception.media import decoded

        made: list[Any] = []
        for frame in decoded(self._stream.codec_context, packet) or []:
            if self._head is None:
                self._begin(frame)
            fitted = self._sound(frame) if self._resampler else self._picture(frame)
            for one in fitted:
                made += self.template.encode(one)
        return made

    def rest(self) -> list[Any]:
        """What is still to come at the end."""
        if self._head is None:
            return []
        fitted = self._resampler.resample(None) if self._resampler else []
        made = [packet for one in fitted for packet in self.template.encode(one)]
        return made + list(self.template.encode(None))

    def _begin(self, frame: Any) -> None:
        """Open the encoder for frames like this one, or as the stream's decoder says."""
        import av

        self._head = av.open(io.BytesIO(), "w", format="matroska")  # holds the encoder, no data
        if self._stream.type == "audio":
            out = self._head.add_stream("flac", rate=frame.sample_rate)
            out.layout = frame.layout.name
            self._head.start_encoding()
            self._resampler = av.AudioResampler(
                format=out.codec_context.format, layout=frame.layout.name, rate=frame.sample_rate,
                frame_size=out.codec_context.frame_size,
            )  # fmt: skip
            return
        rate = self._stream.average_rate or self._stream.guessed_rate or 25
        name = next(one for one in _ENCODERS if one in av.codecs_available)
        out = self._head.add_stream(name, rate=Fraction(rate), options=dict(_ENCODERS[name]))
        out.width, out.height, out.pix_fmt = frame.width & ~1, frame.height & ~1, "yuv420p"
        context = out.codec_context
        context.gop_size = max(1, round(rate * _KEYFRAMES))
        if name == "mpeg4":
            context.bit_rate = 4_000_000
        context.time_base = _TICKS if name != "mpeg4" else Fraction(1, 1000)
        self._head.start_encoding()

    def _picture(self, frame: Any) -> Iterator[Any]:
        context = self.template.codec_context
        fitted = frame.reformat(context.width, context.height, "yuv420p")
        base = context.time_base
        self._last = fitted.pts = max(self._last + 1, round(frame.pts * frame.time_base / base))
        fitted.time_base, fitted.pict_type = base, 0
        yield fitted

    def _sound(self, frame: Any) -> Iterator[Any]:
        import av

        try:
            yield from self._resampler.resample(frame)
        except (av.error.FFmpegError, ValueError):
            self._resampler.resample(None)
            return


def kept_as(stream: Any) -> Copied | Encoded:
    """Choose how a stream is kept."""
    name = stream.codec_context.name
    return Encoded(stream) if name in _RAW or name not in _held_by_matroska() else Copied(stream)


@cache
def _held_by_matroska() -> frozenset[str]:
    import av

    with av.open(io.BytesIO(), "w", format="matroska") as container:
        return frozenset(container.supported_codecs)
