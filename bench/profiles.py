"""What an hour of video takes in each profile: model calls, tokens, time and cost.

``python -m bench.profiles --library LIBRARY`` prints JSON. Calls, pictures and tokens are counted
from the clips, scenes, kept frames and words of the watched videos of a library; the models are not
run. The control is `offline`, which calls no model in words.

Time and cost follow from formulae and from numbers given on the command line, which the output
repeats; nothing here is a measurement of a model:

- reading t tokens by a model of p parameters takes 2 p t operations; writing one token reads all
  of its weights once from memory, shared by the requests that run together (Kaplan et al.,
  arXiv:2001.08361, appendix; Pope et al., arXiv:2211.05102);
- a picture takes an image encoder of p parameters 2 p operations for each of its patches;
- an endpoint answers `--together` requests at a time, each in `--answer-seconds`;
- of the processor, operations and memory speed are measured when the bench starts; of the graphics
  card they are `--gpu-tflops` times `--gpu-share`, and `--gpu-gbs`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from longtake.models.profiles import Models, ModelSettings
from longtake.models.store import ModelStore
from longtake.planning import Plan, plans
from longtake.storage.records import Record, Video
from longtake.storage.store import Store

PROFILES = ("offline", "cpu", "gpu", "api")
PARAMETERS = {
    "smolvlm2-500m-video-instruct@hub": (0.51e9, 4),
    "qwen3-vl-4b-instruct@hub": (4.4e9, 2),
    "qwen3-0.6b@hub": (0.6e9, 4),
    "qwen3-4b@hub": (4.0e9, 2),
    "siglip2-base-patch16-224@hub": (0.093e9, 4),
    "siglip2-so400m-patch14-384@hub": (0.43e9, 4),
    "rtdetr_v2_r18vd@hub": (30e9, 0),
    "rtdetr_v2_r50vd@hub": (68e9, 0),
}
"""Parameters and bytes of each, as the makers' model cards give them; of encoders the picture side.
Of detectors it is operations for a picture of 640 pixels, halved."""
PATCHES = {"siglip2-base-patch16-224@hub": 196, "siglip2-so400m-patch14-384@hub": 729}
EYES = {
    "smolvlm2-500m-video-instruct@hub": (0.093e9, 1024),
    "qwen3-vl-4b-instruct@hub": (0.41e9, 4 * 576),
}
"""Parameters of the image encoder inside a model with eyes, and patches of a picture."""
BATCH = {"cpu": 2, "cuda": 8}
"""Requests run together; see longtake/models/vision/hub.py."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Operations and bytes of memory in a second."""

    flops: float
    bytes: float


def processor() -> Machine:
    """Measure what one thread of this processor does, a second for each."""
    a = np.random.default_rng(0).normal(size=(1024, 1024)).astype(np.float32)
    big = np.ones(64 << 20, np.float32)
    return Machine(_rate(lambda: a @ a, 2 * 1024**3), _rate(lambda: big.sum(), big.nbytes))


def _rate(work: Any, amount: float) -> float:
    work()
    began, times = time.process_time(), 0  # of this process alone, whatever else runs
    while time.process_time() - began < 1.0:
        work()
        times += 1
    return amount * times / (time.process_time() - began)


def seconds_of(plan: Plan, machine: Machine, batch: int) -> float | None:
    """Seconds that a plan takes on a machine, None for a model of unknown size."""
    if plan.model not in PARAMETERS:
        return None
    parameters, width = PARAMETERS[plan.model]
    eyes, patches = EYES.get(plan.model, (0.0, 0))
    operations = 2 * parameters * plan.tokens_read + 2 * eyes * patches * plan.images
    return (
        operations / machine.flops
        + parameters * width * plan.tokens_written / batch / machine.bytes
    )


def seen(name: str, model: str, pictures: int, machine: Machine) -> dict[str, Any]:
    """A pass that looks and writes nothing: an encoder or a detector over pictures."""
    took = None
    if model in PARAMETERS:
        work = 2 * PARAMETERS[model][0] * PATCHES.get(model, 1) * pictures
        took = round(work / machine.flops, 1)
    return {"name": name, "model": model, "calls": 0, "images": pictures, "tokens_read": 0,
            "tokens_written": 0, "cost": 0.0, "seconds": took}  # fmt: skip


def profile_row(
    profile: str, store: Store, videos: Sequence[Video], given: argparse.Namespace
) -> dict[str, Any]:
    """What the videos take in one profile, for an hour of them."""
    settings = ModelSettings(
        profile, retell=profile != "offline",
        api_base="http://127.0.0.1:9/v1" if profile == "api" else None,
        api_model=given.api_model if profile == "api" else None,
        api_price_read=given.price_read, api_price_written=given.price_written,
    )  # fmt: skip
    models = Models(settings, ModelStore())
    device = "cuda" if profile == "gpu" else "cpu"
    machine = given.gpu if profile == "gpu" else given.cpu
    passes: dict[str, dict[str, Any]] = {}
    for video in videos:
        size = int(video.media.get("width") or 1280), int(video.media.get("height") or 720)
        for plan in plans(store, video.id, models, seconds=video.duration, size=size):
            took = (
                plan.calls / given.together * given.answer_seconds
                if plan.model.endswith("@api")
                else seconds_of(plan, machine, BATCH[device])
            )
            _add(passes, asdict(plan) | {"seconds": took})
        for name, kind in (("pictures", "encoders"), ("objects", "detector")):
            if model := models.names().get(kind):
                _add(passes, seen(name, model, len(_frames(store, video)), machine))
    hours = sum(video.duration for video in videos) / 3600
    rows = [_per_hour(row, hours) for row in passes.values()]
    return {"profile": profile, "models": models.names(), "passes": rows, "all": _total(rows)}


def _frames(store: Store, video: Video) -> list[Record]:
    return store.records(video=video.id, level="frame", channel="sight")


def _add(passes: dict[str, dict[str, Any]], row: dict[str, Any]) -> None:
    old = passes.setdefault(row["name"], {**row, **dict.fromkeys(_COUNTS, 0)})
    for key in _COUNTS:
        old[key] = None if old[key] is None or row[key] is None else old[key] + row[key]


_COUNTS = ("calls", "images", "tokens_read", "tokens_written", "cost", "seconds")


def _per_hour(row: dict[str, Any], hours: float) -> dict[str, Any]:
    scaled = {key: None if row[key] is None else row[key] / hours for key in _COUNTS}
    digits = {"cost": 4, "seconds": 1}
    return row | {
        key: None if value is None else round(value, digits.get(key, 0) or None)
        for key, value in scaled.items()
    }


def _total(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        key: None if any(row[key] is None for row in rows) else round(sum(r[key] for r in rows), 4)
        for key in _COUNTS
    }


def main(argv: Sequence[str] | None = None) -> dict[str, Any]:
    """Run the bench."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--api-model", default="gpt-4o-mini", help="a name; nothing is asked of it")
    parser.add_argument("--price-read", type=float, default=0.15, help="for a million tokens")
    parser.add_argument("--price-written", type=float, default=0.60)
    parser.add_argument("--answer-seconds", type=float, default=3.0)
    parser.add_argument("--together", type=int, default=4)
    parser.add_argument("--gpu-tflops", type=float, default=120.0, help="of 16-bit numbers")
    parser.add_argument("--gpu-share", type=float, default=0.4)
    parser.add_argument("--gpu-gbs", type=float, default=600.0)
    given = parser.parse_args(argv)
    given.cpu = processor()
    given.gpu = Machine(given.gpu_tflops * 1e12 * given.gpu_share, given.gpu_gbs * 1e9)
    with Store.open(given.library) as store:
        videos = [v for v in store.videos() if (p := store.progress(v.id, "deep")) and p.finished]
        rows = [profile_row(profile, store, videos, given) for profile in PROFILES]
    assumed = {k: v for k, v in vars(given).items() if k not in ("cpu", "gpu", "library")}
    found = {
        "hours": round(sum(video.duration for video in videos) / 3600, 3),
        "assumed": assumed | {"gpu": asdict(given.gpu)},
        "measured": {"processor, one thread": asdict(given.cpu)},
        "per_hour": rows,
    }
    print(json.dumps(found, indent=1))
    return found


if __name__ == "__main__":
    main()
