"""AUROC by finding: a classifier of real images reads samples, the prompt says what it should have read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.patients import FEW
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec
from lab.metrics.utility.arms import COST, finite, left_out, rounded, sentences
from lab.metrics.utility.discrimination import Reading, means, percentiles
from lab.metrics.utility.probe import fit_probe
from lab.metrics.utility.tasks import Labelled, first_task
from lab.metrics.utility.utility_trts import beside, readings

TITLE = "AUROC by finding"


@metric(
    MetricSpec(
        name="finding-auroc",
        title=TITLE,
        symbol="AUROC",
        axis="alignment",
        direction="higher",
        low=0.0,
        high=1.0,
        null="the held-out line: the same classifier on real images it has not seen; 0.5 is a guess",
        null_line=None,
        needs=("features", "labels", "held-out"),
        minimum_n=20,
        bias="bounded by the classifier, not by the generator: samples can score above real images when they show a"
        " finding more plainly than life; prompts of few findings leave few images beside each",
        cost=COST,
        reference="Chambon et al. 2022, RoentGen: vision-language foundation model for chest x-ray generation; here the"
        " classifier is a linear probe on the chosen features",
        definition="How well a classifier of real images tells samples whose prompt asks for a finding from the others,"
        " finding by finding, then averaged.",
    )
)
def finding_auroc(comparison: Comparison) -> Measurement:
    """Macro AUROC of prompted findings in samples, read by a probe of training images; a table by finding.

    Several findings an image count where the manifest lists them. Each sample's own score is the mean probability of
    the findings that its prompt asks for, NaN for a sample without any. Intervals, in the table too: bootstrap over
    patients or samples, the classifier fixed. Control: held-out images. Floor: the control at the samples' n.

    Raises:
        NotComputable: when no finding has 5 training images with and 5 without it, and samples of both kinds.
    """
    task = first_task(comparison, TITLE, ("real",), ("synthetic",))
    probe = fit_probe(task.real.features, task.real.positive)
    made, control = readings(task, probe)
    if finite(made.macro) is None:
        raise NotComputable(f"{TITLE} needs samples with and without a prompted finding; add some.")
    rng = comparison.rng("finding-auroc")
    drawn, drawn_control = (one.drawn(rng) if one.enough else None for one in (made, control))
    ends = tuple((None, None) if one is None else percentiles(means(one)) for one in (drawn, drawn_control))
    return Measurement(
        **beside(made, control, (ends[0], ends[1]), rng),
        note=sentences(
            f"Mean over {len(task.names)} findings.",
            FEW if drawn is None else "",
            left_out(task.left_out),
        ),
        per_image=_own(probe.probabilities(task.synthetic.features), task.synthetic, comparison.synthetic.n),
        details={
            "table": _table(task.names, made, control, drawn),
            "bars": {name: rounded(made.by_finding[at]) for at, name in enumerate(task.names)},
        },
    )


def _own(told: NDArray[np.float64], samples: Labelled, n: int) -> NDArray[np.float64]:
    """(n,) in the caller's order: mean probability of the findings each prompt asks for."""
    asked = samples.positive.sum(axis=1)
    sums = np.where(samples.positive, told, 0.0).sum(axis=1)
    found = np.full(n, np.nan)
    found[samples.rows] = np.divide(sums, asked, out=np.full(len(sums), np.nan), where=asked > 0)
    return found


def _table(
    names: tuple[str, ...], made: Reading, control: Reading, drawn: NDArray[np.float64] | None
) -> list[dict[str, object]]:
    rows = []
    for at, name in enumerate(names):
        low, high = (None, None) if drawn is None else percentiles(drawn[:, at])
        rows.append(
            {
                "finding": name,
                "samples with": int(made.positive[:, at].sum()),
                "samples without": int((~made.positive[:, at]).sum()),
                "AUROC": rounded(made.by_finding[at]),
                "low": None if low is None else rounded(low),
                "high": None if high is None else rounded(high),
                "held-out images with": int(control.positive[:, at].sum()),
                "held-out AUROC": rounded(control.by_finding[at]) if len(control.scores) else None,
            }
        )
    return rows
