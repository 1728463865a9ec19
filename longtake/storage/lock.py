"""One writer per library, held by the operating system's own file lock.

The kernel lets go of the lock when the process ends, however it ends, so a file left behind by
a killed process blocks nobody. What the file says (process id and host) only serves the message.
Two writers inside one process exclude each other as well.
"""

from __future__ import annotations

import json
import os
import random
import socket
import sys
import time
from pathlib import Path

from longtake.errors import Locked
from longtake.timecode import Seconds

# Windows locks bytes against reading too: lock one far behind the text.
_FAR_BYTE = 1 << 30
_POLL: Seconds = 0.05


class WriterLock:
    """The right to write to a library; `take` it, `release` it."""

    def __init__(self, path: Path, handle: int) -> None:
        self.path = path
        self._handle: int | None = handle

    @classmethod
    def take(cls, path: Path, wait: Seconds = 0.0) -> WriterLock:
        """Become the writer; while another is, look again for `wait` seconds.

        Raises:
            Locked: another process, or another part of this one, is the writer.
        """
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        until = time.monotonic() + wait
        while True:
            try:
                _lock(handle)
                break
            except OSError:
                if time.monotonic() < until:
                    # Not in step: those who wait together would else meet again each time.
                    time.sleep(_POLL * random.uniform(0.5, 1.5))
                    continue
            os.close(handle)
            raise Locked(
                f"{holder(path)} is writing to {path.parent}",
                fix="wait until it ends or stop it; asking and searching work meanwhile",
            )
        text = json.dumps({"pid": os.getpid(), "host": socket.gethostname()})
        os.ftruncate(handle, 0)
        os.write(handle, text.encode())
        return cls(path, handle)

    def release(self) -> None:
        """Let others write; a second call does nothing."""
        if self._handle is None:
            return
        handle, self._handle = self._handle, None
        os.ftruncate(handle, 0)
        _unlock(handle)
        os.close(handle)


def holder(path: Path) -> str:
    """Say who holds, or last held, the lock at `path`."""
    try:
        said = json.loads(path.read_text())
        pid, host = int(said["pid"]), str(said["host"])
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
    if host != socket.gethostname():
        return f"process {pid} on {host}"
    return "this process" if pid == os.getpid() else f"process {pid}"


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        os.lseek(handle, _FAR_BYTE, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        os.lseek(handle, 0, os.SEEK_SET)

    def _unlock(handle: int) -> None:
        os.lseek(handle, _FAR_BYTE, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_UN)
