"""Whatever is wrong with a key–value memory is told in one sentence, and text answers go on."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from longtake.agent.looking import stream as r3
from longtake.config import load_settings
from longtake.errors import DiskFull, KVDamaged, KVError, KVMissing, Locked, LongtakeError
from longtake.errors import UnsupportedModel as Unsupported
from longtake.library import Library
from longtake.models.kv.streamer import Streamer
from longtake.storage.backup import backup
from longtake.storage.kv.segments import Segments
from longtake.storage.lock import WriterLock
from tests.fakes import fake_models
from tests.kv_library import tiny_streamer, watched
from tests.kv_world import block, made_by

QUESTION = "when is the exam?"


@pytest.fixture(scope="module")
def streamer(tmp_path_factory: pytest.TempPathFactory) -> Streamer:
    return tiny_streamer(tmp_path_factory.mktemp("tiny"))


def opened(path: Path, streamer: Any, folder: Path) -> Library:
    models: Any = fake_models()
    models.streamer, models.streamer_name = streamer, getattr(streamer, "name", "tiny@0")
    return Library(load_settings(library=path, models_dir=folder / "models"), models=models)


@pytest.fixture
def library(
    tmp_path: Path, streamer: Streamer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Library]:
    monkeypatch.setattr(r3, "SURE", 2.0)  # No answer of text alone is sure enough.
    with opened(watched(tmp_path), streamer, tmp_path) as made:
        made.kv_build("lecture")
        yield made


def place(library: Library) -> Path:
    (found,) = (library.path / "kv").glob("*/*/manifest.sqlite")
    return found.parent


def segment(folder: Path) -> Path:
    return min(folder.glob("seg-*"))


def cut(folder: Path) -> None:
    os.truncate(segment(folder), segment(folder).stat().st_size // 2)


def flip(folder: Path) -> None:
    """Every byte of keys and values, so that whichever block is asked for is damaged."""
    raw = segment(folder).read_bytes()
    head = 8 + int.from_bytes(raw[:8], "little")
    segment(folder).write_bytes(raw[:head] + bytes(one ^ 1 for one in raw[head:]))


def foreign(folder: Path) -> None:
    """A sound segment of another stream under this one's name."""
    with Segments(folder.parent / "other", made_by(), write=True) as other:
        other.append(block(0))
    shutil.copy(segment(folder.parent / "other"), segment(folder))
    shutil.rmtree(folder.parent / "other")


DAMAGE: dict[str, tuple[Callable[[Path], object], type[KVError]]] = {
    "truncated": (cut, KVDamaged),
    "bits flipped": (flip, KVDamaged),
    "foreign": (foreign, KVDamaged),
    "missing": (lambda folder: segment(folder).unlink(), KVMissing),
    "index missing": (lambda folder: min(folder.glob("idx-*")).unlink(), KVMissing),
    "manifest missing": (lambda folder: (folder / "manifest.sqlite").unlink(), KVMissing),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_damage_is_named_and_text_answers_go_on(library: Library, case: str) -> None:
    spoil, kind = DAMAGE[case]
    off = library.ask(QUESTION, "lecture", kv=False)
    folder = place(library)
    library.close()
    for path in folder.glob("manifest.sqlite-*"):
        path.unlink()
    spoil(folder)
    on = library.ask(QUESTION, "lecture")
    assert (on.text, on.status, on.evidence) == (off.text, off.status, off.evidence)
    told = [said for step in on.trace if step["step"] == "kv" for said in step["trouble"]]
    if case == "manifest missing":
        assert told == [], "there is none, then"
        with pytest.raises(kind, match="there is no key–value memory"):
            library.kv_verify("lecture")
    else:
        assert len(told) == 1
        assert "kv build" in told[0]
        assert "\n" not in told[0]
        (row,) = library.kv_verify("lecture")
        assert not row["ok"]
        library.kv_drop("lecture")
    assert library.kv_build("lecture")["read"] > 0
    assert library.kv_verify("lecture")[0]["ok"]


def test_a_full_disk_is_named_and_the_build_goes_on_later(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.kv_drop("lecture")
    off = library.ask(QUESTION, "lecture", kv=False)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(DiskFull, match="disk"):
            library.kv_build("lecture")
        on = library.ask(QUESTION, "lecture")
    assert (on.text, on.evidence) == (off.text, off.evidence)
    assert library.kv_build("lecture")["state"] == "built"
    assert library.kv_verify("lecture")[0]["ok"]


def test_one_builds_and_asking_goes_on_meanwhile(library: Library) -> None:
    lock = WriterLock.take(place(library) / "writer.lock")
    try:
        for change in (lambda: library.kv_drop("lecture"),
                       lambda: library.kv_build("lecture", scheme="k4v4")):  # fmt: skip
            with pytest.raises(Locked, match="is writing") as caught:
                change()
            assert caught.value.fix
        asked = library.ask(QUESTION, "lecture")
        assert [step["trouble"] for step in asked.trace if step["step"] == "kv"] == [[]]
    finally:
        lock.release()


def test_a_model_without_rotary_positions_is_refused(
    library: Library, streamer: Streamer, tmp_path: Path
) -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    size = len(streamer.tokenizer)
    config = GPT2Config(vocab_size=size, n_embd=16, n_layer=1, n_head=2, n_positions=64)
    plain = Streamer(GPT2LMHeadModel(config).eval(), streamer.tokenizer, "plain@0")
    path = library.path
    library.close()
    with opened(path, plain, tmp_path) as other:
        with pytest.raises(Unsupported, match="rotary") as caught:
            other.kv_build("lecture")
        assert isinstance(caught.value, LongtakeError)
        assert caught.value.exit_code == 3
        on, off = (other.ask(QUESTION, "lecture", kv=kv) for kv in (True, False))
        assert (on.text, on.evidence) == (off.text, off.evidence)
        (step,) = [step for step in on.trace if step["step"] == "kv"]
        assert "was made by tiny@0, not by plain@0" in step["trouble"][0]


def test_a_build_on_a_restored_library_does_nothing(library: Library, tmp_path: Path) -> None:
    """OFF: without the note of what was read it begins anew, and needs the model."""

    class Absent:
        name = "tiny@0"

        def tap(self) -> Any:
            raise AssertionError("a model was loaded")

    copy = backup(library.path, tmp_path / "copy.longtake")
    with opened(copy, Absent(), tmp_path) as restored:
        made = restored.kv_build("lecture")
        assert (made["read"], made["anew"], made["state"]) == (0, "", "built")
        assert made["blocks"] == library.kv_build("lecture")["blocks"] > 0
        (place(restored) / "stream.json").unlink()
        with pytest.raises(AssertionError, match="a model was loaded"):
            restored.kv_build("lecture")
