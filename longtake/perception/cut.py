"""Cut a span of a video into a file of its own, with ffmpeg-python as argument builder.

By default the streams are copied: fast and lossless, beginning at the keyframe at or before the
span's start. With `exact=True` they are encoded again and begin and end where asked.
"""

from __future__ import annotations

import math
import os
import shutil
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from longtake.errors import BackendError, MissingDependency, NoSuchMoment, UsageError
from longtake.perception.media import check_file, probe
from longtake.perception.segment_list import Part, check_kept, parts
from longtake.timecode import Seconds, Span, format_time

_FIX = "install ffmpeg, or `pip install imageio-ffmpeg`, or set LONGTAKE_FFMPEG to its path"


def find_ffmpeg(configured: str | None = None) -> str:
    """Return ffmpeg's path: as configured, else LONGTAKE_FFMPEG, else PATH, else imageio-ffmpeg.

    Raises:
        MissingDependency: the one named does not exist, or there is none anywhere.
    """
    for named in (configured, os.environ.get("LONGTAKE_FFMPEG")):
        if named:
            found = shutil.which(named)
            if found is None:
                raise MissingDependency(f"there is no ffmpeg at {named!r}", fix=_FIX)
            return found
    if found := shutil.which("ffmpeg"):
        return found
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        raise MissingDependency("cutting needs ffmpeg, and none was found", fix=_FIX) from error


def cut_clip(
    path: Path | str, span: Span, out: Path | str, *, exact: bool = False,
    ffmpeg: str | None = None, overwrite: bool = False,
) -> Path:  # fmt: skip
    """Write `span` of the video to `out` and return its path.

    Raises:
        NoSuchFile, Unreadable, EmptyMedia: the source cannot be read.
        NoSuchMoment: the span begins after the end.
        SourceGone: those segments of a recording are no longer kept.
        UsageError: `out` is the source, or exists, or its folder does not, or the span is empty.
        MissingDependency: there is no ffmpeg.
        BackendError: ffmpeg failed.
    """
    source, target = Path(path), Path(out)
    if not source.is_dir():
        check_file(source)
    _check_target(source, target, span, overwrite)
    info = probe(source)
    if span.start >= info.duration:
        raise NoSuchMoment(
            f"{source.name!r} ends at {format_time(info.duration)}, before the clip begins",
            fix="give a time inside the video",
        )
    program = find_ffmpeg(ffmpeg)
    part = target.with_name(f".{target.stem}.part{target.suffix}")
    with ExitStack() as stack:
        stack.callback(part.unlink, missing_ok=True)
        read = _segments(source, span, stack) if source.is_dir() else _read(source, span.start)
        _run(program, _arguments(read, span, part, exact))
        part.replace(target)
    return target


def _check_target(source: Path, target: Path, span: Span, overwrite: bool) -> None:
    if span.duration <= 0:
        raise UsageError("the clip would last no time", fix="give an end after the start")
    if not target.suffix:
        raise UsageError(f"{target.name!r} has no suffix", fix="name the file clip.mp4 or clip.mkv")
    if not target.parent.is_dir():
        raise UsageError(f"there is no folder {str(target.parent)!r}", fix="make it first")
    if target.exists():
        if target.samefile(source):
            raise UsageError("the clip would overwrite its source", fix="choose another name")
        if not overwrite or target.is_dir():
            raise UsageError(f"{str(target)!r} exists already", fix="choose another name")


def _read(source: Path, start: Seconds) -> Any:
    """Files are named as `file:` URLs, so no name can be read as an option or a protocol."""
    import ffmpeg

    return ffmpeg.input(
        f"file:{source.absolute()}", ss=f"{max(0.0, start):.6f}", protocol_whitelist="file,pipe"
    )


def _segments(folder: Path, span: Span, stack: ExitStack) -> Any:
    """Read the segments that a span lies in: the one, or several as one.

    Raises:
        SourceGone: they are no longer there.
        UsageError: they cannot be joined, as their pictures or their sound differ in kind.
    """
    import ffmpeg

    check_kept(folder, folder.name, span.start, span.end)
    inside = [one for one in parts(folder) if one.start < span.end and _end(one) > span.start]
    if len(inside) == 1:
        return _read(inside[0].path, span.start - inside[0].start)
    kinds = {(info.width, info.height, info.video_codec, info.audio_codec)
             for info in (probe(one.path) for one in inside)}  # fmt: skip
    if len(kinds) > 1:
        raise UsageError(
            f"the picture or the sound of {folder.name} changes in kind within {span}",
            fix=f"cut up to {format_time(inside[1].start)} and from there on, each by itself",
        )
    lines = ["ffconcat version 1.0"]
    for one in inside:
        quoted = str(one.path.absolute()).replace("'", r"'\''")
        lines.append(f"file 'file:{quoted}'")
        if one.end is not None:
            lines.append(f"duration {one.end - one.start:.6f}")
    listed = Path(stack.enter_context(TemporaryDirectory())) / "list.ffconcat"
    listed.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return ffmpeg.input(
        f"file:{listed}", format="concat", safe=0, ss=f"{span.start - inside[0].start:.6f}",
        protocol_whitelist="file,pipe",
    )  # fmt: skip


def _end(part: Part) -> Seconds:
    return math.inf if part.end is None else part.end


def _arguments(read: Any, span: Span, target: Path, exact: bool) -> Any:
    import ffmpeg

    options: dict[str, Any] = {"t": f"{span.duration:.6f}", "map_metadata": "-1"}
    if exact:
        options |= {"crf": 18, "preset": "veryfast", "pix_fmt": "yuv420p"}
        if target.suffix.lower() == ".webm":
            options |= {"c:v": "libvpx-vp9", "deadline": "realtime", "cpu-used": 8, "b:v": 0}
            del options["preset"]
    else:
        options |= {"c": "copy", "avoid_negative_ts": "make_zero"}
    streams = [read["v:0?"], read["a:0?"]]
    return ffmpeg.output(*streams, f"file:{target.absolute()}", **options)


def _run(program: str, arguments: Any) -> None:
    import ffmpeg

    try:
        command = arguments.global_args("-nostdin", "-hide_banner", "-loglevel", "error")
        command.run(cmd=program, capture_stdout=True, capture_stderr=True, overwrite_output=True)
    except ffmpeg.Error as error:
        lines = (error.stderr or b"").decode(errors="replace").strip().splitlines()
        said = lines[-1].strip() if lines else "it said nothing"
        raise BackendError(
            f"ffmpeg could not cut the clip: {said}", fix="try with exact=True, or as .mkv"
        ) from error
    except OSError as error:
        raise MissingDependency(f"ffmpeg at {program!r} could not be run", fix=_FIX) from error
