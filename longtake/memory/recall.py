"""Recall: find the moments that a query is about, and say how sure that is.

Dense search over every level and facet, words, and pictures are run side by side under the same
filters (videos, span, channels, level, `as_of`), fused by rank, put together by clip and weighed by
absolute evidence. Levels of all time scales compete in one list (VidLA's several resolutions,
without its training): a coarse hit stays only where nothing finer inside it is as good. Where the
profile has a reranker, it reads the best moments again beside the query. Channels that a library
lacks are simply not searched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from longtake.errors import BackendError, MissingError, MissingModel, UsageError
from longtake.memory import channels as ch
from longtake.memory.channels import Scope
from longtake.memory.curve import Traced, trace
from longtake.memory.encoders import Encoders
from longtake.memory.evidence import Lexicon
from longtake.memory.fusion import gather, group
from longtake.memory.moments import Curve, Moment, Recalled
from longtake.memory.ranking import Ranking
from longtake.memory.report import hint, searched
from longtake.memory.rerank import DEPTH, disputed, reranked
from longtake.memory.terms import Query, parse_query
from longtake.models.protocols import Image, ImageEncoder, TextEncoder
from longtake.storage.records import Level, Video
from longtake.timecode import Seconds, Span

if TYPE_CHECKING:
    from longtake.models.rerank import Reranker
    from longtake.storage.store import Store

__all__ = ["Recall", "Recalled"]

T = TypeVar("T")

_THREADS = 2
"""Searches of single indexes that run at once; more gain little on two cores."""


class Recall:
    """Search over a library; keeps recent queries' vectors and samples of pictures.

    `further` gives image encoders beside the profile's own one, `reranker` what reads the best
    moments again; both are called when they are first needed, as they may have to be loaded.
    """

    def __init__(
        self,
        store: Store,
        text_encoder: TextEncoder | None,
        image_encoder: ImageEncoder | None,
        *,
        further: Callable[[], Sequence[ImageEncoder]] = tuple,
        reranker: Callable[[], Reranker | None] = lambda: None,
    ) -> None:
        self.store = store
        self.encoders = Encoders(text_encoder, image_encoder, _once(further))
        self._reranker = _once(reranker)
        self._pictures = ch.Pictures(store)
        self._finished: set[str] = set()
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="recall")

    def search(
        self,
        query: str,
        *,
        videos: Sequence[str] | None = None,
        span: Span | None = None,
        within: Sequence[str] | None = None,
        k: int = 10,
        as_of: Seconds | None = None,
        level: Level | None = None,
        image: Image | None = None,
    ) -> Recalled:
        """Return the moments nearest to a query.

        Args:
            query: words, quoted phrases, a time expression; all optional but not all missing.
            videos: ids; None for every video.
            span: only here; without it a time expression in the query sets it.
            within: channels to search; None for all.
            k: how many moments at most.
            as_of: nothing known later than this is used.
            level: only records of this level.
            image: what the moments look like; with it the query may be "".

        Raises:
            UsageError: a channel or level does not exist, or pictures are not among `within`.
            MissingModel: a picture was given, and no image encoder is here.
            NoSuchVideo: a video does not exist.
        """
        known = self._known(videos, as_of)
        asked = replace(_parse(query, known), picture=image)
        scope = Scope.of(videos, known, span or asked.span, _seen(asked, within), as_of, level)
        lexicon = Lexicon.of(asked, partial(self.store.document_frequency, as_of=as_of))
        chosen = ch.columns(self.store, self.encoders, asked, scope)
        if image is not None and not any(one.by == "picture" for one, _ in chosen.columns):
            raise MissingModel(
                "; ".join(["no image encoder is here to compare the picture", *chosen.notes]),
                fix="choose a profile that has one",
            )
        lists, records = ch.search(self.store, chosen, asked, scope, max(30, 2 * k), self._pool)
        usual = self._pictures.backgrounds(chosen, scope)
        ranking = Ranking(self.store, scope, lexicon, len(lists), usual)
        groups = group(gather(lists, records))
        moments, notes = self._read_again(
            asked, scope, lambda n: ranking.best(groups, n), k, chosen.notes
        )
        best = ranking.strongest
        looked = searched(self.store, scope, self._finished)
        said = hint(self.store, asked, scope, looked, moments, best)
        return Recalled(moments, looked, best, said, notes)

    def _read_again(
        self,
        query: Query,
        scope: Scope,
        best: Callable[[int], list[Moment]],
        k: int,
        notes: tuple[str, ...],
    ) -> tuple[list[Moment], tuple[str, ...]]:
        """Return the `k` best moments, in the order of the reranker where there is one."""
        try:
            reranker = self._reranker() if query.terms else None
            if reranker is None:
                return best(k), notes
            low = disputed(self.store, scope.known, scope.as_of)
            found = reranked(query.text, best(max(k, DEPTH)), reranker, low)
            return found[:k], notes
        except (BackendError, MissingError) as error:
            return best(k), (*notes, f"the moments were not read again: {error.message}")

    def curve(
        self,
        query: str,
        video: str,
        *,
        span: Span | None = None,
        within: Sequence[str] | None = None,
        as_of: Seconds | None = None,
    ) -> Curve:
        """Return the relevance of each second of a video to a query, 0 to 1."""
        return self.trace(query, video, span=span, within=within, as_of=as_of).curve

    def trace(
        self,
        query: str,
        video: str,
        *,
        span: Span | None = None,
        within: Sequence[str] | None = None,
        as_of: Seconds | None = None,
    ) -> Traced:
        """Return a query's curve over a video, and the records that it is made of."""
        known = self._known([video], as_of)
        asked = _parse(query, known)
        scope = Scope.of([video], known, span or asked.span, within, as_of, None)
        return trace(self.store, self.encoders, asked, scope)

    def parse(
        self, query: str, videos: Sequence[str] | None, as_of: Seconds | None = None
    ) -> Query:
        """Take a query apart; times from the end are read where one video is meant."""
        return _parse(query, self._known(videos, as_of))

    def close(self) -> None:
        """End the threads; the store stays open."""
        self._pool.shutdown()

    def _known(self, videos: Sequence[str] | None, as_of: Seconds | None) -> list[Video]:
        if videos is None:
            return self.store.videos(as_of=as_of)
        return [self.store.video(one, as_of=as_of) for one in videos]


def _once(get: Callable[[], T]) -> Callable[[], T]:
    """Ask for a model once: one that is missing is not sought on the hub for every search."""
    got: list[T | MissingError] = []

    def again() -> T:
        if not got:
            try:
                got.append(get())
            except MissingError as error:
                got.append(error)
        if isinstance(got[0], MissingError):
            raise got[0]
        return got[0]

    return again


def _parse(query: str, known: Sequence[Video]) -> Query:
    return parse_query(query, known[0].duration if len(known) == 1 else None)


def _seen(query: Query, within: Sequence[str] | None) -> Sequence[str] | None:
    """Return the channels to search: a picture without words is compared with pictures alone."""
    if query.picture is None:
        return within
    if within and "sight" not in within:
        raise UsageError(
            "a picture is compared with what was seen, which is not among the channels asked for",
            fix="add sight to them, or leave them out",
        )
    return within if query.terms else ("sight",)
