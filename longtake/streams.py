"""The key–value memories of one library: build, status, verify, drop, calibrate.

Wires the library's records to `longtake.memory.kv`; `Library.kv_build` and its kin are the way in.
Building needs the streamer; telling, checking and dropping need no model.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from longtake.errors import KVError, KVMissing
from longtake.models.quiet import large_apart
from longtake.storage.folder import Folder

if TYPE_CHECKING:
    from longtake.config import Settings
    from longtake.memory.kv.asking import Streams
    from longtake.memory.kv.heads import Profile
    from longtake.models.profiles import Models
    from longtake.storage.records import Video
    from longtake.storage.store import Store


def profiles_in(settings: Settings) -> Path:
    """Where profiles of heads lie that were measured on this machine."""
    return Path(settings.models_dir) / "kv-heads"


OnProgress: TypeAlias = Callable[[dict[str, Any]], None]


class KVMemories:
    """What one may do with the key–value memories of a library.

    Args:
        path: the library's folder.
        models: the profile's models; the streamer is loaded when it is needed.
        settings: the library's.
    """

    def __init__(self, path: Path, models: Models, settings: Settings) -> None:
        self.root = Folder(path).kv
        self.models = models
        self.settings = settings

    def build(
        self,
        store: Store,
        video: Video,
        *,
        scheme: str | None = None,
        bytes_per_hour: float | None = None,
        on_progress: OnProgress | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> dict[str, Any]:
        """Read what was not read yet; return the memory's row of `status` and what was done."""
        from longtake.memory.kv.asking import place_of
        from longtake.memory.kv.build import build, done, tokens_of
        from longtake.memory.kv.heads import fingerprint, profile_of
        from longtake.memory.kv.lines import items_of
        from longtake.perception.frames import frame_at

        lines = items_of(store, video.id, seeing=self.models.streamer_sees)
        picture = partial(frame_at, video.path)
        place = place_of(self.root, video.id, self.models.streamer_name)
        most = bytes_per_hour or self.settings.kv.bytes_per_hour or None
        wanted = scheme or self._wanted(place, bytes_per_hour)
        asked = scheme is None and bytes_per_hour is not None
        if lines and not asked and done(place, lines, self.models.streamer_name, wanted):
            return self._row(place, len(lines)) | {"read": 0, "anew": ""}
        large_apart()
        streamer = self.models.streamer
        with streamer.tap() as tap:
            profile = profile_of(tap, profiles_in(self.settings))
            read = partial(build, place, lines, streamer, tap, weights=fingerprint(tap.model),
                           heads=profile.keys, picture=picture, on_line=_teller(video, on_progress),
                           stop=stop or (lambda: False))  # fmt: skip
            bounded = most is not None and scheme is None and (asked or not place.exists())
            tokens = tokens_of(lines, streamer, picture) if bounded else 0
            schemes = self._fitting(tokens, streamer, tap, profile, most, video) if bounded else ()
            made = read(scheme=schemes[0] if schemes else wanted)
            last = made.bytes
            for smaller in schemes[1:]:
                if most is None or hourly(last, video) <= most:
                    break
                last = read(scheme=smaller).bytes
        row = self._row(place, len(lines)) | {"read": made.lines, "anew": made.anew}
        if bounded and most is not None and hourly(row["bytes"], video) > most:
            row["over"] = round(hourly(row["bytes"], video))
        return row

    def streams(self) -> Streams:
        """The memories, to ask; the streamer is loaded with the first question."""
        from longtake.memory.kv.asking import Streams

        return Streams(self.root, lambda: self.models.streamer,
                       lambda: self.models.streamer_name, profiles_in(self.settings))  # fmt: skip

    def has(self, video: Video) -> bool:
        """Whether there is any memory of a video."""
        return any((self.root / video.id).glob("*/manifest.sqlite"))

    def status(self, video: Video, store: Store | None = None) -> list[dict[str, Any]]:
        """Return a row for each memory of a video: who made it, blocks, bytes, how it is kept."""
        from longtake.memory.kv.asking import streams_of
        from longtake.memory.kv.checkpoint import digests, load
        from longtake.memory.kv.lines import items_of, shows_frames

        rows = []
        for place in streams_of(self.root, video.id):
            seeing = shows_frames(digests(load(place)))
            lines = items_of(store, video.id, seeing=seeing) if store is not None else ()
            try:
                rows.append(self._row(place, len(lines)))
            except KVError as error:
                rows.append({"streamer": place.name, "state": "damaged", "why": error.message})
        return rows

    def verify(self, video: Video) -> list[dict[str, Any]]:
        """Read every file of a video's memories and hold it against its hash.

        Raises:
            KVMissing: there is none.
        """
        from longtake.storage.kv.mend import faults

        found = []
        for place in self._places(video):
            bad = faults(place)
            found.append({"streamer": place.name, "ok": not bad,
                          "faults": [{"kind": f.kind, "file": f.file, "detail": f.detail,
                                      "blocks": list(f.blocks)} for f in bad]})  # fmt: skip
        return found

    def drop(self, video: Video) -> int:
        """Remove a video's memories; return how many bytes that gave back.

        Raises:
            KVMissing: there is none.
            Locked: one is being built.
        """
        import shutil

        from longtake.storage.lock import WriterLock

        freed = 0
        for place in self._places(video):
            lock = WriterLock.take(place / "writer.lock")
            try:
                freed += sum(path.stat().st_size for path in place.iterdir() if path.is_file())
                shutil.rmtree(place)
            finally:
                lock.release()
        if not any((self.root / video.id).iterdir()):
            (self.root / video.id).rmdir()
        return freed

    def calibrate(self) -> tuple[Profile, Path]:
        """Measure the streamer's heads on this machine; return the profile and where it lies."""
        from longtake.memory.kv.calibrate import calibrate
        from longtake.memory.kv.heads import save

        streamer = self.models.streamer
        with streamer.tap() as tap:
            profile = calibrate(tap, streamer.tokenizer, name=streamer.name)
        return profile, save(profile, profiles_in(self.settings))

    def _places(self, video: Video) -> list[Path]:
        from longtake.memory.kv.asking import streams_of

        places = streams_of(self.root, video.id)
        if not places:
            raise KVMissing(
                f"there is no key–value memory of {video.name}", fix=f"longtake kv build {video.id}"
            )
        return places

    def _row(self, place: Path, lines: int) -> dict[str, Any]:
        """What is known of one memory."""
        from longtake.memory.kv.checkpoint import digests, load
        from longtake.storage.kv.segments import Segments

        told = load(place)
        with Segments(place, None) as memory:
            rows = memory.rows()
            read = len(digests(told))
            state = "built" if told and told.finished else "begun"
            if state == "built" and lines and read < lines:
                state = "behind"
            return {
                "streamer": memory.print.model, "state": state, "lines": read, "of": lines or read,
                "scheme": told.scheme if told else "", "blocks": len(rows),
                "ghosts": sum(row.ghost for row in rows), "tokens": sum(row.n for row in rows),
                "heads": len(memory.heads), "bytes": memory.bytes(),
                "until": max((row.end for row in rows), default=0.0),
                "dropped": list(memory.dropped),
            }  # fmt: skip

    def _wanted(self, place: Path, bytes_per_hour: float | None) -> str:
        """How blocks are to be kept: as they are, unless something else is asked for.

        Of text ghosts are enough, since what is found is read again; pictures cannot be.
        """
        from longtake.memory.kv.checkpoint import load

        told = load(place)
        if told is not None and bytes_per_hour is None:
            return told.scheme
        return "k8v4" if self.models.streamer_sees else "ghost"

    def _fitting(
        self, tokens: int, streamer: Any, tap: Any, profile: Profile, most: float | None,
        video: Video,
    ) -> list[str]:  # fmt: skip
        """Ways to keep blocks that should stay within so many bytes for an hour, largest first.

        Blocks end with their line; short ones cost a little more than is computed here. Then the
        next way is taken, which packs what was built and reads nothing. A larger way than one that
        was built means to read all again, so what it would take is told by what that one takes.
        """
        from longtake.memory.kv.asking import place_of
        from longtake.memory.kv.build import BLOCK, KEPT, LIVE, bytes_per_token, ways_of

        sizes = {one: tokens * bytes_per_token(tap, profile.keys, one) for one in KEPT}
        newest = min(1.0, LIVE * BLOCK / max(1, tokens))
        sizes[KEPT[-1]] += sizes["k4v4"] * newest  # Which stay whole.
        kept, more = self._measured(place_of(self.root, video.id, streamer.name), sizes)
        for one in KEPT[: KEPT.index(kept) + 1] if kept else ():
            sizes[one] *= more
        ways = ways_of(streamer)
        return [one for one in ways if most and hourly(sizes[one], video) <= most] or [ways[-1]]

    def _measured(self, place: Path, computed: dict[str, float]) -> tuple[str, float]:
        """How a memory is kept, if there is one, and how many times the computed bytes it takes."""
        try:
            row = self._row(place, 0)
        except KVError:
            return "", 1.0
        if row["state"] != "built" or row["scheme"] not in computed:
            return "", 1.0
        return row["scheme"], max(1.0, row["bytes"] / max(1.0, computed[row["scheme"]]))


def hourly(size: float, video: Video) -> float:
    """Bytes of a video as those of an hour of it."""
    return size * 3600 / max(video.duration, 1.0)


def _teller(video: Video, on_progress: OnProgress | None) -> Callable[[int, int, float], None]:
    """Tells progress by lines that were read: they overlap in time, their share never goes back."""
    began = time.monotonic()

    def told(n: int, total: int, _: float) -> None:
        if on_progress is not None:
            share, spent = n / total, time.monotonic() - began
            done = video.duration * share
            on_progress({"stage": "kv", "done": done, "total": video.duration,
                         "eta": spent / share - spent, "speed": done / max(spent, 1e-6),
                         "askable": True})  # fmt: skip

    return told
