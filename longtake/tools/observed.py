"""What second looks saw, as something that can be looked up, quoted and set against the memory.

`serves` decides whether an earlier look answers for a new one: text is read and things are named
without regard to the question, so any look as fine serves; a caption was made with a question in
mind and serves only near questions. `records_of` turns observations into records, so that what
was once looked at closely is found by whoever asks next (S51).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from longtake.storage.observations import Observation
from longtake.storage.records import Record
from longtake.timecode import Span
from longtake.tools.words import tokens

COVERS = 0.8
"""Least share of the wanted span that an earlier look must have seen."""
SAME_QUESTION = 0.85
"""Least cosine of two questions for a caption made for one to serve the other."""
DEPTH = {"changed": -1, "whole": 0, "quarters": 1, "grid": 2}
LEAST_LINE = 0.5
LEAST_TAG = 0.1
MOST_TAGS = 5
TOGETHER = 1.0
"""Seconds between two sightings of one line that still are one line."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One look that is wanted: where, how closely, by which models and for what question.

    `text` off leaves reading out; such a look does not serve one that reads.
    """

    video: str
    span: Span
    rung: str
    fps: float
    crops: str
    boxes: tuple[tuple[float, ...], ...] = ()
    readings: int | None = None
    question: str = ""
    models: dict[str, str] = field(default_factory=dict)
    text: bool = True

    def at(self, span: Span) -> Wanted:
        """The same look at another span."""
        return replace(self, span=span)

    def __or__(self, models: dict[str, str]) -> Wanted:
        """The same look through these models."""
        return replace(self, models=dict(models))

    def how(self) -> dict[str, Any]:
        """What the look is told beside the span."""
        more: dict[str, Any] = {"crops": self.crops, "boxes": self.boxes}
        more |= {"readings": self.readings} if self.readings else {}
        return more | ({} if self.text else {"text": False})

    def seen(self, seen: dict[str, Any], frames: int, asked: str) -> Observation:
        """The observation that this look became."""
        return Observation(
            video=self.video, span=self.span, rung=self.rung, fps=self.fps, crops=self.crops,
            boxes=self.boxes, question=self.question, asked=asked, models=self.models,
            frames=frames, seen=seen,
        )  # fmt: skip


def serves(one: Observation, wanted: Wanted, cosine: float = 1.0) -> bool:
    """Whether what was seen answers for the look that is wanted.

    Args:
        one: an earlier look.
        wanted: the new one.
        cosine: likeness of their questions.
    """
    whole = max(wanted.span.duration, 1e-6)
    if one.video != wanted.video or not wanted.models.items() <= one.models.items():
        return False
    if wanted.span.overlap(one.span) / whole < COVERS or one.fps < wanted.fps - 1e-6:
        return False
    if (one.crops == "grid") != (wanted.crops == "grid") or DEPTH[one.crops] < DEPTH[wanted.crops]:
        return False
    if one.boxes != wanted.boxes and not _hold(one.boxes, wanted.boxes):
        return False
    told = "captioner" in wanted.models and bool(wanted.question)
    return not told or (bool(one.seen.get("caption")) and cosine >= SAME_QUESTION)


def _hold(boxes: Sequence[Sequence[float]], others: Sequence[Sequence[float]]) -> bool:
    """Whether every one of the other parts of the frame lies in one of these."""
    return bool(others) and all(
        any(a[0] <= b[0] and a[1] <= b[1] and a[2] >= b[2] and a[3] >= b[3] for a in boxes)
        for b in others
    )


def cosine_of(models: Any, one: Observation, question: str) -> float:
    """How alike the questions of two looks are; 0 without a text encoder."""
    encoder = getattr(models, "text_encoder", None)
    if encoder is None or not one.question:
        return 0.0
    rows = encoder.encode([one.question, question])
    return float(rows[0] @ rows[1])


def records_of(observations: Sequence[Observation], known: Sequence[Record] = ()) -> list[Record]:
    """Return observations as records of screen text, sight and captions.

    A line that is among the `known` records at that time, or in several observations, is one
    line: counting must not count it twice. Ids begin with ``obs:``; parents name the observation.
    """
    found: list[Record] = []
    at: dict[tuple[str, str], list[Span]] = {}
    for record in known:
        if record.channel == "screen" and record.level == "moment":
            at.setdefault((record.video, plain(record.text)), []).append(record.span)
    for one in observations:
        for n, line in enumerate(one.seen["lines"]):
            made = _line(one, n, line)
            if made is None:
                continue
            spans = at.setdefault((one.video, plain(made.text)), [])
            if not any(_together(made.span, span) for span in spans):
                found.append(made)
            spans.append(made.span)
        found += _sights(one)
        if one.seen.get("caption"):
            found.append(_record(one, "c", one.span, "caption", one.seen["caption"], {}))
    return found


def plain(text: str) -> str:
    """Letters and digits alone, in lower case: two readings of one line are the same."""
    return "".join(tokens(text)).lower()


def line_span(line: dict[str, Any]) -> Span:
    """When a line was seen."""
    return Span(float(line["start"]), max(float(line["start"]), float(line["end"])))


def _together(one: Span, other: Span) -> bool:
    return one.start <= other.end + TOGETHER and other.start <= one.end + TOGETHER


def _line(one: Observation, n: int, line: dict[str, Any]) -> Record | None:
    text = " ".join(str(line.get("text", "")).split())
    score = float(line.get("score", 1.0))
    if sum(c.isalnum() for c in text) < 2 or score < LEAST_LINE:
        return None
    data = {"score": score, **({"box": list(line["box"])} if line.get("box") else {})}
    return _record(one, str(n), line_span(line), "screen", text, data)


def _sights(one: Observation) -> list[Record]:
    """What each frame of a look shows, as kept frames are remembered."""
    frames: dict[float, list[list[Any]]] = {}
    for tag in one.seen["tags"]:
        if float(tag["p"]) >= LEAST_TAG:
            time = float(tag.get("time", one.span.start))
            frames.setdefault(time, []).append([str(tag["label"]), float(tag["p"])])
    hues = {float(hue["time"]): list(hue["names"]) for hue in one.seen.get("colours", ())}
    made, colours = [], list[str]()
    for n, time in enumerate(sorted(frames.keys() | hues.keys())):
        tags = sorted(frames.get(time, []), key=lambda tag: (-tag[1], tag[0]))[:MOST_TAGS]
        colours = hues.get(time, colours)
        end = min(one.span.end, time + 1.0 / one.fps)
        told = (", ".join(label for label, _ in tags), ", ".join(colours))
        data = {"tags": tags, "colours": colours}
        span = Span(time, max(time, end))
        text = "; ".join(part for part in told if part)
        made.append(_record(one, f"s{n}", span, "sight", text, data))
    return made


def _record(
    one: Observation, name: str, span: Span, channel: Any, text: str, data: dict[str, Any]
) -> Record:
    maker = one.models.get({"screen": "text_reader", "sight": "image_tagger"}.get(channel, ""), "")
    return Record(
        id=f"{one.id}:{name}",
        video=one.video,
        level="frame" if channel == "sight" else "moment",
        channel=channel,
        span=span,
        known_at=one.known_at,
        text=text,
        maker=maker or f"look:{one.rung}",
        parents=(one.id,),
        data=data | {"rung": one.rung},
    )
