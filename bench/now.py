"""What does a question about now cost a followed video, and is it answered as well as before?

    python -m bench.now [--file FILE --at 60,150] [--watched 20] [--folder DIR] [--quick]

A drawn and spoken stream (the lecture of `longtake demo`), or a given file, is followed for
`--watched` seconds and has then grown to each of the moments of `CASES`. Each question is asked as
from the shell: by a process of its own, which opens library and models anew. Its processor and
wall-clock seconds stand beside those of the control, for which all of the now-window (and of the
buffer, where that is opened) is looked at, read and heard (`Switches.sparing` off), and of a plain
question of the same library. Answers are right when they hold a word that is there then; of a given
file nothing is known, so there the answers of both are only printed. `--quick` leaves the control
out.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from bench.machine import child, emit, finish, machine, say

PLAIN = "What is said about the sliding window?"


@dataclass(frozen=True, slots=True)
class Case:
    """A question at a moment of the stream; an answer with one of the words is right."""

    at: float
    sort: str
    text: str
    right: tuple[str, ...] = ()


CASES = (
    Case(38.0, "screen", "What is on the screen now?", ("sliding",)),
    Case(38.0, "fact", "Which idea is shown now?", ("sliding", "window")),
    Case(74.0, "sight", "What is in the picture now?", ("picture shows",)),
    Case(74.0, "screen", "What is on the screen now?", ("picture shows",)),
    Case(74.0, "speech", "What is she saying right now?", ("lighthouse", "ships", "stream")),
    Case(74.0, "all", "What is happening now?", ("lighthouse", "ships", "stream")),
    Case(128.0, "speech", "What is she saying right now?", ("lab", "window", "quality", "try")),
    Case(128.0, "fact", "In which room are the office hours now?", ("b214",)),
    Case(128.0, "absent", "Is there a dog now?", ("not seen now",)),
)
SORTS = (
    ("screen", "What is on the screen now?"),
    ("sight", "What is in the picture now?"),
    ("speech", "What is being said right now?"),
    ("all", "What is happening now?"),
    ("absent", "Is there an aeroplane now?"),
)
"""What is asked of a given file at each moment."""


def grow(source: Path, out: Path, until: float) -> None:
    """Write the stream as far as a time, as MPEG-TS; packets are copied."""
    import av

    with av.open(str(source)) as read, av.open(str(out), "w", format="mpegts") as written:
        streams = [*read.streams.video[:1], *read.streams.audio[:1]]
        into = {one.index: written.add_stream_from_template(one) for one in streams}
        for packet in read.demux(streams):
            if packet.dts is None or packet.dts * packet.time_base > until:
                continue
            packet.stream = into[packet.stream.index]
            written.mux(packet)


def follow(source: Path, folder: Path, watched: float) -> None:
    """Watch the first seconds of the stream with the offline profile, and leave it open."""
    from longtake.config import load_settings
    from longtake.library import Library

    live = folder / "live.ts"
    grow(source, live, watched + 15.0)
    settings = load_settings(library=folder / "now.longtake", profile="offline", chunk_seconds=10)
    with Library(settings) as library:
        library.ingest(live, follow=0.01, until=watched, later=False)


def ask(library: Path, text: str, *, sparing: bool) -> dict[str, Any]:
    """Ask one question in this process, from opening the library on."""
    from longtake.agent.agent import Agent
    from longtake.agent.state import Switches
    from longtake.config import load_settings
    from longtake.library import Library

    began = time.monotonic()
    with Library(load_settings(library=library, profile="offline")) as opened:
        agent = Agent(opened.toolbox, None, None, switches=Switches(sparing=sparing))
        answer = agent.ask(text, videos=opened.videos())
    return {
        "text": answer.text,
        "cpu": round(time.process_time(), 2),
        "wall": round(time.monotonic() - began, 2),
        "cost": dict(answer.cost),
    }


def asked(library: Path, text: str, *, sparing: bool) -> dict[str, Any]:
    """Ask one question in a process of its own."""
    given = json.dumps({"library": str(library), "text": text, "sparing": sparing})
    return child("bench.now", ["--one", given]).result


def compare(library: Path, case: Case, *, control: bool) -> dict[str, Any]:
    """Ask a question both ways."""
    made: dict[str, Any] = {"at": case.at, "sort": case.sort, "question": case.text}
    ways = {"sparing": True} | ({"everything": False} if control else {})
    for name, sparing in ways.items():
        one = asked(library, case.text, sparing=sparing)
        if case.right:
            one["right"] = any(word in one["text"].lower() for word in case.right)
        made[name] = one
        say(f"{case.at:6.1f} {case.sort:7} {name:10} {one['cpu']:6.2f} s  {one['text'][:90]}")
    return made


def sums(rows: Sequence[dict[str, Any]], plain: float) -> dict[str, Any]:
    """Mean seconds of each sort and way, beyond a plain question too, and how many were right."""
    told: dict[str, Any] = {}
    for sort in dict.fromkeys(row["sort"] for row in rows):
        for way in ("sparing", "everything"):
            some = [row[way] for row in rows if row["sort"] == sort and way in row]
            if not some:
                continue
            cpu = sum(one["cpu"] for one in some) / len(some)
            marked = [one["right"] for one in some if "right" in one]
            told.setdefault(sort, {})[way] = {
                "asked": len(some),
                "cpu": round(cpu, 2),
                "beyond_plain": round(cpu - plain, 2),
                "wall": round(sum(one["wall"] for one in some) / len(some), 2),
            } | ({"right": sum(marked)} if marked else {})
    return told


def measure(
    source: Path, cases: Sequence[Case], folder: Path, watched: float, *, control: bool
) -> dict[str, Any]:
    """Follow the stream, and ask every question at its moment."""
    library = folder / "now.longtake"
    if not library.exists():
        say(f"follows {source.name} for {watched:g} s")
        follow(source, folder, watched)
    plain = asked(library, PLAIN, sparing=True)
    rows, at = [], None
    for case in sorted(cases, key=lambda one: one.at):
        if case.at != at:
            at = case.at
            grow(source, folder / "live.ts", at)
        rows.append(compare(library, case, control=control))
    return {
        "bench": "now",
        "machine": machine(),
        "file": source.name,
        "watched": watched,
        "plain": {"cpu": plain["cpu"], "wall": plain["wall"]},
        "sorts": sums(rows, plain["cpu"]),
        "rows": rows,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the bench, or the one question of a child process."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--file", type=Path)
    parser.add_argument("--at", default="60", help="moments of the file, in seconds")
    parser.add_argument("--watched", type=float, default=20.0)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.one:
        one = json.loads(given.one)
        finish(ask(Path(one["library"]), one["text"], sparing=one["sparing"]))
        return
    cases: Sequence[Case] = CASES
    if given.file:
        times = [float(at) for at in given.at.split(",")]
        cases = [Case(at, sort, text) for at in times for sort, text in SORTS]
    lecture = files("longtake") / "demo_video" / "lecture.mp4"
    with tempfile.TemporaryDirectory() as temporary, as_file(lecture) as drawn:
        folder = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        emit(measure(given.file or drawn, cases, folder, given.watched, control=not given.quick))


if __name__ == "__main__":
    main()
