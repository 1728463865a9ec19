"""The conversations of `longtake chat`, kept by name so that one can go on with any of them.

What was asked and answered is in the library (the agent's threads); here is only the list: each
thread's name, its video, how many questions it had and the last of them.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from longtake.cli.output import clean
from longtake.storage.state import state_folder

KEPT = 100
"""So many threads are listed for a library, the latest; older ones can still be named."""


@dataclass(frozen=True, slots=True)
class Thread:
    """One conversation; `video` is an id, or None for the whole library."""

    name: str
    video: str | None
    title: str
    questions: int = 0
    last: str = ""

    def asked(self, question: str) -> Thread:
        """Return the thread with one more question."""
        return replace(self, questions=self.questions + 1, last=question)


class Threads:
    """The list of a library's threads, oldest first; a list that cannot be read is empty."""

    def __init__(self, library: Path) -> None:
        self.library = str(library.expanduser().absolute())
        self.path = state_folder() / "chats.json"

    def all(self) -> list[Thread]:
        """Return every thread, the one last spoken in at the end."""
        rows = self._read().get(self.library, [])
        try:
            return [Thread(**row) for row in rows]
        except TypeError:
            return []

    def find(self, name: str) -> Thread | None:
        """Return the thread of this name, if there is one."""
        return next((one for one in self.all() if one.name == name), None)

    def keep(self, thread: Thread) -> None:
        """Put a thread at the end of the list. That it cannot be kept is no reason to fail."""
        others = [one for one in self.all() if one.name != thread.name]
        rows = [asdict(one) for one in [*others, thread][-KEPT:]]
        text = json.dumps({**self._read(), self.library: rows}, ensure_ascii=False, indent=1)
        draft = self.path.with_suffix(f".{os.getpid()}.part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(text, encoding="utf-8")
            draft.chmod(0o600)
            draft.replace(self.path)
        except OSError:
            draft.unlink(missing_ok=True)

    def new_name(self, title: str) -> str:
        """Make a name that no thread has: the video's and four characters."""
        stem = re.sub(r"[^\w]+", "-", clean(Path(title).stem).lower()).strip("-")[:24] or "chat"
        known = {one.name for one in self.all()}
        while (name := f"{stem}-{secrets.token_hex(2)}") in known:
            continue
        return name

    def _read(self) -> Mapping[str, Any]:
        try:
            read = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return read if isinstance(read, dict) else {}
