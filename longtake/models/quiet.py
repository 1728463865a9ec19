"""Keep model libraries silent, off the network and inside the given number of threads."""

from __future__ import annotations

import ctypes
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
}


# Threads that wait for each other in a loop take the processor from decoding and from other
# models: on two shared cores that made a language model five times slower.
_WAIT = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}


def settle() -> None:
    """Set how idle threads wait; libraries read this once, when they are first imported."""
    for name, value in _WAIT.items():
        os.environ.setdefault(name, value)


def cores() -> int:
    """How many processors this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def threads_of(threads: int) -> int:
    """The number of threads meant by a setting in which 0 means all."""
    return threads if threads > 0 else cores()


def torch_threads(threads: int) -> None:
    """Give torch its threads; like torch's own setting this holds for the whole process."""
    import torch

    torch.set_num_threads(threads_of(threads))


_ARENAS, _APART = -8, -3  # M_ARENA_MAX and M_MMAP_THRESHOLD of mallopt(3)
_LARGE = 1 << 20


def few_heaps() -> None:
    """Keep the C library from making a heap for each thread: many threads' heaps never shrink."""
    mallopt = getattr(_libc(), "mallopt", None)
    if mallopt is not None:
        mallopt(_ARENAS, 2)


def large_apart() -> None:
    """Let each piece of memory above 1 MiB go back to the system as soon as it is freed.

    The C library keeps ever larger ones in its heap by itself, where reading and searching a long
    stream of keys leaves holes: 200,000 tokens took 10 % more than 20,000.
    """
    mallopt = getattr(_libc(), "mallopt", None)
    if mallopt is not None:
        mallopt(_APART, _LARGE)


def give_back() -> None:
    """Return freed memory to the system, so that the use of a long watch stays that of a short one.

    Pictures and speech are cut into pieces of ever other sizes, and what they leave behind between
    longer-lived things stays with the process otherwise (malloc_trim(3); glibc only).
    """
    trim = getattr(_libc(), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _libc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if sys.platform == "linux" else None


@contextmanager
def offline() -> Iterator[None]:
    """Load a model without a word on the screen and without asking a model hub.

    The variables are left set: the libraries read them once, when they are first imported.
    """
    for name, value in _OFFLINE.items():
        os.environ.setdefault(name, value)
    with quiet():
        yield


@contextmanager
def quiet() -> Iterator[None]:
    """Silence warnings and progress bars while a library loads or fetches."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loggers = [logging.getLogger(name) for name in ("transformers", "huggingface_hub")]
        levels = [logger.level for logger in loggers]
        try:
            for logger in loggers:
                logger.setLevel(logging.ERROR)
            _no_bars()
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _no_bars() -> None:
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
