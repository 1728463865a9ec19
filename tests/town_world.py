"""Two films of a harbour town that were never shot, for conversations and for several videos.

Every answer has a rival: each thing has a price and a maker, each person a birthplace, so that a
follow-up that is not understood goes wrong. The truth stands in the script, where tests read it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from longtake.memory.recall import Recall
from longtake.storage.records import Progress, Video
from longtake.storage.store import Store
from longtake.tools.registry import Toolbox
from tests.fakes import fake_models
from tests.worlds import ContentEncoder, Section, _vectors, script_records

TOWN: tuple[Section, ...] = (
    Section(
        "Opening",
        ("A day in Marsund", "Filmed in spring"),
        ((6, "My name is Judith Falk and I will show you round."),
         (30, "The cannon on the wall costs two crowns to fire."),
         (60, "The cannon weighs four tonnes.")),
    ),
    Section(
        "Ferry",
        ("The old ferry", "Crossings every hour"),
        ((8, "The old ferry leaves the quay at nine."),
         (40, "A ride on the old ferry costs twelve crowns."),
         (70, "The old ferry was built in Eskholm."),
         (84, "Hugo Stern designed the old ferry."),
         (97, "The old ferry is closed in winter because the fjord freezes.")),
    ),
    Section(
        "Lighthouse",
        ("The lighthouse", "Ninety steps"),
        ((8, "Clara Lindqvist painted the lighthouse."),
         (40, "Clara Lindqvist was born in Tromsdal."),
         (62, "A night in the lighthouse costs eighty crowns."),
         (90, "The lighthouse was built in Grantown.")),
    ),
    Section(
        "Bell tower",
        ("The bell tower", "Open on Sundays"),
        ((8, "Viktor Hale designed the bell tower."),
         (40, "Viktor Hale was born in Ostermoor."),
         (62, "A visit to the bell tower costs five crowns."),
         (75, "The bell tower was built in Ostwick."),
         (90, "Marmots live below the bell tower.")),
    ),
    Section(
        "Market",
        ("The market", "Thursday and Saturday"),
        ((8, "Fresh herring is sold on the market."),
         (24, "Fresh herring costs three crowns."),
         (40, "Marmots steal herring from the market."),
         (70, "Anna Berg and Helena Roth founded the market."),
         (95, "Anna Berg was born in Silverton."),
         (107, "Helena Roth was born in Mossby.")),
    ),
    Section(
        "Museum",
        ("The museum", "Closed on Mondays"),
        ((8, "The brass telescope stands in the museum."),
         (40, "The brass telescope weighs thirty kilograms."),
         (55, "Otto Brandt designed the museum."),
         (70, "Nobody feeds marmots in the museum.")),
    ),
)  # fmt: skip

ISLAND: tuple[Section, ...] = (
    Section(
        "Landing",
        ("The island", "No cars allowed"),
        ((8, "The white chapel stands above the landing."),
         (40, "Clara Lindqvist restored the chapel."),
         (70, "Marmots are rare on the island.")),
    ),
    Section(
        "Orchard",
        ("The orchard", "Pears and plums"),
        ((8, "Cider from the orchard costs nine crowns."),
         (40, "The beekeeper sells honey near the orchard.")),
    ),
)  # fmt: skip


def long_film(sections: int = 30) -> tuple[Section, ...]:
    """A film that speaks of herring all the time."""
    said = tuple((8.0 + 12 * n, f"Fresh herring, shed {n + 1}.") for n in range(9))
    return tuple(Section(f"Shed row {n}", (), said) for n in range(sections))


class Town:
    """A library with some films in it, and the tools over it."""

    def __init__(self, folder: Path, films: dict[str, Any]) -> None:
        self.models = fake_models(text_encoder=ContentEncoder(), image_encoder=None)
        self.path = folder / "town.longtake"
        self.starts: dict[str, dict[str, float]] = {}
        with Store.open(self.path, write=True, create=True) as store:
            for n, (name, film) in enumerate(films.items()):
                self._add(store, folder, n, name, film)
        self.store = Store.open(self.path)
        self.videos = self.store.videos()
        recall = Recall(self.store, self.models.text_encoder, None)
        self.toolbox = Toolbox(self.store, self.models, recall, source_of=lambda v: Path(v.path))

    def _add(self, store: Store, folder: Path, n: int, name: str, film: Any) -> None:
        sections, media, until = film if isinstance(film[0], tuple) else (film, {}, None)
        total = sum(s.seconds for s in sections)
        print_ = f"{n + 1:02x}" * 32
        media = {"has_video": True, "has_audio": True} | media
        video = store.add_video(print_, str(folder / name), name, total, media)
        records, self.starts[name] = script_records(sections, video)
        if until is not None:
            records = [r for r in records if r.span.start < until]
        with store.transaction():
            store.put_records(records)
            store.put_vectors(_vectors(records, self.models.text_encoder))
            done = total if until is None else until
            store.set_progress(video.id, "deep", Progress(done, until is None, b""))

    def video(self, name: str) -> Video:
        """A film by its file name."""
        return next(v for v in self.videos if v.name == name)

    def at(self, name: str, title: str, seconds: float = 0.0) -> float:
        """A time in a film: so many seconds into a section."""
        return self.starts[name][title] + seconds

    def close(self) -> None:
        """Close the library."""
        self.store.close()
