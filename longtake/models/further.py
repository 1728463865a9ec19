"""The parts of a profile that it can be without: who speaks, what is seen, what is found where.

Each maker takes the `Parts` it belongs to and the name that a plan or a setting gives, and returns
a `Part`. What they make lives in modules of its own, imported when a model is first asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from longtake.models.hub import hub_name, local

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


def vision(parts: Parts, name: str) -> Part:
    """Looks at frames and writes: a model of this machine, or one behind the endpoint."""
    from longtake.models.parts import Part

    settings = parts.settings
    if parts.profile == "api" and not local(name) and settings.api_base:
        base = settings.api_base
        read, written = settings.api_price_read, settings.api_price_written
        prices = (read, written) if read or written else None

        def remote() -> Any:
            from longtake.models.vision.endpoint import EndpointVision

            return EndpointVision(base, name, key=settings.api_key, prices=prices)

        return Part(f"{name}@api", (), remote)

    def here() -> Any:
        from longtake.models.vision.hub import HubVision

        return HubVision(name, device=parts.device, threads=settings.threads)

    return Part(hub_name(name), (), here, (name,))


def captioner(parts: Parts, name: str) -> Part:
    """Describes frames with a question in mind, by the model that looks."""
    from longtake.models.parts import Part

    seeing = vision(parts, name)

    def build() -> Any:
        from longtake.models.vision.captioner import Describer

        return Describer(parts.get("vision"))

    return Part(seeing.name, (), build, seeing.hub)


def reranker(parts: Parts, name: str) -> Part:
    """Reads query and passage together."""
    from longtake.models.parts import Part

    def build() -> Any:
        from longtake.models.rerank import open_reranker

        return open_reranker(name, device=parts.device, threads=parts.settings.threads)

    return Part(hub_name(name), (), build, (name,))


def encoders(parts: Parts, names: str) -> Part:
    """Embed images and texts in one space: a list of them."""
    from longtake.models.parts import Part

    each = tuple(dict.fromkeys(name.strip() for name in names.split(",") if name.strip()))

    def build() -> Any:
        from longtake.models.vision.encoders import open_encoder

        threads = parts.settings.threads
        return [open_encoder(name, device=parts.device, threads=threads) for name in each]

    return Part(", ".join(hub_name(name) for name in each), (), build, each)


def detector(parts: Parts, name: str) -> Part:
    """Finds things and where they are."""
    from longtake.models.parts import Part

    def build() -> Any:
        from longtake.models.vision.detector import open_detector

        return open_detector(name, device=parts.device, threads=parts.settings.threads)

    return Part(hub_name(name), (), build, (name,))


MAKERS: dict[str, Maker] = {
    "vision": vision,
    "captioner": captioner,
    "encoders": encoders,
    "detector": detector,
    "diarizer": diarizer,
    "reranker": reranker,
}
"""Kind → what makes its part."""
