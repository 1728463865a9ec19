"""Record what cannot be read twice: a live source becomes a folder of segments, undecoded.

`record` takes the packets of a live source and keeps them as the byte-capped ring of segments that
`longtake.perception.ring` describes; everybody else (perception, second looks, questions about now,
standing questions) reads those files while they grow. It never waits for a reader.

>>> record(open_live("rtsp://camera/1"), Path("raw/0123456789abcdef"))      # doctest: +SKIP

`Recording.start` does so in a process of its own (``python -m longtake.perception.recorder``), one
for each address and library, which outlives whoever started it:

>>> recording = Recording.start("rtsp://camera/1", Path("my.longtake/raw"))  # doctest: +SKIP
>>> with recording.attended(): ...             # read recording.folder         # doctest: +SKIP

A reader shows itself by touching ``reader`` (or ``reader-…``, its own) in the folder; when nobody
did for `leash` seconds the recorder ends by itself. A recorder that was killed is taken up by the next one of the same address:
stream time goes on where its files end, and a break tells how many seconds are missing.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from longtake.errors import EmptyMedia, Locked, LongtakeError
from longtake.perception.ring import Ring
from longtake.perception.segment_list import recording
from longtake.perception.sources import IDLE, Live, open_live
from longtake.perception.tape import Tape
from longtake.storage.lock import WriterLock
from longtake.timecode import Seconds

KEEP_BYTES = 2_000_000_000
LEASH: Seconds = 600.0
"""A recorder that nobody read from for so long ends."""
TOUCH: Seconds = 10.0
LOG = "recorder.log"
_LOOK: Seconds = 0.5
_STOPPING: Seconds = 20.0


def record(
    live: Live, folder: Path, *, keep_bytes: int = KEEP_BYTES, leash: Seconds | None = None,
    begun: Callable[[], None] | None = None,
) -> None:  # fmt: skip
    """Record a source to its end, until `live.stop()`, or until the disk is full.

    Args:
        live: the source.
        folder: where its segments go.
        keep_bytes: the most that they may take; the newest 60 s are kept whatever they take.
        leash: end when nobody touched ``reader`` for so long.
        begun: called once, when the first packet came.

    Raises:
        Locked: another recorder writes to this folder.
        MediaError: the source sends nothing that can be recorded.
        DiskFull: no room is left; what was recorded stays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = WriterLock.take(folder / "writer.lock", wait=2.0)  # `alive` takes it for an instant
    guard = _Guard(live, folder, leash)
    try:
        ring = Ring(folder, live.place(), live.name, keep_bytes)
        live.now = live.begins = ring.edge
        guard.start()
        _run(Tape(live, ring, [guard.begin, *([begun] if begun else [])]), guard)
    finally:
        live.stop()
        guard.forget()
        lock.release()


def _run(tape: Tape, guard: _Guard) -> None:
    """Record leg by leg, and write down the end, whatever it is."""
    error: str | None = "the recorder failed"
    try:
        with closing(tape.live.legs()) as legs:
            for container in legs:
                tape.run(container)
        if not tape.on:
            raise EmptyMedia(f"{tape.live.name!r} sent nothing", fix="check that the stream is on")
        error = guard.why
    except LongtakeError as failed:
        error = failed.message
        raise
    finally:
        if tape.on:  # else nothing came: the next recorder may still take up what was there
            tape.ring.end(error)


class _Guard(threading.Thread):
    """Ends a recording that is told to stop by a file, or that nobody reads."""

    def __init__(self, live: Live, folder: Path, leash: Seconds | None) -> None:
        super().__init__(daemon=True)
        self._live, self._leash = live, leash
        self._folder, self._stop = folder, folder / "stop"
        self.counts_from = math.inf
        """Nobody can read before the recording began; then, the wall clock."""
        self.why: str | None = None
        self.forget()

    def begin(self) -> None:
        """The recording is on: from now on somebody must read."""
        self.counts_from = time.time()

    def forget(self) -> None:
        """Take the word to stop away: it was for this recorder."""
        self._stop.unlink(missing_ok=True)

    def run(self) -> None:
        while not self._live.halt.wait(_LOOK):
            if self._stop.exists():
                self._live.stop()
            elif self._leash is not None and time.time() - self._read() > self._leash:
                self.why = f"nobody read it for {self._leash:g} s"
                self._live.stop()

    def _read(self) -> float:
        return max((self.counts_from, *map(_touched, self._folder.glob("reader*"))))


class Recording:
    """A recording that another process makes, or made, into `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._own: Path | None = None

    @classmethod
    def start(
        cls, address: str, raw_root: Path, *, idle: Seconds = IDLE, keep_bytes: int = KEEP_BYTES,
        leash: Seconds = LEASH,
    ) -> Recording:  # fmt: skip
        """Record an address in a process of its own, or join the one that does so already.

        A recording of the address that never ended is taken up; else a new one is begun. Returns
        when its first packet came.

        Raises:
            MediaError, UsageError: nothing can be recorded from there.
        """
        live = open_live(address, idle)
        raw_root.mkdir(parents=True, exist_ok=True)
        mark = hashlib.sha256(live.place().encode()).hexdigest()[:16]
        lock = WriterLock.take(raw_root / f"{mark}.lock", wait=60.0)
        old = None if address == "-" else unfinished(raw_root, live.place())
        one = cls(old or raw_root / live.key()[:16])
        try:
            one.folder.mkdir(exist_ok=True)
            one.touch()
            if not one.alive():
                one._launch({
                    "address": address, "folder": str(one.folder), "idle": idle,
                    "keep_bytes": keep_bytes, "leash": leash,
                })  # fmt: skip
            return one
        except LongtakeError:
            one._remove_empty()
            raise
        finally:
            lock.release()

    def touch(self) -> None:
        """Show that somebody reads it."""
        with suppress(OSError):
            (self.folder / "reader").touch()

    @contextmanager
    def attended(self) -> Iterator[Recording]:
        """Show that somebody reads it, for as long as this lasts."""
        done, own = threading.Event(), self.folder / f"reader-{os.getpid()}-{id(self)}"
        self._own = own

        def keep_touching() -> None:
            while not done.wait(TOUCH):
                with suppress(OSError):
                    own.touch()

        with suppress(OSError):
            own.touch()
        threading.Thread(target=keep_touching, daemon=True).start()
        try:
            yield self
        finally:
            done.set()
            own.unlink(missing_ok=True)

    def shared(self) -> bool:
        """Whether somebody else reads it, too."""
        limit = time.time() - 3 * TOUCH
        return any(
            path != self._own and _touched(path) > limit for path in self.folder.glob("reader-*")
        )

    def alive(self) -> bool:
        """Whether a recorder is at work on it."""
        try:
            WriterLock.take(self.folder / "writer.lock").release()
        except Locked:
            return True
        return False

    def stop(self) -> None:
        """End the recording and wait until its last segment is finished."""
        until = time.monotonic() + _STOPPING
        (self.folder / "stop").touch()
        while self.alive() and time.monotonic() < until:
            time.sleep(0.1)

    def _remove_empty(self) -> None:
        """Take away the folder of a recording that never began."""
        if not (self.folder / "about.json").exists():
            for path in self.folder.iterdir():
                path.unlink()
            self.folder.rmdir()

    def _launch(self, told: dict[str, Any]) -> None:
        """Start the child process and wait until it records, or says why it cannot."""
        command = [sys.executable, "-m", "longtake.perception.recorder"]
        owns_input = told["address"] == "-"  # then its standard input is the stream itself
        if owns_input:
            command.append(json.dumps(told))
        with (self.folder / LOG).open("wb") as log:
            child = subprocess.Popen(
                command, stdin=None if owns_input else subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            if child.stdin:
                with suppress(BrokenPipeError), child.stdin as stdin:
                    stdin.write(json.dumps(told).encode())  # not as an argument: it may be secret
            assert child.stdout
            with child.stdout as stdout:
                said = stdout.readline()
        except BaseException:
            child.kill()
            child.wait()
            raise
        if not said:
            said = json.dumps(_lost(self.folder / LOG)).encode()
        _heard(said)


def _touched(path: Path) -> float:
    """The wall clock (s) when a file was last touched."""
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0


def unfinished(raw_root: Path, source: str) -> Path | None:
    """The newest recording of a source that has not ended."""
    found = []
    for path in raw_root.glob("*/about.json"):
        about = recording(path.parent)
        if about and about.source == source and about.began and not about.ended:
            found.append((about.began, path.parent))
    return max(found)[1] if found else None


def _heard(said: bytes) -> None:
    """Raise what the child process says is wrong, if it is."""
    told = json.loads(said)
    if not told["ok"]:
        kinds = {kind.code: kind for kind in _kinds(LongtakeError)}
        raise kinds[told["code"]](told["message"], fix=told["fix"])


def _lost(log: Path) -> dict[str, Any]:
    """What is to be said of a child process that ended without a word, by its last line."""
    lines = log.read_text(errors="replace").split("\n")
    last = next((line for line in reversed(lines) if line.strip()), "it was killed")
    message = f"the recorder could not begin: {last}"
    return {"ok": False, "message": message, "fix": None, "code": LongtakeError.code}


def _kinds(kind: type[LongtakeError]) -> Iterator[type[LongtakeError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)


def main() -> int:
    """Be the child process: record what standard input says, or the one argument."""
    told = json.loads(sys.argv[1] if len(sys.argv) > 1 else sys.stdin.buffer.read())
    said = False

    def say(**what: Any) -> None:
        nonlocal said
        if not said:
            said = True
            with suppress(OSError):  # whoever started it may be gone
                print(json.dumps(what), flush=True)
            _silence(1)

    try:
        live = open_live(told["address"], told["idle"])
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, lambda *_: live.stop())
        record(
            live, Path(told["folder"]), keep_bytes=told["keep_bytes"], leash=told["leash"],
            begun=lambda: say(ok=True),
        )  # fmt: skip
    except LongtakeError as error:
        say(ok=False, message=error.message, fix=error.fix, code=error.code)
        return error.exit_code
    return 0


def _silence(handle: int) -> None:
    """Let a standard stream lead nowhere: its reader has gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, handle)
    os.close(nowhere)


if __name__ == "__main__":
    sys.exit(main())
