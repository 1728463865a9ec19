"""The lists that recall fuses: one for each level and facet, and words for each channel."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from longtake.errors import UsageError
from longtake.memory.evidence import Background
from longtake.memory.terms import Query
from longtake.models.protocols import ImageEncoder, TextEncoder
from longtake.storage.records import LEVELS, Channel, Facet, Floats, Level, Record, Video
from longtake.timecode import Seconds, Span

if TYPE_CHECKING:
    from longtake.storage.store import Store


@dataclass(frozen=True, slots=True)
class Column:
    """One index of vectors: which records, compared by what, searched for which channel."""

    level: Level
    facet: Facet
    stored: Channel
    channel: Channel

    @property
    def name(self) -> str:
        """Name of its list."""
        return f"{self.level}.{self.stored}.{self.facet}"


TEXT_COLUMNS = (
    Column("moment", "text", "speech", "speech"),
    Column("frame", "text", "screen", "screen"),
    Column("clip", "text", "caption", "caption"),
    Column("clip", "context", "caption", "caption"),
    Column("scene", "text", "caption", "caption"),
    Column("chapter", "text", "caption", "caption"),
    Column("video", "text", "caption", "caption"),
)
SIGHT_COLUMNS = (
    Column("frame", "sight", "sight", "sight"),
    Column("clip", "sight", "caption", "sight"),
)
WORD_CHANNELS: tuple[Channel, ...] = ("speech", "screen", "sight", "caption")


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a search may look; `videos` is None for the whole library."""

    videos: list[str] | None
    known: list[Video]
    span: Span | None
    within: frozenset[str]
    as_of: Seconds | None
    level: Level | None

    @classmethod
    def of(
        cls,
        videos: Sequence[str] | None,
        known: list[Video],
        span: Span | None,
        within: Sequence[str] | None,
        as_of: Seconds | None,
        level: Level | None,
    ) -> Scope:
        """Check the filters.

        Raises:
            UsageError: a channel or level does not exist.
        """
        wrong = sorted(set(within or ()) - set(WORD_CHANNELS))
        if wrong:
            raise UsageError(
                f"{wrong[0]!r} is not something to search in",
                fix=f"choose among {', '.join(WORD_CHANNELS)}",
            )
        if level is not None and level not in LEVELS:
            raise UsageError(f"{level!r} is not a level", fix=f"choose among {', '.join(LEVELS)}")
        chosen = None if videos is None else list(videos)
        return cls(chosen, known, span, frozenset(within or WORD_CHANNELS), as_of, level)

    def takes(self, column: Column) -> bool:
        """Whether a column is to be searched."""
        return column.channel in self.within and self.level in (None, column.level)


_QUERIES = 256


@dataclass
class Encoders:
    """Query encoders with a memory of recent queries."""

    text: TextEncoder | None
    image: ImageEncoder | None
    _recent: OrderedDict[tuple[str, str], Floats] = field(default_factory=OrderedDict)

    def of_text(self, query: Query) -> Floats | None:
        """Embed a query for comparison with texts; None without an encoder or words."""
        return self._encode("text", query.text, self.text.encode) if self.text else None

    def of_sight(self, query: Query) -> Floats | None:
        """Embed a query for comparison with pictures: the things it names, not the asking."""
        return (
            self._encode("sight", " ".join(query.terms), self.image.encode_texts)
            if self.image
            else None
        )

    def _encode(
        self, kind: str, text: str, encode: Callable[[Sequence[str]], Floats]
    ) -> Floats | None:
        if not text.strip():
            return None
        key = (kind, text)
        if key not in self._recent:
            self._recent[key] = encode([text])[0]
            if len(self._recent) > _QUERIES:
                self._recent.popitem(last=False)
        return self._recent[key]


def search(
    store: Store, encoders: Encoders, query: Query, scope: Scope, k: int, pool: Executor
) -> tuple[dict[str, list[tuple[str, float]]], dict[str, Record]]:
    """Return the ranked lists and the records they name.

    The dense lists run in `pool`: FAISS needs a core for each and lets others work meanwhile.
    """
    chosen = columns(encoders, query, scope)
    running = [pool.submit(_nearest, store, scope, column, row, k) for column, row in chosen]
    lists, records = _by_words(store, query, scope, k)
    lists |= {column.name: one.result() for (column, _), one in zip(chosen, running, strict=True)}
    lists = {name: ranked for name, ranked in lists.items() if ranked}
    missing = sorted({r for ranked in lists.values() for r, _ in ranked if r not in records})
    if missing:
        records |= {one.id: one for one in store.records(ids=missing, as_of=scope.as_of)}
    return _without_old_synopses(lists, records, store, scope)


_FEWER: dict[Level, int] = {"scene": 2, "chapter": 3, "video": 4}
"""Coarse levels have few records that matter: their lists are shorter by these factors."""


def _nearest(
    store: Store, scope: Scope, column: Column, vector: Floats, k: int
) -> list[tuple[str, float]]:
    short = k if scope.level else k // _FEWER.get(column.level, 1)
    return store.search_vectors(
        column.level,
        column.facet,
        vector,
        k=short,
        video=scope.videos,
        span=scope.span,
        as_of=scope.as_of,
        channel=column.stored,
    )


def _by_words(
    store: Store, query: Query, scope: Scope, k: int
) -> tuple[dict[str, list[tuple[str, float]]], dict[str, Record]]:
    lists: dict[str, list[tuple[str, float]]] = {}
    records: dict[str, Record] = {}
    for channel in WORD_CHANNELS:
        if channel in scope.within and (query.terms or query.phrases):
            found = store.search_words(
                [*query.phrases, *query.terms],
                k=k,
                video=scope.videos,
                span=scope.span,
                level=scope.level,
                channel=channel,
                as_of=scope.as_of,
            )
            records |= {record.id: record for record, _ in found}
            lists[f"words.{channel}"] = [(record.id, score) for record, score in found]
    return lists, records


def columns(encoders: Encoders, query: Query, scope: Scope) -> list[tuple[Column, Floats]]:
    """Return the columns to search, each with the query as its kind embeds it."""
    chosen: list[tuple[Column, Floats]] = []
    for kind, encode in (
        (TEXT_COLUMNS, encoders.of_text),
        (SIGHT_COLUMNS, encoders.of_sight),
    ):
        wanted = [column for column in kind if scope.takes(column)]
        vector = encode(query) if wanted else None
        if vector is not None:
            chosen += [(column, vector) for column in wanted]
    return chosen


def _without_old_synopses(
    lists: Mapping[str, list[tuple[str, float]]],
    records: Mapping[str, Record],
    store: Store,
    scope: Scope,
) -> tuple[dict[str, list[tuple[str, float]]], dict[str, Record]]:
    """Leave of each video only the newest synopsis known by `as_of`."""
    videos = sorted({one.video for one in records.values() if one.level == "video"})
    every = store.records(video=videos, level="video", as_of=scope.as_of) if videos else []
    newest = {one.video: one for one in sorted(every, key=lambda one: (one.known_at, one.id))}
    old = {one.id for one in every if one.id != newest[one.video].id}
    kept = {name: [pair for pair in row if pair[0] not in old] for name, row in lists.items()}
    return kept, {name: one for name, one in records.items() if name not in old}


_SAMPLE = 4
"""Videos that the usual cosines of pictures are taken from."""
_ROWS = 600
"""Pictures of each of them."""
_KEPT = 32


@dataclass
class Pictures:
    """Samples of picture vectors, kept between searches: reading them takes longer than FAISS."""

    store: Store
    _rows: OrderedDict[tuple[str, str, Seconds | None, Seconds], Floats] = field(
        default_factory=OrderedDict
    )

    def backgrounds(
        self, encoders: Encoders, query: Query, scope: Scope
    ) -> dict[str, Background | None]:
        """Return what cosines of the query with pictures are usual in scope, for each column."""
        found: dict[str, Background | None] = {}
        for column, vector in columns(encoders, query, scope):
            if column.facet == "sight":
                step = max(1, len(scope.known) // _SAMPLE)
                chosen = scope.known[::step][:_SAMPLE]
                rows = [self._sample(video.id, column, scope.as_of) for video in chosen]
                cosines = [matrix @ vector for matrix in rows if len(matrix)]
                found[column.name] = Background.of(np.concatenate(cosines)) if cosines else None
        return found

    def _sample(self, video: str, column: Column, as_of: Seconds | None) -> Floats:
        # What is remembered only grows with the progress of a pass, so that dates a sample.
        passes = [self.store.progress(video, name) for name in ("quick", "deep")]
        age = sum(one.done + one.finished for one in passes if one is not None)
        key = (video, column.name, as_of, age)
        if key not in self._rows:
            _, _, matrix = self.store.vectors(
                column.level, column.facet, video=video, as_of=as_of, channel=column.stored
            )
            self._rows[key] = matrix[:: max(1, len(matrix) // _ROWS)]
            if len(self._rows) > _KEPT:
                self._rows.popitem(last=False)
        return self._rows[key]
