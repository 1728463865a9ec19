"""Object detectors over transformers: closed sets of classes, and open vocabularies.

`open_detector(name)` loads any local folder or hub model and returns a `Detector`:

===================  =====================================================  ====================
class                served                                                 labels
===================  =====================================================  ====================
`ClosedDetector`     AutoModelForObjectDetection: RT-DETR, DETR and kin     the model's classes
`OwlDetector`        AutoModelForZeroShotObjectDetection: OWL-ViT, OWLv2    any, one query each
`GroundingDetector`  AutoModelForZeroShotObjectDetection: Grounding DINO    any, one text for all
===================  =====================================================  ====================

Images of one size run together, so that a picture's boxes do not depend on what it is batched
with (the processors would pad to the largest). Boxes come back as shares of width and height,
within [0, 1], surest first; of boxes of one label that overlap by more than `boxes.SAME_THING` only the
surest stays (OWL's heads name a thing several times; the processors have no such step). When a
device runs out of memory the batch is halved, and stays so.

Papers: RT-DETR (arXiv 2304.08069), Grounding DINO (2303.05499), OWLv2 (2306.09683).
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from longtake.errors import MissingDependency, UnsupportedModel, UsageError
from longtake.models.hub import folder, hub_name
from longtake.models.protocols import Detection, Detector, Image
from longtake.models.quiet import offline, quiet, torch_threads
from longtake.models.vision.batches import in_batches
from longtake.models.vision.boxes import Box, Found, cleaned
from longtake.models.vision.processor import incomplete

CPU_MODEL = "PekingU/rtdetr_v2_r18vd"
GPU_MODEL = "PekingU/rtdetr_v2_r50vd"
"""What profiles name: 80 everyday classes, Apache-2.0."""
LEAST = {"closed": 0.5, "owl": 0.2, "grounding": 0.3}
"""Least score of a detection, as the models' authors use them."""
EVERYDAY = (
    "person", "face", "hand", "dog", "cat", "bird", "horse", "cow", "sheep", "bicycle", "motorcycle",
    "car", "bus", "truck", "train", "boat", "aeroplane", "traffic light", "road sign", "bench",
    "backpack", "bag", "suitcase", "umbrella", "hat", "ball", "bottle", "cup", "glass", "plate",
    "bowl", "knife", "fork", "spoon", "pan", "food", "fruit", "cake", "chair", "table", "sofa", "bed",
    "door", "window", "lamp", "plant", "tree", "flower", "television", "computer", "laptop",
    "keyboard", "telephone", "camera", "microphone", "guitar", "book", "paper", "pen", "clock",
    "box", "tool", "toy", "whiteboard",
)  # fmt: skip
"""What an open detector looks for when nobody said what."""


def open_detector(
    name: str,
    *,
    labels: Sequence[str] = (),
    device: str = "cpu",
    dtype: str = "float32",
    threads: int = 0,
    batch: int = 8,
    least: float | None = None,
) -> Detector:
    """Load a detector from a local folder or the model hub.

    Args:
        name: the folder or the hub's name.
        labels: what an open detector looks for when `detect` is not told; default `EVERYDAY`.
        device: ``cpu``, ``cuda``…
        dtype: of the weights, ``float32``, ``bfloat16``…
        threads: of torch; 0 leaves them.
        batch: images that run together at most.
        least: the least score of a detection; default by family.

    Raises:
        MissingModel: it is not here, or its folder is not complete.
        UnsupportedModel: it is no detector, or of a class that is not served.
    """
    torch_threads(threads)
    place = folder(name)
    with offline(), quiet():
        kind = _kind(place, name)
        processor = _processor(place, name, kind)
        model = _weights(place, name, kind).to(device=device, dtype=_dtype(dtype)).eval()
    made: type[_Hub] = {"closed": ClosedDetector, "owl": OwlDetector}.get(kind, GroundingDetector)
    floor = LEAST[kind] if least is None else least
    return cast(Detector, made(hub_name(name), model, processor, batch, floor, tuple(labels)))


# -- loading -------------------------------------------------------------------------------


def _kind(place: Path, name: str) -> str:
    """Which of the classes serves a model."""
    from transformers import AutoConfig
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_OBJECT_DETECTION_MAPPING_NAMES as CLOSED,
    )
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_ZERO_SHOT_OBJECT_DETECTION_MAPPING_NAMES as OPEN,
    )

    if not (place / "config.json").is_file():
        raise incomplete(name, "it has no config.json")
    try:
        config = AutoConfig.from_pretrained(place, trust_remote_code=False, local_files_only=True)
    except (ValueError, KeyError, OSError) as error:
        raise UnsupportedModel(
            f"the configuration of {name} is not one that transformers knows ({_first(error)})",
            fix=f"use a detector such as {CPU_MODEL}",
        ) from error
    kind = str(config.model_type)
    if kind in CLOSED:
        return "closed"
    if kind in ("owlvit", "owlv2"):
        return "owl"
    if kind in OPEN and "grounding" in kind:
        return "grounding"
    raise UnsupportedModel(
        f"{name} is of the class {kind!r}, which finds no objects in a way that is served",
        fix=f"use RT-DETR, DETR, OWLv2 or Grounding DINO, such as {CPU_MODEL}",
    )


def _processor(place: Path, name: str, kind: str) -> Any:
    """The processor, which must be in the folder whole."""
    from transformers import AutoImageProcessor, AutoProcessor

    if not any((place / f"{part}_config.json").is_file() for part in ("preprocessor", "processor")):
        raise incomplete(name, "it has no preprocessor_config.json")
    made = AutoImageProcessor if kind == "closed" else AutoProcessor
    told: dict[str, Any] = {"backend": "pil", "trust_remote_code": False, "local_files_only": True}
    try:
        return made.from_pretrained(place, **told)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise incomplete(name, f"its processor cannot be loaded: {_first(error)}") from error


def _weights(place: Path, name: str, kind: str) -> Any:
    """The model; weights that are missing would be random, so they are refused."""
    from safetensors import SafetensorError
    from transformers import AutoModelForObjectDetection, AutoModelForZeroShotObjectDetection

    if not any(place.glob("*.safetensors")):
        raise incomplete(name, "it has no *.safetensors")
    made = AutoModelForObjectDetection if kind == "closed" else AutoModelForZeroShotObjectDetection
    try:
        model, told = made.from_pretrained(
            place, use_safetensors=True, trust_remote_code=False, local_files_only=True,
            output_loading_info=True,
        )  # fmt: skip
    except ImportError as error:  # DETR's older configurations name a backbone of timm.
        raise MissingDependency(
            f"{name} needs a library that is not here ({_first(error)})",
            fix=f"install what it names, or use {CPU_MODEL}",
        ) from error
    except (OSError, RuntimeError, ValueError, SafetensorError) as error:
        raise incomplete(name, f"its weights cannot be loaded: {_first(error)}") from error
    if lost := sorted(told["missing_keys"]):
        raise incomplete(name, f"its files lack {len(lost)} weights ({lost[0]})")
    return model


def _first(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:160] if lines else type(error).__name__


def _dtype(name: str) -> Any:
    import torch

    found = getattr(torch, name, None)
    if not isinstance(found, torch.dtype):
        raise UsageError(f"there is no dtype {name!r}", fix="float32, float16 or bfloat16")
    return found


# -- running -------------------------------------------------------------------------------


class _Hub:
    """What the classes share: batches of one size, halving, clean boxes."""

    def __init__(
        self, name: str, model: Any, processor: Any, batch: int, least: float,
        labels: tuple[str, ...],
    ) -> None:  # fmt: skip
        self.name = name
        self.least = least
        self.batch = max(1, batch)
        self._model = model
        self._processor = processor
        self._labels = labels

    def detect(
        self, images: Sequence[Image], labels: Sequence[str] | None = None
    ) -> list[list[Detection]]:
        """Return what each image holds, surest first."""
        wanted = self._wanted(labels)
        found: list[list[Detection]] = [[] for _ in images]
        sizes: dict[tuple[int, ...], list[int]] = {}
        for n, image in enumerate(images):
            sizes.setdefault(image.shape, []).append(n)
        for same in sizes.values():
            alike = [images[n] for n in same]
            rows, self.batch = in_batches(
                alike, self.batch, lambda part: self._seen(part, wanted), self.name
            )
            for n, row in zip(same, rows, strict=True):
                found[n] = cleaned(row)
        return found

    def _seen(self, images: Sequence[Image], wanted: tuple[str, ...]) -> list[Found]:
        import torch

        with torch.inference_mode(), quiet():
            return self._run(list(images), wanted)

    def _wanted(self, labels: Sequence[str] | None) -> tuple[str, ...]:
        """The labels asked for, each once; those of an open detector are told in words."""
        chosen = [" ".join(one.split()) for one in (labels or self._labels or EVERYDAY)]
        wanted = tuple(dict.fromkeys(one for one in chosen if one.strip(" .")))
        if not wanted:
            raise UsageError("a detector is to look for nothing", fix="give it labels")
        return wanted

    def _run(self, images: list[Image], wanted: tuple[str, ...]) -> list[Found]:
        raise NotImplementedError

    def _inputs(self, made: Any) -> dict[str, Any]:
        """Tensors where the model is, pixels in its dtype."""
        place, dtype = self._model.device, self._model.dtype
        return {
            key: value.to(place, dtype) if value.is_floating_point() else value.to(place)
            for key, value in made.items()
        }


class ClosedDetector(_Hub):
    """A detector of the classes it was trained on."""

    def _wanted(self, labels: Sequence[str] | None) -> tuple[str, ...]:
        """All its classes, or those asked for.

        Raises:
            UsageError: it does not know one of them.
        """
        names = {str(one).lower(): str(one) for one in self._model.config.id2label.values()}
        for label in labels or self._labels or ():
            if label.lower() not in names:
                near = difflib.get_close_matches(label.lower(), names, n=1)
                raise UsageError(
                    f"{self.name} does not know the label {label!r}",
                    fix=f"did you mean {near[0]!r}?" if near
                    else "use an open detector, OWLv2 or Grounding DINO",
                )  # fmt: skip
        return tuple(names[one.lower()] for one in labels or self._labels) or tuple(names.values())

    def _run(self, images: list[Image], wanted: tuple[str, ...]) -> list[Found]:
        made = self._processor(
            images=images, return_tensors="pt", input_data_format="channels_last"
        )
        out = self._model(**self._inputs(made))
        names = self._model.config.id2label
        rows = self._processor.post_process_object_detection(
            out, threshold=self.least, target_sizes=[(1, 1)] * len(images)
        )
        return [
            [one for one in _rows(row, [str(names[int(n)]) for n in row["labels"]])
             if one[0] in wanted]
            for row in rows
        ]  # fmt: skip


class OwlDetector(_Hub):
    """OWL-ViT and OWLv2: every label is a query of its own."""

    def _run(self, images: list[Image], wanted: tuple[str, ...]) -> list[Found]:
        made = self._processor(
            text=[list(wanted)] * len(images), images=images, return_tensors="pt",
            truncation=True, images_kwargs={"input_data_format": "channels_last"},
        )  # fmt: skip
        out = self._model(**self._inputs(made))
        height, width = images[0].shape[:2]
        # The second version pads a picture to a square; its processor knows by how much.
        rows = self._processor.image_processor.post_process_object_detection(
            out, threshold=self.least, target_sizes=[(height, width)] * len(images)
        )
        for row in rows:
            row["boxes"] = row["boxes"] / row["boxes"].new_tensor([width, height] * 2)
        return [_rows(row, [wanted[int(n)] for n in row["labels"]]) for row in rows]


class GroundingDetector(_Hub):
    """Grounding DINO: all labels in one text, ``a dog. a cat.``; many labels take several.

    A box's score is that of its best word, as published; its label is the one whose words it
    fits best on the mean ("red square" and "blue square" share a word).
    """

    def _run(self, images: list[Image], wanted: tuple[str, ...]) -> list[Found]:
        found: list[Found] = [[] for _ in images]
        for labels in self._texts(wanted):
            for row, more in zip(found, self._one_text(images, labels), strict=True):
                row += more
        return found

    def _texts(self, wanted: tuple[str, ...]) -> list[list[str]]:
        """The labels in groups that the text encoder takes whole."""
        words, most = self._processor.tokenizer, int(self._model.config.max_text_len)
        groups: list[list[str]] = [[]]
        used = 2  # marks at both ends
        for label in wanted:
            size = len(words.encode(_prompt([label]), add_special_tokens=False))
            if groups[-1] and used + size > most:
                groups.append([])
                used = 2
            groups[-1].append(label)
            used += size
        return groups

    def _one_text(self, images: list[Image], labels: list[str]) -> list[Found]:
        text = _prompt(labels)
        words = self._processor.tokenizer(
            [text] * len(images), return_tensors="pt", return_offsets_mapping=True,
            truncation=True, max_length=int(self._model.config.max_text_len),
        )  # fmt: skip
        spans = words.pop("offset_mapping")[0].tolist()
        eyes = self._processor.image_processor(
            images=images, return_tensors="pt", input_data_format="channels_last"
        )
        out = self._model(**self._inputs({**words, **eyes}))
        places = _places(labels, spans)
        p = out.logits.sigmoid().float().cpu().numpy()  # [images, queries, words]
        boxes = _corners(out.pred_boxes.float().cpu().numpy())
        return [self._labelled(labels, places, *one) for one in zip(p, boxes, strict=True)]

    def _labelled(self, labels: list[str], places: list[list[int]], p: Any, boxes: Any) -> Found:
        known = [n for n, at in enumerate(places) if at]
        if not known:
            return []
        mean = np.stack([p[:, places[n]].mean(axis=1) for n in known], axis=1)
        top = np.stack([p[:, places[n]].max(axis=1) for n in known], axis=1)
        best = mean.argmax(axis=1)
        return [
            (labels[known[k]], float(top[q, k]), cast(Box, tuple(map(float, boxes[q]))))
            for q, k in enumerate(best.tolist())
            if top[q, k] > self.least
        ]


def _prompt(labels: Sequence[str]) -> str:
    return ". ".join(label.lower().replace(".", " ").strip() for label in labels) + "."


def _places(labels: Sequence[str], spans: Sequence[Sequence[int]]) -> list[list[int]]:
    """The tokens of each label in the text that `_prompt` makes of them all."""
    found, at = [], 0
    for label in labels:
        end = at + len(_prompt([label])) - 1
        found.append([n for n, (a, b) in enumerate(spans) if b > a >= at and b <= end])
        at = end + 2
    return found


def _corners(boxes: Any) -> Any:
    """Boxes given by centre and size, by corners."""
    centre, half = boxes[..., :2], boxes[..., 2:] / 2
    return np.concatenate([centre - half, centre + half], axis=-1)


def _rows(row: Any, labels: Sequence[str]) -> Found:
    scores, boxes = row["scores"].float().tolist(), row["boxes"].float().tolist()
    return [
        (label, p, cast(Box, tuple(box)))
        for label, p, box in zip(labels, scores, boxes, strict=True)
    ]
