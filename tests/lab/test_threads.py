"""The thread policy of every entry point: in the environment before torch is loaded, and taken by libgomp itself."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lab.config import ROOT
from lab.threads import SPIN_COUNT

ENTRIES = {
    "lab.__main__": "lab/__main__.py",
    "bench.__main__": "bench/__main__.py",
    "lab.runs.supervisor": "lab/runs/supervisor.py",
    "lab.runs.lane": "lab/runs/lane.py",
    "lab.generators.training.__main__": "lab/generators/training/__main__.py",
    "app": "app.py",
}
WITHOUT_TORCH = {"lab/data/intake/header_child.py", "bench/browser_viewer.py", "bench/browser_map_many.py"}
SCRIPT = """
import ctypes, importlib, os, sys
importlib.import_module(sys.argv[1])
assert "torch" not in sys.modules, "the policy comes too late"
print("set to", os.environ["GOMP_SPINCOUNT"], flush=True)
if sys.argv[2]:
    ctypes.CDLL(sys.argv[2])
"""


def runtime() -> str:
    """torch's own libgomp; "" where it has another runtime."""
    found = importlib.util.find_spec("torch")
    places = (found.submodule_search_locations or []) if found is not None else []
    return next((str(file) for place in places for file in Path(place).glob("lib/libgomp*.so*")), "")


def told(module: str, **changes: str) -> str:
    """What a fresh process says that imports an entry point and then loads libgomp, which prints what it has read."""
    clean = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, module, runtime()], cwd=ROOT, capture_output=True, text=True, check=True,
        env=clean | {"OMP_DISPLAY_ENV": "verbose"} | changes,
    )  # fmt: skip
    return done.stdout + done.stderr


@pytest.mark.parametrize("module", ENTRIES)
def test_threads_wait_passively_in_every_entry_point(module: str) -> None:
    said = told(module)
    assert f"set to {SPIN_COUNT}\n" in said
    if runtime():
        assert re.search(rf"GOMP_SPINCOUNT = '{SPIN_COUNT}'", said), said[-500:]


def test_what_the_user_has_set_is_kept() -> None:
    said = told("lab.__main__", GOMP_SPINCOUNT="700")
    assert "set to 700\n" in said
    if runtime():
        assert "GOMP_SPINCOUNT = '700'" in said


def test_every_program_of_the_project_is_known_here() -> None:
    sources = [ROOT / "app.py", *(ROOT / "lab").rglob("*.py"), *(ROOT / "bench").rglob("*.py")]
    programs = {
        str(source.relative_to(ROOT))
        for source in sources
        if source.name in ("app.py", "__main__.py")
        or 'if __name__ == "__main__"' in source.read_text("utf-8")
    }
    assert programs == {*ENTRIES.values(), *WITHOUT_TORCH}
