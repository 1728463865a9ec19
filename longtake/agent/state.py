"""What the two graphs remember between their nodes: JSON values and record ids only.

LangGraph writes this to SQLite, so it holds no arrays, tuples, dataclasses or numpy numbers.
Keys other than `history` belong to one turn; `open_turn` sets them all anew, because channels of
a thread survive into its next turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

Part = dict[str, Any]
"""One thing asked; see `longtake.agent.question.classify.part`."""
Finding = dict[str, Any]
"""What became of one part; see `longtake.agent.findings.finding`."""
Solved = dict[str, Any]
"""What a SOLVE run hands back: id, part (as it was bound), finding, opened spans and trace."""


def gathered(old: list[Any], new: list[Any] | None) -> list[Any]:
    """Join what several branches hand in, in the order they were sent; None starts anew."""
    return [] if new is None else [*old, *new]


class State(TypedDict, total=False):
    """Channels of the turn; every node returns whole new values for those it changes."""

    question: str
    options: list[str] | None
    videos: list[str]
    as_of: float | None
    thread: str
    chat: bool
    history: list[dict[str, Any]]
    parts: list[Part]
    out: Annotated[list[Solved], gathered]
    sentences: list[dict[str, Any]]
    evidence: list[dict[str, Any]]
    searched: list[dict[str, Any]]
    cost: dict[str, int]
    trace: list[dict[str, Any]]
    answer: dict[str, Any]


class Sub(TypedDict, total=False):
    """Channels of one SOLVE run; `looked` gathers what the parallel looks saw."""

    part: Part
    options: list[str] | None
    done: list[Solved]
    history: list[dict[str, Any]]
    tries: int
    frontier: list[dict[str, Any]]
    steps: list[dict[str, Any]]
    opened: list[dict[str, Any]]
    looked: Annotated[list[dict[str, Any]], gathered]
    taken: int
    novelty: list[int]
    candidates: list[dict[str, Any]]
    finding: Finding
    decision: str
    trace: list[dict[str, Any]]
    out: list[Solved]


class Out(TypedDict):
    """What SOLVE hands back to the turn."""

    out: list[Solved]


@dataclass(frozen=True, slots=True)
class Switches:
    """Mechanisms that can be switched off, to see in tests and benches what each is worth."""

    scan: bool = True
    """Read everything for first, last, every, count and absence; off: only what search returns."""
    finer: bool = True
    """Open the moments under the coarse hits; off: answer from captions."""
    inspect: bool = True
    """Decode again where the memory lacks the detail."""
    sweep: bool = True
    """Go through a page that stands frame by frame, reading only what changes; off: 10 s at a time."""
    glimpses: bool = True
    """Look first where something was in the picture for a moment only, as the deep pass noted."""
    place: bool = True
    """Look at the very place a question names before an answer from elsewhere is believed."""
    ground: bool = True
    """Check every sentence against its evidence before returning it."""
    blur: bool = True
    """Let a word that is nowhere match words that sound or look nearly the same."""
    phrase: bool = True
    """Let the chat model, when there is one, put the answer into a sentence."""
    names: bool = True
    """Believe a label only when hardly any name the sight knows is nearer to what was asked."""
    fit: bool = True
    """Put a number or name in front only when its own sentence fits the question."""
    sort: bool = True
    """Answer who, how far or what colour only with words that hold a person, a length, a colour."""
    trim: bool = True
    """Quote of a page only the lines that bear on the question."""
    closely: bool = True
    """Read the best candidates again word by word, and the lines shown beside them."""
    furniture: bool = True
    """Leave out footers, logos and menus, unless they were asked for."""
    decompose: bool = True
    """Split a question that needs another one's answer first; off: one search for all of it."""
    best_first: bool = True
    """Open the most promising span of the time tree next; off: breadth first."""
    reuse: bool = True
    """Use what an earlier second look saw instead of decoding the same span again."""
    dispute: bool = True
    """Let a fine look that contradicts a caption mark it as disputed."""
    judge: bool = True
    """Let a model that may weigh labels judge whether a passage answers."""
    guess: bool = True
    """Where nothing was found surely, tell the likeliest moment of the nearest clips as a guess."""
    likely: bool = True
    """Where nothing is answered, lead with the places nearest in meaning."""
    plain: bool = True
    """Where the parts of a question found nothing, ask it once more as one plain question."""
    calibrate: bool = True
    """Say how sure an answer is by what was measured, not by hand-set numbers."""
    kv: bool = True
    """Where records give no sure answer, raise those that a key–value memory attends to."""
    history: bool = True
    """Understand a follow-up from the turns before it."""
    now_only: bool = True
    """Answer what is asked about now from the newest frames alone, where they hold it."""
    sparing: bool = True
    """Look at, read and hear what is now only as far as the question needs; off: all of it."""
    sections: bool = True
    """Let a part of the day be what something comes after, not only a sentence of it."""


HISTORY = 8
"""Turns of a thread that are kept."""
