"""Text in images, by PP-OCR through rapidocr, whose wheel carries the models.

Lines are looked for in a copy with a bounded longer side and read from the full image. Text in
video stands upright, so the classifier for upside-down lines is left out. Each image is read by
itself: a line's text never depends on other images.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from longtake.models.protocols import Image, TextLine
from longtake.models.quiet import threads_of

_SAME_ROW = 0.5


class RapidReader:
    """`TextReader` by rapidocr.

    Args:
        threads: processors to use; 0 means all.
        side: the longer side, in pixels, of the copy in which lines are looked for.
        least: the least score of a line that is returned.
    """

    def __init__(self, *, threads: int = 0, side: int = 1280, least: float = 0.6) -> None:
        import rapidocr

        self._least = least
        with _passive():
            self._engine: Any = rapidocr.RapidOCR(params=_settings(threads, side))
            for load in ("_load_det_model", "_load_rec_model"):
                getattr(self._engine, load, lambda: None)()
        logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
        self.name = reader_name()

    def read(self, images: Sequence[Image]) -> list[list[TextLine]]:
        """Return each image's lines in reading order; an image without text gives `[]`."""
        return [self._read(image) for image in images]

    def _read(self, image: Image) -> list[TextLine]:
        height, width = image.shape[:2]
        if min(height, width) < 8:
            return []
        found = self._engine(np.ascontiguousarray(image[:, :, ::-1]))
        if found.boxes is None or not found.txts:
            return []
        lines = [
            TextLine(text.strip(), round(float(score), 4), _box(corners, width, height))
            for corners, text, score in zip(found.boxes, found.txts, found.scores, strict=True)
            if score >= self._least and text.strip()
        ]
        return in_reading_order(lines)


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
