"""The parts a profile may be without, named by settings; the hub, near and out of reach."""

from __future__ import annotations

import json
import shutil
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from longtake.cli.naming import named_models
from longtake.errors import DiskFull, MissingModel, UsageError
from longtake.models import hub, inventory
from longtake.models.catalog import CATALOG
from longtake.models.hub_catalog import CORE, HUB, PLANS
from longtake.models.inventory import check_room, entry, listed, needed
from longtake.models.parts import SPEAKER
from longtake.models.profiles import FURTHER, Models, ModelSettings
from longtake.models.store import ModelStore
from tests.cli_world import World, empty_world, world

__all__ = ["empty_world", "world"]

API = {"api_base": "http://127.0.0.1:9/v1", "api_model": "eyes"}


def models(tmp_path: Path, profile: str, **settings: Any) -> Models:
    return Models(ModelSettings(profile, **settings), ModelStore(tmp_path))


def further(made: Models) -> dict[str, str]:
    return {kind: name for kind, name in made.names().items() if kind in FURTHER}


def test_the_plans_name_models_that_are_known_and_pinned_or_openly_not() -> None:
    for plan in PLANS.values():
        assert set(CORE) < set(plan)
        assert all(HUB[name].kind == kind for kind, name in plan.items())
    for one in HUB.values():
        assert one.revision is None or len(one.revision) == 40
        assert one.bytes > 10**7
    assert {one.name for one in HUB.values() if one.revision is None} == {
        PLANS["cpu"]["detector"], PLANS["gpu"]["detector"],
    }  # fmt: skip


def test_bigger_profiles_have_every_part_and_offline_none(tmp_path: Path) -> None:
    assert further(models(tmp_path, "offline")) == {}
    for kind in ("vision", "captioner", "detector", "diarizer", "reranker", "reteller"):
        assert getattr(models(tmp_path, "offline"), kind) is None
    assert models(tmp_path, "offline").further_encoders == []
    assert further(models(tmp_path, "cpu")) == {
        "vision": "smolvlm2-500m-video-instruct@hub",
        "captioner": "smolvlm2-500m-video-instruct@hub",
        "encoders": "siglip2-base-patch16-224@hub",
        "detector": "rtdetr_v2_r18vd@hub",
        "diarizer": "speaker-ge2e@39373b86",
        "reranker": "mmarco-mminilmv2-l12-h384-v1@hub",
    }
    assert further(models(tmp_path, "gpu"))["vision"] == "qwen3-vl-4b-instruct@hub"


def test_settings_name_other_models_or_none(tmp_path: Path) -> None:
    made = models(
        tmp_path, "cpu", captioner="none", detector="none", reranker="none", diarizer="none",
        encoders="a/clip-b32, ./mine", chat="tiny.gguf", text_encoder="a/words",
        transcriber="a/faster-whisper-medium",
    )  # fmt: skip
    assert further(made) == {"encoders": "clip-b32@hub, mine@hub"}
    names = made.names()
    assert (names["chat"], names["text_encoder"], names["transcriber"]) == (
        "tiny.gguf@hub", "words@hub", "whisper-medium@hub",
    )  # fmt: skip
    assert names["image_tagger"].endswith("+words@hub")
    assert made.hub_names() == [
        "a/faster-whisper-medium", "a/words", "tiny.gguf", "a/clip-b32", "./mine",
    ]  # fmt: skip
    offline = models(tmp_path, "offline", captioner="a/eyes", retell=True)
    assert further(offline) == {
        "vision": "eyes@hub",
        "captioner": "eyes@hub",
        "reteller": offline.names()["chat"],
    }


def test_frames_go_to_an_endpoint_only_where_that_was_said(tmp_path: Path) -> None:
    assert further(models(tmp_path, "api", **API))["vision"] == "eyes@api"
    assert models(tmp_path, "auto", **API).profile == "api"
    assert "vision" not in further(models(tmp_path, "auto", **API))
    assert further(models(tmp_path, "auto", **API, captioner="other"))["vision"] == "other@api"
    assert "vision" not in further(models(tmp_path, "api", **API, captioner="none"))
    (tmp_path / "eyes").mkdir()
    here = models(tmp_path, "api", **API, captioner=str(tmp_path / "eyes"))
    assert further(here)["vision"] == "eyes@hub"


def test_the_endpoint_is_told_the_prices(tmp_path: Path) -> None:
    made = models(tmp_path, "api", **API, api_price_read=2.0, api_price_written=8.0)
    eyes: Any = made.vision
    assert eyes.name == "eyes@api"
    assert eyes.cost == 0.0
    assert models(tmp_path, "api", **API).vision.cost is None  # type: ignore[union-attr]
    assert made.captioner is not None
    assert made.captioner.name == "eyes@api"


def test_auto_takes_of_a_plan_what_is_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = {PLANS["cpu"][kind] for kind in CORE}
    monkeypatch.setattr("longtake.models.hub.cached", lambda name: name in here)
    made = models(tmp_path, "auto")
    assert (made.profile, further(made)) == ("cpu", {})
    here.add(PLANS["cpu"]["encoders"])
    assert set(further(models(tmp_path, "auto"))) == {"encoders"}
    assert set(further(models(tmp_path, "cpu"))) > {"encoders", "vision"}


def test_voices_are_told_apart_offline_once_that_model_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ModelStore, "have", lambda self, name: name == SPEAKER)
    assert further(models(tmp_path, "offline")) == {"diarizer": "speaker-ge2e@39373b86"}
    assert further(models(tmp_path, "offline", diarizer="none")) == {}
    # Watching never fetches it by itself.
    assert SPEAKER not in models(tmp_path, "offline").missing()


# -- the hub -------------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub, and no hub."""
    folder = tmp_path / "hub"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder))

    def nobody(*_: Any, **__: Any) -> None:
        raise ConnectionError("nobody there\nat all")

    monkeypatch.setattr("huggingface_hub.HfApi.model_info", nobody)
    return folder


def put(cache: Path, name: str, **files: bytes) -> Path:
    """A model as the hub's cache holds it."""
    at = hub.revision(name) or "0" * 40
    base = cache / f"models--{name.replace('/', '--')}"
    place = base / "snapshots" / at
    place.mkdir(parents=True)
    (base / "blobs").mkdir()
    (base / "refs").mkdir()
    (base / "refs" / "main").write_text(at)
    for file, raw in files.items():
        (place / file.replace("_", ".", 1)).write_bytes(raw)
    return place


def test_what_was_fetched_whole_is_used_without_asking_the_hub(cache: Path) -> None:
    name = PLANS["cpu"]["chat"]
    assert not hub.cached(name)
    place = put(cache, name, config_json=b"{}")
    assert hub.cached(name)
    assert hub.folder(name) == hub.place(name) == place
    (place.parent.parent / "blobs" / "abc.incomplete").write_bytes(b"half")
    assert not hub.cached(name)
    with pytest.raises(MissingModel):
        hub.folder(name)


def test_a_hub_out_of_reach_is_said_in_one_line_and_asked_once(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **more: _refused(more))
    with pytest.raises(MissingModel) as caught:
        hub.folder("a/model")
    assert "nobody there" in str(caught.value)
    assert "at all" not in str(caught.value)
    assert inventory.hub_bytes("a/model") is None


def _refused(more: dict[str, Any]) -> str:
    from huggingface_hub.errors import LocalEntryNotFoundError

    assert more.get("local_files_only"), "nothing is downloaded from a hub that does not answer"
    raise LocalEntryNotFoundError("not here")


def test_the_hub_tells_how_much_is_fetched(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [
        SimpleNamespace(rfilename=name, size=size)
        for name, size in (("model.safetensors", 100), ("config.json", 5), ("model.onnx", 900))
    ]
    info = SimpleNamespace(siblings=files)
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", lambda *_, **__: info)
    assert inventory.hub_bytes("a/model") == 105


def test_weights_that_are_a_pickle_on_the_hub_are_kept_as_safetensors(cache: Path) -> None:
    from safetensors.torch import load_file

    name = PLANS["gpu"]["text_encoder"]
    assert HUB[name].pickled
    place = put(cache, name, config_json=b"{}")
    torch.save({"embeddings.weight": torch.ones(2, 3)}, place / "pytorch_model.bin")
    assert hub.folder(name) == place
    assert load_file(place / "model.safetensors")["embeddings.weight"].shape == (2, 3)


@pytest.mark.parametrize("name", ["./nix", "/nix/there", "~/nix", "nix.gguf"])
def test_a_local_name_is_never_looked_for_on_the_hub(cache: Path, name: str) -> None:
    assert not hub.cached(name)
    with pytest.raises(MissingModel, match="there is no model at"):
        hub.place(name)


# -- what there is -------------------------------------------------------------------------


def test_the_list_tells_profiles_sizes_and_what_is_here(tmp_path: Path, cache: Path) -> None:
    store = ModelStore(tmp_path)
    every = {one.name: one for one in listed(store)}
    assert set(every) == {*CATALOG, *HUB}
    assert every[SPEAKER].profiles == ("offline", "cpu", "gpu", "api")
    assert (every["BAAI/bge-m3"].profiles, every["BAAI/bge-m3"].exact) == (("gpu",), False)
    assert {one.name for one in listed(store, "offline")} == set(CATALOG)
    names = {one.name for one in needed(models(tmp_path, "cpu", detector="none"))}
    assert names == {"efficientnet-lite0", SPEAKER, *PLANS["cpu"].values()} - {
        PLANS["cpu"]["detector"]
    }
    own = entry(store, str(tmp_path))
    assert (own.source, own.here, own.bytes) == ("folder", True, None)


def test_a_disk_that_is_too_small_is_told_before_anything_is_fetched(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = needed(models(tmp_path, "cpu"))
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 0, 6 * 10**9))
    with pytest.raises(DiskFull, match=r"need 6.7 GB"):
        check_room(wanted, [tmp_path / "not" / "yet"])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 0, 7 * 10**9))
    check_room(wanted, [tmp_path])


def test_pulling_a_profile_says_what_comes_and_ends_clearly_without_a_hub(
    world: World, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulled: list[str] = []
    monkeypatch.setattr(
        ModelStore, "pull", lambda self, names, *_, **__: (pulled.extend(names), list(names))[1]
    )
    folder = str(world.folder / "models")
    result = world.run("models", "pull", "--profile", "cpu", LONGTAKE_MODELS_DIR=folder)
    assert result.exit_code == 4
    assert pulled == ["efficientnet-lite0", SPEAKER]
    for name in PLANS["cpu"].values():
        assert name in result.stderr
    assert "in all about 6.7 GB" in result.stderr
    assert "nobody there" in result.stderr
    assert "--model" in result.stderr
    told = json.loads(
        world.run("models", "pull", "a/model", "--json", LONGTAKE_MODELS_DIR=folder).stdout
    )
    assert (told["error"]["code"], told["data"]) == ("missing_model", {"fetched": []})


def test_models_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"vision_config": {}}')
    given = ["detector=none", "encoders=a/x", "encoders=b/y", "q.gguf", str(tmp_path)]
    assert named_models(given) == {
        "detector": "none", "encoders": "a/x,b/y", "chat": "q.gguf", "captioner": str(tmp_path),
    }  # fmt: skip
    with pytest.raises(UsageError) as caught:
        named_models(["captoner=x"])
    assert "captioner" in str(caught.value.fix)
    for wrong in ("a/model", "detector="):
        with pytest.raises(UsageError):
            named_models([wrong])
