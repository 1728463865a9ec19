"""Search by vectors: equal to brute force, on every path and under every filter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longtake.errors import StoreError
from longtake.storage import dense, vectors
from longtake.storage.dense import Dense
from longtake.storage.records import Floats, Record
from longtake.storage.store import Store
from longtake.timecode import Span
from tests.storage_world import add_video, make, row, unit, writer

PATHS = ("flat", "graph")


def fill(store: Store, videos: int = 3, each: int = 200) -> tuple[list[Record], Floats]:
    records = [
        make(add_video(store, seed), i * 10.0, known=i * 10.0 + (i * 7919) % 400)
        for seed in range(videos)
        for i in range(each)
    ]
    matrix = unit(len(records))
    matrix[5::50] = matrix[5 % len(matrix)]  # ties
    store.put_records(records)
    store.put_vectors(row(r, v) for r, v in zip(records, matrix, strict=True))
    return records, matrix


def brute(
    records: list[Record], matrix: Floats, query: Floats, k: int, keep: np.ndarray
) -> list[str]:
    scores = (matrix.astype(np.float64) * query.astype(np.float64)).sum(axis=1)
    order = sorted(np.flatnonzero(keep), key=lambda i: (-scores[i], records[i].id))
    return [records[i].id for i in order[:k]]


@pytest.fixture(params=PATHS)
def path_taken(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "graph":
        monkeypatch.setattr(dense, "HNSW_ABOVE", 100)
        # At this size the graph can be made to see everything.
        monkeypatch.setattr(dense, "_EFFORT", 1000)
    return str(request.param)


@pytest.mark.parametrize("k", [1, 7, 50, 1000])
def test_equal_to_brute_force(tmp_path: Path, path_taken: str, k: int) -> None:
    with writer(tmp_path / "a.longtake") as store:
        records, matrix = fill(store)
        ids = [video.id for video in store.videos()]
        start = np.array([r.span.start for r in records])
        known = np.array([r.known_at for r in records])
        of = np.array([r.video for r in records])
        filters = [
            ({}, np.ones(len(records), bool)),
            ({"video": ids[1]}, of == ids[1]),
            ({"video": [ids[0], ids[2]]}, of != ids[1]),
            ({"span": Span(300, 900)}, (start < 900) & (start + 10 > 300)),
            ({"as_of": 700.0}, known <= 700),
            (
                {"video": ids[2], "span": Span(15, 1500), "as_of": 1200.0},
                (of == ids[2]) & (start < 1500) & (start + 10 > 15) & (known <= 1200),
            ),
            ({"as_of": -1.0}, known < -1),
            ({"video": []}, known < -1),
        ]
        for query in (matrix[5], unit(1, seed=9)[0]):
            for kwargs, keep in filters:
                found = store.search_vectors("clip", "text", query, k=k, **kwargs)  # type: ignore[arg-type]
                assert [name for name, _ in found] == brute(records, matrix, query, k, keep)
        live = next(iter(store._vectors._live.values()))
        assert live.dense is not None
        assert live.dense.graph == (path_taken == "graph")


def undone(store: Store, query: Floats) -> None:
    with store.transaction():
        store.delete_records(store.videos()[0].id)
        assert store.search_vectors("clip", "text", query, k=1) == []
        raise ZeroDivisionError


STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "change", "delete", "undo", "reopen"]), st.integers(0, 39)),
    max_size=12,
)


@pytest.mark.parametrize("graph_above", [10**9, 12])
@settings(max_examples=15, deadline=None)
@given(steps=STEPS)
def test_a_reader_follows_every_change(
    tmp_path_factory: pytest.TempPathFactory, graph_above: int, steps: list[tuple[str, int]]
) -> None:
    path = tmp_path_factory.mktemp("v") / "a.longtake"
    matrix = unit(80)
    with pytest.MonkeyPatch.context() as patch, writer(path) as store:
        patch.setattr(dense, "HNSW_ABOVE", graph_above)
        patch.setattr(vectors, "SAVE_ABOVE", 5)
        video = add_video(store)
        truth: dict[str, Floats] = {}
        reader = Store.open(path)
        for what, i in [("put", n) for n in range(0, 40, 2)] + steps:
            record = make(video, i * 10.0)
            if what in ("put", "change"):
                vector = matrix[i + 40 * (what == "change")]
                store.put_records([record])
                store.put_vectors([row(record, vector)])
                truth[record.id] = vector
            elif what == "delete":
                store.delete_records(video.id, span=Span(i * 10.0, i * 10.0 + 1))
                truth.pop(record.id, None)
            elif what == "undo":
                with pytest.raises(ZeroDivisionError):
                    undone(store, matrix[0])
            else:
                store.save_indexes()
                reader.close()
                reader = Store.open(path)
            wanted = sorted(truth, key=lambda name: (-float(truth[name] @ matrix[3]), name))
            for one in (reader, store):
                found = one.search_vectors("clip", "text", matrix[3], k=99)
                assert [name for name, _ in found] == wanted
        reader.close()


def test_one_transaction_sees_its_own_vectors_and_no_other_thread_does(tmp_path: Path) -> None:
    from threading import Thread

    with writer(tmp_path / "a.longtake") as store:
        _, matrix = fill(store, 1, 20)
        extra = make(store.videos()[0], 5000.0)
        seen: list[int] = []

        def look() -> None:
            seen.append(len(store.search_vectors("clip", "text", matrix[0], k=99)))

        with store.transaction():
            store.put_records([extra])
            store.put_vectors([row(extra, matrix[0])])
            thread = Thread(target=look)
            thread.start()
            thread.join()
            look()
        look()
        assert seen == [20, 21, 21]


def test_levels_channels_and_facets_are_apart(tmp_path: Path) -> None:
    with writer(tmp_path / "a.longtake") as store:
        video = add_video(store)
        said = make(video, 0.0, level="moment", channel="speech")
        read = make(video, 0.0, level="moment", channel="screen")
        store.put_records([said, read])
        a, b, c = unit(3)
        store.put_vectors([row(said, a), row(read, b), row(said, c, "sight", known=99.0)])
        assert store.index_keys() == [
            "moment.screen.text",
            "moment.speech.sight",
            "moment.speech.text",
        ]

        def names(facet: str, **more: object) -> list[str]:
            found = store.search_vectors("moment", facet, b, k=9, **more)  # type: ignore[arg-type]
            return [name for name, _ in found]

        assert names("text") == [read.id, said.id]
        assert names("text", channel="speech") == [said.id]
        assert names("sight") == [said.id]
        # A vector may be known later than its record.
        assert names("sight", as_of=98.0) == names("context") == []
        assert store.vectors("moment", "sight", video=video.id, as_of=98.0)[0] == []
        ids, spans, matrix = store.vectors("moment", "text", video=video.id, channel="screen")
        assert (ids, spans) == ([read.id], [read.span])
        assert np.array_equal(matrix, [b])


@pytest.mark.parametrize(
    "vector", [np.zeros((2, 16)), np.zeros(0), np.full(16, np.nan), np.full(16, np.inf)]
)
def test_what_is_no_vector_is_refused(tmp_path: Path, vector: Floats) -> None:
    with writer(tmp_path / "a.longtake") as store:
        record = make(add_video(store), 0.0)
        store.put_records([record])
        with pytest.raises(StoreError, match="finite numbers"):
            store.put_vectors([row(record, vector)])


def test_another_encoder_and_an_unknown_record_are_refused(tmp_path: Path) -> None:
    with writer(tmp_path / "a.longtake") as store:
        records, _ = fill(store, 1, 2)
        with pytest.raises(StoreError, match="8 numbers and its index has 16"):
            store.put_vectors([row(records[0], unit(1, 8)[0])])
        with pytest.raises(StoreError, match="8 numbers and its index has 16"):
            store.search_vectors("clip", "text", unit(1, 8)[0], k=1)
        with pytest.raises(StoreError, match="not there"):
            store.put_vectors([row(make(store.videos()[0], 7777.0), unit(1)[0])])


@pytest.mark.parametrize("spoil", ["none", "cut", "flip", "foreign", "absent"])
def test_a_file_is_used_when_it_fits_and_only_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: str
) -> None:
    monkeypatch.setattr(vectors, "SAVE_ABOVE", 10)
    path = tmp_path / "a.longtake"
    with writer(path) as store:
        records, matrix = fill(store)
    file = path / "indexes" / "clip.caption.text.faiss"
    content = bytearray(file.read_bytes())
    if spoil == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif spoil == "flip":
        content[-1] ^= 1
        file.write_bytes(content)
    elif spoil == "foreign":
        # A whole file with a good checksum, of vectors that are not these.
        with writer(tmp_path / "b.longtake") as other:
            fill(other)
            other.put_vectors(row(r, v) for r, v in zip(records, -matrix, strict=True))
        foreign = (tmp_path / "b.longtake" / "indexes" / file.name).read_bytes()
        file.write_bytes(foreign.replace(b'"gen": 2', b'"gen": 1', 1))
    elif spoil == "absent":
        file.unlink()
    built: list[int] = []
    build = Dense.build
    monkeypatch.setattr(
        Dense, "build", lambda vids, *more: built.append(len(vids)) or build(vids, *more)
    )
    with Store.open(path) as store:
        found = store.search_vectors("clip", "text", matrix[7], k=9)
    assert [n for n, _ in found] == brute(records, matrix, matrix[7], 9, np.ones(600, bool))
    assert bool(built) == (spoil != "none")


def test_removals_are_forgotten_once_the_file_knows_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "SAVE_ABOVE", 10)
    with writer(tmp_path / "a.longtake") as store, Store.open(tmp_path / "a.longtake") as reader:
        _, matrix = fill(store)
        assert len(reader.search_vectors("clip", "text", matrix[0], k=999)) == 600
        store.delete_records(store.videos()[0].id)
        assert store.database.one("SELECT count(*) FROM gone") == (200,)
        store.save_indexes()
        assert store.database.one("SELECT count(*) FROM gone") == (0,)
        assert len(reader.search_vectors("clip", "text", matrix[0], k=999)) == 400
