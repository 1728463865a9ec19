"""A library of watched videos: where perception meets memory and a question meets the agent.

This module wires; the work is done in the rooms below, and a watch in `longtake.watch`. Several
threads may read a `Library`; one process at a time may ingest into it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from longtake.errors import LongtakeError, NotFound, PartlyDone, SourceGone
from longtake.keeping import Keeping
from longtake.marking import Marking
from longtake.timecode import Seconds, Span

if TYPE_CHECKING:
    from longtake.agent.agent import Agent
    from longtake.agent.answer import Answer
    from longtake.agent.standing.watcher import Alert
    from longtake.agent.standing.watching import Options, Watching
    from longtake.config import Settings
    from longtake.memory.locate import Located
    from longtake.memory.recall import Recall, Recalled
    from longtake.models.profiles import Models
    from longtake.models.protocols import ChatModel, Image
    from longtake.storage.records import Level, Record, Video
    from longtake.storage.store import Store
    from longtake.streams import KVMemories
    from longtake.tools.highlights import Highlight
    from longtake.tools.reading import Reader
    from longtake.tools.registry import Toolbox
    from longtake.tools.summary import Summary
    from longtake.watch import OnProgress


def open_library(
    path: str | Path | None = None,
    profile: str | None = None,
    *,
    chat: Any = None,
    **settings: Any,
) -> Library:
    """Open a library; it is made on disk when the first video goes in.

    Args:
        path: the library's folder; default: the configured one in the user's data folder.
        profile: `auto`, `offline`, `cpu`, `gpu` or `api`.
        chat: a chat model of your own, for weighing and phrasing.
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
    return Library(loaded, chat=chat)


class Library(Keeping, Marking):
    """Watched videos on disk, and the means to watch more and to ask.

    `models` may be given to use other models than the profile's (tests do), and `chat` a chat model
    of your own: one of LangChain's, or anything with `generate` and `score`.
    """

    def __init__(
        self, settings: Settings, *, models: Models | None = None, chat: Any = None
    ) -> None:
        self.settings = settings
        self.path = Path(settings.library)
        self._given_models = models
        self._given_chat = chat

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

        models = self.models
        return Recall(
            self.store,
            models.text_encoder,
            models.image_encoder,
            further=lambda: models.further_encoders,
            reranker=lambda: models.reranker,
        )

    @cached_property
    def kv(self) -> KVMemories:
        """The key–value memories."""
        from longtake.streams import KVMemories

        return KVMemories(self.path, self.models, self.settings)

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
            streams=self.kv.streams(),
        )

    @cached_property
    def agent(self) -> Agent:
        """The agent that answers."""
        from longtake.agent.agent import Agent
        from longtake.agent.turns import Turns

        return Agent(
            self.toolbox, self._chat(), self.path / "threads.sqlite", turns=Turns(self.path)
        )

    def _chat(self) -> ChatModel | None:
        """The model that phrases answers, where one does it well enough.

        The offline profile's 135 M model, given true quotes, wrote sentences such as "The last
        wagon of the night train was a piano"; its answers are the quotes themselves.
        """
        from longtake.agent.reasoning.cassette import Cached
        from longtake.models.langchain import as_chat

        if self._given_chat is not None:
            chat: ChatModel | None = as_chat(self._given_chat)
        else:
            chat = None if self.models.profile == "offline" else self.models.chat
        return Cached(chat, self.store.cache_get, self.store.cache_put) if chat else None

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
        later: bool = True,
        redo: Sequence[str] = (),
        kv: bool | None = None,
        follow: Seconds | None = None,
    ) -> Video:
        """Watch a video, or go on where an earlier watch of the same content stopped.

        A quick pass over keyframes makes the whole askable early; the deep pass reads speech,
        screen text and sight chunk by chunk, each kept in one transaction. Then come the later
        passes that the profile has models for (see `later`), those of `redo` anew. With `kv` its
        text is then read as a key–value memory; None asks the setting ``kv.build``, which is off.
        With `follow`, `src` is still being written: it is read as it grows, in depth, until nothing
        came for so many seconds.

        Raises:
            PartlyDone: later passes failed; all else is done.
            MediaError: the file is missing, empty or cannot be read.
            Locked: another process writes to this library.
            Interrupted: Ctrl-C; what was committed is kept.
        """
        from longtake.follow import Follow, kept_whole
        from longtake.later import check_names, need
        from longtake.watch import Watch

        need(self.models, check_names(redo))
        watch = Watch(self.path, src, self.models, self.settings, on_progress)
        if follow is not None:
            watch = Follow(self.path, src, self.models, self.settings, on_progress, idle=follow)
        video = watch.run(start=start, until=until, quick=quick, deep=deep)
        trouble = None
        if (redo or (deep and later)) and (follow is None or kept_whole(Path(video.path))):
            try:
                self.later(video, None if later else (), redo=redo, on_progress=on_progress)
            except PartlyDone as error:
                trouble = error
        if self.settings.kv.build if kv is None else kv:
            self.kv_build(video, on_progress)
        if trouble:
            raise trouble
        return video

    def watching(
        self, source: str | Path, tell_me: Sequence[str], options: Options | None = None
    ) -> AbstractContextManager[Watching]:
        """Watch a stream for what a person wants to be told of; iterate over what this opens."""
        from longtake.agent.standing.judging import judge_of
        from longtake.agent.standing.watching import watching

        here = self.path.exists()
        judge = judge_of(self.models, self._chat()) if here else None
        return watching(
            source, tell_me, self.models, self.path / "raw", options=options, find=self.video,
            store=self.store if here else None, judge=judge,
            keep_bytes=self.settings.live.keep_bytes,
        )  # fmt: skip

    def watch(self, source: str | Path, tell_me: Sequence[str], **more: Any) -> Iterator[Alert]:
        """Yield an alert for each event, as it comes; `more`: see `standing.watching.Options`."""
        from longtake.agent.standing.watching import Options

        with self.watching(source, tell_me, Options(**more)) as watch:
            yield from watch

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
        on_ask: Callable[[dict[str, Any]], int | str | None] | None = None,
        stop: Callable[[], bool] | None = None,
        kv: bool = True,
    ) -> Answer:
        """Answer a question with the spans the answer rests on, or say that it is not there.

        Args:
            question: in words.
            video: one video, several, or None for the whole library.
            thread: an earlier answer's `thread`, for follow-ups.
            at: answer as things were known at this time of the video.
            options: choices, when the question is a multiple choice.
            on_step: called with each step of the work.
            on_ask: asked back when two things may be meant, with ``{"text", "choices"}``; returns
                the number of a choice, words, or None for the likelier.
            stop: when it turns true, the best answer so far is given.
            kv: ask key–value memories, too, where there are any.
        """
        from longtake.agent.videos.several import pick

        videos: Sequence[Video] = self._videos(video)
        left_out: Sequence[Video] = ()
        if not videos and question.strip():
            picked = pick(self.toolbox, question, self.videos(), as_of=at)
            videos, left_out = picked.videos, picked.left_out
        return self.agent.ask(
            question,
            videos=videos,
            left_out=left_out,
            thread=thread,
            as_of=at,
            options=list(options) if options else None,
            on_step=on_step,
            on_ask=on_ask,
            stop=stop,
            kv=kv,
        )

    @property
    def chat_trouble(self) -> LongtakeError | None:
        """Why the chat model failed when the last answer was made without it; None if it did not."""
        agent = self.__dict__.get("agent")
        return getattr(agent.chat, "trouble", None) if agent is not None else None

    def search(
        self,
        query: str = "",
        *,
        video: Video | str | Sequence[Video | str] | None = None,
        within: Sequence[str] | None = None,
        k: int = 10,
        start: Seconds | None = None,
        end: Seconds | None = None,
        at: Seconds | None = None,
        image: str | Path | Image | None = None,
    ) -> Recalled:
        """Return the moments nearest to a query, a picture, or both, without a language model.

        `image` is a file, or an array of RGB bytes [height, width, 3].
        """
        from longtake.perception.still import read_picture

        picture = read_picture(image) if isinstance(image, (str, Path)) else image
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
            image=picture,
        )

    def locate(self, query: str, video: Video | str, **more: Any) -> Located:
        """Return the windows of a video that a description fits, surest first, and the curve.

        `more`: span, within, k, as_of, fine; see `longtake.tools.registry.Toolbox.locate`.
        """
        return self.toolbox.locate(query, video=self.video(video).id, **more)

    def summarize(
        self, video: Video | str | Sequence[Video | str] | None = None, **more: Any
    ) -> Summary:
        """Return sentences with their spans that sum up videos, a stretch of them, or a topic.

        `more`: span, about, sentences, words, as_of; see `Toolbox.summarize`.
        """
        videos = self._videos(video) or self.videos()
        return self.toolbox.summarize([one.id for one in videos], **more)

    def highlights(self, video: Video | str, **more: Any) -> list[Highlight]:
        """Return the moments of a video most worth seeing, in order of time.

        `more`: n, about, min_gap, length, span, as_of; see `Toolbox.highlights`.
        """
        return self.toolbox.highlights(self.video(video).id, **more)

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
