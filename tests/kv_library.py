"""A small library with a streamer of random weights, for tests of the key–value memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from longtake.memory.kv.lines import Line
from longtake.models.kv.streamer import Streamer
from longtake.storage.records import Progress, Record, record_id
from longtake.storage.store import Store
from longtake.timecode import Span
from tests.chat_models import tiny_model

DURATION = 600.0


def tiny_streamer(folder: Path, name: str = "tiny@0") -> Streamer:
    """A streamer of random weights and a tokenizer of bytes."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tiny_model(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    return Streamer(model, AutoTokenizer.from_pretrained(folder), name)


def lines(n: int) -> list[Line]:
    """Lines of speech, one a second, each different."""
    return [
        Line(float(i), i + 1.0, f"[00:00:{i:02d}] speaker: number {i * i} of {i}", (f"r{i}",))
        for i in range(n)
    ]


def add(
    library: Path, level: Any, channel: Any, start: float, end: float, text: str, n: int = 0,
    maker: str = "m@1",
) -> str:  # fmt: skip
    """Write one record into the library's only video; return its id."""
    with Store.open(library, write=True) as store:
        video = store.videos()[0]
        name = record_id(video.ordinal, start, level, channel, n)
        data = {"tags": [["notebook", 0.83]]} if channel == "sight" else {}
        store.put_records([
            Record(name, video.id, level, channel, Span(start, end), end, text, maker, (), data)
        ])  # fmt: skip
    return name


def watched(folder: Path) -> Path:
    """A library with one video of ten minutes; return where it lies."""
    library = folder / "t.longtake"
    with Store.open(library, write=True, create=True) as store:
        video = store.add_video("ab" * 32, str(folder / "lecture.mp4"), "lecture.mp4", DURATION, {})
        store.set_progress(video.id, "deep", Progress(DURATION, True, b""))
    (folder / "lecture.mp4").write_bytes(b"never decoded")
    add(library, "moment", "speech", 10.0, 14.0, "welcome to the lecture")
    add(library, "moment", "speech", 20.0, 24.0, "the exam is on the fourteenth of March")
    add(library, "moment", "screen", 5.0, 15.0, "Attention sinks")
    add(library, "moment", "screen", 20.0, 60.0, "Exam")
    add(library, "moment", "screen", 20.0, 60.0, "room B2", n=1)
    add(library, "moment", "screen", 70.0, 80.0, "Attention sinks")
    add(library, "moment", "screen", 210.0, 220.0, "Attention sinks")
    add(library, "frame", "sight", 5.0, 9.0, "notebook (0.83); white")
    add(library, "frame", "sight", 9.0, 12.0, "notebook (0.83); blue")
    add(library, "clip", "caption", 0.0, 10.0, "a caption that repeats")
    return library
