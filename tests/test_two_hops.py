"""Two-step questions in six shapes about a day in a valley; off, most of them are not answered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from longtake.agent.question.classify import classify
from longtake.agent.question.clauses import cut_off
from longtake.agent.question.decompose import decompose
from longtake.agent.question.linked import beside_head, place_in
from longtake.agent.question.roles import ROLES, asks
from longtake.agent.solvers.bearer import name_in
from longtake.agent.state import Part, Switches
from longtake.memory.recall import Recall
from longtake.tools.registry import Toolbox
from tests.fakes import fake_models
from tests.parts_driver import Told, ask
from tests.test_agent_answers import no_source
from tests.valley_world import ASKED, VALLEY
from tests.worlds import ContentEncoder, World, lecture


@pytest.fixture(scope="module")
def valley(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    models = fake_models(text_encoder=ContentEncoder(), image_encoder=None)
    made = lecture(tmp_path_factory.mktemp("valley"), models.text_encoder, VALLEY)
    recall = Recall(made.store, models.text_encoder, None)
    made.toolbox = Toolbox(made.store, models, recall, source_of=no_source)
    yield made
    made.store.close()


def split(question: str) -> list[Part]:
    return decompose(classify(question), switches=Switches())


def right(told: Told, holds: str) -> bool:
    return told.status == "answered" and holds.lower() in told.final.lower()


@pytest.mark.parametrize(("shape", "question", "holds"), ASKED)
def test_each_shape_is_answered(valley: World, shape: str, question: str, holds: str) -> None:
    assert right(ask(valley, question), holds), (shape, ask(valley, question).final)


def test_a_single_search_answers_few_of_them(valley: World) -> None:
    off = sum(right(ask(valley, q, decompose=False), holds) for _, q, holds in ASKED)
    assert off <= 0.6 * len(ASKED)


@pytest.mark.parametrize(
    ("question", "texts"),
    [
        ("Where did the skipper of the tug learn to swim?",
         ["who steers the tug", "Where did […] learn to swim"]),
        ("What did the winner of the dance contest wear?",
         ["who won the dance contest", "What did […] wear"]),
        ("When was the ship built that brought the bell?",
         ["which ship brought the bell", "When was […] built"]),
        ("What colour is the coat the tailor's son Emil bought in Ghent?", None),
        ("How many rooms has the inn that Otto runs?", ["which inn Otto runs", "How many rooms has […]"]),
        ("What does whoever feeds the goats wear?", ["who feeds the goats", "What does […] wear"]),
        ("Where does the sister of the founder of the museum live?",
         ["who founded the museum", "who is the sister of […]", "Where does […] live"]),
        ("What does the poster after ROOM 9 show?", ["ROOM 9", "What does the poster show"]),
    ],
)  # fmt: skip
def test_where_questions_come_apart(question: str, texts: list[str] | None) -> None:
    if texts is not None:
        assert [one["text"] for one in split(question)] == texts


@pytest.mark.parametrize(
    "question",
    [
        "Who is the captain of the mail boat?",
        "What is the name of the owner of the cheese shop?",
        "Until when is the bridge at Sandby closed?",
        "How long is the tower of the church?",
        "Who looks after the honey stall?",
        "What is the number of the bus?",
        "When is the letter of the king read?",
    ],
)
def test_who_somebody_is_is_one_question(question: str) -> None:
    assert len(split(question)) == 1


def test_one_sentence_that_holds_it_all_needs_no_name(valley: World) -> None:
    told = ask(valley, "How many inhabitants has the capital of Orrnes?")
    assert told.parts[-1]["text"]


@pytest.mark.parametrize(
    "question",
    [
        "Where did the manager of the glass factory study?",
        "What does the conductor of the mandolin club play?",
        "Which card comes right after GATE Z9?",
    ],
)
def test_who_has_no_such_role_is_nobody(valley: World, question: str) -> None:
    assert ask(valley, question).status != "answered"


@pytest.mark.parametrize(
    ("quote", "asked", "name"),
    [
        ("The bakery on Mill Street belongs to Tomas Ekberg.", {"bakery", "mill", "street"}, "Tomas Ekberg"),
        ("Odell steers the ferry.", {"ferr", "steer"}, "Odell"),
        ("Today the ferry sails at noon.", {"ferr"}, None),
        ("The mill in Porthen is old.", {"mill"}, None),
        ("The two organs were mended by the Abbas brothers.", {"organ"}, "Abbas"),
    ],
)  # fmt: skip
def test_whom_a_sentence_names(quote: str, asked: set[str], name: str | None) -> None:
    assert name_in(quote, asked) == name


def test_names_beside_the_noun_and_places() -> None:
    assert (
        beside_head("The plants come from the nursery Fennick.", "nursery", ["plants"]) == "Fennick"
    )
    assert beside_head("The plants come from a nursery.", "nursery", ["plants"]) is None
    assert place_in("She grew up in Vassele.", ["grew"]) == "Vassele"
    assert cut_off("the club learn to sing", "Where did ") == ("the club", "learn to sing")


def test_every_role_has_a_question() -> None:
    for role in ROLES:
        assert asks(role, "the mill").startswith("who ")
        assert len(classify(asks(role, "the mill"))) == 1
