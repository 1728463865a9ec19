"""What was searched, and an honest hint when little was found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from longtake.memory.channels import WORD_CHANNELS, Scope
from longtake.memory.levels import FOREVER
from longtake.memory.moments import Moment, Searched
from longtake.memory.terms import Query
from longtake.timecode import Seconds, Span, format_time

if TYPE_CHECKING:
    from longtake.storage.store import Store

WEAK = 0.35
"""Evidence below which a search says that it found nothing sure."""


def searched(store: Store, scope: Scope, finished: set[str]) -> list[Searched]:
    """Return what of each video had been watched and lies in scope.

    What only the quick pass has seen is given at level ``frame``. Videos whose deep pass has
    finished are noted in `finished`, so a large library is not asked about each again.
    """
    found: list[Searched] = []
    for video in scope.known:
        asked = scope.span or Span(0.0, max(video.duration, 0.0))
        limit = min(asked.end, video.duration, scope.as_of if scope.as_of is not None else FOREVER)
        deep = FOREVER if video.id in finished else _done(store, video.id, "deep")
        quick = 0.0 if deep == FOREVER else _done(store, video.id, "quick")
        if deep == FOREVER:
            finished.add(video.id)
        for low, high, level in (
            (asked.start, min(limit, deep), scope.level or "moment"),
            (max(asked.start, deep), min(limit, quick), "frame"),
        ):
            if high > low:
                found.append(Searched(video.id, low, high, level))
    return found


def _done(store: Store, video: str, pass_: str) -> Seconds:
    progress = store.progress(video, pass_)
    if progress is None:
        return 0.0
    return FOREVER if progress.finished else progress.done


def hint(
    store: Store,
    query: Query,
    scope: Scope,
    looked: Sequence[Searched],
    moments: Sequence[Moment],
    best: float,
) -> str:
    """Say what was searched, the best score and what to try; "" when enough was found."""
    found = max((moment.coverage for moment in moments), default=0.0)
    unknown = [one for one in query.terms if not store.document_frequency(one, scope.as_of)[0]]
    if moments and best >= WEAK and not (unknown and found < 0.5):
        return ""
    where = ", ".join(channel for channel in WORD_CHANNELS if channel in scope.within)
    minutes = sum(one.end - one.start for one in looked) / 60
    many = len({one.video for one in looked})
    parts = [
        f"searched {where} in {minutes:.1f} min of {many} video{'' if many == 1 else 's'}",
        f"best match {best:.2f}" if moments else "nothing matched",
    ]
    if unknown:
        parts.append(f"nowhere in the library: {', '.join(unknown[:5])}")
    return "; ".join(parts) + ". " + "; ".join(_advice(query, scope, looked)) + "."


def _advice(query: Query, scope: Scope, looked: Sequence[Searched]) -> list[str]:
    advice: list[str] = []
    seen = {video.id: 0.0 for video in scope.known}
    for one in looked:
        seen[one.video] = max(seen[one.video], one.end)
    behind = [v for v in scope.known if scope.span is None and seen[v.id] < v.duration - 1.0]
    if behind and scope.as_of is None:
        first = behind[0]
        advice.append(
            f"{first.name} has been watched only up to {format_time(seen[first.id], millis=False)}"
        )
    if scope.span is not None:
        advice.append("Try without the time limit")
    pictured = query.picture is not None and not query.terms
    if len(scope.within) < len(WORD_CHANNELS) and not pictured:
        advice.append("Try all channels")
    if scope.videos is not None:
        advice.append("Try other videos")
    return advice or ["Try another picture" if pictured else "Try other words, or fewer"]
