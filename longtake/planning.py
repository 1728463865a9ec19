"""What later passes will take, before they are run: model calls, pictures, tokens, cost.

For a video that has been watched its real clips, scenes and words are counted; for one that has
not, a typical hour is scaled. Tokens are estimates by stated rules:

- text has a token for four characters;
- a picture has what `picture_tokens` says for the family of the model;
- a description is taken to have `WRITTEN` tokens, a summary or retold window fewer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from longtake.timecode import Seconds

if TYPE_CHECKING:
    from longtake.models.profiles import Models
    from longtake.storage.records import Level, Record
    from longtake.storage.store import Store

WRITTEN = {"clip": 90, "scene": 60, "window": 60}
"""Tokens of one answer: two sentences and some lines of facts; two sentences; two lines."""
ASKED = {"clip": 330, "scene": 120, "window": 90}
"""Tokens of the wording around what is shown or told."""
CHARACTERS = 4.0
"""Characters of a token."""

TYPICAL: Mapping[str, tuple[float, float, float]] = {
    "captions": (390.0, 1150.0, 147_000.0),
    "retell": (90.0, 0.0, 23_000.0),
}
"""Calls, pictures and tokens of text read for an hour of video: captions as bench/profiles.py counts
them on half an hour of clips cut together (a lecture has fewer cuts and takes less), retold speech
for an hour without a pause."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one pass over one video takes; `cost` is None where no prices are known."""

    name: str
    model: str
    calls: int = 0
    images: int = 0
    tokens_read: int = 0
    tokens_written: int = 0
    cost: float | None = None

    def priced(self, prices: tuple[float, float] | None) -> Plan:
        """Return it with what it costs at prices for a million tokens read and written."""
        if prices is None:
            return self
        cost = (self.tokens_read * prices[0] + self.tokens_written * prices[1]) / 1e6
        return replace(self, cost=round(cost, 4))


def picture_tokens(model: str, width: int, height: int, longest: int = 1024) -> int:
    """Estimate the tokens of a picture, scaled to `longest` pixels on its longer side.

    Qwen-VL: one for 32 by 32 pixels (Qwen3-VL's configuration: patches of 16, merged two by two).
    SmolVLM2: 64, as several pictures at a time are not cut into tiles (SmolVLM, arXiv:2504.05299).
    Anything else: 85, and 170 for each tile of 512 pixels (OpenAI's guide to vision, 2024).

    >>> picture_tokens("qwen3-vl-4b-instruct@hub", 1920, 1080)
    576
    """
    scale = min(1.0, longest / max(width, height))
    wide, high = width * scale, height * scale
    name = model.casefold()
    if "qwen" in name:
        return math.ceil(wide / 32) * math.ceil(high / 32)
    if "smolvlm" in name:
        return 64
    shrink = min(1.0, 768 / min(wide, high))
    return 85 + 170 * math.ceil(wide * shrink / 512) * math.ceil(high * shrink / 512)


def count_captions(
    clips: Sequence[Record], scenes: Sequence[Record], model: str, per_image: int
) -> Plan:
    """Count the calls of the captions pass over clips and scenes."""
    from longtake.perception.describe import key_times

    calls = images = read = written = 0
    for scene in scenes:
        inside = [
            one
            for one in clips
            if scene.span.contains(one.span.start) and not one.data.get("same_as")
        ]
        for n, clip in enumerate(inside):
            images += len(key_times(clip)) + (n > 0)
            read += ASKED["clip"] + (WRITTEN["clip"] // 2 if n else 0)
            written += WRITTEN["clip"]
        calls += len(inside) + (len(inside) > 1)
        if len(inside) > 1:
            read += ASKED["scene"] + len(inside) * WRITTEN["clip"] // 2
            written += WRITTEN["scene"]
    return Plan("captions", model, calls, images, read + images * per_image, written)


def count_retell(utterances: Sequence[Record], model: str) -> Plan:
    """Count the calls of the pass that tells speech again."""
    from longtake.perception.retell import windows

    found = windows(utterances)
    text = sum(len(one.text) for window in found for one in window)
    read = len(found) * ASKED["window"] + round(text / CHARACTERS)
    return Plan("retell", model, len(found), 0, read, len(found) * WRITTEN["window"])


def typical(name: str, model: str, seconds: Seconds, per_image: int) -> Plan:
    """Scale a typical hour of a pass to a video that has not been watched."""
    hours = seconds / 3600.0
    calls, images, text = (value * hours for value in TYPICAL[name])
    each = WRITTEN["clip"] if name == "captions" else WRITTEN["window"]
    return Plan(
        name, model, round(calls), round(images), round(text + images * per_image),
        round(calls * each),
    )  # fmt: skip


def plans(
    store: Store | None,
    video: str | None,
    models: Models,
    *,
    seconds: Seconds,
    size: tuple[int, int],
) -> list[Plan]:
    """Return what the passes of a profile that call a model in words will take on one video.

    Args:
        store: the library, None where the video is not in it.
        video: its id.
        seconds: the length of what would be watched.
        size: width and height of the pictures.
    """
    names = models.names()
    watched = store is not None and video is not None and _done(store, video)
    found: list[Plan] = []
    if seeing := names.get("vision"):
        per_image = picture_tokens(seeing, *size, longest=768 if seeing.endswith("@api") else 1024)
        if watched and store is not None and video is not None:
            clips, scenes = (
                _records(store, video, level, "caption") for level in ("clip", "scene")
            )
            plan = count_captions(clips, scenes, seeing, per_image)
        else:
            plan = typical("captions", seeing, seconds, per_image)
        found.append(plan.priced(_prices(models, seeing)))
    if telling := names.get("reteller"):
        if watched and store is not None and video is not None:
            plan = count_retell(_records(store, video, "moment", "speech"), telling)
        else:
            plan = typical("retell", telling, seconds, 0)
        found.append(plan.priced(_prices(models, telling)))
    return found


def added(every: Iterable[Plan]) -> list[Plan]:
    """Add the plans of several videos, pass by pass."""
    total: dict[str, Plan] = {}
    for one in every:
        before = total.get(one.name)
        total[one.name] = one if before is None else Plan(
            one.name, one.model, before.calls + one.calls, before.images + one.images,
            before.tokens_read + one.tokens_read, before.tokens_written + one.tokens_written,
            None if before.cost is None or one.cost is None else before.cost + one.cost,
        )  # fmt: skip
    return list(total.values())


def _done(store: Store, video: str) -> bool:
    progress = store.progress(video, "deep")
    return progress is not None and progress.finished


def _records(store: Store, video: str, level: Level, channel: str) -> list[Record]:
    """What the deep pass remembers, without what later passes added."""
    from longtake.perception.later import NAMES

    later = tuple(f"{name}:" for name in NAMES)
    found = store.records(video=video, level=level, channel=channel)
    return [one for one in found if not one.maker.startswith(later)]


def _prices(models: Models, name: str) -> tuple[float, float] | None:
    """Prices of a model: nothing where it runs here, None where nobody said."""
    if not name.endswith("@api"):
        return (0.0, 0.0)
    read, written = models.settings.api_price_read, models.settings.api_price_written
    return (read, written) if read or written else None
