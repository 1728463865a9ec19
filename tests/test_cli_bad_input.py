"""Bad input of every kind, from the command line: what is said, and the exit code."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from longtake.cli.edge import translate
from longtake.cli.session import Session
from longtake.config import Settings
from longtake.library import Library
from longtake.models.endpoint import EndpointChat
from longtake.storage.store import Store
from tests.cli_program import SCENES, Program, good, program
from tests.fakes import FakeChat, fake_models
from tests.media import damaged, draw_sound, draw_video, not_a_video, tone, truncated, zero_length

__all__ = ["good", "program"]


def test_missing_file(program: Program) -> None:
    assert "there is no file nix.mp4" in program.fails(6, "ingest", "nix.mp4")


def test_not_a_video(program: Program) -> None:
    assert "list.mp4" in program.fails(6, "ingest", not_a_video(program.folder / "list.mp4"))
    assert not program.library.exists()


def test_zero_length(program: Program) -> None:
    told = program.fails(6, "ingest", zero_length(program.folder / "none.mp4"))
    assert "0 bytes" in told


def test_folder_of_good_and_bad(program: Program, good: Path) -> None:
    folder = program.folder / "talks"
    folder.mkdir()
    (folder / "good.mp4").write_bytes(good.read_bytes())
    not_a_video(folder / "bad.mp4")
    result = program.run("ingest", folder, "--json")
    assert result.exit_code == 7
    told = json.loads(result.stdout)
    assert [one["name"] for one in told["data"]["videos"]] == ["good.mp4"]
    assert told["data"]["failed"][0]["source"].endswith("bad.mp4")
    text = program.run("ingest", folder)
    assert text.stdout.startswith("good.mp4  v")
    assert text.stderr.count("bad.mp4") > 0


def test_estimate_of_good_and_bad_leaves_out_the_bad(program: Program, good: Path) -> None:
    folder = program.folder / "talks"
    folder.mkdir()
    (folder / "good.mp4").write_bytes(good.read_bytes())
    bad = not_a_video(folder / "bad.mp4")
    told = json.loads(program.run("ingest", folder, "--estimate", "--json").stdout)
    assert [Path(one["path"]).name for one in told["data"]["videos"]] == ["good.mp4"]
    assert "bad.mp4" in told["warnings"][0]
    program.fails(6, "ingest", bad, "--estimate")


def test_library_that_cannot_be_made_is_usage(program: Program, good: Path) -> None:
    (program.folder / "file").write_text("in the way")
    place = program.folder / "file" / "x" / "l.longtake"
    told = program.fails(2, "--library", place, "ingest", good)
    assert "cannot be made" in told


def test_read_only_disk_is_named() -> None:
    error = OSError(errno.EROFS, "Read-only file system", "/cd/x.longtake")
    known = translate(error, Session())
    assert (known.exit_code, known.message.count("/cd/x.longtake")) == (2, 1)
    assert "read-only" in known.message


def test_what_one_file_lacks_is_said_once(program: Program) -> None:
    result = program.run("ingest", not_a_video(program.folder / "list.mp4"))
    assert result.stderr.count("not media") == 1


def test_broken_off_download_without_an_index(program: Program, good: Path) -> None:
    program.fails(6, "ingest", truncated(good, program.folder / "half.mp4"))


@pytest.mark.parametrize("flags", [[], ["--deep"], ["--quick"]], ids=["both", "deep", "quick"])
def test_broken_off_stream_is_watched_as_far_as_it_goes(
    program: Program, tmp_path: Path, flags: list[str]
) -> None:
    whole = draw_video(tmp_path / "whole.mkv", SCENES, fps=5, sound=tone(12))
    half = truncated(whole, program.folder / "half.mkv", keep=0.7)
    result = program.run("ingest", half, *flags)
    assert result.exit_code == 0, result.output
    assert "EXAM ON 14 MARCH" in program.run("search", "exam").stdout


def test_damaged_stream_is_watched_around_the_damage(program: Program, good: Path) -> None:
    result = program.run("ingest", damaged(good, program.folder / "hurt.mp4", length=300))
    assert result.exit_code == 0, result.output


def test_unknown_codec_is_named(program: Program, good: Path) -> None:
    odd = program.folder / "odd.mp4"
    odd.write_bytes(good.read_bytes().replace(b"avc1", b"zq9x").replace(b"mp4v", b"zq9x"))
    result = program.run("ingest", odd)
    # Its sound can still be heard; without sound there is nothing left to watch.
    assert result.exit_code in (0, 6), result.output
    silent = draw_video(program.folder / "s.mp4", SCENES[:1], fps=5)
    silent.write_bytes(silent.read_bytes().replace(b"avc1", b"zq9x").replace(b"mp4v", b"zq9x"))
    assert "s.mp4" in program.fails(6, "ingest", silent)


def test_no_sound(program: Program) -> None:
    path = draw_video(program.folder / "silent.mp4", SCENES[:1], fps=5)
    assert program.run("ingest", path).exit_code == 0
    result = program.run("transcript", "silent")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no sound" in result.stderr
    assert json.loads(program.run("transcript", "silent", "--json").stdout)["count"] == 0


def test_sound_alone(program: Program) -> None:
    path = draw_sound(program.folder / "talk.m4a", tone(12))
    assert program.run("ingest", path).exit_code == 0
    assert program.run("timeline", "talk").exit_code == 0
    assert program.run("export", "talk").exit_code == 0
    assert program.run("show", "talk", "3", "-o", "f.jpg").exit_code != 0


@pytest.mark.parametrize("time", ["-5", "1:99", "99:99:99:99", "inf", "nan", "soon", "1e999", ""])
def test_absurd_times_are_usage(program: Program, good: Path, time: str) -> None:
    for args in (["--from", time], ["--to", time]):
        assert "time" in program.fails(2, "ingest", good, *args)
    assert not program.library.exists()


def test_span_beyond_the_end(program: Program, good: Path) -> None:
    assert "beyond the end" in program.fails(2, "ingest", good, "--from", "5:00")
    assert "not after" in program.fails(2, "ingest", good, "--from", "10", "--to", "5")


def test_reading_beyond_the_end_is_no_such_moment(program: Program, good: Path) -> None:
    program.run("ingest", good)
    for command in ("timeline", "transcript"):
        assert "beyond the end" in program.fails(5, command, "good", "--from", "5:00")
        assert "not after" in program.fails(2, command, "good", "--from", "3", "--to", "2")
        assert program.run(command, "good", "--from", "3", "--to", "5:00").exit_code == 0


def test_name_alike_is_given_and_an_ending_makes_none(program: Program, good: Path) -> None:
    for name in ("lecture.mp4", "other.mp4"):
        (program.folder / name).write_bytes(b"")
    assert "lecture.mp4" in program.run("ingest", "lectrue.mp4").stderr
    near = program.run("ingest", "lectrue.mp4").stderr
    assert "other.mp4" not in near
    assert "did you mean" not in program.run("ingest", "nix.mp4").stderr


def test_locked_library_says_who_writes(program: Program, good: Path) -> None:
    program.run("ingest", good)
    other = draw_video(program.folder / "other.mp4", SCENES[1:], fps=5)
    with Store.open(program.library, write=True):
        told = program.fails(3, "ingest", other)
        assert "is writing to" in told
        assert program.run("search", "exam").exit_code == 0
    assert program.run("ingest", other).exit_code == 0


def test_full_disk_keeps_what_is_done(
    program: Program, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Store.open.__func__  # type: ignore[attr-defined]

    def small(kind: type[Store], path: Path, **more: Any) -> Store:
        store: Store = real(kind, path, **more)
        if more.get("write"):
            pages = store.database.connection.execute("PRAGMA page_count").fetchone()[0]
            store.database.connection.execute(f"PRAGMA max_page_count = {pages + 1}")
        return store

    with monkeypatch.context() as patch:
        patch.setattr(Store, "open", classmethod(small))
        result = program.run("ingest", good, "--json")
    assert result.exit_code == 3, result.output
    assert json.loads(result.stdout)["error"]["code"] == "disk_full"
    checked = program.run("db", "repair")
    assert checked.exit_code == 0, checked.output
    assert program.run("ingest", good).exit_code == 0
    assert "EXAM ON 14 MARCH" in program.run("search", "exam").stdout


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_full_disk_under_the_output() -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "longtake", "config", "sample"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 3
    assert "no room left on the disk" in done.stderr


@contextmanager
def endpoint(kind: str) -> Iterator[str]:
    """A server on the loopback that is no good; yields its address."""
    if kind == "dead":
        yield "http://127.0.0.1:9/v1"
        return
    asleep = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            if kind == "slow":
                asleep.wait(20)
                return
            body = b'{"choices": [{}]}' if kind == "odd" else b"<html><b>Welcome</b></html>"
            self.send_response(200)
            self.send_header("Content-Type", "text/html" if kind == "html" else "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    asleep.set()
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("dead", "did not answer in 2 attempts"),
        ("slow", "did not answer within 0.2 s"),
        ("html", "answered without text"),
        ("html as json", "sent no JSON"),
        ("odd", "answered without text"),
    ],
)
def test_bad_endpoint_is_told_and_the_proof_still_given(
    program: Program, good: Path, monkeypatch: pytest.MonkeyPatch, kind: str, why: str
) -> None:
    program.run("ingest", good)
    with endpoint(kind) as url:

        def opened(settings: Settings) -> Library:
            chat = EndpointChat(url, "m", attempts=2, wait=0.0, timeout=0.2)
            return Library(settings, models=fake_models(chat=chat))  # type: ignore[arg-type]

        monkeypatch.setattr("longtake.cli.session.open_library", opened)
        result = program.run("ask", "good", "what is the number of the room?", "-q")
        told = json.loads(
            program.run("ask", "good", "what is the number of the room?", "--json").stdout
        )
    assert result.exit_code == 0, result.output
    assert "ROOM B2" in result.stdout
    (line,) = result.stderr.splitlines()
    assert line.startswith("warning: ")
    for said in (line, *told["warnings"]):
        assert why in said
        assert url in said
        assert "made of quotes alone" in said
        assert "check LONGTAKE_API_BASE" in said
    assert (told["ok"], told["data"]["status"], len(told["warnings"])) == (True, "answered", 1)


def test_good_model_brings_no_warning(
    program: Program, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program.run("ingest", good)
    chat = FakeChat(lambda _messages: "The room is B2.")
    monkeypatch.setattr(
        "longtake.cli.session.open_library",
        lambda settings: Library(settings, models=fake_models(chat=chat)),  # type: ignore[arg-type]
    )
    result = program.run("ask", "good", "what is the number of the room?", "--json")
    assert json.loads(result.stdout)["warnings"] == []


def test_library_that_is_no_library(program: Program, good: Path) -> None:
    program.library.write_text("a file")
    assert program.run("ingest", good).exit_code == 3
    assert program.run("videos", "list").exit_code == 3


def test_library_of_a_newer_version(program: Program, good: Path) -> None:
    program.run("ingest", good)
    with sqlite3.connect(program.library / "library.sqlite") as database:
        database.execute("PRAGMA user_version = 9999")
    database.close()
    assert "format 9999" in program.fails(3, "videos", "list")


def test_names_that_would_be_obeyed(program: Program, good: Path) -> None:
    odd = program.folder / "-x \x1b[31m'\"$(reboot).mp4"
    odd.write_bytes(good.read_bytes())
    result = program.run("ingest", "--", odd)
    assert result.exit_code == 0, result.output
    assert "\x1b" not in result.output
    assert "\x1b" not in program.run("videos", "list").output
    clip = program.run("clip", odd, "1-3")
    assert clip.exit_code == 0, clip.output
    name = Path(clip.stdout.strip()).name
    assert name.startswith("x_")
    assert not set(name) & set("$'\" \x1b")
