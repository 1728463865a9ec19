"""Image–text encoders read from folders: exact, whole, and honest about what is wrong."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from longtake.errors import BackendError, MissingModel, UnsupportedModel
from longtake.models.protocols import ImageEncoder
from longtake.models.vision.batches import in_batches
from longtake.models.vision.encoders import open_encoder
from tests.conformance_models import assert_unit
from tests.encoders_tiny import LENGTH, pictures, save, save_sentence_clip

KINDS = ("clip", "siglip", "siglip2", "sentences")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("encoders")
    made = {family: save(family, root / family) for family in KINDS[:3]}
    return made | {"sentences": save_sentence_clip(made["clip"], root / "sentences")}


@pytest.fixture(scope="module")
def opened(folders: dict[str, Path]) -> dict[str, ImageEncoder]:
    return {kind: open_encoder(folders[kind], threads=1) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_and_texts_share_one_space(
    kind: str, opened: dict[str, ImageEncoder], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a local folder needs no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    model = opened[kind]
    assert isinstance(model, ImageEncoder)
    assert model.name == f"{kind}@hub"
    seen, said = pictures(5), ["a dog", "", "the red house by the sea"]
    images, texts = model.encode_images(seen), model.encode_texts(said)
    assert_unit(images, 5, model.dim)
    assert_unit(texts, 3, model.dim)
    assert len({row.tobytes() for row in (*images, *texts)}) == 8
    # Company and order must not matter, beyond rounding; equal calls give equal bytes.
    alone = np.concatenate([model.encode_images([one]) for one in reversed(seen)])[::-1]
    np.testing.assert_allclose(alone, images, atol=1e-5)
    alone = np.concatenate([model.encode_texts([one]) for one in reversed(said)])[::-1]
    np.testing.assert_allclose(alone, texts, atol=1e-5)
    assert np.array_equal(model.encode_images(seen), images)
    assert model.encode_images([]).shape == model.encode_texts([]).shape == (0, model.dim)


@pytest.mark.parametrize("kind", KINDS)
def test_long_texts_are_cut(kind: str, opened: dict[str, ImageEncoder]) -> None:
    begin = "ab" * LENGTH
    one, other, short = opened[kind].encode_texts([begin, begin + "xyz", "ab"])
    np.testing.assert_allclose(one, other, atol=1e-5)
    assert np.abs(one - short).max() > 1e-3


def test_siglip_reads_lower_case_filled_to_its_length(opened: dict[str, ImageEncoder]) -> None:
    # Without a mask, filling changes the vector: the network is run as it was trained.
    model: Any = opened["siglip"]
    a, b = model.encode_texts(["A Dog", "a dog"])
    assert np.array_equal(a, b)
    network = model._network
    ids = network._tokens(["a dog"], return_tensors="pt")["input_ids"]
    assert ids.shape[1] < LENGTH
    with torch.inference_mode():
        bare = network._model.get_text_features(input_ids=ids).pooler_output[0].numpy()
    assert float(bare @ b / np.linalg.norm(bare)) < 0.9999


def test_both_ways_of_keeping_a_model_give_the_same(opened: dict[str, ImageEncoder]) -> None:
    one, other = opened["clip"], opened["sentences"]
    seen = pictures(3)
    np.testing.assert_allclose(one.encode_images(seen), other.encode_images(seen), atol=1e-5)
    said = ["a dog", "z" * 50]
    np.testing.assert_allclose(one.encode_texts(said), other.encode_texts(said), atol=1e-5)


def test_half_precision_is_near(folders: dict[str, Path], opened: dict[str, ImageEncoder]) -> None:
    half = open_encoder(folders["siglip2"], dtype="bfloat16", threads=1)
    rows = half.encode_images(pictures(2))
    assert rows.dtype == np.float32
    cosines = (rows * opened["siglip2"].encode_images(pictures(2))).sum(axis=1)
    assert ((cosines > 0.99) & (cosines < 1 - 1e-7)).all()


def test_opening_reads_no_weights(folders: dict[str, Path], tmp_path: Path) -> None:
    place = shutil.copytree(folders["clip"], tmp_path / "clip")
    model = open_encoder(place, name="eyes")
    assert model.name == "eyes"
    (place / "model.safetensors").write_bytes(b"")
    with pytest.raises(MissingModel, match="weights in"):
        model.encode_texts(["only now they are read"])


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ("model.safetensors", "weights"),
        ("processor_config.json", "picture settings"),
        ("tokenizer.json", "a tokenizer"),
        ("config.json", "no config.json"),
    ],
)
def test_an_incomplete_folder_is_named(
    gone: str, said: str, folders: dict[str, Path], tmp_path: Path
) -> None:
    place = shutil.copytree(folders["siglip"], tmp_path / "siglip")
    (place / gone).unlink()
    with pytest.raises(MissingModel, match=said) as told:
        open_encoder(place)
    assert told.value.fix


def test_another_architecture_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    place = shutil.copytree(folders["clip"], tmp_path / "bert")
    config = json.loads((place / "config.json").read_text())
    (place / "config.json").write_text(json.dumps(config | {"model_type": "bert"}))
    with pytest.raises(UnsupportedModel, match="'bert'"):
        open_encoder(place)


def test_weights_that_lack_tensors_are_not_made_up(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    place = shutil.copytree(folders["siglip2"], tmp_path / "siglip2")
    state = load_file(place / "model.safetensors")
    kept = {name: one for name, one in state.items() if "text_model.encoder" not in name}
    save_file(kept, place / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(MissingModel, match="tensors missing, such as text_model"):
        open_encoder(place).encode_texts(["a dog"])


def test_a_sentence_model_without_eyes_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    from tests.encoders_text import save_sentences

    blind = save_sentences(tmp_path / "blind")
    with pytest.raises(UnsupportedModel, match="both pictures and texts"):
        open_encoder(blind).encode_texts(["a dog"])


class Small:
    """Runs out of memory above `most` inputs, as torch says it."""

    def __init__(self, most: int, error: type[Exception] = torch.OutOfMemoryError) -> None:
        self.most, self.error, self.ran = most, error, list[int]()

    def __call__(self, batch: Any) -> list[int]:
        if len(batch) > self.most:
            raise self.error("CUDA out of memory. Tried to allocate 2.00 GiB")
        self.ran.append(len(batch))
        return [one * 10 for one in batch]


def test_a_batch_that_does_not_fit_is_halved() -> None:
    run = Small(3)
    made, fits = in_batches(list(range(10)), 8, run, "eyes")
    assert (made, fits, run.ran) == ([n * 10 for n in range(10)], 2, [2] * 5)
    with pytest.raises(BackendError, match="not enough memory for eyes"):
        in_batches([1, 2], 8, Small(0), "eyes")
    with pytest.raises(BackendError, match="eyes failed: no kernel"):
        in_batches([1], 8, lambda _: (_ for _ in ()).throw(RuntimeError("no kernel")), "eyes")


def test_an_encoder_goes_on_with_the_batch_that_fits(folders: dict[str, Path]) -> None:
    model: Any = open_encoder(folders["clip"], threads=1)
    whole = model.encode_images(pictures(5))
    network = model._network
    sizes, images = [], network.images

    def full(batch: Any) -> Any:
        if len(batch) > 2:
            raise torch.OutOfMemoryError("out of memory")
        sizes.append(len(batch))
        return images(batch)

    network.images = full
    np.testing.assert_allclose(model.encode_images(pictures(5)), whole, atol=1e-5)
    assert sizes == [2, 2, 1]
    model.encode_images(pictures(4))
    assert sizes[3:] == [2, 2]


def test_vectors_that_are_no_numbers_are_refused(folders: dict[str, Path]) -> None:
    model: Any = open_encoder(folders["clip"], threads=1)
    model._network.images = lambda batch: [np.full(24, np.nan, np.float32) for _ in batch]
    with pytest.raises(BackendError, match="no numbers"):
        model.encode_images(pictures(1))
