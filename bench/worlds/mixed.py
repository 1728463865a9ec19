"""The ingest bench's video: 720p at 25 frames a second, slides, speech, talked-over camera scenes.

The same content as the lecture world with a larger share of camera, and no questions. Silence
between sentences and breaks is what lectures have; `Facts` says how much speech there is, so
that a reader can judge a ratio against a pipeline that listens to everything.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.worlds.film import Format, write_film
from bench.worlds.timetable import lay_out
from bench.worlds.voice import choose_engine

FORM = Format(
    size=(1280, 720), fps=25, crf=25, preset="superfast", key_seconds=10.0,
    sound_bits=48_000, room_noise=0.0008,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Facts:
    """What such a video consists of."""

    minutes: float
    seed: int
    voice: str
    camera_share: float
    duration: float
    speech_share: float
    lines_shown: int


def make_mixed(
    folder: Path,
    *,
    minutes: float = 20.0,
    seed: int = 2,
    camera_share: float = 0.25,
    engine: str | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> tuple[Path, Facts]:
    """Make the video in `folder`, or find it there if it was made with the same arguments."""
    voice = choose_engine(engine)
    video = folder / f"mixed-{minutes:g}-{seed}-{camera_share:g}-{voice}.mp4"
    sidecar = video.with_suffix(".json")
    if video.exists() and sidecar.exists():
        return video, Facts(**json.loads(sidecar.read_text(encoding="utf-8")))
    folder.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    table = lay_out(minutes, seed, voice, FORM, camera_share=camera_share)
    duration = write_film(video, table.shots, table.lines, FORM)
    speech = sum(len(line.samples) for line in table.lines) / FORM.sound_rate
    facts = Facts(minutes, seed, voice, camera_share, duration, round(speech / duration, 3),
                  len(table.shown))  # fmt: skip
    sidecar.write_text(json.dumps(asdict(facts)) + "\n", encoding="utf-8")
    say(f"{video.name}: {duration / 60:.1f} min made in {time.monotonic() - started:.0f} s")
    return video, facts
