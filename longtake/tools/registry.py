"""What one may ask of a memory: one set of functions for the CLI, Python and the agent.

`Toolbox` has each tool as a method with Python values; `TOOLS` describes them (name, doc,
arguments as a pydantic model) and `Toolbox.call(name, **arguments)` runs one with JSON in and
JSON out, as an agent or a remote client would. Nothing here knows who asks.
"""

from __future__ import annotations

import base64
import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from longtake.errors import KVMissing, NoSuchMoment, UsageError
from longtake.storage.records import Video
from longtake.timecode import Seconds, Span, format_time
from longtake.tools import args as a
from longtake.tools.corpus import Source
from longtake.tools.jsonable import jsonable, record_row, rounded
from longtake.tools.looking import Cut, Look, Looker, Snap
from longtake.tools.now import Now
from longtake.tools.objects import objects as run_objects
from longtake.tools.reading import Reader
from longtake.tools.recall_kv import Tried
from longtake.tools.recall_kv import recall_kv as asked_of_streams
from longtake.tools.scan import Mention, mentions
from longtake.tools.topic import content_words

if TYPE_CHECKING:
    from longtake.memory.kv.asking import Streams
    from longtake.memory.locate import Located, Verify
    from longtake.memory.recall import Recall, Recalled
    from longtake.models.protocols import Image
    from longtake.storage.store import Store
    from longtake.tools.highlights import Highlight
    from longtake.tools.summary import Summary


class Toolbox(Reader):
    """The tools over one library.

    Args:
        store: the library on disk.
        models: the profile's models; only what a tool needs is loaded.
        recall: search over the memory.
        source_of: where a video's file is; raises SourceGone.
        look, cut, snap: stand-ins for perception's second look, cutting and single pictures.
        streams: the key–value memories; None: there are none.
    """

    def __init__(
        self,
        store: Store,
        models: Any,
        recall: Recall,
        *,
        source_of: Callable[[Video], Path],
        look: Look | None = None,
        cut: Cut | None = None,
        snap: Snap | None = None,
        streams: Streams | None = None,
    ) -> None:
        super().__init__(store, models)
        self.streams = streams
        self.recall = recall
        self.looker = Looker(store, models, source_of, look=look, cut=cut, snap=snap)
        self.now = Now(store.path, models)

    def search(
        self,
        query: str,
        *,
        videos: Sequence[str] | None = None,
        span: Span | None = None,
        within: Sequence[str] | None = None,
        k: int = 10,
        as_of: Seconds | None = None,
        level: str | None = None,
        image: Image | None = None,
    ) -> Recalled:
        """Return the moments nearest to a query, best first, and what was searched."""
        if not query.strip() and image is None:
            raise UsageError("the query is empty", fix="say what to look for")
        more: dict[str, Any] = {"level": level} if level else {}
        more |= {} if image is None else {"image": image}
        ids = list(videos) if videos else None
        return self.recall.search(
            query, videos=ids, span=span, within=within, k=k, as_of=as_of, **more
        )

    def locate(
        self,
        query: str,
        *,
        video: str,
        span: Span | None = None,
        within: Sequence[str] | None = None,
        k: int = 10,
        as_of: Seconds | None = None,
        verify: Verify | None = None,
        fine: bool = False,
    ) -> Located:
        """Return the spans of a video that a description fits, and the curve over time.

        `verify` judges the best windows (span, text in and around it → probability); `fine` finds
        the edges of what was shown or seen in the file itself, frame by frame.
        """
        from longtake.memory.locate import locate

        if not query.strip():
            raise UsageError("the description is empty", fix="say what to look for")
        known = self.store.video(video, as_of=as_of)
        self._reaches(span, [known])
        look = None
        if fine and self.looker.has_source(known):
            look = partial(self._seen, known, query)
        return locate(
            self.recall, query, video, span=span, within=within, as_of=as_of, limit=k,
            verify=verify, look=look,
        )  # fmt: skip

    def _seen(self, video: Video, question: str, span: Span, fps: float) -> dict[str, Any]:
        return self.looker.inspect(video, span, fps=fps, question=question)

    def summarize(
        self,
        videos: Sequence[str],
        *,
        span: Span | None = None,
        about: str = "",
        sentences: int | None = None,
        words: int | None = None,
        as_of: Seconds | None = None,
        spoken: bool = False,
    ) -> Summary:
        """Return the sentences that stand for videos, a stretch of them, or what bears on a topic."""
        from longtake.tools.summary import summarize

        known = [self.store.video(one, as_of=as_of) for one in videos]
        self._reaches(span, known)
        return summarize(
            self, known, span=span, about=about.strip(), sentences=sentences, words=words,
            as_of=as_of, spoken=spoken,
        )  # fmt: skip

    def highlights(
        self,
        video: str,
        *,
        n: int = 5,
        about: str = "",
        min_gap: Seconds = 30.0,
        length: Seconds | None = None,
        span: Span | None = None,
        as_of: Seconds | None = None,
    ) -> list[Highlight]:
        """Return the moments that stand out in a video, apart from each other, each with why."""
        from longtake.tools.highlights import highlights

        known = self.store.video(video, as_of=as_of)
        self._reaches(span, [known])
        return highlights(
            self, known, n=n, about=about.strip(), min_gap=min_gap, length=length, span=span,
            as_of=as_of,
        )  # fmt: skip

    def _reaches(self, span: Span | None, videos: Sequence[Video]) -> None:
        """Refuse a stretch that begins beyond the end of every video."""
        if span is None or not videos or any(span.start < one.duration for one in videos):
            return
        last = max(videos, key=lambda one: (one.duration, one.id))
        raise NoSuchMoment(
            f"{format_time(span.start)} lies beyond the end of {last.name} "
            f"({format_time(last.duration)})",
            fix=f"longtake timeline {last.id}",
        )

    def has_kv(self, video: str) -> bool:
        """Whether a video has a key–value memory, usable or not."""
        return self.streams is not None and self.streams.has(video)

    def recall_kv(
        self, question: str, *, video: str, spans: Sequence[Span] | None = None,
        k: int | None = None, as_of: Seconds | None = None,
    ) -> list[Tried]:  # fmt: skip
        """Ask what a model read of a video's text, and where; its words are no evidence."""
        if self.streams is None:
            raise KVMissing("no key–value memory is open", fix=f"longtake kv build {video}")
        return asked_of_streams(self.streams, question, video, spans=spans, k=k, as_of=as_of)

    def close(self) -> None:
        """Let the key–value memories go."""
        if self.streams is not None:
            self.streams.close()

    def count(
        self,
        query: str,
        *,
        videos: Sequence[str] | None = None,
        within: Sequence[Source] | None = None,
        span: Span | None = None,
        as_of: Seconds | None = None,
    ) -> list[Mention]:
        """Find every place that speaks of the query, by scanning all records, in order."""
        corpus = self.corpus(list(videos or [v.id for v in self.store.videos()]), as_of=as_of)
        words = content_words(query) or query.lower().split()
        found = mentions(corpus, corpus.terms(words), within or ("speech", "screen", "sight"))
        return [m for m in found if span is None or m.span.overlap(span) > 0]

    def inspect(
        self, video: str, span: Span, *, fps: float = 2.0, question: str | None = None
    ) -> dict[str, Any]:
        """Decode a span again, finer and at full size, and read what it shows; kept for reuse."""
        return self.looker.inspect(self.store.video(video), span, fps=fps, question=question)

    def clip(self, video: str, span: Span, out: str | Path, *, exact: bool = False) -> Path:
        """Cut a span of a video into a file of its own."""
        return self.looker.clip(self.store.video(video), span, Path(out), exact=exact)

    def frame(self, video: str, time: Seconds, out: str | Path | None = None) -> bytes:
        """Return the picture shown at a time as JPEG bytes, and write it to `out` if given."""
        jpeg = self.looker.frame(self.store.video(video), time)
        if out is not None:
            Path(out).write_bytes(jpeg)
        return jpeg

    def call(self, name: str, **arguments: Any) -> dict[str, Any]:
        """Run a tool by name with JSON arguments; the result is JSON.

        Raises:
            UsageError: no such tool (the nearest name is given), or the arguments do not fit.
        """
        spec = TOOLS.get(name)
        if spec is None:
            near = difflib.get_close_matches(name, TOOLS, n=1, cutoff=0.5)
            raise UsageError(
                f"there is no tool {name!r}",
                fix=f"did you mean {near[0]!r}?" if near else f"tools: {', '.join(TOOLS)}",
            )
        try:
            given = spec.args.model_validate(arguments)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "arguments"
            raise UsageError(
                f"tool {name!r} cannot take this: {where}: {first['msg']}",
                fix=f"arguments: {', '.join(spec.args.model_fields)}",
            ) from error
        result: dict[str, Any] = spec.run(self, given)
        return result

    def _video_id(self, name: str) -> str:
        """A video is named by id, path or a unique part of its name."""
        return self.store.resolve(name).id

    def _video_ids(self, names: Sequence[str] | None) -> list[str] | None:
        return [self._video_id(name) for name in names] if names else None


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """One tool: what it is called, what it does, what it takes, and how it runs on JSON."""

    name: str
    doc: str
    args: type[a.Args]
    run: Callable[[Toolbox, Any], dict[str, Any]]

    def schema(self) -> dict[str, Any]:
        """The tool as a JSON function schema, for models that call tools."""
        return {
            "name": self.name,
            "description": self.doc,
            "parameters": self.args.model_json_schema(),
        }


def _search(box: Toolbox, given: a.SearchArgs) -> dict[str, Any]:
    found = box.search(
        given.query,
        videos=box._video_ids(given.videos),
        span=given.span(),
        within=given.within,
        k=given.k,
        as_of=given.as_of,
    )
    moments = [
        {"video": m.video, **jsonable(m.span), "score": rounded(m.score)}
        | {"source": m.source, "text": m.text}
        for m in found.moments
    ]
    return {"moments": moments, "searched": jsonable(found.searched), "hint": found.hint}


def _locate(box: Toolbox, given: a.LocateArgs) -> dict[str, Any]:
    located = box.locate(
        given.query,
        video=box._video_id(given.video),
        span=given.span(),
        within=given.within,
        k=given.k,
        as_of=given.as_of,
        fine=given.fine,
    )
    spans = [
        jsonable(one.span) | {"p": rounded(one.p), "source": one.source, "text": one.text}
        for one in located.windows
    ]
    curve = {"curve": jsonable(located.curve)} if given.curve else {}
    return {"spans": spans, "saliency": located.saliency(), **curve}


def _summarize(box: Toolbox, given: a.SummarizeArgs) -> dict[str, Any]:
    ids = box._video_ids(given.videos) or [one.id for one in box.store.videos()]
    made = box.summarize(
        ids, span=given.span(), about=given.about, sentences=given.sentences, words=given.words,
        as_of=given.as_of,
    )  # fmt: skip
    return made.to_json()


def _highlights(box: Toolbox, given: a.HighlightsArgs) -> dict[str, Any]:
    found = box.highlights(
        box._video_id(given.video), n=given.n, about=given.about, min_gap=given.min_gap,
        length=given.length, span=given.span(), as_of=given.as_of,
    )  # fmt: skip
    return {"highlights": [one.to_json() for one in found]}


def _transcript(box: Toolbox, given: a.ReadArgs) -> dict[str, Any]:
    rows = box.transcript(box._video_id(given.video), span=given.span(), as_of=given.as_of)
    return {"lines": [record_row(r) for r in rows]}


def _screen_text(box: Toolbox, given: a.ReadArgs) -> dict[str, Any]:
    rows = box.screen_text(box._video_id(given.video), span=given.span(), as_of=given.as_of)
    return {"lines": [record_row(r) for r in rows]}


def _timeline(box: Toolbox, given: a.TimelineArgs) -> dict[str, Any]:
    video = box._video_id(given.video)
    rows = box.timeline(video, zoom=given.zoom, span=given.span(), as_of=given.as_of)
    return {"zoom": given.zoom, "parts": [record_row(r) for r in rows]}


def _count(box: Toolbox, given: a.CountArgs) -> dict[str, Any]:
    found = box.count(
        given.query,
        videos=box._video_ids(given.videos),
        within=given.within,
        span=given.span(),
        as_of=given.as_of,
    )
    rows = [
        {"video": m.record.video, **jsonable(m.span), "source": m.source, "text": m.text}
        for m in found
    ]
    return {"value": len(rows), "occurrences": rows}


def _inspect(box: Toolbox, given: a.InspectArgs) -> dict[str, Any]:
    span = Span(given.start, given.end)
    video = box._video_id(given.video)
    return box.inspect(video, span, fps=given.fps, question=given.question)


def _clip(box: Toolbox, given: a.ClipArgs) -> dict[str, Any]:
    span = Span(given.start, given.end)
    path = box.clip(box._video_id(given.video), span, given.out, exact=given.exact)
    return {"path": str(path), **jsonable(span)}


def _frame(box: Toolbox, given: a.FrameArgs) -> dict[str, Any]:
    jpeg = box.frame(box._video_id(given.video), given.time, given.out)
    row: dict[str, Any] = {"time": rounded(given.time), "bytes": len(jpeg)}
    if given.out is not None:
        return row | {"path": given.out}
    return row | {"jpeg": base64.b64encode(jpeg).decode()}


def _status(box: Toolbox, given: a.StatusArgs) -> dict[str, Any]:
    return box.status(box._video_id(given.video))


def _recall_kv(box: Toolbox, given: a.RecallKVArgs) -> dict[str, Any]:
    spans = [Span(*pair) for pair in given.spans] if given.spans else None
    video = box._video_id(given.video)
    made = box.recall_kv(given.question, video=video, spans=spans, k=given.k, as_of=given.as_of)
    return {"attempts": [one.to_json() for one in made]}


def _specs() -> dict[str, ToolSpec]:
    rows: list[tuple[str, type[a.Args], Callable[[Toolbox, Any], dict[str, Any]]]] = [
        ("search", a.SearchArgs, _search),
        ("locate", a.LocateArgs, _locate),
        ("summarize", a.SummarizeArgs, _summarize),
        ("highlights", a.HighlightsArgs, _highlights),
        ("transcript", a.ReadArgs, _transcript),
        ("screen_text", a.ReadArgs, _screen_text),
        ("timeline", a.TimelineArgs, _timeline),
        ("count", a.CountArgs, _count),
        ("inspect", a.InspectArgs, _inspect),
        ("clip", a.ClipArgs, _clip),
        ("frame", a.FrameArgs, _frame),
        ("status", a.StatusArgs, _status),
        ("recall_kv", a.RecallKVArgs, _recall_kv),
        ("objects", a.ObjectsArgs, run_objects),
    ]
    made = {}
    for name, takes, run in rows:
        doc = (getattr(Toolbox, name).__doc__ or "").strip().splitlines()[0]
        made[name] = ToolSpec(name, doc, takes, run)
    return made


TOOLS: dict[str, ToolSpec] = _specs()
