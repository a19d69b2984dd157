"""Which process a worker is: host, process id and birth, so that a reused id is never taken for it; and its end."""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import sys
from pathlib import Path

from lab.provenance import digest_bytes

_PR_SET_PDEATHSIG = 1


def own_name(role: str) -> str:
    """The name of this process in `role`, as `role@host:pid:birth`."""
    return name_of(role, os.getpid())


def name_of(role: str, pid: int) -> str:
    """The name of a living process of this host in `role`."""
    return f"{role}@{_host()}:{pid}:{_birth(pid)}"


def pid_of(name: str) -> int:
    """The process id in a worker's name."""
    return int(name.rsplit(":", 2)[1])


def is_local(name: str) -> bool:
    """Whether that worker is, or was, a process of this host."""
    return name.partition("@")[2].partition(":")[0] == _host()


def is_alive(name: str) -> bool:
    """Whether that worker of this host still lives (a zombie does not)."""
    pid, birth = name.rsplit(":", 2)[1:]
    return birth == _birth(int(pid))


def is_paused(pid: int) -> bool:
    """Whether the process was stopped by a signal and does not compute."""
    return _status(pid)[:1] == ["T"]


def _host() -> str:
    return digest_bytes(platform.node().encode("utf-8"))[:8]


def _status(pid: int) -> list[str]:
    try:
        # The fields after the command, which is in parentheses and may hold anything.
        return (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        )
    except OSError:
        return []


def _birth(pid: int) -> str:
    """Start of the process in clock ticks since boot, which do not move when the clock is set."""
    if Path("/proc/self/stat").exists():
        fields = _status(pid)
        return "dead" if not fields or fields[0] in ("Z", "X") else fields[19]
    import psutil

    try:
        process = psutil.Process(pid)
        return "dead" if process.status() == psutil.STATUS_ZOMBIE else str(int(process.create_time()))
    except psutil.NoSuchProcess:
        return "dead"


def die_with_parent(parent: int | None = None) -> None:
    """Have the system kill this process when its parent dies (Linux); end at once when it is dead already.

    Kinds that start processes of their own give this to them as initialiser, so that nothing is left behind.

    Args:
        parent: expected id of the parent; None takes it as it is.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent is not None and os.getppid() != parent:
        sys.exit(0)
