"""Questions of people who do not know the film's words: polite, clipped, mistyped, beside the point."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from longtake.agent.desk import Desk
from longtake.agent.question.classify import classify
from longtake.agent.question.manners import bare
from longtake.agent.reading.likely import asked, likeliest
from longtake.agent.reading.sorts import holds
from longtake.agent.state import Switches
from longtake.agent.turn import plainly
from longtake.storage.records import Record, record_id
from longtake.timecode import Span
from longtake.tools.corpus import Corpus
from tests.asking import ask, scripted
from tests.worlds import Section, World

MILL = Section("The mill", (), ((5, "The wheel was made of oak."), (60, "I am Greta Holm."),
                                (75, "Never trust a quiet river, my fellow Bavarians.")))  # fmt: skip
QUAY = Section("The quay", ("Mooring rules",), (
    (5, "The wheel was made of oak."), (40, "They steered with a frying pan instead of a rudder."),
    (100, "The pier was built in nine weeks."),
))  # fmt: skip
TALE = Section("Tales", (), ((400, "Winter is a thief of colours, my fellow Venetians."),
                             (430, "Marta says the soup is cold.")), seconds=480.0)  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = scripted(tmp_path_factory.mktemp("vague"), (MILL, QUAY, TALE))
    yield made
    made.store.close()


@pytest.mark.parametrize(
    ("polite", "question"),
    [
        ("Hello, could you tell me how deep the water is, please?", "how deep the water is?"),
        ("I was just wondering where the key is", "where the key is"),
        ("Would you know what injured most people?", "what injured most people?"),
        ("Sorry, do you happen to remember who won? Thanks", "who won?"),
        ("wich came first, the bit about knots or the bit about tea", 
         "which came first, the knots or the tea"),
        ("Could you find the bit with the red boat?", "When is the red boat seen?"),
        ("how did they call when you couldnt see", "how did they call when you couldn't see"),
        ("When does the bell ring again?", "When does the bell ring again?"),
        ("Do you know the baker?", "Do you know the baker?"),
        ("Tell me when a parcel arrives", "Tell me when a parcel arrives"),
        ("tell me again who won", "who won"),
    ],
)  # fmt: skip
def test_what_is_said_around_a_question_is_taken_off(polite: str, question: str) -> None:
    assert bare(polite).rstrip(" .") == question


def test_manners_do_not_decide_what_kind_of_question_it_is() -> None:
    assert classify("Could you tell me how deep the water is?")[0]["kind"] == "fact"
    assert classify("Would you know what injured them?")[0]["words"] == ["injured"]
    assert classify("Would you know the baker?")[0]["kind"] == "exists"


def test_a_question_cut_in_vain_is_asked_once_more_as_one(world: World) -> None:
    question = "What did they steer with instead of a rudder after theirs had sunk?"
    found = ask(world, question)
    assert found.status == "answered"
    assert "frying pan" in found.text
    assert [s["text"] for s in found.trace if s["step"] == "plainly"] == [question[:-1]]
    assert ask(world, question, plain=False).status != "answered"


@pytest.mark.parametrize("kind", ["count", "compare", "exists"])
def test_how_often_and_which_of_two_are_never_asked_plainly(kind: str) -> None:
    part = classify("How often does the bell ring?")[0] | {"kind": kind, "settled": None}
    out = [{"id": "s1", "part": part, "finding": {"status": "absent"}, "looks": [], "trace": []}]
    state = {"question": "How often does the bell ring?", "parts": [part], "out": out}
    assert plainly(state) is None
    again = plainly({**state, "parts": [part | {"kind": "order"}]})
    assert again is not None
    both = {"parts": [part | {"kind": "order"}, again], "out": [*out, out[0] | {"id": "s2"}]}
    assert plainly({**state, **both}) is None  # once, and not for ever


def test_of_two_equal_lines_the_clip_around_decides(world: World) -> None:
    for place, title in (("mill", "The mill"), ("quay", "The quay")):
        desk = Desk(world.toolbox, None, [world.video], None, Switches())
        part = classify(f"what is it made of, the wheel of the {place}?")[0]
        first = likeliest(desk, part, part["text"])[0]
        start = world.starts[title]
        assert start <= first["start"] < start + 120.0


def test_where_nothing_answers_the_likeliest_place_leads(world: World) -> None:
    question = "Who paid the carpenter for the mooring?"
    made = ask(world, question)
    assert made.status != "answered"
    assert "The likeliest place, by meaning alone, is 00:02:" in made.text
    start = world.starts["The quay"]
    assert start <= made.evidence[0].start < start + 120.0
    assert made.text.index("likeliest") < made.text.index("Searched")
    assert "likeliest" not in ask(world, question, likely=False).text


def test_a_follow_up_is_compared_as_it_was_understood(world: World) -> None:
    desk = Desk(world.toolbox, None, [world.video], None, Switches())
    desk.question = "could you tell me what that was?"
    part = classify("what that was")[0]
    assert asked(desk, part) == "what that was?"
    assert asked(desk, part | {"text": "what the wheel was", "referent": "wheel"}) == (
        "what the wheel was"
    )


def test_a_voice_is_named_by_its_own_introduction(world: World) -> None:
    made = ask(world, "Who says never trust a quiet river?")
    assert made.text.startswith("Greta Holm.")
    assert "quiet river" in made.evidence[0].quote


def test_a_name_inside_what_is_said_is_no_speaker(world: World) -> None:
    made = ask(world, "Who says winter is a thief of colours?")
    assert made.status != "answered"
    assert "nobody’s name is told there" in made.text
    assert not made.text.startswith("Venetians")


def test_a_sentence_that_reports_names_the_voice(world: World) -> None:
    assert ask(world, "Who says the soup is cold?").text.startswith("Marta.")


def test_a_number_of_the_question_is_no_answer_to_how_many() -> None:
    question = "How many points did number 27 end up with?"
    assert not holds("number", question, "Number 27 has turned over.")
    assert holds("number", question, "Number 27 has 14 points.")


def test_a_speed_is_no_depth() -> None:
    assert not holds("length", "How deep is the water?", "8 knots")
    assert holds("speed", "How fast is the wind?", "8 knots")


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("exception", "java.sql.SQLException: near line 6"),
        ("speed", "SELECT AVG(x) AS avg_speed"),
        ("memory", "java.lang.OutOfMemoryError"),
    ],
)
def test_words_inside_names_of_code_are_words(word: str, line: str) -> None:
    name = record_id(1, 0.0, "moment", "screen", 0)
    span = Span(0.0, 5.0)
    shown = Record(name, "v", "moment", "screen", span, 0.0, line, "test@1", (), {})
    corpus = Corpus([shown], ["v"])
    assert [unit.record.id for unit in corpus.holding(corpus.terms([word], blur=False))] == [name]
    assert corpus.terms(["lang" if word != "memory" else "sql"], blur=False)[0].absent
