"""What later passes will take is counted before they are run, and as they then ask."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from longtake.library import Library
from longtake.models.profiles import Models, ModelSettings
from longtake.models.protocols import Asked
from longtake.models.store import ModelStore
from longtake.models.vision.captioner import Describer
from longtake.perception.describe import Captions, key_times
from longtake.perception.retell import Retell
from longtake.planning import (
    Plan,
    added,
    count_captions,
    count_retell,
    picture_tokens,
    plans,
)
from longtake.storage.records import Level, Record, Video
from longtake.timecode import Span
from tests.cli_world import World, empty_world, world
from tests.media import Scene, draw_video

__all__ = ["empty_world", "world"]


def moment(level: Level, start: float, end: float, text: str = "", **data: object) -> Record:
    channel = "speech" if level == "moment" else "caption"
    name = f"{level}-{start}"
    return Record(name, "v1", level, channel, Span(start, end), end, text, "m", (), data)


CLIPS = [
    moment("clip", 0, 4), moment("clip", 4, 8), moment("clip", 8, 12, same_as="clip-4"),
    moment("clip", 12, 16),
]  # fmt: skip
SCENES = [moment("scene", 0, 12), moment("scene", 12, 16)]


class Counting:
    """Eyes that count what they are asked."""

    name = "counting@1"

    def __init__(self) -> None:
        self.asked: list[Asked] = []

    def write(self, asked: Sequence[Asked], *, max_tokens: int) -> list[str]:
        self.asked += asked
        return [f"A red thing moves to place {len(self.asked)}." for _ in asked]


def test_captions_are_counted_as_the_pass_then_asks(tmp_path: Path) -> None:
    path = draw_video(tmp_path / "v.mp4", [Scene(8, (200, 20, 20)), Scene(8, (20, 20, 200))], fps=5)
    eyes = Counting()
    video = Video("v1", 1, "f", str(path), "v.mp4", 16.0, {"has_video": True})
    kept: dict[str, bytes] = {}
    cache = (kept.get, kept.__setitem__)
    list(Captions(video, path, CLIPS, SCENES, Describer(eyes), cache).portions(0.0, b""))
    plan = count_captions(CLIPS, SCENES, "counting@1", 100)
    assert plan.calls == len(eyes.asked) == 4  # three clips that bring something, one scene
    assert plan.images == sum(len(one.images) for one in eyes.asked)
    assert plan.images == sum(len(key_times(CLIPS[n])) for n in (0, 1, 3)) + 1
    assert plan.tokens_read > 100 * plan.images


def test_retold_windows_are_counted_as_the_pass_then_asks() -> None:
    said = [moment("moment", 10.0 * n, 10.0 * n + 9, "one two three four five") for n in range(9)]
    asked: list[str] = []

    class Writer:
        name, scores = "w", False

        def generate(self, messages: Sequence[tuple[str, str]], **_: object) -> str:
            asked.append(messages[0][1])
            return ""

        def score(self, *_: object) -> list[float]:
            raise AssertionError

    video = Video("v1", 1, "f", "v", "v", 100.0)
    list(Retell(video, said, Writer(), 100.0).portions(0.0, b""))
    plan = count_retell(said, "w")
    assert plan.calls == len(asked) == 2  # the last utterance is too short for a line
    assert plan.tokens_read == pytest.approx(sum(map(len, asked)) / 4, rel=0.2)


@pytest.mark.parametrize(
    ("model", "size", "longest", "tokens"),
    [
        ("qwen3-vl-4b-instruct@hub", (1920, 1080), 1024, 32 * 18),
        ("qwen3-vl-4b-instruct@hub", (320, 240), 1024, 10 * 8),
        ("smolvlm2-500m-video-instruct@hub", (1920, 1080), 1024, 64),
        ("gpt@api", (1920, 1080), 768, 85 + 170 * 2),
        ("gpt@api", (400, 400), 768, 85 + 170),
    ],
)
def test_tokens_of_a_picture(model: str, size: tuple[int, int], longest: int, tokens: int) -> None:
    assert picture_tokens(model, *size, longest=longest) == tokens


def test_prices_make_cost_and_own_models_cost_nothing(tmp_path: Path) -> None:
    def of(profile: str, **more: object) -> list[Plan]:
        settings = ModelSettings(profile, **more)  # type: ignore[arg-type]
        made = Models(settings, ModelStore(tmp_path))
        return plans(None, None, made, seconds=3600.0, size=(1280, 720))

    api = {"api_base": "http://127.0.0.1:9/v1", "api_model": "eyes", "retell": True}
    assert of("offline") == []
    (local,) = of("cpu")
    assert (local.name, local.cost) == ("captions", 0.0)
    unknown = of("api", **api)
    assert [(one.name, one.cost) for one in unknown] == [("captions", None), ("retell", None)]
    priced = of("api", **api, api_price_read=1.0, api_price_written=10.0)[0]
    read, written = priced.tokens_read, priced.tokens_written
    assert priced.cost == pytest.approx((read + 10 * written) / 1e6, abs=1e-4)
    twice = added([priced, priced])
    assert (twice[0].calls, twice[0].cost) == (2 * priced.calls, 2 * (priced.cost or 0))
    assert added([priced, unknown[0]])[0].cost is None


def test_an_estimate_tells_calls_and_cost_before_anything_is_run(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("longtake.cli.session.open_library", Library)
    path = draw_video(tmp_path / "v.mp4", [Scene(3, (9, 9, 9))], fps=5)
    asked = ("ingest", "--profile", "api", "--estimate", path)
    env = {"LONGTAKE_API_MODEL": "eyes", "LONGTAKE_API_BASE": "http://127.0.0.1:9/v1"}
    text = world.run(*asked, **env).stdout
    assert "captions by eyes@api: about" in text
    assert "cost unknown (set api_price_read and api_price_written)" in text
    prices = {"LONGTAKE_API_PRICE_READ": "100", "LONGTAKE_API_PRICE_WRITTEN": "100"}
    row = json.loads(world.run(*asked, "--json", **env, **prices).stdout)["data"]["later"][0]
    assert row["cost"] > 0
