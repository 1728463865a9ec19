"""Questions to an encoded stream: forks never change it nor each other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import torch

from longtake.memory.kv.session import MARK, Session, Wording, ids_of
from longtake.models.kv.stream import StreamEncoder, Unit
from longtake.models.kv.tap import RopeTap
from longtake.storage.kv.block import Block
from tests.chat_models import tiny_model

NOTES = "The heron stands in the reeds. A cart goes by. The bell rings twice. It begins to rain. "


class Stream:
    """A tapped tiny model with a stream encoded into blocks."""

    def __init__(self, tap: RopeTap, tokenizer: Any) -> None:
        self.tap, self.tokenizer = tap, tokenizer
        self.wording = Wording.of(tokenizer)
        before = ids_of(tokenizer, self.wording.before)
        self.encoder = StreamEncoder(tap, before, window=64, chunk=16, block=16)
        self.blocks: list[Block] = []
        self.feed(NOTES * 2)

    def feed(self, text: str) -> None:
        for n, line in enumerate(text.split(". ")):
            unit = Unit(n, n + 1.0, ids_of(self.tokenizer, line))
            self.blocks += self.encoder.feed(unit)

    def read(self, ids: Sequence[int]) -> list[Block]:
        return [self.blocks[n] for n in ids]

    def session(self) -> Session:
        return Session.over(self.tap, self.tokenizer, self.read, recent=self.encoder.recent)

    def digest(self) -> str:
        made = hashlib.sha256()
        for block in [*self.blocks, *self.encoder.recent]:
            for part in (block.keys, block.values, block.places, block.tokens):
                made.update(part.contiguous().numpy().tobytes())
        return made.hexdigest()


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stream]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = tiny_model(tmp_path_factory.mktemp("kv"))
    model = AutoModelForCausalLM.from_pretrained(folder).double().eval()
    with RopeTap(model) as tap:
        yield Stream(tap, AutoTokenizer.from_pretrained(folder))


def test_questions_leave_the_stream_as_it_was(stream: Stream) -> None:
    before, session = stream.digest(), stream.session()
    first = session.ask("What rings?", [0, 2])
    assert stream.digest() == before
    again = session.ask("What rings?", [0, 2])
    assert (again.text, again.logprob, again.read) == (first.text, first.logprob, (0, 2))


def test_an_answer_is_that_of_one_pass_over_what_it_read(stream: Stream) -> None:
    """The first blocks have seen nothing that is not read, so a plain pass must agree."""
    session, ids = stream.session(), [0, 1, 2]
    text = session.wording.before
    tokens = [ids_of(stream.tokenizer, text), *(stream.blocks[n].tokens for n in ids)]
    tokens.append(ids_of(stream.tokenizer, session.wording.after.replace(MARK, "Why?")))
    wanted = plain_score(stream, tokens, "rain")
    assert session.score("Why?", ids, "rain") == pytest.approx(wanted, abs=1e-6)
    assert session.score("Why?", [0, 1], "rain") != pytest.approx(wanted, abs=1e-6)


def test_found_text_is_read_again_together(stream: Stream) -> None:
    """Blocks that were apart are read as one text, and nothing stored is taken."""

    def never(ids: Sequence[int]) -> list[Block]:
        raise AssertionError(f"stored blocks {ids} were taken")

    ids = [1, 3, 4]
    kept = stream.session()
    session = replace(kept, read=never, words=lambda ids: [stream.blocks[n].tokens for n in ids])
    tokens = [ids_of(stream.tokenizer, session.wording.before)]
    tokens += [stream.blocks[n].tokens for n in ids]
    tokens.append(ids_of(stream.tokenizer, session.wording.after.replace(MARK, "Why?")))
    wanted = plain_score(stream, tokens, "rain")
    assert session.score("Why?", [4, 1, 3], "rain") == pytest.approx(wanted, abs=1e-6)
    assert kept.score("Why?", ids, "rain") != pytest.approx(wanted, abs=1e-6)


def test_pictures_and_long_texts_are_taken_as_they_are_stored(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, tokens = stream.session(), [block.tokens for block in stream.blocks]
    stored = kept.score("Why?", [1, 3], "rain")
    seen = replace(kept, words=lambda ids: [torch.full_like(tokens[n], -1) for n in ids])
    assert seen.score("Why?", [1, 3], "rain") == stored
    again = replace(kept, words=lambda ids: [tokens[n] for n in ids])
    assert again.score("Why?", [1, 3], "rain") != stored
    monkeypatch.setattr("longtake.memory.kv.session.ANEW", len(tokens[1]) + len(tokens[3]) - 1)
    assert again.score("Why?", [1, 3], "rain") == stored


def plain_score(stream: Stream, tokens: Sequence[torch.Tensor], said: str) -> float:
    """The mean log-probability of an answer after these tokens, in one pass."""
    answer = ids_of(stream.tokenizer, said)
    every = torch.cat([*tokens, answer])
    made = stream.tap.run(every, positions=torch.arange(len(every))[None])
    scores = torch.log_softmax(stream.tap.logits(made.hidden)[0].float(), -1)[-len(answer) - 1 : -1]
    return float(scores.gather(1, answer[:, None]).mean())


def test_what_is_asked_midway_changes_no_later_answer(stream: Stream) -> None:
    session = stream.session()
    plain = session.score("Who stands there?", [0, 1], "the heron")
    session.ask("What rings?", [2, 3])
    stream.feed("The fog lifts. A dog barks. Nobody comes. ")
    assert session.score("Who stands there?", [0, 1], "the heron") == plain
    _, told = session.tell("What rings?", [2, 3])
    assert told.score("Who stands there?", [0, 1], "the heron") != plain
    assert session.score("Who stands there?", [0, 1], "the heron") == plain


def test_forks_share_the_stream_and_pay_for_their_own_talk_only(stream: Stream) -> None:
    session = stream.session()
    forks = [session.fork() for _ in range(100)]
    assert all(fork.sink is session.sink and fork.recent is session.recent for fork in forks)
    told = [fork.tell("What rings?", [0], max_tokens=2)[1] for fork in forks[:3]]
    assert all(len(one.talk) == 1 and not fork.talk for one, fork in zip(told, forks, strict=False))
    assert told[0].talk[0].keys.data_ptr() != told[1].talk[0].keys.data_ptr()


def test_several_questions_at_once_are_answered_as_one_by_one(stream: Stream) -> None:
    session = stream.session()
    asks = [(f"What is number {n}?", [n % 4, 4]) for n in range(6)]
    alone = [session.fork().ask(*one).logprob for one in asks]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda one: session.fork().ask(*one).logprob, asks))
    assert together == alone


def test_queries_are_those_of_the_questions_own_words(stream: Stream) -> None:
    session = stream.session()
    made = session.queries("What rings?", (0, 1))
    assert set(made) == {0, 1}
    assert made[0].shape[1] == len(ids_of(stream.tokenizer, "What rings?"))
    other = session.queries("Who stands there?", (0,))
    assert not torch.equal(made[0][:, :4], other[0][:, :4])


def test_words_of_a_question_cannot_break_the_wording(stream: Stream) -> None:
    session = stream.session()
    said = session.ask("What is {question} or {0} or }{?", [0], max_tokens=2)
    assert said.tokens <= 2
