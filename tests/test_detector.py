"""Detectors: every class that is served, on tiny random models saved as a hub would serve them.

Random weights show shapes, order, batching and refusals; never that a thing is found.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from longtake.errors import (
    BackendError,
    MissingDependency,
    MissingModel,
    UnsupportedModel,
    UsageError,
)
from longtake.models.protocols import Detection, Detector, Image
from longtake.models.vision import detector as module
from longtake.models.vision.boxes import MOST, cleaned, overlap
from longtake.models.vision.detector import GroundingDetector, open_detector
from tests.detector_tiny import CLASSES, KINDS, LABELS, OPEN, saved


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("detectors")
    return {kind: saved(kind, root / kind) for kind in KINDS}


@pytest.fixture(scope="module")
def detectors(folders: dict[str, Path]) -> dict[str, Detector]:
    made = {}
    for kind, folder in folders.items():
        labels = LABELS if kind in OPEN else ()
        made[kind] = open_detector(str(folder), labels=labels, least=0.0, threads=1)
    return made


def pictures() -> list[Image]:
    made = np.random.default_rng(3)
    sizes = [(60, 80), (60, 80), (90, 50), (60, 80)]
    return [made.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes]


def near(one: Sequence[Detection], other: Sequence[Detection]) -> bool:
    """Whether two answers are the same up to rounding."""
    return len(one) == len(other) and all(
        a.label == b.label and np.allclose([a.p, *a.box], [b.p, *b.box], atol=2e-4)
        for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_picture_holds_does_not_depend_on_its_batch(
    kind: str, detectors: dict[str, Detector]
) -> None:
    eyes, images = detectors[kind], pictures()
    together = eyes.detect(images)
    alone = [eyes.detect([image])[0] for image in images]
    assert all(near(a, b) for a, b in zip(together, alone, strict=True))
    assert together == eyes.detect(images)  # and again, bit for bit
    assert together[0] != together[1]  # it does look at the pixels
    assert isinstance(eyes, Detector)
    assert eyes.name == f"{kind}@hub"
    known = set(LABELS) if kind in OPEN else set(CLASSES.values())
    for found in together:
        assert 0 < len(found) <= MOST
        assert [one.p for one in found] == sorted((one.p for one in found), reverse=True)
        for one in found:
            x0, y0, x1, y1 = one.box
            assert 0 <= x0 < x1 <= 1
            assert 0 <= y0 < y1 <= 1
            assert one.label in known


@pytest.mark.parametrize("kind", OPEN)
def test_an_open_detector_says_only_what_it_is_asked_for(
    kind: str, detectors: dict[str, Detector]
) -> None:
    found = detectors[kind].detect(pictures()[:1], ["boat", " red  square "])[0]
    assert {one.label for one in found} <= {"boat", "red square"}
    assert found
    with pytest.raises(UsageError, match="look for nothing"):
        detectors[kind].detect(pictures()[:1], ["  ", "."])


def test_a_closed_detector_knows_its_own_classes(detectors: dict[str, Detector]) -> None:
    eyes = detectors["rt_detr"]
    every = eyes.detect(pictures()[:1])[0]
    some = eyes.detect(pictures()[:1], ["Square"])[0]
    assert some == [one for one in every if one.label == "square"]
    with pytest.raises(UsageError, match="does not know the label 'squares'") as caught:
        eyes.detect(pictures()[:1], ["squares"])
    assert "square" in str(caught.value.fix)


def test_many_labels_take_several_texts(detectors: dict[str, Detector]) -> None:
    eyes = detectors["grounding_dino"]
    assert isinstance(eyes, GroundingDetector)
    labels = tuple(f"{a}{b} square" for a in "pqrst" for b in "uvwxyz")
    groups = eyes._texts(labels)
    assert len(groups) > 3
    assert tuple(one for group in groups for one in group) == labels
    room = int(eyes._model.config.max_text_len)
    words = eyes._processor.tokenizer
    assert all(len(words.encode(module._prompt(group))) <= room for group in groups)
    found = eyes.detect(pictures()[:1], labels)[0]
    assert {labels.index(one.label) // 10 for one in found} - {0}  # labels of later texts, too


def test_words_of_a_label_are_found_in_the_text(detectors: dict[str, Detector]) -> None:
    eyes = detectors["grounding_dino"]
    assert isinstance(eyes, GroundingDetector)
    text = module._prompt(LABELS)
    assert text == "red square. blue square. dog."
    made = eyes._processor.tokenizer(text, return_offsets_mapping=True)
    places = module._places(LABELS, made["offset_mapping"])
    pieces = eyes._processor.tokenizer.convert_ids_to_tokens(made["input_ids"])
    assert [[pieces[n] for n in at] for at in places] == [
        ["red", "square"], ["blue", "square"], ["d", "##o", "##g"],
    ]  # fmt: skip


def test_a_box_gets_the_label_that_fits_its_words_best(detectors: dict[str, Detector]) -> None:
    eyes = detectors["grounding_dino"]
    assert isinstance(eyes, GroundingDetector)
    p = np.array([[0.1, 0.2, 0.7, 0.9, 0.0]])  # "red square blue square dog"
    boxes = np.array([[0.1, 0.1, 0.4, 0.4]])
    found = eyes._labelled(list(LABELS), [[0, 1], [2, 3], [4]], p, boxes)
    assert found == [("blue square", 0.9, (0.1, 0.1, 0.4, 0.4))]


def test_memory_that_runs_out_halves_the_batch(
    detectors: dict[str, Detector], monkeypatch: pytest.MonkeyPatch
) -> None:
    eyes: Any = detectors["rt_detr"]
    images = [pictures()[0]] * 5
    whole, run, sizes = eyes.detect(images), eyes._run, []

    def narrow(part: list[Image], wanted: tuple[str, ...]) -> Any:
        sizes.append(len(part))
        if len(part) > room:
            raise torch.OutOfMemoryError("out of memory")
        return run(part, wanted)

    monkeypatch.setattr(eyes, "_run", narrow)
    monkeypatch.setattr(eyes, "batch", 4)
    room = 2
    assert eyes.detect(images) == whole
    assert sizes == [4, 2, 2, 1]
    room = 0
    with pytest.raises(BackendError):
        eyes.detect(images[:1])

    def broken(*_: Any) -> Any:
        raise RuntimeError("sizes do not match\nand more")

    monkeypatch.setattr(eyes, "_run", broken)
    with pytest.raises(BackendError, match=r"failed: sizes do not match$"):
        eyes.detect(images[:1])


def test_a_repeated_box_goes_and_a_neighbour_stays() -> None:
    found = cleaned([
        ("dog", 0.6, (0.11, 0.1, 0.5, 0.5)), ("dog", 0.9, (0.1, 0.1, 0.5, 0.5)),
        ("cat", 0.5, (0.1, 0.1, 0.5, 0.5)), ("dog", 0.4, (0.3, 0.1, 0.7, 0.5)),
        ("dog", 0.8, (0.9, 0.9, 1.4, 0.9)), ("dog", 0.3, (-0.2, 0.8, 0.1, 1.2)),
    ])  # fmt: skip
    assert [(one.label, one.p) for one in found] == [
        ("dog", 0.9), ("cat", 0.5), ("dog", 0.4), ("dog", 0.3),
    ]  # fmt: skip
    assert found[-1].box == (0.0, 0.8, 0.1, 1.0)
    assert overlap((0, 0, 1, 1), (0.5, 0, 1.5, 1)) == pytest.approx(1 / 3)


LOST = {
    "config.json": MissingModel,
    "preprocessor_config.json": MissingModel,
    "model.safetensors": MissingModel,
}


@pytest.mark.parametrize("lost", LOST)
def test_a_folder_that_is_not_whole_is_refused_by_name(
    lost: str, folders: dict[str, Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(folders["detr"], tmp_path / "detr")
    (folder / lost).unlink()
    with pytest.raises(LOST[lost]) as caught:
        open_detector(str(folder))
    assert str(folder) in str(caught.value)
    assert caught.value.fix


def test_weights_that_are_damaged_or_lacking_are_refused(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(folders["detr"], tmp_path / "detr")
    file = folder / "model.safetensors"
    weights = load_file(file)
    file.write_bytes(file.read_bytes()[:-2000])
    with pytest.raises(MissingModel, match="cannot be loaded"):
        open_detector(str(folder))
    gone = next(name for name in sorted(weights) if "class_labels_classifier" in name)
    save_file({k: v for k, v in weights.items() if k != gone}, file, {"format": "pt"})
    with pytest.raises(MissingModel, match="lack 1 weights"):
        open_detector(str(folder))


def test_another_kind_of_model_is_refused_by_name(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = shutil.copytree(folders["detr"], tmp_path / "other")
    (folder / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(UnsupportedModel, match="'bert'"):
        open_detector(str(folder))
    (folder / "config.json").write_text('{"model_type": "of-nobody"}')
    with pytest.raises(UnsupportedModel, match="knows"):
        open_detector(str(folder))
    with pytest.raises(UsageError, match="dtype"):
        open_detector(str(folders["detr"]), dtype="float7")


def test_weights_of_another_architecture_and_lacking_libraries_are_told(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(folders["detr"], tmp_path / "detr")
    shutil.copy(folders["rt_detr"] / "model.safetensors", folder)
    with pytest.raises(MissingModel, match="lack"):
        open_detector(str(folder))
    told = json.loads((folder / "config.json").read_text())
    told |= {"backbone_config": None, "use_timm_backbone": True, "backbone": "resnet50"}
    (folder / "config.json").write_text(json.dumps(told))
    if importlib.util.find_spec("timm") is None:
        with pytest.raises(MissingDependency, match="timm"):
            open_detector(str(folder))
