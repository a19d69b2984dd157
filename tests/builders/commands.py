"""`python -m lab` many times over: each call is a process of its own, forked from one that has imported the commands.

A fresh interpreter spends 1.4 s of the processor on imports, at every call. Here one process imports them, starts no
thread, runs nothing, and forks for each call, whose words, environment, streams and exit code are its own.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parents[2]


class Commands:
    """Use it in a `with` block: the process that forks is gone at its end."""

    def __enter__(self) -> Commands:
        command = [sys.executable, "-m", "tests.builders.commands"]
        self._folder = tempfile.TemporaryDirectory()
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=60)
        self._folder.cleanup()

    def run(
        self,
        words: list[str],
        environ: Mapping[str, str] | None = None,
        answer: str = "",
        before: str = "",
        timeout_s: float = 280,
    ) -> subprocess.CompletedProcess[str]:
        """What `python -m lab WORDS` prints, and its exit code.

        Args:
            words: of the command line.
            environ: the whole environment of the call; None for that of the tests as it is now.
            answer: what stands on its standard input.
            before: lines of Python to run before the command.
            timeout_s: afterwards the test fails, and so do later calls.
        """
        folder = Path(tempfile.mkdtemp(dir=self._folder.name))
        (folder / "in").write_text(answer, "utf-8")
        asked = {
            "words": words,
            "environ": dict(os.environ if environ is None else environ),
            "before": before,
        }
        told, given = self._process.stdout, self._process.stdin
        assert told is not None and given is not None
        given.write(json.dumps({**asked, "folder": str(folder)}) + "\n")
        given.flush()
        if not select.select([told], [], [], timeout_s)[0]:
            self._process.kill()
            raise AssertionError(f"no answer within {timeout_s} s: lab {' '.join(words)}")
        code = int(told.readline())
        out, err = ((folder / name).read_text("utf-8") for name in ("out", "err"))
        return subprocess.CompletedProcess(["lab", *words], code, out, err)


def _serve() -> None:
    """Fork for each line of standard input, and tell the exit codes; a fork returns from here with its order."""
    from lab.threads import apply_thread_policy

    apply_thread_policy("cli")
    from lab.commands.main import run

    for line in iter(sys.stdin.readline, ""):
        pid = os.fork()
        if not pid:
            asked = json.loads(line)
            _become(asked)
            exec(asked["before"])  # noqa: S102  the test's own lines
            run()
            return
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n")
        sys.stdout.flush()


def _become(asked: dict[str, str]) -> None:
    """Take the call's words, environment and streams."""
    os.environ.clear()
    os.environ.update(asked["environ"])  # type: ignore[arg-type]
    sys.argv = ["lab", *asked["words"]]
    folder = Path(asked["folder"])
    for number, name in enumerate(("in", "out", "err")):
        with (folder / name).open("rb" if number == 0 else "wb") as stream:
            os.dup2(stream.fileno(), number)


if __name__ == "__main__":
    _serve()
