"""Telling how far a watch has come: bars on a terminal, plain lines elsewhere, or JSON lines.

All of it goes to stderr. An event is `Library.ingest`'s: `{"stage", "done", "total", "speed",
"eta", "askable"}` in seconds of video, or in bytes while a model is fetched (`stage` "models"); a
pass that asks a model in words adds what that came to, ``asked``, and one that follows a stream by
how many seconds what is kept is behind what has come, ``lag``.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Self, TypeAlias

import click

from longtake.cli.output import clean
from longtake.cli.times import clock

Event: TypeAlias = Mapping[str, Any]

MODES = ("auto", "plain", "json", "none")


class Reporter:
    """Takes events while it is open; whatever is on the terminal stays there."""

    def __call__(self, event: Event) -> None:
        """Report one event."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self.begin()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def begin(self) -> None:
        """Get ready."""

    def end(self) -> None:
        """Let the terminal go."""


class Silent(Reporter):
    """Reports nothing."""

    def __call__(self, event: Event) -> None:
        """Take the event and stay silent."""


class JsonLines(Reporter):
    """Writes each event as one line of JSON."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, event: Event) -> None:
        """Write the event."""
        click.echo(json.dumps({"source": self.name, **event}, ensure_ascii=False), err=True)


class PlainLines(Reporter):
    """Writes a line when a stage begins or ends, and every so many seconds between."""

    def __init__(
        self, name: str, *, every: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = name
        self.every = every
        self.now = now
        self._state = ""
        self._told = 0.0

    def __call__(self, event: Event) -> None:
        """Write a line if it is time."""
        over = event["total"] is not None and event["done"] >= event["total"]
        state = f"{event['stage']} {event.get('name', '')} {over}"
        due = not over and self.now() - self._told >= self.every
        if state != self._state or due:
            click.echo(f"{clean(self.name)}: {describe(event)}", err=True)
            self._told, self._state = self.now(), state


class Bars(Reporter):
    """Draws one bar for each stage with rich."""

    def __init__(self, name: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskID, TextColumn
        from rich.table import Column

        # Names and facts are passed as plain text: rich must not read marks in a file name.
        self._progress = Progress(
            TextColumn("{task.fields[label]}", markup=False, table_column=Column(no_wrap=True)),
            BarColumn(bar_width=14),
            TextColumn("{task.fields[facts]}", markup=False, table_column=Column(no_wrap=True)),
            console=Console(stderr=True),
        )
        self._tasks: dict[str, TaskID] = {}
        self._name = clean(name)

    def begin(self) -> None:
        """Write the name above the bars and draw them."""
        self._progress.console.print(self._name, markup=False, highlight=False)
        self._progress.start()

    def end(self) -> None:
        """Draw the bars a last time."""
        self._progress.stop()

    def __call__(self, event: Event) -> None:
        """Move the stage's bar."""
        stage = f"{event['stage']} {event.get('name', '')}".strip()
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(
                stage, total=event["total"], label=stage, facts=""
            )
        facts = " · ".join(_facts(event))
        self._progress.update(
            self._tasks[stage], completed=event["done"], total=event["total"], facts=facts
        )


def reporter(mode: str, *, every: float, name: str) -> Reporter:
    """Return the reporter for a mode of `MODES`; `auto` draws bars only on a terminal."""
    if mode == "none":
        return Silent()
    if mode == "json":
        return JsonLines(name)
    if mode == "auto" and sys.stderr.isatty():
        return Bars(name)
    return PlainLines(name, every=every)


def describe(event: Event) -> str:
    """Say one event in words.

    >>> describe({"stage": "deep", "done": 60.0, "total": 240.0, "speed": 8.0, "eta": 22.5,
    ...           "askable": True})
    'deep 00:01:00 of 00:04:00, 25 %, 8.0× real time, ETA 00:00:22, askable now'
    """
    total = event["total"]
    done, *rest = _facts(event)
    if total:
        rest.insert(0, f"{min(100 * event['done'] / total, 100):.0f} %")
    stage = f"{event['stage']} {event.get('name', '')}".strip()
    return ", ".join([f"{stage} {done}", *rest])


def _facts(event: Event) -> list[str]:
    done, total = event["done"], event["total"]
    if event["stage"] == "models":
        whole = f" of {total / 1e6:.1f}" if total else ""
        return [f"{done / 1e6:.1f}{whole} MB"]
    parts = [f"{clock(done)} of {clock(total)}" if total is not None else f"at {clock(done)}"]
    if event.get("speed"):
        parts.append(f"{event['speed']:.1f}× real time")
    if event.get("eta"):
        parts.append(f"ETA {clock(event['eta'])}")
    if event.get("askable"):
        parts.append("askable now")
    if (lag := event.get("lag")) is not None:
        parts.append(f"lag {lag:.0f} s")
    if asked := event.get("asked"):
        parts.append(spent(asked))
    return parts


def spent(asked: Mapping[str, Any]) -> str:
    """Say what was asked of a model in words, and its cost where that is known.

    >>> spent({"calls": 12, "images": 30, "tokens_read": 20500, "tokens_written": 900, "cost": 0.03})
    '12 calls with 30 pictures, 21.4 k tokens, cost 0.0300'
    """
    tokens = (asked["tokens_read"] + asked["tokens_written"]) / 1000
    cost = "" if asked["cost"] is None else f", cost {asked['cost']:.4f}"
    return f"{asked['calls']} calls with {asked['images']} pictures, {tokens:.1f} k tokens{cost}"
