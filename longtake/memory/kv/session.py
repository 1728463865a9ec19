"""Ask a stream that was encoded once: a question reads the blocks it is given, on a fork.

A question is put after ``[sink | blocks | talk of this fork]``, answered greedily, and forgotten,
unless it is to be kept in the fork's own talk. Words of a talk have places of their own after
whatever is read, so neither a question nor an answer ever shifts or changes the stream (group
positions, S14; forks are ours). Forks share all tensors and cost what they have said themselves.

A session that has the blocks' words reads found text again, all of it together after the prompt:
of stored keys the block's own past is part, but not the other blocks beside it, and facts that are
alike are then easily mistaken for each other. Beyond `ANEW` tokens, and for pictures, blocks are
taken as they are stored, which takes no time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from longtake.models.kv.held import Held, Policy, assemble
from longtake.models.kv.stream import sink_block
from longtake.storage.kv.block import Block

if TYPE_CHECKING:
    from torch import Tensor

    from longtake.models.kv.tap import RopeTap

Words: TypeAlias = "Callable[[Sequence[int]], Sequence[Tensor]]"
TALK = 1 << 40
"""Ids of blocks of talk begin here: they come after every block of a stream."""
MARK = "{question}"
"""Where the question goes in a wording."""
NEUTRAL = (
    "What is it?", "What happens?", "Who was there and when?", "How many of them are there?",
    "Which one was it?", "Where is that?", "What did they say about it?", "Why?",
)  # fmt: skip
"""Questions about nothing in particular; what they attend to answers no other."""
ANEW = 512
"""The most tokens of found text that are read again: two or three seconds of a small model."""
_STREAM, _ASK = "\u241f", "\u241e"


@dataclass(frozen=True, slots=True)
class Wording:
    """What stands before the stream, and what follows it with `MARK` for the question."""

    before: str
    after: str

    @classmethod
    def of(cls, tokenizer: Any, lead: str = "Notes of a video:") -> Wording:
        """Take the tokenizer's chat template apart; without one, plain words."""
        plain = cls(f"{lead}\n", f"\nQuestion: {MARK}\nAnswer:")
        if not getattr(tokenizer, "chat_template", None):
            return plain
        said = f"{lead}\n{_STREAM}\nQuestion: {_ASK}\nAnswer in a few words."
        # Templates of models with eyes read content as a list of parts, and leave out plain text.
        contents: list[Any] = [said, [{"type": "text", "text": said}]]
        texts = (tokenizer.apply_chat_template([{"role": "user", "content": content}],
                 tokenize=False, add_generation_prompt=True) for content in contents)  # fmt: skip
        text = next((text for text in texts if _STREAM in text), "")
        if not text:
            return plain
        before, after = text.split(_STREAM)
        return cls(before, after.replace(_ASK, MARK))


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: its text, mean log-probability of its tokens, and what it took."""

    text: str
    logprob: float
    tokens: int
    read: tuple[int, ...]
    first_seconds: float
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """Questions to one stream; immutable, so that forks and threads cannot disturb each other.

    Attributes:
        tap: an installed tap of the model that encoded the stream.
        tokenizer: the model's.
        wording: how the stream begins and a question is put.
        sink: the prompt before the stream, encoded once.
        read: block ids → blocks, from wherever they are kept.
        recent: the newest blocks, the context in which a question's own queries are made.
        words: block ids → the token ids of each, to read found text again; None: never.
        policy: where blocks are placed.
        talk: what this fork keeps of its own questions and answers.
    """

    tap: RopeTap
    tokenizer: Any
    wording: Wording
    sink: Block
    read: Callable[[Sequence[int]], Sequence[Block]]
    recent: tuple[Block, ...] = ()
    words: Words | None = None
    policy: Policy = "contiguous"
    talk: tuple[Block, ...] = field(default=())

    @classmethod
    def over(
        cls, tap: RopeTap, tokenizer: Any, read: Callable[[Sequence[int]], Sequence[Block]],
        *, wording: Wording | None = None, recent: Sequence[Block] = (),
        words: Words | None = None,
    ) -> Session:  # fmt: skip
        """Open a session; its sink is encoded anew, as the stream's was."""
        how = wording or Wording.of(tokenizer)
        sink = sink_block(tap, ids_of(tokenizer, how.before))
        return cls(tap, tokenizer, how, sink, read, tuple(recent), words)

    def fork(self) -> Session:
        """A session that shares everything and goes its own way from here."""
        return replace(self)

    def ask(self, question: str, blocks: Sequence[int], *, max_tokens: int = 24) -> Said:
        """Answer from these blocks alone; nothing of it is kept."""
        return self._answer(question, blocks, max_tokens)[0]

    def tell(
        self, question: str, blocks: Sequence[int], *, max_tokens: int = 24
    ) -> tuple[Said, Session]:
        """Answer, and return the session that remembers having done so."""
        said, made = self._answer(question, blocks, max_tokens)
        return said, replace(self, talk=(*self.talk, made))

    def queries(self, question: str, layers: Collection[int]) -> dict[int, Tensor]:
        """Return what the question's own words look for: layer → [Hq, q, D], not rotated.

        They are read after the sink and the newest blocks, as the stream itself was.
        """
        held = assemble(self.tap, self.sink, self.recent)
        lead, words = self._ids(self.wording.after.split(MARK)[0]), self._ids(question)
        every = _joined([lead, words])
        made = self.tap.run(every, positions=_places(every, held), held=held, queries=layers)
        return {layer: rows[:, len(lead) :] for layer, rows in made.queries.items()}

    def neutral(self, layers: Collection[int]) -> dict[int, Tensor]:
        """Return what questions about nothing in particular look for: layer → [Hq, q, D].

        They are read after the sink alone, so that they belong to the model and not to the stream.
        """
        import torch

        bare = replace(self, recent=())
        made = [bare.queries(one, layers) for one in NEUTRAL]
        return {layer: torch.cat([one[layer] for one in made], dim=1) for layer in layers}

    def score(self, question: str, blocks: Sequence[int], answer: str) -> float:
        """Mean log-probability of an answer's tokens after the question, from these blocks."""
        import torch

        held = self._context(blocks)
        asked, said = self._ids(self._asked(question)), self._ids(answer)
        every = _joined([asked, said])
        made = self.tap.run(every, positions=_places(every, held), held=held)
        scores = torch.log_softmax(self.tap.logits(made.hidden)[0].float(), dim=-1)
        told = scores[len(asked) - 1 : -1].gather(1, said[:, None])
        return float(told.mean())

    def _answer(self, question: str, blocks: Sequence[int], most: int) -> tuple[Said, Block]:
        import torch

        began = time.monotonic()
        held = self._context(blocks)
        new = self._ids(self._asked(question))
        keys: list[Tensor] = []
        values: list[Tensor] = []
        said: list[int] = []
        total, first = 0.0, 0.0
        stops = _stops(self.tap.model, self.tokenizer)
        while True:
            made = self.tap.run(new, positions=_places(new, held), held=held)
            keys.append(made.keys)
            values.append(made.values)
            scores = torch.log_softmax(self.tap.logits(made.hidden[:, -1:])[0, -1].float(), dim=-1)
            best = int(scores.argmax())
            first = first or time.monotonic() - began
            if best in stops or len(said) >= most:
                break
            said.append(best)
            total += float(scores[best])
            held = made.held
            new = torch.tensor([best])
        text = self.tokenizer.decode(said, skip_special_tokens=True).strip()
        told = Said(text, total / max(1, len(said)), len(said), tuple(sorted(blocks)), first,
                    time.monotonic() - began)  # fmt: skip
        return told, self._kept(keys, values)

    def _kept(self, keys: Sequence[Tensor], values: Sequence[Tensor]) -> Block:
        import torch

        return self._block(
            TALK + len(self.talk), torch.cat(list(keys), dim=2), torch.cat(list(values), dim=2)
        )

    def _block(self, id_: int, keys: Tensor, values: Tensor) -> Block:
        """Tokens just read, as a block that can be put anywhere."""
        import torch

        n = keys.shape[2]
        places = torch.arange(n, dtype=torch.int32)[None].expand(self.tap.axes, n)
        return Block(id_, 0.0, 0.0, keys, values, places, torch.zeros(n, dtype=torch.int64))

    def _context(self, blocks: Sequence[int]) -> Held:
        ids = sorted(blocks)
        text = self._text(ids)
        found = self.read(ids) if text is None else [self._anew(text)]
        return assemble(self.tap, self.sink, [*found, *self.talk], policy=self.policy)

    def _text(self, ids: Sequence[int]) -> Tensor | None:
        """The words of these blocks, where they are to be read again."""
        if self.words is None or not ids:
            return None
        text = _joined(self.words(ids))
        return text if len(text) <= ANEW and bool((text >= 0).all()) else None

    def _anew(self, text: Tensor) -> Block:
        held = assemble(self.tap, self.sink, []) if self.sink.n else None
        first = held.next if held is not None else 0
        made = self.tap.run(text, positions=_from(first, len(text)), held=held)
        return self._block(0, made.keys, made.values)

    def _asked(self, question: str) -> str:
        return self.wording.after.replace(MARK, question)

    def _ids(self, text: str) -> Tensor:
        return ids_of(self.tokenizer, text)


def ids_of(tokenizer: Any, text: str) -> Tensor:
    """Token ids [n] of a piece of text, without any that the tokenizer would add."""
    import torch

    ids: list[int] = tokenizer.encode(text, add_special_tokens=False) if text else []
    return torch.tensor(ids, dtype=torch.int64)


def _joined(pieces: Sequence[Tensor]) -> Tensor:
    import torch

    return torch.cat(list(pieces))


def _places(ids: Tensor, held: Held) -> Tensor:
    return _from(held.next, len(ids))


def _from(first: int, n: int) -> Tensor:
    import torch

    return (torch.arange(n) + first)[None]


def _stops(model: Any, tokenizer: Any) -> set[int]:
    """Tokens that end an answer: the model's and the tokenizer's ends, and a new line."""
    ends = getattr(model.generation_config, "eos_token_id", None)
    made = set(ends if isinstance(ends, list) else [ends]) | {tokenizer.eos_token_id}
    lines = tokenizer.encode("\n", add_special_tokens=False)
    return {one for one in (made | set(lines[-1:])) if one is not None}
