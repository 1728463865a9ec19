"""What a pass carries from chunk to chunk: arrays and JSON in one safetensors blob, no pickle.

A stage's state is a mapping of names to arrays and one JSON-able object. JSON keeps floats
exactly (shortest repr), so a state that went through bytes goes on as if it had not.
"""

from __future__ import annotations

import json
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from longtake.errors import Corrupt

Arrays: TypeAlias = dict[str, NDArray[Any]]

FORMAT = "longtake-perceive-1"


def pack(arrays: Arrays, facts: dict[str, Any]) -> bytes:
    """Return one blob that `unpack` reads."""
    from safetensors.numpy import save

    # one key only: the order of several is not fixed, and equal states shall be equal bytes
    meta = {"longtake": json.dumps({"format": FORMAT, "facts": facts}, sort_keys=True)}
    tidy = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    return bytes(save(tidy, metadata=meta))


def unpack(blob: bytes) -> tuple[Arrays, dict[str, Any]]:
    """Read a blob of `pack`.

    Raises:
        Corrupt: the bytes are not such a blob, or of another format.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        size = int.from_bytes(blob[:8], "little")
        meta = json.loads(json.loads(blob[8 : 8 + size])["__metadata__"]["longtake"])
        if meta["format"] != FORMAT:
            raise ValueError(f"its format is {meta['format']}")
        return dict(load(blob)), meta["facts"]
    except (KeyError, TypeError, ValueError, SafetensorError) as error:
        raise Corrupt(
            f"the state of a half-done ingest cannot be read ({error})",
            fix="remove the video from the library and ingest it again",
        ) from error


def nest(prefix: str, arrays: Arrays) -> Arrays:
    """Put a stage's arrays under its name."""
    return {f"{prefix}.{name}": array for name, array in arrays.items()}


def unnest(prefix: str, arrays: Arrays) -> Arrays:
    """Take a stage's arrays out again."""
    head = f"{prefix}."
    return {name[len(head) :]: array for name, array in arrays.items() if name.startswith(head)}


def to_bits(flags: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Pack a map of flags eight to a byte."""
    return np.packbits(flags)


def from_bits(bits: NDArray[np.uint8], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Undo `to_bits`."""
    return np.unpackbits(bits, count=shape[0] * shape[1]).reshape(shape).astype(np.bool_)
