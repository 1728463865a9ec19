"""Scenes, chapters, synopsis: where they are cut, when they are known, and that nothing is kept."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from longtake.memory import scenes as scenes_module
from longtake.memory.chapters import synopsis
from longtake.memory.segment import Rule, Unit, cuts
from longtake.memory.writer import MemoryWriter
from longtake.storage.records import Record, record_id
from longtake.storage.store import Store
from longtake.timecode import Span
from tests.fakes import FakeTextEncoder
from tests.memory_world import Encoder, Script, add_video, chunks, lecture, open_store, remember

RULE = Rule(least=20.0, most=120.0, aim=70.0, window=2, lag=3, alpha=1.5)


def units(lengths: list[int], seed: int = 3, noise: float = 0.02) -> list[Unit]:
    """Clips of 10 s; each scene has its own direction."""
    rng = np.random.default_rng(seed)
    made: list[Unit] = []
    for length in lengths:
        mean = rng.standard_normal(64)
        for _ in range(length):
            row = mean / np.linalg.norm(mean) + noise * rng.standard_normal(64)
            start = 10.0 * len(made)
            made.append(Unit(Span(start, start + 10), ((row / np.linalg.norm(row)).astype("f4"),)))
    return made


@pytest.mark.parametrize("count", [5, 40, 200])
def test_scenes_are_cut_where_vectors_change(count: int) -> None:
    rng = np.random.default_rng(count)
    lengths = [int(n) for n in rng.integers(4, 11, count)]
    row = units(lengths)
    found = {cut.index for cut in cuts(row, 0, RULE, final=True)}
    truth = set(np.cumsum(lengths)[:-1].tolist())
    hits = len(found & truth)
    assert 2 * hits / (len(found) + len(truth)) >= 0.95  # no cap, however many scenes there are


def test_without_change_only_length_cuts() -> None:
    row = units([60], noise=0.0)
    lengths = np.diff([0, *[cut.index for cut in cuts(row, 0, RULE, final=True)], 60]) * 10
    assert (lengths >= RULE.least).all()
    assert (lengths <= RULE.most).all()
    assert set(lengths[:-2]) == {70}


def test_cuts_never_change_when_more_comes() -> None:
    row = units([7, 5, 9, 4, 8, 6, 10, 5], noise=0.1)
    final = cuts(row, 0, RULE, final=True)
    for n in range(1, len(row)):
        early = cuts(row[:n], 0, RULE)
        assert early == final[: len(early)]
        assert all(cut.seen < n for cut in early)


def test_a_hole_in_what_was_watched_always_cuts() -> None:
    row = units([4], noise=0.0)
    late = [replace(one, span=Span(one.span.start + 500, one.span.end + 500)) for one in row]
    assert [cut.index for cut in cuts([*row, *late], 0, RULE, final=True)] == [4]


def test_every_border_of_topics_is_a_border_of_scenes_and_levels_nest(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        video = remember(store, "talk.mp4", lecture())
        scenes = store.records(video=video.id, level="scene")
        chapters = store.records(video=video.id, level="chapter")
        clips = store.records(video=video.id, level="clip")
        starts = [one.span.start for one in scenes]
        assert {300.0, 600.0, 900.0} <= set(starts)
        assert all(20 <= one.span.duration <= 120 for one in scenes)
        assert all(240 <= one.span.duration <= 900 for one in chapters)
        for level, below in ((scenes, clips), (chapters, scenes)):
            assert level[0].span.start == 0
            assert level[-1].span.end == 1200
            for one, following in pairwise(level):
                assert one.span.end == following.span.start
            named = [name for one in level for name in one.parents]
            assert named == [one.id for one in below]
        assert all(one.known_at >= one.span.end for one in [*scenes, *chapters])


def test_switched_off_vectors_topics_are_missed(tmp_path: Path) -> None:
    class Blind(FakeTextEncoder):
        def encode(self, texts: object) -> np.ndarray:  # type: ignore[override, type-arg]
            rows = np.zeros((len(list(texts)), self.dim), np.float32)  # type: ignore[call-overload]
            rows[:, 0] = 1
            return rows

    script = lecture()
    script.seen.clear()
    with open_store(tmp_path) as store:
        video = remember(store, "talk.mp4", script, encoder=Blind())
        starts = {one.span.start for one in store.records(video=video.id, level="scene")}
        assert not {300.0, 600.0, 900.0} <= starts


def dump(store: Store, video: str) -> str:
    """Everything a video's memory holds, as a hash."""
    digest = hashlib.sha256()
    for record in store.records(video=video):
        digest.update(repr(record).encode())
    for level in ("moment", "frame", "clip", "scene", "chapter", "video"):
        for facet in ("text", "context", "sight"):
            ids, spans, matrix = store.vectors(level, facet, video=video)  # type: ignore[arg-type]
            digest.update(repr((level, facet, ids, spans)).encode() + matrix.tobytes())
    return digest.hexdigest()


def test_writers_made_anew_between_chunks_write_the_same(tmp_path: Path) -> None:
    script = lecture(3.0)
    with open_store(tmp_path / "a") as one:
        whole = dump(one, remember(one, "talk.mp4", script).id)
    path = tmp_path / "b" / "test.longtake"
    path.parent.mkdir()
    with Store.open(path, write=True, create=True) as store:
        video = add_video(store, "talk.mp4", script.duration)
    for chunk in chunks(video, script):
        with Store.open(path, write=True) as store:
            MemoryWriter(store, video, Encoder()).write(chunk)
    with Store.open(path, write=True) as store:
        MemoryWriter(store, video, Encoder()).finish()
        assert dump(store, video.id) == whole


def test_a_chunk_that_fails_halfway_leaves_nothing(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    script = lecture(3.0)
    with open_store(tmp_path) as store:
        video = add_video(store, "talk.mp4", script.duration)
        writer = MemoryWriter(store, video, Encoder())
        row = chunks(video, script)
        for chunk in row[:5]:
            writer.write(chunk)
        before = dump(store, video.id)
        with monkeypatch.context() as patch:
            patch.setattr(
                "longtake.memory.consolidation.close_scenes",
                lambda *a, **k: (_ for _ in ()).throw(OSError),
            )
            with pytest.raises(OSError):
                writer.write(row[5])
        assert dump(store, video.id) == before
        progress = store.progress(video.id, "deep")
        assert progress is not None
        assert progress.done == row[4].span.end
        for chunk in row[5:]:
            writer.write(chunk)
        after = dump(store, video.id)
        writer.finish()
        assert dump(store, video.id) == after  # the last chunk has closed everything
        writer.write(row[5])  # repeated by a confused caller: nothing twice
        assert dump(store, video.id) == after


def test_the_size_of_chunks_does_not_matter_to_scenes(tmp_path: Path) -> None:
    def levels(size: float) -> list[Record]:
        with open_store(tmp_path / str(size)) as store:
            video = remember(store, "talk.mp4", lecture(), size=size)
            return store.records(video=video.id, level=["scene", "chapter", "video"])

    (tmp_path / "30.0").mkdir()
    (tmp_path / "60.0").mkdir()
    assert levels(30.0) == levels(60.0)


def test_nothing_above_the_clip_is_known_before_its_parts(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        video = remember(store, "talk.mp4", lecture())
        for one in store.records(video=video.id, level=["scene", "chapter", "video"]):
            parts = store.records(ids=list(one.parents))
            assert parts
            assert one.known_at >= max(part.known_at for part in parts)
            for _, end, _, _ in one.data["quotes"]:
                assert end <= one.known_at


def test_synopsis_is_rewritten_when_chapters_close_and_old_ones_stay(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        video = remember(store, "talk.mp4", lecture(8.0))
        every = store.records(video=video.id, level="video")
        assert len(every) > 1
        assert len({one.id for one in every}) == len(every)
        early = synopsis(store, video.id, as_of=every[0].known_at)
        late = synopsis(store, video.id)
        assert early is not None
        assert late is not None
        assert early.span.end < late.span.end == 1920
        assert synopsis(store, video.id, as_of=100.0) is None


def test_the_deep_pass_replaces_the_quick_one_where_it_has_been(tmp_path: Path) -> None:
    script = lecture(1.0)
    with open_store(tmp_path) as store:
        video = add_video(store, "talk.mp4", script.duration)
        writer = MemoryWriter(store, video, Encoder())
        for chunk in chunks(video, script):
            quick = tuple(
                replace(
                    one,
                    maker="quick:test@1",
                    id=record_id(1, one.span.start, one.level, one.channel, 900 + n),
                )
                for n, one in enumerate(chunk.records)
            )
            writer.write(replace(chunk, records=quick, vectors=()), pass_="quick")
        quick_clips = store.count(video=video.id, level="clip")
        assert quick_clips == 24
        assert store.count(video=video.id, level="scene") == 0
        row = chunks(video, script)
        writer.write(row[0])
        makers = {
            one.maker for one in store.records(video=video.id, span=Span(0, 60), level="clip")
        }
        assert makers == {"test@1"}
        assert store.count(video=video.id, level="clip") == 24
        for chunk in row[1:]:
            writer.write(chunk)
        assert not [r for r in store.records(video=video.id) if r.maker.startswith("quick:")]


def test_a_video_without_speech_or_text_still_has_levels(tmp_path: Path) -> None:
    script = Script(400.0, captions=[(0, 200, "A red car."), (200, 400, "A blue boat.")])
    script.seen = [(0, 200, "red car"), (200, 400, "blue boat")]
    with open_store(tmp_path) as store:
        video = remember(store, "street.mp4", script)
        scenes = store.records(video=video.id, level="scene")
        assert 200.0 in {one.span.start for one in scenes}
        assert scenes[0].text.startswith("A red car")
        assert scenes[-1].text.startswith("A blue boat")


def test_a_short_video_is_one_scene(tmp_path: Path) -> None:
    script = Script(7.0, said=[(1, 4, "hello out there everybody")])
    with open_store(tmp_path) as store:
        video = remember(store, "short.mp4", script)
        found = store.records(video=video.id, level=["scene", "chapter", "video"])
        assert [one.level for one in found] == ["chapter", "scene", "video"]
        assert all(one.span == Span(0, 7) for one in found)


def test_background_is_bounded(tmp_path: Path) -> None:
    assert scenes_module._LOOK_BACK <= 900  # work per chunk does not grow with the video
