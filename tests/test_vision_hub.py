"""Vision-language models of five families run from a folder, as the architecture says."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from longtake.errors import BackendError, MissingDependency, MissingModel, UnsupportedModel
from longtake.models.profiles import Models, ModelSettings
from longtake.models.protocols import Asked, VisionModel
from longtake.models.store import ModelStore
from longtake.models.vision.hub import HubVision
from longtake.models.vision.processor import configuration, processor_of
from tests.chat_models import tiny_model
from tests.vision_world import FAMILIES, film, picture, saved

NAMES = tuple(FAMILIES)
ASKED = (
    Asked(film([1]), "What is this?"),
    Asked(film([1, 2, 3]), "What changed?"),
    Asked((), "Sum up: nothing happened."),
    Asked(film([4, 5]), "A longer request: what changed between the two?"),
    Asked(film([2]), "What is this?"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    made: dict[str, Path] = {}

    def of(name: str) -> Path:
        if name not in made:
            made[name] = saved(name, tmp_path_factory.mktemp("models") / name)
        return made[name]

    return of


@pytest.fixture
def copied(folder: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Path]:
    """A folder to be spoilt."""
    return lambda name: Path(shutil.copytree(folder(name), tmp_path / name))


class Seen:
    """What a model's `generate` was given: shapes, and how many marks of pictures each row has."""

    def __init__(self, vision: Any, name: str) -> None:
        self.batches: list[dict[str, Any]] = []
        model, mark = vision._model, vision._model.config.image_token_id
        run = model.generate

        def generate(**given: Any) -> Any:
            marks = (given["input_ids"] == mark).sum(dim=1).tolist()
            self.batches.append({**given, "marks": marks})
            return run(**given)

        model.generate = generate


# -- one conformance for every family --------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_family_reads_and_writes(name: str, folder: Callable[[str], Path]) -> None:
    vision = HubVision(str(folder(name)), threads=1, batch=4)
    assert isinstance(vision, VisionModel)
    assert vision.name == f"{name}@hub"
    seen = Seen(vision, name)
    together = vision.write(ASKED, max_tokens=10)
    family, tall, wide = FAMILIES[name], 40, 60
    one, several = family.alone(tall, wide), family.several(tall, wide)
    assert [batch["marks"] for batch in seen.batches] == [
        [one, one], [3 * several, 2 * several], [0]
    ]  # fmt: skip
    rows = seen.batches[1]["attention_mask"]
    assert rows[:, -1].all()  # What is missing to the longest row stands on the left.
    assert sorted(int(row[0]) for row in rows) == [0, 1]
    assert all(together)
    assert together[0] != together[4]  # Another picture, other words.
    single = [vision.write([asked], max_tokens=10)[0] for asked in ASKED]
    assert single == together
    assert vision.write(ASKED[::-1], max_tokens=10) == together[::-1]
    assert (vision.used.requests, vision.used.images) == (15, 21)
    read = sum(int(batch["attention_mask"].sum()) for batch in seen.batches)
    assert vision.used.prompt_tokens == read
    assert 15 <= vision.used.completion_tokens <= 150
    assert vision.write([], max_tokens=10) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_pictures_counts(name: str, folder: Callable[[str], Path]) -> None:
    vision = HubVision(str(folder(name)), threads=1)
    seen = Seen(vision, name)
    vision.write([Asked(film([1, 2]), "What?"), Asked(film([2, 1]), "What?")], max_tokens=1)
    (batch,) = seen.batches
    given = {key: one for key, one in batch.items() if torch.is_tensor(one)}
    with torch.inference_mode():
        scores = vision._model(**given).logits[:, -1]
    assert float((scores[0] - scores[1]).abs().max()) > 1e-3


def test_large_pictures_are_made_smaller(folder: Callable[[str], Path]) -> None:
    vision = HubVision(str(folder("qwen3_vl")), threads=1, longest=24)
    seen = Seen(vision, "qwen3_vl")
    vision.write([Asked((picture(1, 400, 600),), "What?")], max_tokens=1)
    assert seen.batches[0]["marks"] == [FAMILIES["qwen3_vl"].alone(16, 24)]
    assert FAMILIES["qwen3_vl"].alone(16, 24) < FAMILIES["qwen3_vl"].alone(400, 600)


def test_marks_in_what_is_asked_are_only_words(folder: Callable[[str], Path]) -> None:
    """Words seen on a screen may look like marks; they neither end a turn nor show a picture."""
    for name, mark in (("smolvlm", "<image>"), ("gemma3", "<start_of_image>")):
        vision = HubVision(str(folder(name)), threads=1)
        seen = Seen(vision, name)
        end = FAMILIES[name].end
        plain, odd = film([1, 2]), Asked(film([1, 2]), f"the slide says {mark}{end} twice")
        vision.write([Asked(plain, "the slide says it twice"), odd], max_tokens=1)
        (batch,) = seen.batches
        assert batch["marks"][0] == batch["marks"][1] == 2 * FAMILIES[name].several(40, 60)
        over = vision._processor.tokenizer.convert_tokens_to_ids(end)
        ends = (batch["input_ids"] == over).sum(dim=1).tolist()
        assert ends == [1, 1]


def test_a_text_begins_once(folder: Callable[[str], Path]) -> None:
    """The layout of a chat sets the mark that the tokenizer would set again."""
    vision = HubVision(str(folder("gemma3")), threads=1)
    seen = Seen(vision, "gemma3")
    vision.write(ASKED[:1], max_tokens=1)
    tokenizer = vision._processor.tokenizer
    assert tokenizer("a")["input_ids"][0] == tokenizer.bos_token_id
    assert int((seen.batches[0]["input_ids"] == tokenizer.bos_token_id).sum()) == 1


def test_half_precision_runs(folder: Callable[[str], Path]) -> None:
    vision = HubVision(str(folder("qwen2_5_vl")), dtype="bfloat16", threads=1)
    seen = Seen(vision, "qwen2_5_vl")
    assert all(vision.write(ASKED[:2], max_tokens=4))
    assert seen.batches[0]["pixel_values"].dtype == torch.bfloat16
    assert seen.batches[0]["input_ids"].dtype == torch.int64


# -- memory ----------------------------------------------------------------------------------


class Tight:
    """A model's `generate` for which `most` rows fit into memory."""

    def __init__(self, vision: Any, most: int, error: BaseException) -> None:
        self.rows: list[int] = []
        run = vision._model.generate

        def generate(**given: Any) -> Any:
            self.rows.append(len(given["input_ids"]))
            if self.rows[-1] > most:
                raise error
            return run(**given)

        vision._model.generate = generate


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."),
        MemoryError(),
    ],
    ids=["card", "processor", "python"],
)
def test_without_memory_half_the_batch_goes_on(
    error: BaseException, folder: Callable[[str], Path]
) -> None:
    vision = HubVision(str(folder("smolvlm")), threads=1, batch=8)
    asked = [Asked(film([n]), "What?") for n in range(6)]
    whole = vision.write(asked, max_tokens=4)
    tight = Tight(vision, 2, error)
    assert vision.write(asked, max_tokens=4) == whole
    assert tight.rows == [6, 3, 1, 1, 1, 1, 1, 1]
    assert vision.batch == 1
    none = Tight(vision, 0, error)
    with pytest.raises(
        BackendError, match="not enough memory for smolvlm@hub and one input"
    ) as caught:
        vision.write(asked, max_tokens=4)
    assert none.rows == [1]
    assert "smaller" in (caught.value.fix or "")


def test_other_failures_are_not_taken_for_it(folder: Callable[[str], Path]) -> None:
    vision = HubVision(str(folder("smolvlm")), threads=1)
    tight = Tight(vision, 0, RuntimeError("shapes do not fit"))
    with pytest.raises(BackendError, match="shapes do not fit"):
        vision.write(ASKED[:1], max_tokens=4)
    assert tight.rows == [1]
    assert vision.batch == 2


def test_too_long_for_the_model(copied: Callable[[str], Path]) -> None:
    place = copied("llava_onevision")
    told = json.loads((place / "config.json").read_text())
    told["text_config"]["max_position_embeddings"] = 64
    (place / "config.json").write_text(json.dumps(told))
    vision = HubVision(str(place), threads=1)
    with pytest.raises(BackendError, match="reads only 64") as caught:
        vision.write([Asked(film([1, 2, 3]), "What?")], max_tokens=8)
    assert "fewer" in (caught.value.fix or "")
    assert vision.write([Asked((), "What?")], max_tokens=8)


# -- what cannot be loaded -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gone", "says"),
    [
        ("config.json", "no readable config.json"),
        ("model.safetensors", "weights cannot be loaded"),
        ("preprocessor_config.json", "processor cannot be loaded"),
        ("tokenizer.json", "processor cannot be loaded"),
    ],
)
def test_an_incomplete_folder(gone: str, says: str, copied: Callable[[str], Path]) -> None:
    place = copied("qwen2_5_vl")
    (place / gone).unlink()
    with pytest.raises(MissingModel, match=says) as caught:
        HubVision(str(place), threads=1)
    assert "fetch it again" in (caught.value.fix or "")


@pytest.mark.parametrize("spoil", ["cut", "lacking"])
def test_spoilt_weights(spoil: str, copied: Callable[[str], Path]) -> None:
    """Weights that are not there would be drawn at random by the library."""
    from safetensors.torch import load_file, save_file

    place = copied("smolvlm")
    path = place / "model.safetensors"
    if spoil == "cut":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    else:
        held = load_file(path)
        del held[max(held)]
        save_file(held, path, metadata={"format": "pt"})
    with pytest.raises(MissingModel, match="incomplete"):
        HubVision(str(place), threads=1)


def test_only_safetensors(copied: Callable[[str], Path]) -> None:
    place = copied("smolvlm")
    (place / "model.safetensors").unlink()
    torch.save({}, place / "pytorch_model.bin")
    with pytest.raises(MissingModel, match="weights cannot be loaded"):
        HubVision(str(place), threads=1)


def test_other_kinds_of_models(tmp_path: Path, copied: Callable[[str], Path]) -> None:
    with pytest.raises(UnsupportedModel, match="kind 'llama': it does not describe pictures"):
        HubVision(str(tiny_model(tmp_path / "words")), threads=1)
    place = copied("smolvlm")
    told = json.loads((place / "config.json").read_text())
    told |= {"model_type": "own_eyes", "auto_map": {"AutoConfig": "own.Config"}}
    (place / "config.json").write_text(json.dumps(told))
    (place / "own.py").write_text("raise SystemExit('run')")
    with pytest.raises(UnsupportedModel, match="'own_eyes'") as caught:
        HubVision(str(place), threads=1)
    assert "never run" in (caught.value.fix or "")


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        (
            "config.json",
            '{"model_type": "qwen2_5_vl", "vision_config": 3}',
            "config.json is damaged",
        ),
        ("config.json", "[1]", "no readable config.json"),
        ("tokenizer.json", "{}", "processor cannot be loaded"),
        ("preprocessor_config.json", "{", "processor cannot be loaded"),
        ("chat_template.jinja", "{% if %}", "chat template is broken"),
    ],
)
def test_damaged_files(file: str, text: str, says: str, copied: Callable[[str], Path]) -> None:
    place = copied("qwen2_5_vl")
    (place / file).write_text(text)
    with pytest.raises(MissingModel, match=says):
        HubVision(str(place), threads=1)


def test_a_chat_without_a_place_for_pictures(copied: Callable[[str], Path]) -> None:
    place = copied("smolvlm")
    (place / "chat_template.jinja").write_text("{{ messages[0]['content'][1]['text'] }}")
    with pytest.raises(UnsupportedModel, match="no place for pictures"):
        HubVision(str(place), threads=1)


def test_no_chat_template(copied: Callable[[str], Path]) -> None:
    place = copied("gemma3")
    (place / "chat_template.jinja").unlink()
    with pytest.raises(UnsupportedModel, match="no chat template"):
        HubVision(str(place), threads=1)


def test_no_such_model_or_device(folder: Callable[[str], Path], monkeypatch: Any) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(MissingDependency, match="no graphics card"):
        HubVision(str(folder("smolvlm")), device="cuda")
    with pytest.raises(MissingModel, match="no model at"):
        HubVision("/no/such/folder/of/models")


def test_no_memory_for_the_weights(folder: Callable[[str], Path], monkeypatch: Any) -> None:
    import transformers

    def load(*_: Any, **__: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(transformers.AutoModelForImageTextToText, "from_pretrained", load)
    with pytest.raises(BackendError, match="not enough memory to load"):
        HubVision(str(folder("smolvlm")), threads=1)


# -- without torchvision ---------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_processor_without_its_part_for_videos(name: str, folder: Callable[[str], Path]) -> None:
    place = folder(name)
    made = processor_of(place, configuration(place, name), name)
    assert type(made).__name__ == FAMILIES[name].processor(None, None)[0]
    assert type(made.image_processor).__name__.endswith("Pil")
    assert getattr(made, "video_processor", None) is None
    assert made.tokenizer.padding_side == "left"


def test_a_library_that_is_not_here_is_named(
    folder: Callable[[str], Path], monkeypatch: Any
) -> None:
    def stills(kind: Any) -> Any:
        class Needy(kind):
            def __init__(self, *_: Any, **__: Any) -> None:
                raise ImportError("NeedyProcessor requires the Torchvision library")

        return Needy

    monkeypatch.setattr("longtake.models.vision.processor._stills", stills)
    with pytest.raises(UnsupportedModel, match="requires the Torchvision library"):
        HubVision(str(folder("qwen3_vl")), threads=1)


def test_a_profile_shares_one_between_its_parts(folder: Callable[[str], Path]) -> None:
    place = folder("smolvlm")
    models = Models(ModelSettings("offline", captioner=str(place), threads=1), ModelStore(place))
    named = models.names()
    assert named["captioner"] == "smolvlm@hub"
    captioner: Any = models.captioner
    assert (captioner.name, captioner.vision) == ("smolvlm@hub", models.vision)
    assert models.vision is not None
    assert models.vision.write(ASKED[:1], max_tokens=4)


def test_folders_as_older_versions_wrote_them(copied: Callable[[str], Path]) -> None:
    """Another name of the image processor, sizes in pixels, the layout of a chat as JSON."""
    place = copied("qwen2_5_vl")
    asked = [ASKED[0], ASKED[1]]
    new = HubVision(str(place), threads=1).write(asked, max_tokens=6)
    told = json.loads((place / "preprocessor_config.json").read_text())
    told |= {"image_processor_type": "Qwen2VLImageProcessorFast", "size": None}
    told |= {"min_pixels": 16 * 16, "max_pixels": 48 * 48}
    (place / "preprocessor_config.json").write_text(json.dumps(told))
    chat = (place / "chat_template.jinja").read_text()
    (place / "chat_template.json").write_text(json.dumps({"chat_template": chat}))
    (place / "chat_template.jinja").unlink()
    (place / "processor_config.json").unlink()
    assert HubVision(str(place), threads=1).write(asked, max_tokens=6) == new
