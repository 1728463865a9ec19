"""The one error tree.

Each class has a `code` (stable, for machines), an `exit_code` (the process's) and each instance
may carry a `fix` (one sentence: what mends it)::

    LongtakeError                     internal            1
    ├── UsageError                    usage               2
    ├── BackendError                  backend_failed      3
    │   ├── BadReply                  bad_reply           3
    │   ├── Unreachable               unreachable         3
    │   └── UnsupportedModel          unsupported_model   3
    ├── MissingError                  missing             4
    │   ├── MissingModel              missing_model       4
    │   ├── MissingDependency         missing_dependency  4
    │   └── MissingConfig             missing_config      4
    ├── NotFound                      not_found           5
    │   ├── NoSuchVideo               no_such_video       5
    │   └── NoSuchMoment              no_such_moment      5
    ├── MediaError                    media               6
    │   ├── NoSuchFile                no_such_file        6
    │   ├── Unreadable                unreadable          6
    │   ├── EmptyMedia                empty_media         6
    │   └── SourceGone                source_gone         6
    ├── StoreError                    store               3
    │   ├── Locked                    locked              3
    │   ├── Corrupt                   corrupt             3
    │   ├── NewerSchema               newer_schema        3
    │   ├── DiskFull                  disk_full           3
    │   └── KVError                   kv                  3
    │       ├── KVMismatch            kv_mismatch         3
    │       ├── KVDamaged             kv_damaged          3
    │       └── KVMissing             kv_missing          4
    ├── PartlyDone                    partly_done         7
    └── Interrupted                   interrupted       130
"""

from __future__ import annotations

from typing import ClassVar


class LongtakeError(Exception):
    """Root of every error a caller may catch; `str(error)` is one sentence: what, and why."""

    code: ClassVar[str] = "internal"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, fix: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


class UsageError(LongtakeError):
    """The request itself is off: a bad time, an unknown option value, an empty question."""

    code = "usage"
    exit_code = 2


class BackendError(LongtakeError):
    """A model or an endpoint failed."""

    code = "backend_failed"
    exit_code = 3


class BadReply(BackendError):
    """A model answered something that cannot be used, after one repair."""

    code = "bad_reply"


class Unreachable(BackendError):
    """An endpoint or a package index could not be reached."""

    code = "unreachable"


class UnsupportedModel(BackendError):
    """A model whose keys and values cannot be read and placed exactly."""

    code = "unsupported_model"


class MissingError(LongtakeError):
    """Something the work needs is not here; `fix` names the command that brings it."""

    code = "missing"
    exit_code = 4


class MissingModel(MissingError):
    """A model's weights are not in the model store."""

    code = "missing_model"


class MissingDependency(MissingError):
    """A library or program is not installed."""

    code = "missing_dependency"


class MissingConfig(MissingError):
    """A setting that has no default was not given."""

    code = "missing_config"


class NotFound(LongtakeError):
    """The library does not hold what was named."""

    code = "not_found"
    exit_code = 5


class NoSuchVideo(NotFound):
    """No video has this id, path or name, or several do."""

    code = "no_such_video"


class NoSuchMoment(NotFound):
    """The time or record lies outside what the library holds."""

    code = "no_such_moment"


class MediaError(LongtakeError):
    """The media cannot be read."""

    code = "media"
    exit_code = 6


class NoSuchFile(MediaError):
    """There is no file at this path."""

    code = "no_such_file"


class Unreadable(MediaError):
    """The file is not media, or is damaged beyond use, or its codec is unknown."""

    code = "unreadable"


class EmptyMedia(MediaError):
    """The file has no picture and no sound, or lasts no time."""

    code = "empty_media"


class SourceGone(MediaError):
    """The video file of an ingested video is no longer where it was."""

    code = "source_gone"


class StoreError(LongtakeError):
    """The library on disk cannot be used as asked."""

    code = "store"
    exit_code = 3


class Locked(StoreError):
    """Another process writes to this library."""

    code = "locked"


class Corrupt(StoreError):
    """The library's files contradict each other or cannot be read."""

    code = "corrupt"


class NewerSchema(StoreError):
    """The library was written by a newer version."""

    code = "newer_schema"


class DiskFull(StoreError):
    """There is no room left on the disk."""

    code = "disk_full"


class KVError(StoreError):
    """The key–value memory cannot be used as asked; text memory goes on without it."""

    code = "kv"


class KVMismatch(KVError):
    """The memory was made by another model, dtype, tokenizer or prefix, or has other shapes."""

    code = "kv_mismatch"


class KVDamaged(KVError):
    """A file of the memory is cut off, changed, or of another memory."""

    code = "kv_damaged"


class KVMissing(KVError):
    """A block, or the file that holds it, is not there; `fix` names the command that builds it."""

    code = "kv_missing"
    exit_code = 4


class PartlyDone(LongtakeError):
    """Some of the work was done and kept; the message lists the rest."""

    code = "partly_done"
    exit_code = 7


class Interrupted(LongtakeError):
    """The person stopped the work; what was done is kept."""

    code = "interrupted"
    exit_code = 130
