"""`longtake demo`: watch the lecture that the package carries, ask three questions, show proofs.

One answer was only said, one stood only on a slide, and one is not in the video at all. The
lecture is real sound and pictures (made by ``bench/worlds/demo_lecture.py``) and goes through
the same `Library` as any other file; nothing about it is known to the program beforehand.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longtake.timecode import format_time

if TYPE_CHECKING:
    from longtake.agent.answer import Answer
    from longtake.library import Library

VIDEO_NAME = "demo-lecture.mp4"
_FOLDER, _FILE = "demo_video", "lecture.mp4"
_PROOFS_SHOWN = 2


@dataclass(frozen=True, slots=True)
class DemoQuestion:
    """A question of the demo, and where its answer can be found."""

    found: str
    text: str


QUESTIONS = (
    DemoQuestion("said, never shown", "When is the exam?"),
    DemoQuestion("shown, never said", "In which room are the office hours?"),
    DemoQuestion("not in the video", "How much does the textbook cost?"),
)


def run(
    *,
    library_path: str | Path | None = None,
    out: Callable[[str], None] = print,
    on_progress: Callable[[dict[str, Any]], None] | None = None,
    open_library: Callable[..., Library] | None = None,
) -> list[Answer]:
    """Watch the demo lecture and ask its questions; return the answers.

    Args:
        library_path: keep the library (and a copy of the lecture beside it) here; by default
            both are made in a temporary folder that goes away.
        out: gets each line of text.
        on_progress: gets the events of `Library.ingest`, model downloads included.
        open_library: makes the library; `longtake.open` by default.
    """
    if library_path is not None:
        return _run(Path(library_path).expanduser(), out, on_progress, open_library)
    with tempfile.TemporaryDirectory(prefix="longtake-demo-") as folder:
        return _run(Path(folder) / "demo.longtake", out, on_progress, open_library)


def write_video(folder: Path) -> Path:
    """Put a copy of the lecture into `folder` and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / VIDEO_NAME
    with as_file(files("longtake") / _FOLDER / _FILE) as packaged:
        shutil.copyfile(packaged, target)
    return target


def _run(
    path: Path,
    out: Callable[[str], None],
    on_progress: Callable[[dict[str, Any]], None] | None,
    open_library: Callable[..., Library] | None,
) -> list[Answer]:
    from longtake import library as rooms

    opened = open_library or rooms.open_library
    source = write_video(path.parent)
    with opened(path, profile="offline") as library:
        video = library.ingest(source, on_progress=on_progress)
        out(f"{video.name}: {format_time(video.duration, millis=False)} watched")
        answers = []
        for question in QUESTIONS:
            answer = library.ask(question.text, video=video)
            answers.append(answer)
            for line in ("", *_told(question, answer)):
                out(line)
        return answers


def _told(question: DemoQuestion, answer: Answer) -> list[str]:
    """Return an answer as lines: the question, the text, the proofs or what was searched."""
    lines = [f"? {question.text}   ({question.found})", f"  {answer.text}"]
    for proof in answer.evidence[:_PROOFS_SHOWN]:
        when = f"{format_time(proof.start, millis=False)}–{format_time(proof.end, millis=False)}"
        lines.append(f"  {when}  {proof.source:<7} “{proof.quote}”")
    if not answer.evidence:
        lines.append(f"  [{answer.status}; {len(answer.searched)} spans searched]")
    return lines
