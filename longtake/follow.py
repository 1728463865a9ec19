"""A watch of what is still being made: the video's entry grows with its source.

Each chunk is kept in one transaction together with the entry's new duration, so what was committed
can be asked for while the watch runs, and a watch that was killed goes on after the last chunk. The
library is opened for writing for each chunk alone: other writers come in between, and a long one is
waited for. Levels are made by a process beside this one (`longtake.consolidate`).

A live file is known by its path and first bytes, as its content is not known before its end; then
the content's fingerprint joins the entry (``media["live"]["content"]``) and a plain `ingest` of the
finished file finds it again. ``media["live"]`` also holds ``began`` and ``ended`` (wall clock, UTC),
``breaks``: where the stream broke, as `longtake.perception.sources.Break`; ``lag``: by how many
seconds what is kept was behind what had come when the last chunk was kept; and ``left_out``, when
that was too long: ``[start, end, what]`` (see `longtake.perception.thrift`). Of a recording it has
``source``, the address as it is shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longtake.consolidate import Beside
from longtake.errors import Interrupted, Locked, UsageError
from longtake.intake import comes, intake, waiting
from longtake.perception.sources import IDLE, Live, wall_clock
from longtake.perception.thrift import Thrift
from longtake.timecode import Seconds, format_time
from longtake.watch import Pass, Watch, holds, make_folder

if TYPE_CHECKING:
    from longtake.config import Settings
    from longtake.models.profiles import Models
    from longtake.perception.media import MediaInfo
    from longtake.perception.segments import About
    from longtake.storage.records import Chunk, Progress, Video
    from longtake.storage.store import Store
    from longtake.watch import Event, OnProgress

CHUNK: Seconds = 20.0
"""A live source is kept at least so often, that it can be asked about soon."""
FIRST: Seconds = 10.0
"""The same for its beginning."""
TURN: Seconds = 5.0
"""A writer that holds the library for longer is told of."""


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
        self.live: Live
        self.idle = idle
        self.chunk_seconds = min(self.chunk_seconds, CHUNK)
        self.first_chunk = FIRST
        self.beside: Beside | None = None
        self._strain = Thrift()
        self._backlog: Seconds | None = None

    def run(
        self, *, start: Seconds | None, until: Seconds | None, quick: bool, deep: bool
    ) -> Video:
        """Follow, or go on following; the quick pass has no place here."""
        if start is not None or not deep:
            raise UsageError(
                "what is still being made is read in depth and from its start",
                fix="leave out --from, --quick and --no-deep, or --follow",
            )
        raw, keep = self.path / "raw", self.settings.live
        with intake(self.src, raw, self.idle, keep, self.warnings.append) as self.live:
            self.feed = self.live
            info, key = self.live.probe(), self.live.key()
            self._bring_models()
            make_folder(self.path.parent)
            with self._turn(create=True) as store:
                wanted = self._begin_live(store, key, info)
            if wanted:
                self._follow(until)
            self._catch_up()
        return self.video

    def _follow(self, until: Seconds | None) -> None:
        try:
            self._look_after()
            self.deep_pass(0.0, until)
            if until is None:
                self._end()
        except KeyboardInterrupt as stop:
            rest = self.live.path if self.recorded else self.src
            raise Interrupted(
                f"stopped; {self.live.name} is kept up to {format_time(self.done)}",
                fix=f"longtake ingest {rest} --follow goes on from there",
            ) from stop
        finally:
            self.live.stop()
            if self.beside:
                self._say(self.beside.finish())

    @property
    def recorded(self) -> About | None:
        """What the recording that is followed says of itself, if it is one of ours."""
        from longtake.perception.segments import SegmentFolder, recording

        return recording(self.live.folder) if isinstance(self.live, SegmentFolder) else None

    # -- the entry -------------------------------------------------------------------------

    def _begin_live(self, store: Store, key: str, info: MediaInfo) -> bool:
        """Find or make the entry; False when there is nothing to follow any more."""
        self._adopt(store, self._entry(store, key, info))
        known = store.progress(self.video.id, "deep")
        ended = self.video.media.get("live", {}).get("ended", True)
        if known is None or not known.finished or not ended:
            return True
        if not holds(self.video, self.live.content() or ""):
            anew = f"longtake ingest {self.src} watches all of it as a new video"
            raise UsageError(
                f"{self.live.name} was followed to its end at {format_time(known.done)}, and has "
                "changed since",
                fix="put new segments into another folder" if self.source.is_dir() else anew,
            )
        return False

    def _entry(self, store: Store, key: str, info: MediaInfo) -> Video:
        content = self.live.content()
        for known in store.videos():
            if known.fingerprint == key or (content and holds(known, content)):
                return known
        return store.add_video(
            fingerprint=key,
            path=self.live.place(),
            name=self.live.name,
            duration=0.0,
            media=asdict(info) | {"live": self._begun()},
        )

    def _begun(self) -> dict[str, Any]:
        """What there is to tell of a source that is followed from now on."""
        began = self.live.began() or wall_clock()
        told: dict[str, Any] = {"began": began, "ended": None, "content": None, "breaks": []}
        return told | ({"source": about.source} if (about := self.recorded) else {})

    def _ending(self) -> dict[str, Any]:
        """What there is to tell of one that has ended."""
        return {"ended": wall_clock(), "content": self.live.content(), "lag": 0.0}

    def _grow(self, end: Seconds, **more: Any) -> None:
        """Give the entry its new duration and what broke until there."""
        old = self.video.media.get("live") or self._begun()  # a plain watch may have begun it
        live = old | {"lag": self.lag(end)} | more
        before = live["breaks"]
        known = {(one["at"], one["why"]) for one in before}  # read again after a kill
        new = [one for one in self.live.taken() if (one.at, one.why) not in known]
        live["breaks"] = before + [asdict(one) for one in new]
        media = self.video.media | {"live": live}
        self.video = self.store.update_video(self.video.id, duration=end, media=media)

    def _end(self) -> None:
        """Close the entry, if no last chunk did: nothing follows."""
        from longtake.storage.records import Progress

        if self.video.media.get("live", {}).get("ended"):
            return
        with self._turn() as store:
            self._adopt(store, store.video(self.video.id))
            known = store.progress(self.video.id, "deep")
            done = known.done if known else 0.0
            with store.transaction():
                self._grow(done, **self._ending())
                if known:
                    ended = Progress(done, True, known.carry)
                    store.set_progress(self.video.id, "deep", ended)

    # -- turns with other writers ----------------------------------------------------------

    @contextmanager
    def _turn(self, *, create: bool = False) -> Iterator[Store]:
        """Open the library for writing as soon as nobody else does; a long wait is told once."""
        from longtake.storage.store import Store

        told = False
        while True:
            try:
                store = Store.open(self.path, write=True, create=create, wait=TURN)
                break
            except Locked as error:
                if not told:
                    self._say([f"{error.message}; what comes is kept when that ends"])
                told = True
        with store:
            yield store

    def _known(self, stage: Pass) -> Progress | None:
        from longtake.storage.store import Store

        with Store.open(self.path) as store:
            return store.progress(self.video.id, stage)

    def _keep(self, stage: Pass, chunk: Chunk) -> None:
        with self._turn() as store:
            self._adopt(store, store.video(self.video.id))
            with store.transaction():
                super()._keep(stage, chunk)
                ending = self._ending() if chunk.last else {}
                self._grow(chunk.span.end, left_out=self._left_out(chunk), **ending)
        self._look_after()

    # -- levels ----------------------------------------------------------------------------

    def _look_after(self) -> None:
        """Begin the process that consolidates, and see that it lives."""
        if self.beside is None and self._apart():
            self.beside = Beside(self.settings, self.video.id)
        if self.beside:
            self._say(self.beside.look())

    def _apart(self) -> bool:
        """Whether another process can have the same models; those given as objects it cannot."""
        from longtake.models.profiles import Models

        return isinstance(self.models, Models)

    def _consolidates(self) -> bool:
        return self.beside is None or self.beside.gave_up

    def _finish(self) -> None:
        """Nothing: what is open is closed once the end is written down."""

    def _catch_up(self) -> None:
        """Make the levels that nobody made."""
        from longtake.memory.consolidation import due
        from longtake.storage.store import Store

        with Store.open(self.path) as store:
            late = due(store, self.video.id)
        if late:
            with self._turn() as store:
                self._adopt(store, store.video(self.video.id))
                self.writer.catch_up()

    # -- when it comes too fast ------------------------------------------------------------

    def _thrift(self, end: Seconds) -> int:
        """Leave out more the later it is, while more comes.

        Of a file, what was there when the watch began does not count: it will not go away.
        """
        if not comes(self.live):
            return self._strain.at(0.0)
        lag = self.lag(self.done)
        if self.recorded is None:
            self._backlog = lag if self._backlog is None else min(lag, self._backlog)
            lag -= self._backlog
        return self._strain.at(lag, waiting(self.live, self.done, self.settings.live.keep_bytes))

    def _left_out(self, chunk: Chunk) -> list[list[Any]]:
        """The spans of the video that lost something, with those of a new chunk."""
        spans = [list(one) for one in self.video.media.get("live", {}).get("left_out", [])]
        for clip in chunk.records:
            for what in clip.data.get("left_out", ()) if clip.level == "clip" else ():
                if spans and spans[-1][2] == what and spans[-1][1] >= clip.span.start - 1e-3:
                    spans[-1][1] = clip.span.end
                else:
                    spans.append([clip.span.start, clip.span.end, what])
        return spans

    # -- what is told ----------------------------------------------------------------------

    def lag(self, done: Seconds) -> Seconds:
        """By how many seconds what is kept is behind what has come."""
        return round(self.live.behind() + max(0.0, self.live.now - done), 1)

    def _say(self, sentences: list[str]) -> None:
        self.warnings += sentences
        if sentences:
            self._tell("deep", self.done, self.done, 0.0)

    def _more(self) -> Event:
        return {"lag": self.lag(self.done)}

    def _total(self) -> Seconds | None:
        return None


def kept_whole(path: Path) -> bool:
    """Whether all of a followed source is still there, for passes that read it again."""
    from longtake.perception.segments import parts, recording

    if not recording(path):
        return path.exists()
    found = parts(path)
    return bool(found) and found[0].start < 1.0
