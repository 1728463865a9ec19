"""One watch of one video: register it, bring the models, run the passes, keep every chunk.

Here perception meets memory: what `skim` and `perceive` yield, a `MemoryWriter` keeps, each chunk
in one transaction. `longtake.library.Library.ingest` is the way in.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from longtake.errors import Interrupted, NoSuchFile, UsageError
from longtake.models.quiet import few_heaps, give_back
from longtake.perception.hushed import hushed
from longtake.timecode import Seconds, format_time

if TYPE_CHECKING:
    from longtake.config import Settings
    from longtake.models.profiles import Models
    from longtake.perception.media import MediaInfo
    from longtake.perception.sources import Live
    from longtake.storage.records import Chunk, Progress, Video
    from longtake.storage.store import Store

Event: TypeAlias = dict[str, Any]
OnProgress: TypeAlias = Callable[[Event], None]
Pass: TypeAlias = Literal["quick", "deep"]

WORTH_SKIMMING: Seconds = 600.0
"""Shorter videos are read in depth at once, unless only the quick pass is asked for."""
SKIM_SHARE, SKIM_LEAST, SKIM_MOST = 0.0125, 8.0, 45.0
"""A quick pass may take this share of the video's length, within these seconds."""


class Watch:
    """A watch of `src` into the library at `path`; `run` does it."""

    def __init__(
        self,
        path: Path,
        src: str | Path,
        models: Models,
        settings: Settings,
        on_progress: OnProgress | None,
    ) -> None:
        self.path = path
        self.src = src
        self.source = Path(src).expanduser()
        self.feed: Path | Live = self.source
        self.models = models
        self.settings = settings
        self.on_progress = on_progress
        self.chunk_seconds = settings.chunk_seconds
        self.first_chunk: Seconds | None = None
        self.done: Seconds = 0.0
        self.warnings: list[str] = []

    def run(
        self, *, start: Seconds | None, until: Seconds | None, quick: bool, deep: bool
    ) -> Video:
        """Watch, or go on; see `Library.ingest`."""
        from longtake.perception.media import fingerprint, probe
        from longtake.storage.store import Store

        if "://" in str(self.src):
            address = hushed(str(self.src))
            raise NoSuchFile(f"{address} is an address, not a file", fix="follow it")
        media = probe(self.source)
        if start is not None and start >= media.duration:
            raise UsageError(
                f"{format_time(start)} lies beyond the end of {self.source.name} "
                f"({format_time(media.duration)})",
                fix="begin before the end",
            )
        self._bring_models()
        make_folder(self.path.parent)
        with Store.open(self.path, write=True, create=True) as store:
            self._begin(store, fingerprint(self.source), media)
            try:
                worth = not deep or media.duration >= WORTH_SKIMMING
                if quick and worth and start is None and until is None:
                    self.quick_pass()
                if deep:
                    self.deep_pass(start or 0.0, until)
            except KeyboardInterrupt as stop:
                raise Interrupted(
                    f"stopped; {self.source.name} is kept up to {format_time(self.done)}",
                    fix=f"longtake ingest {self.src} goes on from there",
                ) from stop
            return store.video(self.video.id)

    def _bring_models(self) -> None:
        """Fetch what watching needs and is not here."""
        from longtake.models.profiles import WATCHING

        few_heaps()

        def tell(name: str, done: int, total: int | None) -> None:
            if self.on_progress:
                event = {"stage": "models", "name": name, "done": done, "total": total}
                self.on_progress(event)

        if missing := self.models.missing(WATCHING):
            self.models.store.pull(missing, on_progress=tell)

    def _begin(self, store: Store, print_: str, media: MediaInfo) -> None:
        self._adopt(store, _register(store, self.source, print_, media))

    def _adopt(self, store: Store, video: Video) -> None:
        from longtake.memory.bounding import capacity_of
        from longtake.memory.writer import MemoryWriter

        self.store, self.video = store, video
        self.writer = MemoryWriter(
            store,
            self.video,
            self.models.text_encoder,
            capacity=capacity_of(video, self.settings.capacity, self.settings.live.capacity),
            budget=self.settings.budget,
            consolidate=self._consolidates(),
        )

    def _consolidates(self) -> bool:
        """Whether levels are made with each chunk, and not by another process."""
        return True

    def quick_pass(self) -> None:
        """Skim the keyframes, unless that or the deep pass is done."""
        from longtake.perception.skim import skim

        passes: tuple[Pass, ...] = ("quick", "deep")
        known = [self.store.progress(self.video.id, p) for p in passes]
        if any(p is not None and p.finished for p in known) or known[1] is not None:
            return
        budget = min(SKIM_MOST, max(SKIM_LEAST, self.video.duration * SKIM_SHARE))
        chunks = skim(self.source, self.video, self.models, budget_seconds=budget)
        self._run("quick", chunks, 0.0)

    def deep_pass(self, start: Seconds, until: Seconds | None) -> None:
        """Read everything that has not been read yet, then close the levels."""
        from longtake.perception.pipeline import perceive

        known = self._known("deep")
        if known is not None and known.finished:
            self.done = self.video.duration
            return
        begin = known.done if known else start
        self.done = begin
        if until is not None and until <= begin:
            return
        chunks = perceive(
            self.feed,
            self.video,
            self.models,
            carry=known.carry if known else None,
            start=begin,
            until=until,
            warnings=self.warnings,
            chunk_seconds=self.chunk_seconds,
            first_chunk=self.first_chunk,
            clip_seconds=self.settings.clip_seconds,
            thrift=self._thrift,
        )
        elapsed = self._run("deep", chunks, begin)
        if until is None:
            self._finish()
            self._tell("deep", self.video.duration, begin, elapsed)

    def _known(self, stage: Pass) -> Progress | None:
        """How far a pass has come."""
        return self.store.progress(self.video.id, stage)

    def _thrift(self, end: Seconds) -> int:
        """What to leave out of the clip that ends there; see `longtake.perception.thrift`."""
        return 0

    def _finish(self) -> None:
        """Close what is open: all has been read."""
        self.writer.finish()

    def _run(self, stage: Pass, chunks: Any, begin: Seconds) -> float:
        """Keep every chunk; return how many seconds that took."""
        started = time.monotonic()
        try:
            for chunk in chunks:
                self._keep(stage, chunk)
                self._tell(stage, chunk.span.end, begin, time.monotonic() - started)
        finally:
            chunks.close()
        return time.monotonic() - started

    def _keep(self, stage: Pass, chunk: Chunk) -> None:
        self.writer.write(chunk, pass_=stage)
        give_back()
        if stage == "deep":
            self.done = chunk.span.end

    def _tell(self, stage: str, done: Seconds, begin: Seconds, elapsed: float) -> None:
        if self.on_progress is None:
            return
        speed = (done - begin) / elapsed if elapsed > 0 else 0.0
        total = self._total()
        left = max(0.0, (total or 0.0) - done)
        self.on_progress(
            {
                "stage": stage,
                "done": done,
                "total": total,
                "speed": speed,
                "eta": left / speed if speed > 0 and total is not None else None,
                "askable": True,
                "warnings": list(self.warnings),
            }
            | self._more()
        )
        self.warnings.clear()

    def _more(self) -> Event:
        """What else an event tells."""
        return {}

    def _total(self) -> Seconds | None:
        """How long the whole is, where that is known."""
        return self.video.duration


def make_folder(folder: Path) -> None:
    """Make the folder that a library is to lie in."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"the library's folder {folder} cannot be made: {error.strerror}",
            fix="name another place with --library",
        ) from error


def _register(store: Store, source: Path, print_: str, media: MediaInfo) -> Video:
    """Find the video by content, following a moved file, or add it."""
    path = str(source.resolve())
    for known in store.videos():
        if holds(known, print_):
            return known if known.path == path else store.update_video(known.id, path=path)
    if begun := _begun_live(store, source):
        told = asdict(media) | {"live": begun.media["live"] | {"content": print_}}
        return store.update_video(begun.id, duration=media.duration, media=told)
    return store.add_video(
        fingerprint=print_,
        path=path,
        name=source.name,
        duration=media.duration,
        media=asdict(media),
    )


def holds(video: Video, print_: str) -> bool:
    """Whether a video's whole content has this fingerprint; a followed one learns it at its end."""
    return print_ in (video.fingerprint, video.media.get("live", {}).get("content"))


def _begun_live(store: Store, source: Path) -> Video | None:
    """Find the entry that following this file began and did not end."""
    from longtake.perception.sources import key_of_file

    key = key_of_file(source)
    found = [v for v in store.videos() if v.fingerprint == key and "live" in v.media]
    return found[0] if found and not found[0].media["live"].get("content") else None
