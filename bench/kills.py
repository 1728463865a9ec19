"""Kill the parts of a followed video at random instants; compare with a run nobody disturbed.

    python -m bench.kills [--instants 50] [--seed 1] [--only perception]

* perception: a process follows a recording into a new library; it gets SIGKILL at a random
  instant, and another goes on to the end.
* consolidation: a process makes levels while chunks are written; it gets SIGKILL at random
  instants and is begun again each time.
* reasoning: a process asks and looks again; it gets SIGKILL at a random instant (`kills_asking`).
* recorder: a process records a stream that comes in real time from a server on loopback; it gets
  SIGKILL at a random instant, and another takes the recording up. Nothing that was in the files at
  the kill may be lost, no packet may be there twice, and the gap must be noted.

Models are stand-ins that read what is drawn and hear tones: what is measured is that nothing
committed is lost and nothing is there twice, not what is understood. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

from bench.kills_asking import killed, reasoning
from bench.machine import emit, machine, say
from bench.resume import difference, problems, snapshot, twice

CHILD = [sys.executable, "-m", "bench.kills", "--child"]
_SCENES = (("white", "alpha beta"), ("blue", "gamma"), ("red", "delta"))
TONES = {400.0: "welcome to the lecture", 800.0: "here is the second part"}


def compared(expected: dict[str, str], library: Path, kills: int) -> dict[str, Any]:
    """Hold what a library remembers against what it should."""
    wrong = difference(expected, snapshot(library))
    row: dict[str, Any] = {"kills": kills, "problems": problems(library), "twice": twice(library)}
    row |= {name: len(ids) for name, ids in wrong.items()}
    if any(wrong.values()):
        row["examples"] = {name: ids[:3] for name, ids in wrong.items()}
    return row


def clean(row: dict[str, Any]) -> bool:
    """Whether a round left nothing wrong."""
    return not any(row[name] for name in ("missing", "extra", "changed", "problems"))


def summed(rows: Sequence[dict[str, Any]], ok: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The figures of one part."""
    return {
        "instants": len(rows),
        "kills": sum(row["kills"] for row in rows),
        "as_undisturbed": sum(map(ok, rows)),
        "wrong": [row for row in rows if not ok(row)],
    }


# -- perception ----------------------------------------------------------------------------


def draw(folder: Path, seconds: int) -> Path:
    """Draw a recording: scenes of 10 s with text, some of them moving, and two voices."""
    import numpy as np

    from tests.fakes import tone
    from tests.media import Scene, draw_video

    rate = 16_000
    scenes = [Scene(10, *_SCENES[n % 3], moving=n % 2 == 1) for n in range(max(1, seconds // 10))]
    sound = np.zeros(10 * len(scenes) * rate, np.float32)
    for n in range(len(scenes)):
        at = (10 * n + 2) * rate
        sound[at : at + 3 * rate] = tone(800.0 if n % 2 else 400.0, 3.0, rate)
    path = folder / "recording.ts"
    return draw_video(path, scenes, fps=5, size=(160, 90), sound=sound, rate=rate)


def drawn_models() -> Any:
    """Stand-ins that read what `draw` has drawn and hear its tones."""
    from tests.fakes import FakeReader, FakeTranscriber, fake_models
    from tests.media import read_blocks

    def lines(image: Any) -> list[str]:
        return [one for one in read_blocks(image).split("\n") if one]

    return fake_models(text_reader=FakeReader(lines), transcriber=FakeTranscriber(tones=TONES))


def perceive(source: Path, library: Path, *, apart: bool) -> None:
    """Follow a recording in this process; a line for each chunk."""
    from longtake import consolidate
    from longtake.config import load_settings
    from longtake.follow import Follow
    from longtake.library import Library

    if apart:  # stand-ins are objects, but the consolidating child can make its own
        Follow._apart = lambda self: True  # type: ignore[method-assign]
        consolidate.COMMAND = (*CHILD, "consolidate")
    settings = load_settings(library=library, profile="offline", chunk_seconds=10)
    with Library(settings, models=drawn_models()) as opened:
        opened.ingest(
            source, follow=0.2, on_progress=lambda event: print(event["done"], flush=True)
        )


def perception(folder: Path, instants: int, seed: int, seconds: int = 60) -> dict[str, Any]:
    """Kill perception once in each round."""
    source, chance = draw(folder, seconds), Random(seed)
    calm = folder / "calm.longtake"
    began = time.monotonic()
    alone = [*CHILD, "perceive-alone", str(source), str(calm)]
    ended = subprocess.run(alone, check=True, stdout=subprocess.PIPE)
    chunks = len(ended.stdout.splitlines())
    step = (time.monotonic() - began) / max(1, chunks)
    expected, rows = snapshot(calm), []
    for number in range(instants):
        library = folder / f"perception-{number}.longtake"
        command = [*CHILD, "perceive", str(source), str(library)]
        hit, _ = killed(command, chance.randint(0, chunks - 1), chance.uniform(0.0, step))
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        rows.append(compared(expected, library, int(hit)))
        say(f"perception {number + 1}/{instants}: {rows[-1]}")
    return summed(rows, clean) | {"remembered": len(expected)}


# -- consolidation -------------------------------------------------------------------------


def consolidate_here(video: str) -> None:
    """Be the consolidating process, with an encoder that needs no model."""
    import json

    from longtake import consolidate
    from longtake.config import load_settings
    from tests.memory_world import Encoder

    settings = load_settings(**json.loads(sys.stdin.readline()))
    alone = consolidate.until_closed(sys.stdin.fileno())
    encoder = Encoder()
    consolidate.LOOK = 0.02
    consolidate.run(settings, video, lambda: encoder, alone)


class Reaper(threading.Thread):
    """Has the process that consolidates, kills it again and again, and begins it anew."""

    def __init__(self, library: Path, video: str, kills: int, chance: Random) -> None:
        from longtake import consolidate
        from longtake.config import load_settings

        super().__init__(daemon=True)
        self.kills, self._left, self._chance = 0, kills, chance
        self._library, self._video, self._time = library, video, 0.0
        self.over = threading.Event()
        settings = load_settings(library=library, profile="offline")
        self.one = consolidate.Beside(settings, video, now=lambda: self._time)
        self.one.look()

    def run(self) -> None:
        """Kill it each time after it has done something, and then at a random instant."""
        while self._left and self._works():
            time.sleep(self._chance.uniform(0.0, 0.4))
            process = self.one.process
            assert process is not None
            process.kill()
            process.wait()
            self.kills, self._left = self.kills + 1, self._left - 1
            self.one.look()
            self._time += 1e6  # no need to wait out its pause
            self.one.look()

    def _works(self) -> bool:
        """Wait until it has made another step; False when there is nothing more to do."""
        from longtake.storage.store import Store

        with Store.open(self._library) as store:
            before = store.progress(self._video, "levels")
            while store.progress(self._video, "levels") == before:
                if self.over.wait(0.005):
                    return False
        return True


def consolidation(folder: Path, instants: int, seed: int) -> dict[str, Any]:
    """Kill consolidation twice in each round, while chunks are written."""
    from longtake import consolidate
    from tests.memory_world import lecture

    chance, script = Random(seed), lecture(4.0)
    calm = folder / "calm-levels.longtake"
    write_lecture(calm, script, None)
    expected, rows = snapshot(calm), []
    consolidate.COMMAND = (*CHILD, "consolidate")
    for number in range(instants):
        library = folder / f"levels-{number}.longtake"
        rows.append(compared(expected, library, write_lecture(library, script, chance)))
        say(f"consolidation {number + 1}/{instants}: {rows[-1]}")
    return summed(rows, clean) | {"remembered": len(expected)}


def write_lecture(library: Path, script: Any, chance: Random | None) -> int:
    """Write made-up chunks; with `chance` levels are made beside, and killed; return the kills."""
    from longtake.memory.writer import MemoryWriter
    from longtake.storage.store import Store
    from tests.memory_world import Encoder, add_video, chunks

    with Store.open(library, write=True, create=True) as store:
        video = add_video(store, "talk.mp4", script.duration)
    reaper = Reaper(library, video.id, 2, chance) if chance else None
    if reaper:
        reaper.start()
    for chunk in chunks(video, script, size=20.0):
        with Store.open(library, write=True, wait=60.0) as store:
            MemoryWriter(store, video, Encoder(), consolidate=not reaper).write(chunk)
        if reaper:
            reaper.over.wait(0.1)
    if reaper is None:
        return 0
    reaper.over.set()
    reaper.join()
    reaper.one.look()
    reaper.one.finish()
    return reaper.kills


# -- the recorder --------------------------------------------------------------------------


def packets(folder: Path) -> list[tuple[float, str]]:
    """Stream time and digest of every packet of the picture in a recording's files."""
    import hashlib

    import av

    found: list[tuple[float, str]] = []
    for path in sorted(folder.glob("*.mkv")):
        with av.open(str(path)) as container:
            for packet in container.demux(video=0):
                if packet.size and packet.pts is not None:
                    at = int(path.stem) / 1000 + float(packet.pts * packet.time_base)
                    found.append((round(at, 3), hashlib.md5(bytes(packet)).hexdigest()))
    return found


def recorder(folder: Path, instants: int, seed: int) -> dict[str, Any]:
    """Kill the recorder of one stream again and again, and begin it anew each time."""
    from longtake.perception.recorder import Recording
    from tests import test_live_recording as world
    from tests.media import Scene, draw_video
    from tests.test_live_recorder import about, all_of

    seconds, chance = 20 * instants + 60, Random(seed)
    film = draw_video(
        folder / "film.ts", [Scene(seconds, "blue", moving=True)], fps=5, size=(160, 90), gop=5
    )
    station = world.Station(film, world.SECONDS / seconds)  # in real time
    rows: list[dict[str, Any]] = []
    held: list[tuple[float, str]] = []
    for _ in range(instants):
        recording = Recording.start(station.address, folder / "raw", idle=30.0)
        time.sleep(chance.uniform(0.0, 2.0))
        world.kill(recording)
        now = packets(recording.folder)
        same = sum(one == other for one, other in zip(held, now, strict=False))
        rows.append({"kills": 1, "lost": len(held) - same})
        held = now
        say(f"recorder {len(rows)}/{instants}: {rows[-1]}, {len(held)} packets")
    recording = Recording.start(station.address, folder / "raw", idle=30.0)
    recording.stop()
    station.close()
    shown = [one for one in all_of(recording.folder, world.numbers) if one is not None]
    again = sum(one >= later for one, later in pairwise(shown))
    noted = len(about(recording.folder)["breaks"])
    if again or noted != instants:
        rows.append({"kills": 0, "lost": 0, "twice": again, "gaps_noted": noted})
    told = {"gaps_noted": noted, "twice": again, "pictures": len(shown)}
    return summed(rows, lambda row: not row["lost"] and "twice" not in row) | told


def asking(folder: Path, instants: int, seed: int) -> dict[str, Any]:
    """Kill who asks, once in each round."""
    calm = folder / "calm-asked.longtake"
    command = [*CHILD, "perceive-alone", str(draw(folder, 60)), str(calm)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    rows = reasoning(calm, folder, instants, seed)
    wrong = ("lost", "damaged", "problems", "missing", "extra", "changed")
    return summed(rows, lambda row: not any(row[name] for name in wrong))


PARTS: dict[str, Callable[[Path, int, int], dict[str, Any]]] = {
    "perception": perception,
    "consolidation": consolidation,
    "recorder": recorder,
    "reasoning": asking,
}


def child(kind: str, *arguments: str) -> None:
    """Be one of the processes that are killed."""
    if kind == "consolidate":
        consolidate_here(*arguments)
    else:
        source, library = map(Path, arguments)
        perceive(source, library, apart=kind == "perceive")


def main() -> None:
    """Run the bench, or one of its children."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instants", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=sorted(PARTS))
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(*given.child)
        return
    found: dict[str, Any] = {"bench": "kills", "machine": machine()}
    with tempfile.TemporaryDirectory() as temporary:
        for name in [given.only] if given.only else PARTS:
            found[name] = PARTS[name](Path(temporary), given.instants, given.seed)
    emit(found)
    if any(found[name]["wrong"] for name in PARTS if name in found):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
