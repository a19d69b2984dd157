"""The policy for threads and memory, set before torch or NumPy are imported.

libgomp spins while it waits: one other busy process then makes torch more than ten times slower. So threads wait
passively in every process, and a process inherits no other policy from the one that started it. libgomp reads the
variable once, when torch loads it. Only the standard library is imported here, so that every entry point can call it
first.
"""

from __future__ import annotations

import os
from typing import Literal

from lab.allocation import keep_freed_memory

Role = Literal["app", "cli", "worker", "test"]
SPIN_COUNT = "0"


def apply_thread_policy(role: Role) -> None:
    """Set the spin count and the BLAS threads; what the user has set is kept.

    Args:
        role: what the process is for; the app alone gives freed memory back.
    """
    os.environ.setdefault("GOMP_SPINCOUNT", SPIN_COUNT)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("NUMBA_NUM_THREADS", str(os.cpu_count() or 1))
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    if role != "app":  # it computes nothing, and stays small
        keep_freed_memory()
