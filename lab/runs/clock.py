"""Two clocks: the wall clock is only shown, the boot clock alone decides whether a lease is stale.

The boot clock counts time asleep and never jumps when somebody sets the date. Its readings compare only
within one boot, so each is stored with the boot's identity.
"""

from __future__ import annotations

import subprocess
import sys
import time
from functools import lru_cache
from pathlib import Path


def wall() -> float:
    """Seconds since 1970, for display only."""
    return time.time()


def elapsed() -> float:
    """Seconds on a clock that never goes back and counts sleep where the system has one."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


@lru_cache(maxsize=1)
def boot_id() -> str:
    """Identity of this boot of the machine; "unknown" where the system gives none."""
    source = Path("/proc/sys/kernel/random/boot_id")
    if source.exists():
        return source.read_text(encoding="ascii").strip()
    if sys.platform == "darwin":
        asked = ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"]
        return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
    return "unknown"


def is_stale(boot: str | None, at: float | None, limit_s: float) -> bool:
    """Whether a reading of the boot clock is of another boot, or older than `limit_s`.

    A reading from the future is of another boot too: the boot clock never goes back.
    """
    if at is None or boot != boot_id():
        return True
    age = elapsed() - at
    return age < -1.0 or age > limit_s
