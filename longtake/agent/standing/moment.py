"""What a watch knows of one instant of a stream, and what a channel shows of a query then.

Everything is in stream time.
"""

from __future__ import annotations

from dataclasses import dataclass

from longtake.agent.standing.predicate import Channel
from longtake.models.protocols import Image, Tag, Word
from longtake.storage.records import Floats
from longtake.timecode import Seconds


@dataclass(frozen=True, slots=True)
class Shown:
    """A line of screen text that stands, and since when. `box` in shares of the picture."""

    text: str
    score: float
    since: Seconds
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A picture that was looked at: tags, the image's vector, and its colours, the largest first."""

    time: Seconds
    tags: tuple[Tag, ...] = ()
    vector: Floats | None = None
    colours: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """One instant.

    Args:
        time: when; what comes later is not known.
        image: the frame on display, None where there is no picture.
        lines: the screen text that stands.
        seen: the newest picture that was looked at; the same object while nothing changes.
        black: since when the picture has been black, None if it is not.
        still: when the picture changed last, None while it never has.
        cut: the time of a cut that became certain, and how far it stands out.
        words: what was said in the last seconds, as far as it is known.
        quiet: since when there has been no sound.
        loud: how many times louder than usual the last second was.
    """

    time: Seconds
    image: Image | None = None
    lines: tuple[Shown, ...] = ()
    seen: Seen | None = None
    black: Seconds | None = None
    still: Seconds | None = None
    cut: tuple[Seconds, float] | None = None
    words: tuple[Word, ...] = ()
    quiet: Seconds | None = None
    loud: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What one channel shows: how well it fits, since when, and the evidence.

    `onset` is when it became true: when the last of the words was out, or the line appeared.
    """

    channel: Channel
    value: float
    onset: Seconds
    start: Seconds
    quote: str
    box: tuple[float, float, float, float] | None = None
    image: Image | None = None
