"""For pages and commands: make sure a worker is there, submit, wait. Nothing heavy is imported."""

from __future__ import annotations

from lab.runs.inline import run_inline

__all__ = ["run_inline"]
