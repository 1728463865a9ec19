"""What a media file is, before any decoding: streams, duration, identity, and what is wrong.

`open_media` is the one door to PyAV: it takes local files only, closes the container always, and
turns every failure into one clear sentence.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from longtake.errors import EmptyMedia, NoSuchFile, Unreadable
from longtake.timecode import Seconds

_MIB = 1 << 20
_TRUSTED = {"mov", "matroska", "webm", "wav", "flac", "ogg", "avi", "flv", "asf"}
_STILL = {"image2", "gif_pipe", "jpeg_pipe", "png_pipe", "webp_pipe", "bmp_pipe", "tiff_pipe"}
_LEAST_BITS_PER_SECOND = 100  # a file thinner than this does not last as long as it says


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What the container says. `width` and `height` are as shown, after rotation."""

    duration: Seconds
    has_video: bool
    has_audio: bool
    width: int
    height: int
    fps: float
    rotation: int
    video_codec: str
    audio_codec: str
    size: int
    creation_time: str = ""
    """When the recording began, as the container writes it (ISO 8601), where it does."""


@dataclass(slots=True)
class Streams:
    """The streams worth decoding, and a word on those that are not."""

    video: Any | None = None
    audio: Any | None = None
    unknown: list[str] = field(default_factory=list)


def check_file(path: Path | str) -> Path:
    """Return the path of an existing, readable, non-empty file.

    Raises:
        NoSuchFile: nothing is there.
        Unreadable: it is a folder, or may not be read.
        EmptyMedia: it has no bytes.
    """
    path = Path(path)
    if not path.exists():
        raise NoSuchFile(f"there is no file {str(path)!r}", fix="check the path")
    if path.is_dir():
        raise Unreadable(f"{str(path)!r} is a folder", fix="name a file inside it")
    if not path.is_file():
        raise Unreadable(f"{str(path)!r} is not a regular file", fix="copy the video to a file")
    if not os.access(path, os.R_OK):
        raise Unreadable(
            f"permission to read {str(path)!r} is denied", fix="change the file's permissions"
        )
    if path.stat().st_size == 0:
        raise EmptyMedia(f"{str(path)!r} is empty (0 bytes)", fix="copy or download it again")
    return path


@contextmanager
def open_media(path: Path | str) -> Iterator[Any]:
    """Open a local media file with PyAV and close it in the end.

    Raises:
        NoSuchFile, Unreadable, EmptyMedia: see `check_file`; also what is not media.
    """
    import av

    path = check_file(path)
    quiet_logs()
    try:
        container = av.open(
            f"file:{path.absolute()}", metadata_errors="replace",
            options={"protocol_whitelist": "file"},
        )  # fmt: skip
    except PermissionError as error:
        raise Unreadable(
            f"permission to read {str(path)!r} is denied", fix="change the file's permissions"
        ) from error
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise Unreadable(
            f"{path.name!r} is not media that can be read, or its head or index is missing",
            fix="play it elsewhere to see if it is whole; copy or download it again",
        ) from error
    try:
        yield container
    finally:
        container.close()


@cache
def quiet_logs() -> None:
    """Keep FFmpeg's own chatter off stderr: what matters comes as a warning or an error.

    PyAV's way of taking messages into Python needs the interpreter's lock, and a decoder that
    waits for its own threads may hold it: two looks at the same time hung. So
    FFmpeg's own callback is put back, and told to be silent.
    """
    import av

    av.logging.set_level(None)
    av.logging.set_libav_level(av.logging.PANIC)
    av.logging.restore_default_callback()


def formats(container: Any) -> set[str]:
    """The demuxer's names."""
    return set(container.format.name.split(","))


def choose_streams(container: Any, name: str = "the file") -> Streams:
    """Choose the picture (first that is no cover art) and the sound (default, else first).

    Raises:
        EmptyMedia: the file has neither.
        Unreadable: it has, but in codecs that are not known, or it is a still picture.
    """
    chosen = Streams()
    if formats(container) & _STILL:
        raise Unreadable(f"{name!r} is a still picture, not a video", fix="name a video file")
    for stream in container.streams:
        if stream.type not in ("video", "audio") or _is_cover(stream):
            continue
        if stream.codec_context is None:
            chosen.unknown.append(f"{stream.type} track {stream.index}")
        elif stream.type == "video":
            chosen.video = chosen.video or stream
        elif chosen.audio is None or (_is_default(stream) and not _is_default(chosen.audio)):
            chosen.audio = stream
    if chosen.video is None and chosen.audio is None:
        if chosen.unknown:
            raise Unreadable(
                f"{name!r} uses a codec that is not known ({', '.join(chosen.unknown)})",
                fix="convert it to H.264 and AAC, for example with ffmpeg",
            )
        raise EmptyMedia(f"{name!r} has neither picture nor sound", fix="name a video file")
    return chosen


def _is_cover(stream: Any) -> bool:
    return stream.type == "video" and _disposed(stream, "attached_pic")


def _is_default(stream: Any) -> bool:
    return _disposed(stream, "default")


def _disposed(stream: Any, flag: str) -> bool:
    from av.stream import Disposition

    return bool(stream.disposition & getattr(Disposition, flag))


def zero_of(container: Any) -> Fraction:
    """The container's first timestamp, in seconds: where time 0 is."""
    return Fraction(container.start_time or 0, 1_000_000)


def stated_duration(container: Any) -> Seconds | None:
    """The duration that the container states, or None when it states none that can be believed."""
    if not container.duration or container.duration <= 0:
        return None
    seconds = container.duration / 1_000_000
    size = container.size or 0
    if size > 0 and size * 8 / seconds < _LEAST_BITS_PER_SECOND:
        return None
    return float(seconds)


def longest_credible(container: Any) -> Seconds:
    """The time beyond which a timestamp cannot be right."""
    stated = stated_duration(container)
    if stated is not None:
        return stated
    return max(0, container.size or 0) * 8 / _LEAST_BITS_PER_SECOND


def probe(path: Path | str) -> MediaInfo:
    """Say what the file holds, without decoding more than one picture.

    Raises:
        NoSuchFile, Unreadable, EmptyMedia: see `open_media` and `choose_streams`.
    """
    path = Path(path)
    if path.is_dir():
        from longtake.perception.segments import described_folder

        return described_folder(path)
    with open_media(path) as container:
        info = described(container, path.name)
        trusted = bool(formats(container) & _TRUSTED)
        duration = stated_duration(container) if trusted else None
    if duration is None:
        duration = measured_duration(path)
    if duration <= 0:
        raise EmptyMedia(f"{path.name!r} lasts no time", fix="copy or download it again")
    return replace(info, duration=duration, size=path.stat().st_size)


def described(container: Any, name: str) -> MediaInfo:
    """Say what an open container holds, all but its duration and size; may decode one picture."""
    streams = choose_streams(container, name)
    video, audio = streams.video, streams.audio
    rate = (video.average_rate or video.guessed_rate or 0) if video else 0
    codecs = (
        (video.codec_context.name if video else ""),
        (audio.codec_context.name if audio else ""),
    )
    width, height, rotation = _shape(container, video) if video else (0, 0, 0)
    return MediaInfo(
        0.0, video is not None, audio is not None, width, height, float(rate), rotation,
        *codecs, 0, str(container.metadata.get("creation_time", "")),
    )  # fmt: skip


def _shape(container: Any, video: Any) -> tuple[int, int, int]:
    """Width and height as shown, and degrees counter-clockwise, from the first picture."""
    import av

    from longtake.perception.convert import turns

    width, height, quarter = video.codec_context.width, video.codec_context.height, 0
    for _ in range(20):
        try:
            frame = next(container.decode(video), None)
        except av.error.FFmpegError:
            continue
        if frame is not None:
            width, height, quarter = frame.width, frame.height, turns(frame)
        break
    if quarter % 2:
        width, height = height, width
    return width, height, quarter * 90


def measured_duration(path: Path | str) -> Seconds:
    """The end of the last packet on the mended clock; reads the file through, decodes nothing."""
    from longtake.perception.clock import Clock

    path = Path(path)
    end = 0.0
    with open_media(path) as container:
        streams = choose_streams(container, path.name)
        clock = Clock(zero_of(container), longest_credible(container), [])
        chosen = [s for s in (streams.video, streams.audio) if s is not None]
        for packet in read_packets(container, chosen):
            if clock.set(packet) is not None and packet.pts is not None:
                end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
    return end


def decoded(context: Any, packet: Any) -> list[Any] | None:
    """Return the frames of a packet; none at the stream's end, None for a damaged packet."""
    import av

    try:
        return list(context.decode(packet))
    except av.error.EOFError:
        return []
    except av.error.FFmpegError:
        return None


def read_packets(
    container: Any, streams: list[Any], warnings: list[str] | None = None
) -> Iterator[Any]:
    """Demux, going on over damage; says so once in `warnings`. The last packets are not flushes."""
    import av

    failures = 0
    while failures < 50:
        try:
            for packet in container.demux(streams):
                if packet.size:
                    failures = 0
                    yield packet
            break
        except av.error.EOFError:
            break
        except IndexError:  # PyAV has no last packet for a track that appeared on the way
            break
        except (av.error.FFmpegError, OSError):
            failures += 1
    if failures and warnings is not None:
        warnings.append("the file is damaged or cut off; reading stopped before its stated end")


def fingerprint(path: Path | str) -> str:
    """Identify a file by its content: SHA-256 of its size and of its first, middle and last MiB.

    Name, place and dates play no part.
    """
    path = check_file(path)
    size = path.stat().st_size
    digest = hashlib.sha256(f"longtake:{size}:".encode())
    with path.open("rb") as file:
        for begin in sorted({0, max(0, (size - _MIB) // 2), max(0, size - _MIB)}):
            file.seek(begin)
            digest.update(file.read(_MIB))
    return digest.hexdigest()
