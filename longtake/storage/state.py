"""Where the program keeps small files of its own that belong to no library."""

from __future__ import annotations

import os
from pathlib import Path


def state_folder() -> Path:
    """The folder; ``LONGTAKE_STATE`` names another place."""
    if named := os.environ.get("LONGTAKE_STATE"):
        return Path(named).expanduser()
    import platformdirs

    return platformdirs.user_state_path("longtake")
