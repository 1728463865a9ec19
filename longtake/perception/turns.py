"""Who speaks when: the later pass `speakers`.

What was said is known already; here it is heard again in stretches (an utterance, cut where its
words pause), each with a vector for its voice. Within ten minutes at a time the two groups of
stretches with the highest mean cosine are joined, again and again, while that is at least what the
model calls the same voice (average linkage). Voices of earlier portions take part as groups that
keep their number, so a portion is stored as it is done, and whoever comes back is known again. A
number is a voice, not a person: nobody is named.

A record is a turn: ``data = {"kind": "speaker", "n": 1}``, parents the utterances, known when its
portion ends, as it was told apart from what was said after it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from longtake.models.protocols import Diarizer, Samples, Vectors
from longtake.perception.decode import Decoder
from longtake.perception.items import Sound
from longtake.perception.later import Portion, later_id
from longtake.perception.segment_list import kept_from
from longtake.perception.sound import SoundTrack
from longtake.storage.records import Record, Video
from longtake.timecode import Seconds, Span

PORTION: Seconds = 600.0
PAUSE: Seconds = 0.3  # between words of an utterance: here the voice may change
LEAST: Seconds = 1.0  # a stretch shorter than this is joined with its neighbour
CLEAR: Seconds = 0.8  # a shorter one has no say in who there is
BREATH: Seconds = 1.5  # a turn goes on over a silence shorter than this


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of an utterance that one voice is taken to say."""

    span: Span
    utterance: str


@dataclass
class Known:
    """The voices so far: for each the sum of its stretches' unit vectors, and how many they are."""

    sums: Vectors
    counts: list[int] = field(default_factory=list)

    @classmethod
    def read(cls, carry: bytes) -> Known:
        """Read what `pack` returned; nothing is no voice."""
        said = json.loads(carry) if carry else {"sums": [], "counts": []}
        return cls(np.asarray(said["sums"], np.float32), list(said["counts"]))

    def pack(self) -> bytes:
        """Return bytes that `read` takes apart, exactly."""
        rows = [[float(value) for value in row] for row in self.sums]
        return json.dumps({"sums": rows, "counts": self.counts}).encode()


class Speakers:
    """The pass over what was said in a video up to `until`.

    Args:
        utterances: the records of speech, in order.
        until: how much of the video was watched.
    """

    name = "speakers"

    def __init__(
        self,
        video: Video,
        source: Path,
        utterances: Sequence[Record],
        model: Diarizer,
        until: Seconds,
    ) -> None:
        self.video, self.source, self.model, self.until = video, source, model, until
        self.utterances = utterances
        self.maker = f"{self.name}:{model.name}"

    def portions(self, begin: Seconds, carry: bytes) -> Iterator[Portion]:
        """Yield the turns of ten minutes at a time."""
        known = Known.read(carry)
        first = kept_from(self.source, begin)  # what came before can no longer be heard
        while begin < self.until:
            end = min((begin // PORTION + 1) * PORTION, self.until)
            said = [one for one in self.utterances if max(begin, first) <= one.span.start < end]
            found = [part for one in said for part in stretches(one)]
            who: list[int] = []
            if found:
                vectors = self._hear(found)
                clear = [part.span.duration >= CLEAR for part in found]
                who, known = assign(vectors, clear, known, self.model.same)
            yield Portion(end, tuple(self._turns(found, who, end)), carry=known.pack())
            begin = end

    def _hear(self, found: Sequence[Stretch]) -> Vectors:
        first = min(part.span.start for part in found)
        last = max(part.span.end for part in found)
        samples = sound_of(self.source, first, last)
        spans = [Span(part.span.start - first, part.span.end - first) for part in found]
        return self.model.voices(samples, spans)

    def _turns(self, found: Sequence[Stretch], who: Sequence[int], end: Seconds) -> list[Record]:
        """One record for what a voice says until another speaks or all are silent."""
        turns: list[tuple[int, list[Stretch]]] = []
        for part, n in zip(found, who, strict=True):
            last = turns[-1] if turns else None
            if last and last[0] == n and part.span.start - last[1][-1].span.end < BREATH:
                last[1].append(part)
            else:
                turns.append((n, [part]))
        return [self._record(n, parts, end) for n, parts in turns]

    def _record(self, n: int, parts: Sequence[Stretch], end: Seconds) -> Record:
        span = Span(parts[0].span.start, max(part.span.end for part in parts))
        said = tuple(dict.fromkeys(part.utterance for part in parts))
        name = later_id(self.name, self.video, span.start, "entity", n)
        data = {"kind": "speaker", "n": n + 1}
        return Record(
            name, self.video.id, "moment", "entity", span, max(end, span.end),
            f"speaker {n + 1}", self.maker, said, data,
        )  # fmt: skip


def stretches(utterance: Record) -> list[Stretch]:
    """Cut an utterance where its words pause; what is too short stays with its neighbour.

    >>> words = [[0, 1.2, "Well,", 1], [1.9, 3.1, "no", 1], [3.6, 4.0, "way.", 1]]
    >>> one = Record("a", "v", "moment", "speech", Span(0, 4), 4, "", "", (), {"words": words})
    >>> [part.span for part in stretches(one)]
    [Span(start=0, end=1.2), Span(start=1.9, end=4.0)]
    """
    found: list[Span] = []
    for start, end, *_ in utterance.data.get("words", ()):
        if found and (start - found[-1].end < PAUSE or found[-1].duration < LEAST):
            found[-1] = Span(found[-1].start, max(end, found[-1].end))
        elif end > start:
            found.append(Span(start, end))
    if len(found) > 1 and found[-1].duration < LEAST:
        found[-2:] = [Span(found[-2].start, found[-1].end)]
    return [Stretch(span, utterance.id) for span in found or [utterance.span]]


def sound_of(source: Path, start: Seconds, end: Seconds) -> Samples:
    """Return the sound of a file from `start` to `end`, mono at 16 kHz."""
    track = SoundTrack()
    for item in Decoder(source, start=start, until=end, picture=False):
        if isinstance(item, Sound):
            track.add(item)
    return track.cut(start, end)


def assign(
    vectors: Vectors, clear: Sequence[bool], known: Known, same: float
) -> tuple[list[int], Known]:
    """Say which voice each stretch has, counting from 0 in order of first appearance.

    Args:
        vectors: unit rows, one for each stretch in order.
        clear: whether a stretch is long enough to have a say.
        known: the voices so far; they keep their numbers and are never joined.
        same: mean cosine from which two groups are one voice.
    """
    use = [n for n, good in enumerate(clear) if good] or list(range(len(vectors)))
    old = len(known.counts)
    sums = np.concatenate([known.sums.reshape(old, vectors.shape[1]), vectors[use]])
    counts = np.array([*known.counts, *([1] * len(use))], np.float32)
    groups = join(sums, counts, old, same)
    order = sorted(groups, key=lambda group: group[0])  # Old voices first, then by appearance.
    merged = np.stack([sums[group].sum(axis=0) for group in order])
    sizes = [int(counts[group].sum()) for group in order]
    place = {member: n for n, group in enumerate(order) for member in group}
    means = merged / np.asarray(sizes, np.float32)[:, None]
    who = {n: place[old + i] for i, n in enumerate(use)}
    nearest = (vectors @ means.T).argmax(axis=1)
    return [who.get(n, int(nearest[n])) for n in range(len(vectors))], Known(merged, sizes)


def join(sums: Vectors, counts: Vectors, old: int, same: float) -> list[list[int]]:
    """Join rows to groups while two have a mean cosine of at least `same`; the first `old` stay apart.

    The mean of all cosines between two groups is the product of their mean vectors, so groups are
    held as sums and counts alone.
    """
    sums, counts = sums.copy(), counts.copy()
    groups = [[n] for n in range(len(sums))]
    alive = np.ones(len(sums), bool)
    means = sums / counts[:, None]
    near = np.triu(means @ means.T, 1)
    near[np.tril_indices(len(sums))] = -1.0
    near[:old, :old] = -1.0
    while alive.sum() > 1:
        a, b = np.unravel_index(int(near.argmax()), near.shape)
        if near[a, b] < same:
            break
        groups[a] += groups[b]
        sums[a] += sums[b]
        counts[a] += counts[b]
        alive[b] = False
        near[b, :] = near[:, b] = -1.0
        row = (sums / counts[:, None]) @ (sums[a] / counts[a])
        row[~alive] = -1.0
        if a < old:
            row[:old] = -1.0
        near[a, a + 1 :] = row[a + 1 :]
        near[:a, a] = row[:a]
    return [group for group, there in zip(groups, alive, strict=True) if there]
