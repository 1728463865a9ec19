"""Replies of vision models are read however they are decorated, and nothing makes the reader raise."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from longtake.models.vision.facts import MOST_FACTS, read
from longtake.models.vision.prompts import KEYS

CAPTION = "A man in a red coat opens a box. A cat jumps out."
FACTS = {"PEOPLE": "a man in a red coat", "OBJECTS": "box, cat", "TEXT": "FRAGILE: this side up"}
PLAIN = "\n".join([CAPTION, *(f"{key}: {value}" for key, value in FACTS.items())])


def lines(form: str, *, before: str = "", after: str = "") -> str:
    told = [form.format(key=key, value=value) for key, value in FACTS.items()]
    return "\n".join([part for part in (before, CAPTION, "", *told, after) if part is not None])


@pytest.mark.parametrize(
    "reply",
    [
        PLAIN,
        lines("- {key}: {value}"),
        lines("* **{key}:** {value}"),
        lines("• **{key}**: {value}"),
        lines("1. {key}: {value}"),
        lines("### {key}: {value}"),
        lines("__{key}__ : {value}"),
        lines("`{key}`: {value}"),
        lines('"{key}": "{value}",'),
        lines("{key}：{value}"),
        lines("{key}:\n{value}"),
        lines("{key}:\n- {value}"),
        lines("{key}:\n- {value}", after="I hope this helps."),
        lines("{key}:\n- {value}", after="OBJECTS"),
        lines("  {key}:    {value}   "),
        lines("{key}: {value}", before="Sure! Here is the description:"),
        lines("{key}: {value}", before="Certainly. Here's what I found:", after="I hope it helps!"),
        lines("{key}: {value}", after="Let me know if you need more."),
        lines("{key}: {value}", before="<think>a man, a box\nTEXT: no</think>"),
        lines("{key}: {value}", before="```markdown", after="```"),
        lines("{key}: {value}", after="PLACE: none\nACTION: ..."),
        lines("{key}: {value}", after="ACTION: <what is done>\nPLACE: [place]"),
        lines("{key}: {value}", after=f"ACTION: {KEYS['ACTION']}"),
        lines("{key}: {value}", after="OBJEC"),  # cut off
        lines("{key}: {value}", after="PLACE:"),
        PLAIN + "\n" + PLAIN.partition("\n")[2],  # everything twice
        PLAIN.replace("PEOPLE", "People").replace("OBJECTS", "objects"),
        PLAIN.replace("PEOPLE", "PERSON").replace("OBJECTS", "OBJECT"),
        PLAIN.replace(CAPTION, f"CAPTION: {CAPTION}"),
        PLAIN.replace(CAPTION, f"**Description:** {CAPTION}"),
        PLAIN.replace(CAPTION, f'"{CAPTION}"'),
        PLAIN.replace(". ", ".\n"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.partition("\n")[2] + "\n" + CAPTION,  # facts first
        json.dumps({"caption": CAPTION, **FACTS}),
        "```json\n" + json.dumps({"Description": CAPTION, **FACTS}, indent=2) + "\n```",
        json.dumps({"caption": CAPTION, **FACTS, "objects": ["box", "cat"], "PLACE": None}),
        json.dumps({"caption": CAPTION, **FACTS}, indent=1).rstrip("}\n"),  # cut off
    ],
)
def test_decorations_do_not_matter(reply: str) -> None:
    assert read(reply) == (CAPTION, FACTS)


@pytest.mark.parametrize(
    ("reply", "caption"),
    [
        ("A dog runs.", "A dog runs."),
        ("A dog runs", "A dog runs"),
        ("A dog runs. It jumps over the fen", "A dog runs."),
        ("Mr. Smith opens the door", "Mr. Smith opens the door"),
        ("It costs 3.50 at the", "It costs 3.50 at the"),
        ("The slide says: welcome back.", "The slide says: welcome back."),
        ("At 10:30 the man leaves.", "At 10:30 the man leaves."),
        ("- A man enters\n- He sits down", "A man enters. He sits down."),
        ("一只狗在跑。它跳过", "一只狗在跑。"),
        ("**A dog** runs.", "A dog runs."),
        ("Sure, a dog runs.", "a dog runs."),
        ("Here is a description of the frames: A dog runs.", "A dog runs."),
        ("", ""),
        ("\n \n", ""),
        ("```\n```", ""),
        ("<think>what is this? it never ends", ""),
        ("Sure!", ""),
    ],
)
def test_prose_alone(reply: str, caption: str) -> None:
    assert read(reply) == (caption, {})


def test_a_fact_said_twice_is_kept_with_both() -> None:
    caption, facts = read("OBJECTS: red box\nOBJECTS: cat\nOBJECTS: Red Box\n\nACTION: opens")
    assert caption == ""
    assert facts == {"OBJECTS": "red box; cat", "ACTION": "opens"}


def test_other_keys_are_facts_when_written_as_such() -> None:
    assert read("A room.\nSCORE: 2 to 1\nTime of day: night\nSLIDE NUMBER: 4")[1] == {
        "SCORE": "2 to 1", "SLIDE NUMBER": "4"
    }  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=400))
@example("{" * 30_000)
@example("[" * 30_000 + "]" * 30_000)
@example('{"a": ' * 9_000 + "1" + "}" * 9_000)
@example("KEY:" * 9_000)
@example("*_`\"'" * 9_000 + ":")
@example("A" * 30_000)
@example(" \t" * 15_000 + "-")
@example("\x00\ud800: \udfff")
def test_whatever_comes_is_read(reply: str) -> None:
    caption, facts = read(reply)
    assert caption == caption.strip()
    assert len(facts) <= MOST_FACTS
    for key, value in facts.items():
        assert 1 < len(key) <= 24
        assert key == key.strip()
        assert 0 < len(value) <= 300
        assert "\n" not in value


PIECES = st.sampled_from(
    ["PEOPLE", "TEXT", "a man", ":", "：", "\n", "**", "- ", "1. ", '"', "{", "}", "[", ",", ". ",
     "none", "```", "<think>", "</think>", "CAPTION", "NOTE", "Sure! ", " "]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=30).map("".join))
def test_broken_layouts_are_read(reply: str) -> None:
    caption, facts = read(reply)
    assert "\n" not in caption
    assert all(value.strip() and any(map(str.isalnum, value)) for value in facts.values())


WORD = st.text("abcdefghij", min_size=3, max_size=8)
VALUE = st.lists(WORD, min_size=2, max_size=4).map(" ".join)


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(st.sampled_from(sorted(KEYS)), VALUE, min_size=1),
    st.sampled_from(["{k}: {v}", "- {k}: {v}", "**{k}:** {v}", '"{k}": "{v}",', "{k}:\n  - {v}"]),
    st.sampled_from(["", "Here are the facts:\n", "Okay!\n\n"]),
    st.integers(0, 60),
)
def test_facts_come_through_and_cutting_makes_none_up(
    facts: dict[str, str], form: str, before: str, cut: int
) -> None:
    reply = before + "\n".join(form.format(k=key, v=value) for key, value in facts.items())
    assert read(reply) == ("", facts)
    _, some = read(reply[: max(0, len(reply) - cut)])
    assert all(facts[key].startswith(value) for key, value in some.items())
