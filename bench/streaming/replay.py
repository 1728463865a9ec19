"""A drawn stream read through the real path as fast as it can be read.

A child draws and encodes; its pipe is a live source like any other: decoder, perception, writer,
consolidation and budgets do what they do for a camera. As the pipe waits for its reader, nothing
is ever late, and thrift has no part in it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from unittest.mock import patch

from longtake.follow import Follow
from longtake.perception.sources import Live, live_key
from longtake.timecode import Seconds

if TYPE_CHECKING:
    from longtake.config import Settings
    from longtake.watch import OnProgress


class _Pipe:
    """What a child writes."""

    def __init__(self, arguments: Sequence[str]) -> None:
        command = [sys.executable, "-m", "bench.streaming.drawn", *arguments]
        self._child = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self._child.stdout is not None
        self._out: IO[bytes] = self._child.stdout

    def read(self, n: int) -> bytes:
        """Return at least one byte, or none at the end."""
        return self._out.read1(n)  # type: ignore[attr-defined, no-any-return]

    def close(self) -> None:
        """End the child."""
        self._out.close()
        self._child.kill()
        self._child.wait()


class Drawn(Live):
    """A drawn stream as a live source."""

    def __init__(self, arguments: Sequence[str]) -> None:
        super().__init__("drawn://stream", "drawn stream", 30.0)
        self._arguments = list(arguments)

    def key(self) -> str:
        """The same arguments, the same stream."""
        return live_key(" ".join(self._arguments), b"")

    def stream(self) -> _Pipe:
        """Draw it from its first frame."""
        return _Pipe(self._arguments)


class Replay(Follow):
    """Follows a drawn stream."""

    def __init__(
        self,
        path: Path,
        arguments: Sequence[str],
        models: Any,
        settings: Settings,
        on_progress: OnProgress | None,
    ) -> None:
        super().__init__(path, "drawn.ts", models, settings, on_progress)
        self._drawn = Drawn(arguments)

    def follow(self) -> None:
        """Follow the stream to its end."""
        with patch("longtake.follow.intake", lambda *more: nullcontext(self._drawn)):
            self.run(start=None, until=None, quick=False, deep=True)

    def _thrift(self, end: Seconds) -> int:
        return 0
