"""Micro-batches computed side by side on the threads of a processor, instead of all threads at each layer in turn.

A network of many small layers makes its threads meet after each of them: the fastest waits for the slowest, and any
other program that takes a core for a moment holds up all. Two micro-batches on a thread each never meet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Part = TypeVar("Part")
Found = TypeVar("Found")
# Activations of as many micro-batches lie in memory at once.
MOST = 4


def sides(threads: int, parts: int) -> int:
    """How many of `parts` equal micro-batches are computed at a time: a number that leaves no thread without work."""
    return next(count for count in range(MOST, 0, -1) if threads % count == 0 and parts % count == 0)


def side_by_side(work: Callable[[Part], Found], parts: Sequence[Part], at_once: int) -> list[Found]:
    """`work` of each part, in their order; torch's threads are shared out among `at_once` of them.

    The caller's own number of threads is as before when this returns. What `work` raises is raised here, once the
    parts that were begun are done; the others are left.

    Args:
        work: called in a thread of its own; keeps nothing between calls.
        at_once: as `sides` says; 1 computes here, on all threads.
    """
    import torch

    if at_once < 2:
        return [work(part) for part in parts]
    threads = torch.get_num_threads()
    pool = ThreadPoolExecutor(
        at_once, "side-by-side", initializer=torch.set_num_threads, initargs=(threads // at_once,)
    )
    try:
        return list(pool.map(work, parts))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        torch.set_num_threads(threads)  # the last to set it decides for threads that begin later
