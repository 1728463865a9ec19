"""The bench that kills who asks: what it would call lost, and what damaged."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from bench import kills_asking


def test_what_an_answer_wrote_and_is_not_there_is_lost(tmp_path: Path) -> None:
    for name, made in [
        ("observations", "create table observations (id, seen, asked)"),
        ("turns", "create table turns (thread, turn, question)"),
    ]:
        with closing(sqlite3.connect(tmp_path / f"{name}.sqlite")) as db, db:
            db.execute(made)
            if name == "turns":
                db.execute("insert into turns values ('t', 1, ?)", kills_asking.QUESTIONS[:1])
    told = [["an answer", []], ["another", ["observation 1"]]]
    lost = kills_asking.lost(tmp_path, told)
    assert lost == ["observation 1", kills_asking.QUESTIONS[1]]
    assert kills_asking.lost(tmp_path, told[:1]) == []


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "turns.sqlite")) as db, db:
        db.execute("create table turns (thread, turn, question)")
        db.executemany(
            "insert into turns values (?, ?, ?)", [("t", n, "q" * 90) for n in range(400)]
        )
    assert kills_asking.damaged(tmp_path) == []
    data = bytearray((tmp_path / "turns.sqlite").read_bytes())
    data[8192:12288] = bytes(4096)
    (tmp_path / "turns.sqlite").write_bytes(data)
    assert kills_asking.damaged(tmp_path) == ["turns.sqlite"]
