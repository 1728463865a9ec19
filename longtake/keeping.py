"""What is kept of watched videos, and what is done with it besides asking: `Library` is built on this.

Each of these writes to the library, so one process at a time may do it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longtake.errors import UsageError
from longtake.timecode import Seconds

if TYPE_CHECKING:
    from longtake.config import Settings
    from longtake.memory.retention import Forgotten
    from longtake.models.profiles import Models
    from longtake.storage.records import Video
    from longtake.storage.store import Store
    from longtake.streams import KVMemories
    from longtake.watch import OnProgress


TURN: Seconds = 5.0
"""How long to wait for another writer: one that follows a stream comes and goes."""


class Keeping:
    """Later passes, key–value memories, moving, forgetting and removing."""

    if TYPE_CHECKING:
        path: Path
        settings: Settings

        @property
        def models(self) -> Models:
            """The profile's models."""

        @property
        def store(self) -> Store:
            """The library on disk, opened for reading."""

        @property
        def kv(self) -> KVMemories:
            """The key–value memories."""

        def video(self, name: str | Path | Video) -> Video:
            """Find a video."""

        def close(self) -> None:
            """Close what is open."""

    def later(
        self,
        video: Video | str,
        names: Sequence[str] | None = None,
        *,
        redo: Sequence[str] = (),
        on_progress: OnProgress | None = None,
    ) -> None:
        """Run later passes over a watched video: what the profile's bigger models add.

        Args:
            video: which; it must have been watched in depth, wholly or in part.
            names: some of ``captions``, ``pictures``, ``objects``, ``speakers`` and ``retell``; None
                for all that the profile has models for. Those that are finished are left alone.
            redo: passes that are made anew, whatever there is.
            on_progress: called with events like those of `ingest`; `stage` is the pass's name.

        Raises:
            UsageError: there is no such pass.
            MissingConfig: the profile has no model for one that was named.
            PartlyDone: some failed; the others are finished.
            Interrupted: Ctrl-C; what was stored is kept.
        """
        from longtake.later import Later, check_names, need, planned

        anew = check_names(redo)
        need(self.models, [*check_names(names or ()), *anew])
        if not planned(self.models):
            return
        known = self.video(video)
        try:
            Later(self.path, self.models, self.settings, on_progress).run(known.id, names, anew)
        finally:
            self.close()  # What is open does not see what was written since.

    def kv_build(
        self, video: Video | str, on_progress: OnProgress | None = None, **more: Any
    ) -> dict[str, Any]:
        """Read a video's text as a stream, or go on; `more`: scheme, bytes_per_hour, stop."""
        self.close()  # What is open holds the streamer, and does not see what was written since.
        return self.kv.build(self.store, self.video(video), on_progress=on_progress, **more)

    def kv_status(self, video: Video | str) -> list[dict[str, Any]]:
        """Return a row for each key–value memory of a video."""
        return self.kv.status(self.video(video), self.store)

    def kv_verify(self, video: Video | str) -> list[dict[str, Any]]:
        """Hold every file of a video's key–value memories against its hash."""
        return self.kv.verify(self.video(video))

    def kv_drop(self, video: Video | str) -> int:
        """Remove a video's key–value memories; return the bytes that gives back."""
        self.close()
        return self.kv.drop(self.video(video))

    def relink(self, video: Video | str, path: str | Path) -> Video:
        """Tell where a moved file or folder of segments is now; its content must be the same.

        Raises:
            UsageError: the file holds other content.
        """
        from longtake.perception.media import probe
        from longtake.perception.sources import open_live
        from longtake.storage.store import Store
        from longtake.watch import holds

        known, _ = self.video(video), probe(Path(path))
        if not holds(known, open_live(path).content() or ""):
            raise UsageError(
                f"{path} is not the content that was watched as {known.name}",
                fix=f"longtake ingest {path} watches it as a video of its own",
            )
        with Store.open(self.path, write=True, wait=TURN) as store:
            return store.update_video(known.id, path=str(Path(path).resolve()))

    def remove(self, video: Video | str) -> None:
        """Forget a video and all that was derived from it; its file stays, our recording goes."""
        from longtake.recordings import delete
        from longtake.storage.store import Store

        known = self.video(video)
        if self.kv.has(known):
            self.kv_drop(known)
        with Store.open(self.path, write=True, wait=TURN) as store:
            store.remove_video(known.id)
        delete(self.path / "raw", known)

    def forget(
        self,
        video: Video | str,
        *,
        before: Seconds | None = None,
        budget: int | None = None,
        keep_text: bool = False,
        dry_run: bool = False,
    ) -> Forgotten:
        """Give up detail of a video, pictures first and text last; its file stays.

        Of a stream that was recorded, the recording goes first.

        Args:
            before: only what ended before this time.
            budget: instead, as much as it takes to keep no more than so many bytes, oldest first.
            keep_text: only pictures and the vectors of frames and clips.
            dry_run: tell what would go, and change nothing.

        Raises:
            UsageError: a budget and a time, or a budget and `keep_text`, were both given.
        """
        from longtake import recordings
        from longtake.memory.retention import forget, held, within
        from longtake.storage.store import Store

        if budget is not None and (before is not None or keep_text):
            raise UsageError("a number of bytes decides by itself what goes", fix="give that alone")
        known = self.video(video)
        self.close()
        raw = None if keep_text else recordings.folder_of(self.path / "raw", known)
        with Store.open(self.path, write=True, wait=TURN) as store:
            if budget is None:
                gone = recordings.give_up(raw, before=before, dry_run=dry_run)
                made = forget(store, known.id, before=before, keep_text=keep_text, dry_run=dry_run)
            else:
                most = max(0, budget - held(store, known.id).total)
                gone = recordings.give_up(raw, most=most, dry_run=dry_run)
                made = within(store, known.id, budget, dry_run=dry_run)
        return replace(made, recording=gone)
