"""Going back to the source: decode a span again, cut it out, take one picture.

`Looker` is handed the callables that touch pixels, so that tests and other back ends can stand
in for them; by default they are perception's. What a look saw is kept as an observation in the
library and used again for whatever it can answer (`longtake.tools.observed.serves`): the same
look, and any coarser one of nearly the same span, costs nothing.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

from longtake.errors import NoSuchMoment, SourceGone
from longtake.storage.observations import Observation
from longtake.storage.records import Video
from longtake.timecode import Seconds, Span, format_time
from longtake.tools.jsonable import jsonable
from longtake.tools.observed import Wanted, cosine_of, serves

Look = Callable[..., Any]
"""(source, video, span, models, *, fps, question, …) → a Look: `lines`, `tags` and `frames`."""
Cut = Callable[..., Path]
"""(source, span, out, *, exact) → the written file."""
Snap = Callable[[Path, Seconds], Any]
"""(source, time) → an RGB uint8 array."""

VERSION = "look-2"
"""Goes up when a look of the same span by the same models sees otherwise."""


def _look(source: Path, video: Video, span: Span, models: Any, **more: Any) -> Any:
    from longtake.perception.look import look

    return look(source, video, span, models, **more)


def _cut(source: Path, span: Span, out: Path, **more: Any) -> Path:
    from longtake.perception.cut import cut_clip

    return cut_clip(source, span, out, **more)


def _snap(source: Path, time: Seconds) -> Any:
    from longtake.perception.frames import frame_at

    return frame_at(source, time)


class Looker:
    """Second looks at the source of videos.

    `decodes` counts the looks that really decoded, and `decoded` the frames they decoded; looks
    may be made from several threads.
    """

    def __init__(
        self,
        store: Any,
        models: Any,
        source_of: Callable[[Video], Path],
        *,
        look: Look | None = None,
        cut: Cut | None = None,
        snap: Snap | None = None,
    ) -> None:
        self.store = store
        self.models = models
        self.source_of = source_of
        self._look = look or _look
        self._cut = cut or _cut
        self._snap = snap or _snap
        self._counting = Lock()
        self._places: dict[str, Lock] = {}
        self.decodes = 0
        self.decoded = 0

    def has_source(self, video: Video, span: Span | None = None) -> bool:
        """Whether the video's file is where it was; of a recording, whether a span of it is kept."""
        return self.why_gone(video, span) is None

    def why_gone(self, video: Video, span: Span | None = None) -> str | None:
        """Say in a sentence why no look is possible; None where it is."""
        try:
            source = self.source_of(video)
            if span is not None and source.is_dir():
                from longtake.perception.segment_list import check_kept

                check_kept(source, video.name, span.start, span.end)
        except SourceGone as error:
            return error.message
        return None if source.exists() else f"the file of {video.name} is gone"

    def inspect(
        self, video: Video, span: Span, *, fps: float = 2.0, question: str | None = None
    ) -> dict[str, Any]:
        """Decode a span again, finer, and read it; the same look is never made twice."""
        seen, _ = self.observe(video, Wanted(video.id, span, "inspect", fps, "quarters",
                                             question=question or ""))  # fmt: skip
        span = self._inside(video, span)
        return {
            "video": video.id,
            **jsonable(span),
            "fps": fps,
            "lines": [o for o in seen.seen["lines"] if _meets(o, span)],
            "tags": [o for o in seen.seen["tags"] if span.start - 1e-3 <= _time(o, span) <= span.end],
            "frames": seen.frames,
        }  # fmt: skip

    def wanted(
        self,
        video: str,
        span: Span,
        rung: str,
        question: str,
        boxes: Any = (),
        *,
        text: bool = True,
    ) -> Wanted:
        """A look on a rung of the ladder; see `longtake.perception.look.RUNGS`."""
        from longtake.perception.look import RUNGS

        how = RUNGS[rung]
        short = Span(span.start, min(span.end, span.start + how.longest))
        parts = tuple(tuple(float(x) for x in box) for box in boxes)
        fps = min(how.fps, how.frames / max(short.duration, 1e-6))
        return Wanted(video, short, rung, fps, how.crops, parts, how.readings, question, text=text)

    def observe(
        self,
        video: Video,
        wanted: Wanted,
        *,
        asked: str = "",
        as_of: Seconds | None = None,
        reuse: bool = True,
    ) -> tuple[Observation, bool]:
        """Look as wanted, unless something kept serves as well; says whether that was so.

        Args:
            video: whose source is looked at.
            wanted: where and how.
            asked: the whole question of the person, to whom the observation is put down.
            as_of: nothing seen of later spans is used.
            reuse: False always decodes.

        Raises:
            NoSuchMoment: the span lies beyond the video's end.
            SourceGone: nothing kept serves, and the file is gone.
        """
        names = self.names()
        if not wanted.text:
            names.pop("text_reader", None)
        wanted = wanted.at(self._inside(video, wanted.span)) | {"version": VERSION, **names}
        with self._place(f"{video.id}:{wanted.span.start:.3f}:{wanted.rung}"):
            kept = self._served(wanted, as_of) if reuse else None
            if kept is not None:
                return kept, True
            return self.store.observations.put(self._decoded(video, wanted, asked)), False

    def names(self) -> dict[str, str]:
        """The models that a look goes through."""
        every = self.models.names() if hasattr(self.models, "names") else {}
        return {kind: every[kind] for kind in _LOOKING if kind in every}

    def _served(self, wanted: Wanted, as_of: Seconds | None) -> Observation | None:
        kept = self.store.observations.read([wanted.video], span=wanted.span, as_of=as_of)
        told = "captioner" in wanted.models and bool(wanted.question)
        for one in kept:
            same = one.question == wanted.question
            near = 1.0 if same or not told else cosine_of(self.models, one, wanted.question)
            if serves(one, wanted, near):
                found: Observation = one
                return found
        return None

    def _decoded(self, video: Video, wanted: Wanted, asked: str) -> Observation:
        seen = self._look(
            self.source_of(video), video, wanted.span, self.models, fps=wanted.fps,
            question=wanted.question or None, **wanted.how(),
        )  # fmt: skip
        row = seen_row(seen, wanted.span)
        frames = int(row.pop("frames"))
        with self._counting:
            self.decodes += 1
            self.decoded += frames
        return wanted.seen(row, frames, asked)

    def _place(self, key: str) -> Lock:
        """Two who want the same look wait for each other: the second finds it made."""
        with self._counting:
            return self._places.setdefault(key, Lock())

    def clip(self, video: Video, span: Span, out: Path, *, exact: bool = False) -> Path:
        """Cut a span out of the source into a file."""
        return self._cut(self.source_of(video), self._inside(video, span), out, exact=exact)

    def frame(self, video: Video, time: Seconds) -> bytes:
        """One picture as JPEG: from the source, or the kept thumbnail when that is gone."""
        self._inside(video, Span(time, time))
        try:
            picture = self._snap(self.source_of(video), time)
        except SourceGone:
            return self._thumb(video, time)
        from PIL import Image

        out = io.BytesIO()
        Image.fromarray(picture).save(out, format="JPEG", quality=90)
        return out.getvalue()

    def _thumb(self, video: Video, time: Seconds) -> bytes:
        frames = self.store.records(
            video=video.id, level="frame", channel="sight", span=Span(0.0, time + 1e-3)
        )
        names = [r.data["thumb"] for r in frames if r.data.get("thumb")]
        if not names:
            raise SourceGone(
                f"the file of {video.name} is gone and no picture of {format_time(time)} was kept",
                fix=f"longtake videos relink {video.id} NEW_PATH",
            )
        kept: bytes = self.store.thumb(names[-1])
        return kept

    def _inside(self, video: Video, span: Span) -> Span:
        if span.start > video.duration or span.end <= 0 < span.start:
            raise NoSuchMoment(
                f"{format_time(span.start)} lies beyond the end of {video.name} "
                f"({format_time(video.duration)})"
            )
        return Span(max(0.0, span.start), max(span.start, min(span.end, video.duration)))


_LOOKING = ("text_reader", "image_tagger", "captioner")


def seen_row(seen: Any, span: Span) -> dict[str, Any]:
    """A Look, dict or dataclass, as the JSON that is kept."""
    row = jsonable(seen)
    if not isinstance(row, dict):
        row = {"lines": row}
    cost = row.get("cost") or {}
    kept = {"caption": row.get("caption", ""), "frames": _frames(row)}
    kept["readings"] = int(cost.get("readings", 0))
    for name in ("lines", "tags", "colours", "changes", "unread"):
        kept[name] = [_line(one, span) if name == "lines" else one for one in row.get(name, [])]
    return kept


def _line(line: Any, span: Span) -> dict[str, Any]:
    row = {"text": line} if isinstance(line, str) else dict(line)
    row.setdefault("start", jsonable(span)["start"])
    row.setdefault("end", jsonable(span)["end"])
    return row


def _frames(row: dict[str, Any]) -> int:
    frames = row.get("frames", row.get("times", 0))
    return frames if isinstance(frames, int) else len(frames)


def _meets(line: dict[str, Any], span: Span) -> bool:
    return bool(line["start"] <= span.end and line["end"] >= span.start)


def _time(tag: dict[str, Any], span: Span) -> float:
    return float(tag.get("time", span.start))
