"""What a word search as of a time costs beside one without: a library of many records, in JSON.

    python -m bench.words_as_of --records 100000

Words are drawn with Zipf's frequencies, as in speech; each query has a rare, a middling and a
common word. The control is the same search without a time, which FTS5 scores by itself.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from pathlib import Path
from statistics import median

from longtake.storage.records import Record, record_id
from longtake.storage.store import Store
from longtake.timecode import Span

WORDS, LENGTH, EACH = 20_000, 12, 20


def fill(store: Store, count: int, seed: int = 0) -> None:
    """Put one video of `count` utterances, five seconds each, into a library."""
    draw = random.Random(seed)
    names = [f"w{n}" for n in range(WORDS)]
    weights = [1.0 / (n + 1) for n in range(WORDS)]
    video = store.add_video("0" * 64, "/v.mp4", "v.mp4", 5.0 * count, {})
    for first in range(0, count, 10_000):
        rows = []
        for n in range(first, min(count, first + 10_000)):
            text = " ".join(draw.choices(names, weights, k=LENGTH))
            name = record_id(video.ordinal, 5.0 * n, "moment", "speech", 0)
            span = Span(5.0 * n, 5.0 * n + 5.0)
            rows.append(Record(name, video.id, "moment", "speech", span, span.end, text, "bench"))
        store.put_records(rows)


def timed(store: Store, as_of: float | None, *, fresh: bool, seed: int = 1) -> float:
    """Median milliseconds of a search; `fresh` opens the library anew for each."""
    draw = random.Random(seed)
    took = []
    for _ in range(EACH):
        terms = [
            f"w{draw.randrange(low, high)}" for low, high in ((2000, 9000), (50, 500), (2, 20))
        ]
        other = Store.open(store.path) if fresh else store
        begun = time.perf_counter()
        other.search_words(terms, k=30, as_of=as_of)
        took.append(1000 * (time.perf_counter() - begun))
        if fresh:
            other.close()
    return round(median(took), 2)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    count = parser.parse_args().records
    with tempfile.TemporaryDirectory() as folder:
        with Store.open(Path(folder) / "l.longtake", write=True, create=True) as store:
            fill(store, count)
        with Store.open(Path(folder) / "l.longtake") as store:
            figures = {
                f"as of {name}": {
                    "first_ms": timed(store, at, fresh=True), "ms": timed(store, at, fresh=False)
                }
                for name, at in (("no time", None), ("a half", 2.5 * count), ("the end", 5.0 * count))
            }  # fmt: skip
    print(json.dumps({"records": count, "searches": figures}, indent=2))


if __name__ == "__main__":
    main()
