"""A small library for the command line's tests: real storage, records written by hand.

`Scripted` is the real `Library` but for `ingest` and `ask`, which follow a script, so that these
tests need neither models nor an agent.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from longtake.agent.answer import Answer, Evidence
from longtake.cli.main import cli
from longtake.config import Settings
from longtake.errors import Interrupted
from longtake.library import Library
from longtake.memory.moments import Searched
from longtake.storage.records import Progress, Record, Thumb, Video, record_id
from longtake.storage.store import Store
from longtake.timecode import Span
from tests.fakes import fake_models

EVIL = "<script>alert('x')</script>"
EVIL_NAME = 'lec"ture <b>&amp; {{title}}.mp4'
DURATION = 1200.0
SPEECH = (
    (10.0, 14.0, "welcome to the lecture on attention sinks"),
    (751.2, 756.9, "the exam will be on the fourteenth of March"),
    (760.0, 765.0, f"say {EVIL} & --> be done"),
)
SCREEN = ((5.0, 200.0, "Attention sinks"), (745.0, 800.0, f"Exam: 14 March {EVIL} room B2"))
CLIPS = ((0.0, 10.0, "a slide, dark blue"), (10.0, 20.0, ""), (750.0, 760.0, "a slide <i>x</i>"))


def jpeg(colour: tuple[int, int, int] = (200, 30, 30)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (32, 18), colour).save(out, format="JPEG")
    return out.getvalue()


def fill(library: Path, source: Path, *, name: str | None = None, print_: str = "ab" * 32) -> Video:
    """Write one watched video of 20 minutes into a library."""
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_bytes(b"not decoded by these tests")
    media = {"width": 1280, "height": 720, "has_audio": True, "has_video": True}
    with Store.open(library, write=True, create=True) as store:
        video = store.add_video(print_, str(source), name or source.name, DURATION, media)
        thumb = Thumb(name=_sha(jpeg()), jpeg=jpeg())
        with store.transaction():
            store.put_thumbs([thumb])
            store.put_records(_records(video, thumb.name))
            store.set_progress(video.id, "deep", Progress(DURATION, True, b""))
    return video


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _records(video: Video, thumb: str) -> list[Record]:
    made: list[Record] = []

    def add(level: Any, channel: Any, start: float, end: float, text: str, **data: Any) -> None:
        made.append(
            Record(
                id=record_id(video.ordinal, start, level, channel),
                video=video.id,
                level=level,
                channel=channel,
                span=Span(start, end),
                known_at=end,
                text=text,
                maker="test@0",
                data=data,
            )
        )

    for start, end, text in SPEECH:
        add("moment", "speech", start, end, text, words=[[start, end, text.split()[0], 0.9]])
    for start, end, text in SCREEN:
        add("moment", "screen", start, end, text, score=0.9, box=[0, 0, 1, 1])
    for start, end, text in CLIPS:
        add("clip", "caption", start, end, text, **({} if text else {"same_as": made[-1].id}))
    for start in (0.0, 750.0):
        tags = [["slide", 0.8], ["monitor", 0.1]]
        add("frame", "sight", start, start + 1, "slide", tags=tags, thumb=thumb)
    for start, end, title in ((0.0, 740.0, "Opening"), (740.0, DURATION, f"Exam {EVIL}")):
        for level in ("scene", "chapter"):
            text = f"{title}: what is said"
            add(level, "caption", start, end, text, title=title, keywords=["exam", EVIL])
    add("video", "caption", 0.0, DURATION, "A lecture about attention.", title="Lecture")
    return made


def answered(video: Video, **more: Any) -> Answer:
    evidence = (
        Evidence(video.id, 751.2, 756.9, "speech", SPEECH[1][2], 0.9),
        Evidence(video.id, 745.0, 800.0, "screen", SCREEN[1][2], 0.7),
    )
    given = {
        "text": "On 14 March, in room B2.",
        "status": "answered",
        "confidence": 0.91,
        "evidence": evidence,
        "searched": (Searched(video.id, 0.0, DURATION, "clip"),),
        "thread": "t1",
        "cost": {"searches": 2},
        "trace": ({"step": "classify", "kind": "when"}, {"step": "search", "found": 2}),
    }
    return Answer(**(given | more))


def refused(video: Video) -> Answer:
    return Answer(
        text="The video does not say what the textbook costs.",
        status="not_in_video",
        confidence=0.84,
        searched=(
            Searched(video.id, 0.0, 600.0, "clip"),
            Searched(video.id, 600.0, DURATION, "clip"),
            Searched(video.id, 0.0, DURATION, "chapter"),
        ),
    )


@dataclass
class Script:
    """What the scripted library does, and what it was asked."""

    answer: Callable[[Video], Answer] = answered
    events: tuple[dict[str, Any], ...] = ()
    ingest_raises: dict[str, BaseException] = field(default_factory=dict)
    ask_raises: BaseException | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)
    watched: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


class Scripted(Library):
    """The library, but for watching and answering."""

    def __init__(self, settings: Settings, script: Script) -> None:
        super().__init__(settings, models=fake_models())  # type: ignore[arg-type]
        self.script = script

    def ask(self, question: str, video: Any = None, **more: Any) -> Answer:
        self.script.asked.append({"question": question, "video": video, **more})
        if self.script.ask_raises:
            raise self.script.ask_raises
        known = self.video(video) if video else self.videos()[0]
        answer = self.script.answer(known)
        for step in answer.trace:
            if more.get("on_step"):
                more["on_step"](step)
        return answer

    def ingest(self, src: str | Path, *, on_progress: Any = None, **more: Any) -> Video:
        path = Path(src)
        self.script.watched.append((path.name, more))
        for event in self.script.events:
            if on_progress:
                on_progress(event)
        if path.name in self.script.ingest_raises:
            raise self.script.ingest_raises[path.name]
        for known in self.videos():
            if known.path == str(path.resolve()):
                return known
        video = fill(self.path, path.resolve(), print_=_sha(path.name.encode()))
        self.close()
        return video


class World:
    """The program over a scripted library that holds one watched video, `lecture.mp4`."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.library = folder / "test.longtake"
        self.source = folder / "videos" / "lecture.mp4"
        self.script = Script()
        monkeypatch.chdir(folder)
        monkeypatch.setenv("LONGTAKE_LIBRARY", str(self.library))
        monkeypatch.setenv("LONGTAKE_STATE", str(folder / "state"))
        monkeypatch.setattr(
            "longtake.cli.session.open_library", lambda given: Scripted(given, self.script)
        )

    def run(self, *args: str | Path, input: str | None = None, **env: str) -> Result:
        """Run the program in this process."""
        return CliRunner(env=env).invoke(cli, [str(one) for one in args], input=input)

    def data(self, *args: str | Path, code: int = 0, command: str | None = None) -> Any:
        """Run with --json, check the envelope, and return its data (the error if it failed)."""
        result = self.run(*args, "--json")
        assert result.exit_code == code, result.output
        envelope = json.loads(result.stdout)
        jsonschema.validate(envelope, schema("envelope"))
        assert envelope["ok"] is (code == 0)
        assert command is None or envelope["command"] == command
        return envelope["data"] if code == 0 else envelope["error"]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path, monkeypatch)
    fill(made.library, made.source)
    return made


@pytest.fixture
def empty_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def schema(name: str) -> dict[str, Any]:
    """A schema of docs/schema."""
    text = (Path(__file__).parent.parent / "docs" / "schema" / f"{name}.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    jsonschema.Draft202012Validator.check_schema(found)
    return found


def event(done: float, total: float = 240.0, **more: Any) -> dict[str, Any]:
    base = {"stage": "deep", "done": done, "total": total, "speed": 8.0, "eta": 10.0}
    return {**base, "askable": True, **more}


def stopped() -> Interrupted:
    return Interrupted("stopped; kept up to 00:02:00", fix="again")
