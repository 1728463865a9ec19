"""Consolidation as a process of its own, beside the one that perceives.

`python -m longtake.consolidate VIDEO` reads its settings as one line of JSON from standard input,
which stays open as long as it is wanted. It looks twice a second whether the deep pass of VIDEO is
ahead of what is consolidated, and then opens the library for one step in one transaction (see
`longtake.memory.consolidation`). It ends when the video has ended and is consolidated; when nobody
holds its input any more it catches up first. It may be killed at any instant and started again.

`Beside` starts it and watches over it.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from typing import IO, TYPE_CHECKING, Any

from longtake.errors import Locked
from longtake.timecode import Seconds

if TYPE_CHECKING:
    from longtake.config import Settings
    from longtake.models.protocols import TextEncoder

COMMAND: tuple[str, ...] = (sys.executable, "-m", "longtake.consolidate")
LOOK: Seconds = 0.5
"""Pause between two looks at the library."""
TURN: Seconds = 60.0
"""How long to wait for other writers before looking anew."""
RESTARTS = 5
_PATIENCE: Seconds = 120.0
"""How long one that is let go may take to catch up."""


def run(
    settings: Settings, video: str, encoder: Callable[[], TextEncoder], alone: threading.Event
) -> None:
    """Consolidate a video until it has ended, or, once `alone` is set, what there is."""
    from longtake.memory.consolidation import due
    from longtake.memory.levels import LEVELS
    from longtake.storage.store import Store

    with Store.open(settings.library) as reader:
        while True:
            last = alone.is_set()
            if due(reader, video):
                step(settings, video, encoder())
                continue
            levels = reader.progress(video, LEVELS)
            if last or (levels and levels.finished):
                return
            alone.wait(LOOK)


def step(settings: Settings, video: str, encoder: TextEncoder) -> None:
    """Open the library for one step, unless another writer has it for long."""
    from longtake.memory.bounding import capacity_of
    from longtake.memory.consolidation import Consolidator
    from longtake.models.quiet import give_back
    from longtake.storage.store import Store

    try:
        with Store.open(settings.library, write=True, wait=TURN) as store:
            known = store.video(video)
            capacity = capacity_of(known, settings.capacity, settings.live.capacity)
            Consolidator(store, known, encoder, capacity=capacity, budget=settings.budget).step()
    except Locked:
        return  # a long writer: intake goes on meanwhile, and so does this, later
    give_back()


class Beside:
    """The consolidating process of one video, seen from the one that perceives.

    When it dies it is begun again after a growing pause, `RESTARTS` times; then `gave_up` is true.
    `look` is to be called now and then; it returns sentences for people.
    """

    def __init__(
        self, settings: Settings, video: str, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._told = json.dumps(_options(settings)) + "\n"
        self._video, self._now = video, now
        self.process: subprocess.Popen[str] | None = None
        self._said: IO[str] | None = None
        self._deaths = 0
        self._due = 0.0
        self.gave_up = False

    def look(self) -> list[str]:
        """Begin it when it is not there; say so when it had died."""
        told: list[str] = []
        if self.process and self.process.poll() is not None:
            told += self._buried(self.process.returncode)
        if self.process is None and not self.gave_up and self._now() >= self._due:
            self._begin()
        return told

    def finish(self) -> list[str]:
        """Let it catch up and end; what it left undone is for the caller."""
        process = self.process
        if process is None:
            return []
        self._let_go()
        try:
            process.wait(_PATIENCE)
        except BaseException as error:
            process.kill()
            process.wait()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
        return self._buried(process.returncode)

    def _begin(self) -> None:
        # A file, not a pipe: nobody reads while it works, and a full pipe would stop it.
        self._said = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        self.process = subprocess.Popen(
            [*COMMAND, self._video], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=self._said, text=True, encoding="utf-8", start_new_session=True,
        )  # fmt: skip
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(self._told)
            self.process.stdin.flush()
        except OSError:
            return  # it is dead already; the next look sees that

    def _let_go(self) -> None:
        """Close its input, which tells it that nobody waits any more."""
        if self.process and self.process.stdin:
            try:
                self.process.stdin.close()
            except OSError:
                return  # it is dead already

    def _buried(self, code: int) -> list[str]:
        """Take note of its end; return what to tell about it."""
        self._let_go()
        self.process = None
        why = _last_line(self._said)
        self._said = None
        if code == 0:
            return []
        self._deaths += 1
        why = why or f"exit code {code}"
        if self._deaths > RESTARTS:
            self.gave_up = True
            return [f"consolidation stopped ({why}); it is done with each chunk from now on"]
        pause = 2.0 ** (self._deaths - 1)
        self._due = self._now() + pause
        return [f"consolidation stopped ({why}) and is begun again after {pause:g} s"]


def _last_line(said: IO[str] | None) -> str:
    if said is None:
        return ""
    with said:
        said.seek(0)
        lines = [line.strip() for line in said if line.strip()]
    return lines[-1][:200] if lines else ""


def _options(settings: Settings) -> dict[str, Any]:
    """The settings as the other process reads them; the secret comes by the environment."""
    from longtake.config import SECRETS
    from longtake.settings import NO_OPTIONS

    told = dataclasses.asdict(settings)
    kept = {name: value for name, value in told.items() if name not in {*NO_OPTIONS, *SECRETS}}
    return json.loads(json.dumps(kept, default=str))  # type: ignore[no-any-return]


def until_closed(handle: int) -> threading.Event:
    """Return an event that is set when nobody holds the other end of a pipe any more."""
    alone = threading.Event()

    def wait() -> None:
        while os.read(handle, 4096):  # not through a buffer: its lock would outlive the program
            pass
        alone.set()

    threading.Thread(target=wait, name="longtake-parent", daemon=True).start()
    return alone


def main(arguments: Sequence[str]) -> None:
    """Consolidate the video that the arguments name."""
    from longtake.config import load_settings
    from longtake.models.profiles import Models
    from longtake.models.store import ModelStore

    settings = load_settings(**json.loads(sys.stdin.readline()))
    models = Models(settings, ModelStore(settings.models_dir))
    alone = until_closed(sys.stdin.fileno())
    run(settings, arguments[0], lambda: models.text_encoder, alone)


if __name__ == "__main__":
    main(sys.argv[1:])
