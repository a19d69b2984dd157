"""Train on real, test on synthetic: whether samples show to a real classifier what their prompts asked for."""

from __future__ import annotations

from typing import Any

import numpy as np

from lab.errors import NotComputable
from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.patients import FEW, balanced_draw
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec
from lab.metrics.utility.arms import COST, PROBE, by_finding, finite, left_out, sentences, spread
from lab.metrics.utility.discrimination import Interval, Reading
from lab.metrics.utility.probe import Probe, fit_probe
from lab.metrics.utility.tasks import Labelled, Task, first_task

TITLE = "Train on real, test on synthetic"
FLOOR_DRAWS = 20


@metric(
    MetricSpec(
        name="utility-trts",
        title=f"{TITLE} (linear probe)",
        symbol="TRTS",
        axis="utility",
        direction="higher",
        low=0.0,
        high=1.0,
        null="the held-out line: the same probe on real images it has not seen (TRTR); 0.5 is a guess",
        null_line=None,
        needs=("features", "labels", "held-out"),
        minimum_n=20,
        bias="samples that show a finding more plainly than life score above real images, and a set of one picture a"
        f" finding scores 1: read it beside a measure of diversity; {PROBE}",
        cost=COST,
        reference="Esteban et al. 2017, Real-valued (medical) time series generation with recurrent conditional GANs;"
        " here with frozen features",
        definition="How well a classifier that learnt from real images alone tells samples with a prompted finding from"
        " the others: the mean area under the ROC curve over findings.",
    )
)
def utility_trts(comparison: Comparison) -> Measurement:
    """Macro AUROC on samples of a probe fitted on training images; the truth is what the prompts asked for.

    Control: the same probe on held-out images. Floor: the control at as many images. Intervals: bootstrap over
    patients, samples or their patients, the probe fixed.
    """
    task = first_task(comparison, TITLE, ("real",), ("synthetic",))
    rng = comparison.rng("utility-trts")
    made, control = readings(task, fit_probe(task.real.features, task.real.positive))
    if finite(made.macro) is None:
        raise NotComputable(f"{TITLE} needs samples with and without a prompted finding; add some.")
    fields = beside(made, control, (made.interval(rng), control.interval(rng)), rng)
    return Measurement(
        **fields,
        note=sentences(FEW if fields["low"] is None else "", left_out(task.left_out)),
        details={
            "bars": {"Samples (TRTS)": made.macro, "Held-out images (TRTR)": finite(control.macro)},
            "table": by_finding(task.names, {"TRTS": made, "TRTR": control}),
        },
    )


def readings(task: Task, probe: Probe) -> tuple[Reading, Reading]:
    """Samples and held-out images as a probe of the training images sees them."""

    def read(side: Labelled) -> Reading:
        return Reading(probe.scores(side.features), side.positive, side.patients)

    return read(task.synthetic), read(task.held_out)


def beside(
    made: Reading, control: Reading, ends: tuple[Interval, Interval], rng: np.random.Generator
) -> dict[str, Any]:
    """Samples beside held-out images, their intervals, and the floor at the smaller n, as fields of a `Measurement`."""
    n = min(len(made.scores), len(control.scores))
    (low, high), (control_low, control_high) = ends
    found = {"low": low, "high": high, "control_low": control_low, "control_high": control_high}
    floor = spread(smaller(control, n, rng))
    return {"value": made.macro, "control": finite(control.macro), **found, **floor, "floor_n": n}


def smaller(reading: Reading, n: int, rng: np.random.Generator) -> list[float]:
    """Areas of `n` of the images, patients counted equally: one where there are no more, else 20 draws."""
    if not len(reading.scores):
        return []
    draws = 1 if n >= len(reading.scores) else FLOOR_DRAWS
    rows = [balanced_draw(reading.patients, n, rng) for _ in range(draws)]
    return [Reading(reading.scores[one], reading.positive[one], reading.patients[one]).macro for one in rows]
