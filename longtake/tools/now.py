"""Short-term memory: what is there at this moment of a video that is still being made.

The now-window is the newest 8 s at 2 pictures a second, the buffer the newest 60 s at one. Both
are read from the newest bytes of the source's own files (`longtake.perception.newest`), never from
the memory: they are there however far behind the watch is, and nothing older is in them. For what is now, the
newest frames alone tell better than frames joined with memories (SimpleStream); StreamingVLM (S34)
keeps vision for seconds and words for longer.

Nothing is kept beyond the last few glances, by what the file held: `KEPT`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Any

from longtake.errors import LongtakeError, NoSuchMoment, SourceGone
from longtake.models.protocols import Utterance
from longtake.perception.channels import open_channels
from longtake.perception.newest import Newest, jumps_of, newest
from longtake.perception.segments import recording
from longtake.storage.observations import Observation, observation_id
from longtake.storage.records import Record, Video, record_id
from longtake.timecode import Seconds, Span
from longtake.tools.looking import seen_row
from longtake.tools.observed import Wanted, records_of

WINDOW, WINDOW_FPS = 8.0, 2.0
BUFFER, BUFFER_FPS = 60.0, 1.0
KEPT = 2
"""Glances that are kept: a question in two parts looks once."""
READINGS, BUFFER_READINGS = 4, 12
"""Pictures of a glance on which text is read, at most: the newest, and those that differ most."""
SENTENCE: Seconds = 12.0
"""Sound is heard from so long before, so that a sentence is whole that was begun before."""


@dataclass(frozen=True)
class Glance:
    """What was seen and heard in the newest `span`; `edge` is its end.

    `pictures` are the times of the frames; `shown` what they show, with lines, tags, colours and
    caption as `longtake.perception.look.Look` has them; `said` what was being said.
    """

    video: str
    span: Span
    pictures: tuple[Seconds, ...]
    shown: dict[str, Any]
    said: tuple[Utterance, ...]
    records: tuple[Record, ...] = field(repr=False, default=())

    @property
    def edge(self) -> Seconds:
        """The newest moment."""
        return self.span.end


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
        self._kept: OrderedDict[tuple[Any, ...], Glance] = OrderedDict()
        self._lock = Lock()

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

    def window(self, video: Video, question: str = "") -> Glance:
        """The newest 8 s, looked at closely; a captioner is told the question.

        Raises:
            SourceGone, MediaError: nothing of it can be read.
        """
        return self._glance(video, WINDOW, WINDOW_FPS, READINGS, question)

    def buffer(self, video: Video, question: str = "") -> Glance:
        """The newest minute, a picture a second."""
        return self._glance(video, BUFFER, BUFFER_FPS, BUFFER_READINGS, question)

    def _glance(
        self, video: Video, seconds: Seconds, fps: float, readings: int, question: str
    ) -> Glance:
        source = self.newest(video, seconds)
        held = tuple((str(piece.path), piece.high) for piece in source.pieces)
        key = (video.id, seconds, fps, question, held)
        with self._lock:
            known = self._kept.get(key)
        if known is not None:
            return known
        made = glance(
            source, video, seconds, fps, self.models, readings=readings, question=question
        )
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made


def glance(
    source: Newest, video: Video, seconds: Seconds, fps: float, models: Any, *,
    readings: int = READINGS, question: str = "",
) -> Glance:  # fmt: skip
    """Look at, read and hear the newest seconds of a source."""
    from longtake.perception.look import Look, look

    span = Span(max(0.0, source.edge - seconds), source.edge)
    try:
        seen = look(source, video, span, models, fps=fps, question=question or None,
                    crops="whole", readings=readings)  # fmt: skip
    except NoSuchMoment:  # Sound alone.
        seen = Look(span, (), (), ())
    said = heard(source, span, models)
    wanted = Wanted(video.id, span, "now", fps, "whole", question=question,
                    models=dict(models.names()))  # fmt: skip
    row = seen_row(seen, span)
    frames = int(row.pop("frames"))
    shown = wanted.seen(row, frames, question)
    return Glance(video.id, span, seen.frames, row, said, _records(video, shown, said))


def heard(source: Newest, span: Span, models: Any) -> tuple[Utterance, ...]:
    """What was being said in the newest seconds: sentences that end in them, or go on."""
    from longtake.perception.decode import Decoder, Sound
    from longtake.perception.sound import SoundTrack
    from longtake.perception.speech import listen

    channels = open_channels(models, picture=False, sound=True)
    if channels.voice is None or channels.transcriber is None:
        return ()
    begin = max(0.0, span.start - SENTENCE)
    track = SoundTrack()
    for item in Decoder(source, start=begin, until=span.end, picture=False):
        if isinstance(item, Sound):
            track.add(item)
    if not track.heard(begin, span.end):
        return ()
    samples = track.cut(begin, span.end)
    found = listen(samples, begin, span.end, channels.voice, channels.transcriber, last=True)
    return tuple(one for one in found.utterances if one.span.end > span.start)


def _records(video: Video, shown: Observation, said: Sequence[Utterance]) -> tuple[Record, ...]:
    """What a glance holds as records that solvers read; they are kept nowhere."""
    found = records_of([replace(shown, id=observation_id(shown))])
    for n, one in enumerate(said):
        name = record_id(video.ordinal, one.span.start, "moment", "speech", n)
        words = [[w.start, w.end, w.text, w.p] for w in one.words]
        found.append(
            Record(f"now:{name}", video.id, "moment", "speech", one.span, one.span.end, one.text,
                   "now", (), {"words": words, "confidence": one.confidence})
        )  # fmt: skip
    return tuple(found)
