"""What a stretch of video shows, from the labels and colours that its clips hold.

A composed caption ("Mostly grey. Still picture.") reports on a clip; none of its words is a name
for a scene or a sentence of a summary. So scenes go back to what the caption was made of:
``data["tags"]`` and ``data["colours"]``. Only a clip that holds neither, because a captioner wrote
it, gives its text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from longtake.storage.records import Record

NAMED = 0.4
"""Least probability at which a label is named at all."""
SURE = 0.5
"""Labels below it are said with "maybe"."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Labels, colours and told captions of a stretch; `any` is whether there are pictures."""

    sure: tuple[str, ...] = ()
    maybe: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    any: bool = False

    @property
    def things(self) -> tuple[str, ...]:
        """Labels to name the stretch by: doubtful ones only where there is no other."""
        return self.sure or self.maybe

    def sentence(self, *, speech: bool, text: bool) -> str:
        """Say what is seen, and what there is none of."""
        if self.told:
            return " ".join(dict.fromkeys([self.told[0], self.told[-1]]))
        if not self.any:
            return ""
        parts = [f"Shows {', '.join(self.sure)}"] if self.sure else []
        parts += [f"maybe {', '.join(self.maybe)}"] if self.maybe else []
        parts = parts or [f"{' and '.join(self.colours)} pictures".strip()]
        parts.append(", ".join(["no speech"] * (not speech) + ["no text"] * (not text)))
        whole = "; ".join(part for part in parts if part)
        return f"{whole[0].upper()}{whole[1:]}."


def look(clips: Sequence[Record], most: int = 4) -> Seen:
    """Sum up clips; a clip that repeats another is stood in for by that one (see `Record`)."""
    total: dict[str, float] = {}
    best: dict[str, float] = {}
    colours: dict[str, float] = {}
    told: list[str] = []
    for clip in clips:
        if "tags" not in clip.data and "colours" not in clip.data:
            told += [clip.text] if clip.text else []
            continue
        for label, p in clip.data.get("tags", ()):
            if p >= NAMED:
                total[label] = total.get(label, 0.0) + float(p) * clip.span.duration
                best[label] = max(best.get(label, 0.0), float(p))
        for place, name in enumerate(clip.data.get("colours", ())[:2]):
            colours[name] = colours.get(name, 0.0) + clip.span.duration / (1 + place)
    ranked = _distinct(sorted(total, key=lambda label: (-round(total[label], 6), label)))[:most]
    return Seen(
        sure=tuple(label for label in ranked if best[label] >= SURE),
        maybe=tuple(label for label in ranked if best[label] < SURE),
        colours=tuple(sorted(colours, key=lambda name: (-round(colours[name], 6), name))[:2]),
        told=tuple(told),
        any=bool(colours or told or total),
    )


def _distinct(labels: Sequence[str]) -> list[str]:
    """Leave out labels whose last word is named already: "computer", "handheld computer"."""
    kept: dict[str, str] = {}
    for label in labels:
        kept.setdefault(label.split()[-1].lower(), label)
    return list(kept.values())
