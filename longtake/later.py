"""Runs the later passes over a watched video: what bigger models add, each by itself.

A later pass (`longtake.perception.later`) is resumed where it stopped and stored portion by
portion, each in one transaction: its records, their text vectors, its own vectors, thumbnails and
progress. A pass that fails leaves every other channel finished; all are run, and then `PartlyDone`
says which are missing, why, and how to make them. A pass that another model began is not
continued by this one: it is told, and made anew only when asked for (`redo`); the old records stay
until the new model's first portion is stored.

To add a pass: its name goes to `NAMES` in `longtake.perception.later`, and a `Row` to `PASSES` here,
which says what model the profile has for it, without loading it (None: the pass is not run), and
builds it from a `Ground`: what a pass may know, as plain values.
"""

from __future__ import annotations

import difflib
import shlex
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from longtake.errors import (
    BackendError,
    Interrupted,
    LongtakeError,
    MediaError,
    MissingConfig,
    MissingError,
    NotFound,
    PartlyDone,
    SourceGone,
    UsageError,
)
from longtake.models.quiet import give_back
from longtake.perception.later import NAMES, LaterPass, Mark, Portion, Spends
from longtake.timecode import Seconds, format_time

if TYPE_CHECKING:
    from longtake.config import Settings
    from longtake.models.profiles import Models
    from longtake.storage.records import Facet, Level, Record, VectorRow, Video
    from longtake.storage.store import Store

OnProgress: TypeAlias = Callable[[dict[str, Any]], None]

_FAILS = (BackendError, MissingError, MediaError, NotFound)
"""What ends one pass and not the others; a library that cannot be written ends all."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a pass is built from.

    `until` is how far the deep pass has come, `whole` whether that is all of the video.
    """

    store: Store
    video: Video
    models: Models
    settings: Settings
    until: Seconds
    whole: bool

    @property
    def source(self) -> Path:
        """The video's file.

        Raises:
            SourceGone: it is not where it was.
        """
        path = Path(self.video.path)
        if not path.exists():
            raise SourceGone(
                f"the file of {self.video.name} is no longer at {path}",
                fix=f"longtake videos relink {self.video.id} NEW_PATH",
            )
        return path

    def records(self, level: Level, channel: str) -> list[Record]:
        """Return what the deep pass remembers of a level and channel, in order."""
        from longtake.memory.levels import QUICK

        found = self.store.records(video=self.video.id, level=level, channel=channel)
        later = tuple(f"{name}:" for name in NAMES)
        return [one for one in found if not one.maker.startswith((QUICK, *later))]


@dataclass(frozen=True, slots=True)
class Row:
    """One pass: the name of the profile's model for it, unloaded, and how it is built."""

    model: Callable[[Models], str | None]
    build: Callable[[Ground], LaterPass]


def kind(name: str) -> Callable[[Models], str | None]:
    """Return what tells a profile's model of a kind by its name."""
    return lambda models: models.names().get(name)


def _objects(ground: Ground) -> LaterPass:
    from longtake.perception.objects import ObjectsPass

    clips, eyes = ground.records("clip", "caption"), ground.models.detector
    assert eyes is not None, "the profile named it"
    return ObjectsPass(
        ground.video, ground.source, clips, eyes, until=ground.until, whole=ground.whole
    )


def _captions(ground: Ground) -> LaterPass:
    from longtake.models.vision.captioner import Describer
    from longtake.perception.describe import Captions

    clips, scenes = ground.records("clip", "caption"), ground.records("scene", "caption")
    source = ground.source  # Before the model is loaded: without the file it has nothing to do.
    assert ground.models.vision is not None
    describer = Describer(ground.models.vision)
    cache = ground.store.cache_get, ground.store.cache_put
    return Captions(ground.video, source, clips, scenes, describer, cache)


def _speakers(ground: Ground) -> LaterPass:
    from longtake.perception.turns import Speakers

    said, ears = ground.records("moment", "speech"), ground.models.diarizer
    assert ears is not None, "the profile named it"
    return Speakers(ground.video, ground.source, said, ears, ground.until)


def _retell(ground: Ground) -> LaterPass:
    from longtake.perception.retell import Retell

    said, writer = ground.records("moment", "speech"), ground.models.reteller
    assert writer is not None, "the profile named it"
    return Retell(ground.video, said, writer, ground.until)


def _pictures(ground: Ground) -> LaterPass:
    from longtake.perception.picture_vectors import PictureVectors

    frames, eyes = ground.records("frame", "sight"), ground.models.further_encoders
    source = Path(ground.video.path)  # There or not: thumbnails do where it is gone.
    return PictureVectors(ground.video, source, frames, eyes, ground.store.thumb)


PASSES: dict[str, Row] = {
    "captions": Row(kind("vision"), _captions),
    "pictures": Row(kind("encoders"), _pictures),
    "objects": Row(kind("detector"), _objects),
    "speakers": Row(kind("diarizer"), _speakers),
    "retell": Row(kind("reteller"), _retell),
}


def check_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return names of later passes in the order of `NAMES`, each once.

    Raises:
        UsageError: there is no such pass; the nearest name is given.
    """
    for name in names:
        if name not in NAMES:
            near = difflib.get_close_matches(name, NAMES, n=1)
            hint = f"did you mean {near[0]}?" if near else f"one of: {', '.join(NAMES)}"
            raise UsageError(f"there is no pass {name!r} to redo", fix=hint)
    return tuple(name for name in NAMES if name in names)


def planned(models: Models) -> dict[str, str]:
    """Return the passes that a profile has models for, each with who would make it."""
    found = {name: PASSES[name].model(models) for name in NAMES if name in PASSES}
    return {name: f"{name}:{model}" for name, model in found.items() if model}


def need(models: Models, names: Sequence[str]) -> None:
    """Check that the profile has a model for each of these passes.

    Raises:
        MissingConfig: it has none.
    """
    have = planned(models)
    for name in names:
        if name not in have:
            raise MissingConfig(
                f"the profile {models.profile} has no model for {name}",
                fix="choose another with --profile, or name a model in the configuration",
            )


class Later:
    """Runs later passes over one video of the library at `path`; `run` does it."""

    def __init__(
        self, path: Path, models: Models, settings: Settings, on_progress: OnProgress | None
    ) -> None:
        self.path, self.models, self.settings = path, models, settings
        self.on_progress = on_progress
        self.done: Seconds = 0.0

    def run(self, video: str, names: Sequence[str] | None = None, redo: Sequence[str] = ()) -> None:
        """Run the passes that are not finished, all or those named, and those of `redo` anew.

        Raises:
            UsageError: some were named, and the video was not watched in depth.
            PartlyDone: some failed; the others are finished.
            Interrupted: Ctrl-C; what was stored is kept.
        """
        from longtake.storage.store import Store

        have = planned(self.models)
        wanted = [name for name in have if names is None or name in names or name in redo]
        if not wanted:
            return
        failed: dict[str, LongtakeError] = {}
        with Store.open(self.path, write=True) as store:
            ground = self._ground(store, video)
            if ground is None and (names or redo):
                path = store.video(video).path
                raise UsageError(
                    f"{path} has not been watched in depth",
                    fix=f"longtake ingest {shlex.quote(path)}",
                )
            if ground is None:
                return
            for name in wanted:
                self.done = 0.0
                try:
                    _Run(self, ground, name, have[name], anew=name in redo).run()
                except _FAILS as error:
                    failed[name] = error
                except KeyboardInterrupt as stop:
                    raise _stopped(ground.video, name, self.done) from stop
        if failed:
            raise _partly(ground.video, failed)

    def _ground(self, store: Store, video: str) -> Ground | None:
        """What the passes are built from; None where nothing was watched in depth."""
        known = store.video(video)
        deep = store.progress(video, "deep")
        if deep is None:
            return None
        until = known.duration if deep.finished else deep.done
        return Ground(store, known, self.models, self.settings, until, deep.finished)


class _Run:
    """One pass over one video."""

    def __init__(self, later: Later, ground: Ground, name: str, by: str, *, anew: bool) -> None:
        self.later, self.ground, self.name, self.by = later, ground, name, by
        self.store, self.video = ground.store, ground.video
        self.forget = anew
        known = None if anew else self.store.progress(self.video.id, name)
        self.known = Mark.read(known.carry) if known else None
        self.begin = later.done = known.done if known else 0.0
        self.over = bool(known and known.finished)
        self.carry = self.known.carry if self.known else b""
        self.one: LaterPass | None = None

    def run(self) -> None:
        """Run the pass to the end of what was watched, unless that is done."""
        if self.known is not None and self.known.by != self.by:
            self._tell(0.0, warning=_switched(self.video, self.name, self.known.by, self.by))
            return
        if self.over or (self.known is not None and self.known.reach >= self.ground.until):
            return
        self._tell(0.0)
        one = self.one = PASSES[self.name].build(self.ground)
        started = time.monotonic()
        with closing(_portions(one, self.begin, self.carry)) as portions:
            for portion in portions:
                self._keep(portion)
                give_back()
                self._tell(time.monotonic() - started, warning="; ".join(portion.notes))
        self._close()
        self._tell(time.monotonic() - started)

    def _keep(self, portion: Portion) -> None:
        """Store one portion with the vectors of its texts."""
        self._own(portion)
        vectors = [*portion.vectors, *self._texts(portion.records)]
        with self.store.transaction():
            self._forget_old()
            self.store.put_records(portion.records)
            self.store.put_thumbs(portion.thumbs)
            self.store.put_vectors(vectors)
            self._mark(portion.until, 0.0, portion.carry)
        self.later.done, self.carry = portion.until, portion.carry

    def _close(self) -> None:
        """Note that the pass has come to the end of what was watched."""
        with self.store.transaction():
            self._forget_old()
            self._mark(self.later.done, self.ground.until, self.carry)
        self.later.done = self.ground.until

    def _mark(self, done: Seconds, reach: Seconds, carry: bytes) -> None:
        from longtake.storage.records import Progress

        over = reach > 0 and self.ground.whole
        mark = Mark(self.by, reach, carry).pack()
        progress = Progress(self.ground.until if over else done, over, mark)
        self.store.set_progress(self.video.id, self.name, progress)

    def _forget_old(self) -> None:
        """Delete what a redo replaces, in the transaction of the first that replaces it."""
        if self.forget:
            self.store.delete_records(self.video.id, maker_prefix=f"{self.name}:")
            self.forget = False

    def _own(self, portion: Portion) -> None:
        """Check that no record of a portion takes another maker's place."""
        names = [record.id for record in portion.records]
        for there in self.store.records(ids=names) if names else ():
            if not there.maker.startswith(f"{self.name}:"):
                raise LongtakeError(f"{self.name} would write over {there.id} of {there.maker}")

    def _texts(self, records: Sequence[Record]) -> list[VectorRow]:
        """Embed the texts of records, equal ones once."""
        from longtake.storage.records import VectorRow

        texts = list(dict.fromkeys(one.text for one in records if one.text))
        if not texts:
            return []
        rows = dict(zip(texts, self.ground.models.text_encoder.encode(texts), strict=True))
        return [
            VectorRow(one.id, _facet(one), rows[one.text], one.known_at)
            for one in records
            if one.text
        ]

    def _tell(self, elapsed: float, *, warning: str = "") -> None:
        if self.later.on_progress is None:
            return
        total, done = self.ground.until, min(self.later.done, self.ground.until)
        speed = (done - self.begin) / elapsed if elapsed > 0 else 0.0
        event: dict[str, Any] = {
            "stage": self.name,
            "done": done,
            "total": total,
            "speed": speed,
            "eta": (total - done) / speed if speed > 0 else None,
            "askable": True,
            "warnings": [warning] if warning else [],
        }
        if isinstance(self.one, Spends) and (spent := self.one.spent()):
            event["asked"] = spent
        self.later.on_progress(event)


def _portions(one: LaterPass, begin: Seconds, carry: bytes) -> Generator[Portion]:
    """The pass's portions, as a generator that can be closed."""
    yield from one.portions(begin, carry)


def _facet(record: Record) -> Facet:
    """What a text is found as: a description of a whole scene is no description of its moments."""
    return "context" if record.data.get("of") == "scene" else "text"


def _redo(video: Video, names: Sequence[str]) -> str:
    return f"longtake ingest {shlex.quote(video.path)} --redo {','.join(names)}"


def _switched(video: Video, name: str, was: str, now: str) -> str:
    return (
        f"its {name} were made by {was.removeprefix(f'{name}:') or 'another model'}, and the "
        f"profile now has {now.removeprefix(f'{name}:')}; they stay as they are: "
        f"{_redo(video, [name])} makes them anew"
    )


def _stopped(video: Video, name: str, done: Seconds) -> Interrupted:
    return Interrupted(
        f"stopped; {video.name} is watched, and its {name} are kept up to {format_time(done)}",
        fix=f"longtake ingest {shlex.quote(video.path)} goes on from there",
    )


def _partly(video: Video, failed: dict[str, LongtakeError]) -> PartlyDone:
    """The error that names each channel, its cause, and how to make it."""
    causes = "; ".join(f"{name} failed: {error.message}" for name, error in failed.items())
    fixes = list(dict.fromkeys(error.fix for error in failed.values() if error.fix))
    then = f"{_redo(video, list(failed))} (without --redo it goes on where it stopped)"
    return PartlyDone(
        f"{video.name} is watched, but {causes}", fix="; ".join([*fixes, f"then {then}"])
    )
