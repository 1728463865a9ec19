"""A file that grows is followed: chunks as they come, killed and taken up, found again when done."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longtake.config import load_settings
from longtake.errors import MediaError, Unreadable, UsageError
from longtake.library import Library
from longtake.perception import sources
from longtake.perception.decode import Decoder, Sound
from longtake.perception.sources import GrowingFile
from longtake.storage.records import Record
from tests.fakes import FakeReader, FakeTranscriber, fake_models, tone
from tests.media import Scene, draw_video, read_blocks

SCENES = [
    Scene(12, "white", "alpha beta"),
    Scene(20, "blue", "gamma", moving=True),
    Scene(28, "red", "delta"),
]
TONES = {400.0: "welcome to the lecture", 800.0: "here is the second part"}
RATE = 16_000


class Killed(Exception):
    """Ends a watch as a kill does: nothing is tidied up after the chunk."""


def reader() -> FakeReader:
    return FakeReader(lambda image: [one for one in read_blocks(image).split("\n") if one])


def library(folder: Path) -> Library:
    settings = load_settings(library=folder / "l.longtake", profile="offline", chunk_seconds=10)
    models = fake_models(text_reader=reader(), transcriber=FakeTranscriber(tones=TONES))
    return Library(settings, models=models)


def draw(path: Path, scenes: list[Scene] = SCENES) -> Path:
    sound = np.zeros(60 * RATE, np.float32)
    for at, hertz in ((2, 400.0), (50, 800.0)):
        sound[at * RATE :][: 3 * RATE] = tone(hertz, 3.0, RATE)
    seconds = round(sum(scene.seconds for scene in scenes))
    options = {"movflags": "frag_keyframe+empty_moov"} if path.suffix == ".mp4" else {}
    return draw_video(path, scenes, fps=5, size=(160, 90), sound=sound[: seconds * RATE], rate=RATE,
                      container_options=options)  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw(tmp_path_factory.mktemp("live") / "live.ts")


@pytest.fixture(scope="module")
def plain(whole: Path) -> dict[str, Record]:
    """What a plain watch of the finished file keeps."""
    with library(whole.parent) as lib:
        video = lib.ingest(whole, quick=False)
        return kept(lib, video.id)


def kept(lib: Library, video: str) -> dict[str, Record]:
    lib.close()
    return {one.id: one for one in lib.store.records(video=video, as_of=None)}


def told(records: dict[str, Record]) -> list[Any]:
    """All of the records but the video they belong to."""
    return [(r.id, r.level, r.span, r.known_at, r.text, r.data) for r in records.values()]


def growing(whole: Path, path: Path, share: float) -> bytes:
    """Write the first part of a file; return the rest."""
    data = whole.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return data[int(len(data) * share) :]


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def items(source: Any) -> list[Any]:
    """All that is decoded, by tracks: fragments may part what begins at the same instant."""
    found: list[Any] = []
    for item in Decoder(source):
        if isinstance(item, Sound):
            found.append(("sound", item.start, hash(item.samples.tobytes())))
        elif item.small is not None:
            found.append(("picture", item.time, hash(item.small.tobytes())))
    return sorted(found)


@pytest.mark.parametrize("ending", [".ts", ".mkv", ".mp4"])
def test_what_is_decoded_is_what_the_finished_file_holds(ending: str, tmp_path: Path) -> None:
    whole = draw(tmp_path / f"w{ending}", [Scene(14, "white", "alpha", moving=True)])
    path = tmp_path / f"live{ending}"
    parts = [growing(whole, path, 0.5)]

    class Waiting(GrowingFile):
        def wait(self, since: float) -> bool:
            if parts:
                append(self.file, parts.pop())
                return True
            return False

    complete = items(whole)
    assert items(Waiting(path)) == complete
    path.unlink()
    growing(whole, path, 0.5)
    half = items(GrowingFile(path, idle=0.01))  # nobody appends: the stream ends where it stands
    assert 0 < len(half) < len(complete)


def test_chunks_come_while_it_grows_and_the_end_equals_a_plain_watch(
    whole: Path, plain: dict[str, Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "live.ts"
    rest = [growing(whole, path, 0.8)]
    asked = threading.Event()

    def wait(source: GrowingFile, since: float) -> bool:
        """Stands still until the first chunk could be asked about, then grows once."""
        if not rest or not asked.wait(20):
            return False
        append(path, rest.pop())
        return True

    monkeypatch.setattr(GrowingFile, "wait", wait)
    during: list[tuple[float, int]] = []

    with library(tmp_path) as lib:

        def tell(event: dict[str, Any]) -> None:
            with library(tmp_path) as other:
                video = other.videos()[0]
                found = other.store.records(video=video.id, level="clip", as_of=None)
                ended = video.duration > 59.7  # its last chunk ends the entry
                assert (video.media["live"]["ended"] is None) == (not ended)
                during.append((video.duration, len(list(found))))
            assert event["total"] is None
            asked.set()

        video = lib.ingest(path, follow=0.2, on_progress=tell)
        assert video.duration == pytest.approx(60.0, abs=0.3)
        assert told(kept(lib, video.id)) == told(plain)
        assert during[0][0] < 30
        assert during[0][1] > 0
        assert [one for one, _ in during] == sorted(one for one, _ in during)
        live = video.media["live"]
        assert live["began"] <= live["ended"]
        assert live["breaks"] == []
        again = lib.ingest(path)  # a plain watch finds the entry by its content
        assert again.id == video.id
        assert len(lib.videos()) == 1
        assert lib.ingest(path, follow=0.2).id == video.id
        append(path, b"\x47" * 188)
        with pytest.raises(UsageError, match="has changed since"):
            lib.ingest(path, follow=0.2)


def killed_at(lib: Library, path: Path, chunk: int) -> None:
    seen: list[float] = []

    def tell(event: dict[str, Any]) -> None:
        seen.append(event["done"])
        if len(seen) == chunk:
            raise Killed

    with pytest.raises(Killed):
        lib.ingest(path, follow=0.2, on_progress=tell)


@pytest.mark.parametrize("mode", ["follow", "plain"])
def test_killed_it_goes_on_after_the_last_chunk(
    mode: str, whole: Path, plain: dict[str, Record], tmp_path: Path
) -> None:
    path = tmp_path / "live.ts"
    rest = growing(whole, path, 0.7)
    with library(tmp_path) as lib:
        killed_at(lib, path, 1)
        first = lib.videos()[0]
        assert 0 < first.duration < 30
        append(path, rest)
        begun: list[float] = []
        lib.close()
        video = lib.ingest(
            path, quick=False, follow=0.2 if mode == "follow" else None,
            on_progress=lambda event: begun.append(event["done"]),
        )  # fmt: skip
        assert begun[0] > first.duration  # what was kept is not read again
        assert video.id == first.id
        assert told(kept(lib, video.id)) == told(plain)
        assert len(lib.videos()) == 1
        assert lib.ingest(path).id == video.id


def test_without_the_key_of_path_and_head_a_killed_watch_is_begun_again(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "live.ts"
    rest = growing(whole, path, 0.7)
    with library(tmp_path) as lib:
        killed_at(lib, path, 1)
        append(path, rest)
        monkeypatch.setattr(sources, "live_key", lambda path, head: "0" * 64)
        lib.close()
        lib.ingest(path, follow=0.2)
        assert len(lib.videos()) == 2


def test_what_cannot_be_followed_says_so(tmp_path: Path) -> None:
    late = draw_video(tmp_path / "late.mp4", [Scene(2, "red")], fps=5)
    with pytest.raises(Unreadable, match="index comes last"):
        GrowingFile(late, idle=0.01).probe()
    with pytest.raises(MediaError):
        GrowingFile(tmp_path / "none.ts", idle=0.01).probe()
    noise = tmp_path / "noise.ts"
    noise.write_bytes(bytes(range(256)) * 40)
    with pytest.raises(Unreadable, match="while it grows"):
        GrowingFile(noise, idle=0.01).probe()


def test_stop_ends_a_wait(whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "live.ts"
    growing(whole, path, 0.5)
    source = GrowingFile(path, idle=3600)
    reader = source.stream()
    while len(reader.read(1 << 20)) == 1 << 20:
        pass
    source.stop()
    assert reader.read(1) == b""
