"""A watch from end to end: a source and some words in, alerts out; the way in for commands and Python.

>>> with watching("lecture.mp4", ["the exam is announced"], models, raw) as watch:  # doctest: +SKIP
...     for alert in watch: print(alert.to_dict())
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from longtake.agent.standing.closer import Judge
from longtake.agent.standing.firing import COOLDOWN, RULES, ruled
from longtake.agent.standing.inlet import Inlet
from longtake.agent.standing.predicate import Channel, parse
from longtake.agent.standing.streams import Begin, Stream, opened
from longtake.agent.standing.watcher import STEP, Alert, Query, Watcher
from longtake.errors import UsageError
from longtake.perception.decode import Decoder
from longtake.perception.recorder import KEEP_BYTES
from longtake.perception.sources import IDLE
from longtake.storage.records import Video
from longtake.timecode import Seconds

SIDE = 1280
"""The longest side of the pictures that are looked at."""
NEEDS: dict[Channel, tuple[str, ...]] = {
    "spoken": ("voice_activity", "transcriber"), "screen": ("text_reader",),
    "seen": ("image_tagger",),
}  # fmt: skip
"""The models of a channel."""
MOST = 64
"""Queries that one watch may have."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a watch runs.

    Args:
        nots: examples of what is not meant, for all queries.
        within: the channels in which it may show; none: as the words tell.
        cooldown: seconds of silence after an alert.
        k, of: so many of the last so many decisions must agree; None: as the channel needs.
        begin: from now on or from the start; None is now for what is still being made.
        idle: a stream from which nothing came for so long has ended.
        duration: end after so many seconds of the stream.
    """

    nots: Sequence[str] = ()
    within: Sequence[str] = ()
    cooldown: Seconds = COOLDOWN
    k: int | None = None
    of: int | None = None
    begin: Begin | None = None
    idle: Seconds = IDLE
    duration: Seconds | None = None


def queries(tell_me: Sequence[str], options: Options) -> list[Query]:
    """Read what a person wants to be told.

    Raises:
        UsageError: it says nothing that could be noticed, or the numbers do not fit.
    """
    if not tell_me or len(tell_me) > MOST:
        raise UsageError(
            f"a watch needs 1 to {MOST} queries", fix='--tell-me "the exam is announced"'
        )
    if options.k is not None and options.of is not None and options.k > options.of:
        raise UsageError(f"{options.k} of {options.of} can never agree", fix="--k 2 --of 3")
    rules = {name: ruled(rule, options.k, options.of, None) for name, rule in RULES.items()}
    return [
        Query(parse(text, options.nots, options.within), rules, options.cooldown)
        for text in tell_me
    ]


@dataclass
class Watching:
    """A watch that runs; iterate over it once, `halt` ends it."""

    stream: Stream
    watcher: Watcher
    inlet: Inlet
    began: float = field(default_factory=time.monotonic)

    def __iter__(self) -> Iterator[Alert]:
        """Yield alerts until the stream ends."""
        edge = self.stream.edge if self.stream.live else None
        if edge is None and self.stream.live:
            inlet = self.inlet

            def edge() -> Seconds:
                return inlet.newest

        yield from self.watcher.run(self.inlet, edge)

    def halt(self) -> None:
        """End the watch: the iteration comes to its end soon. From any thread or signal."""
        self.inlet.halt()

    def summary(self) -> dict[str, Any]:
        """What was watched, and what could not be."""
        one = self.watcher
        return {
            "source": self.stream.name, "from": round(one.start, 3), "to": round(one.now, 3),
            "alerts": one.alerts, "moments": one.moments, "opened": one.opened,
            "asked": one.decision.asked, "skipped_seconds": round(one.skipped_seconds, 1),
            "skipped": [list(part) for part in one.skipped],
            "seconds": round(time.monotonic() - self.began, 1), "warnings": list(one.warnings),
        }  # fmt: skip


def bring(models: Any, channels: Collection[Channel]) -> None:
    """Fetch the models that the channels need and that are not here."""
    kinds = ["text_encoder", *(kind for name in sorted(channels) for kind in NEEDS.get(name, ()))]
    if missing := models.missing(kinds):
        models.store.pull(missing)


@contextmanager
def watching(
    source: str | Path, tell_me: Sequence[str], models: Any, raw: Path, *,
    options: Options | None = None, find: Callable[[str], Video] | None = None, store: Any = None,
    judge: Judge | None = None, keep_bytes: int = KEEP_BYTES,
) -> Iterator[Watching]:  # fmt: skip
    """Open a source and watch it; see `streams.opened` for `raw`, `find` and `keep_bytes`."""
    options = options or Options()
    asked = queries(tell_me, options)
    channels = frozenset[Channel]().union(*(one.predicate.channels for one in asked))
    bring(models, channels)
    where = opened(
        source, raw, begin=options.begin, idle=options.idle, find=find, keep_bytes=keep_bytes
    )
    with where as stream:
        watcher = Watcher(asked, models, start=stream.start, fresh=stream.fresh, store=store,
                          judge=judge)  # fmt: skip
        until = None if options.duration is None else stream.start + options.duration
        decoder = Decoder(
            stream.path, start=stream.begin, until=until, fine_fps=4.0, coarse_fps=1 / STEP,
            max_side=SIDE, sound=watcher.hears, picture=watcher.sees,
        )  # fmt: skip
        inlet = Inlet(decoder, watcher.skip if stream.live else None)
        try:
            yield Watching(stream, watcher, inlet)
        finally:
            inlet.close()
