"""The second gate's models: a vision model's yes or no, and a language model's word."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from longtake.agent.standing.judging import judge_of, judged
from longtake.agent.standing.predicate import parse
from longtake.agent.standing.watcher import Alert, Query, Watcher
from longtake.agent.surety.correction import Correction
from longtake.errors import BackendError
from longtake.models.protocols import Asked
from longtake.perception.decode import Decoder
from tests.fakes import FakeChat, FakeReader, FakeTagger, fake_models
from tests.media import Scene, draw_video, read_blocks

SCENES = [Scene(6, "white", "programme"), Scene(8, "red", "exam results")]


class Vision:
    """A vision model that always says the same, and counts what it was shown."""

    name = "fake-vision@00000000"

    def __init__(self, says: str) -> None:
        self.says, self.shown = says, 0

    def write(self, asked: Sequence[Asked], *, max_tokens: int) -> list[str]:
        if self.says == "!":
            raise BackendError("the endpoint is gone")
        self.shown += sum(len(one.images) for one in asked)
        return [self.says for _ in asked]


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("closer") / "s.ts"
    return draw_video(path, SCENES, fps=5, size=(160, 90), numbered=False)


def watched(path: Path, query: str, *, vision: Any = None, judge: Any = None) -> list[Alert]:
    models = fake_models(
        text_reader=FakeReader(lambda image: [x for x in read_blocks(image).split("\n") if x]),
        image_tagger=FakeTagger(),
    )
    models.vision = vision  # type: ignore[attr-defined]
    watcher = Watcher([Query(parse(query))], models, judge=judge)
    return list(watcher.run(Decoder(path, fine_fps=4, coarse_fps=2)))


@pytest.mark.parametrize(("says", "told"), [("Yes.", 1), ("No", 0), ("I cannot tell", 1), ("!", 1)])
def test_a_vision_model_may_refuse_what_the_names_say(stream: Path, says: str, told: int) -> None:
    assert len(watched(stream, "the picture turns red", vision=Vision(says))) == told


def test_it_is_shown_few_pictures(stream: Path) -> None:
    vision = Vision("No")
    watched(stream, "the picture turns red", vision=vision)
    assert 0 < vision.shown <= 12


def chat(prefers: str) -> FakeChat:
    return FakeChat(scorer=lambda messages, labels: [
        0.0 if label.strip() == prefers else -6.0 for label in labels
    ])  # fmt: skip


HEEDED = Correction("fake", "fake", 1.0, 0.0, -6.0, 6.0, 10)


@pytest.mark.parametrize(("prefers", "told"), [("Yes", 1), ("No", 0)])
def test_a_model_that_is_heeded_weighs_paraphrases(stream: Path, prefers: str, told: int) -> None:
    judge = judged(chat(prefers), HEEDED)
    assert len(watched(stream, "an exam is on the slide", judge=judge)) == told
    assert len(watched(stream, '"exam results" is on the slide', judge=judge)) == 1


def test_a_model_for_which_nothing_was_fitted_is_not_asked() -> None:
    assert judge_of(fake_models(), chat("Yes")) is None
    assert judge_of(fake_models(), None) is None
