"""The errors a person may see: one sentence that says what happened, what was kept, what to do.

A `LabError` message is shown as it is, on pages and in the shell, so it never holds a patient's name,
a prompt or a path given by somebody else's file.
"""

from __future__ import annotations

import errno


class LabError(Exception):
    """Base of every error that is shown to a person word for word."""


class InputError(LabError):
    """A value from a form, a command line or a file lies outside its valid range."""


class NotFoundError(LabError):
    """A dataset, generator, sample set or run of that id does not exist here."""


class ImageError(LabError):
    """An image file is empty, damaged, too large, or not what its name says."""


class DatasetError(LabError):
    """A dataset cannot be imported or read."""


class GeneratorError(LabError):
    """A generator cannot be loaded or cannot answer this request."""


class WeightsError(GeneratorError):
    """Weights are missing, damaged, of another shape, or in a format that may run code."""


class StoreError(LabError):
    """The run store cannot be opened, written, or is of another version."""


class NotComputable(LabError):
    """A number that would be meaningless on this input; the message says what would suffice."""


class RunCancelled(LabError):
    """The run was asked to stop; finished batches are kept."""


class LeaseLost(LabError):
    """Another worker owns this run now; the late result is dropped."""


def disk_full(error: BaseException) -> bool:
    """Whether an error says that no space is left on the disk, or none of the user's share of it."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def out_of_memory(error: BaseException) -> bool:
    """Whether an error, or one that it came from, says that memory ran out, on the host or on an accelerator."""
    seen: BaseException | None = error
    while seen is not None:
        said = str(seen).lower()
        named = isinstance(seen, MemoryError) or type(seen).__name__ == "OutOfMemoryError"
        if named or (
            isinstance(seen, RuntimeError) and ("out of memory" in said or "can't allocate memory" in said)
        ):
            return True
        seen = seen.__cause__
    return False
