"""A watch of what is still being made: the video's entry grows with its source.

Each chunk is kept in one transaction together with the entry's new duration, so what was committed
can be asked for while the watch runs, and a watch that was killed goes on after the last chunk.

A live file is known by its path and first bytes, as its content is not known before its end; then
the content's fingerprint joins the entry (``media["live"]["content"]``) and a plain `ingest` of the
finished file finds it again. ``media["live"]`` also holds ``began`` and ``ended`` (wall clock, UTC)
and ``breaks``: where the stream broke, as `longtake.perception.sources.Break`.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longtake.errors import Interrupted, UsageError
from longtake.perception.sources import IDLE, open_live, wall_clock
from longtake.timecode import Seconds, format_time
from longtake.watch import Pass, Watch, holds, make_folder

if TYPE_CHECKING:
    from longtake.config import Settings
    from longtake.models.profiles import Models
    from longtake.perception.media import MediaInfo
    from longtake.storage.records import Chunk, Video
    from longtake.storage.store import Store
    from longtake.watch import OnProgress

CHUNK: Seconds = 20.0
"""A live source is kept at least so often, that it can be asked about soon."""


class Follow(Watch):
    """A watch of a live source into the library at `path`, until it is idle for so long."""

    def __init__(
        self,
        path: Path,
        src: str | Path,
        models: Models,
        settings: Settings,
        on_progress: OnProgress | None,
        *,
        idle: Seconds = IDLE,
    ) -> None:
        super().__init__(path, src, models, settings, on_progress)
        self.feed = self.live = open_live(src, idle)
        self.chunk_seconds = min(self.chunk_seconds, CHUNK)

    def run(
        self, *, start: Seconds | None, until: Seconds | None, quick: bool, deep: bool
    ) -> Video:
        """Follow, or go on following; the quick pass has no place here."""
        from longtake.storage.store import Store

        if start is not None or not deep:
            raise UsageError(
                "what is still being made is read in depth and from its start",
                fix="leave out --from, --quick and --no-deep, or --follow",
            )
        info, key = self.live.probe(), self.live.key()
        self._bring_models()
        make_folder(self.path.parent)
        with Store.open(self.path, write=True, create=True) as store:
            if not self._begin_live(store, key, info):
                return self.video
            try:
                self.deep_pass(0.0, until)
            except KeyboardInterrupt as stop:
                raise Interrupted(
                    f"stopped; {self.live.name} is kept up to {format_time(self.done)}",
                    fix=f"longtake ingest {self.src} --follow goes on from there",
                ) from stop
            finally:
                self.live.stop()
            if until is None:
                self._end()
            return store.video(self.video.id)

    def _begin_live(self, store: Store, key: str, info: MediaInfo) -> bool:
        """Find or make the entry; False when there is nothing to follow any more."""
        self._adopt(store, self._entry(store, key, info))
        known = store.progress(self.video.id, "deep")
        if known is None or not known.finished:
            if known and not self.live.rewinds:
                self.live.begins = self.live.now = known.done
                self.live.note("not watched")
            return True
        if not holds(self.video, self._content() or ""):
            raise UsageError(
                f"{self.live.name} was followed to its end at {format_time(known.done)}, and has "
                "changed since",
                fix=f"longtake ingest {self.src} watches all of it as a new video",
            )
        return False

    def _entry(self, store: Store, key: str, info: MediaInfo) -> Video:
        content = self._content()
        for known in store.videos():
            if known.fingerprint == key or (content and holds(known, content)):
                return known
            if not content and known.path == self.live.place() and _open(known):
                return known
        live: dict[str, Any] = {"began": wall_clock(), "ended": None, "content": None, "breaks": []}
        return store.add_video(
            fingerprint=key,
            path=self.live.place(),
            name=self.live.name,
            duration=0.0,
            media=asdict(info) | {"live": live},
        )

    def _content(self) -> str | None:
        """The fingerprint of all that the file holds now; None where there is no file."""
        from longtake.perception.media import fingerprint

        return fingerprint(self.source) if self.source.is_file() else None

    def _keep(self, stage: Pass, chunk: Chunk) -> None:
        with self.store.transaction():
            super()._keep(stage, chunk)
            self._grow(chunk.span.end)

    def _grow(self, end: Seconds, **more: Any) -> None:
        """Give the entry its new duration and what broke until there."""
        live = self.video.media.get("live", {}) | more
        before = live.get("breaks", [])
        live["breaks"] = before + [asdict(one) for one in self.live.taken()]
        media = self.video.media | {"live": live}
        self.video = self.store.update_video(self.video.id, duration=end, media=media)

    def _end(self) -> None:
        """Close the entry: nothing follows."""
        from longtake.storage.records import Progress

        known = self.store.progress(self.video.id, "deep")
        done = known.done if known else 0.0
        with self.store.transaction():
            self._grow(done, ended=wall_clock(), content=self._content())
            if known:
                self.store.set_progress(self.video.id, "deep", Progress(done, True, known.carry))

    def _total(self) -> Seconds | None:
        return None


def _open(video: Video) -> bool:
    """Whether an entry was begun by following and has not ended."""
    return "live" in video.media and video.media["live"]["ended"] is None
