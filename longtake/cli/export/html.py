"""The tree as one self-contained page: no other file, no network, no script but its own.

Everything that came out of the video is text to this page, never markup: `esc` goes round every
value, and a content security policy allows only the page's own style and script, by their
hashes, and pictures that lie inside the page. A time is a link to the video file at that time.
"""

from __future__ import annotations

import base64
import hashlib
import html
import os
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from longtake.cli.output import clean
from longtake.cli.times import clock

Thumb = Callable[[str], bytes | None]


class Page:
    """Writes one page. `thumb` gives a JPEG by name; `link` is the video's address, quoted."""

    def __init__(self, tree: Mapping[str, Any], *, thumb: Thumb, link: str | None) -> None:
        self.tree = tree
        self.thumb = thumb
        self.link = link
        self._pictures: dict[str, str] = {}

    def write(self) -> str:
        """Return the page."""
        style, script = _part("page.css"), _part("page.js")
        policy = (
            f"default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; "
            f"style-src '{_hash(style)}'; script-src '{_hash(script)}'"
        )
        values = {
            "policy": policy,
            "title": esc(self.tree["name"]),
            "style": style,
            "script": script,
            "facts": esc(self._facts()),
            "synopsis": _paragraph(self.tree["synopsis"]),
            "strip": self._strip(),
            "contents": "".join(self._contents()),
            "chapters": "".join(self._chapters()) or "<p>Nothing is known of this video yet.</p>",
        }
        page = _part("page.html")
        # One pass over the template: a value that looks like a placeholder stays as it is.
        pieces = page.split("{{")
        filled = [pieces[0]]
        for piece in pieces[1:]:
            name, rest = piece.split("}}", 1)
            filled += [values[name], rest]
        return "".join(filled)

    def _facts(self) -> str:
        media = self.tree["media"]
        size = f"{media['width']}×{media['height']}" if media.get("width") else ""
        done = self.tree["passes"]["deep"]
        state = "" if done["finished"] else f"watched to {clock(done['done'])}"
        return " · ".join(part for part in (clock(self.tree["duration"]), size, state) if part)

    def _strip(self) -> str:
        """The whole video as one line: chapters as blocks, what is not covered left grey."""
        whole = max(self.tree["duration"], 1e-3)
        blocks = []
        for number, part in enumerate(self.tree["chapters"], 1):
            x, width = 1000 * part["start"] / whole, 1000 * (part["end"] - part["start"]) / whole
            name = esc(f"{clock(part['start'])} {part['title'] or f'part {number}'}")
            blocks.append(
                f'<a href="#c{number}"><rect class="k{number % 6}" x="{x:.2f}" y="0" '
                f'width="{max(width - 2, 1):.2f}" height="36" rx="4"><title>{name}</title></rect></a>'
            )
        for scene in (scene for part in self.tree["chapters"] for scene in part["scenes"]):
            x = 1000 * scene["start"] / whole
            blocks.append(f'<line class="cut" x1="{x:.2f}" x2="{x:.2f}" y1="38" y2="46"/>')
        return (
            '<svg class="strip" viewBox="0 0 1000 48" preserveAspectRatio="none" role="img" '
            f'aria-label="Chapters over time">{"".join(blocks)}</svg>'
        )

    def _contents(self) -> Iterator[str]:
        for number, part in enumerate(self.tree["chapters"], 1):
            title = esc(part["title"]) or f"Part {number}"
            yield f'<li><a href="#c{number}"><b>{clock(part["start"])}</b> {title}</a></li>'

    def _chapters(self) -> Iterator[str]:
        for number, part in enumerate(self.tree["chapters"], 1):
            title = esc(part["title"]) or f"Part {number}"
            yield (
                f'<section class="chapter k{number % 6}" id="c{number}" '
                f'aria-labelledby="h{number}"><header><h2 id="h{number}">{title}</h2>'
                f"{self._time(part)}</header>{_paragraph(part['text'])}{_keywords(part)}"
            )
            for scene in part["scenes"]:
                yield from self._scene(scene)
            yield "</section>"

    def _scene(self, scene: Mapping[str, Any]) -> Iterator[str]:
        title = esc(scene["title"]) or "Scene"
        yield (
            '<details class="scene" open><summary><span class="name">'
            f"{title}</span> {self._time(scene)}</summary><ol class='clips'>"
        )
        for clip in scene["clips"]:
            yield from self._clip(clip)
        yield "</ol></details>"

    def _clip(self, clip: Mapping[str, Any]) -> Iterator[str]:
        yield f'<li class="clip">{self._picture(clip)}<div class="body">{self._time(clip)}'
        if clip["text"]:
            yield f'<p class="caption">{esc(clip["text"])}</p>'
        elif clip["same_as"]:
            yield '<p class="caption same">nothing new</p>'
        for channel, name in (("speech", "Said"), ("screen", "On screen")):
            if clip[channel]:
                lines = "".join(self._line(line) for line in clip[channel])
                yield f'<div class="lane {channel}"><h3>{name}</h3><ul>{lines}</ul></div>'
        yield "</div></li>"

    def _line(self, line: Mapping[str, Any]) -> str:
        return f"<li>{self._time(line, short=True)} <q>{esc(line['text'])}</q></li>"

    def _picture(self, clip: Mapping[str, Any]) -> str:
        name = clip["thumb"]
        if not name:
            return '<div class="thumb none"></div>'
        if name not in self._pictures:
            jpeg = self.thumb(name)
            data = base64.b64encode(jpeg).decode() if jpeg else ""
            self._pictures[name] = f"data:image/jpeg;base64,{data}"
        when = f"Picture at {clock(clip['start'])}"
        # `clip["text"]` may be empty; a time is the least that can be said of a picture.
        return f'<img class="thumb" loading="lazy" alt="{esc(when)}" src="{self._pictures[name]}">'

    def _time(self, part: Mapping[str, Any], *, short: bool = False) -> str:
        start, end = part["start"], part["end"]
        text = clock(start) if short else f"{clock(start)}–{clock(end)}"
        if self.link is None:
            return f'<span class="time">{text}</span>'
        return f'<a class="time" href="{esc(self.link)}#t={start:.3f},{end:.3f}">{text}</a>'


def video_link(source: Path, page: Path | None) -> str | None:
    """The address of the video as seen from the page: beside it, or absolute; None when gone."""
    if not source.is_file():  # a folder of segments has no address that plays
        return None
    if page is not None:
        try:
            relative = os.path.relpath(source.resolve(), page.resolve().parent)
        except ValueError:  # another drive
            relative = ""
        if relative and not relative.startswith(os.pardir):
            return "./" + quote(Path(relative).as_posix())
    return source.resolve().as_uri()


def esc(text: str) -> str:
    """Text for an element or an attribute."""
    return html.escape(clean(text), quote=True)


def _paragraph(text: str) -> str:
    return f"<p>{esc(text)}</p>" if text else ""


def _keywords(part: Mapping[str, Any]) -> str:
    words = "".join(f"<li>{esc(word)}</li>" for word in part["keywords"][:10])
    return f'<ul class="keywords">{words}</ul>' if words else ""


def _part(name: str) -> str:
    return (files("longtake.cli.export") / name).read_text(encoding="utf-8").strip()


def _hash(text: str) -> str:
    """A source expression that allows exactly this inline text."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
