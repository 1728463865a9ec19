"""Turn a torch pickle of weights into safetensors, once, without running anything inside it."""

from __future__ import annotations

import pickle
from pathlib import Path

from longtake.errors import BackendError


def to_safetensors(pickled: Path, target: Path) -> None:
    """Read `pickled` with `weights_only=True` and write its tensors to `target`.

    Raises:
        BackendError: the file is not a plain dictionary of tensors.
    """
    import torch
    from safetensors.torch import save_file

    try:
        state = torch.load(pickled, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise BackendError(f"{pickled.name} is not a plain file of weights: {error}") from error
    state = state.get("state_dict", state) if isinstance(state, dict) else {}
    tensors = {
        name: value.contiguous().clone()
        for name, value in sorted(state.items())
        if isinstance(value, torch.Tensor)
    }
    if not tensors:
        raise BackendError(f"{pickled.name} holds no tensors")
    save_file(tensors, target)
