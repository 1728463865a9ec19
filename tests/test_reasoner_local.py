"""Local and LangChain models: the prompt's cache changes the work and never the result."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from longtake.agent.ledger import CHAT, Ledger
from longtake.agent.reasoning.reasoner import Reasoner
from longtake.errors import BackendError, BadReply, LongtakeError, Unreachable, UsageError
from longtake.models.langchain import LangChainChat, as_chat
from longtake.models.prompt_cache import BLOCK
from longtake.models.smollm import LocalChat
from tests.chat_models import langchain_model, opinion, tiny_model, written
from tests.fakes import FakeChat

if TYPE_CHECKING:
    from longtake.models.profiles import Models

LABELS = ["A", "B", "yes, it does"]
LONG = "The talk is about rivers, lakes and the rain that feeds them. " * 12


def ask(ending: str) -> list[tuple[str, str]]:
    return [("system", "You judge."), ("user", LONG + ending)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("tiny"))


def local(folder: Path, **options: Any) -> LocalChat:
    return LocalChat(folder, "tiny@0", threads=1, context=4096, **options)


def reference(chat: LocalChat, messages: Sequence[tuple[str, str]], label: str) -> float:
    """The log-probability of a label from one plain run over prompt and label together."""
    import torch

    prompt = chat._prompt(messages)
    tail = chat._tokenizer.encode(label, add_special_tokens=False)
    with torch.inference_mode():
        logits = chat._model(torch.tensor([[*prompt, *tail]])).logits[0]
    rows = torch.log_softmax(logits.float(), -1)
    return sum(float(rows[len(prompt) - 1 + i, token]) for i, token in enumerate(tail))


def test_scores_are_those_of_a_plain_run(folder: Path) -> None:
    chat = local(folder)
    for ending in ("first?", "second?", "first?"):
        found = chat.score(ask(ending), LABELS)
        np.testing.assert_allclose(
            found, [reference(chat, ask(ending), label) for label in LABELS], atol=1e-4
        )


def test_what_prompts_share_is_run_once(folder: Path) -> None:
    chat, anew = local(folder), local(folder, reuse=False)
    endings = ["A. yes B. no", "A. no B. yes", "A. no B. yes", "other"]
    for ending in endings:
        chat.score(ask(ending), LABELS)
        anew.score(ask(ending), LABELS)
    prompt = len(chat._prompt(ask("")))
    assert anew.cache.reused == 0
    assert anew.cache.ran > len(endings) * prompt
    assert chat.cache.ran < 1.5 * prompt
    assert chat.cache.ran + chat.cache.reused == anew.cache.ran


def test_the_cache_never_changes_a_score_by_a_bit(folder: Path) -> None:
    chat, anew = local(folder), local(folder, reuse=False)
    prompts = [ask("one?"), ask("two?"), [("user", "short")], ask("one?"), ask("")[:1], ask("one?")]
    for messages in prompts:
        assert chat.score(messages, LABELS) == anew.score(messages, LABELS)
    assert chat.score(ask("one?"), LABELS[::-1]) == chat.score(ask("one?"), LABELS)[::-1]


def test_a_prompt_that_is_the_beginning_of_the_last_one_is_scored_too(folder: Path) -> None:
    chat = local(folder)
    ids = [n % 200 for n in range(3 * BLOCK)]
    whole = chat.cache.continuations(ids, [[5]])
    for length in (2 * BLOCK, 2 * BLOCK + 1, BLOCK, 1):
        again = local(folder).cache.continuations(ids[:length], [[5], [5, 6]])
        assert chat.cache.continuations(ids[:length], [[5], [5, 6]]) == again
    assert chat.cache.continuations(ids, [[5]]) == whole


def test_a_failure_in_between_leaves_no_half_cache(folder: Path) -> None:
    chat = local(folder)
    good = chat.score(ask("one?"), LABELS)
    with pytest.raises(IndexError):
        chat.cache.continuations(chat._prompt(ask("two?")), [[10**6]])
    assert chat.score(ask("one?"), LABELS) == good


def test_a_model_whose_cache_cannot_be_cut_is_run_anew(tmp_path: Path) -> None:
    chat = local(tiny_model(tmp_path / "m"))
    plain = local(tmp_path / "m")
    chat.cache._croppable = lambda: False  # type: ignore[method-assign]
    for ending in ("one?", "two?"):
        found = chat.score(ask(ending), LABELS)
        np.testing.assert_allclose(found, plain.score(ask(ending), LABELS), atol=1e-4)
    assert chat.cache.reused == 0


def test_questions_at_the_same_time_do_not_mix(folder: Path) -> None:
    chat, anew = local(folder), local(folder, reuse=False)
    endings = [f"question {n}?" for n in range(8)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda ending: chat.score(ask(ending), LABELS), endings))
    assert found == [anew.score(ask(ending), LABELS) for ending in endings]


def test_long_labels_may_be_weighed_by_their_length(folder: Path) -> None:
    chat = local(folder)
    plain = chat.score(ask("?"), LABELS)
    each = chat.score(ask("?"), LABELS, per_token=True)
    sizes = [len(label) for label in LABELS]  # the tiny tokenizer has a token for each letter
    assert each == pytest.approx([p / n for p, n in zip(plain, sizes, strict=True)])
    assert int(np.argmax(plain)) != 2, "the long label never wins by its sum"


def test_the_second_order_of_a_decision_costs_little(folder: Path) -> None:
    chat = local(folder)
    made = Reasoner(chat, None, Ledger(CHAT), prior=False)
    made.choose("which?", ("red", "blue"), context=LONG, fallback=(1, 1))
    assert chat.cache.reused > 0.4 * (chat.cache.ran + chat.cache.reused)


# -- LangChain -------------------------------------------------------------------------------


def test_a_langchain_model_is_told_how_long_and_where_to_stop() -> None:
    model = langchain_model(lambda _: "one STOP two")
    chat = LangChainChat(model)
    assert chat.generate([("system", "s"), ("user", "u")], max_tokens=7, stop=["STOP"]) == "one"
    (seen,) = model.seen
    assert seen["messages"] == [("system", "s"), ("user", "u")]
    assert (seen["stop"], seen["max_tokens"]) == (["STOP"], 7)


def test_log_probabilities_come_from_a_setting_or_a_binding() -> None:
    made = LangChainChat(langchain_model(written, opinion, logprobs=True))
    bound = LangChainChat(langchain_model(written, opinion).bind(logprobs=True))
    without = LangChainChat(langchain_model(written, opinion))
    asked_in_vain = LangChainChat(langchain_model(written).bind(logprobs=True))
    assert [chat.scores for chat in (made, bound, without, asked_in_vain)] == [
        True, True, False, False,
    ]  # fmt: skip
    asked = [("user", "A. yes\nB. no\n12 June")]
    for chat in (bound, made):
        assert chat.score(asked, ["A", "B"]) == pytest.approx([-0.2, -1.9])
    assert "Scripted" in bound.name
    with pytest.raises(BackendError, match="no log-probabilities"):
        without.score(asked, ["A", "B"])


def test_a_langchain_model_that_begins_with_prose_is_asked_for_letters() -> None:
    chat = LangChainChat(langchain_model(lambda _: "B", lambda _: {"Well": -0.1}, logprobs=True))
    with pytest.raises(BadReply, match="none of the labels"):
        chat.score([("user", "x")], ["A", "B"])
    assert not chat.scores
    made = Reasoner(chat, None, Ledger(CHAT))
    assert made.choose("which?", ("a", "b"), fallback=(1, 1)).by == "letter"


@pytest.mark.parametrize(
    ("error", "kind"),
    [(ConnectionError("gone"), Unreachable), (TimeoutError(), Unreachable),
     (ValueError("odd"), BackendError), (ZeroDivisionError(), BackendError)],
)  # fmt: skip
def test_what_a_provider_raises_gets_a_name(error: Exception, kind: type[LongtakeError]) -> None:
    def fail(_: Any) -> str:
        raise error

    chat = LangChainChat(langchain_model(fail))
    with pytest.raises(kind, match=type(error).__name__) as caught:
        chat.generate([("user", "x")], max_tokens=3)
    assert chat.trouble is caught.value
    assert Reasoner(chat, None, Ledger(CHAT)).choose("?", "ab", fallback=(0, 1)).by == "rules"


def test_replies_in_blocks_are_joined() -> None:
    from langchain_core.messages import AIMessage

    class Blocks:
        def __init__(self, content: Any) -> None:
            self.content = content

        def invoke(self, messages: Any, **_: Any) -> Any:
            return AIMessage(content=self.content)

    told = [{"type": "reasoning", "reasoning": "…"}, {"type": "text", "text": "It is "}, "B."]
    assert LangChainChat(Blocks(told)).generate([("user", "x")], max_tokens=3) == "It is B."
    with pytest.raises(BadReply):
        LangChainChat(Blocks([{"type": "image"}])).generate([("user", "x")], max_tokens=3)


def test_what_is_no_chat_model_is_refused() -> None:
    with pytest.raises(UsageError, match="str is no LangChain chat model"):
        LangChainChat("gpt")
    with pytest.raises(UsageError, match="str is no LangChain chat model"):
        as_chat("gpt")


def test_either_kind_of_chat_model_may_be_handed_in() -> None:
    own = FakeChat(["yes"])
    assert as_chat(own) is own
    assert as_chat(langchain_model(lambda _: "B")).generate([("user", "x")], max_tokens=3) == "B"


# -- the real model --------------------------------------------------------------------------


@pytest.mark.slow
def test_the_local_model_scores_the_same_whatever_was_scored_before(offline_models: Models) -> None:
    chat: Any = offline_models.chat
    first = chat.score(ask("Is it about rivers?"), ["Yes", "No"])
    chat.score([("user", "Is the sky green?")], ["Yes", "No"])
    before = chat.cache.reused
    chat.score(ask("Is it about trains?"), ["Yes", "No"])
    assert chat.score(ask("Is it about rivers?"), ["Yes", "No"]) == first
    assert chat.cache.reused > before
    np.testing.assert_allclose(
        first, [reference(chat, ask("Is it about rivers?"), x) for x in ("Yes", "No")], atol=1e-3
    )


@pytest.mark.slow
def test_the_local_model_reasons_by_scores(offline_models: Models) -> None:
    made = Reasoner(offline_models.chat, None, Ledger(CHAT))
    choice = made.choose("Which is a colour?", ("red", "seven"), fallback=(0.5, 0.5))
    assert choice.by == "scores"
    text = made.write(
        [("user", "Say hello.")], max_tokens=12, check=lambda _: None, fallback="hello"
    )
    assert text.text
