"""Going back to the source: decode a span again, cut it out, take one picture.

`Looker` is handed the callables that touch pixels, so that tests and other back ends can stand
in for them; by default they are perception's. A second look at the same span of the same
content with the same models and question costs nothing: results are kept in the store's cache
under a key made of all of these.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from longtake.errors import NoSuchMoment, SourceGone, StoreError
from longtake.storage.records import Video
from longtake.timecode import Seconds, Span, format_time
from longtake.tools.jsonable import jsonable

Look = Callable[..., Any]
"""(source, video, span, models, *, fps, question) → a Look: `lines`, `tags` and `frames`."""
Cut = Callable[..., Path]
"""(source, span, out, *, exact) → the written file."""
Snap = Callable[[Path, Seconds], Any]
"""(source, time) → an RGB uint8 array."""

VERSION = "look-1"


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
    """Second looks at the source of videos. `decodes` counts the looks that really decoded."""

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
        self._kept: dict[str, bytes] = {}
        self.decodes = 0

    def has_source(self, video: Video) -> bool:
        """Whether the video's file is where it was."""
        try:
            return self.source_of(video).exists()
        except SourceGone:
            return False

    def inspect(
        self, video: Video, span: Span, *, fps: float = 2.0, question: str | None = None
    ) -> dict[str, Any]:
        """Decode a span again, finer, and read it; the same look is never made twice."""
        span = self._inside(video, span)
        key = self._key(video, span, fps, question)
        kept = self._kept.get(key) or self.store.cache_get(key)
        if kept is None:
            seen = self._look(
                self.source_of(video), video, span, self.models, fps=fps, question=question
            )
            self.decodes += 1
            kept = json.dumps(_seen(seen, video, span, fps), sort_keys=True).encode()
            try:
                self.store.cache_put(key, kept)
            except StoreError:  # opened for reading only, or another process writes
                self._kept[key] = kept
        result: dict[str, Any] = json.loads(kept)
        return result

    def clip(self, video: Video, span: Span, out: Path, *, exact: bool = False) -> Path:
        """Cut a span out of the source into a file."""
        return self._cut(self.source_of(video), self._inside(video, span), out, exact=exact)

    def frame(self, video: Video, time: Seconds) -> bytes:
        """One picture as JPEG: from the source, or the kept thumbnail when that is gone."""
        self._inside(video, Span(time, time))
        try:
            source = self.source_of(video)
        except SourceGone:
            return self._thumb(video, time)
        from PIL import Image

        out = io.BytesIO()
        Image.fromarray(self._snap(source, time)).save(out, format="JPEG", quality=90)
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

    def _key(self, video: Video, span: Span, fps: float, question: str | None) -> str:
        names = self.models.names() if hasattr(self.models, "names") else {}
        parts = [
            VERSION,
            video.fingerprint,
            round(span.start * 1000),
            round(span.end * 1000),
            round(fps * 1000),
            question or "",
            sorted(names.items()),
        ]
        return "look:" + hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _seen(seen: Any, video: Video, span: Span, fps: float) -> dict[str, Any]:
    """A Look, dict or dataclass, as the JSON that is kept."""
    row = jsonable(seen)
    if not isinstance(row, dict):
        row = {"lines": row}
    return {
        "video": video.id,
        **jsonable(span),
        "fps": fps,
        "lines": [_line(line, span) for line in row.get("lines", [])],
        "tags": row.get("tags", []),
        "frames": _frames(row),
    }


def _line(line: Any, span: Span) -> dict[str, Any]:
    row = {"text": line} if isinstance(line, str) else dict(line)
    row.setdefault("start", jsonable(span)["start"])
    row.setdefault("end", jsonable(span)["end"])
    return row


def _frames(row: dict[str, Any]) -> int:
    frames = row.get("frames", row.get("times", 0))
    return frames if isinstance(frames, int) else len(frames)
