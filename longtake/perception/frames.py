"""Single frames at full resolution: the one on display at a moment, several in a span, keyframes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from longtake.errors import MediaError, NoSuchMoment
from longtake.perception.convert import Converter
from longtake.perception.decode import Decoder
from longtake.perception.items import Image, Picture
from longtake.perception.media import choose_streams, open_media, probe, zero_of
from longtake.perception.segment_list import check_kept, kept_from
from longtake.perception.sources import Live
from longtake.timecode import Seconds, Span, format_time

_ANY_SIZE = 1 << 16


def _pictures(
    path: Path | str | Live, start: Seconds, until: Seconds, fps: float,
    small: tuple[int, int] = (2, 2), max_side: int = _ANY_SIZE,
) -> Iterator[Picture]:  # fmt: skip
    decoder = Decoder(
        path, start=start, until=until, fine_fps=fps, coarse_fps=fps, small=small,
        max_side=max_side, sound=False,
    )  # fmt: skip
    for item in decoder:
        if isinstance(item, Picture):
            yield item


def frame_at(path: Path | str, time: Seconds) -> Image:
    """Return the frame on display at `time`, upright, at full resolution.

    Raises:
        NoSuchMoment: the video ends before, or has no picture there.
        SourceGone: that segment of a recording is no longer kept.
        NoSuchFile, Unreadable, EmptyMedia: the file cannot be read.
    """
    fps = 1 / time if time > 0 else 1.0  # a grid that has an instant at `time`
    _whole(path, time, time + 1e-3)
    if time >= 0:
        for picture in _pictures(path, time, time + 1e-3, fps):
            if picture.full is not None:
                return picture.full
    raise _no_moment(path, time)


def frames_in(path: Path | str | Live, span: Span, fps: float) -> list[tuple[Seconds, Image]]:
    """Return the frames on display at the instants k/fps that lie in `span`, full resolution.

    Raises:
        NoSuchMoment: there is no picture in the span.
    """
    _whole(path, span.start, span.end)
    found = [
        (picture.time, picture.full)
        for picture in _pictures(path, span.start, span.end, fps)
        if picture.full is not None
    ]
    if not found:
        raise _no_moment(path, span.start)
    return found


_APART = 8.0
"""Seconds between wanted frames from which it is quicker to jump than to decode what lies there."""


def frames_at(
    path: Path | str, times: Iterable[Seconds], *, max_side: int = _ANY_SIZE
) -> Iterator[tuple[Seconds, Image]]:
    """Yield the frames on display at whole seconds, in order; what lies far between is not decoded.

    Seconds at which there is no picture are left out.
    """
    runs: list[list[int]] = []
    first = kept_from(Path(path), 0.0)
    for second in sorted({round(time) for time in times if round(time) >= first}):
        if not runs or second - runs[-1][-1] > _APART:
            runs.append([])
        runs[-1].append(second)
    for run in runs:
        wanted = set(run)
        for picture in _pictures(path, run[0], run[-1] + 1e-3, 1.0, max_side=max_side):
            if picture.full is not None and round(picture.time) in wanted:
                yield picture.time, picture.full


def small_and_full(
    path: Path | str | Live, span: Span, fps: float, small: tuple[int, int]
) -> Iterator[tuple[Seconds, Image, Image]]:
    """Yield (time, picture brought to a size, whole picture) at the instants k/fps of a span.

    While one frame stays on display, both are the same objects; none is kept here.

    Raises:
        NoSuchMoment: there is no picture in the span.
    """
    _whole(path, span.start, span.end)
    found = False
    for picture in _pictures(path, span.start, span.end, fps, small):
        if picture.small is not None and picture.full is not None:
            found = True
            yield picture.time, picture.small, picture.full
    if not found:
        raise _no_moment(path, span.start)


def _whole(path: Path | str | Live, start: Seconds, end: Seconds) -> None:
    """Refuse a span that a folder of segments does not hold as a whole any more."""
    if not isinstance(path, Live) and Path(path).is_dir():
        check_kept(Path(path), Path(path).name, start, end)


def _no_moment(path: Path | str | Live, time: Seconds) -> NoSuchMoment:
    if isinstance(path, Live):
        return NoSuchMoment(f"{path.name!r} has no picture at {format_time(max(0.0, time))}")
    name = Path(path).name
    try:
        info = probe(path)
        if not info.has_video:
            return NoSuchMoment(f"{name!r} has sound only, no picture", fix="ask for sound")
        end = info.duration
    except MediaError:
        end = 0.0
    return NoSuchMoment(
        f"{name!r} has no picture at {format_time(max(0.0, time))}; it ends at {format_time(end)}",
        fix="give a time inside the video",
    )


def keyframes(
    path: Path | str, every: Seconds = 10.0, *, start: Seconds = 0.0, max_side: int = 1920
) -> Iterator[tuple[Seconds, Image]]:
    """Yield keyframes in order, no two closer than `every` seconds; nothing else is decoded."""
    import av

    from longtake.perception.clock import Clock
    from longtake.perception.media import longest_credible, read_packets

    path = Path(path)
    with open_media(path) as container:
        stream = choose_streams(container, path.name).video
        if stream is None:
            return
        context = stream.codec_context
        context.skip_frame = "NONKEY"
        context.thread_type = "SLICE"  # one frame in, one frame out
        converter = Converter(max_side=max_side)
        clock = Clock(zero_of(container), longest_credible(container), [])
        last = start - every
        for packet in read_packets(container, [stream]):
            clock.set(packet)
            stamp = packet.pts if packet.pts is not None else packet.dts
            time = max(0.0, float((stamp or 0) * packet.time_base))
            if not packet.is_keyframe or time < last + every - 1e-3:
                continue
            try:
                frames = [*context.decode(packet), *context.decode(None)]
                context.flush_buffers()
            except av.error.FFmpegError:
                context.flush_buffers()
                continue
            if frames:
                last = time
                yield time, converter.image(frames[0])
