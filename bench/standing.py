"""Does a watch tell of each change once and on time, and of nothing else?

    python -m bench.standing [--world market] [--photos FOLDER] [--folder DIR] [--no-static]

A drawn and spoken stream (`bench.worlds.standing`) is replayed and watched for twelve things with
the profile's models, all at once. A change is found when its alert comes within `LATE` seconds of
stream time after it; every other alert is false, ten near misses and repeated ones among them. In
the same run: periodic alerts (as many, evenly spread, mean over offsets), the first gate alone, no
contrast, no hysteresis, over the same moments. Then ten minutes in which nothing happens. `delay`
is in stream time; `with_work` adds the seconds of computing since the deciding moment arrived, as
they would pass in a live stream.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.machine import emit, machine, say
from bench.worlds.standing import START, WORLDS, Event, World, make, make_static
from longtake.agent.standing.firing import RULES
from longtake.agent.standing.gates import Decision
from longtake.agent.standing.names import Memo
from longtake.agent.standing.predicate import parse
from longtake.agent.standing.watcher import PREROLL, STEP, Alert, Query, Watcher
from longtake.models.profiles import open_models
from longtake.perception.decode import Decoder

LATE, EARLY = 2.0, 0.3
"""Seconds of stream time after a change within which it must be told; a word's end is not exact."""
OFFSETS = 20
CONTROLS: dict[str, dict[str, Any]] = {
    "first_gate_alone": {"second": False},
    "no_contrast": {"contrast": False},
    "no_hysteresis": {"hysteresis": False},
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
        self.others[name], self.told[name] = other, []

    def _moment(self, now: float, image: Any) -> Any:
        moment = super()._moment(now, image)
        for name, other in self.others.items():
            other.now = self.now
            self.told[name] += other._weigh(moment, time.monotonic())
        return moment


def watch(
    path: Path, events: Sequence[Event], models: Any, *, start: float = START,
    controls: bool = False,
) -> tuple[list[Alert], Beside]:  # fmt: skip
    """Replay a stream and watch it from `start` on."""
    begin = max(0.0, start - PREROLL)
    watcher = Beside(queries_of(events), models, start)
    for name, given in CONTROLS.items() if controls else ():
        off = dict(given)
        watcher.add(name, queries_of(events, hysteresis=off.pop("hysteresis", True)), models, **off)
    decoder = Decoder(path, start=begin, fine_fps=4.0, coarse_fps=1 / STEP, max_side=1280)
    return list(watcher.run(decoder)), watcher


def queries_of(events: Sequence[Event], *, hysteresis: bool = True) -> list[Query]:
    """The world's queries; without hysteresis a query speaks whenever its cooldown is over."""
    rules = {name: replace(rule, hysteresis=hysteresis) for name, rule in RULES.items()}
    return [Query(parse(one.query, one.nots), rules) for one in events]


def scored(events: Sequence[Event], alerts: Sequence[tuple[str, float]]) -> dict[str, Any]:
    """Match (query, time) to changes: found, false, missed, F1, and the most for one event."""
    left, found, delays = list(alerts), 0, []
    missed, most = [], 0
    for event in events:
        own = event.query
        name = parse(own).text
        hits = [at for query, at in left if query == name
                and event.onset - EARLY <= at <= event.onset + LATE]  # fmt: skip
        during = [at for query, at in alerts if query == name
                  and event.onset - EARLY <= at <= max(event.until, event.onset + LATE)]  # fmt: skip
        most = max(most, len(during))
        if hits:
            found += 1
            delays.append(round(hits[0] - event.onset, 2))
            left.remove((name, hits[0]))
        else:
            missed.append(own)
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
    alerts, watcher = watch(world.path, world.events, models, controls=controls)
    seconds = time.monotonic() - began
    told = scored(world.events, [(one.query, one.at) for one in alerts])
    for one in alerts:
        say(f"{one.at:7.1f} {one.delay:5.2f} {one.query}: {one.channel} {one.quote!r} {one.p:.2f}")
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
            kept = ("f1", "found", "false", "most_for_one_event")
            made["controls"][name] = {key: tried[key] for key in kept}
    return made


def static(folder: Path, events: Sequence[Event], models: Any) -> dict[str, Any]:
    """Ten minutes in which nothing happens."""
    path = make_static(folder)
    began = time.monotonic()
    alerts, watcher = watch(path, events, models, start=0.0)
    return {"seconds": 600, "alerts": len(alerts), "opened": watcher.opened,
            "took": round(time.monotonic() - began, 1)}  # fmt: skip


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--world", action="append", choices=sorted(WORLDS))
    parser.add_argument("--photos", type=Path, help="a folder of photographs, for those drawn")
    parser.add_argument("--folder", type=Path, help="where the streams are made and kept")
    parser.add_argument("--profile", default="offline")
    parser.add_argument("--no-static", action="store_true")
    parser.add_argument("--no-controls", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder or Path(scratch)
        models = open_models(given.profile)
        worlds = [make(WORLDS[name], folder, given.photos) for name in given.world or ["market"]]
        report: dict[str, Any] = {"bench": "standing", "machine": machine(), "late": LATE}
        report["worlds"] = [measure(one, models, controls=not given.no_controls) for one in worlds]
        if not given.no_static:
            report["static"] = static(folder, worlds[0].events, models)
        emit(report)


if __name__ == "__main__":
    main()
