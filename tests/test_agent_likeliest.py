"""What is too unsure to be an answer is told as the likeliest, with its measured probability."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from longtake.agent.writing import compose


def declined(p: float | None) -> dict[str, Any]:
    desk: Any = SimpleNamespace(videos=[], ids=[], switches=SimpleNamespace(finer=True), as_of=None)
    line = {"id": "r1", "video": "v", "start": 65.0, "end": 68.0, "source": "speech", "score": 0.9,
            "quote": "The fastest of them was the Heron.", "lex": 1.0, "dense": 0.6}  # fmt: skip
    finding = {"status": "weak", "nearest": line, "confidence": 0.6, "note": None}
    finding |= {"declined": p} if p is not None else {}
    part = {"text": "Which was the quickest?", "words": ["quickest"], "sources": ["speech"]}
    return compose._declined(desk, [part], [finding], [])


@pytest.mark.parametrize("p", [0.31, 0.48])
def test_a_likely_guess_leads_with_what_it_is_worth(p: float) -> None:
    made = declined(p)
    first, second = (one["text"] for one in made["sentences"][:2])
    assert first == "Nothing found answers this for sure."
    assert "the Heron" in second
    assert f"p {p:.2f}" in second
    assert made["status"] == "insufficient"
    assert made["sentences"][1]["cites"] == [0]


def test_an_unlikely_guess_comes_last_and_an_unmeasured_one_is_never_worth_much() -> None:
    texts = [one["text"] for one in declined(0.1)["sentences"]]
    assert texts[0] == "What was found does not answer this."
    assert "p 0.10" in texts[-2]
    assert "Heron" not in "".join(texts[:-2])
    assert f"p {compose.UNLIKELY:.2f}" in declined(None)["sentences"][-2]["text"]
