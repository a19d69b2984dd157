"""Freed memory is kept for the next step instead of being given back to the system and asked for again.

A network allocates the same few megabytes at each layer. By default the C library gives them back each time, and the
system hands out zeroed pages anew: in features of 256 px films that was 3,000 page faults a film and a third of the
time. Threads share one place to take memory from: by default each has its own, which is given back and asked for again
all the same. Only the standard library is imported here.
"""

from __future__ import annotations

import ctypes
import os
import sys

# Names of glibc's malloc.h; the largest threshold it takes for blocks of their own is 32 MB.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -2, -3, -8
_KEPT, _GROWN, _LARGE = 256 << 20, 16 << 20, 32 << 20


def keep_freed_memory() -> bool:
    """Keep up to 256 MB of freed memory; whether the C library knows how. What the user has set is left.

    Linux with glibc; elsewhere nothing is done.
    """
    if sys.platform != "linux" or any(name.startswith("MALLOC_") for name in os.environ):
        return False
    try:
        set_option = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    options = ((_MMAP_THRESHOLD, _LARGE), (_TRIM_THRESHOLD, _KEPT), (_TOP_PAD, _GROWN), (_ARENA_MAX, 1))
    return all(set_option(option, value) for option, value in options)


def give_back_freed_memory() -> None:
    """Give what is kept back to the system: between two runs nobody needs it."""
    if sys.platform != "linux":
        return
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        return
