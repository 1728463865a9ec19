"""Isolation for every test: no settings, library or tracing of the person who runs them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.models_fixture import offline_models

__all__ = ["offline_models"]

# A run in the background is started with Ctrl-C ignored, and the programs that tests start and
# interrupt would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
if "PYTEST_XDIST_WORKER" in os.environ:  # each worker has a core of its own
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True)
def isolated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("LONGTAKE_", "LANGSMITH_", "LANGCHAIN_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LONGTAKE_LIBRARY", str(tmp_path / "test.longtake"))
    monkeypatch.setenv("LONGTAKE_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("LONGTAKE_CONFIG", str(tmp_path / "none.toml"))
