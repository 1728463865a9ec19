"""A drawn film with details that are there for a minute, some seconds and half a second.

The film is really decoded; the memory of it is written by hand, as a watch that looked once in ten
seconds would have: captions of all clips, and screen text only where it stood for a minute. What
is on the crates is truth that only tests read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from longtake.agent.desk import Desk
from longtake.agent.looking.ladder import climb, plan
from longtake.agent.question.classify import classify
from longtake.agent.state import Switches
from longtake.errors import SourceGone
from longtake.memory.recall import Recall
from longtake.storage.records import Progress, Record, VectorRow, Video, record_id
from longtake.storage.store import Store
from longtake.timecode import Span
from longtake.tools.corpus import coverage
from longtake.tools.registry import Toolbox
from tests.fakes import FakeReader, fake_models
from tests.media import Scene, draw_video, read_blocks
from tests.worlds import ContentEncoder

SECTION = 60.0
NAMES = ("harbour", "warehouse", "greenhouse", "kitchen", "station", "museum", "bakery", "garage")
LONG, SHORT, FLASH = "KX-4471", "QZ-8823", "VM-1954"
DETAILS = {"warehouse": (LONG, 60.0), "kitchen": (SHORT, 8.0), "museum": (FLASH, 0.5)}
AT = {"warehouse": 60.0, "kitchen": 203.0, "museum": 324.5}


def scenes() -> list[Scene]:
    """The film: eight places of a minute each; a label appears on three crates."""
    made = []
    for n, name in enumerate(NAMES):
        colour = ("grey", "brown", "green", "blue")[n % 4]
        if name not in DETAILS:
            made.append(Scene(SECTION, colour))
            continue
        text, seconds = DETAILS[name]
        before = AT[name] - n * SECTION
        parts = [(before, ""), (seconds, text), (SECTION - before - seconds, "")]
        made += [Scene(s, colour, told) for s, told in parts if s > 0]
    return made


def block_reader() -> FakeReader:
    """Reads what `draw_video` writes as cells."""
    return FakeReader(lambda image: [t for t in read_blocks(image).splitlines() if t])


@dataclass
class Film:
    """A library with the film in it, its toolbox, and whether the film's file is there."""

    store: Store
    video: Video
    path: Path
    models: Any
    toolbox: Toolbox = field(init=False)
    there: bool = True

    def __post_init__(self) -> None:
        recall = Recall(self.store, self.models.text_encoder, None)
        self.toolbox = Toolbox(self.store, self.models, recall, source_of=self.source)

    def source(self, video: Video) -> Path:
        """The film's file, unless a test took it away."""
        if not self.there:
            raise SourceGone(f"the file of {video.name} is gone")
        return self.path

    def desk(self, question: str, *, as_of: float | None = None, **off: bool) -> Desk:
        """A desk for one question."""
        desk = Desk(self.toolbox, None, [self.video], as_of, Switches(**off))
        desk.question = question
        return desk

    @property
    def decoded(self) -> int:
        """Frames that were really decoded so far."""
        return self.toolbox.looker.decoded


def film(folder: Path, *, models: Any = None, path: Path | None = None) -> Film:
    """Draw the film and write a coarse memory of it; `path` takes a film that is drawn."""
    models = models or fake_models(
        text_encoder=ContentEncoder(), image_encoder=None, text_reader=block_reader()
    )
    path = path or draw_video(
        folder / "film.mp4", scenes(), fps=4.0, size=(192, 108), gop=16, numbered=False
    )
    with Store.open(folder / "film.longtake", write=True, create=True) as store:
        total = SECTION * len(NAMES)
        video = store.add_video("cd" * 32, str(path), "film.mp4", total, {"has_video": True})
        records = memory(video)
        with store.transaction():
            store.put_records(records)
            rows = models.text_encoder.encode([r.text for r in records])
            store.put_vectors(
                VectorRow(r.id, "text", v, r.known_at) for r, v in zip(records, rows, strict=True)
            )
            store.set_progress(video.id, "deep", Progress(total, True, b""))
    store = Store.open(folder / "film.longtake")
    return Film(store, store.video(video.id), path, models)


def memory(video: Video) -> list[Record]:
    """Captions of all clips and chapters, and the one line that stood long enough."""
    records = []
    for n, name in enumerate(NAMES):
        whole = Span(n * SECTION, (n + 1) * SECTION)
        for m in range(6):
            span = Span(whole.start + 10 * m, whole.start + 10 * (m + 1))
            crate = " A crate with a label." if span.overlap(_label(name)) > 0 else ""
            text = f"The {name}, view {m + 1}.{crate}"
            records.append(record(video, "clip", "caption", span, text))
        records.append(record(video, "scene", "caption", whole, f"A tour of the {name}."))
        records.append(record(video, "chapter", "caption", whole, f"The {name} in a minute."))
    box = {"score": 0.98, "box": [0.0, 0.0, 1.0, 1.0]}
    line = record(video, "moment", "screen", Span(60.0, 120.0), LONG, box)
    end = SECTION * len(NAMES)
    return [*records, line, record(video, "video", "caption", Span(0, end), "A tour of a town.")]


def _label(name: str) -> Span:
    """Where a caption speaks of a crate: the place of its label, or the same in other places."""
    begin = NAMES.index(name) * SECTION
    at = AT.get(name, begin + 25.0)
    return Span(at, at + 0.5)


def record(
    video: Video, level: Any, channel: Any, span: Span, text: str, data: Any = None, n: int = 0
) -> Record:
    """One remembered thing."""
    name = record_id(video.ordinal, span.start, level, channel, n)
    return Record(name, video.id, level, channel, span, span.end, text, "script@1", (), data or {})


def places(desk: Desk, part: dict[str, Any], most: int = 4) -> list[dict[str, Any]]:
    """The clips whose captions fit a part best, as the time tree gives them."""
    terms = desk.terms(part["words"])
    found = []
    for unit in desk.corpus.of("caption"):
        if unit.record.level == "clip":
            span, fit = unit.record.span, coverage(terms, [unit])
            found.append({"id": unit.record.id, "video": unit.record.video, "sim": fit,
                          "start": span.start, "end": span.end})  # fmt: skip
    return sorted(found, key=lambda p: (-p["sim"], p["start"]))[:most]


def look_for(
    desk: Desk, question: str, wanted: str = "", *, budget: int = 6
) -> tuple[list[dict[str, Any]], str]:
    """Climb at the best places in turn until `wanted` was seen or the budget is spent.

    Returns all that was looked at, and the first quote that holds what was wanted.
    """
    part = classify(question, None)[0]
    terms = desk.terms(part["words"])
    known = [u.record.text for u in desk.corpus.of("screen")]
    at = places(desk, part)
    if wanted and wanted in known and any(p["sim"] >= 0.99 for p in at):
        return [], wanted
    looked: list[dict[str, Any]] = []
    left: Sequence[dict[str, Any]] = at
    while left and len(looked) < budget:
        again = []
        for place in left:
            step = plan(desk, part, terms, place, [one["step"] for one in looked])
            if step is None or len(looked) >= budget:
                continue
            again.append(place)
            one = climb(desk, part, terms, step)
            looked.append(one)
            said = [c["quote"] for c in one["candidates"] if wanted and wanted in c["quote"]]
            if said:
                return looked, said[0]
        left = again
    return looked, ""
