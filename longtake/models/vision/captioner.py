"""Captions by any vision model: of clips, of what changed, of scenes, with a question in mind.

A `Describer` asks a `VisionModel` in the words of `prompts`, reads its replies with `facts`, and
leaves out what says nothing: empty replies, the request repeated, the same words over and over,
"I cannot see images". Who keeps replies should key them by `name` and `version` too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from longtake.errors import UsageError
from longtake.models.protocols import Asked, Image, VisionModel
from longtake.models.vision import prompts
from longtake.models.vision.facts import read

Told: TypeAlias = tuple[str | None, dict[str, Any]]
"""A caption, None where there is nothing to say, and facts as ``{"PLACE": "kitchen"}``."""

CLIP_TOKENS, SCENE_TOKENS = 200, 160
_BLIND = re.compile(
    r"(?:^|[.!?,;]\s+|\bbut\s+)(?:"
    r"(?:i|we)(?:'m|'re| am| are)? (?:sorry\b.{0,40}\b)?"
    r"(?:can(?:no|')t|can not|could not|couldn't|unable to|not able to|do not|don't)\b.{0,30}"
    r"\b(?:see|view|look at|process|analy[sz]e|access|open|describe|assist)\b"
    r"|(?:there (?:is|are|was|were) )?no (?:images?|pictures?|frames?)\b.{0,20}"
    r"\b(?:provided|attached|given|shared)\b"
    r"|please (?:provide|upload|attach|share|send)\b.{0,30}\b(?:images?|pictures?|frames?|video)"
    r"|as an? (?:ai|language model|text-based)\b)",
    re.IGNORECASE,
)
"""How models say that they see nothing, where a sentence begins."""
_BUT = frozenset(("but", "except", "besides", "apart", "only", "however", "though"))
_RUN = 4
"""Words in a row by which a repeated request is known."""


@dataclass(frozen=True, slots=True)
class ClipJob:
    """A clip to describe: its key frames in order, and what came before it, if anything did."""

    images: tuple[Image, ...]
    before_image: Image | None = None
    before_caption: str | None = None


class Describer:
    """`Captioner` over a vision model, and the captions of the pass over a video."""

    def __init__(self, vision: VisionModel) -> None:
        self.vision = vision
        self.name = vision.name

    @property
    def version(self) -> str:
        """Names the wordings: other ones, other captions."""
        return prompts.VERSION

    def caption(self, images: Sequence[Image], question: str | None = None) -> str:
        """Describe frames of one span in order of time, if asked with a question in mind.

        Empty when the model says nothing of use, or that what is asked cannot be seen.
        """
        if not images:
            raise UsageError("there is nothing to describe: no frames")
        told = prompts.instructed(len(images), question) if question else prompts.plain(len(images))
        (reply,) = self.vision.write([Asked(tuple(images), told)], max_tokens=CLIP_TOKENS)
        text, _ = _read(reply)
        return "" if useless(text) or _is(text, prompts.NOT_VISIBLE) else text

    def clips(self, jobs: Sequence[ClipJob]) -> list[Told]:
        """Say of each clip what it shows, or what changed since what came before it.

        A clip in which nothing changed has no caption and no facts.
        """
        asked = [_asked(job) for job in jobs]
        replies = self.vision.write(asked, max_tokens=CLIP_TOKENS)
        return [_told(job, reply) for job, reply in zip(jobs, replies, strict=True)]

    def scenes(self, captions: Sequence[Sequence[str]]) -> list[str | None]:
        """Sum up the captions of each scene, given in order of time."""
        kept = [n for n, lines in enumerate(captions) if lines]
        asked = [Asked((), prompts.scene(captions[n])) for n in kept]
        found: list[str | None] = [None] * len(captions)
        replies = self.vision.write(asked, max_tokens=SCENE_TOKENS)
        for n, reply in zip(kept, replies, strict=True):
            text, _ = _read(reply)
            found[n] = None if useless(text) else text
        return found


def useless(text: str) -> bool:
    """Whether a reply describes nothing.

    >>> useless("I'm sorry, but I cannot see images."), useless("A dog runs.")
    (True, False)
    """
    words = _words(text)
    if sum(letter.isalpha() for letter in text) < 2 or _BLIND.search(text[:200]):
        return True
    if len(words) >= 20 and len(set(words)) < len(words) / 5:
        return True
    runs = [tuple(words[n : n + _RUN]) for n in range(len(words) - _RUN + 1)]
    return bool(runs) and sum(run in _OWN for run in runs) >= 0.7 * len(runs)


def _asked(job: ClipJob) -> Asked:
    if not job.images:
        raise UsageError("there is nothing to describe: a clip without frames")
    if job.before_image is None and not job.before_caption:
        return Asked(job.images, prompts.plain(len(job.images)))
    shown = () if job.before_image is None else (job.before_image,)
    told = prompts.changed(len(job.images), shown=bool(shown), told=job.before_caption)
    return Asked((*shown, *job.images), told)


def _told(job: ClipJob, reply: str) -> Told:
    text, facts = _read(reply)
    same = job.before_caption is not None and _words(text) == _words(job.before_caption)
    if same or useless(text) or _is(text, prompts.NOTHING_NEW):
        return None, {}
    return text, {**facts}


def _read(reply: str) -> tuple[str, dict[str, str]]:
    """What a reply says; where there are only facts, they are the description too."""
    text, facts = read(reply)
    return text or "; ".join(facts.values()), facts


def _is(text: str, verdict: str) -> bool:
    """Whether a reply is a verdict, and says nothing beside it.

    >>> _is("Nothing changed here.", "NOTHING CHANGED"), _is("Nothing changed but one", "NOTHING")
    (True, False)
    """
    words, said = _words(text), _words(verdict)
    alone = len(words) <= len(said) + 6 and not _BUT.intersection(words)
    return alone and words[: len(said)] == said


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _runs_of(texts: Sequence[str]) -> frozenset[tuple[str, ...]]:
    told = [_words(text) for text in texts]
    return frozenset(
        tuple(words[n : n + _RUN]) for words in told for n in range(len(words) - _RUN + 1)
    )


_OWN = _runs_of(prompts.WORDINGS)
"""The runs of words of the prompts themselves."""
