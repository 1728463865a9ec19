"""`longtake export`: all that is known of a video in one file, or its chapters alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from longtake.cli.export.gather import gather
from longtake.cli.output import dump, emit, save, talk
from longtake.cli.session import common, complete_video, current


@click.command("export")
@click.argument("video", shell_complete=complete_video)
@click.option(
    "--format",
    "form",
    type=click.Choice(["html", "md", "json", "vtt"]),
    help="By default what the name of the file says, else html.",
)
@click.option("-o", "out", type=click.Path(path_type=Path), help="The file; default: stdout.")
@common()
def export_command(video: str, form: str | None, out: Path | None) -> None:
    """Write what is known of a video: html, md, json or vtt.

    The vtt holds the chapters (WebVTT, as players read them). The html is one page that needs nothing else: thumbnails, chapters, scenes, clips, words and
    screen text, a search box, and times that open the video there.
    """
    from longtake.cli.export.chapters import chapters
    from longtake.cli.export.html import Page, video_link
    from longtake.cli.export.markdown import markdown

    session = current()
    known = session.open().video(video)
    endings = {".md": "md", ".markdown": "md", ".json": "json", ".vtt": "vtt"}
    chosen = form or endings.get(out.suffix.lower() if out else "", "html")
    tree = gather(session.reader(), known)
    if chosen == "html":
        link = video_link(Path(known.path), out)
        text = Page(tree, thumb=session.open().store.thumb, link=link).write()
    else:
        text = {"md": markdown, "vtt": chapters, "json": _json}[chosen](tree)
    if out is not None:
        save(out, text)
        talk(f"wrote {out}: {len(text.encode()) / 1e6:.2f} MB")
    shown = tree if out is None and chosen == "json" else {"content": text if out is None else None}
    data = {"video": known.id, "format": chosen, "path": str(out) if out else None, **shown}
    emit(data, lambda: None if out else text.rstrip("\n"))


def _json(tree: Mapping[str, Any]) -> str:
    return dump(tree) + "\n"
