"""From an exception in a run to the sentence a person sees, and to a log without their words in it."""

from __future__ import annotations

import errno
import secrets
import traceback
from dataclasses import dataclass
from pathlib import Path

from lab.atomic import write_bytes
from lab.errors import LabError, StoreError, disk_full, out_of_memory

NO_SPACE = "The run failed: no space is left; finished batches are kept; free the disk and resume."
_FORBIDDEN = {errno.EROFS, errno.EACCES, errno.EPERM}


@dataclass(frozen=True)
class Fault:
    """How a run failed.

    Args:
        message: the sentence to show.
        spoils: whether the process should be replaced before the next run.
    """

    message: str
    spoils: bool = False


def judge(error: Exception, logs: Path) -> Fault:
    """The sentence for an error that ended a run; an unforeseen one leaves a log under an opaque name."""
    if out_of_memory(error):
        return Fault(
            "The run failed because memory ran out; finished batches are kept; "
            "close other programs, or choose fewer images or a smaller generator, then resume.",
            spoils=True,
        )
    if isinstance(error, LabError):
        return Fault(str(error))
    if disk_full(error):
        return Fault(NO_SPACE)
    if isinstance(error, OSError) and error.errno in _FORBIDDEN:
        return Fault(
            "The run failed: the workspace cannot be written; finished batches are kept; "
            "allow writing and resume."
        )
    reference = write_log(error, logs)
    return Fault(
        f"The run failed: {type(error).__name__}; finished batches are kept; "
        f"resume it, or report the reference {reference} (logs/{reference}.log in the workspace)."
    )


def write_log(error: BaseException, logs: Path) -> str:
    """Write where `error` arose, without its message, which may quote a prompt; returns the reference."""
    reference = secrets.token_hex(4)
    try:
        write_bytes(logs / f"{reference}.log", "\n".join(_places(error)).encode("utf-8"))
    except StoreError:
        return f"{reference}, not written"
    return reference


def _places(error: BaseException) -> list[str]:
    lines: list[str] = []
    seen: BaseException | None = error
    while seen is not None:
        lines.append(f"{type(seen).__module__}.{type(seen).__qualname__}")
        lines += [text.rstrip() for text in traceback.format_tb(seen.__traceback__)]
        seen = seen.__cause__ or seen.__context__
        if seen is not None:
            lines.append("which came from")
    return lines
