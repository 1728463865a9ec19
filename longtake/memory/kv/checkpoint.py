"""How far a stream was read, beside its segments: what a build that was killed goes on from.

``stream.json`` names every line that was read, with its tokens, and how many blocks came of them.
While a build runs it names a ``resume-*.safetensors``, too: the state of the encoder, bit by bit,
so that a build that goes on makes the very blocks of one that was never stopped. Both are written
whole or not at all, the tensors first; a finished stream keeps only the JSON.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longtake.storage.kv.copy import NOTE, STATE
from longtake.storage.kv.files import write_whole

if TYPE_CHECKING:
    from torch import Tensor

VERSION = 1
_RESUME = "resume-{blocks:06d}.safetensors"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What was read of a stream.

    Attributes:
        streamer: the model's name.
        scheme: how blocks are kept: a packing scheme, or ``ghost``.
        lines: (digest, tokens) of each line that was read, in order.
        blocks: how many blocks were on disk.
        finished: whether the build came to its end.
        resume: the file of the encoder's tensors; "" when there is none.
        sha: its hash.
        values: the rest of the encoder's state.
    """

    streamer: str
    scheme: str
    lines: tuple[tuple[str, int], ...] = ()
    blocks: int = 0
    finished: bool = False
    resume: str = ""
    sha: str = ""
    values: dict[str, Any] = field(default_factory=dict)

    def read_by(self, tokens: int) -> Checkpoint:
        """What was read when so many tokens were on disk; the encoder's state is not that old."""
        kept: list[tuple[str, int]] = []
        held = 0
        for digest, n in self.lines:
            held += n
            if held > tokens:
                break
            kept.append((digest, n))
        return replace(self, lines=tuple(kept), finished=False, resume="", sha="", values={})


def load(folder: Path) -> Checkpoint | None:
    """Return what is noted in a stream's folder; None when nothing is, or nothing readable."""
    try:
        told = json.loads((folder / NOTE).read_text("utf-8"))
        if told.pop("version") != VERSION:
            return None
        told["lines"] = tuple((str(digest), int(n)) for digest, n in told["lines"])
        return Checkpoint(**told)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def tensors_of(folder: Path, told: Checkpoint) -> dict[str, Tensor] | None:
    """Return the encoder's tensors; None when they are not there as they were written."""
    if not told.resume:
        return None
    try:
        content = (folder / told.resume).read_bytes()
    except OSError:
        return None
    if hashlib.sha256(content).hexdigest() != told.sha:
        return None
    from safetensors.torch import load as parse

    return dict(parse(content))


def save(
    folder: Path, told: Checkpoint, state: tuple[dict[str, Tensor], dict[str, Any]] | None = None
) -> None:
    """Note how far a stream was read; `state` is the encoder's while it is not at its end."""
    if state is not None:
        from safetensors.torch import save as packed

        content = packed({name: one.contiguous() for name, one in state[0].items()})
        name = _RESUME.format(blocks=told.blocks)
        write_whole(folder / name, [content])
        told = replace(told, resume=name, sha=hashlib.sha256(content).hexdigest(), values=state[1])
    row = {"version": VERSION, **asdict(told)}
    write_whole(folder / NOTE, [json.dumps(row, separators=(",", ":")).encode()])
    clear(folder, but=told.resume)


def clear(folder: Path, *, but: str = "") -> None:
    """Remove states of encoders that nothing names."""
    for path in folder.glob(STATE):
        if path.name != but:
            path.unlink(missing_ok=True)


def drop(folder: Path) -> None:
    """Remove everything that is noted."""
    clear(folder)
    (folder / NOTE).unlink(missing_ok=True)


def digests(told: Checkpoint | None) -> Sequence[str]:
    """The lines that were read."""
    return [digest for digest, _ in told.lines] if told else []
