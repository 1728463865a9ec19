"""One of each kind of chat model, all with the same opinion: "A", or yes, where "12 June" is told.

The local one is a tiny random transformer, which has no opinion at all but the same interface.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from longtake.agent.reasoning.cassette import Cached, Recorded, Replayed
from longtake.models.endpoint import EndpointChat
from longtake.models.langchain import LangChainChat
from tests.fakes import FakeChat
from tests.stub_endpoint import stub_endpoint

Messages = Sequence[tuple[str, str]]

TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def tiny_model(folder: Path, **config: Any) -> Path:
    """A folder with a tiny random language model and a tokenizer of bytes."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    marks = ["<|system|>", "<|user|>", "<|assistant|>", "<|end|>"]
    vocabulary = {token: n for n, token in enumerate([*letters, *marks])}
    plain = Tokenizer(models.BPE(vocabulary, []))
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    plain.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=plain, eos_token="<|end|>", additional_special_tokens=marks[:3]
    )
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
             "num_attention_heads": 2, "num_key_value_heads": 1}  # fmt: skip
    made = LlamaConfig(
        vocab_size=len(tokenizer), max_position_embeddings=4096,
        eos_token_id=vocabulary["<|end|>"], **(shape | config),
    )  # fmt: skip
    LlamaForCausalLM(made).save_pretrained(folder)
    return folder


def opinion(messages: Messages) -> dict[str, float]:
    """Log-probabilities of first tokens: for the option that fits what is told."""
    text = messages[-1][1]
    told = "12 June" in text
    if "Yes or No" in text:
        return {"Yes": -0.2, "No": -1.9} if told else {"Yes": -0.9, "No": -0.8}
    letter = next(
        (line[0] for line in text.splitlines() if line[1:3] == ". " and "yes" in line.lower()), "A"
    )
    other = "B" if letter == "A" else "A"
    return {letter: -0.2, other: -1.9} if told else {letter: -0.9, other: -0.8}


def written(messages: Messages) -> str:
    told = opinion(messages)
    return max(sorted(told), key=lambda token: told[token])


def scorer(messages: Messages, labels: Sequence[str]) -> list[float]:
    told = opinion(messages)
    return [told.get(label, -9.0) for label in labels]


def langchain_model(reply: Callable[[Messages], str], tokens: Any = None, **fields: Any) -> Any:
    """A LangChain chat model in this process; `tokens` gives it log-probabilities when asked."""
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage
    from langchain_core.outputs import ChatGeneration, ChatResult

    class Scripted(BaseChatModel):
        logprobs: bool = False
        max_tokens: int | None = None
        seen: list[Any] = []  # noqa: RUF012

        @property
        def _llm_type(self) -> str:
            return "scripted"

        def _generate(
            self, messages: Any, stop: Any = None, run_manager: Any = None, **given: Any
        ) -> ChatResult:
            roles = {"human": "user", "ai": "assistant"}
            asked = [(roles.get(m.type, m.type), str(m.content)) for m in messages]
            self.seen.append({"messages": asked, "stop": stop, **given})
            told = {}
            if tokens is not None and (self.logprobs or given.get("logprobs")):
                rows = [{"token": k, "logprob": v} for k, v in tokens(asked).items()]
                told = {"logprobs": {"content": [{**rows[0], "top_logprobs": rows}]}}
            made = AIMessage(content=reply(asked), response_metadata=told)
            return ChatResult(generations=[ChatGeneration(message=made)])

    return Scripted(**fields)


@contextmanager
def chat_model(kind: str, folder: Path) -> Iterator[Any]:
    """One chat model of a kind of `KINDS`."""
    if kind.startswith("endpoint"):
        mode = "no_logprobs" if kind == "endpoint letters" else "normal"
        with stub_endpoint(mode=mode, opinion=opinion) as stub:
            yield EndpointChat(stub.url, "m", wait=0.0)
    elif kind == "nobody":
        yield None
    elif kind == "local":
        from longtake.models.smollm import LocalChat

        yield LocalChat(tiny_model(folder / "tiny"), "tiny@0", threads=1)
    else:
        yield {
            "fake": lambda: FakeChat(written, scorer=scorer),
            "fake letters": lambda: FakeChat(written, scores=False),
            "langchain": lambda: LangChainChat(langchain_model(written, opinion, logprobs=True)),
            "langchain letters": lambda: LangChainChat(langchain_model(written)),
            "recorded": lambda: Recorded(FakeChat(written, scorer=scorer), folder / "a.jsonl"),
            "cached": lambda: cached(FakeChat(written, scorer=scorer)),
        }[kind]()


KINDS = (
    "nobody", "fake", "fake letters", "local", "langchain", "langchain letters", "endpoint",
    "endpoint letters", "recorded", "cached",
)  # fmt: skip
"""Every kind of reasoner; those that end in "letters" have no log-probabilities."""


def cached(chat: Any, kept: dict[str, bytes] | None = None) -> Cached:
    """A chat model over a cache in memory."""
    store = {} if kept is None else kept
    return Cached(chat, store.get, store.__setitem__)


def replayed(folder: Path) -> Replayed:
    """The cassette that the kind `recorded` has written."""
    return Replayed(folder / "a.jsonl")
