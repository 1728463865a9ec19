"""Longtake: a memory for hours-long video. Watch once, then ask, with the spans behind answers.

>>> import longtake                                            # doctest: +SKIP
>>> library = longtake.open()                                  # doctest: +SKIP
>>> video = library.ingest("lecture.mp4")                      # doctest: +SKIP
>>> answer = library.ask("when is the exam?", video=video)     # doctest: +SKIP

Importing this package loads no model library; names are fetched on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from longtake.agent.answer import Answer, Evidence
    from longtake.errors import LongtakeError
    from longtake.library import Library
    from longtake.library import open_library as open
    from longtake.memory.moments import Moment
    from longtake.memory.recall import Recalled
    from longtake.storage.records import Record, Video
    from longtake.timecode import Span

_HOMES = {
    "Answer": "longtake.agent.answer",
    "Evidence": "longtake.agent.answer",
    "Library": "longtake.library",
    "LongtakeError": "longtake.errors",
    "Moment": "longtake.memory.moments",
    "Recalled": "longtake.memory.recall",
    "Record": "longtake.storage.records",
    "Span": "longtake.timecode",
    "Video": "longtake.storage.records",
    "open": "longtake.library",
}

__all__ = [
    "Answer",
    "Evidence",
    "Library",
    "LongtakeError",
    "Moment",
    "Recalled",
    "Record",
    "Span",
    "Video",
    "__version__",
    "open",
]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'longtake' has no attribute {name!r}")
    home = import_module(_HOMES[name])
    value = getattr(home, "open_library" if name == "open" else name)
    globals()[name] = value
    return value
