"""Run kinds that tests can hold, count and break. Lanes import them through LAB_EXTRA_KINDS.

A kind is held at batch i while the file `hold-i` lies in the folder `gates`, and leaves `at-i` there.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
import weakref
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np

from lab.runs.context import RunContext
from lab.runs.kind import run_kind, warm
from lab.runs.spec import Progress, RunSpec

Steps = Generator[Progress, None, dict[str, Any]]


def stand(gates: str | None, name: object) -> None:
    """Wait while `hold-name` is there."""
    if gates is None:
        return
    hold = Path(gates) / f"hold-{name}"
    if hold.exists():
        (Path(gates) / f"at-{name}").touch()
    while hold.exists():
        time.sleep(0.005)


def squares(spec: RunSpec, ctx: RunContext) -> Steps:
    """Squares of 0..n-1, one part each; every computed index goes to the file `computed`."""
    gates, count = spec.settings.get("gates"), spec.settings["n"]
    parts = []
    for index in range(count):
        part = ctx.part(str(index))
        if part is None:
            stand(gates, index)
            time.sleep(spec.settings.get("delay", 0.0))
            part = str(index * index).encode()
            ctx.save_part(str(index), part)
            if gates is not None:
                with (Path(gates) / "computed").open("a") as log:
                    log.write(f"{index}\n")
        parts.append(part)
        yield ctx.progress("Squaring", index + 1, count)
    stand(gates, "artifact")
    if spec.settings.get("hold_write"):
        hold_writes(gates)
    return {"artifact": ctx.artifact(b",".join(parts), ".txt"), "pid": os.getpid()}


def hold_writes(gates: str | None) -> None:
    """Stand between writing an artifact's bytes and giving the file its name."""
    fsync = os.fsync

    def held(descriptor: int) -> None:
        stand(gates, "fsync")
        fsync(descriptor)

    os.fsync = held


run_kind("toy-squares", lane="side", title="Squares")(squares)
run_kind("toy-device", lane="device", title="Squares on the device")(squares)


@run_kind("toy-urgent", lane="device", priority="interactive", title="Urgent")
def urgent(spec: RunSpec, ctx: RunContext) -> Steps:
    """Ends at once, unless it is held."""
    stand(spec.settings.get("gates"), "urgent")
    yield ctx.progress("Answering", 1, 1)
    return {"at": time.monotonic(), "pid": os.getpid()}


@run_kind("toy-model", lane="device", title="Model")
def model(spec: RunSpec, ctx: RunContext) -> Steps:
    """Uses a resident object; tells whether it was built now."""
    built: list[int] = []
    ctx.resident(spec.settings["model"], lambda: built.append(1) or object())
    yield ctx.progress("Using", 1, 1)
    return {"built": bool(built), "pid": os.getpid()}


@warm("device")
def load_early(ctx: RunContext) -> Generator[None, None, None]:
    """Loads the object "early" while the lane is idle."""
    ctx.resident("early", object)
    yield
    (ctx.settings.workspace / "warmed").touch()


@run_kind("toy-broken", lane="side", title="Broken")
def broken(spec: RunSpec, ctx: RunContext) -> Steps:
    """Fails in the way its settings name."""
    yield ctx.progress("Breaking", 1, 3)
    how = spec.settings["how"]
    if how == "memory":
        raise MemoryError
    if how == "accelerator":
        raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
    if how == "space":
        raise OSError(errno.ENOSPC, "No space left on device")
    if how == "hang":
        while True:
            time.sleep(0.05)
    if how == "exit":
        os._exit(9)
    raise ValueError(f"could not use the prompt {spec.settings['prompt']!r}")


@run_kind("toy-parent", lane="side", title="Parent")
def parent(spec: RunSpec, ctx: RunContext) -> Steps:
    """Starts a process of its own and tells its id, then stands."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (Path(spec.settings["gates"]) / "child").write_text(str(child.pid))
    yield ctx.progress("Starting", 1, 2)
    stand(spec.settings["gates"], "child")
    child.kill()
    child.wait()
    return {}


class Weights:
    """So many bytes in memory, as a loaded generator has them."""

    def __init__(self, size: int) -> None:
        self.array = np.zeros(size, np.uint8)


LOADED: weakref.WeakSet[Weights] = weakref.WeakSet()


@run_kind("toy-generator", lane="device", priority="interactive", title="Generator")
def large(spec: RunSpec, ctx: RunContext) -> Steps:
    """Loads a generator of the workspace as residents do; the file `loaded` tells what was in memory after each."""
    name, gates = spec.settings["generator"], spec.settings["gates"]
    weights = ctx.resident(f"generator:{name}:w", lambda: Weights(spec.settings["size"]))
    LOADED.add(weights)
    with (Path(gates) / "loaded").open("a") as log:
        log.write(f"{name} {len(LOADED)} {sum(one.array.nbytes for one in LOADED)}\n")
    stand(gates, name)
    yield ctx.progress("Using", 1, 1)
    return {"pid": os.getpid()}
