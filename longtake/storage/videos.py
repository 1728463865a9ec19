"""The videos of a library: how one is added, named and found again."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Sequence
from typing import Any

from longtake.errors import NoSuchVideo, StoreError
from longtake.storage.database import Database, Row
from longtake.storage.memo import Memo
from longtake.storage.records import Video
from longtake.timecode import Seconds

_COLUMNS = "id, ordinal, fingerprint, path, name, duration, media"
_LISTS = "longtake videos lists what the library holds"


class Videos:
    """The table of videos."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._memo = Memo(database)

    def all(self) -> list[Video]:
        """Return every video in order of arrival."""
        return list(self._memo.get("all", self._all))

    def _all(self) -> list[Video]:
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM videos ORDER BY ordinal")
        return [_video(row) for row in rows]

    def get(self, video: str) -> Video:
        """Return the video with this id.

        Raises:
            NoSuchVideo: there is none.
        """
        row = self._database.one(f"SELECT {_COLUMNS} FROM videos WHERE id = ?", (video,))
        if row is None:
            raise NoSuchVideo(f"the library holds no video {video!r}", fix=_LISTS)
        return _video(row)

    def resolve(self, name: str) -> Video:
        """Return the video meant by an id, a path, a name, or a unique part of any of these.

        Raises:
            NoSuchVideo: none is meant, or several are.
        """
        videos = self.all()
        for found in _matches(name, videos):
            if len(found) == 1:
                return found[0]
            if found:
                listed = ", ".join(f"{video.name} ({video.id})" for video in found[:5])
                raise NoSuchVideo(
                    f"{name!r} may mean {len(found)} videos: {listed}", fix="name one by its id"
                )
        raise NoSuchVideo(f"the library holds no video {name!r}", fix=_nearest(name, videos))

    def add(
        self, fingerprint: str, path: str, name: str, duration: Seconds, media: dict[str, Any]
    ) -> Video:
        """Add a video, or note where a known one lies now."""
        video = "v" + fingerprint[:10]
        with self._database.transaction():
            known = self._database.one("SELECT fingerprint FROM videos WHERE id = ?", (video,))
            if known is None:
                self._database.run(
                    "INSERT INTO videos (id, fingerprint, path, name, duration, media) "
                    "VALUES (?, ?, ?, ?, ?, ?)",
                    (video, fingerprint, _pack(path), _pack(name), duration, json.dumps(media)),
                )
            elif known[0] == fingerprint:
                # Not an upsert: one that updates still uses up an ordinal.
                self.update(video, path=path, name=name, duration=duration, media=media)
            else:
                raise StoreError(
                    f"two different videos share the id {video}",
                    fix="remove the other one: longtake videos rm " + video,
                )
        return self.get(video)

    def update(
        self,
        video: str,
        *,
        path: str | None = None,
        name: str | None = None,
        duration: Seconds | None = None,
        media: dict[str, Any] | None = None,
    ) -> Video:
        """Change what is given and return the video as it is now."""
        changes: dict[str, Any] = {}
        if path is not None:
            changes["path"] = _pack(path)
        if name is not None:
            changes["name"] = _pack(name)
        if duration is not None:
            changes["duration"] = duration
        if media is not None:
            changes["media"] = json.dumps(media)
        with self._database.transaction():
            self.get(video)
            for column, value in changes.items():
                self._database.run(f"UPDATE videos SET {column} = ? WHERE id = ?", (value, video))
        return self.get(video)

    def ordinals(self, video: str | Sequence[str] | None) -> list[int] | None:
        """Return the ordinals of the named ids that exist, in order; None means every video."""
        if video is None:
            return None
        wanted = [video] if isinstance(video, str) else list(video)
        rows = self._database.rows(
            "SELECT ordinal FROM videos WHERE id IN (SELECT value FROM json_each(?)) "
            "ORDER BY ordinal",
            (json.dumps(wanted),),
        )
        return [row[0] for row in rows]


def _matches(name: str, videos: list[Video]) -> list[list[Video]]:
    """Return what `name` may mean, the surest reading first."""
    wanted = name.casefold().strip()
    if not wanted:
        return []
    path = os.path.abspath(os.path.expanduser(name))
    return [
        [video for video in videos if video.id == wanted],
        [video for video in videos if path == os.path.abspath(video.path)],
        [video for video in videos if video.name.casefold() == wanted],
        [video for video in videos if os.path.splitext(video.name)[0].casefold() == wanted],
        [
            video
            for video in videos
            if wanted in video.name.casefold() or (len(wanted) >= 4 and video.id.startswith(wanted))
        ],
    ]


def _nearest(name: str, videos: list[Video]) -> str:
    names = {video.name.casefold(): video.name for video in videos}
    names |= {os.path.splitext(low)[0]: video for low, video in names.items()}
    wanted = os.path.basename(name).casefold()
    near = difflib.get_close_matches(wanted, sorted(names), n=3, cutoff=0.5)
    shown = list(dict.fromkeys(names[one] for one in near))
    return f"did you mean {' or '.join(shown)}?" if shown else _LISTS


def _video(row: Row) -> Video:
    video, ordinal, fingerprint, path, name, duration, media = row
    return Video(
        video, ordinal, fingerprint, _unpack(path), _unpack(name), duration, json.loads(media)
    )


def _pack(name: str) -> str | bytes:
    # A file name on Linux is bytes; what is not UTF-8 reaches us as lone surrogates.
    try:
        name.encode()
    except UnicodeEncodeError:
        return name.encode("utf-8", "surrogateescape")
    return name


def _unpack(stored: str | bytes) -> str:
    return stored if isinstance(stored, str) else stored.decode("utf-8", "surrogateescape")
