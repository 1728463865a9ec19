"""Ask the agent about a scripted film: one way for the tests that need only that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from longtake.agent.agent import Agent
from longtake.agent.answer import Answer
from longtake.agent.state import Switches
from longtake.memory.recall import Recall
from longtake.tools.registry import Toolbox
from tests.fakes import fake_models
from tests.worlds import ContentEncoder, Section, World, lecture


def scripted(
    folder: Path, sections: tuple[Section, ...], encoder: ContentEncoder | None = None
) -> World:
    """Put the sections into a library and give it its tools; the caller closes `store`."""
    models = fake_models(text_encoder=encoder or ContentEncoder(), image_encoder=None)
    made = lecture(folder, models.text_encoder, sections)
    recall = Recall(made.store, models.text_encoder, None)
    made.toolbox = Toolbox(made.store, models, recall, source_of=lambda video: Path(video.path))
    return made


def ask(world: World, question: str, **off: Any) -> Answer:
    """Ask without looking at pixels: there is no film behind the script."""
    agent = Agent(world.toolbox, None, None, switches=Switches(inspect=False, **off))
    return agent.ask(question, videos=[world.video])
