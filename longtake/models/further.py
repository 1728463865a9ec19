"""The parts of a profile that it can be without: who speaks, what is seen, what is found where.

Each maker takes the `Parts` it belongs to and the name that a plan or a setting gives, and returns
a `Part`. What they make lives in modules of its own, imported when a model is first asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from longtake.models.parts import Part, Parts

Maker: TypeAlias = "Callable[[Parts, str], Part]"


def diarizer(parts: Parts, name: str) -> Part:
    """Tells voices apart."""
    from longtake.models.parts import Part

    def build() -> Any:
        from longtake.models.speakers import Voices

        threads = parts.settings.threads
        return Voices(parts.store.weights(name), parts.store.spec(name).maker, threads=threads)

    return Part(parts.store.spec(name).maker, (name,), build)


MAKERS: dict[str, Maker] = {"diarizer": diarizer}
"""Kind → what makes its part."""
