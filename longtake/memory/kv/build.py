"""Build the key–value memory of a video from the lines that are remembered of it, and its frames.

The lines (`longtake.memory.kv.lines`) are read once by the streamer, in context; each 64 tokens
become a block in `Segments`. A streamer with eyes is shown the kept frames between them, each a
block by itself: a frame stands for as long as nothing else was seen, so a family that joins frames
in pairs is shown it twice. Every 64 blocks the encoder's state is noted, so that a kill loses
little, and the same call goes on: what comes out is the same as without the kill, bit by bit.

Contract: what was read already is not read again. Lines that came since are read behind the others,
after the newest blocks as they are stored. A memory of which a line has changed or gone is built
anew, and so is one that another model, prefix or set of heads made. One process builds at a time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longtake.errors import Interrupted, KVDamaged, KVMismatch, KVMissing, UsageError
from longtake.memory.kv import checkpoint as noted
from longtake.memory.kv.checkpoint import Checkpoint
from longtake.memory.kv.lines import Item, Shown
from longtake.memory.kv.session import Wording, ids_of
from longtake.models.kv.stream import StreamEncoder, Unit
from longtake.models.protocols import Image
from longtake.storage.kv.manifest import GHOST, Fingerprint
from longtake.storage.kv.quantize import SCHEMES
from longtake.storage.kv.segments import Segments
from longtake.storage.kv.shelf import Heads
from longtake.timecode import Seconds

if TYPE_CHECKING:
    from longtake.models.kv.streamer import Streamer
    from longtake.models.kv.tap import RopeTap
    from longtake.storage.kv.block import Block

WINDOW = 1024
SIGHT_WINDOW = 2048
"""Tokens of pictures that are read beside those of words, by a streamer with eyes."""
CHUNK = 256
BLOCK = 64
EVERY = 64
"""Blocks between two checkpoints."""
LIVE = WINDOW // BLOCK
"""The newest blocks, which stay whole where all others become ghosts: a question is read there."""
KEPT = ("k8v4", "k4v4", GHOST)
"""How blocks may be kept, largest first."""
OnLine = Callable[[int, int, float], None]
"""Told how many lines of how many were read, and the time of the last one."""
Picture = Callable[[Seconds], Image]
"""Gives the frame on display at a time."""


@dataclass(frozen=True, slots=True)
class Built:
    """What a build did: lines and tokens it read now, blocks there are, and why it began anew."""

    lines: int
    tokens: int
    blocks: int
    bytes: int
    anew: str = ""


def wording_of(streamer: Streamer) -> Wording:
    """How a stream of this model begins and a question is put, with the marks of its family."""
    plain = Wording.of(streamer.tokenizer)
    before, after = streamer.marks()
    return Wording(plain.before + before, after + plain.after)


def fingerprint_of(streamer: Streamer, tap: RopeTap, wording: Wording, weights: str) -> Fingerprint:
    """What the keys and values of a stream depend on."""
    prefix = hashlib.sha256(wording.before.encode()).hexdigest()[:16]
    return Fingerprint(streamer.name, weights, streamer.dtype, streamer.words(), prefix,
                       tap.layers, tap.kv_heads, tap.head_dim)  # fmt: skip


def done(folder: Path, lines: Sequence[Item], streamer: str, scheme: str) -> bool:
    """Whether all of these lines were read by this model and are kept so; no model is needed."""
    told = noted.load(folder)
    if told is None or not told.finished or (told.streamer, told.scheme) != (streamer, scheme):
        return False
    if sorted(noted.digests(told)) != sorted(one.digest for one in lines):
        return False
    try:
        with Segments(folder, None) as memory:
            return len(memory) == told.blocks and not memory.dropped
    except (KVMissing, KVDamaged):
        return False


def build(
    folder: Path,
    lines: Sequence[Item],
    streamer: Streamer,
    tap: RopeTap,
    *,
    weights: str,
    heads: Heads,
    scheme: str = "k8v4",
    picture: Picture | None = None,
    on_line: OnLine | None = None,
    stop: Callable[[], bool] = lambda: False,
    every: int = EVERY,
) -> Built:
    """Read the lines that were not read yet.

    Args:
        folder: where the memory of this video and model lies.
        lines: all lines of the video, and its frames where the streamer has eyes.
        streamer: who reads.
        tap: an entered tap of the streamer.
        weights: names the weights.
        heads: whose keys are indexed.
        scheme: how blocks are kept, one of `KEPT`.
        picture: where frames are taken from.
        on_line: told of each line that was read.
        stop: asked between lines; when it turns true, what was read is noted.
        every: blocks between two checkpoints.

    Raises:
        Interrupted: `stop` turned true; the same call goes on.
        Locked: another process builds.
        UsageError: there is no such way to keep blocks, or nothing to read.
    """
    check_scheme(streamer, scheme)
    wording = wording_of(streamer)
    print = fingerprint_of(streamer, tap, wording, weights)
    memory, anew = _opened(folder, print, heads, lines, scheme)
    with memory:
        work = _Work(memory, streamer, tap, wording, scheme, picture)
        read = set(noted.digests(work.told))
        fresh = [one for one in lines if one.digest not in read]
        tokens = 0
        for n, line in enumerate(fresh, 1):
            tokens += work.read(line)
            if on_line is not None:
                on_line(len(lines) - len(fresh) + n, len(lines), line.end)
            if stop():
                work.note()
                raise Interrupted(
                    f"stopped after {len(lines) - len(fresh) + n} of {len(lines)} lines; "
                    "what was read is kept"
                )
            if memory.next_id - work.told.blocks >= every:
                work.note()
        work.finish()
        return Built(len(fresh), tokens, len(memory), memory.bytes(), anew)


def ways_of(streamer: Streamer) -> tuple[str, ...]:
    """How blocks of this streamer may be kept, largest first; ghosts are made of words alone."""
    return KEPT if streamer.eyes is None else tuple(one for one in KEPT if one != GHOST)


def check_scheme(streamer: Streamer, scheme: str) -> None:
    """Refuse ways to keep blocks that are not there, or not for this streamer.

    Raises:
        UsageError: the message names those there are.
    """
    ways = ways_of(streamer)
    if scheme not in ways:
        of = "blocks of frames" if scheme in KEPT else "blocks"
        raise UsageError(f"{of} cannot be kept as {scheme!r}", fix=f"one of: {', '.join(ways)}")


class _Work:
    """A build under way: the encoder, where its blocks go, and what was read."""

    def __init__(
        self, memory: Segments, streamer: Streamer, tap: RopeTap, wording: Wording, scheme: str,
        picture: Picture | None,
    ) -> None:  # fmt: skip
        self.memory, self.scheme = memory, scheme
        self._streamer, self._picture = streamer, picture
        sink = ids_of(streamer.tokenizer, wording.before)
        sight = SIGHT_WINDOW if streamer.eyes is not None else None
        self.encoder = StreamEncoder(tap, sink, window=WINDOW, sight_window=sight, chunk=CHUNK,
                                     block=BLOCK)  # fmt: skip
        self.told = self._resumed(Checkpoint(streamer.name, scheme))

    def read(self, line: Item) -> int:
        """Read a line, or look at a frame; return its tokens."""
        unit = self._unit(line)
        self._keep(self.encoder.feed(unit))
        self.told = replace(self.told, lines=(*self.told.lines, (line.digest, unit.n)),
                            finished=False)  # fmt: skip
        return unit.n

    def _unit(self, line: Item) -> Unit:
        if not isinstance(line, Shown):
            ids = ids_of(self._streamer.tokenizer, line.text + "\n")
            return Unit(line.start, line.end, ids=ids, refs=line.refs)
        if self._picture is None:
            raise UsageError("frames are to be read, but there is nothing to take them from")
        seen = self._streamer.look(self._picture(line.start), line.start, line.end)
        return Unit(line.start, line.end, embeds=seen.embeds, places=seen.places,
                    extras=dict(seen.extras), refs=line.refs)  # fmt: skip

    def note(self) -> None:
        """Put on disk what was read so far, and only then give up what is no more needed."""
        self.memory.flush()
        self.told = replace(self.told, blocks=self.memory.next_id)
        noted.save(self.memory.folder, self.told, self.encoder.state())
        self._give_up()

    def finish(self) -> None:
        """Put the rest on disk; from then on more may follow, but nothing is open."""
        self._keep(self.encoder.close())
        self.note()
        if self.scheme in SCHEMES:
            self.memory.demote([row.id for row in self.memory.rows()], self.scheme)
        self.told = replace(self.told, finished=True, resume="", sha="", values={},
                            scheme=self.scheme)  # fmt: skip
        noted.save(self.memory.folder, self.told)

    def _keep(self, blocks: Sequence[Block]) -> None:
        for block in blocks:
            self.memory.append(block, self.scheme if self.scheme in SCHEMES else "k4v4")

    def _give_up(self) -> None:
        """Make ghosts of all but the newest blocks, where that is how they are kept."""
        if self.scheme == GHOST:
            rows = self.memory.rows()
            self.memory.demote([row.id for row in rows[:-LIVE] if not row.ghost], GHOST)

    def _resumed(self, fresh: Checkpoint) -> Checkpoint:
        """Put the encoder where the last build was; return what had been read there."""
        memory = self.memory
        told = noted.load(memory.folder)
        if told is None:
            return fresh
        told = replace(told, scheme=self.scheme)
        state = noted.tensors_of(memory.folder, told)
        memory.forget(row.id for row in memory.rows() if row.id >= told.blocks)
        if state is not None and memory.next_id == told.blocks:
            self.encoder.restore(state, told.values)
            return told
        rows = memory.rows()
        tokens = sum(row.n for row in rows)
        self.encoder.restore({}, {"recent": [], "open": [], "waiting": [], "blocks": len(rows),
                                  "tokens": tokens})  # fmt: skip
        recent = newest(memory, [row.id for row in rows])
        self.encoder.restore(*_state_of(recent, len(rows), tokens))
        return told.read_by(tokens)


def newest(memory: Segments, ids: Sequence[int], most: int = LIVE) -> list[Block]:
    """The last of these blocks that are there in one piece, oldest first."""
    ghosts = {row.id for row in memory.rows(ids) if row.ghost}
    whole: list[int] = []
    for one in reversed(ids[-most:]):
        if one in ghosts:
            break
        whole.insert(0, one)
    return memory.get(whole, verify=True)


def _state_of(
    recent: Sequence[Block], blocks: int, tokens: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """An encoder's state after blocks that were stored, with nothing open."""
    tensors = {f"recent.{n}.{name}": getattr(block, name) for n, block in enumerate(recent)
               for name in ("keys", "values", "places", "tokens")}  # fmt: skip
    rows = [{"id": b.id, "start": b.start, "end": b.end, "refs": list(b.refs)} for b in recent]
    return tensors, {"recent": rows, "open": [], "waiting": [], "blocks": blocks,
                     "tokens": tokens}  # fmt: skip


def _opened(
    folder: Path, print: Fingerprint, heads: Heads, lines: Sequence[Item], scheme: str
) -> tuple[Segments, str]:
    """Open the memory to write; what cannot be gone on with is dropped, and why is told."""
    if not lines:
        raise UsageError(
            "nothing is remembered of this video yet",
            fix="longtake ingest VIDEO reads it; then longtake kv build VIDEO",
        )
    try:
        memory = Segments(folder, print, write=True, heads=heads)
    except (KVMismatch, KVDamaged) as error:
        remove(folder)
        return Segments(folder, print, write=True, heads=heads), error.message
    why = _outdated(memory, heads, lines, scheme)
    if not why:
        return memory, ""
    empty = not len(memory) and noted.load(folder) is None
    memory.drop()
    noted.drop(folder)
    return Segments(folder, print, write=True, heads=heads), "" if empty else why


def _outdated(memory: Segments, heads: Heads, lines: Sequence[Item], scheme: str) -> str:
    """Why a memory cannot be gone on with; "" when it can."""
    told = noted.load(memory.folder)
    if told is None:
        return "it does not say which lines were read" if len(memory) else ""
    if len(memory) != memory.next_id:
        return "blocks are missing in the middle"
    if set(memory.heads) != set(heads):
        return "other heads are indexed"
    if KEPT.index(scheme) < KEPT.index(told.scheme):
        return f"it was kept as {told.scheme}, which is less than {scheme}"
    now = {one.digest for one in lines}
    gone = sum(one not in now for one in noted.digests(told))
    return f"{gone} of its lines have changed" if gone else ""


def remove(folder: Path) -> None:
    """Remove a stream's memory with all that belongs to it, whatever state it is in."""
    noted.drop(folder)
    for path in [*folder.glob("manifest.sqlite*"), *folder.glob("*.safetensors"),
                 *folder.glob(".*.tmp")]:  # fmt: skip
        path.unlink(missing_ok=True)


def tokens_of(lines: Sequence[Item], streamer: Streamer, picture: Picture) -> int:
    """About how many tokens all lines have; frames of a video are taken for equally large."""
    shown = [one for one in lines if isinstance(one, Shown)]
    told = sum(len(streamer.tokenizer.encode(one.text)) + 1
               for one in lines if not isinstance(one, Shown))  # fmt: skip
    if not shown:
        return told
    first = shown[0]
    return told + len(shown) * len(
        streamer.look(picture(first.start), first.start, first.end).tokens
    )


def bytes_per_token(tap: RopeTap, heads: Heads, scheme: str) -> float:
    """What a token costs on disk: codes, the ends of their grids, index keys and its id.

    Keys have one grid for each channel and 64 tokens (at 4 bits 32), values one for each token and
    32 channels; the ends of a grid are two numbers of 16 bits.
    """
    numbers = tap.layers * tap.kv_heads * tap.head_dim
    index = len(heads) * tap.head_dim * (1 + 4 / 64) + 4
    keys = {"k8v4": 1 + 4 / 64, "k4v4": 0.5 + 4 / 32, GHOST: 0.0}[scheme]
    values = 0.0 if scheme == GHOST else 0.5 + 4 / 32
    return numbers * (keys + values) + index
