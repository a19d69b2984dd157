"""Augmentation: what a classifier gains when samples join the real images it learns from."""

from __future__ import annotations

import numpy as np

from lab.errors import NotComputable
from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec
from lab.metrics.utility.arms import (
    COST,
    PROBE,
    at_size,
    by_finding,
    crossed,
    finite,
    joined,
    left_out,
    read,
    sentences,
)
from lab.metrics.utility.discrimination import gains
from lab.metrics.utility.tasks import Labelled, Task, first_task

TITLE = "Gain from adding samples"
DOSES = (0.25, 0.5, 1.0)
TWICE = "Training images added again"


@metric(
    MetricSpec(
        name="utility-augmentation",
        title=f"{TITLE} (linear probe)",
        symbol="Δ",
        axis="utility",
        direction="higher",
        low=-1.0,
        high=1.0,
        null="the held-out line: what further real images add; at 0 the samples add nothing",
        null_line=0.0,
        needs=("features", "labels", "held-out"),
        minimum_n=20,
        bias="small where the training images are many or the probe is near its ceiling; copies of training images move"
        f" it like training images added again, which is the floor; {PROBE}",
        cost=COST + ", three times that",
        reference="Xing et al. 2023, You don't have to be perfect to be amazing: unveil the utility of synthetic images"
        " (intra-task utility); here with frozen features",
        definition="How much better a classifier tells findings apart in real images after samples were added to the"
        " real images it learns from (area under the ROC curve, mean over findings, after minus before).",
        floor=TWICE,
    )
)
def utility_augmentation(comparison: Comparison) -> Measurement:
    """Macro AUROC on held-out images after training on real and synthetic images, minus that of real ones alone.

    Test labels are those of real images only. Interval: paired bootstrap over held-out patients, both probes fixed.
    Control: held-out images of other patients added in place of samples, in five folds. Floor: training images added
    a second time, as many as samples. The details hold a dose curve: a quarter, half and all of the samples.
    """
    task = first_task(comparison, TITLE, ("real",), ("held_out",))
    if not task.synthetic.n:
        raise NotComputable(f"{TITLE} needs samples with a label or with a prompt that names one.")
    test, rng = task.held_out, comparison.rng("utility-augmentation")
    before, after = read(task.real, test), read(joined(task.real, task.synthetic), test)
    if finite(before.macro) is None:
        raise NotComputable(f"{TITLE} needs held-out images with and without a finding; add some.")
    seed = int(rng.integers(2**31))
    beside = crossed(test, comparison.seed, task.real)
    again = read(joined(task.real, repeated(task.real, task.synthetic.n, rng)), test)
    gained = gains(before, after, beside, again, seed)
    curve = _doses(task, before.macro, after.macro, rng)
    return Measurement(
        **gained,
        floor_n=task.synthetic.n,
        note=sentences(
            f"From {before.macro:.3f} with {task.real.n} training images to {after.macro:.3f} with {task.synthetic.n}"
            f" samples beside them.",
            f"The control adds about {test.n * 4 // 5} held-out images.",
            "No interval: fewer than 20 held-out patients." if gained["low"] is None else "",
            left_out(task.left_out),
        ),
        details={"table": by_finding(task.names, {"before": before, "after": after}), "curve": curve},
    )


def repeated(images: Labelled, n: int, rng: np.random.Generator) -> Labelled:
    """`n` of the images; whole rounds of all of them where `n` is larger, then a draw by patient."""
    rounds, rest = divmod(n, images.n)
    rows = [np.arange(images.n)] * rounds
    drawn = at_size(images, rest, rng) if rest else images.take(np.zeros(0, dtype=np.int64))
    return joined(images.take(np.concatenate(rows)), drawn) if rows else drawn


def _doses(task: Task, before: float, after: float, rng: np.random.Generator) -> dict[str, object]:
    """Area against the number of samples added; smaller doses are drawn at random."""
    numbers, areas = [0], [before]
    for dose in DOSES[:-1]:
        n = max(1, round(dose * task.synthetic.n))
        some = task.synthetic.take(np.sort(rng.choice(task.synthetic.n, n, replace=False)))
        numbers.append(n)
        areas.append(read(joined(task.real, some), task.held_out).macro)
    return {
        "x": [*numbers, task.synthetic.n], "y": [*areas, after],
        "x_title": "Samples added to the training images",
        "y_title": "Area under the ROC curve on held-out images",
    }  # fmt: skip
