"""The captions pass: a vision-language model describes what each clip adds to the one before.

Differential captioning after ShareGPT4Video (S52): inside a scene each clip is shown with the last
key frame of the clip before and what was said of it, and the model says what changed; then it sums
the scene up. A clip that repeats another (``data["same_as"]``) is not asked about again: the
caption of the first stands for as long as nothing changes. Scenes run side by side, so that a
model that answers many requests at once can, and the clips of one scene stay in order.

Key frames are those that the deep pass found worth a look, the first of each shot before others.
They are decoded once, in order of time, and those of a clip that look the same are shown once.
Answers are kept by content: the model, its prompts, the pixels and the caption before; asking for
the same again costs no call, so a pass that was killed inside a portion repeats only what was not
answered.

Records: level ``moment``, channel ``caption``, maker ``captions:<model>``, ``data = {"of": "clip"
or "scene", "facts", "frames": [t], "before": id of the caption it goes on from}``.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from longtake.models.protocols import Image, VisionModel
from longtake.models.vision.captioner import ClipJob, Describer, Told
from longtake.models.vision.used import Used
from longtake.perception.distinct import distinct
from longtake.perception.frames import frames_at
from longtake.perception.later import Portion, later_id
from longtake.storage.records import Record, Video
from longtake.timecode import Seconds, Span

NAME = "captions"
MOST = 4
"""Key frames of one clip."""
SIDE_BY_SIDE = 8
"""Scenes that are described at once."""
FRAMES_AT_ONCE = 128
"""Key frames held at once, save those of one scene."""
MAX_SIDE = 1024
"""Longest side of a key frame, in pixels."""

Cache: TypeAlias = tuple[Callable[[str], bytes | None], Callable[[str, bytes], None]]
"""Get and put."""


def key_times(clip: Record, most: int = MOST) -> list[Seconds]:
    """Choose whole seconds at which a clip is looked at, in order.

    The first frame of each shot comes first, then those farthest in time from the chosen ones; of
    a clip without a frame worth a look, one near its middle.

    >>> clip = Record("a", "v", "clip", "caption", Span(10.0, 20.0), 20.0, "", "composed", (),
    ...               {"frames": [10.0, 11.0, 12.0, 16.0, 19.0], "cuts": [15.5]})
    >>> key_times(clip, 3)
    [10.0, 16.0, 19.0]
    """
    span = clip.span
    frames = sorted({round(float(t)) for t in clip.data.get("frames", ()) if span.contains(t)})
    if not frames:
        return [float(min(max(round(span.middle), -(-span.start // 1)), span.end // 1))]
    cuts = sorted(float(t) for t in clip.data.get("cuts", ()) if t > span.start)
    shots: dict[int, int] = {}
    for frame in frames:
        shots.setdefault(bisect_left(cuts, frame + 1e-6), frame)
    chosen = _spread(list(shots.values()), most, [])
    return [float(frame) for frame in sorted(_spread(frames, most, chosen))]


def _spread(frames: Sequence[int], most: int, chosen: list[int]) -> list[int]:
    """Add frames to the chosen ones, each the farthest from all, until there are `most`."""
    kept = list(chosen)
    left = [frame for frame in frames if frame not in kept]
    while left and len(kept) < most:
        far = max(left, key=lambda t: (min((abs(t - k) for k in kept), default=0), -t))
        kept.append(far)
        left.remove(far)
    return kept


@dataclass
class _Clip:
    """A clip to be described: `clip` stands for `covers`, itself and those that repeat it."""

    clip: Record
    covers: Span
    times: list[Seconds]
    images: list[Image] = field(default_factory=list)


@dataclass
class _Chain:
    """One scene on its way: what is left to do, and what was said last."""

    scene: Record
    clips: list[_Clip]
    at: int = 0
    image: Image | None = None
    told: Record | None = None
    records: list[Record] = field(default_factory=list)

    def job(self, clip: _Clip) -> ClipJob:
        said = self.told.text if self.told else None
        return ClipJob(tuple(clip.images), self.image, said)


class Captions:
    """The pass over one video; see the module.

    Args:
        video: its entry in the library.
        source: its file.
        clips: records of the level clip, in order.
        scenes: records of the level scene that are closed; clips of others wait.
        describer: the model.
        cache: get and put of what was answered before.
        most: key frames of one clip.
        side_by_side: scenes described at once.
    """

    name = NAME

    def __init__(
        self,
        video: Video,
        source: Path,
        clips: Sequence[Record],
        scenes: Sequence[Record],
        describer: Describer,
        cache: Cache,
        *,
        most: int = MOST,
        side_by_side: int = SIDE_BY_SIDE,
    ) -> None:
        self.video, self.source = video, source
        self.clips, self.scenes = list(clips), list(scenes)
        self.describer, self.cache = describer, cache
        self.most, self.side_by_side = most, side_by_side
        self._starts = [clip.span.start for clip in self.clips]
        self._before = _counted(describer.vision)

    @property
    def maker(self) -> str:
        """Return the maker of all its records."""
        return f"{NAME}:{self.describer.name}"

    def spent(self) -> dict[str, Any]:
        """Say what asking the model has come to since the pass was built."""
        now, before = _counted(self.describer.vision), self._before
        return {
            key: None if n is None or before[key] is None else n - before[key]
            for key, n in now.items()
        }

    def portions(self, begin: Seconds, carry: bytes) -> Iterator[Portion]:
        """Yield the captions of scenes that begin at or after `begin`, several scenes at a time.

        A scene owes nothing to the one before, so there is nothing to carry.
        """
        if not self.video.media.get("has_video", True):
            return
        chains = [self._chain(s) for s in self.scenes if s.span.start >= begin - 1e-6]
        while chains:
            size, frames = 0, 0
            while size < min(len(chains), self.side_by_side):
                frames += sum(len(clip.times) for clip in chains[size].clips)
                if size and frames > FRAMES_AT_ONCE:
                    break
                size += 1
            yield self._portion(chains[:size])
            chains = chains[size:]

    def _chain(self, scene: Record) -> _Chain:
        """Return the clips of a scene that bring something new."""
        low = bisect_left(self._starts, scene.span.start - 1e-6)
        high = bisect_left(self._starts, scene.span.end - 1e-6)
        found: list[_Clip] = []
        for clip in self.clips[low:high]:
            same = clip.data.get("same_as")
            if same and found and found[-1].clip.id == same:
                found[-1].covers = found[-1].covers.cover(clip.span)
            elif not same:
                found.append(_Clip(clip, clip.span, key_times(clip, self.most)))
        return _Chain(scene, found)

    def _portion(self, chains: Sequence[_Chain]) -> Portion:
        self._look(chains)
        while any(chain.at < len(chain.clips) for chain in chains):
            self._step([chain for chain in chains if chain.at < len(chain.clips)])
        self._sum_up([chain for chain in chains if len(chain.records) > 1])
        records = [record for chain in chains for record in chain.records]
        return Portion(chains[-1].scene.span.end, tuple(records))

    def _look(self, chains: Sequence[_Chain]) -> None:
        """Decode the key frames of all clips in one run."""
        wanted: dict[int, list[_Clip]] = {}
        for chain in chains:
            for clip in chain.clips:
                for time in clip.times:
                    wanted.setdefault(round(time), []).append(clip)
        for chain in chains:
            for clip in chain.clips:
                clip.times = []
        for time, image in frames_at(self.source, list(wanted), max_side=MAX_SIDE):
            for clip in wanted[round(time)]:
                clip.times.append(float(round(time)))
                clip.images.append(image)
        for chain in chains:
            chain.clips = [clip for clip in chain.clips if clip.images]
            for clip in chain.clips:
                kept = distinct(clip.images)
                clip.times = [clip.times[n] for n in kept]
                clip.images = [clip.images[n] for n in kept]

    def _step(self, chains: Sequence[_Chain]) -> None:
        """Describe the next clip of each scene."""
        clips = [chain.clips[chain.at] for chain in chains]
        jobs = [chain.job(clip) for chain, clip in zip(chains, clips, strict=True)]
        for chain, clip, (text, facts) in zip(chains, clips, self._described(jobs), strict=True):
            chain.at += 1
            if text:
                chain.told = self._record(chain, clip, text, facts)
                chain.records.append(chain.told)
                chain.image = clip.images[-1]
            clip.images = []

    def _record(self, chain: _Chain, one: _Clip, text: str, facts: dict[str, Any]) -> Record:
        clip = one.clip
        data = {
            "of": "clip",
            "facts": facts,
            "frames": one.times,
            "before": chain.told.id if chain.told else None,
        }
        name = later_id(NAME, self.video, clip.span.start, "caption")
        return Record(
            name, self.video.id, "moment", "caption", one.covers, clip.known_at, text,
            self.maker, (clip.id,), data,
        )  # fmt: skip

    def _sum_up(self, chains: Sequence[_Chain]) -> None:
        """Describe scenes of several captions as a whole."""
        told = [[record.text for record in chain.records] for chain in chains]
        for chain, text in zip(chains, self._summed(told), strict=True):
            if text:
                chain.records.append(self._scene(chain, text))

    def _scene(self, chain: _Chain, text: str) -> Record:
        scene, parts = chain.scene, chain.records
        known = max([scene.known_at, *(part.known_at for part in parts)])
        data: dict[str, Any] = {"of": "scene", "facts": {}, "frames": [], "before": None}
        name = later_id(NAME, self.video, scene.span.start, "caption", n=1)
        return Record(
            name, self.video.id, "moment", "caption", scene.span, known, text, self.maker,
            tuple(part.id for part in parts), data,
        )  # fmt: skip

    # -- asking, or knowing already --------------------------------------------------------

    def _described(self, jobs: Sequence[ClipJob]) -> list[Told]:
        keys = [self._key(_pixels(job)) for job in jobs]
        answers = self._answers(keys, lambda new: self.describer.clips([jobs[n] for n in new]))
        return [(text, facts) for text, facts in answers]

    def _summed(self, told: Sequence[Sequence[str]]) -> list[str | None]:
        keys = [self._key([json.dumps(list(row)).encode()]) for row in told]
        found = self._answers(
            keys, lambda new: [(t, {}) for t in self.describer.scenes([told[n] for n in new])]
        )
        return [text for text, _ in found]

    def _key(self, parts: Sequence[bytes]) -> str:
        digest = hashlib.sha256(json.dumps([self.maker, self.describer.version]).encode())
        for part in parts:
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
        return f"{NAME}:{digest.hexdigest()}"

    def _answers(
        self, keys: Sequence[str], ask: Callable[[list[int]], Sequence[Told]]
    ) -> list[Told]:
        """Return the answer to each key: what is kept, and what is asked for the rest at once."""
        get, put = self.cache
        answers = [_read(get(key)) for key in keys]
        new = [n for n, answer in enumerate(answers) if answer is None]
        if new:
            for n, told in zip(new, ask(new), strict=True):
                put(keys[n], json.dumps(told).encode())
                answers[n] = told
        return [answer for answer in answers if answer is not None]


def _counted(vision: VisionModel) -> dict[str, Any]:
    """What a model has counted so far; nothing where it does not count."""
    used = getattr(vision, "used", None)
    if not isinstance(used, Used):
        return {}
    return {
        "calls": used.requests,
        "images": used.images,
        "tokens_read": used.prompt_tokens,
        "tokens_written": used.completion_tokens,
        "cost": getattr(vision, "cost", None),
    }


def _read(blob: bytes | None) -> Told | None:
    """A kept answer; None where there is none, or what is there is no answer."""
    try:
        text, facts = json.loads(blob or b"")
    except (TypeError, ValueError):
        return None
    fits = isinstance(facts, dict) and (text is None or isinstance(text, str))
    return (text, facts) if fits else None


def _pixels(job: ClipJob) -> list[bytes]:
    """The bytes that tell a job from others: shapes, pixels, and what was said before."""
    parts = [json.dumps([job.before_caption, [list(i.shape) for i in job.images]]).encode()]
    images = [*job.images] if job.before_image is None else [*job.images, job.before_image]
    return [*parts, *(image.tobytes() for image in images)]
