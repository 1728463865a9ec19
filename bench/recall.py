"""Recall over a large library: hybrid against dense only and words only, in one run.

    python -m bench.recall [--clips 100000] [--queries 200] [--out FILE] [--keep FOLDER]

Makes a library of made-up lectures of an hour (360 clips, as many utterances, a slide each minute,
scenes, chapters) with a hashed-words encoder of MiniLM's size, which takes no time: the figures
are those of search alone, without embedding the query by a real model. Queries are planted: half
name a code that one utterance or slide holds, of which sentence encoders keep little (exact), half
use synonyms, which share a vector but no letters (paraphrase). Three of four queries also hold two
words of the same text that everyone says, up to 118,000 records each: these are what word search
finds dear. A last set asks for such words alone; it has no right answer and measures time.

Prints JSON: hit@1 and hit@5, and latencies in milliseconds. `p50_ms` and `p95_ms` are wall time,
`cpu_` processor time of all threads; they differ when other work runs beside.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import resource
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from longtake.memory import channels
from longtake.memory.recall import Recall
from longtake.models.protocols import WordVectors
from longtake.storage.records import (
    Channel,
    Facet,
    Level,
    Progress,
    Record,
    VectorRow,
    Video,
    record_id,
)
from longtake.storage.store import Store
from longtake.timecode import Span

DIM = 384
CLIPS_PER_VIDEO = 360
COMMON = 3000
"""Words that everyone says, with Zipf frequencies."""
CONCEPTS = 40_000
"""Rare things; each has two words, which share a vector."""
SAMPLE = 12
"""Queries that warm up and are not counted."""
Asked = tuple[str, str, Span | None, str]
"""A query, the video and the place it asks for (None where there is no right one), its kind."""


class Hashed:
    """Sentence vectors from word vectors: a word's synonym `…x` has the same vector."""

    name = "hashed-words@1"
    dim = DIM

    def __init__(self) -> None:
        self.table = np.random.default_rng(1).standard_normal((1 << 16, DIM)).astype(np.float32)

        self.rows: dict[str, Any] = {}

    def word(self, word: str) -> Any:
        """Return a word's vector: codes and common words weigh little, as in trained encoders."""
        if word not in self.rows:
            place = zlib.crc32(word.removesuffix("x").encode()) & 0xFFFF
            weight = {"w": 0.3, "k": 0.25}.get(word[0], 1.0)
            self.rows[word] = weight * self.table[place]
        return self.rows[word]

    def encode(self, texts: Sequence[str]) -> Any:
        rows = np.zeros((len(texts), DIM), np.float32)
        for out, text in zip(rows, texts, strict=True):
            for word in text.lower().replace("?", "").split():
                out += self.word(word)
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)

    encode_texts = encode

    def words(self, texts: Sequence[str]) -> list[WordVectors]:
        made = []
        for text in texts:
            spans = tuple(found.span() for found in re.finditer(r"\S+", text))
            rows = self.encode([text[a:b] for a, b in spans])
            made.append(WordVectors(spans, rows))
        return made

    def encode_images(self, images: Sequence[Any]) -> Any:
        raise NotImplementedError("no pictures are made here")


class World:
    """Lectures of an hour, one clip at a time."""

    def __init__(self, clips: int) -> None:
        self.encoder = Hashed()
        self.rng = np.random.default_rng(5)
        self.videos = -(-clips // CLIPS_PER_VIDEO)
        weights = 1 / np.arange(2, COMMON + 2)
        self.weights = np.cumsum(weights / weights.sum())
        self.planted: list[Asked] = []
        self.chooser = np.random.default_rng(6)

    def common(self, n: int) -> str:
        picks = np.searchsorted(self.weights, self.rng.random(n))
        return " ".join(f"w{i:04d}" for i in picks)

    def rare(self) -> str:
        return f"c{int(self.rng.integers(CONCEPTS)):05d}"

    def fill(self, store: Store) -> None:
        for number in range(self.videos):
            duration = CLIPS_PER_VIDEO * 10.0
            video = store.add_video(
                fingerprint=f"{zlib.crc32(str(number).encode()):010x}" * 6,
                path=f"/made/{number}.mp4",
                name=f"lecture {number}.mp4",
                duration=duration,
                media={},
            )
            self._fill(store, video)

    def _fill(self, store: Store, video: Video) -> None:
        texts: list[tuple[Record, Facet, str]] = []
        pictures: list[VectorRow] = []
        topic = [self.rare() for _ in range(6)]
        for n in range(CLIPS_PER_VIDEO):
            start = 10.0 * n
            chapter = topic[n // 60]
            marks = [self.rare(), self.rare()]
            said = f"{self.common(9)} {marks[0]} {self.common(8)} {marks[1]}"
            plant = self.rng.random() < 0.01
            if plant:
                said += f" k{len(self.planted):06d}"
            speech = _record(video, "moment", "speech", start + 1, start + 9, said)
            texts.append((speech, "text", said))
            if plant:
                self.plant(said.rsplit(" ", 1)[1], " ".join(marks), speech)
            if n % 6 == 0:
                shown = f"{self.rare()} {chapter} {self.common(4)} k{n:03d}{video.ordinal:04d}"
                page = _record(video, "frame", "screen", start, start + 60, shown)
                texts.append((page, "text", shown))
                line = _record(video, "moment", "screen", start, start + 60, shown)
                texts.append((line, "text", ""))
                if self.rng.random() < 0.03:
                    code = shown.rsplit(" ", 1)[1]
                    self.plant(code, " ".join(shown.split()[:2]), page)
                scene = _record(video, "scene", "caption", start, start + 60, f"{said} {shown}")
                texts.append((scene, "text", scene.text))
            if n % 60 == 0:
                part = _record(video, "chapter", "caption", start, start + 600, f"{chapter} {said}")
                texts.append((part, "text", part.text))
            caption = f"{self.common(3)} slide {chapter}"
            clip = _record(video, "clip", "caption", start, start + 10, caption)
            texts.append((clip, "text", f"{caption} {said}"))
            texts.append((clip, "context", f"lecture {chapter} {caption} {said}"))
            if n % 2:
                continue  # near-equal frames are not kept
            frame = _record(video, "frame", "sight", start, start + 20, self.common(3))
            texts.append((frame, "text", ""))
            pictures.append(VectorRow(frame.id, "sight", self._picture(n // 20), start + 10))
        self._put(store, video, texts, pictures)

    def plant(self, code: str, words: str, where: Record) -> None:
        """Note a place that will be asked for: by its code, or by synonyms of its words."""
        count = len(self.planted)
        exact = count % 2 == 0
        asked = code if exact else " ".join(f"{word}x" for word in words.split())
        if count // 2 % 4:
            common = [word for word in where.text.split() if word.startswith("w")]
            asked += " " + " ".join(self.chooser.choice(common, 2, replace=False))
        self.planted.append((asked, where.video, where.span, "exact" if exact else "paraphrase"))

    def _picture(self, place: int) -> Any:
        row = self.encoder.table[place] + 0.7 * self.rng.standard_normal(DIM)
        return (row / np.linalg.norm(row)).astype(np.float32)

    def _put(
        self,
        store: Store,
        video: Video,
        texts: list[tuple[Record, Facet, str]],
        pictures: list[VectorRow],
    ) -> None:
        vectors = self.encoder.encode([text for _, _, text in texts])
        rows = [
            VectorRow(record.id, facet, vector, record.known_at)
            for (record, facet, text), vector in zip(texts, vectors, strict=True)
            if text
        ]
        with store.transaction():
            store.put_records({record.id: record for record, _, _ in texts}.values())
            store.put_vectors([*rows, *pictures])
            store.set_progress(video.id, "deep", Progress(video.duration, True, b""))


def _record(
    video: Video, level: Level, channel: Channel, start: float, end: float, text: str
) -> Record:
    name = record_id(video.ordinal, start, level, channel)
    return Record(name, video.id, level, channel, Span(start, end), end, text, "made@1", (), {})


def questions(world: World, count: int) -> list[Asked]:
    """Choose planted places and ask for them."""
    rng = np.random.default_rng(9)
    chosen = [world.planted[i] for i in rng.permutation(len(world.planted))[:count]]
    return [(f"when is {words} mentioned?", *rest) for words, *rest in chosen]


def chatter(world: World, count: int) -> list[Asked]:
    """Ask for three words that everyone says."""
    world.rng = np.random.default_rng(7)
    return [(f"when is {world.common(3)} mentioned?", "", None, "common") for _ in range(count)]


def measure(
    search: Callable[[str], list[tuple[str, Span]]], asked: Sequence[Asked]
) -> dict[str, Any]:
    """Run the queries and count hits and time."""
    times: list[float] = []
    work: list[float] = []
    hits: dict[str, list[tuple[bool, bool]]] = {}
    for query, video, span, kind in asked:
        start, busy = time.perf_counter(), time.process_time()
        found = search(query)
        work.append(1000 * (time.process_time() - busy))
        times.append(1000 * (time.perf_counter() - start))
        if span is not None:
            good = [v == video and s.overlap(span) > 0 for v, s in found[:5]]
            hits.setdefault(kind, []).append((bool(good and good[0]), any(good)))
    measured = {
        "p50_ms": _percentile(times, 50),
        "p95_ms": _percentile(times, 95),
        "max_ms": _percentile(times, 100),
        "cpu_p50_ms": _percentile(work, 50),
        "cpu_p95_ms": _percentile(work, 95),
    }
    if hits:
        every = [pair for pairs in hits.values() for pair in pairs]
        measured |= {"hit@1": _share(every, 0), "hit@5": _share(every, 1)}
    return measured | {f"{kind} hit@1": _share(hits[kind], 0) for kind in sorted(hits)}


def _percentile(values: Sequence[float], share: float) -> float:
    return round(float(np.percentile(values, share)), 1)


def _share(pairs: Sequence[tuple[bool, bool]], i: int) -> float:
    return round(sum(pair[i] for pair in pairs) / max(1, len(pairs)), 3)


def searches(
    store: Store, world: World
) -> Iterator[tuple[str, Callable[[str], list[tuple[str, Span]]]]]:
    """Yield the ways of searching, all over the same library."""
    recall = Recall(store, world.encoder, world.encoder)
    words = Recall(store, None, None)

    def hybrid(query: str) -> list[tuple[str, Span]]:
        return [(m.video, m.span) for m in recall.search(query, k=5).moments]

    def words_only(query: str) -> list[tuple[str, Span]]:
        return [(m.video, m.span) for m in words.search(query, k=5).moments]

    def dense_only(query: str) -> list[tuple[str, Span]]:
        vector = world.encoder.encode([query])[0]
        found: list[tuple[str, float]] = []
        for column in channels.TEXT_COLUMNS:
            found += store.search_vectors(
                column.level, column.facet, vector, k=5, channel=column.stored
            )
        best = sorted(found, key=lambda pair: (-pair[1], pair[0]))[:5]
        known = {one.id: one for one in store.records(ids=[name for name, _ in best])}
        return [(known[name].video, known[name].span) for name, _ in best]

    yield "hybrid", hybrid
    yield "dense_only", dense_only
    yield "words_only", words_only


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--clips", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--keep", type=Path, help="keep the library here, and use what is there")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = run(args.keep or Path(folder), args.clips, args.queries)
    text = json.dumps(report, indent=2)
    print(text)
    if args.out:
        args.out.write_text(text + "\n")


def run(folder: Path, clips: int, count: int) -> dict[str, Any]:
    """Fill a library in `folder`, unless it is filled, and measure every way of searching it."""
    world, path = World(clips), folder / "bench.longtake"
    started, busy = time.perf_counter(), time.process_time()
    fill(world, path)
    setup, work = time.perf_counter() - started, time.process_time() - busy
    asked, common = questions(world, count), chatter(world, max(20, count // 4))
    results: dict[str, Any] = {}
    with Store.open(path) as store:
        records = store.count()
        for name, search in searches(store, world):
            begun = time.perf_counter()
            for query, *_ in asked[:SAMPLE]:
                search(query)  # the first search of each index loads it
            warm = time.perf_counter() - begun
            results[name] = measure(search, asked[SAMPLE:]) | {"warm_up_s": round(warm, 1)}
            if name == "hybrid":
                results["hybrid, common words alone"] = measure(search, common)
    return {
        "bench": "recall",
        "clips": world.videos * CLIPS_PER_VIDEO,
        "videos": world.videos,
        "records": records,
        "queries": len(asked) - SAMPLE,
        "encoder": f"{Hashed.name}, {DIM} numbers, made up: embedding takes no time",
        "setup_s": round(setup, 1),
        "setup_cpu_s": round(work, 1),
        "load": round(os.getloadavg()[0], 1),
        "peak_MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}",
        "target": {"hybrid p95_ms": 80},
        "results": results,
    }


def fill(world: World, path: Path) -> None:
    """Fill a library, unless an earlier run kept it; its questions lie beside it."""
    kept = path.with_suffix(".json")
    if kept.exists():
        world.planted = [
            (words, video, Span(*span), kind)
            for words, video, span, kind in json.loads(kept.read_text())
        ]
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with Store.open(path, write=True, create=True) as store:
        world.fill(store)
    rows = [(w, v, (s.start, s.end), kind) for w, v, s, kind in world.planted if s is not None]
    kept.write_text(json.dumps(rows))


if __name__ == "__main__":
    main()
