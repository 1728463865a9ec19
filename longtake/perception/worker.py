"""The eye: one clip's frames in, what was seen in it out; its state can be kept in bytes.

Per clip the frames go through the frame economy, the text watch and, where they ask, through
the reader and the tagger. Everything after a clip depends only on the state before it and on
the clip's own pictures, so a pass that is taken up again at a clip's border goes on exactly.
What is left out of a clip where time is short is said in `longtake.perception.thrift`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from longtake.models.protocols import Image, ImageTagger, TextLine
from longtake.perception.captions import Facts, compose
from longtake.perception.carry import nest, pack, unnest, unpack
from longtake.perception.channels import Channels
from longtake.perception.economy import Economy, shrink
from longtake.perception.edges import WHOLE, Ask, Box, EdgeMap, TextWatch, edge_map
from longtake.perception.lines import is_firm, overlap
from longtake.perception.reading import read_box
from longtake.perception.screen import Screen
from longtake.perception.shots import ShotTrack
from longtake.perception.sight import Look, look, motion_of, pooled, sight_record
from longtake.perception.thrift import ECONOMY, LEFT_OUT, NOTHING, SIGHT
from longtake.perception.tiling import Tiling
from longtake.storage.records import Floats, Record, Thumb, VectorRow, Video, record_id
from longtake.timecode import Seconds, Span

Frame = tuple[Seconds, Image]
TILE_EVERY = 2.0
TILE_LAG = 8
BEHIND = TILE_EVERY * TILE_LAG
"""Seconds by which event changes are certain after they happen."""


@dataclass
class Seen:
    """What one clip gave. `state` goes on after the clip; `open` are records still growing.

    `glimpses` are start, end and strength of what was there for less than a second or so.
    """

    facts: Facts
    id: str
    caption: str
    same_as: str | None
    decided: Seconds
    records: list[Record] = field(default_factory=list)
    open: list[Record] = field(default_factory=list)
    vectors: list[VectorRow] = field(default_factory=list)
    thumbs: list[Thumb] = field(default_factory=list)
    changes: list[tuple[Seconds, float]] = field(default_factory=list)
    readings: int = 0
    glimpses: list[list[Any]] = field(default_factory=list)
    left_out: str = ""
    state: bytes = b""


class Eye:
    """Sees clip after clip. `reads` counts readings in hundredths of a whole picture."""

    def __init__(self, video: Video, channels: Channels, *, watch: TextWatch | None = None) -> None:
        self.video, self.channels = video, channels
        self.economy = Economy()
        self.watch = watch or TextWatch()
        reader = channels.reader.name if channels.reader else ""
        self.screen = Screen(video, reader)
        self.tiling = Tiling(lag=TILE_LAG, reach=56)
        self.reads = 0
        self._vector: Floats | None = None
        self._last: str | None = None
        self._shown: tuple[Image, EdgeMap] | None = None
        self._thrift = NOTHING
        self._new_shot = False

    def see(
        self,
        span: Span,
        frames: Sequence[Frame],
        track: ShotTrack,
        decided: Seconds,
        *,
        thrift: int = NOTHING,
    ) -> Seen:
        """See one clip: its coarse frames and the fine grid's cuts around it."""
        self._thrift = thrift
        scores = track.between(span.start, span.end)
        cuts = [c for c in track.cuts(span.start, span.end) if c[0] < span.end]
        facts = Facts(span, cuts=cuts, motion=motion_of(scores, len(cuts)))
        facts.has_picture = bool(frames)
        name = record_id(self.video.ordinal, span.start, "clip", "caption")
        seen = Seen(facts, name, "", None, decided)
        before = self.reads
        if frames and (self.channels.tagger or self.channels.reader):
            seen.left_out = LEFT_OUT.get(thrift, "")
        worth = self._watch_frames(frames, facts, track)
        facts.looks = look(worth, self._tagger())
        self._keep_looks(seen)
        self._find_changes(seen, [time for time, _ in frames])
        self._caption(seen)
        seen.readings = self.reads - before
        seen.records += self.screen.closed()
        seen.open = self.screen.open()
        seen.state = self.state()
        return seen

    # -- frames ----------------------------------------------------------------------------

    def _watch_frames(self, frames: Sequence[Frame], facts: Facts, track: ShotTrack) -> list[Frame]:
        """Pass the frames through both economies; return those worth a look."""
        worth: list[Frame] = []
        if self._thrift >= ECONOMY:
            frames = [one for one in frames if round(one[0]) % 2 == 0]
        for time, image in frames:
            keep = self.economy.offer(shrink(image)).keep
            news = self._read_frame(time, image, facts, track) if self.channels.reader else False
            if keep or news:
                worth.append((time, image))
        facts.standing = [line.text for line in self.screen.lines if line.seen and line.firm]
        return worth

    def _read_frame(self, time: Seconds, image: Image, facts: Facts, track: ShotTrack) -> bool:
        """Watch one frame and read it where the watch asks; return whether text is new."""
        step = 1.0 if self._thrift == NOTHING else 2.0
        if track.cuts(time - step + 1e-6, time):
            self.watch.new_shot()
            self._new_shot = True
        if self._shown is None or self._shown[0] is not image:
            self._shown = (image, edge_map(image))
        edges = self._shown[1]
        ask = self.watch.step(time, edges, last_chance=track.about_to_change(time))
        facts.gone_lines += self.screen.advance(time, self.watch)
        if ask is None or self._thrift >= SIGHT or (self._thrift and not self._new_shot):
            return False  # what was asked for and not read is asked for again
        self._new_shot = False
        lines, box = self._read(image, ask)
        turn = self.screen.read(time, lines, box, self.watch)
        text = [line.box for line in lines if is_firm(line.text, line.score)]
        self.watch.note(ask, box, text, len(turn.new))
        facts.new_lines += turn.new
        facts.gone_lines += turn.gone
        return bool(turn.new)

    def _read(self, image: Image, ask: Ask) -> tuple[list[TextLine], Box]:
        """Read where asked, widened so that no known line is cut."""
        assert self.channels.reader is not None
        box = ask.box
        for line in self.screen.lines:
            if box != WHOLE and overlap(line.box, box) > 0:
                b = line.box
                box = (
                    max(0.0, min(box[0], b[0] - 0.01)),
                    max(0.0, min(box[1], b[1] - 0.01)),
                    min(1.0, max(box[2], b[2] + 0.01)),
                    min(1.0, max(box[3], b[3] + 0.01)),
                )
        if (box[2] - box[0]) * (box[3] - box[1]) > self.watch.crop_share:
            box = WHOLE
        known = self.screen.known(self.watch) if self.watch.economy else None
        lines, box, cost = read_box(self.channels.reader, image, box, known)
        self.reads += cost
        return lines, box

    # -- what was seen ---------------------------------------------------------------------

    def _tagger(self) -> ImageTagger | None:
        return self.channels.tagger if self._thrift < SIGHT else None

    def _keep_looks(self, seen: Seen) -> None:
        facts = seen.facts
        tagger = self._tagger()
        maker = tagger.name if tagger else "colours"
        ends = [*[one.time for one in facts.looks[1:]], facts.span.end][: len(facts.looks)]
        for one, end in zip(facts.looks, ends, strict=True):
            record, rows = sight_record(one, self.video, maker, end, motion=facts.motion)
            seen.records.append(record)
            seen.vectors += rows
            seen.thumbs.append(one.thumb)

    def _find_changes(self, seen: Seen, times: Sequence[Seconds]) -> None:
        """Feed the current vector to the tiling on a two-second grid."""
        looks = list(seen.facts.looks)
        for time in times:
            while looks and looks[0].time <= time:
                one = looks.pop(0)
                self._vector = one.vector if one.vector.size else self._vector
            if self._vector is not None and round(time) % int(TILE_EVERY) == 0:
                seen.changes += self.tiling.add(time, self._vector)

    def _caption(self, seen: Seen) -> None:
        facts = seen.facts
        inner = [cut for cut in facts.cuts if cut[0] > facts.span.start]
        facts.changed = bool(facts.looks or facts.new_lines or facts.gone_lines or inner)
        if not facts.changed and self._last is not None:
            seen.same_as = self._last
            return
        facts.changed = True
        seen.caption = compose(facts)
        self._last = seen.id
        vector = pooled([one.vector for one in facts.looks])
        stands = self._vector is not None and self._vector.size and self._thrift < SIGHT
        if vector is None and stands:
            vector = self._vector
        if vector is not None:
            seen.vectors.append(VectorRow(seen.id, "sight", vector, seen.decided))

    # -- state -----------------------------------------------------------------------------

    def state(self) -> bytes:
        """Return the state after the last clip."""
        arrays: dict[str, Any] = {}
        facts: dict[str, Any] = {"last": self._last}
        for name in ("economy", "watch", "screen", "tiling"):
            part, said = getattr(self, name).state()
            arrays |= nest(name, part)
            facts[name] = said
        if self._vector is not None:
            arrays["vector"] = self._vector
        return pack(arrays, json.loads(json.dumps(facts)))

    def restore(self, blob: bytes) -> None:
        """Go on from a state."""
        arrays, facts = unpack(blob)
        for name in ("economy", "watch", "screen", "tiling"):
            getattr(self, name).restore(unnest(name, arrays), facts[name])
        self._last = facts["last"]
        vector = arrays.get("vector")
        self._vector = None if vector is None else np.asarray(vector, np.float32)


__all__ = ["BEHIND", "Eye", "Frame", "Look", "Seen"]
