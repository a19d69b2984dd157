"""What a metric run will cost, before it is launched: measured seconds of past runs, scaled to the sets at hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from lab.data.imageset import ImageSet
from lab.metrics.spec import MetricSpec
from lab.runs.records import Run
from lab.runs.store import RunStore
from lab.ui.metric_runs import listed
from lab.ui.run_panel import duration, expected

PAST = 30


@dataclass(frozen=True)
class Pace:
    """What one past run took.

    Attributes:
        extractor: of the run.
        images: on the three sides together.
        seconds: by metric, over all groups.
        rest: seconds of the run that no metric took: embedding, verdicts, opening images.
    """

    extractor: str
    images: int
    seconds: dict[str, float]
    rest: float


@dataclass(frozen=True)
class Estimate:
    """Seconds of what is known, and the metrics that no past run tells about."""

    seconds: float
    unknown: tuple[str, ...]
    runs: int


def pace(run: Run) -> Pace | None:
    """What a finished run tells; without measured seconds nothing."""
    results = (run.result or {}).get("results") or []
    seconds: dict[str, float] = {}
    for item in results:
        if item.get("seconds") is not None:
            seconds[item["metric"]] = seconds.get(item["metric"], 0.0) + float(item["seconds"])
    if not seconds:
        return None
    images = sum(results[0][side] for side in ("n_real", "n_synthetic", "n_held_out"))
    rest = max(0.0, (run.duration_s or 0.0) - sum(seconds.values()))
    return Pace(str(run.spec.settings["extractor"]), images, seconds, rest)


def estimate(names: Sequence[str], images: int, past: Sequence[Pace], groups: int = 0) -> Estimate:
    """Seconds for some metrics on `images` images.

    A metric seen at two sizes grows as it grew between them; one seen at one size grows with the square of it, because
    most metrics compare pairs. A breakdown takes about as long again as all images together.
    """
    total, unknown = 0.0, []
    for name in names:
        seen = {pace.images: pace.seconds[name] for pace in reversed(past) if name in pace.seconds}
        if seen:
            total += scaled(seen, images)
        else:
            unknown.append(name)
    rests = {pace.images: pace.rest for pace in reversed(past)}
    # What was embedded or judged once is stored: the least of like sizes is what a further run pays.
    rest = min((seconds * images / max(1, size) for size, seconds in rests.items()), default=0.0)
    return Estimate(total * (2 if groups else 1) + rest, tuple(unknown), len(past))


def scaled(seen: dict[int, float], images: int) -> float:
    """Seconds at `images` images from seconds at other sizes."""
    sizes = sorted(seen, key=lambda size: abs(math.log(max(1, size) / max(1, images))))
    nearest, power = sizes[0], 2.0
    if len(sizes) > 1:
        low, high = sorted(sizes[:2])
        ratio = max(seen[high], 1e-3) / max(seen[low], 1e-3)
        power = min(2.0, max(0.0, math.log(ratio) / math.log(high / low)))
    return seen[nearest] * float((images / max(1, nearest)) ** power)


def past_paces() -> list[Pace]:
    """What the newest finished runs of this workspace took."""
    found = (_pace(run.id) for run in listed(("done",), PAST))
    return [one for one in found if one is not None]


@st.cache_data(max_entries=128, show_spinner=False)
def _pace(run_id: str) -> Pace | None:
    """A finished run never changes."""
    return pace(RunStore.open().get(run_id))


def embedding_s(extractor: str, missing: int) -> float | None:
    """Seconds to embed `missing` images by one extractor, None where no past run tells."""
    if not missing:
        return 0.0
    told = expected("embed", missing, lambda run: _extracted(run, extractor))
    return told[0] if told else None


def in_words(told: Estimate, specs: dict[str, MetricSpec], first: float | None = 0.0) -> str:
    """The estimate as a sentence; what no past run tells is said in the words of the metrics themselves.

    Args:
        told: of the metrics.
        specs: by name.
        first: seconds of what is done before them; None where no past run tells.
    """
    if not told.runs:
        return "No past run to estimate from."
    if first is None:
        words = [
            f"About {duration(told.seconds)} for the metrics, from what past runs took; what comes first is not known."
        ]
    elif first >= 1.0:
        words = [f"About {duration(told.seconds + first)} in all, from what past runs took."]
    else:
        words = [f"About {duration(told.seconds)}, from what past runs took."]
    if told.unknown:
        costs = sorted({specs[name].cost for name in told.unknown}, key=len)
        shown = "; ".join(costs[:2]) + ("; …" if len(costs) > 2 else "")
        words.append(f"{_count(len(told.unknown))} never been measured here: {shown}.")
    return " ".join(words)


def images_of(sides: Sequence[ImageSet]) -> int:
    """Images of all sides."""
    return sum(len(one.ids()) for one in sides)


def _count(number: int) -> str:
    return "One metric has" if number == 1 else f"{number} metrics have"


def _extracted(run: Run, name: str) -> float:
    result = run.result or {}
    return float(result.get("extracted", 0)) if run.spec.settings["extractor"] == name else 0.0
