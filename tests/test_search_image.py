"""Search by a picture: the moments that look like it, with words or alone; bad files are named."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from PIL import Image as Pillow

from longtake.errors import (
    BackendError,
    EmptyMedia,
    MissingModel,
    NoSuchFile,
    Unreadable,
    UsageError,
)
from longtake.memory.evidence import STANDS_OUT, SURE, Background
from longtake.memory.recall import Recall
from longtake.models.protocols import Image, Vectors
from longtake.perception.still import read_picture
from longtake.storage.records import VectorRow, sight_facet
from longtake.storage.store import Store
from tests.cli_program import Program, good, program  # noqa: F401
from tests.fakes import COLOURS, FakeImageEncoder, FakeTagger
from tests.memory_world import Encoder, Script, open_store, remember

SEEN = [(0.0, 20.0, "red"), (20.0, 40.0, "blue"), (40.0, 60.0, "green"), (60.0, 80.0, "yellow")]


def plain(name: str) -> Image:
    return np.full((90, 160, 3), COLOURS[name], np.uint8)


def eye() -> FakeImageEncoder:
    return FakeImageEncoder(FakeTagger(Encoder()))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    said = [(4.0, 8.0, "we begin with the harbour"), (44.0, 48.0, "now the harbour at night")]
    with open_store(tmp_path_factory.mktemp("image")) as made:
        remember(made, "c.mp4", Script(duration=80.0, said=said, seen=SEEN, sight_noise=0.02))
        yield made


# -- recall ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("start", "end", "name"), SEEN)
def test_a_picture_finds_where_it_was_seen(
    start: float, end: float, name: str, store: Store
) -> None:
    found = Recall(store, Encoder(), eye()).search("", image=plain(name), k=3)
    # Two clips show it; the third is the nearest of what is something else.
    *right, wrong = found.moments
    assert len(right) == 2
    assert wrong.evidence == 0.0
    for moment in right:
        assert start <= moment.span.middle < end
        assert {part.how for part in moment.parts} == {"sight"}
    assert found.best > 0.5
    assert (found.hint, found.notes) == ("", ())


def test_words_and_a_picture_together_find_what_has_both(store: Store) -> None:
    recall = Recall(store, Encoder(), eye())
    # The harbour is named twice, green is seen for twenty seconds: only one place has both.
    both = recall.search("harbour", image=plain("green"), k=1).moments[0]
    assert 40.0 <= both.span.middle < 50.0
    assert {"sight", "words"} <= {part.how for part in both.parts}
    other = recall.search("harbour", image=plain("red"), k=1).moments[0]
    assert other.span.middle < 10.0


def test_a_picture_alone_is_compared_with_pictures_alone(store: Store) -> None:
    class Deaf(Encoder):
        def encode(self, texts: Sequence[str]) -> Any:
            raise AssertionError("there are no words to embed")

    found = Recall(store, Deaf(), eye()).search("", image=plain("blue"), k=2)
    assert 20.0 <= found.moments[0].span.middle < 40.0
    with pytest.raises(UsageError, match="not among the channels"):
        Recall(store, Encoder(), eye()).search("", image=plain("blue"), within=["speech"])


def test_without_an_encoder_it_says_so(store: Store) -> None:
    with pytest.raises(MissingModel, match="no image encoder"):
        Recall(store, Encoder(), None).search("", image=plain("blue"))


def test_of_a_picture_that_stands_all_the_time_every_moment_is_sure(tmp_path: Path) -> None:
    with open_store(tmp_path) as made:
        remember(made, "still.mp4", Script(duration=60.0, seen=[(0.0, 60.0, "red")]))
        recall = Recall(made, Encoder(), eye())
        assert recall.search("", image=plain("red")).best > 0.5
        assert recall.search("", image=plain("blue")).best < 0.1
        # By the words alone nothing stands out, as all frames are alike.
        assert recall.search("red", within=["sight"]).best == 0.0


def test_background_of_pictures() -> None:
    words = Background.of(np.full(20, 0.98, np.float32))
    pictures = Background.of(np.full(20, 0.98, np.float32), picture=True)
    assert words is not None
    assert pictures is not None
    assert words.deviations(0.99) == pytest.approx(1.0, abs=1e-4)
    assert pictures.deviations(0.99) == pytest.approx(SURE, abs=1e-4)
    assert pictures.deviations(0.95) < 0
    few = np.full(3, 0.5, np.float32)
    assert Background.of(few) is None
    alone = Background.of(few, picture=True)
    assert alone is not None
    assert alone.deviations(0.97) == pytest.approx((STANDS_OUT + SURE) / 2)
    assert alone.deviations(0.6) < 0


def test_every_encoder_that_has_a_column_looks_at_the_picture(tmp_path: Path) -> None:
    class Other(FakeImageEncoder):
        """Tells bright from dark, whatever the colour."""

        name = "light@1"

        def __init__(self, error: Exception | None = None) -> None:
            self.error, self.dim, self.shown = error, 2, 0

        def encode_images(self, images: Sequence[Image]) -> Vectors:
            if self.error:
                raise self.error
            self.shown += len(images)
            angles = [float(image.mean()) / 255 * np.pi / 2 for image in images]
            return np.array([[np.cos(a), np.sin(a)] for a in angles], np.float32)

        def encode_texts(self, texts: Sequence[str]) -> Vectors:
            raise AssertionError("no words were given")

    with open_store(tmp_path) as made:
        video = remember(made, "c.mp4", Script(duration=80.0, seen=SEEN))
        frames = made.records(video=video.id, level="frame", channel="sight")
        bright = Other().encode_images([plain("white"), plain("black")])
        made.put_vectors(
            VectorRow(f.id, sight_facet("light@1"), bright[int(f.span.start) // 40], f.known_at)
            for f in frames
        )
        # White was seen by no colour: only the other encoder knows where it was bright.
        light = Other()
        found = Recall(made, None, eye(), further=lambda: [light]).search("", image=plain("white"))
        assert found.moments[0].span.middle < 40.0
        assert light.shown == 1
        red = Recall(made, None, eye(), further=lambda: [light]).search("", image=plain("red"), k=1)
        assert red.moments[0].span.middle < 20.0
        broken = Other(BackendError("the card fell out"))
        found = Recall(made, None, eye(), further=lambda: [broken]).search("", image=plain("red"))
        assert found.moments[0].span.middle < 20.0
        assert "the card fell out" in found.notes[0]


# -- files -------------------------------------------------------------------------------------


def test_pictures_of_every_kind_are_read_upright(tmp_path: Path) -> None:
    made = Pillow.new("RGB", (40, 20), (200, 30, 30))
    made.paste((30, 30, 200), (0, 0, 10, 20))
    turned = Pillow.Exif()
    turned[0x0112] = 6  # the camera was held on its side
    made.save(tmp_path / "turned.jpg", exif=turned, quality=95)
    assert read_picture(tmp_path / "turned.jpg").shape == (40, 20, 3)
    for name, mode in (("a.png", "RGBA"), ("b.png", "L"), ("c.gif", "P"), ("d.webp", "RGB")):
        made.convert(mode).save(tmp_path / name)
        assert read_picture(tmp_path / name).shape == (20, 40, 3)
    made.convert("CMYK").save(tmp_path / "e.jpg")
    read = read_picture(tmp_path / "e.jpg")
    assert read.dtype == np.uint8
    np.testing.assert_allclose(read[10, 30], (200, 30, 30), atol=12)


def bad_files(folder: Path) -> dict[str, tuple[type[Exception], str]]:
    """Make files that are no pictures; return name → error and what it says."""
    picture = Pillow.fromarray(np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8))
    picture.save(folder / "whole.png")
    whole = (folder / "whole.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "broken.png").write_bytes(whole[:60] + bytes(400) + whole[460:])
    (folder / "words.jpg").write_text("not a picture at all")
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "folder.jpg").mkdir()
    return {
        "cut.png": (Unreadable, "cannot be read"),
        "broken.png": (Unreadable, "cannot be read"),
        "words.jpg": (Unreadable, "no picture"),
        "empty.jpg": (EmptyMedia, "is empty"),
        "nowhere.jpg": (NoSuchFile, "no file"),
        "folder.jpg": (UsageError, "is a folder"),
    }


def test_bad_picture_files_are_named(tmp_path: Path) -> None:
    for name, (error, said) in bad_files(tmp_path).items():
        with pytest.raises(error, match=said) as told:
            read_picture(tmp_path / name)
        assert name in str(told.value)


def test_a_picture_too_large_to_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Pillow.new("RGB", (40, 20)).save(tmp_path / "large.png")
    monkeypatch.setattr("longtake.perception.still._MOST_PIXELS", 799)
    with pytest.raises(Unreadable, match="40×20 pixels"):
        read_picture(tmp_path / "large.png")


# -- the command -------------------------------------------------------------------------------


def test_the_command_takes_a_picture_with_words_or_alone(
    program: Program,  # noqa: F811
    good: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    program.run("ingest", good)
    picture = tmp_path / "blue.png"
    Pillow.new("RGB", (320, 180), (30, 30, 200)).save(picture)
    result = program.run("search", "--image", picture, "--json")
    assert result.exit_code == 0, result.output
    envelope = json.loads(result.stdout)
    schema = json.loads((Path(__file__).parent.parent / "docs/schema/search.json").read_text())
    jsonschema.validate(envelope, schema)
    assert envelope["data"]["moments"][0]["start"] >= 5.0
    with_words = program.run("search", "exam", "--image", picture, "--json")
    first = json.loads(with_words.stdout)["data"]["moments"][0]
    assert "EXAM" in first["text"]
    assert "EXAM" not in envelope["data"]["moments"][0]["text"]
    assert "empty" in program.fails(2, "search")
    assert "channels" in program.fails(2, "search", "--image", picture, "--in", "speech")
    for name, (error, said) in bad_files(tmp_path).items():
        assert said in program.fails(error.exit_code, "search", "--image", tmp_path / name)  # type: ignore[attr-defined]
