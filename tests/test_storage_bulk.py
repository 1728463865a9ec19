"""Writing many at once leaves the library as writing one at a time does."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longtake.errors import StoreError
from longtake.storage import rows, vectors, vectortable
from longtake.storage.indexfile import index_path, read_stamp
from longtake.storage.records import Record, VectorRow
from longtake.storage.store import Store
from tests.storage_world import add_video, dump, make, row, unit, writer

MATRIX = unit(64)


def exact(store: Store) -> list[list[tuple[object, ...]]]:
    """Everything a writer decides, numbers too; of the generations only their order."""
    queries = (
        "SELECT n, id, start, end, known_at, text FROM records ORDER BY n",
        (
            "SELECT i.key, x.vid, x.n, x.known_at, x.vector FROM vectors x JOIN indexes i "
            "ON i.no = x.no ORDER BY i.key, x.vid"
        ),
        "SELECT rowid, text FROM words ORDER BY rowid",
    )
    return [store.database.rows(sql) for sql in queries]


# (second, nth of that second, channel, text): few seconds, so that numbers and ids collide.
ROWS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.integers(0, 3),
        st.sampled_from(["speech", "screen"]),
        st.sampled_from(["", "words", "other words"]),
        st.integers(0, 63),
        st.booleans(),
    ),
    max_size=40,
)


def batch(store: Store, drawn: list[tuple[int, int, str, str, int, bool]]) -> list[Record]:
    video = store.videos()[0]
    records = []
    for second, n, channel, text, end, shifted in drawn:
        one = make(video, float(second), second + 1.0 + end, level="moment", channel=channel, n=n)
        # The same id at another time: the record leaves its place.
        span = replace(one.span, start=one.span.start + 0.001) if shifted and n == 3 else one.span
        records.append(replace(one, text=text, span=span))
    return records


@settings(max_examples=60, deadline=None)
@given(first=ROWS, second=ROWS, size=st.sampled_from([3, 1000]))
def test_a_bulk_write_equals_many_small_ones(
    tmp_path_factory: pytest.TempPathFactory,
    first: list[tuple[int, int, str, str, int, bool]],
    second: list[tuple[int, int, str, str, int, bool]],
    size: int,
) -> None:
    folder = tmp_path_factory.mktemp("bulk")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "BATCH", size)
        patch.setattr(vectortable, "BATCH", size)
        with writer(folder / "a.longtake") as bulk, writer(folder / "b.longtake") as small:
            add_video(bulk)
            add_video(small)
            for drawn in (first, second):
                records = batch(bulk, drawn)
                found = [row(r, MATRIX[i[4]]) for r, i in zip(records, drawn, strict=True)]
                found += [row(r, -MATRIX[0], "context", 99.0) for r in records[::2]]
                bulk.put_records(records)
                bulk.put_vectors(found)
                for record in records:
                    small.put_records([record])
                for vector in found:
                    small.put_vectors([vector])
                assert exact(bulk) == exact(small)
        with Store.open(folder / "a.longtake") as bulk, Store.open(folder / "b.longtake") as small:
            assert exact(bulk) == exact(small)
            for facet in ("text", "context"):
                answers = [
                    one.search_vectors("moment", facet, MATRIX[1], k=99) for one in (bulk, small)
                ]
                assert answers[0] == answers[1]


def test_a_full_millisecond_spills_alike(tmp_path: Path) -> None:
    with writer(tmp_path / "a.longtake") as bulk, writer(tmp_path / "b.longtake") as small:
        for store in (bulk, small):
            video = add_video(store)
            lines = [
                make(video, t, 6.0, level="moment", channel="screen", n=n)
                for t in (5.001, 5.0, 5.001)
                for n in range(300 if t == 5.0 else 3)
            ]
            for part in [lines] if store is bulk else [[line] for line in lines]:
                store.put_records(part)
                store.put_vectors(row(r, MATRIX[i % 64]) for i, r in enumerate(part))
        numbers = [
            sorted(store.database.rows("SELECT id, n FROM records")) for store in (bulk, small)
        ]
        assert numbers[0] == numbers[1]
        assert len(bulk.search_vectors("moment", "text", MATRIX[0], k=999)) == 303


def test_many_rows_cost_few_statements(tmp_path: Path) -> None:
    with writer(tmp_path / "a.longtake") as store:
        video = add_video(store)
        records = [make(video, i * 10.0, text="words") for i in range(500)]
        said: list[str] = []
        store.database.connection.set_trace_callback(said.append)
        store.put_records(records)
        store.put_vectors(row(r, MATRIX[i % 64]) for i, r in enumerate(records))
        asked = [one for one in said if one.startswith("SELECT")]
        assert 0 < len(asked) < 20


@pytest.mark.parametrize("bad", ["nan", "shape", "size", "record"])
def test_one_bad_row_among_many_is_named_and_nothing_is_kept(tmp_path: Path, bad: str) -> None:
    with writer(tmp_path / "a.longtake") as store:
        records = [make(add_video(store), i * 10.0) for i in range(30)]
        store.put_records(records)
        before = dump(store)
        found: list[VectorRow] = [row(r, v) for r, v in zip(records, MATRIX, strict=False)]
        wrong = {
            "nan": np.full(16, np.nan, np.float32),
            "shape": np.zeros((2, 8), np.float32),
            "size": unit(1, 8)[0],
            "record": MATRIX[0],
        }[bad]
        name = "99999-nothing" if bad == "record" else records[20].id
        found[20] = replace(found[20], record=name, vector=wrong)
        with pytest.raises(StoreError, match=name):
            store.put_vectors(found)
        assert dump(store) == before


COMMIT_AND_WAIT = """
import sys, time
from longtake.storage import vectors
from longtake.storage.store import Store
from tests.storage_world import make, row, unit
vectors.SAVE_ABOVE = 10
with Store.open(sys.argv[1], write=True) as store:
    video = store.videos()[0]
    records = [make(video, i * 10.0) for i in range(20, 300)]
    store.put_records(records)
    store.put_vectors(row(r, v) for r, v in zip(records, unit(300)[20:], strict=True))
    print("committed", flush=True)
    time.sleep(600)
"""


def test_killed_between_commit_and_index_the_index_is_made_from_what_was_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "SAVE_ABOVE", 10)
    path, matrix = tmp_path / "a.longtake", unit(300)
    with writer(path) as store:
        records = [make(add_video(store), i * 10.0) for i in range(20)]
        store.put_records(records)
        store.put_vectors(row(r, v) for r, v in zip(records, matrix, strict=False))
    process = subprocess.Popen(
        [sys.executable, "-c", COMMIT_AND_WAIT, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
    )
    assert process.stdout
    assert process.stdout.readline() == "committed\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    file = index_path(path / "indexes", "clip.caption.text")
    stale = read_stamp(file)
    assert stale
    assert stale.count == 20, "the file knows nothing of what came after it"
    wanted = sorted(range(300), key=lambda i: -float(matrix[i] @ matrix[250]))
    with Store.open(path) as store:
        found = store.search_vectors("clip", "text", matrix[250], k=300)
        assert [name for name, _ in found] == [
            f"00001-{i * 10000:011d}-clip-caption-0" for i in wanted
        ]
    with Store.open(path, write=True):
        pass
    new = read_stamp(file)
    assert new
    assert new.count == 300
