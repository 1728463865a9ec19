"""A library of watched videos: where perception meets memory and a question meets the agent.

This module wires; the work is done in the rooms below. A `Library` may be used by several
threads for reading; one process at a time may ingest into it.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

from longtake.errors import Interrupted, LongtakeError, NotFound, SourceGone, UsageError
from longtake.timecode import Seconds, Span, format_time

if TYPE_CHECKING:
    from longtake.agent.answer import Answer
    from longtake.agent.graph import Agent
    from longtake.config import Settings
    from longtake.memory.recall import Recall, Recalled
    from longtake.models.profiles import Models
    from longtake.models.protocols import ChatModel
    from longtake.storage.records import Chunk, Level, Record, Video
    from longtake.storage.store import Store
    from longtake.tools.reading import Reader
    from longtake.tools.registry import Toolbox

Event: TypeAlias = dict[str, Any]
OnProgress: TypeAlias = Callable[[Event], None]
Pass: TypeAlias = Literal["quick", "deep"]

WORTH_SKIMMING: Seconds = 600.0
"""Shorter videos are read in depth at once, unless only the quick pass is asked for."""
SKIM_SHARE, SKIM_LEAST, SKIM_MOST = 0.0125, 8.0, 45.0
"""A quick pass may take this share of the video's length, within these seconds."""


def open_library(
    path: str | Path | None = None, profile: str | None = None, **settings: Any
) -> Library:
    """Open a library; it is made on disk when the first video goes in.

    Args:
        path: the library's folder; default: the configured one in the user's data folder.
        profile: `auto`, `offline`, `cpu`, `gpu` or `api`.
        settings: any other setting of `longtake config show`.
    """
    from longtake.config import load_settings

    flags = dict(settings)
    if path is not None:
        flags["library"] = Path(path)
    if profile is not None:
        flags["profile"] = profile
    loaded = load_settings(**flags)
    for text in loaded.warnings:
        warnings.warn(text, stacklevel=2)
    return Library(loaded)


class Library:
    """Watched videos on disk, and the means to watch more and to ask.

    `models` may be given to use other models than the profile's (tests do).
    """

    def __init__(self, settings: Settings, *, models: Models | None = None) -> None:
        self.settings = settings
        self.path = Path(settings.library)
        self._given_models = models

    # -- parts, each made when first needed ------------------------------------------------

    @cached_property
    def models(self) -> Models:
        """The profile's models; nothing is loaded before it is used."""
        if self._given_models is not None:
            return self._given_models
        from longtake.models.profiles import Models
        from longtake.models.store import ModelStore

        return Models(self.settings, ModelStore(self.settings.models_dir))

    @cached_property
    def store(self) -> Store:
        """The library on disk, opened for reading."""
        from longtake.storage.store import Store

        if not self.path.exists():
            raise NotFound(
                f"there is no library at {self.path}", fix="longtake ingest VIDEO makes it"
            )
        return Store.open(self.path)

    @cached_property
    def recall(self) -> Recall:
        """Search over the memory."""
        from longtake.memory.recall import Recall

        return Recall(self.store, self.models.text_encoder, self.models.image_encoder)

    @cached_property
    def reader(self) -> Reader:
        """The tools that only read; they need no model."""
        from longtake.tools.reading import Reader

        return Reader(self.store, None)

    @cached_property
    def toolbox(self) -> Toolbox:
        """What one may ask of the memory."""
        from longtake.perception.cut import cut_clip
        from longtake.tools.registry import Toolbox

        return Toolbox(
            self.store,
            self.models,
            self.recall,
            source_of=self.source_of,
            cut=partial(cut_clip, ffmpeg=self.settings.ffmpeg),
        )

    @cached_property
    def agent(self) -> Agent:
        """The agent that answers."""
        from longtake.agent.graph import Agent

        return Agent(self.toolbox, self._chat(), self.path / "threads.sqlite")

    def _chat(self) -> ChatModel | None:
        """The model that phrases answers, where one does it well enough.

        The offline profile's 135 M model, given true quotes, wrote sentences such as "The last
        wagon of the night train was a piano"; its answers are the quotes themselves.
        """
        return None if self.models.profile == "offline" else self.models.chat

    # -- watching --------------------------------------------------------------------------

    def ingest(
        self,
        src: str | Path,
        *,
        on_progress: OnProgress | None = None,
        start: Seconds | None = None,
        until: Seconds | None = None,
        quick: bool = True,
        deep: bool = True,
    ) -> Video:
        """Watch a video, or go on where an earlier watch of the same content stopped.

        A quick pass over keyframes makes the whole askable early; the deep pass reads speech,
        screen text and sight chunk by chunk, each kept in one transaction.

        Raises:
            MediaError: the file is missing, empty or cannot be read.
            Locked: another process writes to this library.
            Interrupted: Ctrl-C; what was committed is kept.
        """
        from longtake.perception.media import fingerprint, probe
        from longtake.storage.store import Store

        source = Path(src).expanduser()
        media = probe(source)
        if start is not None and start >= media.duration:
            raise UsageError(
                f"{format_time(start)} lies beyond the end of {source.name} "
                f"({format_time(media.duration)})"
            )
        self._bring_models(on_progress)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with Store.open(self.path, write=True, create=True) as store:
            video = _register(store, source, fingerprint(source), media)
            watch = _Watch(self, store, source, video, on_progress)
            try:
                worth = not deep or media.duration >= WORTH_SKIMMING
                if quick and worth and start is None and until is None:
                    watch.quick_pass()
                if deep:
                    watch.deep_pass(start or 0.0, until)
            except KeyboardInterrupt as stop:
                raise Interrupted(
                    f"stopped; {source.name} is kept up to {format_time(watch.done)}",
                    fix=f"longtake ingest {src} goes on from there",
                ) from stop
            return store.video(video.id)

    def _bring_models(self, on_progress: OnProgress | None) -> None:
        from longtake.models.profiles import WATCHING

        missing = self.models.missing(WATCHING)
        if not missing:
            return

        def tell(name: str, done: int, total: int | None) -> None:
            if on_progress:
                on_progress({"stage": "models", "name": name, "done": done, "total": total})

        self.models.store.pull(missing, on_progress=tell)

    # -- asking ----------------------------------------------------------------------------

    def ask(
        self,
        question: str,
        video: Video | str | Sequence[Video | str] | None = None,
        *,
        thread: str | None = None,
        at: Seconds | None = None,
        options: Sequence[str] | None = None,
        on_step: Callable[[dict[str, Any]], None] | None = None,
    ) -> Answer:
        """Answer a question with the spans the answer rests on, or say that it is not there.

        Args:
            question: in words.
            video: one video, several, or None for the whole library.
            thread: an earlier answer's `thread`, for follow-ups.
            at: answer as things were known at this time of the video.
            options: choices, when the question is a multiple choice.
            on_step: called with each step of the work.
        """
        return self.agent.ask(
            question,
            videos=self._videos(video) or self.videos(),
            thread=thread,
            as_of=at,
            options=list(options) if options else None,
            on_step=on_step,
        )

    @property
    def chat_trouble(self) -> LongtakeError | None:
        """Why the chat model failed when the last answer was made without it; None if it did not."""
        agent = self.__dict__.get("agent")
        return getattr(agent.chat, "trouble", None) if agent is not None else None

    def search(
        self,
        query: str,
        *,
        video: Video | str | Sequence[Video | str] | None = None,
        within: Sequence[str] | None = None,
        k: int = 10,
        start: Seconds | None = None,
        end: Seconds | None = None,
        at: Seconds | None = None,
    ) -> Recalled:
        """Return the moments nearest to a query, without a language model."""
        span = None
        if start is not None or end is not None:
            span = Span(start or 0.0, end if end is not None else 1e9)
        return self.toolbox.search(
            query,
            videos=[v.id for v in self._videos(video)] or None,
            span=span,
            within=within,
            k=k,
            as_of=at,
        )

    def videos(self) -> list[Video]:
        """Return every video of the library, in order of arrival."""
        return self.store.videos() if self.path.exists() else []

    def video(self, name: str | Path | Video) -> Video:
        """Find a video by id, path, or a unique part of its name.

        Raises:
            NoSuchVideo: none fits, or several do; the nearest names are given.
        """
        from longtake.storage.records import Video

        return name if isinstance(name, Video) else self.store.resolve(str(name))

    def source_of(self, video: Video) -> Path:
        """Return the video's file.

        Raises:
            SourceGone: the file is not where it was.
        """
        path = Path(video.path)
        if not path.exists():
            raise SourceGone(
                f"the file of {video.name} is no longer at {path}",
                fix=f"longtake videos relink {video.id} NEW_PATH",
            )
        return path

    def relink(self, video: Video | str, path: str | Path) -> Video:
        """Tell where a moved file is now; its content must be the same.

        Raises:
            UsageError: the file holds other content.
        """
        from longtake.perception.media import fingerprint, probe
        from longtake.storage.store import Store

        known = self.video(video)
        probe(Path(path))
        if fingerprint(Path(path)) != known.fingerprint:
            raise UsageError(
                f"{path} is not the content that was watched as {known.name}",
                fix=f"longtake ingest {path} watches it as a video of its own",
            )
        with Store.open(self.path, write=True) as store:
            return store.update_video(known.id, path=str(Path(path).resolve()))

    def remove(self, video: Video | str) -> None:
        """Forget a video and all that was derived from it; its file stays."""
        from longtake.storage.store import Store

        known = self.video(video)
        with Store.open(self.path, write=True) as store:
            store.remove_video(known.id)

    def timeline(self, video: Video | str, zoom: Level = "chapter") -> list[Record]:
        """Return the chapters, scenes or clips of a video in order."""
        return self.reader.timeline(self.video(video).id, zoom=zoom)

    def transcript(
        self, video: Video | str, *, start: Seconds | None = None, end: Seconds | None = None
    ) -> list[Record]:
        """Return the utterances of a video in order."""
        span = Span(start or 0.0, end if end is not None else 1e9)
        return self.reader.transcript(self.video(video).id, span=span)

    def status(self, video: Video | str) -> dict[str, Any]:
        """Return what is covered by which pass."""
        return self.reader.status(self.video(video).id)

    def _videos(self, given: Video | str | Sequence[Video | str] | None) -> list[Video]:
        from longtake.storage.records import Video

        if given is None:
            return []
        if isinstance(given, (str, Video)):
            return [self.video(given)]
        return [self.video(one) for one in given]

    def close(self) -> None:
        """Close the files that are open; the library may be used again afterwards."""
        for part in ("agent", "toolbox", "reader", "recall", "store"):
            made = self.__dict__.pop(part, None)
            if made is not None and hasattr(made, "close"):
                made.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class _Watch:
    """One run of `Library.ingest` over one video."""

    def __init__(
        self,
        library: Library,
        store: Store,
        source: Path,
        video: Video,
        on_progress: OnProgress | None,
    ) -> None:
        from longtake.memory.writer import MemoryWriter

        self.models = library.models
        self.settings = library.settings
        self.store = store
        self.source = source
        self.video = video
        self.writer = MemoryWriter(store, video, library.models.text_encoder)
        self.on_progress = on_progress
        self.done: Seconds = 0.0
        self.warnings: list[str] = []

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

        known = self.store.progress(self.video.id, "deep")
        if known is not None and known.finished:
            self.done = self.video.duration
            return
        begin = known.done if known else start
        self.done = begin
        if until is not None and until <= begin:
            return
        chunks = perceive(
            self.source,
            self.video,
            self.models,
            carry=known.carry if known else None,
            start=begin,
            until=until,
            warnings=self.warnings,
            chunk_seconds=self.settings.chunk_seconds,
            clip_seconds=self.settings.clip_seconds,
        )
        elapsed = self._run("deep", chunks, begin)
        if until is None:
            self.writer.finish()
            self._tell("deep", self.video.duration, begin, elapsed)

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
        if stage == "deep":
            self.done = chunk.span.end

    def _tell(self, stage: str, done: Seconds, begin: Seconds, elapsed: float) -> None:
        if self.on_progress is None:
            return
        speed = (done - begin) / elapsed if elapsed > 0 else 0.0
        left = max(0.0, self.video.duration - done)
        self.on_progress(
            {
                "stage": stage,
                "done": done,
                "total": self.video.duration,
                "speed": speed,
                "eta": left / speed if speed > 0 else None,
                "askable": True,
                "warnings": list(self.warnings),
            }
        )
        self.warnings.clear()


def _register(store: Store, source: Path, print_: str, media: Any) -> Video:
    """Find the video by content, following a moved file, or add it."""
    path = str(source.resolve())
    for known in store.videos():
        if known.fingerprint == print_:
            return known if known.path == path else store.update_video(known.id, path=path)
    from dataclasses import asdict

    return store.add_video(
        fingerprint=print_,
        path=path,
        name=source.name,
        duration=media.duration,
        media=asdict(media),
    )
