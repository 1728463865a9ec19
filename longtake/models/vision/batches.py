"""Run a model over many inputs in batches, and go on with smaller ones when memory runs out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from longtake.errors import BackendError
from longtake.models.quiet import give_back

In = TypeVar("In")
Out = TypeVar("Out")


def in_batches(
    items: Sequence[In], size: int, run: Callable[[Sequence[In]], Sequence[Out]], name: str
) -> tuple[list[Out], int]:
    """Run the items in order, `size` at a time; a batch that does not fit is halved.

    Returns:
        What came of each item, and the size that fitted: begin with it next time.

    Raises:
        BackendError: there is not enough memory for one item, or the model failed otherwise.
    """
    made: list[Out] = []
    while len(made) < len(items):
        batch = items[len(made) : len(made) + size]
        found = _tried(batch, run, name)
        if found is not None:
            made += found
        else:  # Out here nothing holds on to what the failed run had taken.
            size = len(batch) // 2
            _free()
    return made, size


def _tried(
    batch: Sequence[In], run: Callable[[Sequence[In]], Sequence[Out]], name: str
) -> Sequence[Out] | None:
    """Run one batch; None when memory ran out."""
    try:
        return run(batch)
    except (MemoryError, RuntimeError) as error:
        if not is_full(error):
            raise BackendError(
                f"{name} failed: {(str(error).strip() or type(error).__name__).splitlines()[0][:200]}",
                fix="name another model",
            ) from error
        if len(batch) == 1:
            raise BackendError(
                f"there is not enough memory for {name} and one input",
                fix="close other programs, or name a smaller model",
            ) from error
        return None


def is_full(error: BaseException) -> bool:
    """Tell whether an error says that memory ran out.

    >>> is_full(RuntimeError("DefaultCPUAllocator: can't allocate memory")), is_full(ValueError())
    (True, False)
    """
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and (
        "allocate memory" in text or "out of memory" in text or "not enough memory" in text
    )


def _free() -> None:
    """Give back what the failed run had taken, on this processor and on a graphics card."""
    import torch

    give_back()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
