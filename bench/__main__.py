"""`python -m bench [WORD ...]`: run the cases, ours and the peers alternating, and print medians and ratios.

With words, only cases whose builder's name holds one of them are run.
"""

from __future__ import annotations

from lab.threads import apply_thread_policy

apply_thread_policy("cli")

import os  # noqa: E402
import platform  # noqa: E402
import statistics  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from collections.abc import Iterator  # noqa: E402
from dataclasses import dataclass  # noqa: E402

from bench.cases import Case, Work  # noqa: E402
from bench.listing import builders, reports  # noqa: E402
from lab.provenance import versions  # noqa: E402

REPEATS = 3
HEAD = ("what", "peer", "ours, s", "peer, s", "ours / peer", "processor time, ours / peer", "same answer")


@dataclass(frozen=True)
class Timing:
    """Seconds on the wall and of the processor, of one call."""

    wall: float
    processor: float


def timed(work: Work) -> Timing:
    """The time of one call; its result is dropped."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return Timing(time.perf_counter() - wall, time.process_time() - processor)


def compare(case: Case) -> Iterator[tuple[str, ...]]:
    """Alternate ours and every peer, one table row a peer; the first round warms all up and is not counted."""
    peers = {case.peer_name: case.peer, **case.others}
    mine = case.ours()
    agrees = {name: case.agrees(mine, work()) for name, work in peers.items()}
    times: dict[str, list[Timing]] = {name: [] for name in ("", *peers)}
    for _ in range(REPEATS):
        for name, work in {"": case.ours, **peers}.items():
            times[name].append(timed(work))
    wall = {name: statistics.median(one.wall for one in found) for name, found in times.items()}
    cpu = {name: statistics.median(one.processor for one in found) for name, found in times.items()}
    for name in peers:
        ratios = f"{wall[''] / wall[name]:.2f}", f"{cpu[''] / max(cpu[name], 1e-9):.2f}"
        answer = "yes" if agrees[name] else "NO"
        yield case.name, name, f"{wall['']:.3f}", f"{wall[name]:.3f}", *ratios, answer


def line(cells: tuple[str, ...]) -> None:
    """One row of a table, shown at once."""
    sys.stdout.write(f"| {' | '.join(cells)} |\n")
    sys.stdout.flush()


def main(words: list[str]) -> int:
    """Print one row a peer, then the reports; the exit code says whether all answers agreed."""
    from lab.device import limit_threads

    threads = limit_threads()
    packages = ", ".join(f"{name} {number}" for name, number in versions().items())
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    sys.stdout.write(f"{platform.machine()}, {threads} threads{load}; {packages}\n\n")
    line(HEAD)
    line(("---",) * len(HEAD))
    good = True
    for build in builders(words):
        for cells in compare(build()):
            good = good and cells[-1] == "yes"
            line(cells)
    for report in reports(words):
        sys.stdout.write("\n")
        for cells in report():
            line(cells)
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
