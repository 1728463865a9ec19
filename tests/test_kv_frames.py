"""A streamer with eyes reads the kept frames of a video between its lines, as its model would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from longtake.config import load_settings
from longtake.errors import Interrupted, MissingModel, UnsupportedModel, UsageError
from longtake.library import Library
from longtake.memory.kv import build as building
from longtake.memory.kv.build import build, wording_of
from longtake.memory.kv.heads import fallback
from longtake.memory.kv.lines import Item, Line, Shown, items_of
from longtake.memory.kv.session import ids_of
from longtake.models.kv.adapters import adapter_for
from longtake.models.kv.adapters.pixels import patches, scaled
from longtake.models.kv.stream import sink_block
from longtake.models.kv.streamer import Streamer, opened, sees
from longtake.models.kv.tap import RopeTap
from longtake.models.profiles import Models, ModelSettings
from longtake.models.protocols import Image
from longtake.models.store import ModelStore
from longtake.storage.kv.block import Block
from longtake.storage.kv.segments import Segments
from longtake.storage.store import Store
from tests.chat_models import tiny_model
from tests.fakes import fake_models
from tests.kv_library import tiny_streamer, watched
from tests.kv_tiny import tiny, worst
from tests.test_kv_adapters import PICTURE, SEEING, SETTINGS, VIDEO, Letters

ITEMS: list[Item] = [
    Line(0.0, 2.0, "[0] speaker: begin", ("s0",)),
    Shown(0.0, 4.0, ("f0",)),
    Shown(4.0, 9.0, ("f1", "t1")),
    Line(5.0, 6.0, "[5] screen: Exam", ("s1",)),
    Shown(9.0, 10.0, ("f2",)),
    Line(10.0, 11.0, "[10] speaker: end", ("s2",)),
]


class Signs(Letters):
    """Single letters, and marks as signs that have their number."""

    chat_template = None
    eos_token_id = 1

    def encode(self, text: str, add_special_tokens: bool = False) -> list[int]:
        return [ord(c) - 0xE000 if ord(c) >= 0xE000 else 2 + ord(c) % 80 for c in text]

    def decode(self, ids: list[int], **_: Any) -> str:
        return "".join(chr(0xE000 + one) for one in ids)

    def get_vocab(self) -> dict[str, int]:
        return {}


def seer(family: str, dtype: torch.dtype = torch.float64) -> Streamer:
    model = tiny(family, dtype)
    return Streamer(model, Signs(), f"{family}@0", adapter_for(model, Signs(), SETTINGS))


def frame(time: float) -> Image:
    """The picture at a time, another one each time."""
    return np.random.default_rng(int(time * 10)).integers(0, 256, (24, 32, 3), dtype=np.uint8)


def built(folder: Path, streamer: Streamer, tap: RopeTap, **more: Any) -> list[Block]:
    given = {"weights": "w", "heads": fallback(tap).keys, "scheme": "raw", "picture": frame} | more
    build(folder, ITEMS, streamer, tap, **given)
    with Segments(folder, None) as memory:
        return memory.get([row.id for row in memory.rows()])


@pytest.fixture
def raw(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks as they are made: what is kept is packed, and then nothing is exact."""
    monkeypatch.setattr(building, "KEPT", ("raw", *building.KEPT))


def at_once(streamer: Streamer, ids: Tensor, places: Tensor) -> Any:
    """Keys and values that transformers' own model makes of the whole in one call."""
    eyes: Any = streamer.eyes
    frames = [frame(one.start) for one in ITEMS if isinstance(one, Shown)]
    given: dict[str, Any] = {"input_ids": ids[None], "use_cache": True}
    if eyes.group == 2:  # Each frame stands for a while: it is both of its pair.
        frames = [one for one in frames for _ in range(2)]
        rows, grid = patches(scaled(frames, (24, 32), eyes.scaling), 4, 2, 2)
        given |= {"pixel_values_videos": rows.double(), "video_grid_thw": torch.tensor([grid])}
        given["position_ids"] = places[:, None]
    else:
        name = "pixel_values" if eyes.name == "smolvlm" else "pixel_values_videos"
        given[name] = scaled(frames, (32, 32), eyes.scaling).double()[None]
    with torch.no_grad():
        return streamer.model(**given).past_key_values.layers


# E15 through the build: what is stored is what the model makes of the same frames at once.
@pytest.mark.parametrize("family", SEEING)
def test_stored_blocks_are_the_models_own(family: str, tmp_path: Path, raw: None) -> None:
    streamer = seer(family)
    eyes: Any = streamer.eyes
    with RopeTap(streamer.model, trig64=False) as tap:
        blocks = built(tmp_path, streamer, tap)
        sink = sink_block(tap, ids_of(streamer.tokenizer, wording_of(streamer).before))
    assert [one.refs for one in blocks] == [one.refs for one in ITEMS]
    assert [(one.start, one.end) for one in blocks] == [(one.start, one.end) for one in ITEMS]
    mark, ids, places, at = PICTURE if family == "smolvlm" else VIDEO, [], [], 0
    for item, block in zip([None, *ITEMS], [sink, *blocks], strict=True):
        tokens = block.tokens
        if isinstance(item, Shown):
            tokens = streamer.look(frame(item.start), item.start, item.end).tokens
        ids.append(tokens.masked_fill(tokens == -1, mark))
        places.append(block.places.long() + at)
        at = int(places[-1].max()) + 1
    if family == "llava_onevision":  # Its line vector ends the video; no block holds it.
        ids.append(torch.tensor([VIDEO]))
        places.append(torch.full((1, 1), at))
    where, every = torch.cat(places, dim=1), [sink, *blocks]
    n = sum(one.n for one in every)
    layers = at_once(streamer, torch.cat(ids), where)
    with RopeTap(streamer.model, trig64=False) as tap:
        keys = tap.rotate(torch.cat([one.keys for one in every], dim=2), where[:, :n])
    values = torch.cat([one.values for one in every], dim=2)
    for number, layer in enumerate(layers):
        assert worst(keys[number], layer.keys[0, :, :n]) <= 1e-9
        assert worst(values[number], layer.values[0, :, :n]) <= 1e-9
    assert max(one.n for one in blocks if one.refs[0][0] == "f") >= 4
    shuffled = torch.cat([one.values for one in every[::-1]], dim=2)
    assert worst(shuffled[-1], layers[-1].values[0, :, :n]) > 1e-3
    assert eyes.name == family


@pytest.mark.parametrize("family", ["qwen3_vl", "llava_onevision"])
def test_a_stopped_build_goes_on_to_the_same_blocks(family: str, tmp_path: Path, raw: None) -> None:
    streamer, taken = seer(family), list[float]()

    def picture(time: float) -> Image:
        taken.append(time)
        return frame(time)

    with RopeTap(streamer.model) as tap:
        whole = built(tmp_path / "whole", streamer, tap)
        for n in (2, 4):
            seen: list[int] = []
            with pytest.raises(Interrupted, match=f"after {n} of 6"):
                built(tmp_path / "cut", streamer, tap, picture=picture,
                      on_line=lambda n, *_, seen=seen: seen.append(n),
                      stop=lambda seen=seen: len(seen) == 2)  # fmt: skip
        again = built(tmp_path / "cut", streamer, tap, picture=picture)
    assert taken == [0.0, 4.0, 9.0]  # No frame is taken twice.
    for one, other in zip(whole, again, strict=True):
        assert (one.start, one.end, one.refs) == (other.start, other.end, other.refs)
        assert torch.equal(one.keys, other.keys)
        assert torch.equal(one.values, other.values)


def test_pictures_make_the_blocks(tmp_path: Path, raw: None) -> None:
    """Other pictures, other blocks; the line before the first of them stays as it was."""
    streamer = seer("smolvlm")
    with RopeTap(streamer.model) as tap:
        one = built(tmp_path / "a", streamer, tap)
        other = built(tmp_path / "b", streamer, tap, picture=lambda time: frame(time + 1))
        with pytest.raises(UsageError, match="nothing to take them from"):
            built(tmp_path / "c", streamer, tap, picture=None)
        with pytest.raises(UsageError, match="frames cannot be kept as 'ghost'"):
            built(tmp_path / "d", streamer, tap, scheme="ghost")
    assert torch.equal(one[0].values, other[0].values)
    assert all(worst(a.values, b.values) > 1e-3 for a, b in zip(one[1:], other[1:], strict=True))


def test_marks_of_a_family_stand_around_the_stream() -> None:
    plain, marked = wording_of(seer("llava_onevision")), wording_of(seer("qwen2_5_vl"))
    assert marked.before == plain.before + chr(0xE000 + 92)
    assert marked.after == chr(0xE000 + 93) + plain.after
    assert ids_of(Signs(), marked.before)[-1] == 92


# -- a library -----------------------------------------------------------------------------


def test_frames_stand_between_lines_and_replace_labels(tmp_path: Path) -> None:
    with Store.open(watched(tmp_path)) as store:
        video = store.videos()[0].id
        told = items_of(store, video, seeing=True)
        plain = items_of(store, video, seeing=False)
    frames = [one for one in told if isinstance(one, Shown)]
    assert [(one.start, one.end) for one in frames] == [(5.0, 9.0), (9.0, 12.0)]
    assert [len(one.refs) for one in frames] == [2, 2]  # What was seen, and what was on screen.
    texts = [one.text for one in told if isinstance(one, Line)]
    assert texts == [
        one.text for one in plain if isinstance(one, Line) if "picture:" not in one.text
    ]
    assert any("picture:" in one.text for one in plain if isinstance(one, Line))
    assert [one.start for one in told] == sorted(one.start for one in told)


def test_a_library_reads_frames_and_tells_when_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[float] = []

    def picture(path: str, time: float) -> Image:
        assert path.endswith("lecture.mp4")
        taken.append(time)
        return frame(time)

    monkeypatch.setattr("longtake.perception.frames.frame_at", picture)
    models: Any = fake_models()
    models.streamer, models.streamer_sees = seer("qwen2_5_vl", torch.float32), True
    models.streamer_name = models.streamer.name
    settings = load_settings(library=watched(tmp_path), models_dir=tmp_path / "models")
    with Library(settings, models=models) as library:
        row = library.kv_build("lecture")
        assert (row["read"], row["of"], row["state"]) == (7, 7, "built")
        assert taken == [5.0, 9.0]
        del models.streamer
        assert library.kv_build("lecture")["read"] == 0
        models.streamer = seer("qwen2_5_vl", torch.float32)
        assert [one["state"] for one in library.kv_status("lecture")] == ["built"]
        (tried,) = library.toolbox.call("recall_kv", question="when?", video="lecture", k=9)[
            "attempts"
        ]
        sight = {r.id: r.span for r in library.store.records() if r.channel == "sight"}
        found = {one["refs"][0]: (one["start"], one["end"]) for one in tried["blocks"]}
        assert {name: found.get(name) for name in sight} == {
            name: (span.start, span.end) for name, span in sight.items()
        }


# -- the model's name ----------------------------------------------------------------------


def test_a_named_streamer_is_loaded_with_its_eyes(tmp_path: Path) -> None:
    words, eyes = tiny_model(tmp_path / "words"), tiny_model(tmp_path / "eyes")
    tiny("llava_onevision", torch.float32).save_pretrained(eyes)
    (eyes / "preprocessor_config.json").write_text(json.dumps({"image_mean": [0.1, 0.2, 0.3]}))
    assert (sees(words), sees(eyes)) == (False, True)
    models = Models(ModelSettings("offline", streamer=str(eyes)), ModelStore(tmp_path))
    assert (models.streamer_sees, models.streamer_name) == (True, "eyes@hub")
    adapter: Any = models.streamer.eyes
    assert (adapter.name, adapter.scaling.mean) == ("llava_onevision", (0.1, 0.2, 0.3))
    assert opened(words, "w").eyes is None
    with pytest.raises(UnsupportedModel, match="reads no frames"):
        tiny_streamer(tmp_path / "x").look(frame(0), 0.0, 1.0)


def test_what_cannot_be_served_is_told_before_it_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(MissingModel, match=r"no config\.json"):
        sees(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "pix", "vision_config": {}}))
    with pytest.raises(UnsupportedModel, match="pictures of pix") as caught:
        opened(tmp_path, "pix")
    assert "qwen3_vl" in (caught.value.fix or "")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"}))
    with pytest.raises(MissingModel, match="cannot be loaded"):
        opened(tmp_path, "broken")
