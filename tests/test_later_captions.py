"""Captions by a model, end to end: made by ingest, found by search, quoted by answers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from longtake.cli.progress import describe as describe_event
from longtake.config import load_settings
from longtake.errors import Interrupted, MissingConfig, PartlyDone, UsageError
from longtake.library import Library
from longtake.models.protocols import Asked
from longtake.perception.later import later_id
from longtake.storage.records import Record, VectorRow
from longtake.storage.store import Store
from longtake.timecode import Span
from longtake.tools.corpus import is_described
from tests.fakes import COLOURS, FakeModels, fake_models
from tests.media import Scene, draw_video
from tests.memory_world import Script, remember
from tests.test_describe import Eyes
from tests.worlds import ContentEncoder, World, lecture

# -- made by ingest --------------------------------------------------------------------------------


@dataclass
class Models(FakeModels):
    """Fakes with a vision model; `planned` is what the profile names it."""

    vision: Any = field(default_factory=Eyes)

    def names(self) -> dict[str, str]:
        return super().names() | ({"vision": self.vision.name} if self.vision else {})


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    scenes = [Scene(10.0, COLOURS[name]) for name in ("red", "blue", "green", "red")]
    return draw_video(tmp_path_factory.mktemp("film") / "a film.mp4", scenes, fps=4)


@pytest.fixture(scope="module")
def watched(film: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library in which the film was watched without a vision model."""
    path = tmp_path_factory.mktemp("watched") / "l.longtake"
    with opened(path, Models(vision=None)) as library:
        library.ingest(film)
        assert not captions_in(path)
    return path


def opened(path: Path, models: Any) -> Library:
    return Library(load_settings(library=path, profile="offline"), models=models)


def captions_in(path: Path) -> list[Record]:
    with Store.open(path) as store:
        found = store.records(level="moment", channel="caption")
    return [one for one in found if one.maker.startswith("captions:")]


@pytest.fixture
def path(watched: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(watched, tmp_path / "l.longtake"))


def test_ingest_makes_what_the_profile_has_a_model_for(film: Path, path: Path) -> None:
    models = Models()
    events: list[dict[str, Any]] = []
    with opened(path, models) as library:
        library.ingest(film, on_progress=events.append)
        made = captions_in(path)
        clips = [one for one in made if one.data["of"] == "clip"]
        assert [one.text for one in clips][:2] == ["A wall in red.", "A wall in red then blue."]
        assert {e["stage"] for e in events} == {"captions"}
        assert events[-1]["done"] == events[-1]["total"] == 40.0
        assert events[-1]["asked"]["calls"] == len(models.vision.asked) > 0
        assert "calls with" in describe_event(events[-1])
        found = library.search("green wall", within=["caption"], k=3).moments
        assert found[0].record in {one.id for one in clips if "green" in one.text}
        assert found[0].source == "caption"
        status = library.status("a film")
        assert status["passes"]["captions"] == {
            "done": 40.0, "finished": True, "share": 1.0, "by": "eyes@1",
        }  # fmt: skip
        assert status["levels"]["moment.caption"] == len(made)
        asked = len(models.vision.asked)
        library.ingest(film)
        assert len(models.vision.asked) == asked


def test_redo_asks_nothing_that_was_answered(film: Path, path: Path) -> None:
    with opened(path, Models()) as library:
        library.ingest(film)
    before, models = captions_in(path), Models()
    with opened(path, models) as library:
        library.ingest(film, redo=["captions"])
    assert captions_in(path) == before
    assert models.vision.asked == []
    other = Models(vision=Eyes("better@2"))
    with opened(path, other) as library:
        library.later("a film", redo=["captions"])
    assert {one.maker for one in captions_in(path)} == {"captions:better@2"}
    assert other.vision.asked


def test_a_dead_endpoint_leaves_the_rest_and_the_next_run_goes_on(film: Path, path: Path) -> None:
    with opened(path, Models(vision=Eyes(fail_after=1))) as library:
        with pytest.raises(PartlyDone, match="captions failed: the endpoint does not answer") as at:
            library.ingest(film)
        assert at.value.fix is not None
        assert f"longtake ingest '{film}' --redo captions" in at.value.fix
        assert library.status("a film")["passes"]["deep"]["finished"]
    models = Models()
    with opened(path, models) as library:
        library.ingest(film)
    assert len([one for one in captions_in(path) if one.data["of"] == "clip"]) >= 4


def test_what_was_asked_for_and_what_was_not(film: Path, path: Path) -> None:
    with opened(path, Models(vision=None)) as library:
        with pytest.raises(MissingConfig, match="has no model for captions"):
            library.ingest(film, redo=["captions"])
        with pytest.raises(UsageError, match="no pass 'caption'"):
            library.later("a film", ["caption"])
    with opened(path, Models()) as library:
        library.ingest(film, later=False)
        assert captions_in(path) == []
        library.ingest(film, later=False, redo=["captions"])
        assert captions_in(path)


def test_a_stop_keeps_what_is_done(film: Path, path: Path) -> None:
    class Stopped(Eyes):
        def write(self, asked: Sequence[Asked], *, max_tokens: int) -> list[str]:
            if self.batches:
                raise KeyboardInterrupt
            return super().write(asked, max_tokens=max_tokens)

    stopped = pytest.raises(Interrupted, match="is watched, and its captions are kept")
    with opened(path, Models(vision=Stopped())) as library, stopped:
        library.ingest(film)
    again, whole = Models(), Models()
    with opened(path, again) as library:
        library.ingest(film)
    assert captions_in(path)
    shutil.rmtree(path)
    with opened(path, whole) as library:
        library.ingest(film)
    assert len(again.vision.asked) == len(whole.vision.asked) - 1  # one was kept


def test_a_file_that_is_gone_is_named(film: Path, path: Path, tmp_path: Path) -> None:
    with opened(path, Models()) as library:
        with Store.open(path, write=True) as store:
            store.update_video(library.video("a film").id, path=str(tmp_path / "moved.mp4"))
        library.close()
        with pytest.raises(PartlyDone, match=r"no longer at .*moved\.mp4"):
            library.later("a film")


# -- found and quoted ------------------------------------------------------------------------------

TOLD = (
    (360, 370, "A man in a yellow raincoat stands on the pier."),
    (370, 380, "The man opens a red toolbox and takes out a wrench."),
    (380, 400, "A seagull steals the sandwich of the man while he repairs an engine."),
    (400, 410, "The man throws the toolbox into a boat."),
)
WHOLE = "An unlucky mechanic loses his lunch."


def describe(world: World, encoder: Any, maker: str = "captions:seer@1", of: str = "clip") -> None:
    """Put captions into the lecture, as the pass and its runner would have."""
    video = world.video
    rows = [(*one, of, "text", 0) for one in TOLD]
    rows += [(360, 420, WHOLE, "scene", "context", 1)] if of == "clip" else []
    name = maker.partition(":")[0]
    with Store.open(world.path, write=True) as store:
        for low, high, text, part, facet, n in rows:
            record = Record(
                later_id(name, video, low, "caption", n), video.id, "moment", "caption",
                Span(low, high), high, text, maker, (), {"of": part},
            )  # fmt: skip
            store.put_records([record])
            row = VectorRow(record.id, facet, encoder.encode([text])[0], high)
            store.put_vectors([row])


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = lecture(tmp_path_factory.mktemp("plain"), ContentEncoder())
    world.store.close()
    return world


def asking(world: World, folder: Path) -> Iterator[tuple[World, Library]]:
    path = Path(shutil.copytree(world.path, folder / "w.longtake"))
    encoder = ContentEncoder()
    models = fake_models(text_encoder=encoder, image_encoder=None)
    with opened(path, models) as library:
        yield World(path, library.store, world.video, world.starts), library


@pytest.fixture(scope="module")
def seen(plain: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    for world, library in asking(plain, tmp_path_factory.mktemp("seen")):
        describe(world, ContentEncoder())
        library.close()
        yield library


@pytest.fixture(scope="module")
def unseen(plain: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    for _, library in asking(plain, tmp_path_factory.mktemp("unseen")):
        yield library


QUESTIONS = [
    ("What happens when the seagull steals the sandwich?", 380.0, 400.0),
    ("What does the seagull steal?", 380.0, 400.0),
    ("Who stands on the pier?", 360.0, 370.0),
    ("When does the man open the red toolbox?", 370.0, 380.0),
    ("Is there a seagull?", 380.0, 400.0),
    ("What happens after the man opens the toolbox?", 380.0, 400.0),
]


@pytest.mark.parametrize(("question", "start", "end"), QUESTIONS)
def test_an_answer_quotes_the_caption_and_without_it_there_is_none(
    seen: Library, unseen: Library, question: str, start: float, end: float
) -> None:
    answer = seen.ask(question)
    assert answer.status == "answered"
    best = answer.evidence[0]
    assert (best.source, best.start, best.end) == ("caption", start, end)
    assert best.quote in {text for _, _, text in TOLD}
    assert "the model's caption says: “" in answer.text
    assert best.quote in answer.text
    assert "speaker says" not in answer.text
    assert "screen shows" not in answer.text
    assert unseen.ask(question).status == "not_in_video"


@pytest.mark.parametrize(
    ("question", "status"),
    [
        ("What does she say about the seagull?", "not_in_video"),
        # The file is gone: what a finer look at the slide would read is not claimed to be absent.
        ("What is written on the slide about the seagull?", "insufficient"),
    ],
)
def test_a_caption_is_never_what_was_said_or_shown(
    seen: Library, question: str, status: str
) -> None:
    answer = seen.ask(question)
    assert answer.status == status
    assert all(one.source != "caption" for one in answer.evidence)


def test_what_is_said_and_shown_is_answered_as_before(seen: Library, unseen: Library) -> None:
    for question in ("When is the exam?", "What does the slide on pruning say?"):
        one, other = seen.ask(question), unseen.ask(question)
        assert (one.text, one.status, one.evidence) == (other.text, other.status, other.evidence)


def test_at_a_time_the_caption_stands_beside_what_is_said(seen: Library, unseen: Library) -> None:
    answer = seen.ask("What happens at 6:25?")
    told = [one for one in answer.evidence if one.source == "caption"]
    assert [one.quote for one in told] == [TOLD[2][2]]
    assert all(one.source != "caption" for one in unseen.ask("What happens at 6:25?").evidence)


def test_what_was_retold_of_speech_is_no_description(
    plain: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for world, library in asking(plain, tmp_path_factory.mktemp("retold")):
        describe(world, ContentEncoder(), maker="retell:chat@1", of="speech")
        library.close()
        assert library.ask("What does the seagull steal?").status == "not_in_video"
        assert not any(is_described(r) for r in library.store.records(level="moment"))


def test_search_groups_a_caption_with_its_clip_and_a_scene_stands_alone(seen: Library) -> None:
    found = seen.search("a seagull steals the sandwich", k=5).moments
    best = found[0]
    assert (best.source, best.text, best.level) == ("caption", TOLD[2][2], "moment")
    assert best.span == Span(380.0, 400.0)
    assert {hit.how for hit in best.parts if hit.record == best.record} == {"dense", "words"}
    whole = seen.search(WHOLE, k=5).moments
    scene = next(one for one in whole if one.text == WHOLE)
    assert (scene.level, scene.span) == ("scene", Span(360.0, 420.0))
    assert {part.record for part in scene.parts} == {scene.record}


def test_a_description_is_located_at_the_caption(seen: Library, unseen: Library) -> None:
    found = seen.locate("a seagull steals the sandwich", "lecture").windows
    assert found[0].span == Span(380.0, 400.0)
    assert found[0].source == "caption"
    assert all(one.source != "caption" for one in unseen.locate("a seagull", "lecture").windows)


def test_levels_and_transcript_do_not_change(seen: Library, unseen: Library) -> None:
    for zoom in ("clip", "scene", "chapter"):
        assert seen.timeline("lecture", zoom) == unseen.timeline("lecture", zoom)
    assert seen.transcript("lecture") == unseen.transcript("lecture")
    one, other = seen.summarize("lecture"), unseen.summarize("lecture")
    assert json.dumps(str(one)) == json.dumps(str(other))


FILM = (
    "A cook slices onions.",
    "Rain beats on the harbour.",
    "Two boats collide.",
    "Smoke rises from a chimney.",
)


def test_a_silent_film_is_summed_up_by_its_scenes(tmp_path: Path) -> None:
    script = Script(240.0, seen=[(0, 120, "harbour"), (120, 240, "kitchen")],
                    tags=[(0, 240, [["pier", 0.8]])])  # fmt: skip
    path = tmp_path / "s.longtake"
    with Store.open(path, write=True, create=True) as store:
        video = remember(store, "silent.mp4", script)
        scenes = store.records(level="scene")
    library = opened(path, fake_models())
    before = " ".join(item.told.text for item in library.summarize("silent").items)
    assert "pier" in before.lower()
    library.close()
    with Store.open(path, write=True) as store:
        for scene, text in zip(scenes, FILM, strict=True):
            name = later_id("captions", video, scene.span.start, "caption", 1)
            record = Record(name, video.id, "moment", "caption", scene.span, scene.known_at, text,
                            "captions:seer@1", (), {"of": "scene"})  # fmt: skip
            store.put_records([record])
    after = [item.told for item in library.summarize("silent").items]
    assert [one.text for one in after] == list(FILM)
    assert [one.span for one in after] == [scene.span for scene in scenes]
    library.close()
