"""What vision models are told, once for all of them: any change here is another `VERSION`.

Pictures come before the words in a request, so the words say which picture is which. Replies are
read by `longtake.models.vision.facts`. Describing what changed since the key frame before, and
summing up a scene from that, follows ShareGPT4Video (S52); describing again with a question in
mind follows VideoITG (S37).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

NOTHING_NEW = "NOTHING CHANGED"
NOT_VISIBLE = "NOT VISIBLE"

KEYS = {
    "PEOPLE": "who is seen, and what they wear",
    "OBJECTS": "things that matter, with colour and number",
    "ACTION": "what is done or happens",
    "PLACE": "where this is",
    "TEXT": "words that can be read, as they are written",
}
"""The facts that are asked for, and what each is."""

FRAMES = "The {n} pictures are frames of one short part of a video, in order of time."
FRAME = "The picture is a frame of a video."
BEFORE = "The first picture is the last frame of the part before."
SINCE = "The part before was described so: «{told}»"
PLAIN = (
    "Say in one or two plain sentences what is seen and what happens. Tell only what the pictures "
    "show; do not guess what is behind it."
)
CHANGED = (
    "Say in one or two plain sentences what is different now: what came, went, moved, turned or "
    "was written, and in which order. Do not repeat what stayed as it was, and do not guess. If "
    f"nothing differs, write only {NOTHING_NEW}."
)
FACTS = "Then write one line for each of these that applies, and leave out the others:\n" + (
    "\n".join(f"{key}: {what}" for key, what in KEYS.items())
)
SCENE = (
    "Below is what was seen in one scene of a video, part after part. Each line tells what changed "
    "since the line before.\n{told}\nSum the scene up in one to three plain sentences: what "
    "happens, in which order, and how it ends. Use only what the lines tell."
)
INSTRUCTED = (
    "Someone wants to know: «{question}»\nLook for what answers it. Say in one to three plain "
    "sentences what the pictures show of it, with exact colours, numbers, places and words. Tell "
    f"only what is seen. If it cannot be seen, write only {NOT_VISIBLE}."
)
WORDINGS = (FRAMES, FRAME, BEFORE, SINCE, PLAIN, CHANGED, FACTS, SCENE, INSTRUCTED)

VERSION = hashlib.sha256("\n".join(WORDINGS).encode()).hexdigest()[:8]
"""Names these wordings, for whoever keeps what was answered."""

_LONGEST_TOLD = 600
_LONGEST_LINES = 6000


def plain(n: int) -> str:
    """Ask for a description of `n` pictures, and for facts."""
    return f"{_frames(n)} {PLAIN}\n{FACTS}"


def changed(n: int, *, shown: bool, told: str | None) -> str:
    """Ask what changed in `n` pictures since the part before.

    Args:
        shown: whether the last frame of the part before stands in front of the `n` pictures.
        told: how the part before was described, if it was.
    """
    frames = f"{BEFORE} {_frames(n, 'other ')}" if shown else _frames(n)
    since = f"\n{SINCE.format(told=_short(told))}" if told else ""
    return f"{frames}{since}\n{CHANGED}\n{FACTS}"


def scene(captions: Sequence[str]) -> str:
    """Ask for a summary of the captions of one scene, given in order."""
    longest = max(40, _LONGEST_LINES // max(1, len(captions)))
    lines = [f"{n}. {_short(text, longest)}" for n, text in enumerate(captions, start=1)]
    return SCENE.format(told="\n".join(lines))


def instructed(n: int, question: str) -> str:
    """Ask for a description of `n` pictures with a question in mind."""
    return f"{_frames(n)}\n{INSTRUCTED.format(question=_short(question))}"


def _frames(n: int, other: str = "") -> str:
    """Say what the pictures are.

    >>> _frames(1, "other ")
    'The other picture is a frame of a video.'
    """
    return (FRAME if n == 1 else FRAMES.format(n=n)).replace("The ", f"The {other}", 1)


def _short(text: str, longest: int = _LONGEST_TOLD) -> str:
    """One line of a text, cut between words where it is too long.

    >>> _short("one two\\n three", 8)
    'one two …'
    """
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[:longest].rsplit(' ', 1)[0]} …"
