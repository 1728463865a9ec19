"""The newest seconds of a growing file: the right ones, from the end of the file alone."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longtake.perception import newest as module
from longtake.perception.decode import Decoder, Picture, Sound
from longtake.perception.newest import WRAP, Newest, jumps_of, newest
from longtake.perception.recorder import record
from longtake.perception.sound import SoundTrack
from longtake.perception.sources import GrowingFile
from tests.media import Scene, beeps, draw_video, onsets, read_number

FPS, SECONDS, RATE = 5, 150, 16_000
KINDS = (".ts", ".mkv", ".mp4", "offset.mp4")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Recordings of 150 s whose every picture shows its number; a beep at each tenth second."""
    folder = tmp_path_factory.mktemp("newest")
    drawn = draw_video(
        folder / "drawn.mkv", [Scene(SECONDS, "grey", noise=20)], fps=FPS, size=(160, 90),
        sound=beeps(SECONDS, range(5, SECONDS, 10), rate=RATE), rate=RATE, gop=20,
    )  # fmt: skip
    return {kind: packed(drawn, folder / f"r{kind}") for kind in KINDS}


def packed(drawn: Path, out: Path) -> Path:
    """The same packets in another container, as a recorder writes it."""
    import av

    flags = "frag_keyframe+empty_moov" + ("" if "offset" in out.name else "+default_base_moof")
    options = {"movflags": flags} if out.suffix == ".mp4" else {"cluster_time_limit": "2000"}
    options = {} if out.suffix == ".ts" else options
    with av.open(str(drawn)) as source, av.open(str(out), "w", options=options) as target:
        streams = {s.index: target.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if packet.size:
                packet.stream = streams[packet.stream.index]
                target.mux(packet)
    return out


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The files are small, so little of them is to be read."""
    monkeypatch.setattr(module, "LEAST", 1 << 16)


def numbers(source: Any, start: float, until: float) -> dict[float, int | None]:
    found = {}
    for item in Decoder(source, start=start, until=until, fine_fps=2, coarse_fps=2, sound=False):
        if isinstance(item, Picture) and item.full is not None and item.time >= start:
            found[item.time] = read_number(item.full)
    return found


def bytes_read(made: Newest) -> int:
    return sum(piece.high - piece.low for piece in made.pieces)


def cut(path: Path, share: float, folder: Path) -> Path:
    """The file as it stood when so much of it was written."""
    out = folder / path.name
    data = path.read_bytes()
    out.write_bytes(data[: int(len(data) * share)])
    return out


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("share", [0.37, 0.81, 1.0])
@pytest.mark.parametrize("kind", KINDS)
def test_the_newest_pictures_are_those_of_their_seconds(
    files: dict[str, Path], tmp_path: Path, kind: str, share: float
) -> None:
    path = cut(files[kind], share, tmp_path)
    made = newest(path, 8.0)
    assert made.pieces[0].low > 0.3 * path.stat().st_size, "the file was read through"
    assert bytes_read(made) < 0.6 * path.stat().st_size
    assert abs(made.edge - share * SECONDS) < 8.0
    seen = numbers(made, made.edge - 8.0, made.edge)
    assert seen == numbers(files[kind], made.edge - 8.0, made.edge)
    assert len(seen) >= 15
    assert all(abs((number or 0) / FPS - time) <= 2 / FPS for time, number in seen.items())


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("kind", KINDS)
def test_the_newest_sound_is_where_it_was(
    files: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    made = newest(cut(files[kind], 0.8, tmp_path), 30.0)
    track = SoundTrack()
    for item in Decoder(made, start=made.edge - 30.0, picture=False):
        if isinstance(item, Sound):
            track.add(item)
    begin = made.edge - 30.0
    heard = [begin + time for time in onsets(track.cut(begin, made.edge), RATE)]
    wanted = [time for time in range(5, SECONDS, 10) if begin < time < made.edge - 0.2]
    assert len(wanted) >= 2
    assert np.allclose(heard, wanted, atol=0.1)


def shifted(drawn: Path, out: Path, by: float) -> Path:
    """The same packets with every timestamp later by so much."""
    import av

    with av.open(str(drawn)) as source, av.open(str(out), "w") as target:
        streams = {s.index: target.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if packet.size and packet.pts is not None and packet.dts is not None:
                ticks = round(by / packet.time_base)
                packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
                packet.stream = streams[packet.stream.index]
                target.mux(packet)
    return out


@pytest.mark.usefixtures("small")
def test_timestamps_that_begin_anew_are_put_behind_what_is_known(
    files: dict[str, Path], tmp_path: Path
) -> None:
    late = shifted(files[".mkv"], tmp_path / "late.ts", WRAP - 40.0)
    made = newest(late, 8.0)
    assert made.edge == pytest.approx(newest(files[".ts"], 8.0).edge, abs=0.2)
    assert newest(late, 8.0, known=2 * WRAP).edge == pytest.approx(made.edge + 2 * WRAP, abs=0.2)


@pytest.mark.usefixtures("small")
def test_a_clock_that_jumped_is_read_as_the_watch_reads_it(
    files: dict[str, Path], tmp_path: Path
) -> None:
    path = tmp_path / "joined.ts"
    path.write_bytes(cut(files[".ts"], 0.4, tmp_path).read_bytes() + files[".ts"].read_bytes())
    live = GrowingFile(path, idle=0.01)
    truth = numbers(live, 0.0, 1e9)
    jumps = jumps_of([asdict(one) for one in live.breaks])
    assert len(jumps) == 1
    made = newest(path, 8.0, jumps=jumps)
    assert made.edge == pytest.approx(max(truth), abs=1.0)
    seen = numbers(made, made.edge - 8.0, made.edge)
    assert len(seen) >= 15
    assert all(abs((seen[time] or 0) - (truth[time] or 0)) <= 1 for time in seen)
    assert newest(path, 8.0).edge < made.edge - 30.0, "the jump made no difference"


def test_of_a_recording_the_last_segments_are_read(files: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "raw"
    record(GrowingFile(files[".ts"], idle=0.01), folder)
    made = newest(folder, 8.0)
    assert 1 <= len(made.pieces) <= 2
    assert made.edge == pytest.approx(SECONDS, abs=1.0)
    seen = numbers(made, made.edge - 8.0, made.edge)
    assert len(seen) >= 15
    truth = numbers(files[".ts"], made.edge - 8.0, made.edge + 1.0)
    assert all(abs((seen[time] or 0) - (truth[time] or 0)) <= 1 for time in seen)
    track = SoundTrack()
    for item in Decoder(made, start=made.edge - 8.0, picture=False):
        if isinstance(item, Sound):
            track.add(item)
    heard = onsets(track.cut(made.edge - 8.0, made.edge), RATE)
    assert np.allclose([made.edge - 8.0 + time for time in heard], [145.0], atol=0.1)
    minute = newest(folder, 60.0)
    assert minute.since <= minute.edge - 60.0
    assert bytes_read(minute) < 0.6 * files[".ts"].stat().st_size


def test_a_segment_that_cannot_be_read_is_passed_over(
    files: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "raw"
    record(GrowingFile(files[".ts"], idle=0.01), folder)
    last = max(folder.glob("*.mkv"))
    last.write_bytes(last.read_bytes()[:100])  # its head is being written
    made = newest(folder, 8.0)
    assert last not in [piece.path for piece in made.pieces]
    assert made.edge == pytest.approx(int(last.stem) / 1000, abs=1.0)
