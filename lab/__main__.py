"""The command line: `python -m lab`. Everything a page can start, a shell can start."""

from __future__ import annotations

from lab.threads import apply_thread_policy

apply_thread_policy("cli")

from lab.commands.main import run  # noqa: E402  (the thread policy comes first)

if __name__ == "__main__":
    run()
