"""Captions: what the model is shown and told, what is made of its replies, over any vision model."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longtake.errors import UsageError
from longtake.models.protocols import Asked, Captioner, Image, VisionModel
from longtake.models.vision import prompts
from longtake.models.vision.captioner import ClipJob, Describer, useless
from longtake.models.vision.endpoint import EndpointVision
from longtake.models.vision.hub import HubVision
from tests.stub_endpoint import stub_endpoint
from tests.vision_world import film, saved

COLOURS = {
    "red": (230, 20, 20),
    "green": (20, 200, 20),
    "blue": (20, 20, 230),
    "yellow": (230, 230, 20),
    "pink": (250, 120, 200),
}


class Scripted:
    """A vision model that answers by a function, and keeps what it was asked."""

    name = "scripted@1"

    def __init__(self, answer: Callable[[Asked], str]) -> None:
        self.calls: list[list[Asked]] = []
        self.answer = answer

    def write(self, asked: Sequence[Asked], *, max_tokens: int) -> list[str]:
        assert max_tokens > 50
        self.calls.append(list(asked))
        return [self.answer(one) for one in asked]


def table(*colours: str) -> Image:
    """A frame with blocks of these colours on grey."""
    image = np.full((40, 100, 3), 128, np.uint8)
    for n, colour in enumerate(colours):
        image[5:35, 5 + 18 * n : 20 + 18 * n] = COLOURS[colour]
    return image


def on(image: Image) -> list[str]:
    """The colours of the blocks in a frame, from its pixels."""
    found = [tuple(int(v) for v in image[20, 10 + 18 * n]) for n in range(5)]
    named = {value: name for name, value in COLOURS.items()}
    return [named[value] for value in found if value in named]


def looks(asked: Asked) -> str:
    """A model with eyes: told which picture is the one before, it says what came."""
    if prompts.BEFORE in asked.text:
        before, *now = asked.images
        came = [one for one in on(now[-1]) if one not in on(before)]
        return f"A {came[0]} block is put down." if came else "Nothing changed."
    return f"There are blocks: {', '.join(on(asked.images[-1]))}.\nOBJECTS: blocks"


def chain(tables: Sequence[Image], model: Describer, *, differ: bool) -> list[str | None]:
    """Describe one clip after the other, as the pass does."""
    found: list[str | None] = []
    image, told = None, None
    for one in tables:
        ((text, _),) = model.clips([ClipJob((one,), image, told) if differ else ClipJob((one,))])
        found.append(text)
        if text is not None:
            image, told = one, text
    return found


# -- clips -----------------------------------------------------------------------------------


def test_what_changed_is_told_in_order() -> None:
    order = ["blue", "red", "pink", "green", "yellow"]
    tables = [table(*sorted(order[: n + 1])) for n in range(5)]
    told = chain(tables, Describer(Scripted(looks)), differ=True)
    assert told == ["There are blocks: blue.",
                    *(f"A {colour} block is put down." for colour in order[1:])]  # fmt: skip
    bag = chain(tables, Describer(Scripted(looks)), differ=False)
    assert not any("put down" in (text or "") for text in bag)


def test_a_static_stretch_has_one_caption() -> None:
    told = chain([table("red", "blue")] * 6, Describer(Scripted(looks)), differ=True)
    assert told == ["There are blocks: red, blue.", *[None] * 5]
    bag = chain([table("red", "blue")] * 6, Describer(Scripted(looks)), differ=False)
    assert bag == ["There are blocks: red, blue."] * 6


def test_what_a_clip_is_shown_and_told() -> None:
    model = Scripted(lambda asked: f"Reply to {len(asked.images)} pictures.\nPLACE: hall")
    now, before = table("red"), table("blue")
    jobs = [ClipJob((now, now)), ClipJob((now,), before, "A blue block lies there."),
            ClipJob((now,), before), ClipJob((now,), None, "A blue block lies there.")]  # fmt: skip
    told = Describer(model).clips(jobs)
    assert told == [(f"Reply to {n} pictures.", {"PLACE": "hall"}) for n in (2, 2, 2, 1)]
    (asked,) = model.calls  # One call for all, so that they are batched.
    assert asked[1].images[0] is before
    assert asked[1].images[1] is now
    assert [prompts.BEFORE in one.text for one in asked] == [False, True, True, False]
    assert ["«A blue block lies there.»" in one.text for one in asked] == [
        False, True, False, True
    ]  # fmt: skip
    assert [prompts.NOTHING_NEW in one.text for one in asked] == [False, True, True, True]
    assert "The 2 pictures" in asked[0].text
    assert "The other picture" in asked[1].text
    assert all(f"{key}:" in one.text for one in asked for key in prompts.KEYS)


@pytest.mark.parametrize(
    "reply",
    [
        "Nothing changed.",
        "**NOTHING CHANGED**",
        "nothing changed in this part of the video.",
        "NOTHING CHANGED\nPEOPLE: a man",
        "A blue block lies there.",
        "a blue block lies there",
    ],
)
def test_nothing_new_is_no_caption(reply: str) -> None:
    job = ClipJob((table("red"),), table("red"), "A blue block lies there.")
    assert Describer(Scripted(lambda _: reply)).clips([job]) == [(None, {})]


def test_some_change_is_a_caption() -> None:
    job = ClipJob((table("red"),), table("red"), "A blue block lies there.")
    reply = "Nothing changed except a cup, which was turned."
    assert Describer(Scripted(lambda _: reply)).clips([job])[0][0] == reply


def test_facts_alone_are_the_caption() -> None:
    model = Describer(Scripted(lambda _: "- ACTION: a man opens a box\n- PLACE: kitchen"))
    assert model.clips([ClipJob((table("red"),))]) == [
        ("a man opens a box; kitchen", {"ACTION": "a man opens a box", "PLACE": "kitchen"})
    ]


USELESS = (
    "", "  \n ", "...", "?", "12", "I'm sorry, but I can't see images.",
    "I cannot view the pictures you mention. Please upload them.",
    "I am unable to process images.", "Sorry, I don't have access to images. I can't see them.",
    "No images were provided.", "Please provide the frames you want me to describe.",
    "As an AI language model, I have no eyes.", "We are not able to see the frames.",
    "the man " * 30, prompts.PLAIN, prompts.CHANGED, f"{prompts.PLAIN}\n{prompts.FACTS}",
)  # fmt: skip
USEFUL = (
    "A man enters.", "He cannot see the picture on the wall.", "一只狗在跑。", "Собака бежит.",
    'A slide reads "I cannot see the image".', "The talk is about seeing as an AI does.",
    "There are no pictures on the wall.", "He says that he is sorry.", "No one is in the room.",
    "Two men carry a table and one man a chair. Then the men put both by the wall, and one man sits.",
)  # fmt: skip


@pytest.mark.parametrize("text", USELESS)
def test_what_says_nothing_is_known(text: str) -> None:
    assert useless(text)
    model = Describer(Scripted(lambda _: text))
    assert model.clips([ClipJob((table("red"),))])[0][0] is None
    assert model.caption([table("red")]) == ""
    assert model.scenes([["a", "b"]]) == [None]


@pytest.mark.parametrize("text", USEFUL)
def test_what_says_something_is_kept(text: str) -> None:
    assert not useless(text)
    assert Describer(Scripted(lambda _: text)).caption([table("red")]) == text


def test_the_request_sent_back_is_no_caption() -> None:
    model = Describer(Scripted(lambda asked: asked.text))
    image, job = (
        table("red"),
        ClipJob((table("red"),), table("blue"), "A block of wood lies there."),
    )
    assert model.clips([ClipJob((image,)), ClipJob((image,) * 3), job]) == [(None, {})] * 3
    assert model.caption([image, image], "which colour is the block on the left?") == ""


def test_good_and_bad_replies_stay_apart() -> None:
    replies = iter(["A man enters.", "", "I cannot see the image.", "He leaves.\nPLACE: hall"])
    told = Describer(Scripted(lambda _: next(replies))).clips([ClipJob((table("red"),))] * 4)
    assert told == [
        ("A man enters.", {}),
        (None, {}),
        (None, {}),
        ("He leaves.", {"PLACE": "hall"}),
    ]


def test_no_pictures_no_caption() -> None:
    model = Describer(Scripted(looks))
    with pytest.raises(UsageError, match="no frames"):
        model.caption([])
    with pytest.raises(UsageError, match="without frames"):
        model.clips([ClipJob(())])
    assert model.clips([]) == []


# -- with a question in mind -----------------------------------------------------------------


def dotted(colour: str) -> Image:
    image = table("red", "blue")
    image[37:39, 90:92] = COLOURS[colour]
    return image


def offhand(asked: Asked) -> str:
    """A model that names a small thing only when told to look for it."""
    if "dot" not in asked.text:
        return looks(asked)
    dot = tuple(int(v) for v in asked.images[0][38, 90])
    named = {value: name for name, value in COLOURS.items()}
    return f"The small dot is {named[dot]}." if dot in named else "NOT VISIBLE."


def test_a_detail_left_out_is_found_when_asked_for() -> None:
    model = Describer(Scripted(offhand))
    generic = [colour in model.caption([dotted(colour)]) for colour in ("green", "pink", "yellow")]
    told = [
        colour in model.caption([dotted(colour)], "what colour is the small dot?")
        for colour in ("green", "pink", "yellow")
    ]
    assert (generic, told) == ([False] * 3, [True] * 3)
    assert model.caption([table("red")], "what colour is the small dot?") == ""


def test_a_question_is_asked_on_one_line() -> None:
    model = Scripted(lambda _: "A red block.")
    Describer(model).caption([table("red")] * 2, "which\n\ncolour? " + "word " * 500)
    ((asked,),) = model.calls
    assert "«which colour? word" in asked.text
    assert len(asked.text) < 1500
    assert prompts.NOT_VISIBLE in asked.text
    assert len(asked.images) == 2


# -- scenes ----------------------------------------------------------------------------------


def test_scenes_are_summed_up_in_order() -> None:
    model = Scripted(lambda asked: f"Summary of {asked.text.count('. A ')} lines.")
    scenes = [["A man enters.", "A dog follows him."], [], ["A car stops."]]
    assert Describer(model).scenes(scenes) == ["Summary of 2 lines.", None, "Summary of 1 lines."]
    ((first, last),) = model.calls
    assert "1. A man enters.\n2. A dog follows him.\n" in first.text
    assert first.images == last.images == ()
    assert Describer(model).scenes([]) == []


def test_a_long_scene_is_told_whole_and_short() -> None:
    lines = [f"Person {n} goes by and " + "looks around " * 40 for n in range(60)]
    told = prompts.scene(lines)
    assert all(f"{n + 1}. Person {n} goes by" in told for n in range(60))
    assert len(told) < 8000


# -- over real models ------------------------------------------------------------------------


def test_over_a_model_from_a_folder(tmp_path: Path) -> None:
    place = saved("smolvlm", tmp_path / "smolvlm")
    model = HubVision(str(place), threads=1)
    one = Describer(model)
    assert isinstance(one, Captioner)
    assert isinstance(model, VisionModel)
    assert one.name == "smolvlm@hub"
    jobs = [ClipJob(film([1, 2])), ClipJob(film([3]), film([2])[0], "A cat sits.")]
    told = one.clips(jobs)
    assert told == [one.clips([job])[0] for job in jobs]
    assert model.used.images == 2 * 4
    assert told == Describer(HubVision(str(place), threads=1)).clips(jobs)
    assert isinstance(one.caption(film([1]), "what is it?"), str)
    assert len(one.scenes([["A man enters."]])) == 1


def test_over_an_endpoint() -> None:
    def reply(messages: Any) -> str:
        content = messages[-1][1]
        if isinstance(content, str):
            return "They come and go."
        return f"{len(content) - 1} pictures are seen.\n* **PLACE:** station"

    with stub_endpoint(reply=reply) as stub:
        one = Describer(EndpointVision(stub.url, "m", key="key"))
        jobs = [ClipJob((table("red"),)), ClipJob((table("blue"),), table("red"), "A red block.")]
        assert one.clips(jobs) == [
            ("1 pictures are seen.", {"PLACE": "station"}),
            ("2 pictures are seen.", {"PLACE": "station"}),
        ]
        assert one.scenes([["a", "b"]]) == ["They come and go."]
        assert one.caption([table("red")]) == "1 pictures are seen."
        assert one.name == "m@api"
        assert len(stub.asked) == 4


def test_the_version_covers_every_wording() -> None:
    """Kept answers are keyed by it: a wording it does not cover would bring back old ones."""
    assert Describer(Scripted(looks)).version == prompts.VERSION
    told = {
        value
        for name, value in vars(prompts).items()
        if name.isupper() and isinstance(value, str) and len(value.split()) > 2
    }
    assert told == set(prompts.WORDINGS)
    other = "\n".join(prompts.WORDINGS).replace("two plain", "three plain")
    assert hashlib.sha256(other.encode()).hexdigest()[:8] != prompts.VERSION
    same = "\n".join(prompts.WORDINGS)
    assert hashlib.sha256(same.encode()).hexdigest()[:8] == prompts.VERSION
