"""Makers of small videos for tests, with PyAV alone: a scene is drawn, so its truth is known.

`draw_video(path, [Scene(...), ...])` is the usual way in. Besides a colour and large printed text
(for real text readers), a picture carries two codes that survive lossy coding and scaling:

* the frame's number, in the top strip (`read_number`);
* the scene's text as black and white cells in the lower half (`read_blocks`), for fake readers.

Sound is given as mono `float32` samples: `beeps`, `tone`, `silence`. Further makers spoil files
in the ways that files of real people are spoilt: `truncated`, `damaged`, `joined`, `rotated`,
`shifted`, `not_a_video`, `zero_length`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures
from PIL import ImageDraw, ImageFont

Pixels = NDArray[np.uint8]
Waves = NDArray[np.float32]

COLOURS: dict[str, tuple[int, int, int]] = {
    "black": (8, 8, 8), "white": (245, 245, 245), "grey": (128, 128, 128), "red": (200, 30, 30),
    "green": (30, 160, 50), "blue": (30, 50, 200), "yellow": (230, 210, 40),
    "orange": (240, 140, 30), "purple": (130, 40, 160), "brown": (110, 70, 40),
    "pink": (240, 150, 180), "cyan": (40, 200, 210),
}  # fmt: skip

_TICKS = 12_000  # a time base that 10, 12, 15, 24, 25, 30 and 60 frames per second divide
_COLUMNS, _ROWS, _FIRST_ROW = 48, 30, 12
_MAGIC = 0b1010_1100_0101_0011
_NUMBER_CELLS = 24  # 20 bits and a 4-bit check


@dataclass(frozen=True)
class Scene:
    """What is on screen for `seconds`. `moving` lets a white square wander across the picture."""

    seconds: float
    colour: str | tuple[int, int, int] = "grey"
    text: str = ""
    moving: bool = False
    blocks: bool = True
    noise: int = 0


@dataclass(frozen=True)
class Track:
    """One audio track: mono samples and how to write them; `start` is its first timestamp."""

    samples: Waves
    rate: int = 48_000
    codec: str | None = None
    start: float = 0.0
    channels: int = 1
    language: str = ""
    options: dict[str, str] = field(default_factory=dict)


# Pictures ------------------------------------------------------------------------------------


def _bits(value: int, n: int) -> list[int]:
    return [(value >> (n - 1 - i)) & 1 for i in range(n)]


def _number_check(number: int) -> int:
    return (sum((number >> shift) & 15 for shift in range(0, 20, 4)) + 5) & 15


def write_number(image: Pixels, number: int) -> None:
    """Paint `number` (below 2**20) into the top strip of `image`."""
    height, width = image.shape[:2]
    for i, bit in enumerate(_bits(number, 20) + _bits(_number_check(number), 4)):
        left, right = i * width // _NUMBER_CELLS, (i + 1) * width // _NUMBER_CELLS
        image[: height // 10, left:right] = 255 if bit else 0


def read_number(image: Pixels) -> int | None:
    """Return the number painted by `write_number`, or None where there is none."""
    height, width = image.shape[:2]
    strip = image[height // 40 : height // 10 - height // 40].mean(axis=(0, 2))
    value = 0
    for i in range(_NUMBER_CELLS):
        left, right = i * width / _NUMBER_CELLS, (i + 1) * width / _NUMBER_CELLS
        margin = (right - left) / 4
        cell = strip[math.floor(left + margin) : math.ceil(right - margin)]
        value = value << 1 | int(cell.mean() > 128)
    number, check = value >> 4, value & 15
    return number if check == _number_check(number) else None


def write_blocks(image: Pixels, text: str) -> None:
    """Paint `text` as cells into the lower half of `image` (up to 98 bytes of UTF-8)."""
    payload = text.encode()[:98]
    data = _MAGIC.to_bytes(2, "big") + bytes([len(payload), sum(payload) & 255]) + payload
    data += bytes(-len(data) % 6)
    height, width = image.shape[:2]
    for row, at in enumerate(range(0, len(data), 6)):
        top = (_FIRST_ROW + row) * height // _ROWS
        bottom = (_FIRST_ROW + row + 1) * height // _ROWS
        bits = [bit for byte in data[at : at + 6] for bit in _bits(byte, 8)]
        for column, bit in enumerate(bits):
            left, right = column * width // _COLUMNS, (column + 1) * width // _COLUMNS
            image[top:bottom, left:right] = 255 if bit else 0


def read_blocks(image: Pixels) -> str:
    """Return the text painted by `write_blocks`, or an empty string; lines part at a newline."""
    height, width = image.shape[:2]
    if height < 2 * _ROWS or width < 3 * _COLUMNS:
        return ""
    data = b""
    for row in range(_FIRST_ROW, _ROWS):
        y = int((row + 0.5) * height / _ROWS)
        line = image[y - 1 : y + 1].mean(axis=(0, 2))
        xs = ((np.arange(_COLUMNS) + 0.5) * width / _COLUMNS).astype(int)
        data += np.packbits(line[xs] > 128).tobytes()
    if int.from_bytes(data[:2], "big") != _MAGIC:
        return ""
    payload = data[4 : 4 + data[2]]
    if sum(payload) & 255 != data[3]:
        return ""
    return payload.decode(errors="replace")


def draw_picture(
    scene: Scene, size: tuple[int, int], *, time: float = 0.0, number: int | None = None
) -> Pixels:
    """Draw one frame of `scene`, `time` seconds into it."""
    width, height = size
    colour = COLOURS[scene.colour] if isinstance(scene.colour, str) else scene.colour
    picture = Pictures.new("RGB", size, colour)
    if scene.text:
        lines = scene.text.split("\n")
        high = max(8, min(height // 10, height // (3 * len(lines))))
        ink = (0, 0, 0) if sum(colour) > 380 else (255, 255, 255)
        draw = ImageDraw.Draw(picture)
        font = ImageFont.load_default(high)
        for i, line in enumerate(lines):
            draw.text((width // 20, height // 8 + i * (high + high // 4)), line, ink, font)
    image: Pixels = np.array(picture)
    if scene.noise:
        grain = np.random.default_rng(round(time * 1000)).integers(
            -scene.noise, scene.noise + 1, image.shape
        )
        image = np.clip(image.astype(np.int16) + grain, 0, 255).astype(np.uint8)
    if scene.moving:
        side = height // 6
        x = int(time * width / 4) % (width - side)
        image[height // 3 : height // 3 + side, x : x + side] = 255
    if scene.text and scene.blocks:
        write_blocks(image, scene.text)
    if number is not None:
        write_number(image, number)
    return image


def scene_frames(
    scenes: Sequence[Scene], fps: float, size: tuple[int, int], *, numbered: bool = True
) -> Iterator[tuple[float, Pixels]]:
    """Yield (time, picture) for all frames of `scenes`, one after another."""
    begin, number = 0.0, 0
    for scene in scenes:
        still: Pixels | None = None
        while number / fps < begin + scene.seconds - 1e-9:
            time = number / fps
            if still is None or scene.moving or scene.noise:
                still = draw_picture(scene, size, time=time - begin)
            image = still.copy()
            if numbered:
                write_number(image, number)
            yield time, image
            number += 1
        begin += scene.seconds


# Sound ---------------------------------------------------------------------------------------


def silence(seconds: float, rate: int = 48_000) -> Waves:
    """Return quiet samples."""
    return np.zeros(round(seconds * rate), np.float32)


def tone(seconds: float, hertz: float = 440.0, rate: int = 48_000, level: float = 0.5) -> Waves:
    """Return a sine."""
    t = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * hertz * t)).astype(np.float32)


def beeps(
    seconds: float, at: Iterable[float], *, rate: int = 48_000, length: float = 0.1,
    hertz: float = 1000.0,
) -> Waves:  # fmt: skip
    """Return silence with a beep of `length` seconds starting at each time in `at`."""
    samples = silence(seconds, rate)
    beep = tone(length, hertz, rate)
    for time in at:
        i = round(time * rate)
        part = samples[i : i + len(beep)]
        part += beep[: len(part)]
    return samples


def onsets(samples: Waves, rate: int, *, level: float = 0.1, apart: float = 0.3) -> list[float]:
    """Return the times at which sound louder than `level` begins after `apart` s of quiet."""
    loud = np.flatnonzero(np.abs(samples) > level) / rate
    if not len(loud):
        return []
    return [float(loud[0]), *(float(t) for t in loud[1:][np.diff(loud) > apart])]


# Files ---------------------------------------------------------------------------------------


def _sound_codec(path: Path) -> str:
    return {
        ".webm": "libopus", ".ogg": "libopus", ".ogv": "libopus", ".mp3": "libmp3lame",
        ".wav": "pcm_s16le", ".avi": "pcm_s16le", ".flac": "flac", ".ts": "aac", ".mpg": "mp2",
    }.get(path.suffix, "aac")  # fmt: skip


def _video_codec(path: Path) -> str:
    return {".webm": "libvpx", ".avi": "mpeg4", ".ogv": "libvpx", ".mpg": "mpeg2video"}.get(
        path.suffix, "libx264"
    )


def _open_picture_stream(
    container: Any, codec: str, fps: float, size: tuple[int, int], gop: int, pix_fmt: str | None,
    options: dict[str, str] | None,
) -> Any:  # fmt: skip
    rate = Fraction(fps).limit_denominator(1001)
    stream = container.add_stream(codec, rate=rate)
    stream.width, stream.height = size
    if pix_fmt:
        stream.pix_fmt = pix_fmt
    context = stream.codec_context
    context.gop_size = gop
    if codec not in ("mpeg2video", "gif"):
        context.time_base = Fraction(1, _TICKS)
    fast = {"libx264": {"preset": "ultrafast", "crf": "18"}, "libvpx": {"cpu-used": "8"}}
    context.options = {**fast.get(codec, {}), **(options or {})}
    if codec.startswith("libvpx"):
        context.bit_rate = 2_000_000
    return stream


def _picture_packets(
    stream: Any, frames: Iterable[tuple[float, Pixels]], pix_fmt: str | None
) -> Iterator[Any]:
    import av

    base = stream.codec_context.time_base or Fraction(1, _TICKS)
    for time, image in frames:
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        if pix_fmt and pix_fmt != "rgb24":
            frame = frame.reformat(format=pix_fmt)
        frame.pts, frame.time_base = round(Fraction(time) / base), base
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _sound_packets(stream: Any, track: Track) -> Iterator[Any]:
    import av

    layout = {1: "mono", 2: "stereo"}[track.channels]
    fifo = av.AudioFifo()
    whole = np.tile(track.samples, (track.channels, 1))
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(whole), format="fltp", layout=layout)
    frame.sample_rate, frame.pts = track.rate, 0
    context = stream.codec_context
    resampler = av.AudioResampler(format=context.format.name, layout=layout, rate=track.rate)
    for part in resampler.resample(frame):
        part.pts = None
        fifo.write(part)
    at = round(track.start * track.rate)
    while fifo.samples:
        part = fifo.read(context.frame_size or 1024, partial=True)
        part.pts, part.time_base, part.sample_rate = at, Fraction(1, track.rate), track.rate
        at += part.samples
        yield from stream.encode(part)
    yield from stream.encode(None)


def draw_frames(
    path: Path | str, frames: Iterable[tuple[float, Pixels]], *, fps: float = 10.0,
    size: tuple[int, int] = (320, 180), tracks: Sequence[Track] = (), codec: str | None = None,
    pix_fmt: str | None = "yuv420p", gop: int = 50, options: dict[str, str] | None = None,
    rotation: int = 0, container_options: dict[str, str] | None = None,
) -> Path:  # fmt: skip
    """Write timed pictures and sound tracks to `path`; its suffix chooses the container.

    Packets are written in order of time, so no muxer has to hold more than one encoder's delay.
    """
    import heapq

    import av

    path = Path(path)
    with av.open(str(path), "w", options=container_options or {}) as container:
        video = _open_picture_stream(
            container, codec or _video_codec(path), fps, size, gop, pix_fmt, options
        )
        if rotation:
            video.set_display_rotation(rotation)
        flows = [_picture_packets(video, frames, pix_fmt)]
        flows += [_sound_packets(_open_sound_stream(container, path, t), t) for t in tracks]
        keyed = [
            ((float(p.dts * p.time_base), i, n, p) for n, p in enumerate(flow))
            for i, flow in enumerate(flows)
        ]
        for *_, packet in heapq.merge(*keyed, key=lambda item: item[:3]):
            container.mux(packet)
    return path


def _open_sound_stream(container: Any, path: Path, track: Track) -> Any:
    stream = container.add_stream(track.codec or _sound_codec(path), rate=track.rate)
    stream.layout = {1: "mono", 2: "stereo"}[track.channels]
    context = stream.codec_context
    context.time_base = Fraction(1, track.rate)
    context.options = track.options
    if track.language:
        stream.metadata["language"] = track.language
    return stream


def draw_video(
    path: Path | str, scenes: Sequence[Scene], *, fps: float = 10.0,
    size: tuple[int, int] = (320, 180), sound: Waves | None = None, rate: int = 48_000,
    tracks: Sequence[Track] = (), numbered: bool = True, **more: Any,
) -> Path:  # fmt: skip
    """Draw `scenes` one after another to `path`, with `sound` (mono) or several `tracks`."""
    if sound is not None:
        tracks = [Track(sound, rate), *tracks]
    frames = scene_frames(scenes, fps, size, numbered=numbered)
    return draw_frames(path, frames, fps=fps, size=size, tracks=tracks, **more)


def draw_sound(path: Path | str, sound: Waves, rate: int = 48_000, **more: Any) -> Path:
    """Write a file that holds sound alone (m4a, mp3, wav, ogg, flac, …)."""
    import av

    path = Path(path)
    track = Track(sound, rate, **more)
    with av.open(str(path), "w") as container:
        stream = _open_sound_stream(container, path, track)
        for packet in _sound_packets(stream, track):
            container.mux(packet)
    return path


# Spoilt files --------------------------------------------------------------------------------


def joined(parts: Sequence[Path | str], path: Path | str) -> Path:
    """Join files by stream copy, as people do: each part begins where the longest track ended.

    Tracks of one part differ in length by a few hundredths of a second, so there is a small hole
    in the sound at each join: whoever counts samples instead of reading timestamps drifts.
    """
    import av

    path = Path(path)
    with av.open(str(path), "w") as out:
        streams: dict[int, Any] = {}
        begin = Fraction(0)
        for part in parts:
            ends = [begin]
            with av.open(str(part)) as source:
                for stream in source.streams:
                    if stream.index not in streams:
                        streams[stream.index] = out.add_stream_from_template(stream)
                packets = [packet for packet in source.demux() if packet.dts is not None]
                begin -= min(packet.dts * packet.time_base for packet in packets)
                for packet in packets:
                    base, shift = packet.time_base, round(begin / packet.time_base)
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    ends.append((packet.pts + packet.duration) * base)
                    packet.stream = streams[packet.stream.index]
                    out.mux(packet)
            begin = max(ends)
    return path


def shifted(source: Path | str, path: Path | str, *, after: float, by: float) -> Path:
    """Copy `source` with all timestamps from `after` on moved `by` seconds (a clock that jumps)."""
    import av

    path = Path(path)
    with av.open(str(source)) as read, av.open(str(path), "w") as out:
        streams = [out.add_stream_from_template(stream) for stream in read.streams]
        for packet in read.demux():
            if packet.dts is None:
                continue
            if float(packet.dts * packet.time_base) >= after:
                shift = round(by / packet.time_base)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
            packet.stream = streams[packet.stream.index]
            out.mux(packet)
    return path


def glued(parts: Sequence[Path | str], path: Path | str) -> Path:
    """Join files byte by byte (as `cat a.ts b.ts` does): the clock falls back at each join."""
    path = Path(path)
    path.write_bytes(b"".join(Path(part).read_bytes() for part in parts))
    return path


def truncated(source: Path | str, path: Path | str, keep: float = 0.6) -> Path:
    """Copy the first `keep` share of the bytes: a download that broke off."""
    data = Path(source).read_bytes()
    Path(path).write_bytes(data[: int(len(data) * keep)])
    return Path(path)


def damaged(
    source: Path | str, path: Path | str, *, at: float = 0.5, length: int = 2000, seed: int = 0
) -> Path:
    """Copy with `length` bytes of noise written at share `at` of the file."""
    data = bytearray(Path(source).read_bytes())
    begin = int(len(data) * at)
    data[begin : begin + length] = np.random.default_rng(seed).bytes(min(length, len(data) - begin))
    Path(path).write_bytes(bytes(data))
    return Path(path)


def not_a_video(path: Path | str) -> Path:
    """Write a text file under a video's name."""
    Path(path).write_text("This is a shopping list, whatever its name says.\n" * 50)
    return Path(path)


def zero_length(path: Path | str) -> Path:
    """Write an empty file."""
    Path(path).write_bytes(b"")
    return Path(path)


def clocked(data: bytes, seconds: float) -> bytes:
    """Move all times in an MPEG-TS by so much; its clock has 33 bits and wraps."""
    out, ticks = bytearray(data), round(seconds * 90_000)
    for at in range(0, len(out) - 187, 188):
        head = at + 4
        if out[at + 3] & 0x20:
            if out[at + 4] and out[at + 5] & 0x10:
                clock = int.from_bytes(out[at + 6 : at + 12], "big")
                moved = ((clock >> 15) + ticks) % (1 << 33)
                out[at + 6 : at + 12] = (moved << 15 | clock & 0x7FFF).to_bytes(6, "big")
            head += 1 + out[at + 4]
        if out[at + 1] & 0x40 and out[head : head + 3] == b"\0\0\1":
            for n in range({2: 1, 3: 2}.get(out[head + 7] >> 6, 0)):
                _move_stamp(out, head + 9 + 5 * n, ticks)
    return bytes(out)


def _move_stamp(out: bytearray, at: int, ticks: int) -> None:
    value = int.from_bytes(out[at : at + 5], "big")
    stamp = (value >> 33 & 7) << 30 | (value >> 17 & 0x7FFF) << 15 | value >> 1 & 0x7FFF
    stamp = (stamp + ticks) % (1 << 33)
    parts = (stamp >> 30) << 33 | (stamp >> 15 & 0x7FFF) << 17 | (stamp & 0x7FFF) << 1
    out[at : at + 5] = (value & 0xF << 36 | 1 << 32 | 1 << 16 | 1 | parts).to_bytes(5, "big")


def flipped(data: bytes, share: float, seed: int = 0, spared: int = 40 * 188) -> bytes:
    """Flip four bits in a share of the packets of an MPEG-TS, after the first `spared` bytes."""
    out, rng = bytearray(data), np.random.default_rng(seed)
    for at in range(spared, len(out) - 187, 188):
        if rng.random() < share:
            for place, bit in zip(rng.integers(188, size=4), rng.integers(8, size=4), strict=True):
                out[at + int(place)] ^= 1 << int(bit)
    return bytes(out)


def bytes_until(path: Path, seconds: float) -> int:
    """Where in the file the pictures of a time begin."""
    import av

    with av.open(str(path)) as container:
        zero = (container.start_time or 0) / 1e6
        for packet in container.demux(video=0):
            late = packet.pts is not None and float(packet.pts * packet.time_base) - zero > seconds
            if late and packet.pos:
                return int(packet.pos)
    return path.stat().st_size
