"""Lines that stand on every page are no evidence for any moment, unless they are asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from longtake.agent.agent import Agent
from longtake.agent.state import Switches
from longtake.memory.recall import Recall
from longtake.storage.records import Record, VectorRow, record_id
from longtake.storage.store import Store
from longtake.timecode import Span
from longtake.tools.corpus import Corpus
from longtake.tools.registry import Toolbox
from tests.fakes import fake_models

FOOTER = "The harbour lecture"


def line(video: str, n: int, start: float, end: float, text: str) -> Record:
    name = record_id(1, start, "moment", "screen", n)
    return Record(name, video, "moment", "screen", Span(start, end), start, text, "test@1")


def lines(video: str = "v1") -> list[Record]:
    slides = [line(video, 1, 20.0 * n, 20.0 * n + 20, f"Topic number{n} word{n}") for n in range(9)]
    return [line(video, 0, 0.0, 180.0, FOOTER), *slides]


def test_only_what_outlives_many_pages_is_furniture() -> None:
    records = lines()
    assert Corpus(records, ["v1"]).furniture == {records[0].id}
    assert Corpus(records[:4], ["v1"]).furniture == frozenset()


@pytest.fixture
def toolbox(tmp_path: Path) -> Any:
    models = fake_models()
    store = Store.open(tmp_path / "x.longtake", write=True, create=True)
    video = store.add_video("ab" * 32, "/nowhere/harbour.mp4", "harbour.mp4", 180.0, {})
    records = lines(video.id)
    store.put_records(records)
    vectors = models.text_encoder.encode([record.text for record in records])
    store.put_vectors(
        VectorRow(record.id, "text", vector, record.known_at)
        for record, vector in zip(records, vectors, strict=True)
    )
    recall = Recall(store, models.text_encoder, None)
    yield Toolbox(store, models, recall, source_of=lambda v: Path(v.path))
    store.close()


def test_a_footer_is_evidence_only_when_asked_for(toolbox: Any) -> None:
    videos = toolbox.store.videos()

    def quotes(question: str, **switches: bool) -> list[str]:
        agent = Agent(toolbox, None, None, switches=Switches(**switches))
        answer = agent.ask(question, videos=videos)
        return [proof.quote for proof in answer.evidence]

    vague = "What does the slide say about the harbour master's lecture hall?"
    assert FOOTER in quotes(vague, furniture=False)
    assert FOOTER not in quotes(vague)
    assert FOOTER in quotes("When does the screen show the harbour lecture?")
