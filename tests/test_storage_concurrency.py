"""Several processes and threads on one library, and processes that are killed."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from longtake.errors import Locked
from longtake.storage.records import Progress
from longtake.storage.store import Store
from tests.storage_world import add_video, make, row, thumb, unit, writer

EACH = 6  # records a chunk


def put_chunk(store: Store, chunk: int) -> None:
    """One chunk as ingest writes it: records, vectors, a thumbnail, progress, all at once."""
    video = store.videos()[0]
    picture = thumb(chunk)
    records = [
        make(video, chunk * 60.0 + i * 10.0, text=f"chunk {chunk}", data={"thumb": picture.name})
        for i in range(EACH)
    ]
    with store.transaction():
        store.delete_records(video.id, maker_prefix="quick:")
        store.put_records(records)
        store.put_records([make(video, chunk * 60.0, n=9, text="quick words", maker="quick:m")])
        store.put_vectors(row(r, v) for r, v in zip(records, unit(EACH, seed=chunk), strict=True))
        store.put_thumbs([picture])
        store.set_progress(video.id, "deep", Progress(chunk * 60.0 + 60.0, False, b""))


def assert_whole(store: Store) -> int:
    """Every chunk up to the progress is there, once, with its words, vectors and thumbnail."""
    video = store.videos()[0]
    progress = store.progress(video.id, "deep")
    chunks = int(progress.done // 60) if progress else 0
    records = store.records(video=video.id)
    deep = [one for one in records if not one.maker.startswith("quick:")]
    assert [one.span.start for one in deep] == [i * 10.0 for i in range(chunks * EACH)]
    assert len(records) - len(deep) == (1 if chunks else 0)
    ids, _, _ = store.vectors("clip", "text", video=video.id)
    assert ids == [one.id for one in deep]
    assert store.document_frequency("chunk")[0] == len(deep)
    for chunk in range(chunks):
        assert store.thumb(thumb(chunk).name) == thumb(chunk).jpeg
    found = store.search_vectors("clip", "text", unit(1)[0], k=10**6)
    assert len(found) == len(deep)
    return chunks


WRITE_FOREVER = """
import sys
from longtake.storage.store import Store
from tests.test_storage_concurrency import put_chunk
with Store.open(sys.argv[1], write=True) as store:
    progress = store.progress(store.videos()[0].id, "deep")
    chunk = int(progress.done // 60) if progress else 0
    print("writing", flush=True)
    while True:
        put_chunk(store, chunk)
        chunk += 1
        if chunk % 7 == 0:
            store.save_indexes()
"""


def start(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITE_FOREVER, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
    )
    assert process.stdout
    assert process.stdout.readline() == "writing\n"
    return process


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stdout
    process.stdout.close()


def test_killed_at_any_moment_every_chunk_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.longtake"
    with writer(path) as store:
        add_video(store)
    moments = random.Random(7)
    before = 0
    for _ in range(6):
        process = start(path)
        time.sleep(moments.uniform(0.0, 0.4))
        kill(process)
        with Store.open(path) as store:
            after = assert_whole(store)
        assert after >= before
        before = after
        with Store.open(path, write=True) as store:  # the dead one's lock holds nobody up
            put_chunk(store, before)
            before = assert_whole(store)
    assert before > 6


def test_another_process_that_writes_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.longtake"
    with writer(path) as store:
        add_video(store)
    process = start(path)
    try:
        with pytest.raises(Locked, match=f"process {process.pid} is writing") as caught:
            Store.open(path, write=True)
        assert caught.value.code == "locked"
        # Readers are not held up, and each look is at whole chunks.
        with Store.open(path) as reader:
            deadline = time.monotonic() + 60
            seen = {assert_whole_now(reader)}
            while len(seen) < 4 and time.monotonic() < deadline:
                seen.add(assert_whole_now(reader))
            assert len(seen) >= 4
    finally:
        kill(process)


def assert_whole_now(reader: Store) -> int:
    with reader.database.snapshot():
        return assert_whole_rows(reader)


def assert_whole_rows(reader: Store) -> int:
    video = reader.videos()[0]
    progress = reader.progress(video.id, "deep")
    done = int(progress.done // 60) if progress else 0
    assert reader.count(video=video.id) == done * EACH + (1 if done else 0)
    assert len(reader.vectors("clip", "text", video=video.id)[0]) == done * EACH
    # An index in memory may be a commit ahead of this snapshot, never behind it.
    assert len(reader.search_vectors("clip", "text", unit(1)[0], k=10**6)) >= done * EACH
    return done


def test_a_lock_left_by_a_killed_process_does_not_block(tmp_path: Path) -> None:
    path = tmp_path / "a.longtake"
    with writer(path) as store:
        add_video(store)
    process = start(path)
    kill(process)
    assert json.loads((path / "writer.lock").read_text())["pid"] == process.pid
    with Store.open(path, write=True) as store:
        assert store.writable


def test_a_reader_in_the_same_process_follows_the_writer(tmp_path: Path) -> None:
    path = tmp_path / "a.longtake"
    with writer(path) as store, Store.open(path) as reader:
        add_video(store)
        for chunk in range(5):
            put_chunk(store, chunk)
            assert assert_whole(reader) == chunk + 1


def test_threads_share_one_store(tmp_path: Path) -> None:
    path = tmp_path / "a.longtake"
    failures: list[BaseException] = []
    with writer(path) as store, Store.open(path) as reader:
        add_video(store)
        done = threading.Event()

        def guarded(work: object) -> None:
            try:
                work()  # type: ignore[operator]
            except Exception as error:  # noqa: BLE001 - a thread's failure must reach the test
                failures.append(error)

        def write() -> None:
            for chunk in range(15):
                put_chunk(store, chunk)
            done.set()

        def read(one: Store) -> None:
            while not done.is_set():
                assert_whole_now(one)
                one.search_words(["chunk"], k=5)

        threads = [threading.Thread(target=guarded, args=(write,))]
        for one in (store, reader, reader):
            threads.append(threading.Thread(target=guarded, args=(lambda one=one: read(one),)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
            done.set()
        assert not failures
        assert assert_whole(reader) == assert_whole(store) == 15


def test_writes_of_two_threads_do_not_mix(tmp_path: Path) -> None:
    with writer(tmp_path / "a.longtake") as store:
        video = add_video(store)
        inside = threading.Event()

        def second() -> None:
            inside.wait()
            store.put_records([make(video, 10.0)])

        thread = threading.Thread(target=second)
        thread.start()
        with pytest.raises(ZeroDivisionError):
            fail_inside(store, inside)
        thread.join()
        assert [one.span.start for one in store.records()] == [10.0]


def fail_inside(store: Store, inside: threading.Event) -> None:
    with store.transaction():
        store.put_records([make(store.videos()[0], 0.0)])
        inside.set()
        time.sleep(0.05)
        raise ZeroDivisionError
