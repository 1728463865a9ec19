"""Text in images, by PP-OCR through rapidocr, whose wheel carries the models.

Lines are looked for in a copy with a bounded longer side (never an enlarged one: a small frame
costs little) and read from the full image. Text in video stands upright, so the classifier for
upside-down lines is left out. Each image is read by itself, line by line: a line's text never
depends on other images or lines, and lines that the caller knows need no reading (`reread`).
rapidocr's own steps are called one after another, since it has no such middle way.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from longtake.models.protocols import Image, Known, TextLine
from longtake.models.quiet import threads_of

_SAME_ROW = 0.5
_ROOM, _MARGIN = (160, 320), 16
"""Pixels: the width that lines are padded to, at least and at most, and the room after a line.
Against padding all to 320 a third of the work goes, and the mean score stays (0.936, 0.932)."""


class RapidReader:
    """`TextReader` by rapidocr.

    Args:
        threads: processors to use; 0 means all.
        side: the longer side, in pixels, of the copy in which lines are looked for.
        least: the least score of a line that is returned.
    """

    def __init__(self, *, threads: int = 0, side: int = 1280, least: float = 0.6) -> None:
        import rapidocr

        self._least, self._side = least, side
        with _passive():
            self._engine: Any = rapidocr.RapidOCR(params=_settings(threads, side))
            self._engine._load_det_model()
            self._engine._load_rec_model()
        logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
        self.name = reader_name()

    def read(self, images: Sequence[Image]) -> list[list[TextLine]]:
        """Return each image's lines in reading order; an image without text gives `[]`."""
        return [self.reread(image, lambda box: None) for image in images]

    def reread(self, image: Image, known: Known) -> list[TextLine]:
        """Read one image; only boxes for which `known` has no answer are recognised."""
        height, width = image.shape[:2]
        if min(height, width) < 8:
            return []
        plain = np.ascontiguousarray(image[:, :, ::-1])
        whole, steps = self._engine.preprocess_img(plain)
        whole, steps = self._padded(whole, steps)
        lines = []
        for corners in self._detect(whole):
            box = _box(self._back(corners, steps, height, width), width, height)
            if box[2] <= box[0] or box[3] <= box[1]:
                continue
            text, score = known(box) or self._recognise(whole, corners)
            if score >= self._least and text.strip():
                lines.append(TextLine(text.strip(), round(float(score), 4), box))
        return in_reading_order(lines)

    def _padded(self, whole: Any, steps: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Pad a strip, as the detector wants it."""
        from rapidocr.utils.process_img import apply_vertical_padding

        engine = self._engine
        padded, steps = apply_vertical_padding(
            whole, steps, engine.width_height_ratio, engine.min_height
        )
        return padded, steps

    def _detect(self, whole: Any) -> Any:
        """Return the corners of lines. rapidocr's own preparation takes ten times as long."""
        import cv2

        detector = self._engine.text_det
        height, width = whole.shape[:2]
        share = min(1.0, self._side / max(height, width))
        size = [max(32, round(int(n * share) / 32) * 32) for n in (width, height)]
        small = cv2.resize(whole, (size[0], size[1]))
        blob = cv2.dnn.blobFromImage(small, 1 / 127.5, mean=(127.5, 127.5, 127.5))
        boxes, _ = detector.postprocess_op(detector.session(blob), (height, width))
        return detector.sorted_boxes(boxes)

    def _back(self, corners: Any, steps: dict[str, Any], height: int, width: int) -> Any:
        from rapidocr.utils.process_img import map_boxes_to_original

        moved = map_boxes_to_original(np.array([corners], np.float64), steps, height, width)
        return moved[0]

    def _recognise(self, whole: Any, corners: Any) -> tuple[str, float]:
        """Read one line. A short one is padded less than rapidocr would, which costs a third."""
        import cv2
        from rapidocr.utils.process_img import get_rotate_crop_image

        part = _upright(whole, corners)
        if part is None:
            part = get_rotate_crop_image(whole, np.array(corners, np.float32))
        recogniser = self._engine.text_rec
        tall = int(recogniser.rec_image_shape[1])
        wide = max(1, math.ceil(tall * part.shape[1] / part.shape[0]))
        room = max(wide, min(_ROOM[1], max(_ROOM[0], wide + _MARGIN)))
        line = cv2.resize(part, (wide, tall)).astype(np.float32)
        blob = np.zeros((1, 3, tall, room), np.float32)
        blob[0, :, :, :wide] = line.transpose(2, 0, 1) / 127.5 - 1.0
        found, _ = recogniser.postprocess_op(recogniser.session(blob), False)
        text, score = found[0]
        return str(text), float(score)


@contextmanager
def _passive() -> Iterator[None]:
    """Let the sessions that are made here sleep while they wait (see `longtake.models.quiet`).

    rapidocr has no setting for it, so its maker of session options is wrapped meanwhile.
    """
    from rapidocr.inference_engine.onnxruntime import OrtInferSession

    plain = OrtInferSession.__dict__.get("_init_sess_opts")
    if plain is None:
        yield
        return

    def options(*given: Any) -> Any:
        made = plain.__get__(None, OrtInferSession)(*given)
        made.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return made

    OrtInferSession._init_sess_opts = staticmethod(options)
    try:
        yield
    finally:
        OrtInferSession._init_sess_opts = plain


def _settings(threads: int, side: int) -> dict[str, Any]:
    return {
        "Global.use_cls": False,
        "Global.log_level": "critical",
        "Global.max_side_len": 2560,
        "Global.text_score": 0.0,  # We filter ourselves.
        "Rec.rec_batch_num": 1,  # No padding to the longest line; a line is read by itself.
        "Det.limit_type": "max",
        "Det.limit_side_len": side,
        "EngineConfig.onnxruntime.intra_op_num_threads": threads_of(threads),
        "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    }


def reader_name() -> str:
    """Name the reader without loading it: the library's version stands for its models."""
    found = importlib.util.find_spec("rapidocr")
    if not found or not found.origin:
        return "rapidocr"
    models = sorted(path.stem for path in (Path(found.origin).parent / "models").glob("*rec*"))
    version = importlib.metadata.version("rapidocr")
    return f"{models[0].lower() if models else 'rapidocr'}@{version}"


def _upright(whole: Any, corners: Any) -> Any | None:
    """Cut out an upright, lying box: what a warp would give, for nothing. Others give None."""
    points = np.asarray(corners)
    (x0, y0), (x1, y1) = points[0], points[2]
    square = [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]
    whole_pixels = np.array_equal(points, np.rint(points))
    if not whole_pixels or not np.array_equal(points, square) or y1 - y0 >= 1.5 * (x1 - x0):
        return None
    part = whole[int(y0) : int(y1), int(x0) : int(x1)]
    return part if part.size and part.shape[:2] == (int(y1 - y0), int(x1 - x0)) else None


def _box(corners: Any, width: int, height: int) -> tuple[float, float, float, float]:
    xs, ys = np.asarray(corners, np.float64).T
    x0, x1 = np.clip([xs.min() / width, xs.max() / width], 0, 1)
    y0, y1 = np.clip([ys.min() / height, ys.max() / height], 0, 1)
    return (round(float(x0), 4), round(float(y0), 4), round(float(x1), 4), round(float(y1), 4))


def in_reading_order(lines: Sequence[TextLine]) -> list[TextLine]:
    """Sort lines into rows from the top, and each row from the left.

    Two lines share a row when they overlap by half of the lower one's height.
    """
    rows: list[list[TextLine]] = []
    for line in sorted(lines, key=lambda line: (line.box[1], line.box[0], line.text)):
        for row in rows:
            top, bottom = row[0].box[1], row[0].box[3]
            shared = min(bottom, line.box[3]) - max(top, line.box[1])
            if shared >= _SAME_ROW * min(bottom - top, line.box[3] - line.box[1]) > 0:
                row.append(line)
                break
        else:
            rows.append([line])
    return [line for row in rows for line in sorted(row, key=lambda x: (x.box[0], x.text))]
