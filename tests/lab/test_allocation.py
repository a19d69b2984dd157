"""Freed memory is kept between steps: measured by page faults in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from lab.allocation import keep_freed_memory

STEPS = (
    "import resource\nimport numpy as np\n"
    "def once():\n    held = [np.ones(1_000_000, np.float32) for _ in range(12)]\n    return len(held)\n"
    "once()\nbefore = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
    "for _ in range(20): once()\nprint(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)\n"
)


def faults(first: str, steps: str = STEPS) -> int:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run(
        [sys.executable, "-c", first + steps], capture_output=True, text=True, check=True, env=clean
    )
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="the C library of Linux alone is told")
def test_steps_of_a_network_fault_no_pages_in_again() -> None:
    policy = "from lab.threads import apply_thread_policy\napply_thread_policy('worker')\n"
    assert faults(policy) < 2_000 < faults("")


def test_what_the_user_has_set_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1")
    assert not keep_freed_memory()


@pytest.mark.skipif(sys.platform != "linux", reason="the C library of Linux alone is told")
def test_steps_in_threads_that_come_and_go_fault_no_pages_in_again() -> None:
    policy = "from lab.threads import apply_thread_policy\napply_thread_policy('worker')\n"
    threads = (
        "import threading\nheld = once\n"
        "def once():\n    both = [threading.Thread(target=held) for _ in range(2)]\n"
        "    for one in both: one.start()\n    for one in both: one.join()\n"
    )
    steps = STEPS.replace("once()\nbefore", f"{threads}once()\nonce()\nbefore")
    assert faults(policy, steps) < 25_000 < faults("", steps)
