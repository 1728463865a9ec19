"""Later passes: what bigger models add to a video that has been watched.

The deep pass reads speech, screen text and sight. A later pass looks or listens again with a
model of its own (captions, pictures, objects, speakers, retell). It is resumed and redone by
itself, and when it fails every other channel is whole.

A pass is built from plain values: the video, the path of its source, the records it works on,
the model. It never reads the library; the runner (`longtake.later`) does that, embeds the texts of
its records and stores each `Portion` in one transaction. The contract of a pass:

- `portions(begin, carry)` goes on after what was done up to `begin`; ``(0.0, b"")`` is a new pass,
  otherwise both are what its last stored portion said (`until`, `carry`).
- Portions come in order of `until`, and what is before `until` is never touched again. Being
  killed after any portion and going on gives the same rows, byte for byte, as being let alone.
- Ids are `later_id(...)` of what is described, so a repeated pass makes the same names, and no
  pass those of another. A portion's vectors may hang on its own records or on earlier ones.
- All of its records have `maker` as maker, so that a redo finds them by the prefix ``name:``.
- The runner closes the generator when it is stopped: release files in ``finally``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from longtake.timecode import Seconds

if TYPE_CHECKING:
    from longtake.storage.records import Channel, Record, Thumb, VectorRow, Video

NAMES = ("captions", "pictures", "objects", "speakers", "retell")
"""The later passes, in the order in which they are run."""


@dataclass(frozen=True, slots=True)
class Portion:
    """What a pass made of a stretch of video, stored in one transaction."""

    until: Seconds
    """All before this time is done."""
    records: tuple[Record, ...] = ()
    vectors: tuple[VectorRow, ...] = ()
    thumbs: tuple[Thumb, ...] = ()
    carry: bytes = b""
    """What the pass needs to go on from `until`; JSON or safetensors."""
    notes: tuple[str, ...] = ()
    """What a person is to be told of this stretch."""


class LaterPass(Protocol):
    """One pass over one watched video. See the module's text for what it keeps to."""

    @property
    def name(self) -> str:
        """Say which pass it is, as `--redo` names it: ``captions``."""

    @property
    def maker(self) -> str:
        """Return the maker of all its records, ``captions:qwen3-vl-4b``."""

    def portions(self, begin: Seconds, carry: bytes) -> Iterator[Portion]:
        """Yield what it makes of the video from `begin` to the end of what was watched."""


@runtime_checkable
class Spends(Protocol):
    """A pass that asks a model in words, which may cost money."""

    def spent(self) -> dict[str, Any]:
        """Say what asking has come to since the pass was built.

        Keys: ``calls``, ``images``, ``tokens_read``, ``tokens_written``, and ``cost``, None where
        no prices are known; empty where the model does not count.
        """


_FIRST = {"captions": 0, "objects": 0, "pictures": 0, "retell": 5000, "speakers": 5000}
"""Where passes that share a channel begin to count, so that none writes over another's records."""


def later_id(pass_: str, video: Video, start: Seconds, channel: Channel, n: int = 0) -> str:
    """Name a moment that a later pass describes; `n` counts those of the pass at one start.

    >>> from longtake.storage.records import Video
    >>> later_id("retell", Video("v1", 1, "f", "a.mp4", "a.mp4", 9.0), 2.5, "caption", n=1)
    '00001-00000002500-moment-caption-5001'
    """
    from longtake.storage.records import record_id

    return record_id(video.ordinal, start, "moment", channel, _FIRST[pass_] + n)


@dataclass(frozen=True, slots=True)
class Mark:
    """What is kept with the progress of a later pass, around its own carry."""

    by: str
    """Which model made it, as the profile names it: ``captions:qwen3-vl-4b@hub``."""
    reach: Seconds
    """How much of the video was watched when the pass last came to its end, else 0."""
    carry: bytes

    def pack(self) -> bytes:
        """Return bytes that `read` takes apart."""
        head = json.dumps({"by": self.by, "reach": self.reach}, sort_keys=True)
        return head.encode() + b"\n" + self.carry

    @classmethod
    def read(cls, blob: bytes) -> Mark:
        """Read what `pack` returned; anything else is the mark of an unknown model."""
        head, _, carry = blob.partition(b"\n")
        try:
            said = json.loads(head)
            return cls(str(said["by"]), float(said["reach"]), carry)
        except (KeyError, TypeError, ValueError):
            return cls("", 0.0, b"")
