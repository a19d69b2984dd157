"""The suite FD + kernel distance + PRDC + nearest image on large sets beside the fastest public way to each number.

Values stand beside values; the same suite with controls, intervals and floors is told in a row of its own. Two words of
the environment, BENCH_ROWS and BENCH_ROUNDS, make the sets smaller or the rounds fewer.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.metric_cases import cloud
from bench.peers import PEERS, threads
from lab.metrics.points import Points, SetPair

HEAD = (
    "what", "peer, the fastest", "ours, s", "peer, s", "times as fast", "the same by processor time", "ours, MB",
    "peer, MB", "answer",
)  # fmt: skip
NAMES = tuple(PEERS)
Pair = NDArray[np.float64]
INTERVALS = ("frechet-distance", "kernel-distance", "precision", "recall", "density", "coverage")


@dataclass(frozen=True)
class Taken:
    """Seconds on the wall and of the processor, peak megabytes above what was there before, and the answer."""

    seconds: float
    processor: float
    megabytes: float
    answer: Any


def suite() -> Iterator[tuple[str, ...]]:
    """A table for 768 and 2,048 dimensions, and the sums."""
    from lab.device import limit_threads

    rows, rounds = int(os.environ.get("BENCH_ROWS", 10_000)), int(os.environ.get("BENCH_ROUNDS", 3))
    count = limit_threads()
    yield HEAD
    yield ("---",) * len(HEAD)
    sums = np.zeros(4)
    with threads(count):
        for dimension in (768, 2048):
            sums += yield from _dimension(rows, dimension, rounds)
    load = os.getloadavg()[0]
    yield ("all", f"{count} threads, load {load:.1f}", *_speeds(sums[:2], sums[2:]), "", "", "")


def _dimension(rows: int, dimension: int, rounds: int) -> Generator[tuple[str, ...], None, Pair]:
    """Rows of one dimension; returns wall and processor seconds of the suite and of the peers in sum."""
    real, synthetic = cloud(rows, dimension, 2), cloud(rows, dimension, 3)
    size = f"{rows:,} and {rows:,} x {dimension:,}"
    first = {name: [taken(partial(peer.work, real, synthetic)) for peer in PEERS[name]] for name in NAMES}
    chosen = {name: int(np.argmin([one.processor for one in first[name]])) for name in NAMES}
    works: dict[str, Callable[[], Any]] = {
        f"peer {name}": partial(PEERS[name][chosen[name]].work, real, synthetic) for name in NAMES
    }
    works |= {f"ours {name}": partial(ALONE[name], real, synthetic) for name in NAMES}
    works["ours suite"] = lambda: together(real, synthetic)
    found: dict[str, list[Taken]] = {key: [] for key in works}
    for _ in range(rounds):
        for key, work in works.items():
            found[key].append(taken(work))
    middle = {key: _medians(each) for key, each in found.items()}
    most = {key: max(one.megabytes for one in each) for key, each in found.items()}
    for name in NAMES:
        ours, peer = f"ours {name}", f"peer {name}"
        same = _same(name, found[ours][0].answer, found[peer][0].answer)
        told = PEERS[name][chosen[name]].name
        speeds = _speeds(middle[ours], middle[peer])
        yield f"{name}, {size}", told, *speeds, f"{most[ours]:,.0f}", f"{most[peer]:,.0f}", same
    peers = np.sum([middle[f"peer {name}"] for name in NAMES], axis=0)
    largest = max(most[f"peer {name}"] for name in NAMES)
    cells = *_speeds(middle["ours suite"], peers), f"{most['ours suite']:,.0f}", f"{largest:,.0f}"
    yield f"suite, {size}", "the four above, one after another", *cells, ""
    whole = taken(lambda: with_intervals(real, synthetic))
    yield (
        f"suite with controls, intervals and floors, {size}",
        "the same, values alone",
        *_speeds(_medians([whole]), peers),
        f"{whole.megabytes:,.0f}",
        f"{largest:,.0f}",
        "",
    )
    return np.concatenate([middle["ours suite"], peers])


def suite_with_intervals() -> Iterator[tuple[str, ...]]:
    """The suite's values alone, then with controls, intervals and floors: one round each, 768 dimensions."""
    from lab.device import limit_threads

    rows = int(os.environ.get("BENCH_ROWS", 10_000))
    yield f"{rows:,} and {rows:,} x 768", "s", "processor, s", "peak, MB"
    yield ("---",) * 4
    real, synthetic = cloud(rows, 768, 2), cloud(rows, 768, 3)
    with threads(limit_threads()):
        for told, work in (
            ("values alone", together),
            ("with controls, intervals and floors", with_intervals),
        ):
            one = taken(partial(work, real, synthetic))
            yield told, f"{one.seconds:.1f}", f"{one.processor:.1f}", f"{one.megabytes:,.0f}"


def _medians(rounds: list[Taken]) -> Pair:
    """Wall and processor seconds, (2,)."""
    return np.median([(one.seconds, one.processor) for one in rounds], axis=0)


def _speeds(ours: Pair, peer: Pair) -> tuple[str, str, str, str]:
    return f"{ours[0]:.2f}", f"{peer[0]:.2f}", f"{peer[0] / ours[0]:.2f}", f"{peer[1] / ours[1]:.2f}"


def taken(work: Callable[[], Any]) -> Taken:
    """Run once; the peak is read from the kernel where it can be reset (Linux), else 0."""
    gc.collect()
    before, peak = _resident("VmRSS"), Path("/proc/self/clear_refs")
    if peak.exists():
        peak.write_text("5", "ascii")
    start, spent = time.perf_counter(), time.process_time()
    answer = work()
    seconds, spent = time.perf_counter() - start, time.process_time() - spent
    return Taken(seconds, spent, max(_resident("VmHWM") - before, 0.0), answer)


def _resident(name: str) -> float:
    status = Path("/proc/self/status")
    lines = status.read_text("ascii").splitlines() if status.exists() else []
    return next((float(line.split()[1]) / 1024 for line in lines if line.startswith(name)), 0.0)


def pair(real: Any, synthetic: Any, shared: bool = False) -> SetPair:
    """Both sets as points around the training images' mean, without patients: values alone."""
    names = np.arange(max(len(real), len(synthetic))).astype(str)
    one = Points(real, names[: len(real)], np.arange(len(real)), None, 0, shared=shared)
    two = Points(
        synthetic, names[: len(synthetic)], np.arange(len(synthetic)), None, 0, None, one.middle, shared
    )
    return SetPair(one, two)


def _neighbourhoods(sets: SetPair) -> list[float]:
    from lab.metrics import neighbourhoods as shares

    named = (
        shares.precision_statistic,
        shares.recall_statistic,
        shares.density_statistic,
        shares.coverage_statistic,
    )
    return [statistic(sets).value for statistic in named]


def _frechet(real: NDArray[np.float32], synthetic: NDArray[np.float32]) -> float:
    from lab.metrics.gaussians import frechet_of

    return frechet_of(real, synthetic)


def _kernel(real: NDArray[np.float32], synthetic: NDArray[np.float32]) -> float:
    from lab.metrics.fidelity.kernel_distance import kernel_statistic

    return kernel_statistic(pair(real, synthetic)).value


def _nearest(real: NDArray[np.float32], synthetic: NDArray[np.float32]) -> Any:
    from lab.metrics.passes import nearest_training

    one, two = (
        Points(side, np.arange(len(side)).astype(str), np.arange(len(side)), None, 0)
        for side in (real, synthetic)
    )
    return nearest_training(SetPair(one, two))[0]


ALONE: dict[str, Callable[[Any, Any], Any]] = dict(
    zip(NAMES, (_frechet, _kernel, lambda a, b: _neighbourhoods(pair(a, b)), _nearest), strict=True)
)


def together(real: NDArray[np.float32], synthetic: NDArray[np.float32]) -> tuple[Any, ...]:
    """All numbers from one pass over the inner products, and the Fréchet distance."""
    from lab.metrics.fidelity.kernel_distance import kernel_statistic

    sets = pair(real, synthetic, shared=True)
    return (
        _neighbourhoods(sets),
        kernel_statistic(sets).value,
        sets.nearest_training[0],
        _frechet(real, synthetic),
    )


def with_intervals(real: NDArray[np.float32], synthetic: NDArray[np.float32]) -> list[Any]:
    """The numbers as a run gives them, with two films a patient and half as many held-out images."""
    from lab.metrics.evaluate import evaluate
    from lab.metrics.inputs import MetricInput

    held_out = cloud(len(real) // 2, real.shape[1], 5)
    people = np.asarray([f"p{row // 2}" for row in range(len(real))])
    others = np.asarray([f"q{row // 2}" for row in range(len(held_out))])
    given = MetricInput(real, people, synthetic, held_out=held_out, held_out_patients=others)
    return [result.value for result in evaluate(INTERVALS, given)]


def _same(name: str, ours: Any, peer: Any) -> str:
    """Whether the answers agree: neighbours in 999 of 1,000 rows, numbers to 1e-3 of the larger (or of 1e-3)."""
    if name == NAMES[3]:
        return "same" if float(np.mean(np.asarray(ours) == np.asarray(peer))) > 0.999 else "OTHER"
    a, b = np.atleast_1d(np.asarray(ours, float)), np.atleast_1d(np.asarray(peer, float))
    known = np.isfinite(b)
    return "same" if np.allclose(a[known], b[known], rtol=1e-3, atol=1e-3) else "OTHER"
