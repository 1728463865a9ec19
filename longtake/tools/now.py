"""Short-term memory: what is there at this moment of a video that is still being made.

The now-window is the newest 8 s at 2 pictures a second, the buffer the newest 60 s at one. Both
are read from the newest bytes of the source's own files (`longtake.perception.newest`), never from
the memory: they are there however far behind the watch is, and nothing older is in them. For what is now, the
newest frames alone tell better than frames joined with memories (SimpleStream); StreamingVLM (S34)
keeps vision for seconds and words for longer.

Looking costs: a picture full of text takes seconds to read. So a `Glance` decodes, reads, names
and hears only when it is asked for that channel, back to that time, and each picture once. What the
memory holds of the newest minute is not looked at anew; the buffer is what lies between.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

from longtake.errors import LongtakeError, NoSuchMoment, SourceGone
from longtake.models.protocols import Image, Utterance
from longtake.perception.channels import open_channels
from longtake.perception.newest import Newest, jumps_of, newest
from longtake.perception.segments import recording
from longtake.storage.observations import observation_id
from longtake.storage.records import Record, Video, record_id
from longtake.timecode import Seconds, Span
from longtake.tools.looking import seen_row
from longtake.tools.observed import Wanted, records_of

if TYPE_CHECKING:
    from longtake.models.protocols import TextLine
    from longtake.perception.look import Hues, Look, SeenLine, SeenTag

WINDOW, WINDOW_FPS = 8.0, 2.0
BUFFER, BUFFER_FPS = 60.0, 1.0
READINGS, BUFFER_READINGS = 4, 12
"""Pictures of a glance on which text is read, at most: the newest, and those that differ most."""
SENTENCE: Seconds = 12.0
"""Sound is heard from so long before, so that a sentence is whole that was begun before."""
SOURCES = ("screen", "sight", "speech")
"""What a glance can be asked for."""

Count = Callable[[str, int], None]
"""Takes note of work: ``frames`` and ``readings``."""


class Glance:
    """What is there in the newest `span` of a video; looked at only as far as it is asked for.

    Args:
        source: what is newest in its file; None where there is nothing to look at.
        video: its entry in the library.
        span: the seconds that are meant.
        models: the profile's models; each is opened when it is first needed.
        fps: pictures a second.
        readings: pictures on which text is read, at most.
        question: what a captioner is told.
        later: the glance that goes on where this one ends; its records come with this one's.
        known: records that the memory holds of the time before.
        count: told of frames that are decoded and pictures that are read.
    """

    def __init__(
        self, source: Newest | None, video: Video, span: Span, models: Any, *,
        fps: float = WINDOW_FPS, readings: int = READINGS, question: str = "",
        later: Glance | None = None, known: Sequence[Record] = (), count: Count | None = None,
    ) -> None:  # fmt: skip
        self.video, self.span, self.question = video, span, question
        self.later, self.known = later, tuple(known)
        self._source, self._models, self._count = source, models, count or (lambda what, n: None)
        self._fps, self._readings = fps, readings
        self._read: dict[Seconds, list[TextLine]] = {}
        self._named: dict[Seconds, tuple[list[SeenTag], tuple[Hues, ...]]] = {}
        self._lock = RLock()

    @property
    def edge(self) -> Seconds:
        """The newest moment."""
        return self.span.end

    @property
    def looks(self) -> bool:
        """Whether there is anything to look at that is not known."""
        return self._source is not None

    def records(self, names: Collection[str], since: Seconds) -> list[Record]:
        """What the named of `SOURCES` show, the pictures back to `since` and never less than the newest.

        Raises:
            MediaError: it cannot be decoded.
        """
        with self._lock:
            found = list(self.later.records(names, since)) if self.later else []
            found += [one for one in self.known if one.channel in names]
            found += self._shown(names, since, found) if {"screen", "sight"} & {*names} else []
            found += self._heard() if "speech" in names else []
            return found

    def times(self, names: Collection[str]) -> list[Seconds]:
        """When something else came to be shown or said, the newest first: how far back to ask."""
        with self._lock:
            found = {one.span.start for one in self.known if one.channel in names}
            found |= set(self.later.times(names)) if self.later else set()
            found |= {time for time, _, _ in self._pages} if "screen" in names else set()
            found |= {one.span.start for one in self.said} if "speech" in names else set()
            return sorted(found | {self.span.start}, reverse=True)

    @cached_property
    def _frames(self) -> list[tuple[Seconds, Image]]:
        """The pictures; none where there is sound alone."""
        from longtake.perception.frames import frames_in

        try:
            found = frames_in(self._source, self.span, self._fps) if self._source else []
        except NoSuchMoment:
            found = []
        if found:
            self._count("frames", len(found))
        return found

    @cached_property
    def _pages(self) -> list[tuple[Seconds, Image, Seconds]]:
        """The pictures that are worth reading, from when to when each stands."""
        from longtake.perception.changes import changing

        found = changing(self._frames, self._readings)[0] if self._frames else []
        return [(time, image, min(until, self.edge)) for time, image, until in found]

    @cached_property
    def _sights(self) -> list[tuple[Seconds, Image, Seconds]]:
        """The newest of each row of pictures that look alike."""
        from longtake.perception.look import MOST_LOOKS, alike

        rows = alike(self._frames)
        step = -(-len(rows) // MOST_LOOKS) or 1
        return [(*row[-1], row[-1][0] + 1.0 / self._fps) for row in rows[::-1][::step][::-1]]

    @cached_property
    def said(self) -> tuple[Utterance, ...]:
        """What was being said; a sentence that goes on is left to the later glance."""
        if self._source is None:
            return ()
        return heard(self._source, self.span, self._models, last=self.later is None)

    def _back_to(
        self, every: list[tuple[Seconds, Image, Seconds]], since: Seconds
    ) -> list[tuple[Seconds, Image, Seconds]]:
        found = [one for one in every if one[2] > since]
        return found or (every[-1:] if self.later is None else [])

    def _shown(
        self, names: Collection[str], since: Seconds, known: Sequence[Record]
    ) -> list[Record]:
        """Records of the pictures; a line that is `known` at its time is not told again."""
        from longtake.perception.look import Look

        lines = self._lines(since) if "screen" in names else []
        named = self._labels(since) if "sight" in names else []
        every = since <= self.span.start and "sight" in names
        seen = Look(
            self.span, tuple(lines), tuple(tag for tags, _ in named for tag in tags),
            (), caption=self._caption if every else "",
            colours=tuple(hue for _, hues in named for hue in hues),
        )  # fmt: skip
        return self._told(seen, known)

    def _told(self, seen: Look, known: Sequence[Record]) -> list[Record]:
        wanted = Wanted(self.video.id, self.span, "now", self._fps, "whole",
                        question=self.question, models=dict(self._models.names()))  # fmt: skip
        row = seen_row(seen, self.span)
        shown = wanted.seen(row, int(row.pop("frames")), self.question)
        return records_of([replace(shown, id=observation_id(shown))], known)

    def _lines(self, since: Seconds) -> list[SeenLine]:
        """Read the pictures back to `since`, the newest first."""
        from longtake.perception.look import merge, read_whole

        pages = self._back_to(self._pages, since)
        reader = _open(self._models, text=True).reader if pages else None
        for time, image, _ in reversed(pages):
            if reader is not None and time not in self._read:
                self._read[time] = read_whole(reader, image)
                self._count("readings", 1)
        lines: list[SeenLine] = []
        for time, _, until in pages:
            lines = merge(lines, self._read.get(time, []), time, until)
        return sorted(lines, key=lambda o: (o.start, o.box[1], o.box[0], o.text))

    def _labels(self, since: Seconds) -> list[tuple[list[SeenTag], tuple[Hues, ...]]]:
        """Name what the pictures show and their colours."""
        from longtake.perception.look import hues, tag_closely

        rows = self._back_to(self._sights, since)
        tagger = _open(self._models, tags=True).tagger if rows else None
        for time, image, _ in rows:
            if time not in self._named:
                one = [(time, image)]
                tags = tag_closely(tagger, one, crops="whole")[0] if tagger is not None else []
                self._named[time] = tags, hues(one)
        return [self._named[time] for time, _, _ in rows]

    @cached_property
    def _caption(self) -> str:
        from longtake.perception.look import captioned

        return captioned(self._models, self._frames, self.question)[0] if self._frames else ""

    def _heard(self) -> list[Record]:
        """What was said, as records that solvers read; they are kept nowhere."""
        found = []
        for n, one in enumerate(self.said):
            name = record_id(self.video.ordinal, one.span.start, "moment", "speech", n)
            words = [[w.start, w.end, w.text, w.p] for w in one.words]
            found.append(
                Record(f"now:{name}", self.video.id, "moment", "speech", one.span, one.span.end,
                       one.text, "now", (), {"words": words, "confidence": one.confidence})
            )  # fmt: skip
        return found


def followed(video: Video) -> bool:
    """Whether a video is still being made, as far as the library knows."""
    live = video.media.get("live")
    return live is not None and live["ended"] is None


class Now:
    """What is now, of the videos of one library.

    Args:
        library: the library's folder; recordings of what cannot be read twice lie in ``raw``.
        models: the profile's models.
    """

    def __init__(self, library: Path, models: Any) -> None:
        self.library = library
        self.models = models

    def source(self, video: Video) -> Path:
        """The file or folder in which the newest of a video lies.

        Raises:
            SourceGone: there is none.
        """
        path = Path(video.path)
        if path.exists():
            return path
        told = [(one, recording(one)) for one in sorted((self.library / "raw").glob("*"))]
        mine = [(about.began, one) for one, about in told if about and about.source == video.path]
        if not mine:
            raise SourceGone(
                f"nothing is there to be read of what is new in {video.name}",
                fix=f"longtake ingest {video.path} --follow goes on recording it",
            )
        return max(mine)[1]

    def newest(self, video: Video, seconds: Seconds) -> Newest:
        """The newest seconds as a source for `Decoder`, `frames_in` and `look`.

        Raises:
            MediaError: nothing of it can be read.
        """
        breaks = video.media.get("live", {}).get("breaks", [])
        return newest(self.source(video), seconds, known=video.duration, jumps=jumps_of(breaks))

    def edge(self, video: Video) -> Seconds:
        """The newest time of the stream; what the memory knows, where no file tells."""
        if not followed(video):
            return video.duration
        try:
            return max(video.duration, self.newest(video, 0.0).edge)
        except LongtakeError:
            return video.duration

    def window(self, video: Video, question: str = "", count: Count | None = None) -> Glance:
        """The newest 8 s; a captioner is told the question.

        Raises:
            SourceGone, MediaError: nothing of it can be read.
        """
        source = self.newest(video, WINDOW)
        span = Span(max(0.0, source.edge - WINDOW), source.edge)
        return Glance(source, video, span, self.models, question=question, count=count)

    def buffer(
        self, window: Glance, *, held: Seconds = 0.0, known: Sequence[Record] = (),
        count: Count | None = None,
    ) -> Glance:  # fmt: skip
        """The newest minute, a picture a second: the window, and what lies before it.

        Args:
            window: what was looked at already.
            held: what lies before this time is not looked at, but taken from `known`.
            known: what the memory holds; of another video, or older than a minute, it is left aside.
            count: as in `Glance`.

        Raises:
            SourceGone, MediaError: nothing of it can be read.
        """
        video, begin = window.video, max(0.0, window.edge - BUFFER)
        span = Span(min(max(begin, held), window.span.start), window.span.start)
        looks = span.duration >= 1.0 / BUFFER_FPS
        source = self.newest(video, BUFFER) if looks else None
        own = [one for one in known if one.video == video.id and one.span.end > begin]
        return Glance(
            source, video, span, self.models, fps=BUFFER_FPS, readings=BUFFER_READINGS,
            question=window.question, later=window, known=own, count=count,
        )  # fmt: skip


def _open(models: Any, *, text: bool = False, tags: bool = False) -> Any:
    return open_channels(models, picture=True, sound=False, text=text, tags=tags)


def heard(source: Newest, span: Span, models: Any, *, last: bool = True) -> tuple[Utterance, ...]:
    """What was being said in a span: sentences that end in it or, if it is the `last`, go on."""
    from longtake.perception.decode import Decoder, Sound
    from longtake.perception.sound import SoundTrack
    from longtake.perception.speech import listen

    begin = max(0.0, span.start - SENTENCE)
    track = SoundTrack()
    for item in Decoder(source, start=begin, until=span.end, picture=False):
        if isinstance(item, Sound):
            track.add(item)
    if not track.heard(begin, span.end):
        return ()
    channels = open_channels(models, picture=False, sound=True)
    if channels.voice is None or channels.transcriber is None:
        return ()
    samples = track.cut(begin, span.end)
    found = listen(samples, begin, span.end, channels.voice, channels.transcriber, last=last)
    return tuple(one for one in found.utterances if one.span.end > span.start)
