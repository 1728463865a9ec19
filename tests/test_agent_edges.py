"""From when to when: ends of pages from memory, ends of what is seen from the frames themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from longtake.agent.agent import Agent
from longtake.agent.answer import Answer
from longtake.agent.state import Switches
from longtake.memory.recall import Recall
from longtake.tools.registry import Toolbox
from tests.asking import ask, scripted
from tests.fakes import fake_models
from tests.worlds import ContentEncoder, Section, World, lecture

TIDES = Section("Tides", ("Tide table", "High water at noon"), ((5, "Look at the tide table."),))
LUNCH = Section("Lunch", ("Lunch",), ((4, "Enjoy it."),), seconds=90.0)
BOATS = Section("Boats", ("Boat list",), ((6, "We talk about the boats."),))
LAMP = Section("Quay", (), ((3, "It is getting dark."),), ("lantern",), 60.0)
AFTER = Section("Night", ("Good night",), ((6, "See you tomorrow."),))
LIT = (4.0, 31.5)
"""When the lantern really is in the picture, in seconds of its section."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = scripted(tmp_path_factory.mktemp("edges"), (TIDES, LUNCH, BOATS))
    yield made
    made.store.close()


@pytest.mark.parametrize(
    ("question", "value", "said"),
    [
        ("Until when is the tide table shown?", "end", "on screen until"),
        ("From when to when is the tide table on screen?", "start", "on screen from"),
        ("Till when can we see the boat list?", "end", "on screen until"),
        ("When does the lunch end?", "end", "until"),
        ("When was the tide table taken down?", "end", "on screen until"),
    ],
)
def test_pages_have_ends(world: World, question: str, value: str, said: str) -> None:
    name = {"tide": "Tides", "boat": "Boats", "lunch": "Lunch"}
    section = next(name[word] for word in name if word in question.lower())
    length = {"Tides": TIDES, "Boats": BOATS, "Lunch": LUNCH}[section].seconds
    wanted = world.at(section, length if value == "end" else 0.0)
    answer = ask(world, question)
    assert answer.status == "answered", answer.text
    assert said in answer.text
    assert answer.value == pytest.approx(wanted, abs=6.0)


def test_what_was_only_spoken_of_has_no_ends(world: World) -> None:
    answer = ask(world, "Until when do they talk about the boats?")
    assert "until" not in answer.text.split("“")[0]


class Film:
    """Frames in which the lantern is there for a part of what memory calls one clip."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "film.mp4"
        self.path.write_bytes(b"")
        self.begin = 0.0
        self.looks = 0

    def look(self, source: Path, video: Any, span: Any, models: Any, **more: Any) -> dict[str, Any]:
        self.looks += 1
        times = [span.start + n / more["fps"] for n in range(round(span.duration * more["fps"]))]
        lit = [t for t in times if self.begin + LIT[0] <= t < self.begin + LIT[1]]
        tags = [{"label": "lantern", "time": t, "p": 0.9} for t in lit]
        return {"lines": [], "tags": tags, "frames": len(times)}


def quay(folder: Path) -> tuple[World, Film]:
    models = fake_models(text_encoder=ContentEncoder(), image_encoder=None)
    made = lecture(folder, models.text_encoder, (TIDES, LAMP, AFTER))
    film = Film(folder)
    film.begin = made.at("Quay")
    recall = Recall(made.store, models.text_encoder, None)
    made.toolbox = Toolbox(
        made.store, models, recall, source_of=lambda _video: film.path, look=film.look
    )
    return made, film


def told(world: World, question: str, **off: Any) -> Answer:
    agent = Agent(world.toolbox, None, None, switches=Switches(**off))
    return agent.ask(question, videos=[world.video])


def test_the_frames_tell_the_end_that_memory_only_nearly_knows(tmp_path: Path) -> None:
    world, film = quay(tmp_path)
    question = "Until when is the lantern in the picture?"
    answer = told(world, question)
    assert answer.value == pytest.approx(film.begin + LIT[1], abs=0.6), answer.text
    assert answer.cost["inspections"] == film.looks > 0
    plain = told(world, question, scan=False)
    assert plain.value == pytest.approx(film.begin + 60.0, abs=1.0)
    world.store.close()
