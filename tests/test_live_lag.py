"""A live picture waits for as few packets as its stream allows."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from longtake.perception import pictures
from longtake.perception.pictures import Grid, PictureFlow
from tests.media import Scene, draw_video, read_number

FPS = 10


def shown(path: Path) -> list[tuple[float, int, int | None]]:
    """Each picture: its time, after how many packets it came, and the frame that it shows."""
    found = []
    with av.open(str(path)) as container:
        flow = PictureFlow(container.streams.video[0], Grid(5, 5), start=0.0, small=(160, 90),
                           max_side=320)  # fmt: skip
        for n, packet in enumerate(one for one in container.demux(video=0) if one.size):
            if n == 0:
                first = packet.pts
            packet.pts, packet.dts = packet.pts - first, packet.dts - first
            for one in flow.push(packet):
                assert one.full is not None
                found.append((one.time, n + 1, read_number(one.full)))
        found += [(one.time, -1, read_number(one.full)) for one in flow.finish(0.0)]  # type: ignore[arg-type]
    return found


def drawn(path: Path, b_frames: int) -> Path:
    return draw_video(path, [Scene(6, "red", moving=True)], fps=FPS, size=(160, 90),
                      options={"bf": str(b_frames), "preset": "veryfast", "b_strategy": "0"})  # fmt: skip


def late(found: list[tuple[float, int, int | None]]) -> float:
    """Seconds by which the pictures that came before the end were late, at most."""
    return max(n / FPS - time for time, n, _ in found if n > 0)


def test_without_b_frames_a_picture_is_there_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = drawn(tmp_path / "plain.ts", 0)
    soon = shown(path)
    assert late(soon) <= 0.7  # the next packets, and what the decoder's threads hold
    with monkeypatch.context() as patch:
        patch.setattr(PictureFlow, "_ahead", property(lambda self: pictures.LOOKAHEAD, lambda *v: None),
                      raising=False)  # fmt: skip
        held = shown(path)
    assert late(held) >= 1.5
    assert [(time, frame) for time, _, frame in soon] == [(time, frame) for time, _, frame in held]


def test_with_b_frames_it_waits_and_shows_the_same(tmp_path: Path) -> None:
    reordered = shown(drawn(tmp_path / "b.ts", 3))
    assert late(reordered) >= 1.5
    assert [frame for _, _, frame in reordered] == [round(time * FPS) for time, _, _ in reordered]
