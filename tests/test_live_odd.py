"""Odd streams: tracks, codecs, clocks that change midway, damage, silence, black, slow and fast.

A stream goes on in time over each of them, as a growing file and over HTTP, and what was kept of
it before stays kept.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longtake.errors import MediaError
from longtake.perception import transport
from longtake.perception.addresses import open_address
from longtake.perception.decode import Decoder, Sound
from longtake.perception.sources import GrowingFile, Live
from longtake.perception.transport import PACKET, Parts
from tests.fakes import tone
from tests.live_servers import http_server, reply
from tests.media import (
    Scene,
    Track,
    clocked,
    draw_sound,
    draw_video,
    flipped,
    read_number,
    silence,
)
from tests.test_live_file import Killed, kept, library, told

SECONDS, FPS = 4, 10
FRAMES = list(range(SECONDS * FPS))


def film(path: Path, scene: Scene, **more: Any) -> bytes:
    more = {
        "fps": FPS,
        "size": (160, 90),
        "gop": 10,
        "sound": tone(400, scene.seconds, 48_000),
    } | more
    return draw_video(path, [scene], **more).read_bytes()


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Streams of the same length that differ in one thing."""
    folder = tmp_path_factory.mktemp("pieces")
    scene = Scene(SECONDS, "white", "alpha", moving=True)
    moved = {"mpegts_start_pid": "512", "mpegts_pmt_start_pid": "4000", "mpegts_service_id": "7"}
    made: dict[str, dict[str, Any]] = {
        "plain": {},
        "larger": {"size": (320, 180)},
        "codec": {"codec": "mpeg2video"},
        "silent": {"sound": None},
        "mp2": {"sound": None, "tracks": [Track(tone(400, SECONDS, 48_000), codec="mp2")]},
        "rate": {"sound": None, "tracks": [Track(tone(400, SECONDS, 32_000), 32_000, channels=2)]},
        "programme": {"container_options": moved},
        "late": {
            "sound": None, "tracks": [Track(tone(400, 1, 48_000), start=SECONDS - 1)]
        },
    }  # fmt: skip
    found = {name: film(folder / f"{name}.ts", scene, **more) for name, more in made.items()}
    found["heard"] = draw_sound(folder / "heard.ts", tone(400, SECONDS, 48_000)).read_bytes()
    return found


class Seen:
    """What a decoder makes of a source."""

    def __init__(self, source: Live) -> None:
        decoder = Decoder(source, fine_fps=FPS, coarse_fps=FPS)
        self.numbers: list[int | None] = []
        self.times: list[float] = []
        self.sizes: list[tuple[int, ...]] = []
        self.heard: list[tuple[float, float]] = []
        for item in decoder:
            if isinstance(item, Sound):
                self.heard.append((item.start, item.end))
            elif item.full is not None:
                self.numbers.append(read_number(item.full))
                self.times.append(item.time)
                self.sizes.append(item.full.shape[:2])
        self.breaks = [one.why for one in source.breaks]
        self.at = [one.at for one in source.breaks]
        self.warnings = decoder.warnings
        assert self.times == sorted(set(self.times))
        starts = [start for start, _ in self.heard]
        assert starts == sorted(starts)

    @property
    def shown(self) -> list[int | None]:
        """The frames, without the repeats of one that stays on display."""
        return [one for one, _ in itertools.groupby(self.numbers)]

    def hears(self, start: float, end: float) -> bool:
        inside = [min(e, end) - max(s, start) for s, e in self.heard if e > start and s < end]
        return sum(inside) > 0.9 * (end - start)


def grown(data: bytes, path: Path) -> Seen:
    path.write_bytes(data)
    return Seen(GrowingFile(path, idle=0.05))


def served(data: bytes) -> Seen:
    with http_server(lambda handler: reply(handler, data)) as root:
        return Seen(open_address(f"{root}/live.ts", idle=0.5))


# Tracks that change ---------------------------------------------------------------------------

CHANGES = [
    ("plain", "larger"), ("plain", "codec"), ("codec", "plain"), ("plain", "mp2"),
    ("plain", "rate"), ("plain", "programme"), ("plain", "silent"), ("silent", "plain"),
]  # fmt: skip


@pytest.mark.parametrize(("first", "second"), CHANGES)
def test_what_changes_midway_is_read_on(
    first: str, second: str, pieces: dict[str, bytes], tmp_path: Path
) -> None:
    data = pieces[first] + pieces[second]
    for seen in (grown(data, tmp_path / "live.ts"), served(data)):
        assert seen.shown == FRAMES + FRAMES
        assert seen.times[-1] == pytest.approx(2 * SECONDS, abs=0.15)
        assert seen.hears(0.1, SECONDS - 0.1) == (first != "silent")
        assert seen.hears(SECONDS + 0.1, 2 * SECONDS - 0.1) == (second != "silent")
        assert len(seen.breaks) == 1
        assert seen.at[0] == pytest.approx(SECONDS, abs=0.1)
        if second == "larger":
            assert {(90, 160), (180, 320)} == set(seen.sizes)
            assert "clock jumps" in seen.breaks[0]


def test_picture_may_be_gone_for_a_while(pieces: dict[str, bytes], tmp_path: Path) -> None:
    seen = grown(pieces["plain"] + pieces["heard"] + pieces["codec"], tmp_path / "live.ts")
    assert seen.shown == FRAMES + FRAMES
    assert not [t for t in seen.times if SECONDS + 0.2 < t < 2 * SECONDS - 0.2]
    assert seen.hears(0.1, 3 * SECONDS - 0.1)
    assert seen.breaks == ["the tracks change"] * 2


def test_long_after_a_change_sound_is_decoded_as_what_it_is(
    pieces: dict[str, bytes], tmp_path: Path
) -> None:
    """Decoders are started anew each minute, of the codec that is there by then."""
    path, seconds = tmp_path / "live.ts", 62
    sound = [Track(tone(400, seconds, 16_000), 16_000, codec="mp2")]
    long = film(path, Scene(seconds, "red"), fps=1, sound=None, tracks=sound)
    for first in ("plain", "silent"):
        seen = grown(pieces[first] + long, path)
        assert seen.hears(SECONDS + 0.1, SECONDS + seconds - 0.1)
        assert seen.warnings == []


@pytest.mark.parametrize(("mode", "name"), [("wb", "live.ts"), ("xb", "new.ts")])
def test_a_file_begun_anew_is_read_from_its_start(
    mode: str, name: str, pieces: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / "live.ts"
    path.write_bytes(pieces["plain"])

    class Again(GrowingFile):
        left = True

        def wait(self, since: float) -> bool:
            if not self.left:
                return False
            self.left = False
            with (tmp_path / name).open(mode) as file:
                file.write(pieces["codec"][:-PACKET])
            (tmp_path / name).replace(path)
            return True

    seen = Seen(Again(path, idle=5))
    assert seen.shown == FRAMES + FRAMES
    assert seen.breaks == ["the file is begun anew"]
    assert seen.times[-1] == pytest.approx(2 * SECONDS, abs=0.2)


def test_without_looking_at_the_tables_the_new_codec_is_not_seen(
    pieces: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Parts, "_is_other", lambda self, pid, packet: False)
    seen = grown(pieces["plain"] + pieces["codec"], tmp_path / "live.ts")
    assert 0 < len(seen.shown) <= len(FRAMES)


def test_sound_that_comes_late_is_heard_in_its_place(
    pieces: dict[str, bytes], tmp_path: Path
) -> None:
    seen = grown(pieces["late"], tmp_path / "live.ts")
    assert seen.shown == FRAMES
    assert not seen.hears(0.1, 1.0)
    assert seen.hears(SECONDS - 0.9, SECONDS - 0.1)


@pytest.mark.parametrize("size", [1, 187, 1000, 1 << 15])
def test_parts_lose_no_byte(size: int, pieces: dict[str, bytes]) -> None:
    class Chunks:
        def __init__(self, data: bytes) -> None:
            self.data = data

        def read(self, n: int) -> bytes:
            given, self.data = self.data[: min(n, size)], self.data[min(n, size) :]
            return given

        def close(self) -> None: ...

    def read(parts: Parts) -> list[bytes]:
        found = []
        while True:
            one = b""
            while more := parts.read(4096):
                one += more
            found.append(one)
            if not parts.more():
                return found

    begin = pieces["plain"][:60_000] + b"cut off"
    two = read(Parts(Chunks(begin + pieces["codec"][:60_000])))
    assert two[0].startswith(begin[: len(begin) - PACKET])
    table = two[1][: 3 * PACKET]
    assert two[1].endswith(pieces["codec"][3 * PACKET : 60_000])
    assert table[0] == 0x47
    for other in (b"", b"x", b"RIFF" + bytes(range(256)) * 40, pieces["plain"][100:5000]):
        assert read(Parts(Chunks(other))) == [other]
    assert transport.crc(b"\0\xb0\r\0\1\xc1\0\0\0\1\xf0\0*\xb1\4\xb2") == 0  # a PAT of FFmpeg's


# Clocks ---------------------------------------------------------------------------------------

DAY = 26 * 3600.0


@pytest.mark.parametrize(
    ("first", "second", "broken"),
    [(0, -SECONDS, True), (0, DAY, True), (DAY, 0, True), (50, 3, True), (0, 0, False)],
)
def test_a_clock_that_jumps_is_mended(
    first: float, second: float, broken: bool, pieces: dict[str, bytes], tmp_path: Path
) -> None:
    data = clocked(pieces["plain"], first) + clocked(pieces["rate"], SECONDS + 0.04 + second)
    for seen in (grown(data, tmp_path / "live.ts"), served(data)):
        assert seen.shown == FRAMES + FRAMES
        assert seen.times[-1] == pytest.approx(2 * SECONDS, abs=0.2)
        assert seen.hears(0.1, 2 * SECONDS - 0.1)
        assert len(seen.breaks) == broken
        assert all("clock jumps" in why for why in seen.breaks)


def test_a_clock_that_runs_over_goes_on(pieces: dict[str, bytes], tmp_path: Path) -> None:
    data = clocked(pieces["plain"], 2**33 / 90_000 - 1.4 - SECONDS / 2)
    seen = grown(data, tmp_path / "live.ts")
    assert seen.shown == FRAMES
    assert seen.times[-1] == pytest.approx(SECONDS, abs=0.15)
    assert seen.breaks == []


# Damage ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("share", "least"), [(0.01, 0.9), (0.2, 0.5)])
def test_flipped_bits_do_not_end_it(
    share: float, least: float, pieces: dict[str, bytes], tmp_path: Path
) -> None:
    data = pieces["plain"] * 4
    seen = grown(flipped(data, share, seed=1), tmp_path / "live.ts")
    assert len(set(seen.shown) & set(FRAMES)) > least * len(FRAMES)
    assert seen.times[-1] > 3.5 * SECONDS


def test_a_track_that_damage_made_up_does_not_end_it_with_a_failure(
    pieces: dict[str, bytes], tmp_path: Path
) -> None:
    data = pieces["plain"]
    ghost = bytearray(data)
    for at in range(len(data) // 2 // PACKET * PACKET, len(data), PACKET):
        if data[at + 1] & 0x5F == 0x41 and data[at + 2] == 1:  # sound, under an unknown number
            ghost[at + 1 : at + 3] = b"\x41\x77"
    seen = grown(bytes(ghost), tmp_path / "live.ts")
    assert seen.shown == FRAMES


def test_cut_off_and_joined_late(pieces: dict[str, bytes], tmp_path: Path) -> None:
    data = pieces["plain"]
    seen = grown(data[: len(data) // 2 + 77], tmp_path / "live.ts")
    assert seen.shown == FRAMES[: len(seen.shown)]
    assert 15 < len(seen.shown) < 30
    seen = grown(data[len(data) // 2 + 77 :], tmp_path / "live.ts")
    assert seen.shown == FRAMES[-len(seen.shown) :]
    assert len(seen.shown) > 8


def test_noise_after_a_while_ends_it_where_it_was(pieces: dict[str, bytes], tmp_path: Path) -> None:
    noise = np.random.default_rng(0).bytes(400_000)
    seen = grown(pieces["plain"] + noise, tmp_path / "live.ts")
    assert [one for one in seen.shown if one is not None][:40] == FRAMES
    seen = grown(pieces["plain"] + noise + pieces["plain"], tmp_path / "live.ts")
    assert seen.shown[-5:] == FRAMES[-5:]


def test_no_keyframe_and_no_times(tmp_path: Path) -> None:
    scene = Scene(SECONDS, "white", "alpha", moving=True)
    path = tmp_path / "live.ts"
    data = film(path, scene, gop=10_000)
    assert grown(data, path).shown == FRAMES
    late = grown(data[len(data) // 3 // PACKET * PACKET :], path)  # none comes any more
    assert late.hears(0.1, 2.0)
    bare = film(tmp_path / "live.h264", scene, sound=None)
    assert grown(bare, tmp_path / "bare.h264").numbers[0] == 0  # 25 a second, for want of times
    with pytest.raises(MediaError):
        grown(b"", tmp_path / "empty.ts")


# Slow, fast, quiet, black ---------------------------------------------------------------------


@pytest.mark.parametrize("fps", [1, 120])
def test_few_and_many_frames_a_second(fps: int, tmp_path: Path) -> None:
    scene = Scene(SECONDS, "white", "alpha", moving=True)
    path = tmp_path / "live.ts"
    seen = grown(film(path, scene, fps=fps), path)
    last = SECONDS * fps - 1
    assert seen.shown[0] == 0
    assert seen.shown[-1] in (last, last - 1, last - 2)
    assert seen.times[-1] == pytest.approx(SECONDS, abs=0.2)


def test_black_and_silent(tmp_path: Path) -> None:
    path = tmp_path / "live.ts"
    scene = Scene(SECONDS, "black")
    seen = grown(film(path, scene, sound=silence(SECONDS), numbered=False), path)
    assert seen.times[-1] == pytest.approx(SECONDS, abs=0.15)
    assert seen.hears(0.1, SECONDS - 0.1)


# The whole way: followed, kept, killed and taken up --------------------------------------------

PIECE = 20
TOLD = {400.0: "welcome to the lecture", 800.0: "here is the second part"}


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Three programmes on one connection: the second in another codec and without sound."""
    folder = tmp_path_factory.mktemp("odd")

    def piece(text: str, colour: str, hertz: float | None, **more: Any) -> bytes:
        sound = None
        if hertz:
            sound = np.zeros(PIECE * 16_000, np.float32)
            sound[2 * 16_000 :][: 3 * 16_000] = tone(hertz, 3.0, 16_000)
        scene = Scene(PIECE, colour, text, moving=True)
        return film(folder / f"{text}.ts", scene, fps=5, gop=5, sound=sound, rate=16_000, **more)

    return (
        piece("alpha", "white", None)
        + piece("beta", "blue", 400.0, codec="mpeg2video")
        + piece("gamma", "red", 800.0, size=(320, 180))
    )


def texts(records: dict[str, Any]) -> list[tuple[str, int]]:
    """What was read and heard, and in which piece."""
    found = [
        (record.text, int(record.span.start + 0.5) // PIECE)
        for record in records.values()
        if record.text in ("alpha", "beta", "gamma", *TOLD.values())
    ]
    return sorted(set(found))


WHOLE = [
    ("alpha", 0), ("beta", 1), ("gamma", 2), (TOLD[400.0], 1), (TOLD[800.0], 2),
]  # fmt: skip


@pytest.mark.slow
def test_an_odd_stream_is_kept_whole_killed_or_not(odd: bytes, tmp_path: Path) -> None:
    results = []
    for name in ("undisturbed", "killed"):
        folder = tmp_path / name
        folder.mkdir()
        path = folder / "live.ts"
        path.write_bytes(odd)
        with library(folder) as lib:
            if name == "killed":
                with pytest.raises(Killed):
                    lib.ingest(path, follow=0.2, on_progress=_kill)
                assert 0 < lib.videos()[0].duration < 3 * PIECE
                lib.close()
            video = lib.ingest(path, follow=0.2)
            assert video.duration == pytest.approx(3 * PIECE, abs=0.5)
            breaks = video.media["live"]["breaks"]
            assert [one["why"] for one in breaks] == ["the tracks change"] * 2
            assert [one["at"] for one in breaks] == pytest.approx([PIECE, 2 * PIECE], abs=0.3)
            results.append(kept(lib, video.id))
    assert [one for one in WHOLE if one not in texts(results[0])] == []
    assert told(results[0]) == told(results[1])


def _kill(event: dict[str, Any]) -> None:
    raise Killed


@pytest.mark.slow
def test_what_was_kept_stays_when_noise_follows(odd: bytes, tmp_path: Path) -> None:
    path = tmp_path / "live.ts"
    path.write_bytes(odd + np.random.default_rng(0).bytes(300_000))
    with library(tmp_path) as lib:
        video = lib.ingest(path, follow=0.2)
        assert video.duration >= 3 * PIECE - 0.5
        assert [one for one in WHOLE if one not in texts(kept(lib, video.id))] == []
        assert video.media["live"]["ended"]


def test_an_odd_stream_at_an_address_is_kept_whole(odd: bytes, tmp_path: Path) -> None:
    with http_server(lambda handler: reply(handler, odd)) as root, library(tmp_path) as lib:
        video = lib.ingest(f"{root}/live.ts", follow=1.0)
        assert video.duration == pytest.approx(3 * PIECE, abs=0.5)
        assert [one for one in WHOLE if one not in texts(kept(lib, video.id))] == []
        breaks = video.media["live"]["breaks"]
        assert [one["why"] for one in breaks] == ["the tracks change"] * 2
        assert [one["at"] for one in breaks] == pytest.approx([PIECE, 2 * PIECE], abs=0.3)
