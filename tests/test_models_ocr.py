"""The text reader's own steps: what the detector and the recogniser are given to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pictures
from PIL import ImageDraw, ImageFont

from longtake.models.ocr import _ROOM, RapidReader, _upright

WORDS = ("Small print", "OK", "A longer line of words that fills most of the width of the frame")


def page(size: tuple[int, int], font: int) -> np.ndarray:
    image = Pictures.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for row, text in enumerate(WORDS):
        draw.text((20, 30 + 60 * row), text, "black", ImageFont.load_default(font))
    return np.asarray(image)


class Noting:
    """A session that notes the shapes it is given."""

    def __init__(self, session: Any) -> None:
        self.session, self.shapes = session, []

    def __call__(self, blob: np.ndarray) -> Any:
        self.shapes.append(blob.shape)
        return self.session(blob)


@pytest.fixture
def sessions(offline_models: Any) -> Iterator[tuple[RapidReader, Noting, Noting]]:
    reader = offline_models.text_reader
    parts = (reader._engine.text_det, reader._engine.text_rec)
    plain = [part.session for part in parts]
    for part in parts:
        part.session = Noting(part.session)
    yield reader, parts[0].session, parts[1].session
    for part, session in zip(parts, plain, strict=True):
        part.session = session


def test_upright_boxes_are_cut_and_slanted_ones_are_not() -> None:
    image = np.arange(100 * 200 * 3, dtype=np.uint8).reshape(100, 200, 3)
    box = np.array([[20, 10], [120, 10], [120, 40], [20, 40]])
    assert np.array_equal(_upright(image, box), image[10:40, 20:120])
    assert _upright(image, box + np.array([[0, 0], [0, 3], [0, 3], [0, 0]])) is None
    upended = np.array([[20, 10], [40, 10], [40, 90], [20, 90]])
    assert _upright(image, upended) is None, "text that stands on end is turned by the warp"
    assert _upright(image, box + np.array([100, 0])) is None, "reaches out of the picture"


@pytest.mark.slow
def test_a_small_frame_is_not_enlarged_and_its_small_text_is_found(sessions: Any) -> None:
    reader, detector, _ = sessions
    lines = reader.read([page((640, 360), 11)])[0]
    assert [line.text for line in lines] == list(WORDS)
    assert detector.shapes == [(1, 3, 352, 640)]


@pytest.mark.slow
def test_a_large_frame_is_searched_in_a_smaller_copy(sessions: Any) -> None:
    reader, detector, _ = sessions
    lines = reader.read([page((1920, 1080), 36)])[0]
    assert [line.text for line in lines] == list(WORDS)
    assert detector.shapes == [(1, 3, 704, 1280)]


@pytest.mark.slow
def test_short_lines_are_hardly_padded(sessions: Any) -> None:
    reader, _, recogniser = sessions
    lines = reader.read([page((1280, 720), 24)])[0]
    assert [line.text for line in lines] == list(WORDS)
    widths = sorted(shape[3] for shape in recogniser.shapes)
    assert widths[0] == _ROOM[0]
    assert widths[1] < _ROOM[1]


@pytest.mark.slow
def test_a_strip_is_read_where_it_is(sessions: Any) -> None:
    reader, _, _ = sessions
    whole = page((1280, 720), 24)
    (line,) = reader.read([whole[15:75]])[0]  # wider than eight times its height: padded
    same = reader.read([whole])[0][0]
    assert line.text == same.text == WORDS[0]
    assert line.box[0] == pytest.approx(same.box[0], abs=0.01)
    assert 15 + line.box[1] * 60 == pytest.approx(same.box[1] * 720, abs=4)
