"""Record what cannot be read twice: a live source becomes a folder of segments, undecoded.

`record` takes the packets of a live source and keeps them as the byte-capped ring of segments that
`longtake.perception.ring` describes; everybody else (perception, second looks, questions about now,
standing questions) reads those files while they grow. It never waits for a reader.

>>> record(open_live("rtsp://camera/1"), Path("raw/0123456789abcdef"))      # doctest: +SKIP

A recorder that was killed is taken up by the next one on the same folder: stream time goes on where
its files end, and a break tells how many seconds are missing.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from longtake.errors import LongtakeError
from longtake.perception.ring import Ring
from longtake.perception.sources import Live
from longtake.perception.tape import Tape
from longtake.storage.lock import WriterLock

KEEP_BYTES = 2_000_000_000


def record(live: Live, folder: Path, *, keep_bytes: int = KEEP_BYTES) -> None:
    """Record a source to its end, until `live.stop()`, or until the disk is full.

    Raises:
        Locked: another recorder writes to this folder.
        MediaError: the source sends nothing that can be recorded.
        DiskFull: no room is left; what was recorded stays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = WriterLock.take(folder / "writer.lock")
    try:
        ring = Ring(folder, live.place(), live.name, keep_bytes)
        live.now = live.begins = ring.edge
        _run(live, ring)
    finally:
        lock.release()


def _run(live: Live, ring: Ring) -> None:
    """Record leg by leg, and write down the end, whatever it is."""
    tape = Tape(live, ring)
    error: str | None = "the recorder failed"
    try:
        with closing(live.legs()) as legs:
            for container in legs:
                tape.run(container)
        error = None
    except LongtakeError as failed:
        error = failed.message
        raise
    finally:
        ring.end(error)
