"""Questions about now, of a recording that grows: its newest frames answer, and the memory only if not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longtake.agent.agent import Agent
from longtake.agent.question.classify import classify
from longtake.agent.question.now import about_now, channels, cue_in
from longtake.agent.state import Switches
from longtake.config import load_settings
from longtake.library import Library
from longtake.tools import now as short_term
from tests.fakes import FakeReader, FakeTranscriber, fake_models, tone
from tests.media import Scene, bytes_until, draw_video, read_blocks

RATE = 16_000
SCENES = [
    Scene(20, "white", "welcome\nThe exam is in room 214"),
    Scene(20, "blue", "pruning weights\nkeep the large ones"),
    Scene(20, "yellow", "The exam is in room 305\nbring a ruler"),
    Scene(20, "black", ""),
]
TONES = {400.0: "welcome to the lecture", 800.0: "please hand in the forms"}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sound = np.zeros(80 * RATE, np.float32)
    for at, hertz in ((3, 400.0), (54, 800.0)):
        sound[at * RATE :][: 3 * RATE] = tone(hertz, 3.0, RATE)
    path = tmp_path_factory.mktemp("ask") / "whole.ts"
    return draw_video(path, SCENES, fps=4, size=(160, 90), sound=sound, rate=RATE, gop=8)


@pytest.fixture(scope="module")
def live(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A library that has watched 40 s of a recording of which more is written."""
    return recorded(drawn, tmp_path_factory.mktemp("live"), 58.0)


@pytest.fixture(scope="module")
def dark(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The same 22 s later: nothing has been on the screen for 20 s."""
    return recorded(drawn, tmp_path_factory.mktemp("dark"), 80.0)


def recorded(drawn: Path, folder: Path, seconds: float) -> Library:
    """Follow the first 40 s of the recording, then let it grow to `seconds` and leave it open."""
    data = drawn.read_bytes()
    path = folder / "talk.ts"
    path.write_bytes(data[: int(len(data) * 0.55)])
    reader = FakeReader(lambda image: [one for one in read_blocks(image).split("\n") if one])
    models = fake_models(text_reader=reader, transcriber=FakeTranscriber(tones=TONES))
    settings = load_settings(library=folder / "l.longtake", profile="offline", chunk_seconds=10)
    library = Library(settings, models=models)
    video = library.ingest(path, follow=0.01, until=40.0, later=False)
    assert video.media["live"]["ended"] is None
    library.close()
    path.write_bytes(data[: bytes_until(drawn, seconds)])
    return library


def asked(library: Library, question: str, **more: Any) -> Any:
    return library.ask(question, library.videos()[0], **more)


def glances(
    library: Library, question: str, off: dict[str, bool] | None = None, **more: Any
) -> list[str]:
    """Which of the short-term memories a question looked into."""
    steps: list[dict[str, Any]] = []
    agent = Agent(library.toolbox, None, None, switches=Switches(**off or {}))
    agent.ask(question, on_step=steps.append, **{"videos": library.videos(), **more})
    return [step["look"] for step in steps if step["step"] == "now"]


def without(library: Library, question: str, **off: bool) -> Any:
    agent = Agent(library.toolbox, None, None, switches=Switches(**off))
    return agent.ask(question, videos=library.videos())


@pytest.mark.parametrize(
    ("question", "bare"),
    [
        ("What is on the screen now?", "What is on the screen?"),
        ("what is she saying right now", "what is she saying"),
        ("Is it raining at the moment?", "Is it raining?"),
        ("Who is currently speaking?", "Who is speaking?"),
        ("What does the current slide say?", "What does the slide say?"),
        ("What was on the screen just now?", None),
        ("What has she said until now?", None),
        ("How long has it rained now?", None),
        ("Does he come every now and then?", None),
        ("Now, when is the exam?", None),
        ("What is on the screen now and what was there 5 minutes ago?", None),
        ("What is the nowcast about?", None),
    ],
)
def test_cues(question: str, bare: str | None) -> None:
    assert cue_in(question) == bare


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("What is on the screen now?", ["screen"]),
        ("What does the sign say now?", ["screen"]),
        ("What is she saying right now?", ["speech"]),
        ("Does she mention Monday now?", ["speech"]),
        ("What is in the picture now?", ["sight", "screen"]),
        ("Is there a dog now?", ["sight", "screen", "speech"]),
        ("In which room is the exam now?", ["screen", "speech"]),
    ],
)
def test_what_can_answer(question: str, wanted: list[str]) -> None:
    (part,) = about_now(classify(question), None)
    assert channels(part) == wanted


class Work:
    """How much the models of a library do during a question: read, named, heard."""

    def __init__(self, library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
        models = library.models
        self.named = 0
        self._reader, self._transcriber = models.text_reader, models.transcriber
        look = models.image_tagger.look

        def counted(images: Any) -> Any:
            self.named += len(images)
            return look(images)

        monkeypatch.setattr(models.image_tagger, "look", counted)

    def of(self, ask: Any) -> tuple[int, int, float]:
        """Pictures read, pictures named, seconds of sound heard."""
        before = self._reader.calls, self.named, self._transcriber.seconds
        ask()
        after = self._reader.calls, self.named, self._transcriber.seconds
        return after[0] - before[0], after[1] - before[1], after[2] - before[2]


def test_only_what_can_answer_is_looked_at_or_heard(
    live: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Work(live, monkeypatch)
    screen, speech = "What is on the screen now?", "What is she saying right now?"
    read, named, heard = work.of(lambda: asked(live, screen))
    assert (read, named, heard) == (1, 0, 0.0)
    read, named, heard = work.of(lambda: asked(live, speech))
    assert (read, named) == (0, 0)
    assert heard > 0
    read, named, heard = work.of(lambda: asked(live, "In which room is the exam now?"))
    assert (read, named, heard) == (1, 0, 0.0)  # the picture answers, so nobody listens
    read, named, heard = work.of(lambda: asked(live, "Is there anything yellow at the moment?"))
    assert (read, named, heard) == (0, 1, 0.0)
    for question in (screen, speech):
        read, named, heard = work.of(lambda q=question: without(live, q, sparing=False))
        assert read >= 1
        assert named >= 1
        assert heard > 0, "with everything looked at, it makes no difference here"


def test_the_newest_picture_answers_and_no_older_one_is_read(
    drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = recorded(drawn, tmp_path, 43.0)  # the slide turned at 0:40
    work = Work(library, monkeypatch)
    for question in ("What is on the screen now?", "In which room is the exam now?"):
        assert "305" in asked(library, question).text
        assert work.of(lambda q=question: asked(library, q)) == (1, 0, 0.0)
        assert work.of(lambda q=question: without(library, q, sparing=False))[0] > 1
    older = asked(library, "Does the slide say pruning now?")
    assert older.status == "answered"  # it stood there in the newest 8 s
    assert work.of(lambda: asked(library, "Does the slide say pruning now?"))[0] > 1


def test_what_the_watch_has_read_of_the_minute_is_not_read_again(
    drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = recorded(drawn, tmp_path, 80.0)
    question = "In which room is the exam now?"
    work = Work(library, monkeypatch)
    behind = work.of(lambda: asked(library, question))
    assert "Room 305" in asked(library, question).text
    library.ingest(library.videos()[0].path, follow=0.01, until=75.0, later=False)
    library.close()
    assert "Room 305" in asked(library, question).text
    assert asked(library, question).text.startswith("Not seen now")
    assert glances(library, question) == ["window"]
    assert work.of(lambda: asked(library, question))[0] < behind[0]
    assert glances(library, question, off={"sparing": False}) == ["window", "buffer"]
    video = library.videos()[0]
    live = video.media["live"] | {"left_out": [[60.0, 70.0, "sight"]]}
    thin = replace(video, media=video.media | {"live": live})
    assert glances(library, question, videos=[thin]) == ["window", "buffer"]


def test_now_and_earlier_are_both_right_while_it_grows(live: Library) -> None:
    now = asked(live, "What is on the screen now?")
    assert now.status == "answered"
    assert "room 305" in now.text
    assert "214" not in now.text
    assert all(proof.start >= 49.0 and proof.end <= 58.5 for proof in now.evidence)
    ago = asked(live, "What was on the screen 30 seconds ago?")
    assert "pruning weights" in ago.text
    assert "305" not in ago.text
    before = asked(live, "What is on the screen at 0:10?")
    assert "room 214" in before.text
    assert "305" not in before.text


def test_what_is_said_now_is_heard_now(live: Library) -> None:
    now = asked(live, "What is she saying right now?")
    assert "please hand in the forms" in now.text
    (proof,) = now.evidence
    assert proof.source == "speech"
    assert proof.start == pytest.approx(54.0, abs=0.3)


def test_the_window_alone_is_not_misled_by_an_old_slide(live: Library) -> None:
    question = "In which room is the exam now?"
    assert "305" in asked(live, question).text
    joined = without(live, question, now_only=False)
    assert "214" in joined.text, "memory joined with the window makes no difference here"


def test_what_is_not_there_now_was_last_seen_before(dark: Library) -> None:
    now = asked(dark, "What does the slide say right now?")
    assert now.status == "answered"
    assert now.text.startswith("Not seen now (00:01:11–00:01:19). Last seen at 00:01:0")
    assert "room 305" in now.text  # in the newest minute, which the watch has not reached
    room = asked(dark, "In which room is the exam now?")
    assert room.text.startswith("Not seen now")
    assert "Room 305" in room.text
    blue = asked(dark, "Is there anything blue at the moment?")
    assert blue.text.startswith("Not seen now")
    heard = asked(dark, "What is she saying right now?")
    assert heard.text.startswith("Not heard now (00:01:11–00:01:19). Last heard at 00:00:54")


def test_a_screen_without_text_is_told_by_its_picture(dark: Library) -> None:
    now = asked(dark, "What is on the screen now?")
    assert now.status == "answered"
    assert "no text is read there; the picture shows: " in now.text
    assert "room" not in now.text.lower()
    assert glances(dark, "What is on the screen now?") == ["window"]


def test_beyond_the_newest_minute_the_memory_is_asked(
    dark: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(short_term, "BUFFER", 10.0)
    made = asked(dark, "What does the slide say right now?")
    assert made.text.startswith("Not seen now (00:01:11–00:01:19). Last seen at 00:00:40:")
    assert "pruning weights" in made.text


def test_nobody_is_named_where_nothing_names_the_speaker(live: Library) -> None:
    who = asked(live, "Who is speaking now?")
    assert who.status == "insufficient"
    assert "nothing on the screen says who" in who.text


def test_what_was_not_seen_may_still_come(live: Library) -> None:
    made = asked(live, "When is the submarine launched?")
    assert made.status == "not_seen_yet"
    assert "was watched until 00:00:40; the stream is at 00:00:57" in made.text
    gone = asked(live, "Is there a submarine now?")
    assert gone.status == "not_seen_yet"
    assert "Not seen now" in gone.text


def test_what_ended_was_not_there(drawn: Path, tmp_path: Path) -> None:
    path = tmp_path / "talk.ts"
    path.write_bytes(drawn.read_bytes()[: bytes_until(drawn, 30.0)])
    reader = FakeReader(lambda image: [one for one in read_blocks(image).split("\n") if one])
    settings = load_settings(library=tmp_path / "l.longtake", profile="offline")
    with Library(settings, models=fake_models(text_reader=reader)) as library:
        library.ingest(path, quick=False, later=False)
        assert asked(library, "When is the submarine launched?").status == "not_in_video"
        assert not glances(library, "What is on the screen now?")  # the word has its plain sense


def test_as_of_a_time_now_is_that_time(live: Library) -> None:
    made = asked(live, "What is on the screen now?", at=12.0)
    assert "room 214" in made.text
    assert all(proof.end <= 12.0 for proof in made.evidence)
    later = asked(live, "What is on the screen now?", at=35.0)
    assert "pruning weights" in later.text
    assert not glances(live, "What is on the screen now?", as_of=12.0)
    assert glances(live, "What is on the screen now?") == ["window"]
