"""Run kinds: what a run can be, where it runs, and which sources its digest depends on.

A kind is a generator function `execute(spec, ctx)` under `@run_kind(...)`: it yields a `Progress` after each
batch and returns a dict of plain JSON. Built-in kinds are modules of `lab.runs.kinds`; a plug-in names its
own modules in `LAB_EXTRA_KINDS` (comma-separated, importable) and registers through the same door.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.provenance import code_digest
from lab.registry import Registry
from lab.runs.spec import Progress, RunSpec

if TYPE_CHECKING:
    from lab.runs.context import RunContext

Execute = Callable[[RunSpec, "RunContext"], Generator[Progress, None, dict[str, Any]]]
Warm = Callable[["RunContext"], Any]

LANES = ("device", "side", "net")
PRIORITIES = ("interactive", "batch")


@dataclass(frozen=True)
class RunKind:
    """A kind of run.

    Args:
        name: lower-case name, stored with each run.
        title: sentence-case words for pages.
        lane: "device" (owns the models), "side" (niced) or "net" (waits for a network, computes nothing).
        priority: "interactive" goes before "batch" and pre-empts it at a batch boundary.
        modules: modules whose source belongs to the digest; the declaring module always does.
        execute: the generator function.
    """

    name: str
    title: str
    lane: str
    priority: str
    modules: tuple[str, ...]
    execute: Execute

    @property
    def code(self) -> str:
        """Digest of the source of `modules`."""
        return code_digest(self.modules)


KINDS: Registry[RunKind] = Registry("run kind")
WARMERS: Registry[tuple[str, Warm]] = Registry("warm-up")


def run_kind(
    name: str, *, lane: str = "device", priority: str = "batch", modules: Sequence[str] = (), title: str = ""
) -> Callable[[Execute], Execute]:
    """Register the decorated generator function as a run kind.

    Raises:
        ValueError: for an unknown lane or priority, or a name that is taken.
    """
    if lane not in LANES or priority not in PRIORITIES:
        raise ValueError(f"run kind {name!r}: lane is one of {LANES}, priority one of {PRIORITIES}")

    def add(execute: Execute) -> Execute:
        declared = tuple(sorted({execute.__module__, *modules}))
        KINDS.register(name)(RunKind(name, title or name, lane, priority, declared, execute))
        return execute

    return add


def warm(lane: str) -> Callable[[Warm], Warm]:
    """Register a function that an idle lane calls once with a context, to load its models early.

    A generator function is stopped at its next `yield` as soon as a run waits in the lane.
    """
    if lane not in LANES:
        raise ValueError(f"a warm-up's lane is one of {LANES}")

    def add(hook: Warm) -> Warm:
        WARMERS.register(f"{lane}.{hook.__module__}.{hook.__qualname__}".lower())((lane, hook))
        return hook

    return add


def extra_modules() -> tuple[str, ...]:
    """Modules of plug-in kinds, from `LAB_EXTRA_KINDS`."""
    named = os.environ.get("LAB_EXTRA_KINDS", "").split(",")
    return tuple(name.strip() for name in named if name.strip())


def load_kinds() -> Registry[RunKind]:
    """Import the modules that declare kinds; returns the registry."""
    package = importlib.import_module("lab.runs.kinds")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    for name in extra_modules():
        importlib.import_module(name)
    return KINDS


def find_kind(name: str) -> RunKind:
    """The kind called `name`.

    Raises:
        NotFoundError: when there is none.
    """
    return load_kinds().get(name)


def warmers(lane: str) -> list[Warm]:
    """The warm-ups declared for `lane`."""
    load_kinds()
    return [hook for _, (owner, hook) in WARMERS if owner == lane]
