"""Reading what is remembered: transcript, screen text, timeline, status, and the scan's corpus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from longtake.memory.disputes import settled
from longtake.memory.levels import LEVELS
from longtake.memory.objects import ObjectTable
from longtake.models.protocols import QueryEncoder
from longtake.perception.later import NAMES as LATER
from longtake.perception.later import Mark
from longtake.storage.records import Facet, Floats, Level, Record, Video
from longtake.timecode import Seconds, Span
from longtake.tools.corpus import Corpus
from longtake.tools.jsonable import jsonable, rounded
from longtake.tools.naming import fitting, vocabulary
from longtake.tools.observed import records_of

if TYPE_CHECKING:
    from longtake.models.protocols import WordVectors
    from longtake.storage.store import Store

_KEPT_CORPORA = 4
_KEPT_TEXTS = 4096
_KEPT_WORDS = 512


class Reader:
    """The reading half of the toolbox; holds the library and the models."""

    def __init__(self, store: Store, models: Any) -> None:
        self.store = store
        self.models = models
        self._corpora: dict[tuple[Any, ...], Corpus] = {}
        self._texts: dict[str, Floats] = {}
        self._words: dict[str, WordVectors] = {}
        self._labels: tuple[list[str], Floats] | None = None

    def transcript(
        self, video: str, *, span: Span | None = None, as_of: Seconds | None = None
    ) -> list[Record]:
        """Return the utterances of a video in order."""
        return self.store.records(
            video=video, level="moment", channel="speech", span=span, as_of=as_of
        )

    def screen_text(
        self, video: str, *, span: Span | None = None, as_of: Seconds | None = None
    ) -> list[Record]:
        """Return the lines of text that were on screen, each from first to last seen."""
        lines = self.store.records(
            video=video, level="moment", channel="screen", span=span, as_of=as_of
        )
        return lines or self.pages(video, span=span, as_of=as_of)

    def pages(
        self, video: str, *, span: Span | None = None, as_of: Seconds | None = None
    ) -> list[Record]:
        """Return the screen's pages: all lines that were there together, until the next change."""
        return self.store.records(
            video=video, level="frame", channel="screen", span=span, as_of=as_of
        )

    def objects(self, video: str, *, as_of: Seconds | None = None) -> ObjectTable:
        """Return the things that were in the picture: which, where, from when to when."""
        found = self.store.records(video=video, level="moment", channel="entity", as_of=as_of)
        progress = self.store.progress(video, "objects")
        all_known = as_of is None or as_of >= self.store.video(video).duration
        return ObjectTable(found, whole=bool(progress and progress.finished and all_known))

    def timeline(
        self,
        video: str,
        *,
        zoom: Level = "chapter",
        span: Span | None = None,
        as_of: Seconds | None = None,
    ) -> list[Record]:
        """Return the chapters, scenes, clips or frames of a video in order."""
        channel = "sight" if zoom == "frame" else "caption"
        found = self.store.records(video=video, level=zoom, channel=channel, span=span, as_of=as_of)
        return settled(found, self.store.observations.disputes([video], as_of=as_of))

    def status(self, video: str) -> dict[str, Any]:
        """Return what is covered by which pass, and how much is remembered on each level."""
        known = self.store.video(video)
        passes: dict[str, dict[str, Any]] = {}
        for name in ("quick", "deep", *LATER):
            progress = self.store.progress(video, name)
            if progress is None and name in LATER:
                continue
            done = progress.done if progress else 0.0
            finished = bool(progress and progress.finished)
            share = 1.0 if finished else min(1.0, done / known.duration) if known.duration else 0.0
            passes[name] = {"done": rounded(done), "finished": finished, "share": rounded(share)}
            if progress is not None and name in LATER:
                passes[name]["by"] = Mark.read(progress.carry).by.removeprefix(f"{name}:")
        levels = {
            f"{level}.{channel}": self.store.count(video=video, level=level, channel=channel)
            for level, channel in _KINDS
        }
        return {
            "video": known.id,
            "name": known.name,
            "duration": rounded(known.duration),
            "passes": passes,
            "covered": self.covered(video),
            "levels": {kind: n for kind, n in levels.items() if n},
            "bytes": asdict(self.store.sizes.of(video)),
        } | live_facts(known)

    def covered(self, video: str, as_of: Seconds | None = None) -> list[dict[str, Any]]:
        """Return the spans that have been watched, each with the finest pass over it."""
        known = self.store.video(video)
        limit = known.duration if as_of is None else min(as_of, known.duration)
        spans: list[dict[str, Any]] = []
        begin = 0.0
        for name in ("deep", "quick"):
            progress = self.store.progress(video, name)
            if progress is None:
                continue
            end = min(limit, known.duration if progress.finished else progress.done)
            if end > begin:
                spans.append({**jsonable(Span(begin, end)), "pass": name})
                begin = end
        return spans

    def corpus(
        self,
        videos: Sequence[str],
        *,
        as_of: Seconds | None = None,
        observed: bool = False,
        asked: str | None = None,
    ) -> Corpus:
        """Every remembered text of these videos, ready to scan; kept while nothing changes.

        Args:
            videos: their ids, in the order wanted.
            as_of: nothing known later is in it.
            observed: with what second looks saw, and what they contradict settled.
            asked: leave out what was first seen for this very question, so that asking it again
                goes the same way, over the looks that are kept.
        """
        state = [(v, self.store.count(video=v), self._done(v)) for v in videos]
        key: tuple[Any, ...] = (tuple(state), as_of)
        plain = self._corpora.get(key) or self._keep(
            key, Corpus(self.store.records(video=list(videos), as_of=as_of), videos)
        )
        if not observed:
            return plain
        kept = self.store.observations
        seen = kept.read(videos, as_of=as_of, but=asked)
        against = kept.disputes(videos, as_of=as_of, but=asked)
        if not seen and not against:
            return plain
        over = (*key, tuple(o.id for o in seen), tuple(d.record + d.now for d in against))
        if over not in self._corpora:
            records = settled([unit.record for unit in plain.units], against)
            records += records_of(seen, records)
            self._keep(over, Corpus(records, videos, known=plain))
        return self._corpora[over]

    def _keep(self, key: tuple[Any, ...], corpus: Corpus) -> Corpus:
        while len(self._corpora) >= _KEPT_CORPORA:
            self._corpora.pop(next(iter(self._corpora)))
        self._corpora[key] = corpus
        return corpus

    def _done(self, video: str) -> tuple[float, ...]:
        found = [self.store.progress(video, name) for name in ("quick", "deep", LEVELS, *LATER)]
        return tuple(p.done + p.finished if p else -1.0 for p in found)

    def embed(self, texts: Sequence[str]) -> Floats:
        """Embed short texts; those seen before are not embedded again."""
        new = [text for text in dict.fromkeys(texts) if text not in self._texts]
        if new:
            if len(self._texts) + len(new) > _KEPT_TEXTS:
                self._texts.clear()
                new = list(dict.fromkeys(texts))
            rows = self.models.text_encoder.encode(new)
            self._texts.update(zip(new, rows, strict=True))
        return np.stack([self._texts[text] for text in texts]).astype(np.float32)

    def words_of(self, texts: Sequence[str]) -> list[WordVectors]:
        """Return the pieces of short texts with their vectors; kept as those of `embed` are."""
        new = [text for text in dict.fromkeys(texts) if text not in self._words]
        if len(self._words) + len(new) > _KEPT_WORDS:
            self._words.clear()
            new = list(dict.fromkeys(texts))
        if new:
            self._words.update(zip(new, self.models.text_encoder.words(new), strict=True))
        return [self._words[text] for text in texts]

    def similar(
        self,
        query: str,
        *,
        level: Level,
        channel: str,
        videos: Sequence[str],
        facet: Facet = "text",
        span: Span | None = None,
        as_of: Seconds | None = None,
        k: int = 64,
    ) -> list[tuple[str, float]]:
        """Return (record id, cosine) of the `k` records of each video nearest to a text, best first."""
        found: list[tuple[str, float]] = []
        encoder = self.models.text_encoder
        asks = isinstance(encoder, QueryEncoder) and encoder.encode_queries
        vector = (asks or self.embed)([query])[0]
        for video in videos:
            found += self.store.search_vectors(
                level, facet, vector, k=k, video=video, span=span, as_of=as_of, channel=channel
            )
        return sorted(((i, float(s)) for i, s in found), key=lambda hit: (-hit[1], hit[0]))

    def fitting_labels(self, phrase: str, seen: Sequence[str]) -> dict[str, float]:
        """Return the labels, of those seen and those the sight could name, that fit a phrase."""
        if self._labels is None:
            name = str(self.models.text_encoder.name)
            self._labels = vocabulary(self.store, name, self.models.text_encoder.encode)
        names, vectors = self._labels
        more = sorted(set(seen) - set(names))
        if more:
            names, vectors = [*names, *more], np.vstack([vectors, self.embed(more)])
        return fitting(self.embed([phrase])[0], names, vectors)

    def sight_curve(
        self,
        query: str,
        video: str,
        *,
        as_of: Seconds | None = None,
        level: Literal["frame", "clip"] = "frame",
    ) -> list[tuple[str, Span, float]]:
        """Return (record id, span, cosine) for every kept frame, or clip, in order."""
        ids, spans, matrix = self.store.vectors(level, "sight", video=video, as_of=as_of)
        if not ids:
            return []
        encoder = getattr(self.models, "image_encoder", None)
        if encoder is not None:
            vector = encoder.encode_texts([query])[0]
        else:
            vector = self.embed([query])[0]
        if matrix.shape[1] != len(vector):
            return []
        scores = matrix @ np.asarray(vector, np.float32)
        return [(i, s, float(p)) for i, s, p in zip(ids, spans, scores, strict=True)]


def live_facts(video: Video) -> dict[str, Any]:
    """What there is to tell of a video that was followed: its address, how late it is kept."""
    from longtake.perception.segments import recording

    live = video.media.get("live")
    if live is None:
        return {}
    about = recording(video.path)
    late = live.get("lag", 0.0)
    if about and not live["ended"]:  # as of now, and not of the last chunk
        late = max(0.0, about.edge - video.duration)
    facts = {"source": live.get("source"), "ended": live["ended"], "lag": rounded(late)}
    return {"live": facts | {"breaks": live["breaks"], "left_out": live.get("left_out", [])}}


_KINDS: tuple[tuple[Level, str], ...] = (
    ("moment", "speech"),
    ("moment", "screen"),
    ("moment", "caption"),
    ("moment", "entity"),
    ("frame", "screen"),
    ("frame", "sight"),
    ("clip", "caption"),
    ("scene", "caption"),
    ("chapter", "caption"),
    ("video", "caption"),
)
