"""Starting, recognising and ending the processes of one workspace."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

from lab.config import ROOT, Settings
from lab.provenance import digest_file, digest_json
from lab.runs.kind import extra_modules

SUPERVISOR = "lab.runs.supervisor"
LANE = "lab.runs.lane"


def spawn(
    module: str, place: Settings, *arguments: str, output: IO[bytes] | None = None
) -> subprocess.Popen[bytes]:
    """Start `python -m module --workspace ... arguments` in a session of its own."""
    command = [sys.executable, "-m", module, "--workspace", str(place.workspace), *arguments]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=worker_environment(place),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=None if output is None else subprocess.STDOUT,
        start_new_session=True,
    )


def worker_environment(place: Settings) -> dict[str, str]:
    """The environment for a worker process started from here."""
    env = dict(os.environ)
    env["LAB_WORKSPACE"] = str(place.workspace)
    env["LAB_STORE_URL"] = place.store_url
    here = [part for part in env.get("PYTHONPATH", "").split(os.pathsep) if part]
    env["PYTHONPATH"] = os.pathsep.join([str(ROOT), *(part for part in here if part != str(ROOT))])
    return env


def worker_code(place: Settings) -> str:
    """Digest of all that would make a worker started now differ; sources as they are on disk now."""
    found = (importlib.util.find_spec(name) for name in extra_modules())
    extra = [Path(spec.origin) for spec in found if spec is not None and spec.origin is not None]
    sources = [*sorted((ROOT / "lab").rglob("*.py")), *extra]
    code = [[str(source), digest_file(source)] for source in sources if source.exists()]
    return digest_json({"code": code, "device": place.device, "threads": place.threads})


def note(text: str) -> None:
    """Add a line to the worker's log; a full disk must not end the worker."""
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr, flush=True)


def kill_group(pid: int) -> None:
    """End a process that leads a session, and whatever it started."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def find_processes(workspace: Path) -> dict[int, str]:
    """Living supervisors and lanes of a workspace: process id to module."""
    import psutil

    found: dict[int, str] = {}
    for process in psutil.process_iter(["cmdline", "status"]):
        line = process.info["cmdline"] or []
        if str(workspace) not in line or process.info["status"] == psutil.STATUS_ZOMBIE:
            continue
        for module in (SUPERVISOR, LANE):
            if module in line:
                found[process.pid] = module
    return found
