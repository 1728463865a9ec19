"""Does a watch tell of each change once and on time, and of nothing else?

    python -m bench.standing [--world harbour] [--photos FOLDER] [--folder DIR] [--no-static]

A drawn and spoken stream (`bench.worlds.standing`, `bench.worlds.harbour`) is replayed and watched
for twelve things with the profile's models, all at once. A change is found when its alert comes
within `LATE` seconds of stream time after it; every other alert is false, near misses and repeated
ones among them. In the same run, over the same moments: periodic alerts (as many, evenly spread,
mean over offsets), and each mechanism switched off (`CONTROLS`). Then ten minutes in which nothing
happens. `delay` is in stream time; `with_work` adds the seconds of computing since the deciding
moment arrived, as they would pass in a live stream. `--photos` puts photographs in the place of
drawings, found by the patterns that the worlds name.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.machine import emit, machine, say
from bench.worlds import harbour, standing
from bench.worlds.watched import START, Event, World, make_static
from longtake.agent.standing.firing import COOLDOWN, RULES
from longtake.agent.standing.gates import Decision
from longtake.agent.standing.names import Memo
from longtake.agent.standing.predicate import parse
from longtake.agent.standing.watcher import PREROLL, STEP, Alert, Query, Watcher
from longtake.models.profiles import open_models
from longtake.perception.decode import Decoder

LATE = 2.0
"""Seconds of stream time after a change within which it must be told."""
OFFSETS = 20
MAKERS: Mapping[str, Callable[[Path, Path | None], World]] = {
    **{name: partial(standing.make, script) for name, script in standing.WORLDS.items()},
    "harbour": harbour.make,
}


@dataclass(frozen=True, slots=True)
class Control:
    """What is switched off: of the watcher, of every rule, of the cooldown."""

    watcher: Mapping[str, bool] = field(default_factory=dict)
    rules: Mapping[str, Any] = field(default_factory=dict)
    cooldown: float = COOLDOWN


CONTROLS: Mapping[str, Control] = {
    "first_gate_alone": Control({"second": False}),
    "no_contrast": Control({"contrast": False}),
    "no_hysteresis": Control(rules={"hysteresis": False}),
    "one_vote": Control(rules={"k": 1, "n": 1}),
    "no_cooldown": Control(cooldown=0.0),
    "nothing_but_first_gate": Control(
        {"second": False, "contrast": False}, {"hysteresis": False, "k": 1, "n": 1}
    ),
}


class Beside(Watcher):
    """A watcher beside which others weigh the same moments: the controls, in one pass.

    They share its senses and its closer looks, so nothing is read, heard or looked at twice.
    """

    def __init__(self, queries: Sequence[Query], models: Any, start: float) -> None:
        self._memo = Memo()
        super().__init__(queries, models, start=start, fresh=start == 0, store=self._memo)
        self.others: dict[str, Watcher] = {}
        self.told: dict[str, list[Alert]] = {}

    def add(self, name: str, queries: Sequence[Query], models: Any, **off: Any) -> None:
        """Put a control beside it."""
        fresh = self.start == 0
        other = Watcher(queries, models, start=self.start, fresh=fresh, store=self._memo, **off)
        other._window = self._window
        if other.decision._closer is not None:
            other.decision = Decision(self.decision._closer)
        for mine, its in zip(self._posts, other._posts, strict=True):
            its.gate.meanings, its.gate.names = mine.gate.meanings, mine.gate.names
        self.others[name], self.told[name] = other, []

    def _moment(self, now: float, image: Any) -> Any:
        moment = super()._moment(now, image)
        for name, other in self.others.items():
            other.now = self.now
            self.told[name] += other._weigh(moment, time.monotonic())
        return moment


def watch(
    path: Path, world: World, models: Any, *, start: float = START, controls: bool = False
) -> tuple[list[Alert], Beside]:  # fmt: skip
    """Replay a stream and watch it from `start` on."""
    begin = max(0.0, start - PREROLL)
    watcher = Beside(queries_of(world), models, start)
    for name, off in CONTROLS.items() if controls else ():
        watcher.add(name, queries_of(world, off), models, **off.watcher)
    decoder = Decoder(path, start=begin, fine_fps=4.0, coarse_fps=1 / STEP, max_side=1280)
    alerts = []
    for one in watcher.run(decoder):
        say(f"{one.at:7.1f} {one.delay:5.2f} {one.query}: {one.channel} {one.quote!r} {one.p:.2f}")
        alerts.append(one)
    return alerts, watcher


def queries_of(world: World, off: Control | None = None) -> list[Query]:
    """The world's queries, those that never come true among them; a control's rules."""
    off = off or Control()
    rules = {name: replace(rule, **off.rules) for name, rule in RULES.items()}
    wished = [(one.query, one.nots) for one in world.events] + [(one, ()) for one in world.never]
    return [Query(parse(query, nots), rules, off.cooldown) for query, nots in wished]


def scored(events: Sequence[Event], alerts: Sequence[tuple[str, float]]) -> dict[str, Any]:
    """Match (query, time) to changes: found, false, missed, F1, and the most for one event."""
    left, delays = list(alerts), []
    missed, most = [], 0
    for event in events:
        name, begin = parse(event.query).text, event.onset - event.early
        end = max(event.until, event.onset + LATE)
        times = [at for query, at in alerts if query == name and begin <= at <= end]
        hits = [at for at in times if at <= event.onset + LATE and (name, at) in left]
        most = max(most, len(times))
        if hits:
            delays.append(round(hits[0] - event.onset, 2))
            left.remove((name, hits[0]))
        else:
            missed.append(event.query)
    found = len(delays)
    f1 = 2 * found / (2 * found + len(left) + len(missed)) if events else 0.0
    return {
        "f1": round(f1, 3), "found": found, "of": len(events), "false": len(left),
        "most_for_one_event": most, "missed": missed, "delays": delays,
        "false_alerts": [[query, round(at, 1)] for query, at in left],
    }  # fmt: skip


def periodic(events: Sequence[Event], alerts: Sequence[Alert], end: float) -> float:
    """Mean F1 of as many alerts of each query, evenly spread."""
    counts = {parse(one.query).text: 0 for one in events}
    for alert in alerts:
        if alert.query in counts:
            counts[alert.query] += 1
    values = []
    for n in range(OFFSETS):
        made = [
            (query, START + (i + (n + 0.5) / OFFSETS) * (end - START) / count)
            for query, count in counts.items()
            for i in range(count)
        ]
        values.append(scored(events, made)["f1"])
    return round(float(np.mean(values)), 3)


def spread(values: Sequence[float]) -> dict[str, float]:
    """Where delays lie."""
    if not values:
        return {}
    at = {"least": 0, "median": 50, "p90": 90, "most": 100}
    return {name: round(float(np.percentile(values, p)), 2) for name, p in at.items()}


def measure(world: World, models: Any, *, controls: bool = True) -> dict[str, Any]:
    """Watch one world, and each control over the same answers."""
    began = time.monotonic()
    alerts, watcher = watch(world.path, world, models, controls=controls)
    seconds = time.monotonic() - began
    told = scored(world.events, [(one.query, one.at) for one in alerts])
    made: dict[str, Any] = {
        "world": world.name, "photographs": world.photographs, "seconds": world.seconds,
        "watch": told, "delay": spread(told["delays"]),
        "with_work": spread([one.delay + one.work for one in alerts]),
        "times_real_time": round((world.seconds - START + PREROLL) / seconds, 2),
        "moments": watcher.moments, "opened": watcher.opened, "asked": watcher.decision.asked,
        "near_misses": list(world.near_misses),
    }  # fmt: skip
    if controls:
        made["controls"] = {"periodic": {"f1": periodic(world.events, alerts, world.seconds)}}
        for name, others in watcher.told.items():
            tried = scored(world.events, [(one.query, one.at) for one in others])
            kept = ("f1", "found", "false", "most_for_one_event", "missed", "false_alerts")
            made["controls"][name] = {key: tried[key] for key in kept}
    return made


def static(folder: Path, world: World, models: Any) -> dict[str, Any]:
    """Ten minutes in which nothing happens."""
    path = make_static(folder)
    began = time.monotonic()
    alerts, watcher = watch(path, world, models, start=0.0)
    return {"seconds": 600, "alerts": len(alerts), "opened": watcher.opened,
            "took": round(time.monotonic() - began, 1)}  # fmt: skip


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--world", action="append", choices=sorted(MAKERS))
    parser.add_argument("--photos", type=Path, help="a folder of photographs, for those drawn")
    parser.add_argument("--folder", type=Path, help="where the streams are made and kept")
    parser.add_argument("--profile", default="offline")
    parser.add_argument("--no-static", action="store_true")
    parser.add_argument("--no-controls", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder or Path(scratch)
        models = open_models(given.profile)
        worlds = [MAKERS[name](folder, given.photos) for name in given.world or sorted(MAKERS)]
        report: dict[str, Any] = {"bench": "standing", "machine": machine(), "late": LATE}
        report["worlds"] = [measure(one, models, controls=not given.no_controls) for one in worlds]
        if not given.no_static:
            report["static"] = static(folder, worlds[0], models)
        emit(report)


if __name__ == "__main__":
    main()
