"""No answer as of a time depends on what came later: random libraries, cut off at random times.

A world is cut off by deleting what became known later and by ending at the time what lasts beyond:
a slide that still stood then, the recording itself. Half of the worlds are recordings that were
followed, whose length was not known before their end.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from longtake.agent.agent import Agent
from longtake.memory.recall import Recall
from longtake.storage import rows
from longtake.storage.records import Progress, Record, Video
from longtake.storage.store import Store
from longtake.timecode import Span
from longtake.tools.looking import Looker
from longtake.tools.registry import Toolbox
from tests.fakes import fake_models
from tests.test_agent_answers import no_source
from tests.worlds import ContentEncoder, Section, lecture

TOPICS = ("walnut", "kestrel", "harbour", "pruning", "glacier", "exam", "violin", "turbine")
VERBS = ("costs", "measures", "weighs", "takes", "holds")
QUESTIONS = (
    "When does she first mention {a}?",
    "When is {a} last mentioned?",
    "When is {a} mentioned for the second time?",
    "List every mention of {a}.",
    "How many times does she mention {a}?",
    "How often is {a} or {b} mentioned?",
    "What does she say about {a}?",
    "What does the slide say about {a}?",
    "How much does the {a} weigh?",
    "Is there a {a}?",
    "Which comes first, {a} or {b}?",
    "What comes after {a}?",
    "How long is {a} on the screen?",
    "How long does she talk about {a}?",
    "How long is the video?",
    "How many slides are shown?",
    "What is on the screen now?",
    "What is she saying at the moment?",
    "What happens in the last minute?",
    "What is said at the end?",
    "What is shown in the first minute?",
    "What was on the screen one minute ago?",
    "What is the video about?",
    "Summarize the last two minutes.",
    "What are the highlights?",
    "Where can one buy a submarine?",
    "What is the last slide?",
    "Who spoke about {a} between {b} and {c}?",
    "How much longer is {a} on the screen than {b}?",
)


@dataclass
class Sealed:
    """A library as it is, and what may be asked of it."""

    store: Store
    video: Video
    toolbox: Toolbox

    @classmethod
    def at(cls, path: Path) -> Sealed:
        store = Store.open(path)
        models = fake_models(text_encoder=ContentEncoder(), image_encoder=None)
        recall = Recall(store, models.text_encoder, None)
        toolbox = Toolbox(store, models, recall, source_of=no_source)
        return cls(store, store.videos()[0], toolbox)


def sections(draw: random.Random) -> tuple[Section, ...]:
    """A few sections about topics that come back."""
    made = []
    for _ in range(draw.randint(4, 7)):
        topic, other = draw.sample(TOPICS, 2)
        said = [(8.0, f"Now we come to the {topic}."),
                (24.0, f"The {topic} {draw.choice(VERBS)} {draw.randint(2, 90)} kilograms."),
                (40.0, f"It is not like the {other}, said Doctor Ilse Marquardt.")]  # fmt: skip
        lines = (
            topic.title(),
            f"{other} {draw.randint(2, 90)} percent",
            f"Page {draw.randint(1, 9)}",
        )
        sight = tuple(draw.sample(("dog", "pier", "lectern", "boathouse"), 2))
        part = draw.randint(1, 3)
        made.append(Section(topic.title(), lines[: draw.randint(0, 3)], tuple(said[:part]), sight,
                            float(draw.randrange(50, 110, 10))))  # fmt: skip
    return tuple(made)


def world(folder: Path, seed: int) -> Path:
    """A random library; some of its records became known late, and odd ones are recordings."""
    draw = random.Random(seed)
    folder.mkdir()
    made = lecture(folder, ContentEncoder(), sections(draw))
    made.store.close()
    with Store.open(made.path, write=True) as store, store.transaction():
        late = [
            replace(one, known_at=one.known_at + draw.uniform(5.0, 90.0))
            for one in store.records(video=made.video.id)
            if draw.random() < 0.15
        ]
        store.put_records(late)
        if seed % 2:
            live = {"began": "2026-01-01T00:00:00+00:00", "content": None, "breaks": [],
                    "ended": "2026-01-01T01:00:00+00:00"}  # fmt: skip
            store.update_video(made.video.id, media=made.video.media | {"live": live})
    return made.path


def cut_off(path: Path, time: float) -> Path:
    """The library as it stood at a time."""
    out = path.with_name(f"until-{time}.longtake")
    shutil.copytree(path, out)
    with Store.open(out, write=True) as store, store.transaction():
        video = store.videos()[0]
        records = store.records(video=video.id)
        late = [one.id for one in records if one.known_at > time]
        store.delete_records(video.id, ids=late)
        known = [one for one in records if one.known_at <= time]
        store.put_records([_ended(one, time) for one in known if one.span.end > time])
        store.set_progress(video.id, "deep", Progress(time, False, b""))
        if live := video.media.get("live"):
            media = video.media | {"live": live | {"ended": None}}
            store.update_video(video.id, duration=min(time, video.duration), media=media)
    return out


def _ended(record: Record, time: float) -> Record:
    return replace(record, span=Span(record.span.start, time))


@pytest.fixture(scope="module", params=range(3))
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A whole library, one that was cut off, and the time."""
    draw = random.Random(100 + request.param)
    path = world(tmp_path_factory.mktemp("worlds") / "w", request.param)
    with Store.open(path) as store:
        length = store.videos()[0].duration
    time = round(draw.uniform(0.25, 0.8) * length, 1)
    whole, cut = Sealed.at(path), Sealed.at(cut_off(path, time))
    yield whole, cut, time
    whole.store.close()
    cut.store.close()


def asked(question: str, seed: int) -> str:
    a, b, c = random.Random(f"{question}{seed}").sample(TOPICS, 3)
    return question.format(a=a, b=b, c=c)


def answers(it: Sealed, text: str, time: float) -> Any:
    return Agent(it.toolbox, None, None).ask(text, videos=[it.video], as_of=time).to_dict()


def test_answers_are_those_of_a_library_that_was_cut_off(pair: Any) -> None:
    whole, cut, time = pair
    wrong = []
    for question in QUESTIONS:
        text = asked(question, round(10 * time))
        one, other = answers(whole, text, time), answers(cut, text, time)
        if one != other:
            wrong.append((text, one["text"], other["text"]))
    assert not wrong


TOOLS: dict[str, Callable[[Sealed, float], Any]] = {
    "search": lambda it, t: it.toolbox.search("the kestrel weighs", k=8, as_of=t),
    "search the end": lambda it, t: it.toolbox.search(
        "exam in the last minute", videos=[it.video.id], k=8, as_of=t
    ),
    "locate": lambda it, t: it.toolbox.locate("harbour and glacier", video=it.video.id, as_of=t),
    "summarize": lambda it, t: it.toolbox.summarize([it.video.id], as_of=t).to_json(),
    "summarize about": lambda it, t: it.toolbox.summarize(
        [it.video.id], about="violin", as_of=t
    ).to_json(),
    "highlights": lambda it, t: [
        one.to_json() for one in it.toolbox.highlights(it.video.id, as_of=t)
    ],
    "timeline": lambda it, t: it.toolbox.timeline(it.video.id, zoom="clip", as_of=t),
    "screen": lambda it, t: it.toolbox.screen_text(it.video.id, as_of=t),
    "count": lambda it, t: [m.span for m in it.toolbox.count("turbine", as_of=t)],
    "covered": lambda it, t: it.toolbox.covered(it.video.id, t),
    "vectors": lambda it, t: it.store.vectors("clip", "text", as_of=t)[:2],
    "beyond": lambda it, t: it.store.records(span=Span(t + 1.0, t + 60.0), as_of=t),
}


@pytest.mark.parametrize("tool", TOOLS)
def test_tools_tell_what_a_library_tells_that_was_cut_off(pair: Any, tool: str) -> None:
    whole, cut, time = pair
    assert TOOLS[tool](whole, time) == TOOLS[tool](cut, time)


def test_how_long_it_became_is_not_known_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = world(tmp_path / "w", 1)
    whole, cut = Sealed.at(path), Sealed.at(cut_off(path, 150.0))
    questions = ("How long is the video?", "What is shown in the last minute?")
    told = [answers(whole, text, 150.0) for text in questions]
    assert "2 min 30 s" in told[0]["text"]
    assert told == [answers(cut, text, 150.0) for text in questions]
    monkeypatch.setattr(Video, "at", lambda self, time: self)
    assert all(
        answers(whole, text, 150.0) != one for text, one in zip(questions, told, strict=True)
    )
    whole.store.close()
    cut.store.close()


def test_when_a_slide_goes_is_not_known_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = world(tmp_path / "w", 0)
    with Store.open(path) as store:
        slides = store.records(level="moment", channel="screen")
        slide = next(one for one in slides if one.span.duration > 20.0)
    time = slide.span.start + 10.0
    whole = Sealed.at(path)
    text = f"How long is {slide.text} on the screen?"
    known = answers(whole, text, time)
    assert all(proof["end"] <= time for proof in known["evidence"])
    assert whole.toolbox.screen_text(whole.video.id, as_of=time)[-1].span.end == time
    monkeypatch.setattr(rows, "as_known", lambda record, time: record)
    assert whole.toolbox.screen_text(whole.video.id, as_of=time)[-1].span.end > time
    whole.toolbox._corpora.clear()
    assert answers(whole, text, time)["text"] != known["text"]
    whole.store.close()


@pytest.mark.parametrize("seed", [0, 1])
def test_second_looks_do_not_look_ahead(tmp_path: Path, seed: int) -> None:
    path, spans = world(tmp_path / "w", seed), list[Span]()

    def look(source: Path, video: Video, span: Span, models: Any, **more: Any) -> Any:
        spans.append(span)
        return {"lines": [], "tags": [], "frames": 2}

    it = Sealed.at(path)
    box = it.toolbox
    box.looker = Looker(it.store, box.models, lambda video: Path(__file__), look=look)
    for question in QUESTIONS[::3]:
        answers(it, asked(question, seed), 150.0)
    it.toolbox.locate("violin on the screen", video=it.video.id, as_of=150.0, fine=True)
    assert spans
    assert max(span.end for span in spans) <= 150.0
    it.store.close()
