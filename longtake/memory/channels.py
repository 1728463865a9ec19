"""The lists that recall fuses: one for each level and facet, and words for each channel.

Pictures may have been encoded by several models: each makes a column of its own over the same
records, and all are searched whose encoder is loaded (MERV's several encoders, arXiv:2501.01426,
joined by rank instead of by training). A column without its encoder is left out, and told.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from longtake.errors import BackendError, MissingError, UsageError
from longtake.memory.encoders import Encoders
from longtake.memory.evidence import Background
from longtake.memory.terms import Query
from longtake.storage.records import LEVELS, Channel, Facet, Floats, Level, Record, Video
from longtake.timecode import Seconds, Span

if TYPE_CHECKING:
    from longtake.storage.store import Store


@dataclass(frozen=True, slots=True)
class Column:
    """One index of vectors: which records, compared by what, searched for which channel.

    `by` tells what its vectors are compared with: words, or a picture.
    """

    level: Level
    facet: Facet
    stored: Channel
    channel: Channel
    by: Literal["words", "picture"] = "words"

    @property
    def name(self) -> str:
        """Name of its list."""
        by = ".by-picture" if self.by == "picture" else ""
        return f"{self.level}.{self.stored}.{self.facet}{by}"

    @property
    def sight(self) -> bool:
        """Whether its vectors are those of pictures."""
        return self.channel == "sight"


TEXT_COLUMNS = (
    Column("moment", "text", "speech", "speech"),
    Column("moment", "text", "caption", "caption"),
    Column("moment", "context", "caption", "caption"),
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


@dataclass(frozen=True, slots=True)
class Asked:
    """What a query is compared with: columns with its vectors, and what had to be left out."""

    columns: tuple[tuple[Column, Floats], ...]
    notes: tuple[str, ...] = ()


def search(
    store: Store, asked: Asked, query: Query, scope: Scope, k: int, pool: Executor
) -> tuple[dict[str, list[tuple[str, float]]], dict[str, Record]]:
    """Return the ranked lists and the records they name.

    The dense lists run in `pool`: FAISS needs a core for each and lets others work meanwhile.
    """
    chosen = asked.columns
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


def columns(store: Store, encoders: Encoders, query: Query, scope: Scope) -> Asked:
    """Return the columns to search, each with the query as its kind embeds it."""
    chosen: list[tuple[Column, Floats]] = []
    wanted = [column for column in TEXT_COLUMNS if scope.takes(column)]
    vector = encoders.of_text(query) if wanted else None
    if vector is not None:
        chosen += [(column, vector) for column in wanted]
    notes: list[str] = []
    for column in sight_columns(store):
        if scope.takes(column):
            chosen += _seen(encoders, query, column, notes)
    return Asked(tuple(chosen), tuple(notes))


def sight_columns(store: Store) -> list[Column]:
    """Return the profile's own columns of pictures, and those of further encoders that are here."""
    further = [facet for facet in store.facets("frame", "sight") if facet.startswith("sight.")]
    return [*SIGHT_COLUMNS, *(Column("frame", facet, "sight", "sight") for facet in further)]


def _seen(
    encoders: Encoders, query: Query, column: Column, notes: list[str]
) -> list[tuple[Column, Floats]]:
    """Return a column of pictures with the query's words, its picture, or both.

    What goes wrong with a further encoder costs its column, not the search.
    """
    further = column.facet != "sight"
    try:
        rows = encoders.of_sight(query, column.facet)
    except (BackendError, MissingError) as error:
        if not further:
            raise
        notes.append(f"{_left_out(column)}: {error.message}")
        return []
    if rows is None and further:
        notes.append(f"{_left_out(column)}: this profile has no such encoder")
    words, picture = rows or (None, None)
    found = [(column, words)] if words is not None else []
    if picture is not None:
        found.append((replace(column, by="picture"), picture))
    return found


def _left_out(column: Column) -> str:
    return f"the pictures' vectors of {column.facet.removeprefix('sight.')} were not searched"


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

    def backgrounds(self, asked: Asked, scope: Scope) -> dict[str, Background | None]:
        """Return what cosines of the query with pictures are usual in scope, for each column."""
        found: dict[str, Background | None] = {}
        for column, vector in asked.columns:
            if column.sight:
                step = max(1, len(scope.known) // _SAMPLE)
                chosen = scope.known[::step][:_SAMPLE]
                rows = [self._sample(video.id, column, scope.as_of) for video in chosen]
                cosines = [matrix @ vector for matrix in rows if len(matrix)]
                picture = column.by == "picture"
                found[column.name] = (
                    Background.of(np.concatenate(cosines), picture=picture) if cosines else None
                )
        return found

    def _sample(self, video: str, column: Column, as_of: Seconds | None) -> Floats:
        # What is remembered only grows with the progress of a pass, so that dates a sample.
        names = ("quick", "deep", "levels", "pictures")
        passes = [self.store.progress(video, name) for name in names]
        age = sum(one.done + one.finished for one in passes if one is not None)
        key = (video, f"{column.level}.{column.facet}", as_of, age)
        if key not in self._rows:
            _, _, matrix = self.store.vectors(
                column.level, column.facet, video=video, as_of=as_of, channel=column.stored
            )
            self._rows[key] = matrix[:: max(1, len(matrix) // _ROWS)]
            if len(self._rows) > _KEPT:
                self._rows.popitem(last=False)
        return self._rows[key]
