"""Row 51: labels that are there for 60 s, 8 s and half a second; from captions down to pixels.

The coarse answer is that of the captions alone, the middle one that of all that is remembered,
and the ladder may go back to the source. Work is counted against describing the whole film at the
ladder's finest rung.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.machine import say
from bench.rows.common import Bench, Place, Row, asked, looked, share, steps, twice
from bench.worlds.scripted_film import LASTING, FilmWorld, make_film, nowhere
from bench.worlds.truth import Question

if TYPE_CHECKING:
    from longtake.agent.answer import Answer

WANTED = ("the ladder right >= 0.9 for every duration, coarse only for what stays; <= 5 % of the "
          "readings of exhaustive fine captioning; no span twice; without evidence it ends unsure")  # fmt: skip
FINEST = 8.0
"""Frames a second of the finest rung that looks at whole spans."""
MODES: dict[str, dict[str, bool]] = {
    "captions": {"finer": False, "inspect": False},
    "memory": {"inspect": False},
    "ladder": {},
}


def film_place(bench: Bench, *, drawn: bool | None = None) -> tuple[Place, FilmWorld]:
    """The film of labels, watched, or its script in a library with scripted looks."""
    film = make_film("labels", minutes=bench.minutes, each=bench.each, early=bench.early)
    name = f"labels-{bench.minutes:g}-{bench.each}" + ("-early" if bench.early else "")
    if bench.drawn if drawn is None else drawn:
        return watched(bench, film, name), film
    place = bench.written(name + "-text", film.remember)
    place.look = film.look
    place.source = bench.folder / f"{name}.source"
    place.source.touch()
    return place, film


def watched(bench: Bench, film: FilmWorld, name: str) -> Place:
    """The film drawn to a file and watched, once."""
    path, file = bench.folder / f"{name}.longtake", bench.folder / f"{name}.mp4"
    if name in bench._open:
        return bench._open[name]
    if not file.exists():
        say(f"drawing {name}")
        film.draw(_half(file))
        _half(file).rename(file)
    library = bench.library(path)
    say(f"watching {name}")
    video = library.ingest(file)  # goes on where an earlier run stopped; nothing when it is done
    bench._open[name] = Place(library, video)
    return bench._open[name]


def _half(file: Path) -> Path:
    return file.with_name("half-" + file.name)


def run(bench: Bench) -> Row:
    """Ask for every label from captions, from memory and with the ladder."""
    place, film = film_place(bench)
    figures: dict[str, dict[str, Any]] = {}
    for mode, switches in MODES.items():
        with bench.copied(place, f"details-{mode}") as own:
            figures[mode] = _asked(bench, own, film, mode, switches)
    on, off = figures["ladder"], figures["memory"] | {"captions": figures["captions"]}
    on["readings_of_exhaustive"] = round(on["looks_each"] * 4.0 / film.duration, 5)
    fine = all(on["right"][key] >= 0.9 for key in on["right"])
    coarse = off["right"][_key(LASTING[-1])] < 0.5 <= off["right"][_key(LASTING[0])]
    cheap = on["frames_of_exhaustive"] <= 0.05
    met = fine and coarse and cheap and on["spans_twice"] == 0 and on["nowhere"]["unsure"] == 1.0
    return Row("details", on, off, WANTED, met)


def _key(seconds: float) -> str:
    return f"{seconds:g} s"


def _asked(
    bench: Bench, place: Place, film: FilmWorld, mode: str, switches: dict[str, bool]
) -> dict[str, Any]:
    agent = place.agent(**switches)
    rows = asked(bench, "details", mode, place, [d.question for d in film.details], agent=agent)
    lasted = {d.question.id: d.lasted for d in film.details}
    right = {_key(s): share([ok for q, _, ok in rows if lasted[q.id] == s]) for s in LASTING}
    met = {
        _key(s): share([read_off(q, a) for q, a, _ in rows if lasted[q.id] == s]) for s in LASTING
    }
    frames = [sum(one["frames"] for one in looked(a)) for _, a, _ in rows]
    gone = asked(bench, "details_nowhere", mode, place, nowhere(film), agent=agent)
    exhaustive = film.duration * FINEST
    return {
        "right": right,
        "read_by_looks": met,
        "looks": sum(len(looked(a)) for _, a, _ in rows),
        "looks_each": round(sum(len(looked(a)) for _, a, _ in rows) / max(1, len(rows)), 3),
        "frames_each": round(sum(frames) / max(1, len(rows)), 1),
        "frames_of_exhaustive": round(max(frames, default=0) / exhaustive, 5),
        "frames_of_exhaustive_all": round(sum(frames) / exhaustive, 5),
        "spans_twice": sum(twice(a) for _, a, _ in [*rows, *gone]),
        "nowhere": {
            "unsure": share([a.status != "answered" or a.forced for _, a, _ in gone]),
            "statuses": sorted(a.status for _, a, _ in gone),
            "looks": sum(len(looked(a)) for _, a, _ in gone),
        },
    }


def read_off(question: Question, answer: Answer) -> bool:
    """Whether a look read what was asked for, whatever became of it in the answer."""
    new = [text for step in steps(answer, "extract") for text in step["new"]]
    return any(re.search(pattern, text) for pattern in question.right for text in new)
