"""The tables of a library, and the steps that bring an older library up to date.

`records.n` and `vectors.vid` are numbers that sort by video and time, so a stretch of a video is
one range of them (see `place`). Triggers keep words and vectors in step with records, whoever
writes: no record goes without its words and vectors. `indexes.gen` counts changes of one vector
index; each vector row carries the count at which it last changed and `gone` remembers removals,
so a reader can bring its FAISS index up to date by reading the difference alone. `held` has the
bytes that each video takes; triggers keep it, too, so that a budget costs no sums (`sizes`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from longtake.errors import Corrupt, NewerSchema
from longtake.storage.folder import REPAIR

APPLICATION_ID = 0x4C544B31  # "LTK1": tells a library from any other SQLite file
TOKENIZE = "porter unicode61 remove_diacritics 2"

_WORDS = f"CREATE VIRTUAL TABLE words USING fts5(text, tokenize='{TOKENIZE}')"
# Makes the word index anew from the records, for `check --repair`.
REFILL_WORDS = (
    "DROP TABLE words",
    _WORDS,
    "INSERT INTO words(rowid, text) SELECT n, text FROM records WHERE text != '' ORDER BY n",
)

_FIRST = (
    """CREATE TABLE videos (
        ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        fingerprint TEXT NOT NULL UNIQUE,
        path ANY NOT NULL,
        name ANY NOT NULL,
        duration REAL NOT NULL,
        media TEXT NOT NULL
    )""",
    """CREATE TABLE records (
        n INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        ordinal INTEGER NOT NULL REFERENCES videos(ordinal),
        level TEXT NOT NULL,
        channel TEXT NOT NULL,
        start REAL NOT NULL,
        end REAL NOT NULL,
        known_at REAL NOT NULL,
        maker TEXT NOT NULL,
        parents TEXT NOT NULL,
        thumb TEXT,
        text TEXT NOT NULL,
        data TEXT NOT NULL
    )""",
    "CREATE INDEX records_by_place ON records(ordinal, level, channel, start)",
    "CREATE INDEX records_by_thumb ON records(thumb) WHERE thumb IS NOT NULL",
    _WORDS,
    "CREATE VIRTUAL TABLE vocabulary USING fts5vocab(words, row)",
    """CREATE TABLE indexes (
        no INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        dim INTEGER NOT NULL,
        gen INTEGER NOT NULL DEFAULT 0,
        forgot INTEGER NOT NULL DEFAULT 0
    )""",
    """CREATE TABLE vectors (
        slot INTEGER PRIMARY KEY,
        no INTEGER NOT NULL REFERENCES indexes(no),
        vid INTEGER NOT NULL,
        n INTEGER NOT NULL REFERENCES records(n),
        known_at REAL NOT NULL,
        gen INTEGER NOT NULL,
        vector BLOB NOT NULL
    )""",
    # Holds all but the blob: a reader that has its FAISS file reads this index alone.
    "CREATE INDEX vectors_by_place ON vectors(no, vid, n, known_at, gen)",
    "CREATE INDEX vectors_by_change ON vectors(no, gen)",
    "CREATE UNIQUE INDEX vectors_by_record ON vectors(n, no)",
    """CREATE TABLE gone (
        no INTEGER NOT NULL, gen INTEGER NOT NULL, vid INTEGER NOT NULL,
        PRIMARY KEY (no, gen, vid)
    ) WITHOUT ROWID""",
    """CREATE TABLE thumbs (
        name TEXT PRIMARY KEY,
        size INTEGER NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE progress (
        ordinal INTEGER NOT NULL REFERENCES videos(ordinal),
        pass TEXT NOT NULL,
        done REAL NOT NULL,
        finished INTEGER NOT NULL,
        carry BLOB NOT NULL,
        PRIMARY KEY (ordinal, pass)
    )""",
    """CREATE TRIGGER record_new AFTER INSERT ON records WHEN new.text != '' BEGIN
        INSERT INTO words(rowid, text) VALUES (new.n, new.text);
    END""",
    """CREATE TRIGGER record_reworded AFTER UPDATE OF text ON records
    WHEN new.text IS NOT old.text BEGIN
        DELETE FROM words WHERE rowid = old.n;
        INSERT INTO words(rowid, text) SELECT new.n, new.text WHERE new.text != '';
    END""",
    """CREATE TRIGGER record_gone BEFORE DELETE ON records BEGIN
        DELETE FROM words WHERE rowid = old.n;
        DELETE FROM vectors WHERE n = old.n;
    END""",
    """CREATE TRIGGER vector_gone AFTER DELETE ON vectors BEGIN
        UPDATE indexes SET gen = gen + 1 WHERE no = old.no;
        INSERT INTO gone SELECT no, gen, old.vid FROM indexes WHERE no = old.no;
    END""",
    """CREATE TRIGGER record_moved AFTER UPDATE OF start, end, known_at ON records
    WHEN (new.start, new.end, new.known_at) IS NOT (old.start, old.end, old.known_at) BEGIN
        UPDATE indexes SET gen = gen + 1
            WHERE no IN (SELECT no FROM vectors WHERE n = new.n);
        UPDATE vectors SET gen = (SELECT gen FROM indexes i WHERE i.no = vectors.no)
            WHERE n = new.n;
    END""",
    f"PRAGMA application_id = {APPLICATION_ID}",
)


def _first(db: Any) -> None:
    for statement in _FIRST:
        db.conn.execute(statement)


LONG = 60.0
"""Seconds beyond which a record counts as long: an index of its own finds those."""


def _text(row: str) -> str:
    """Bytes of a record: its words stand in the word index too, its id in an index; and a row.

    Twice that, as pages are little more than half full: measured, libraries of 3 to 15 MB take 0.8
    to 1.05 of what all sums say.
    """
    return (
        f"2 * (2 * length(CAST({row}.text AS BLOB)) + length(CAST({row}.data AS BLOB)) "
        f"+ length({row}.parents) + 2 * length({row}.id) + 160)"
    )


def _vector(row: str) -> str:
    """Bytes of a vector: once in the table and once in an index file, and its rows."""
    return f"(2 * length({row}.vector) + 100)"


def _picture(row: str, *others: str) -> str:
    """Bytes of the thumbnail that a record names, unless one of the video's others names it."""
    more = "".join(f" AND {one}" for one in others)
    return (
        f"(CASE WHEN {row}.thumb IS NULL OR EXISTS (SELECT 1 FROM records r WHERE r.thumb = "
        f"{row}.thumb AND +r.ordinal = {row}.ordinal{more}) THEN 0 ELSE "
        f"ifnull((SELECT size FROM thumbs WHERE name = {row}.thumb), 0) END)"
    )


# What `held` has to be, and how it is made anew: for older libraries and `check --repair`.
HELD_SUMS = f"""SELECT v.ordinal,
        ifnull((SELECT sum(t.size) FROM thumbs t WHERE t.name IN
            (SELECT r.thumb FROM records r WHERE r.ordinal = v.ordinal)), 0),
        ifnull((SELECT sum({_vector("x")}) FROM vectors x WHERE x.n >> 44 = v.ordinal), 0),
        ifnull((SELECT sum({_text("r")}) FROM records r WHERE r.ordinal = v.ordinal), 0)
        FROM videos v ORDER BY v.ordinal"""
REFILL_HELD = ("DELETE FROM held", f"INSERT INTO held {HELD_SUMS}")

_STREAMS = (
    f"CREATE INDEX records_long ON records(ordinal, end) WHERE end - start > {LONG}",
    "CREATE INDEX records_pictured ON records(ordinal, start) WHERE thumb IS NOT NULL",
    "CREATE INDEX records_marked ON records(ordinal, start) WHERE maker = 'person'",
    """CREATE TABLE held (
        ordinal INTEGER PRIMARY KEY,
        pictures INTEGER NOT NULL,
        vectors INTEGER NOT NULL,
        text INTEGER NOT NULL
    )""",
    *REFILL_HELD,
    """CREATE TRIGGER held_video AFTER INSERT ON videos BEGIN
        INSERT INTO held VALUES (new.ordinal, 0, 0, 0);
    END""",
    """CREATE TRIGGER held_no_video AFTER DELETE ON videos BEGIN
        DELETE FROM held WHERE ordinal = old.ordinal;
    END""",
    f"""CREATE TRIGGER held_record AFTER INSERT ON records BEGIN
        UPDATE held SET text = text + {_text("new")},
            pictures = pictures + {_picture("new", "r.n != new.n")} WHERE ordinal = new.ordinal;
    END""",
    f"""CREATE TRIGGER held_other_record AFTER UPDATE OF text, data, parents ON records BEGIN
        UPDATE held SET text = text + {_text("new")} - {_text("old")} WHERE ordinal = new.ordinal;
    END""",
    f"""CREATE TRIGGER held_other_picture AFTER UPDATE OF thumb ON records
    WHEN new.thumb IS NOT old.thumb BEGIN
        UPDATE held SET pictures = pictures - {_picture("old")}
            + {_picture("new", "r.n != new.n")} WHERE ordinal = new.ordinal;
    END""",
    f"""CREATE TRIGGER held_no_record AFTER DELETE ON records BEGIN
        UPDATE held SET text = text - {_text("old")}, pictures = pictures - {_picture("old")}
            WHERE ordinal = old.ordinal;
    END""",
    # A picture comes after the records that name it, or was there for another video's.
    """CREATE TRIGGER held_picture AFTER INSERT ON thumbs BEGIN
        UPDATE held SET pictures = pictures + new.size
            WHERE ordinal IN (SELECT ordinal FROM records WHERE thumb = new.name);
    END""",
    f"""CREATE TRIGGER held_vector AFTER INSERT ON vectors BEGIN
        UPDATE held SET vectors = vectors + {_vector("new")} WHERE ordinal = new.n >> 44;
    END""",
    f"""CREATE TRIGGER held_other_vector AFTER UPDATE OF vector ON vectors
    WHEN length(new.vector) != length(old.vector) BEGIN
        UPDATE held SET vectors = vectors + {_vector("new")} - {_vector("old")}
            WHERE ordinal = new.n >> 44;
    END""",
    f"""CREATE TRIGGER held_no_vector AFTER DELETE ON vectors BEGIN
        UPDATE held SET vectors = vectors - {_vector("old")} WHERE ordinal = old.n >> 44;
    END""",
)


def _streams(db: Any) -> None:
    for statement in _STREAMS:
        db.conn.execute(statement)


# Append only: a step that has been released is never edited.
STEPS: tuple[tuple[str, Callable[[Any], None]], ...] = (("first", _first), ("streams", _streams))
VERSION = len(STEPS)


def place(ordinal: int, start: float) -> int:
    """Return the first `records.n` for a video and a time; 256 of them for each millisecond.

    >>> place(1, 0.001) - place(1, 0.0)
    256
    """
    return (ordinal << 44) + (max(0, round(start * 1000)) << 8)


def version(connection: sqlite3.Connection) -> int:
    """Return how many steps this database has seen, 0 for an empty one.

    Raises:
        Corrupt: it is a database of something else.
        NewerSchema: it has seen steps that this version does not know.
    """
    (seen,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION_ID and tables:
        raise Corrupt("library.sqlite is not a library of Longtake", fix=REPAIR)
    if seen > VERSION:
        raise NewerSchema(
            f"this library has format {seen} and this version knows {VERSION}",
            fix="pip install --upgrade longtake",
        )
    return int(seen)


def bring_up(connection: sqlite3.Connection) -> None:
    """Apply every step that the database has not seen, each in a transaction of its own."""
    if version(connection) == VERSION:
        return
    from sqlite_utils import Database
    from sqlite_utils.migrations import Migrations

    steps = Migrations("longtake")
    for number, (name, change) in enumerate(STEPS, start=1):
        steps(name=name)(_numbered(change, number))
    steps.apply(Database(connection))


def _numbered(change: Callable[[Any], None], number: int) -> Callable[[Any], None]:
    def step(db: Any) -> None:
        change(db)
        db.conn.execute(f"PRAGMA user_version = {number}")

    return step
