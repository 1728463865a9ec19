"""Segments on disk: the same bytes in another process, a prefix after a kill, named errors."""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from longtake.errors import (
    DiskFull,
    KVDamaged,
    KVError,
    KVMismatch,
    KVMissing,
    Locked,
    NewerSchema,
    StoreError,
)
from longtake.storage.backup import backup
from longtake.storage.check import check, notes
from longtake.storage.kv import files, segments
from longtake.storage.kv.mend import faults, mend, streams
from longtake.storage.kv.segments import Segments
from tests.kv_world import INDEXED, block, digest, made_by, same
from tests.storage_world import writer

FEW = 4


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where 10 raw blocks lie in segments of four."""
    monkeypatch.setattr(segments, "SEGMENT_BLOCKS", FEW)
    place = tmp_path / "kv" / "v1" / "tiny"
    with filled(place, 10):
        return place


def filled(place: Path, count: int, scheme: str = "raw") -> Segments:
    memory = Segments(place, made_by(), write=True, heads=INDEXED)
    for number in range(count):
        memory.append(block(number), scheme)
    memory.flush()
    return memory


def segment(place: Path, number: int) -> Path:
    return sorted(place.glob("seg-*"))[number]


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


# -- what is written is what is read -------------------------------------------------------


def test_blocks_come_back_as_they_were_in_the_order_asked(folder: Path) -> None:
    with Segments(folder, made_by()) as memory:
        assert len(memory) == 10
        assert memory.spans()[3] == (3, 30.0, 40.0)
        found = memory.get([9, 0, 5, 0])
        assert [one.id for one in found] == [9, 0, 5, 0]
        assert all(same(one, block(one.id)) for one in found)
        assert len(list(folder.glob("seg-*"))) == 3
        assert memory.verify().good
        assert memory.dropped == []


def test_another_process_reads_the_same_bytes(tmp_path: Path) -> None:
    true = []
    for dtype in ("float32", "bfloat16"):
        blocks = [block(number, dtype=getattr(torch, dtype)) for number in range(5)]
        with Segments(tmp_path / dtype, made_by(dtype=dtype), write=True) as memory:
            for one in blocks:
                memory.append(one, "raw")
        true += [digest(one) for one in blocks]
    script = (
        "import sys; from pathlib import Path\n"
        "from tests.kv_world import digest, made_by\n"
        "from longtake.storage.kv.segments import Segments\n"
        "for dtype in ('float32', 'bfloat16'):\n"
        "    with Segments(Path(sys.argv[1]) / dtype, made_by(dtype=dtype)) as memory:\n"
        "        print(*[digest(one) for one in memory.get(range(5))], sep='\\n')\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        check=True, capture_output=True, text=True, cwd=Path(__file__).parent.parent,
    )  # fmt: skip
    assert told.stdout.split() == true


def test_a_segment_is_a_plain_safetensors_file_and_a_block_one_stretch_of_it(folder: Path) -> None:
    from safetensors import safe_open

    with safe_open(segment(folder, 1), "pt") as file:
        assert torch.equal(file.get_tensor("5.k"), block(5).keys)
        assert torch.equal(file.get_tensor("5.sizes"), block(5).sizes)
    header = files.read_header(segment(folder, 1))
    with Segments(folder, made_by()) as memory:
        for row in memory.rows([4, 5, 6, 7]):
            parts = sorted(header.parts[str(row.id)].values(), key=lambda part: part.offset)
            ends = [part.offset + part.length for part in parts]
            assert [part.offset for part in parts] == [0, *ends[:-1]]
            assert ends[-1] == row.place.length


def test_one_read_a_block(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[int] = []
    true = files.read_record

    def counted(*args: object, **named: object) -> bytearray:
        reads.append(1)
        return true(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("longtake.storage.kv.reader.read_record", counted)
    with Segments(folder, made_by()) as memory:
        memory.get([1, 6, 9])
    assert len(reads) == 3


def test_what_is_not_flushed_is_read_by_the_writer_only(folder: Path) -> None:
    with Segments(folder, made_by(), write=True) as memory, Segments(folder, made_by()) as other:
        memory.append(block(10))
        assert same(memory.get([10])[0], block(10))
        assert (len(memory), len(other)) == (11, 10)
        memory.flush()
        assert same(other.get([10])[0], block(10))


# -- index keys ----------------------------------------------------------------------------


def exact_keys(numbers: range, heads: tuple[tuple[int, int], ...]) -> torch.Tensor:
    rows = [torch.stack([block(i).keys[layer, head] for layer, head in heads]) for i in numbers]
    return torch.cat(rows, dim=1)


@pytest.mark.parametrize("chunk", [1, 30, 1000])
def test_index_rows_are_the_keys_of_the_heads_in_any_chunks(folder: Path, chunk: int) -> None:
    with Segments(folder, made_by()) as memory:
        rows = list(memory.index_rows(chunk=chunk))
        assert all(row.keys.shape[1] == len(row.blocks) for row in rows)
        assert all(len(row.blocks) <= max(chunk, 13) for row in rows)
        keys = torch.cat([row.keys for row in rows], dim=1)
        true = exact_keys(range(10), INDEXED)
        spread = float((true.amax(1) - true.amin(1)).max())
        assert float((keys - true).abs().max()) <= spread / 255 / 2 + 0.02
        names = torch.cat([row.blocks for row in rows])
        assert names.tolist() == [i for i in range(10) for _ in range(block(i).n)]
        (one,) = memory.index_rows(((2, 0),), ids=[5])
        assert torch.equal(one.keys[0], keys[1][names == 5])
        assert memory.tokens([7])[0].tolist() == block(7).tokens.tolist()


def test_heads_that_are_not_indexed_are_read_from_the_blocks(folder: Path) -> None:
    other = ((1, 1), (0, 1))
    with Segments(folder, made_by(), write=True) as memory:
        keys = torch.cat([row.keys for row in memory.index_rows(other)], dim=1)
        assert torch.equal(keys, exact_keys(range(10), other))
        memory.demote([2], "ghost")
        assert sum(len(row.blocks) for row in memory.index_rows()) == keys.shape[1]
        with pytest.raises(KVMissing, match="ghost"):
            list(memory.index_rows(other))


# -- demoting ------------------------------------------------------------------------------


def test_demoted_blocks_are_smaller_and_the_others_stay_as_they_are(folder: Path) -> None:
    with Segments(folder, made_by(), write=True) as memory:
        sizes = [memory.sizes()["segments"]]
        for scheme in ("q8", "k8v4", "k4v4"):
            assert memory.demote(range(8), scheme) == 8
            assert memory.demote(range(8), scheme) == 0
            assert memory.demote(range(8), "raw") == 0, "what was given up is not there"
            sizes.append(memory.sizes()["segments"])
            assert {row.scheme for row in memory.rows(range(8))} == {scheme}
        assert sizes == sorted(sizes, reverse=True)
        assert len(set(sizes)) == 4
        assert all(same(one, block(one.id)) for one in memory.get([8, 9]))
        assert float((memory.get([3])[0].keys - block(3).keys).abs().max()) < 0.3
        assert memory.get([3])[0].sizes is not None
        assert memory.verify().good


def test_a_ghost_keeps_its_index_refs_and_tokens_only(folder: Path) -> None:
    with Segments(folder, made_by(), write=True) as memory:
        before = memory.sizes()
        assert memory.demote([0, 1, 2, 3, 5], "ghost") == 5
        after = memory.sizes()
        assert after["index"] == before["index"]
        assert not (folder / "seg-000001.safetensors").exists()
        (row,) = memory.rows([5])
        assert (row.ghost, row.refs, row.n, row.start) == (True, ("v1:clip:5",), 10, 50.0)
        assert memory.tokens([5])[0].tolist() == block(5).tokens.tolist()
        with pytest.raises(KVMissing, match="ghost") as caught:
            memory.get([5])
        assert "longtake kv build" in str(caught.value.fix)
        assert memory.compact() > 0, "its gap in a segment of others closes"
        assert memory.compact() == 0
        assert all(same(one, block(one.id)) for one in memory.get([4, 6, 7, 8, 9]))
        assert memory.verify().good


def test_bytes_are_those_of_the_files(folder: Path) -> None:
    with Segments(folder, made_by()) as memory:
        paths = [*folder.glob("*.safetensors"), folder / "manifest.sqlite"]
        assert memory.bytes() == sum(path.stat().st_size for path in paths)
        assert set(memory.sizes()) == {"segments", "index", "manifest"}
        assert min(memory.sizes().values()) > 0


def test_short_segments_are_joined(tmp_path: Path) -> None:
    with Segments(tmp_path, made_by(), write=True, heads=INDEXED) as memory:
        for number in range(9):
            memory.append(block(number))
            memory.flush()
        assert len(list(tmp_path.glob("seg-*"))) == 9
        memory.compact()
        assert len(list(tmp_path.glob("seg-*"))) == 1
        assert all(same(one, block(one.id)) for one in memory.get(range(9), verify=True))


def test_a_reader_finds_a_block_that_was_moved_meanwhile(folder: Path) -> None:
    with Segments(folder, made_by()) as other:
        other.get(range(10))
        with Segments(folder, made_by(), write=True) as memory:
            memory.demote(range(10), "q8")
        assert same(other.get([4])[0], Segments(folder, None).get([4])[0])
        with Segments(folder, made_by(), write=True) as memory:
            memory.drop()
        with pytest.raises(KVMissing, match="removed or built anew"):
            other.get([4])
        filled(folder, 3).close()
        with pytest.raises(KVMissing, match="removed or built anew"):
            other.get([1])


def test_readers_beside_a_writer_that_appends_and_demotes(folder: Path) -> None:
    wrong: list[str] = []
    stop = threading.Event()

    def read() -> None:
        with Segments(folder, made_by()) as memory:
            while not stop.is_set():
                one = memory.get([random.randrange(10)], verify=True)[0]
                if float((one.keys - block(one.id).keys).abs().max()) > 0.5:
                    wrong.append(f"block {one.id}")

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        with Segments(folder, made_by(), write=True) as memory:
            for number in range(10, 30):
                memory.append(block(number))
                memory.flush()
                memory.demote([number - 10], ("q8", "k8v4")[number % 2])
                memory.compact()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert wrong == []


# -- who made it ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value"),
    [("model", "other"), ("weights", "w2"), ("dtype", "bfloat16"), ("tokenizer", "t2"),
     ("prefix", "p2"), ("layers", 4), ("kv_heads", 1), ("head_dim", 32)],
)  # fmt: skip
def test_memory_of_another_maker_is_refused(folder: Path, field: str, value: object) -> None:
    for write in (False, True):
        with pytest.raises(KVMismatch, match=field) as caught:
            Segments(folder, made_by(**{field: value}), write=write)
        assert "longtake kv build VIDEO" in str(caught.value.fix)
        assert (caught.value.code, caught.value.exit_code) == ("kv_mismatch", 3)
    with Segments(folder, None) as memory:
        assert memory.print == made_by()
        assert memory.heads == INDEXED


def test_a_block_of_other_shapes_is_refused(folder: Path) -> None:
    with Segments(folder, made_by(), write=True) as memory:
        good = block(10)
        for bad in (
            replace(good, keys=good.keys[:2]),
            replace(good, values=good.values[..., :8]),
            replace(good, keys=good.keys.double()),
            replace(good, tokens=good.tokens[:-1]),
        ):
            with pytest.raises(KVMismatch, match="block 10"):
                memory.append(bad)
        with pytest.raises(KVError, match="cannot come after block 9"):
            memory.append(block(9))
        with pytest.raises(KVError, match="k2v2"):
            memory.append(good, "k2v2")
        loud = replace(good, keys=good.keys * 1e9)
        with pytest.raises(KVError, match="fp16"):
            memory.append(loud, "raw")
        memory.append(good)
        memory.flush()
        assert len(memory) == 11
        with pytest.raises(KVMissing, match="no block 99"):
            memory.get([3, 99])
        with pytest.raises(KVMissing):
            memory.demote([99], "q8")
        with pytest.raises(KVError):
            memory.demote([1], "tiny")
    with Segments(folder, made_by()) as reader, pytest.raises(KVError, match="reading only"):
        reader.append(block(11))


def test_nothing_there_is_missing_and_a_newer_format_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(KVMissing, match="no key–value memory") as caught:
        Segments(tmp_path / "none", made_by())
    assert caught.value.exit_code == 4
    assert "longtake kv build" in str(caught.value.fix)
    import sqlite3

    with sqlite3.connect(folder / "manifest.sqlite") as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(NewerSchema):
        Segments(folder, made_by())


# -- bad input -----------------------------------------------------------------------------


def cut(place: Path, number: int) -> None:
    path = segment(place, number)
    os.truncate(path, path.stat().st_size - 100)


def gone(place: Path, number: int) -> None:
    segment(place, number).unlink()


def foreign(place: Path, number: int) -> None:
    with filled(place.parent / "other", 10) as memory:
        memory.demote(range(10), "k4v4")
    shutil.copy(segment(place.parent / "other", number), segment(place, number))


def garbage(place: Path, number: int) -> None:
    path = segment(place, number)
    path.write_bytes(b"\xa5" * path.stat().st_size)


SPOILT: dict[str, tuple[Callable[[Path, int], None], type[KVError]]] = {
    "cut": (cut, KVDamaged),
    "gone": (gone, KVMissing),
    "foreign": (foreign, KVDamaged),
    "garbage": (garbage, KVDamaged),
    "head flipped": (lambda place, number: flip(segment(place, number), 40), KVDamaged),
}


@pytest.mark.parametrize("case", SPOILT)
def test_a_spoilt_segment_is_named_and_the_others_are_read(folder: Path, case: str) -> None:
    spoil, kind = SPOILT[case]
    spoil(folder, 1)
    with Segments(folder, made_by()) as memory:
        assert memory.dropped == [], "it is not the last"
        assert all(same(one, block(one.id)) for one in memory.get([0, 1, 2, 3, 8, 9]))
        with pytest.raises(KVError) as caught:
            memory.get([6, 7], verify=case == "cut")
        assert type(caught.value) is kind
        assert "longtake kv build" in str(caught.value.fix)
        (fault,) = memory.verify().faults
        assert fault.kind == ("missing" if case == "gone" else "damaged")
        assert fault.blocks == (4, 5, 6, 7)
        assert len(torch.cat([row.blocks for row in memory.index_rows()])) == sum(
            block(i).n for i in range(10)
        )


@pytest.mark.parametrize("case", ["cut", "gone"])
def test_a_torn_last_segment_is_dropped_and_told(folder: Path, case: str) -> None:
    SPOILT[case][0](folder, 2)
    with Segments(folder, made_by()) as memory:
        assert len(memory) == 8
        assert memory.dropped == ["seg-000003.safetensors is not whole: blocks 8 to 9 are left out"]
        assert all(same(one, block(one.id)) for one in memory.get(range(8)))
        with pytest.raises(KVMissing, match="no block 8"):
            memory.get([8])
    with Segments(folder, made_by(), write=True) as memory:
        assert memory.dropped
        assert memory.next_id == 8
        for number in (8, 9):
            memory.append(block(number))
    with Segments(folder, made_by()) as memory:
        assert memory.dropped == []
        assert all(same(one, block(one.id)) for one in memory.get(range(10), verify=True))
        assert memory.verify().good


def test_without_the_hash_a_flipped_bit_goes_unseen(folder: Path) -> None:
    with Segments(folder, made_by()) as memory:
        (row,) = memory.rows([6])
        begin = files.read_header(folder / str(row.segment)).data + row.place.begin
        flip(folder / str(row.segment), begin + row.place.length // 2)
        assert not same(memory.get([6])[0], block(6)), "OFF: nobody compared, and it is another"
        with pytest.raises(KVDamaged, match="not what was written"):
            memory.get([6], verify=True)
        assert same(memory.get([5], verify=True)[0], block(5))
        (fault,) = memory.verify().faults
        assert (fault.kind, fault.blocks) == ("damaged", (6,))
    with Segments(folder, made_by(), write=True) as memory:
        with pytest.raises(KVDamaged):
            memory.demote(range(10), "k8v4")
        memory.compact()
        assert [fault.blocks for fault in memory.verify().faults] == [(6,)], "not copied as good"


def test_a_spoilt_shelf_costs_the_index_only(folder: Path) -> None:
    shelf = sorted(folder.glob("idx-*"))[1]
    flip(shelf, shelf.stat().st_size - 3)
    with Segments(folder, made_by()) as memory:
        (fault,) = memory.verify().faults
        assert (fault.kind, fault.file) == ("damaged", shelf.name)
        assert all(same(one, block(one.id)) for one in memory.get(range(10)))
    os.truncate(shelf, 300)
    with Segments(folder, made_by()) as memory, pytest.raises(KVDamaged, match="another size"):
        list(memory.index_rows())
    shelf.unlink()
    with Segments(folder, made_by()) as memory:
        assert len(memory.get(range(10))) == 10
        with pytest.raises(KVMissing, match="idx-000002"):
            list(memory.index_rows())


def test_two_writers(folder: Path) -> None:
    with Segments(folder, made_by(), write=True):
        with pytest.raises(Locked, match="this process is writing"):
            Segments(folder, made_by(), write=True)
        assert len(Segments(folder, made_by())) == 10
    Segments(folder, made_by(), write=True).close()


@pytest.mark.parametrize("when", [0, 1, 2, 3])
def test_a_full_disk_keeps_what_was_flushed_and_what_waits(
    folder: Path, when: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = Segments(folder, made_by(), write=True)
    memory.append(block(10))
    calls = iter(range(99))

    def full(*_: object) -> None:
        if next(calls) == when:
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        # Shelf synced, shelf moved, segment synced, segment moved.
        true = os.replace
        patch.setattr(os, "fsync", full)
        patch.setattr(os, "replace", lambda a, b: (full(), true(a, b)))
        patch.setattr(files, "settle", lambda folder: None)
        with pytest.raises(DiskFull, match="everything committed is kept") as caught:
            memory.flush()
        assert isinstance(caught.value, StoreError)
    assert not list(folder.glob(".*.tmp"))
    assert len(Segments(folder, made_by())) == 10
    assert Segments(folder, made_by()).get(range(10), verify=True)
    memory.flush()
    memory.close()
    with Segments(folder, made_by()) as again:
        assert same(again.get([10])[0], block(10))
        assert again.verify().good


def test_a_damaged_or_foreign_manifest_is_named(folder: Path) -> None:
    (folder / "manifest.sqlite").write_bytes(os.urandom(9000))
    for write in (False, True):
        with pytest.raises(KVDamaged):
            Segments(folder, made_by(), write=write)
    (folder / "manifest.sqlite").unlink()
    import sqlite3

    with sqlite3.connect(folder / "manifest.sqlite") as database:
        database.execute("CREATE TABLE other (x)")
    with pytest.raises(KVDamaged, match="no manifest"):
        Segments(folder, made_by())


# -- kills ---------------------------------------------------------------------------------


def write_until_killed(place: Path, ready: int) -> None:
    """Append, flush, demote and join until somebody kills this process."""
    torch.set_num_threads(1)
    segments.SEGMENT_BLOCKS = FEW
    with Segments(place, made_by(), write=True, heads=INDEXED) as memory:
        os.write(ready, b"x")
        for number in range(memory.next_id, 100_000):
            memory.append(block(number))
            if number % 3 == 0:
                memory.flush()
            if number % 7 == 6:
                memory.demote([number - 6, number - 5], ("q8", "k4v4")[number % 2])
            if number % 11 == 10:
                memory.demote([number - 10], "ghost")
                memory.compact()


def killed(place: Path, seconds: float) -> None:
    read, ready = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            write_until_killed(place, ready)
        finally:
            os._exit(1)
    os.read(read, 1)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    os.close(read)
    os.close(ready)
    assert os.WIFSIGNALED(status), "it was killed, and did not fail by itself"


def survive(place: Path, rounds: int, seed: int) -> None:
    chance = random.Random(seed)
    most = 0
    for _ in range(rounds):
        killed(place, chance.uniform(0.0, 0.25))
        with Segments(place, made_by()) as memory:
            assert [f for f in memory.verify().faults if f.kind != "orphan"] == []
        with Segments(place, made_by(), write=True) as memory:
            rows = memory.rows()
            assert [row.id for row in rows] == list(range(len(rows))), "a prefix, nothing between"
            assert len(rows) >= most, "what was flushed is never lost"
            most = len(rows)
            assert memory.verify().good, "what was half written is gone"
            raw = [row.id for row in rows if row.scheme == "raw" and not row.ghost]
            assert all(same(one, block(one.id)) for one in memory.get(raw[-20:], verify=True))
    assert most > rounds


def test_kills_at_any_instant_leave_a_prefix(tmp_path: Path) -> None:
    survive(tmp_path / "s", 8, seed=1)


@pytest.mark.slow
def test_fifty_kills_at_any_instant_leave_a_prefix(tmp_path: Path) -> None:
    survive(tmp_path / "s", 50, seed=2)


# -- check and repair ----------------------------------------------------------------------


@pytest.fixture
def library(folder: Path) -> Path:
    root = folder.parent.parent.parent / "a.longtake"
    with writer(root):
        pass
    shutil.copytree(folder.parent.parent, root / "kv", dirs_exist_ok=True)
    return root


def stream(library: Path) -> Path:
    return library / "kv" / "v1" / "tiny"


def flip_block(place: Path, number: int) -> None:
    with Segments(place, None) as memory:
        (row,) = memory.rows([number])
        header = files.read_header(place / str(row.segment))
    flip(place / str(row.segment), header.data + row.place.begin + row.place.length - 1)


def lose_manifest(place: Path) -> None:
    (place / "manifest.sqlite").write_bytes(os.urandom(5000))


REPAIRED: dict[str, tuple[Callable[[Path], object], set[str], list[int], list[int]]] = {
    "segment gone": (lambda p: gone(p, 1), {"kv_missing"}, [0, 3, 8, 9], [4, 5, 6, 7]),
    "segment cut": (lambda p: cut(p, 1), {"kv_damaged"}, [0, 3, 8, 9], [4, 5, 6, 7]),
    "block flipped": (lambda p: flip_block(p, 5), {"kv_damaged"}, [0, 4, 6, 9], [5]),
    "last segment gone": (lambda p: gone(p, 2), {"kv_missing"}, [0, 7], []),
    "last block flipped": (lambda p: flip_block(p, 9), {"kv_damaged"}, [0, 8], []),
    "index gone": (
        lambda p: min(p.glob("idx-*")).unlink(), {"kv_missing"}, list(range(10)), []
    ),
    "manifest gone": (lambda p: (p / "manifest.sqlite").unlink(), {"kv_missing"},
                      list(range(10)), []),
    "manifest damaged": (lose_manifest, {"kv_damaged"}, list(range(10)), []),
}  # fmt: skip


@pytest.mark.parametrize("case", REPAIRED)
def test_check_finds_and_repair_keeps_what_is_good(library: Path, case: str) -> None:
    spoil, kinds, kept, ghosts = REPAIRED[case]
    assert check(library) == []
    spoil(stream(library))
    found = check(library)
    assert {one.kind for one in found} == kinds
    assert not any(one.repaired for one in found)
    assert check(library) == found, "looking changes nothing"
    assert all(one.repaired for one in check(library, repair=True))
    assert check(library) == []
    with Segments(stream(library), made_by()) as memory:
        assert all(same(one, block(one.id)) for one in memory.get(kept, verify=True))
        assert [row.id for row in memory.rows() if row.ghost] == ghosts
        last = max(row.id for row in memory.rows())
        names = torch.cat([row.blocks for row in memory.index_rows()]).tolist()
        assert sorted(set(names)) == list(range(last + 1))


def test_an_orphan_is_a_note_and_no_problem(library: Path) -> None:
    shutil.copy(segment(stream(library), 0), stream(library) / "seg-000077.safetensors")
    (stream(library) / ".seg-000078.safetensors.1.tmp").write_bytes(b"x")
    assert check(library) == []
    assert {one.kind for one in notes(library)} == {"kv_orphan"}
    assert len(notes(library)) == 2
    with Segments(stream(library), None, write=True) as memory:
        assert len(memory.dropped) == 2, "a writer removes it as well"
        assert notes(library) == []
    shutil.copy(segment(stream(library), 0), stream(library) / "seg-000077.safetensors")
    assert [(p.kind, p.repaired) for p in check(library, repair=True)] == [("kv_orphan", True)]
    assert notes(library) == []


def test_a_backup_beside_a_writer_is_whole(library: Path, tmp_path: Path) -> None:
    """OFF: the manifest's file alone, without its log, does not hold what was just committed."""
    with Segments(stream(library), made_by(), write=True) as memory:
        memory.append(block(10))
        memory.flush()
        memory.demote([0, 1], "q8")
        copy = backup(library, tmp_path / "copy.longtake")
        alone = tmp_path / "alone"
        alone.mkdir()
        shutil.copy(stream(library) / "manifest.sqlite", alone)
        with Segments(alone, None) as old:
            assert old.rows([10]) == []
        with Segments(stream(copy), made_by()) as found:
            assert len(found) == 11
            assert found.verify().good
            theirs = [digest(one) for one in memory.get(range(11))]
            assert [digest(one) for one in found.get(range(11))] == theirs
    assert check(copy) == []


def test_garbage_without_a_manifest_is_removed(tmp_path: Path) -> None:
    place = tmp_path / "v" / "s"
    place.mkdir(parents=True)
    (place / "seg-000001.safetensors").write_bytes(b"x" * 500)
    assert streams(tmp_path) == [place]
    assert [fault.kind for fault in faults(place)] == ["missing"]
    mend(place)
    assert faults(place) == []
    assert streams(tmp_path) == []
