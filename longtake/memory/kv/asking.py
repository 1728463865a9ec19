"""Ask the streams of a library: each video's memory opened once, one tap for all of them.

`Streams.recall` finds the blocks that a question attends to, reads them, and returns every attempt
with the blocks' times and the records they were made of. What the model says is a hint of where to
look and never an answer: whoever asks believes records only.

Contract: with `as_of`, no block is found, read or stands before the question that ends later.
Nothing is written. A memory that cannot be used raises a `KVError`, which says what builds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, Literal

from longtake.errors import KVDamaged, KVMismatch, KVMissing
from longtake.memory.kv import checkpoint as noted
from longtake.memory.kv.build import LIVE, fingerprint_of, newest, wording_of
from longtake.memory.kv.ghost import Ghosts
from longtake.memory.kv.heads import Profile, fingerprint, profile_of
from longtake.memory.kv.mass import MassIndex, Spans
from longtake.memory.kv.recall import Attempt, Recall
from longtake.memory.kv.session import Session, Wording, ids_of
from longtake.memory.kv.tiers import Tiers
from longtake.models.kv.stream import sink_block
from longtake.models.kv.streamer import slug
from longtake.models.quiet import large_apart
from longtake.storage.kv.segments import Segments

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from longtake.models.kv.streamer import Streamer
    from longtake.models.kv.tap import RopeTap


@dataclass(frozen=True, slots=True)
class Told:
    """What a stream gave for a question: attempts, and for each block the records behind it."""

    attempts: tuple[Attempt, ...]
    refs: Mapping[int, tuple[str, ...]]


def streams_of(root: Path, video: str) -> list[Path]:
    """The folders below ``kv/`` in which a memory of this video lies, by name."""
    return sorted(path.parent for path in (root / video).glob("*/manifest.sqlite"))


def place_of(root: Path, video: str, streamer: str) -> Path:
    """The folder of a video's memory by this model."""
    return root / video / slug(streamer)


class Streams:
    """The key–value memories of a library, to ask; threads take turns.

    Args:
        root: the library's folder ``kv``.
        streamer: gives the model; called when the first question is asked.
        name: gives the model's name, without loading it.
        profiles: where profiles of heads lie that were measured here.
    """

    def __init__(
        self, root: Path, streamer: Callable[[], Streamer], name: Callable[[], str],
        profiles: Path | None = None,
    ) -> None:  # fmt: skip
        self.root, self._name = root, name
        self._streamer, self._profiles = streamer, profiles
        self._tap: RopeTap | None = None
        self._neutral: Mapping[int, Tensor] | None = None  # Of the model: the same for all streams.
        self._open: dict[str, _Stream] = {}
        self._lock = RLock()

    def has(self, video: str) -> bool:
        """Whether there is any memory of this video, usable or not; no model is loaded."""
        return bool(streams_of(self.root, video))

    def recall(
        self, question: str, video: str, *, k: int | Literal["auto"] = "auto",
        spans: Spans | None = None, as_of: float | None = None, max_tokens: int = 24,
    ) -> Told:  # fmt: skip
        """Ask one video's stream.

        Raises:
            KVMissing: it has none, or nothing of it was known by `as_of`.
            KVMismatch: its memory was made by another model.
            KVDamaged: it cannot be read.
        """
        with self._lock:
            one = self._stream(video)
            return one.recall(question, k, spans, as_of, max_tokens)

    def close(self) -> None:
        """Close all files and let the model go; questions open them again."""
        with self._lock:
            for one in self._open.values():
                one.memory.close()
            self._open.clear()
            if self._tap is not None:
                self._tap.__exit__(None, None, None)
                self._tap = self._neutral = None

    def _stream(self, video: str) -> _Stream:
        if video not in self._open:
            self._open[video] = self._opened(video)
        return self._open[video]

    def _opened(self, video: str) -> _Stream:
        name = self._name()
        place = place_of(self.root, video, name)
        there = streams_of(self.root, video)
        build = f"longtake kv build {video}"
        if place not in there:
            if there:
                made = noted.load(there[0])
                raise KVMismatch(
                    f"the key–value memory of {video} was made by "
                    f"{made.streamer if made else there[0].name}, not by {name}",
                    fix=build,
                )
            raise KVMissing(f"there is no key–value memory of {video}", fix=build)
        Segments(place, None).close()  # What cannot be read is told before a model is loaded.
        large_apart()
        streamer = self._streamer()
        if self._tap is None:
            self._tap = streamer.tap().__enter__()
        profile = profile_of(self._tap, self._profiles)
        wording = wording_of(streamer)
        print = fingerprint_of(streamer, self._tap, wording, fingerprint(self._tap.model))
        try:
            memory = Segments(place, print)
        except KVMismatch as error:
            raise KVMismatch(error.message, fix=build) from error
        if not len(memory):
            lost = f": {memory.dropped[0]}" if memory.dropped else ""
            memory.close()
            raise KVDamaged(f"no block is left of the key–value memory of {video}{lost}", fix=build)
        opened = _Stream(memory, self._tap, streamer.tokenizer, wording, profile, self._neutral)
        self._neutral = opened.neutral
        return opened


class _Stream:
    """One video's memory, open to be asked."""

    def __init__(
        self, memory: Segments, tap: RopeTap, tokenizer: Any, wording: Wording, profile: Profile,
        neutral: Mapping[int, Tensor] | None,
    ) -> None:  # fmt: skip
        self.memory, self.profile = memory, profile
        self._rows = memory.rows()
        self._sink = sink_block(tap, ids_of(tokenizer, wording.before))
        self._tiers = Tiers(memory, rebuild=Ghosts(tap, self._sink, memory))
        read = partial(self._tiers.get, verify=True)
        self._session = Session(tap, tokenizer, wording, self._sink, read, words=memory.tokens)
        self.neutral = neutral or self._session.neutral(profile.layers)
        self._index = MassIndex.over(memory, profile, neutral=self.neutral)

    def recall(
        self, question: str, k: int | Literal["auto"], spans: Spans | None, as_of: float | None,
        max_tokens: int,
    ) -> Told:  # fmt: skip
        known = [row for row in self._rows if as_of is None or row.end <= as_of]
        if not known:
            raise KVMissing(
                "nothing of the key–value memory was known by then",
                fix="ask without --at, or of a later time",
            )
        ids = [row.id for row in known]
        session = replace(self._session, recent=tuple(newest(self.memory, ids, LIVE)))
        index = self._index if as_of is None else MassIndex.over(
            self.memory, self.profile, neutral=self.neutral, until=as_of
        )  # fmt: skip
        asked = Recall(session, index, self.profile,
                       {row.id: (row.start, row.end) for row in known})  # fmt: skip
        made = asked.recall(question, k, spans, max_tokens=max_tokens)
        read = {block for one in made for block in one.blocks}
        return Told(tuple(made), {row.id: row.refs for row in known if row.id in read})
