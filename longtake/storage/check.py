"""Hold the parts of a library against each other, and mend what is derived.

Words, FAISS files and stray files are rebuilt or removed. A damaged database is read out as far
as it can be read and written anew; the damaged file stays beside it. What only the source video
can bring back (a lost thumbnail, a record that makes no sense) is reported, never invented.

A picture that no record names, or a file of key–value memory that no manifest names, is what a
kill leaves behind: it takes room and harms nothing, so it is no problem but a note (`notes`), and
a repair removes it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from longtake.errors import Corrupt, Locked
from longtake.storage.database import Database
from longtake.storage.folder import Folder
from longtake.storage.indexfile import index_path, read_index
from longtake.storage.kv.mend import faults, mend, streams
from longtake.storage.lock import WriterLock
from longtake.storage.salvage import salvage
from longtake.storage.schema import HELD_SUMS, REFILL_HELD, REFILL_WORDS
from longtake.storage.store import Store
from longtake.storage.thumbs import files, thumb_path

# Containers round; the last sound may outlast the last picture.
_TOLERANCE = 2.0
_SHOWN = 5
_KV_ORPHAN = "kv_orphan"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it should be.

    `kind` is one of: database, words, vectors, index, bytes, thumb_missing, thumb_damaged, thumb_orphan,
    time, parent, observation, kv_missing, kv_damaged, kv_orphan. Only `notes`, and a repair that
    removed it, speak of a thumb_orphan or a kv_orphan.
    """

    kind: str
    detail: str
    repaired: bool = False


def check(path: str | Path, repair: bool = False) -> list[Problem]:
    """Return what is wrong with the library at `path`, mended where `repair` asks and can.

    Raises:
        NotFound: there is no library.
        Locked: `repair` is asked while another process writes.
    """
    folder = Folder(Path(path).expanduser())
    folder.need()
    found: list[Problem] = []
    try:
        found += _integrity(folder)
    except Corrupt as error:
        found.append(Problem("database", error.message))
    if found and not repair:
        return found
    if found:
        found = _salvaged(folder, found)
        if not all(problem.repaired for problem in found):
            return found
    with Store.open(folder.root, write=repair) as store:
        found += _contents(store, repair)
        found += [one for one in _kv(folder, repair) if repair or one.kind != _KV_ORPHAN]
    return found


def notes(path: str | Path) -> list[Problem]:
    """Return what lies about in the library at `path` and harms nothing; a repair removes it.

    Raises:
        NotFound: there is no library.
        Corrupt: its database cannot be read; `check` tells more.
    """
    folder = Folder(Path(path).expanduser())
    folder.need()
    with Store.open(folder.root) as store:
        left = [_orphan(one) for one in _orphans(store, quiet=_quiet(folder))]
    return left + [one for one in _kv(folder, repair=False) if one.kind == _KV_ORPHAN]


def _integrity(folder: Folder) -> list[Problem]:
    with Store.open(folder.root) as store:
        rows = store.database.rows("PRAGMA integrity_check(20)")
    return [Problem("database", row[0]) for row in rows if row[0] != "ok"]


def _salvaged(folder: Folder, found: list[Problem]) -> list[Problem]:
    lock = WriterLock.take(folder.lock)
    try:
        lost = salvage(folder)
    finally:
        lock.release()
    if lost is None:
        return found
    mended = [replace(problem, repaired=True) for problem in found]
    return [*mended, *(Problem("database", one, repaired=True) for one in lost)]


def _contents(store: Store, repair: bool) -> list[Problem]:
    database = store.database
    found = [
        *_words(database, repair),
        *_vectors(database, repair),
        *_thumbs(store, repair),
        *_held(database, repair),
        *_times(database),
        *_parents(database),
        *_observations(store, repair),
    ]
    # After the vectors: a file is good when it holds what SQLite holds.
    return found + list(_index_files(store, repair))


def _words(database: Database, repair: bool) -> Iterator[Problem]:
    (stale,) = database.one(
        "SELECT count(*) FROM records r LEFT JOIN words w ON w.rowid = r.n "
        "WHERE r.text != '' AND w.text IS NOT r.text"
    ) or (0,)
    (orphans,) = database.one(
        "SELECT count(*) FROM words WHERE rowid NOT IN (SELECT n FROM records WHERE text != '')"
    ) or (0,)
    if not stale and not orphans:
        return
    if repair:
        with database.transaction():
            for statement in REFILL_WORDS:
                database.run(statement)
    detail = f"{stale} records are not in the word index as they are, {orphans} words have none"
    yield Problem("words", detail, repair)


def _vectors(database: Database, repair: bool) -> Iterator[Problem]:
    rows = database.rows(
        "SELECT x.slot FROM vectors x LEFT JOIN records r ON r.n = x.n "
        "LEFT JOIN indexes i ON i.no = x.no WHERE r.n IS NULL OR i.no IS NULL "
        "OR length(x.vector) != 4 * i.dim OR (x.vid >> 32) != r.ordinal"
    )
    twins = database.rows(
        "SELECT max(slot) FROM vectors GROUP BY no, vid HAVING count(*) > 1 ORDER BY 1"
    )
    slots = sorted({row[0] for row in rows + twins})
    if not slots:
        return
    if repair:
        database.run_many("DELETE FROM vectors WHERE slot = ?", [(slot,) for slot in slots])
    yield Problem("vectors", f"{len(slots)} vectors belong to no record or do not fit", repair)


def _index_files(store: Store, repair: bool) -> Iterator[Problem]:
    known = {index_path(store.folder.indexes, key): key for key in store.index_keys()}
    bad: list[tuple[Path, str]] = []
    here = sorted(store.folder.indexes.iterdir()) if store.folder.indexes.is_dir() else []
    for path in here:
        if path not in known:
            bad.append((path, "belongs to no index"))
        elif not _index_agrees(store, known[path], path):
            bad.append((path, "does not hold what the database holds"))
    for path, why in bad:
        if repair:
            path.unlink(missing_ok=True)
        yield Problem("index", f"{path.name} {why}", repair)
    if repair and bad:
        store.save_indexes()


def _index_agrees(store: Store, key: str, path: Path) -> bool:
    """Compare every vector that has not changed since the file was written."""
    from longtake.storage.dense import load_faiss

    read = read_index(path)
    (no, gen, forgot, dim) = store.database.one(
        "SELECT no, gen, forgot, dim FROM indexes WHERE key = ?", (key,)
    ) or (0, -1, 0, 0)
    if read is None or read[0].dim != dim or not forgot <= read[0].gen <= gen:
        return False
    stamp, index = read
    stored = set(load_faiss().vector_to_array(index.id_map).tolist())
    rows = store.database.rows(
        "SELECT vid, vector FROM vectors WHERE no = ? AND gen <= ? ORDER BY vid", (no, stamp.gen)
    )
    gone = store.database.rows("SELECT vid FROM gone WHERE no = ? AND gen > ?", (no, stamp.gen))
    changed = store.database.rows(
        "SELECT vid FROM vectors WHERE no = ? AND gen > ?", (no, stamp.gen)
    )
    vids = np.array([row[0] for row in rows], dtype=np.int64)
    if not stored.issuperset(vids.tolist()):
        return False
    if stored - set(vids.tolist()) - {row[0] for row in gone + changed} and index.ntotal == len(
        stored
    ):
        return False
    blobs = b"".join(row[1] for row in rows)
    return not len(vids) or index.reconstruct_batch(vids).astype("<f4").tobytes() == blobs


def _thumbs(store: Store, repair: bool) -> Iterator[Problem]:
    # Listed before files are looked at: what is written meanwhile is not taken for lost.
    listed = {row[0] for row in store.database.rows("SELECT name FROM thumbs")}
    for name in sorted(listed | _used(store)):
        path = thumb_path(store.folder.thumbs, name)
        if not path.is_file():
            yield Problem("thumb_missing", f"{name} is gone; ingesting again brings it back")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != name:
            yield Problem("thumb_damaged", f"{name} is not what it was")
        elif name not in listed:
            if repair:
                store.database.run("INSERT INTO thumbs VALUES (?, ?)", (name, path.stat().st_size))
            yield Problem("thumb_missing", f"{name} was not listed", repair)
    for path in _orphans(store, quiet=True) if repair else []:
        path.unlink(missing_ok=True)
        store.database.run("DELETE FROM thumbs WHERE name = ?", (path.stem,))
        yield replace(_orphan(path), repaired=True)


def _orphans(store: Store, *, quiet: bool) -> list[Path]:
    """Return the files that no record names.

    A writer puts files before it commits their names: unless it is `quiet`, none can be told.
    """
    if not quiet:
        return []
    here, used = list(files(store.folder.thumbs)), _used(store)
    return [
        path
        for path in here
        if path.stem not in used or thumb_path(store.folder.thumbs, path.stem) != path
    ]


def _orphan(path: Path) -> Problem:
    return Problem("thumb_orphan", f"no record names {path.name}")


def _used(store: Store) -> set[str]:
    rows = store.database.rows("SELECT thumb FROM records WHERE thumb IS NOT NULL")
    return {row[0] for row in rows}


def _quiet(folder: Folder) -> bool:
    try:
        WriterLock.take(folder.lock).release()
    except Locked:
        return False
    return True


def _kv(folder: Folder, repair: bool) -> Iterator[Problem]:
    """Key–value memories: what cannot be kept is built again from the video."""
    for place in streams(folder.kv):
        found = faults(place)
        if found and repair:
            mend(place)
        left = {(one.kind, one.file) for one in faults(place)} if found and repair else None
        for one in found:
            mended = left is not None and (one.kind, one.file) not in left
            where = place.relative_to(folder.root)
            yield Problem(f"kv_{one.kind}", f"{where}: {one.detail}", mended)


def _held(database: Database, repair: bool) -> Iterator[Problem]:
    """Hold the running sums of bytes against the sums."""
    with database.snapshot():
        kept = database.rows("SELECT * FROM held ORDER BY ordinal")
        wrong = len(set(kept) ^ set(database.rows(HELD_SUMS)))
    if not wrong:
        return
    if repair:
        with database.transaction():
            for statement in REFILL_HELD:
                database.run(statement)
    yield Problem("bytes", "the bytes of videos do not add up to what they are said to be", repair)


def _times(database: Database) -> Iterator[Problem]:
    rows = database.rows(
        "SELECT r.id, v.name FROM records r JOIN videos v ON v.ordinal = r.ordinal "
        "WHERE (r.start < 0 OR (v.duration > 0 AND r.end > v.duration + ?)) "
        # A person may mark what is still to come.
        "AND r.maker != 'person' ORDER BY r.n",
        (_TOLERANCE,),
    )
    if rows:
        names = ", ".join(row[0] for row in rows[:_SHOWN])
        yield Problem("time", f"{len(rows)} records lie outside their video: {names}")


def _parents(database: Database) -> Iterator[Problem]:
    """A summary's parents are what it was made from: they exist, and lie inside its span."""
    named = (
        "FROM records r JOIN progress p ON p.ordinal = r.ordinal AND p.pass = 'deep' "
        "AND p.finished JOIN json_each(r.parents) j LEFT JOIN records m ON m.id = j.value "
    )
    lost = database.rows(f"SELECT DISTINCT r.id {named} WHERE m.id IS NULL ORDER BY r.n")
    if lost:
        names = ", ".join(row[0] for row in lost[:_SHOWN])
        yield Problem(
            "parent", f"{len(lost)} records were made from records that are gone: {names}"
        )
    outside = database.rows(
        f"SELECT DISTINCT r.id {named} WHERE r.level IN ('scene', 'chapter', 'video') "
        "AND m.level IN ('clip', 'scene', 'chapter') "
        "AND (m.start < r.start - 0.001 OR m.end > r.end + 0.001) ORDER BY r.n"
    )
    if outside:
        names = ", ".join(row[0] for row in outside[:_SHOWN])
        yield Problem("parent", f"{len(outside)} records do not cover their parts: {names}")


def _observations(store: Store, repair: bool) -> Iterator[Problem]:
    """What second looks saw: a sound file, of videos and records that are here."""
    kept = store.observations
    damage = kept.problems()
    if damage:
        if repair:
            kept.set_aside()
        yield Problem("observation", f"{kept.path.name}: {damage[0]}", repair)
        return
    videos = [video.id for video in store.videos()]
    named = store.database.rows(
        "SELECT id FROM records WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps([d.record for d in kept.disputes(videos)]),),
    )
    records = [row[0] for row in named]
    lost, void = kept.strays(videos, records)
    if not lost and not void:
        return
    if repair:
        kept.drop_strays(videos, records)
    detail = f"{lost} observations are of no video here, {void} disputes of no record"
    yield Problem("observation", detail, repair)
