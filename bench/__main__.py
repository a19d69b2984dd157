"""`python -m bench`: run every case in turn, ours and the peer alternating, and print medians and ratios."""

from __future__ import annotations

from lab.threads import apply_thread_policy

apply_thread_policy("cli")

import platform  # noqa: E402
import statistics  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402

from bench.cases import CASES, Case, Work  # noqa: E402
from lab.provenance import versions  # noqa: E402

REPEATS = 3


def timed(work: Work) -> tuple[float, object]:
    """Seconds and result of one call."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def compare(case: Case) -> dict[str, object]:
    """Alternate ours and the peer; the first round warms both up and is not counted."""
    ours, peers = [], []
    agrees = case.agrees(case.ours(), case.peer())
    for _ in range(REPEATS):
        ours.append(timed(case.ours)[0])
        peers.append(timed(case.peer)[0])
    mine, theirs = statistics.median(ours), statistics.median(peers)
    return {"ours": mine, "peer": theirs, "ratio": mine / theirs, "agrees": agrees}


def main() -> int:
    """Print one row a case; the exit code says whether all answers agreed."""
    from lab.device import limit_threads

    threads = limit_threads()
    packages = ", ".join(f"{name} {number}" for name, number in versions().items())
    sys.stdout.write(f"{platform.machine()}, {threads} threads; {packages}\n\n")
    sys.stdout.write(
        "| what | peer | ours, s | peer, s | ours / peer | same answer |\n| --- | --- | --- | --- | --- | --- |\n"
    )
    good = True
    for build in CASES:
        case = build()
        row = compare(case)
        good = good and bool(row["agrees"])
        numbers = f"{row['ours']:.2f} | {row['peer']:.2f} | {row['ratio']:.2f}"
        sys.stdout.write(
            f"| {case.name} | {case.peer_name} | {numbers} | {'yes' if row['agrees'] else 'NO'} |\n"
        )
        sys.stdout.flush()
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
