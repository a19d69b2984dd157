"""The policy for threads and memory, set before torch or NumPy are imported.

libgomp spins while it waits: one other busy process then makes torch more than ten times slower.
Only the standard library is imported here, so that every entry point can call it first.
"""

from __future__ import annotations

import os

from lab.allocation import keep_freed_memory

_SPIN = {"app": "10000", "cli": "10000", "worker": "0", "test": "0"}


def apply_thread_policy(role: str) -> None:
    """Set the spin count and the BLAS threads for `role`; what the user has set is kept.

    Args:
        role: "app", "cli", "worker" or "test".

    Raises:
        KeyError: for another role.
    """
    os.environ.setdefault("GOMP_SPINCOUNT", _SPIN[role])
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("NUMBA_NUM_THREADS", str(os.cpu_count() or 1))
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    if role != "app":  # it computes nothing, and stays small
        keep_freed_memory()
