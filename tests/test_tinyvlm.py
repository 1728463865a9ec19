"""The small model that sees: its worlds, its words, its training, and the weights that are kept."""

from __future__ import annotations

import hashlib
from random import Random

import numpy as np
import torch

from bench.tinyvlm import model as models
from bench.tinyvlm.read import encoded, gold, right
from bench.tinyvlm.train import Lines, Pool, Stage, look, train_memory, train_sight
from bench.tinyvlm.worlds import FRAMES, KINDS, SIDE, draw, film, questions, world
from longtake.memory.kv.session import ids_of
from longtake.models.kv.held import assemble
from longtake.models.kv.tap import RopeTap


def test_a_seed_makes_the_same_world_and_another_seed_does_not() -> None:
    def mark(seed: int) -> str:
        pixels = np.stack(film(world(6, seed)))
        return hashlib.sha256(pixels.tobytes()).hexdigest()

    assert mark(3) == mark(3) != mark(4)
    assert questions(world(6, 3), 8, 1) == questions(world(6, 3), 8, 1)
    assert questions(world(6, 3), 8, 1) != questions(world(6, 3), 8, 2)
    assert mark(3).startswith("1dea4bb5a363a7c7")


def test_only_the_moment_of_a_question_answers_it() -> None:
    moments = world(120, 5)
    assert len({one.key for one in moments}) == 120
    asked = questions(moments, 40, 5)
    assert {one.kind for one in asked} == set(KINDS)
    for one in asked:
        assert one.answer == moments[one.moment].told(one.kind)
        assert one.text.split()[2:4] == list(moments[one.moment].key.lower())
    first, second = draw(moments[0])
    assert first.shape == (SIDE, SIDE, 3)
    # It moves: the frames differ by more than their noise.
    assert int((abs(first.astype(int) - second).max(axis=2) > 40).sum()) > 60


def test_every_word_has_its_own_id() -> None:
    tokenizer = models.tokenizer()
    said = [one.text for one in questions(world(20, 2), 20, 2)]
    said += [one.answer for one in questions(world(20, 2), 20, 2)]
    said += [models.WORDING.before, "ask"]
    for text in said:
        ids = ids_of(tokenizer, text)
        assert len(ids) == len(text.split())
        assert tokenizer.unk_token_id not in ids
        assert tokenizer.decode(ids) == text
    assert ids_of(tokenizer, "unheard").tolist() == [tokenizer.unk_token_id]


def test_a_few_steps_lower_the_loss() -> None:
    model = models.built()
    train_sight(model, 2, 4, 0)
    pool = Pool.of(model, 8, 0)
    before, after = (
        train_memory(model, pool, [Stage((1, 1), 4, 4, steps, 1.1, 0.0)], 0)[0]["loss"]
        for steps in (1, 8)
    )
    assert after < before - 0.2


def test_questions_see_the_stream_and_themselves_alone() -> None:
    model = models.built()
    pool = Pool.of(model, 6, 0)
    lines = Lines(model, pool)
    given, at, answers, _ = lines.made(2, 1, 3, Random("x"))
    hidden = model.model.language_model(**given).last_hidden_state
    vectors = given["inputs_embeds"].clone()
    each = (vectors.shape[1] - 2 - 2 * FRAMES * models.TOKENS) // 3
    vectors[:, -3 * each : -2 * each] += 1.0  # The first question is another one.
    other = model.model.language_model(**given | {"inputs_embeds": vectors}).last_hidden_state
    changed = (hidden - other).abs().amax(dim=(0, 2)) > 1e-6
    assert bool(changed[at[0]])
    assert not bool(changed[at[1:]].any())
    vectors[:, 2:20] += 1.0  # Another first frame, which they do see.
    other = model.model.language_model(**given | {"inputs_embeds": vectors}).last_hidden_state
    assert bool(((hidden - other).abs().amax(dim=(0, 2)) > 1e-6)[at].all())
    assert answers.shape == (1, 3)


def test_a_stream_is_read_as_it_was_trained() -> None:
    model = models.built()
    moments = world(3, 8)
    words = ids_of(models.tokenizer(), "ask colour of k t")
    embed = model.get_input_embeddings()
    sink = ids_of(models.tokenizer(), models.WORDING.before)
    with torch.no_grad():
        seen = look(model, film(moments)).flatten(0, 1)
        line = torch.cat((embed(sink), seen, embed(words)))[None]
        hidden = model.model.language_model(inputs_embeds=line).last_hidden_state[0, -1]

    def read(reach: int) -> torch.Tensor:
        told = encoded(tap, moments, reach=reach)
        held = assemble(tap, told.session().sink, told.blocks)
        assert [block.refs for block in told.blocks] == [(str(n // 2),) for n in range(6)]
        at = (torch.arange(len(words)) + held.next)[None]
        return tap.run(words, positions=at, held=held).hidden[0, -1]

    with RopeTap(model) as tap:
        assert float((read(6) - hidden).abs().max()) < 1e-4
        assert float((read(0) - hidden).abs().max()) > 1e-3  # Each frame encoded alone.


def test_the_kept_weights_are_those_that_were_measured() -> None:
    assert models.sha256(models.WEIGHTS) in (models.HERE / "README.md").read_text("utf-8")
    assert models.WEIGHTS.stat().st_size < 6e6


def test_the_kept_weights_answer_within_what_they_were_trained_for() -> None:
    """Eight frames are read whole; of 24 the moment is read alone, as retrieval would."""
    asked, whole = 0, 0
    with RopeTap(models.loaded()) as tap:
        for seed in (1, 2, 3):
            short = encoded(tap, world(4, 900 + seed))
            for one in questions(short.moments, 16, seed):
                whole += right(short.session(), one, range(len(short.blocks)))
                asked += 1
        long = encoded(tap, world(12, 4242))
        wanted = questions(long.moments, 48, 4242)
        every = set(range(len(long.blocks)))
        found = sum(right(long.session(), one, gold(one)) for one in wanted)
        hidden = sum(right(long.session(), one, sorted(every - {*gold(one)})) for one in wanted)
    assert whole >= 0.85 * asked
    assert found >= 0.85 * len(wanted)
    assert hidden <= 0.4 * len(wanted)  # Chance is 0.18; four kinds of few answers vary.
