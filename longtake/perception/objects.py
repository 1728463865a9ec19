"""The later pass `objects`: what things are in the picture, where, from when to when.

Frames of a watched video are sampled from its clips: every second of a moving clip; of a still one
the frames that the deep pass kept and every fifth second; of one in which nothing changed since an
earlier clip the last second only. A `Detector` finds things on them, a `Tracker` joins them, and
each track that ends becomes one record:

    level moment, channel entity, text = label, span = first to last seen,
    data = {"kind": "object", "label", "p", "track": n, "seen": frames,
            "boxes": [[t, x0, y0, x1, y1, p], ...], "same_as_track": n of the thing's first track}

Boxes are shares of the picture; between two of them the thing moves on a line. The span's end is
the last sighting, so a thing seen on one frame only has a span of no length. `known_at` is when it
was plain that the track had ended. Tracks that go on are in the portion's `carry` (JSON).
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from longtake.errors import Corrupt
from longtake.models.protocols import Detector, Image
from longtake.perception.economy import differs, scaled
from longtake.perception.later import Portion, later_id
from longtake.perception.tracks import RULES, Appearance, Rules, Track, Tracker, colour_looks
from longtake.storage.records import Record, Video
from longtake.timecode import Seconds, Span

PORTION = 60.0
AT_ONCE = 8
"""Frames given to the detector together."""
MAX_SIDE = 1280
SMALL = (64, 36)
"""Width and height at which pictures are compared over a cut."""
LEVELS, MOST_OF_IT = 12.0, 0.5
"""Grey levels by which a block differs, and the share of blocks that do in another shot."""
STILL_STEP = 5
"""Seconds between looks at a still clip, at most."""


class ObjectsPass:
    """Finds and follows things in one watched video.

    Args:
        video: its entry in the library.
        source: the file.
        clips: its clip records, in order.
        detector: finds things.
        labels: what to look for; None: what the detector looks for of itself.
        until: how far the video was watched.
        whole: whether that is all of it; else tracks that go on stay in the carry.
        looks: tells what crops look like.
        rules: of the tracker.
    """

    name = "objects"

    def __init__(
        self,
        video: Video,
        source: Path,
        clips: Sequence[Record],
        detector: Detector,
        *,
        until: Seconds,
        whole: bool = True,
        labels: Sequence[str] | None = None,
        looks: Appearance = colour_looks,
        rules: Rules = RULES,
    ) -> None:
        self.video, self.source, self.detector = video, source, detector
        self.clips = sorted((c for c in clips if c.span.start < until), key=lambda c: c.span.start)
        self.until, self.whole = until, whole
        self.labels = labels
        self.looks, self.rules = looks, rules
        self.maker = f"{self.name}:{detector.name}"

    def portions(self, begin: Seconds, carry: bytes) -> Iterator[Portion]:
        """Yield the tracks that ended, about a minute of video at a time.

        Raises:
            Corrupt: `carry` is not of this pass.
        """
        if not self.video.media.get("has_video", True):
            return
        run = _Run(self)
        if carry:
            run.restore(carry)
        groups = _groups([c for c in self.clips if c.span.start >= begin - 1e-6])
        frames = Frames(self.source, begin, self.until)
        try:
            for n, group in enumerate(groups):
                end = group[-1].span.end
                run.watch(frames.at(sample_times(group)))
                last = n == len(groups) - 1 and self.whole
                if last:
                    run.close(run.tracker.end(), max(end, self.until))
                yield Portion(end, records=run.taken(), carry=run.carry())
        finally:
            frames.close()


class _Run:
    """One run: frames in, records out."""

    def __init__(self, of: ObjectsPass) -> None:
        self.of, self.tracker = of, Tracker(of.rules)
        self.records: list[Record] = []
        self.before: Image | None = None
        self.cuts = sorted({float(time) for clip in of.clips for time in clip.data.get("cuts", ())})

    def watch(self, frames: Iterator[tuple[Seconds, Image]]) -> None:
        """Look at frames in order, several at once."""
        held: list[tuple[Seconds, Image]] = []
        for frame in frames:
            held.append(frame)
            if len(held) == AT_ONCE:
                self._see(held)
                held = []
        self._see(held)

    def _see(self, frames: Sequence[tuple[Seconds, Image]]) -> None:
        if not frames:
            return
        found = self.of.detector.detect([image for _, image in frames], self.of.labels)
        for (time, image), rows in zip(frames, found, strict=True):
            small = scaled(image, *SMALL)
            cut = self._cut_before(time)
            if cut is not None and self.before is not None and is_other(self.before, small):
                self.close(self.tracker.end(), cut)
            looks = self.of.looks(image, [row.box for row in rows])
            self.close(self.tracker.see(time, rows, looks), time)
            self.before = small

    def _cut_before(self, time: Seconds) -> Seconds | None:
        """The first cut between what is still open and this time, if there is one."""
        seen = max((track.last[0] for track in self.tracker.open), default=math.inf)
        return next((cut for cut in self.cuts if seen < cut <= time), None)

    def close(self, tracks: Sequence[Track], known: Seconds) -> None:
        """Make records of tracks that ended."""
        self.records += [track_record(self.of.video, one, self.of.maker, known) for one in tracks]

    def taken(self) -> tuple[Record, ...]:
        """Hand over the records made so far."""
        made = sorted(self.records, key=lambda one: (one.span.start, one.id))
        self.records = []
        return tuple(made)

    def carry(self) -> bytes:
        """What `restore` goes on from."""
        seen = "" if self.before is None else base64.b64encode(self.before.tobytes()).decode()
        state = {"tracks": self.tracker.state(), "before": seen}
        return json.dumps(state, separators=(",", ":")).encode()

    def restore(self, carry: bytes) -> None:
        """Go on from a carry."""
        try:
            state = json.loads(carry)
            self.tracker.restore(state["tracks"])
            if raw := base64.b64decode(state["before"]):
                self.before = np.frombuffer(raw, np.uint8).reshape(SMALL[1], SMALL[0], 3)
        except (KeyError, TypeError, ValueError) as error:
            raise Corrupt(
                "what the pass over objects kept cannot be read",
                fix="longtake ingest VIDEO --redo objects",
            ) from error


def is_other(before: Image, after: Image) -> bool:
    """Whether two small pictures are of different shots: most of the picture changed.

    A thing that steps into a still picture, or a new slide beside a speaker, counts as a cut to
    the deep pass; what else is in view goes on.
    """
    return float(differs(before, after, 4, LEVELS).mean()) >= MOST_OF_IT


def track_record(video: Video, track: Track, maker: str, known: Seconds) -> Record:
    """Return the record of a track that has ended."""
    boxes = track.closed()
    start, end = boxes[0][0], boxes[-1][0]
    data: dict[str, Any] = {
        "kind": "object", "label": track.label, "p": track.p, "track": track.n,
        "seen": track.seen, "boxes": boxes,
    }  # fmt: skip
    if track.same is not None:
        data["same_as_track"] = track.same
    name = later_id("objects", video, start, "entity", track.nth)
    return Record(
        name, video.id, "moment", "entity", Span(start, end), round(max(known, end), 3),
        track.label, maker, (), data,
    )  # fmt: skip


# -- frames --------------------------------------------------------------------------------


def _groups(clips: Sequence[Record]) -> list[list[Record]]:
    """Clips in portions of about a minute."""
    groups: list[list[Record]] = []
    for clip in clips:
        if groups and clip.span.end - groups[-1][0].span.start <= PORTION + 1e-6:
            groups[-1].append(clip)
        else:
            groups.append([clip])
    return groups


def sample_times(clips: Sequence[Record]) -> list[Seconds]:
    """The whole seconds of clips that are worth a look, in order."""
    found: set[Seconds] = set()
    for clip in clips:
        low, high = math.ceil(clip.span.start - 1e-6), math.ceil(clip.span.end - 1e-6)
        seconds = [float(second) for second in range(low, high)]
        if not clip.data.get("still"):
            found.update(seconds)
            continue
        found.update(seconds[-1:])
        if not clip.data.get("same_as"):
            found.update(float(time) for time in clip.data.get("frames", ()))
            found.update(seconds[::STILL_STEP])
    return sorted(found)


class Frames:
    """The frames of a file at wanted times, decoded once from `begin` on."""

    def __init__(self, source: Path, begin: Seconds, until: Seconds) -> None:
        from longtake.perception.decode import Decoder
        from longtake.perception.segment_list import kept_from

        decoder = Decoder(
            source, start=kept_from(source, begin), until=until, fine_fps=1.0, coarse_fps=1.0, small=(2, 2),
            max_side=MAX_SIDE, sound=False,
        )  # fmt: skip
        self._items = iter(decoder)
        self._ahead: tuple[Seconds, Image] | None = None

    def at(self, times: Sequence[Seconds]) -> Iterator[tuple[Seconds, Image]]:
        """Yield (time, picture) for those of the times at which there is a picture."""
        wanted = {round(time, 3) for time in times}
        last = max(wanted, default=-1.0)
        while (frame := self._next()) is not None:
            if frame[0] > last + 1e-3:
                self._ahead = frame
                return
            if round(frame[0], 3) in wanted:
                yield frame

    def _next(self) -> tuple[Seconds, Image] | None:
        if self._ahead is not None:
            frame, self._ahead = self._ahead, None
            return frame
        for item in self._items:
            full = getattr(item, "full", None)
            if full is not None:
                return item.time, full  # type: ignore[union-attr]
        return None

    def close(self) -> None:
        """Let the file go."""
        close = getattr(self._items, "close", None)
        if close is not None:
            close()
