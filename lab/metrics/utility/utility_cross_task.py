"""Cross-task utility: whether samples made for one task help with another one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lab.errors import NotComputable
from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.patients import balanced_groups, index_patients
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec
from lab.metrics.utility.arms import PROBE, by_finding, finite, joined, left_out, read, sentences
from lab.metrics.utility.discrimination import Floats, Reading, gain_interval, gains
from lab.metrics.utility.probe import fit_probe, out_of_fold
from lab.metrics.utility.tasks import Labelled, Task, first_task, task_of
from lab.metrics.utility.utility_augmentation import TWICE, repeated

TITLE = "Gain on a second task"
FOLDS = 3


@metric(
    MetricSpec(
        name="utility-cross-task",
        title=f"{TITLE} (linear probe)",
        symbol="Δ₂",
        axis="utility",
        direction="higher",
        low=-1.0,
        high=1.0,
        null="the held-out line: what further real images add; at 0 the samples add nothing",
        null_line=0.0,
        needs=("features", "labels", "held-out", "second-task"),
        minimum_n=20,
        bias="prompts ask for findings of the first task only, so samples carry no label of the second: they can help"
        " through the representation that is learnt for the first task and in no other way here, and a first task of"
        f" two labels gives a representation of two numbers; {PROBE}",
        cost="about 25 logistic regressions on features: about 15 s for 1,000 images of 1,280 features and three labels"
        " on one core",
        reference="Xing et al. 2023, You don't have to be perfect to be amazing: unveil the utility of synthetic images"
        " (cross-task utility, defined there with networks trained anew); here by transfer of a probe's scores",
        definition="How much better the second label of real images is read from what a classifier learnt about the"
        " first one, after samples were added to what it learnt from.",
        floor=TWICE,
    )
)
def utility_cross_task(comparison: Comparison) -> Measurement:
    """Gain of a second task's macro AUROC when samples join the training of the representation.

    Representation: the log-odds of a first-task probe, one number a finding. A second probe learns the second task on
    the representation of training images (each from a first-task probe fitted on other patients, in three folds, so
    that it is not the probe's memory of them) and is read on held-out images. Arms: first-task probe of training images
    alone, or of training images and samples. Everything of the second task, training and test, is real.

    Interval: paired bootstrap over held-out patients. Control: held-out images of other patients join in place of
    samples, in three folds. Floor: training images added again. The details hold the gain on the first task too.
    """
    task = first_task(comparison, TITLE, ("real",), ("held_out",))
    second = _second(comparison)
    if not task.synthetic.n:
        raise NotComputable(f"{TITLE} needs samples with a label or with a prompt that names one.")
    rng, seed = comparison.rng("utility-cross-task"), comparison.seed
    arms = Arms(task, second, seed)
    before, after = arms.reading(None), arms.reading(task.synthetic)
    if finite(before.macro) is None:
        raise NotComputable(f"{TITLE} needs held-out images with and without a second label; add some.")
    again = arms.reading(repeated(task.real, task.synthetic.n, rng))
    control = arms.control()
    draws = int(rng.integers(2**31))
    gained = gains(before, after, control, again, draws)
    first = read(task.real, task.held_out), read(joined(task.real, task.synthetic), task.held_out)
    intra = first[1].macro - first[0].macro
    return Measurement(
        **gained,
        floor_n=task.synthetic.n,
        note=sentences(
            f"Second task from {before.macro:.3f} to {after.macro:.3f}; first task gains {intra:+.3f}.",
            "No interval: fewer than 20 held-out patients." if gained["low"] is None else "",
            left_out(second.left_out),
        ),
        details={
            "bars": {
                "First task (intra-task)": intra,
                "Second task (cross-task)": after.macro - before.macro,
            },
            "table": by_finding(second.names, {"before": before, "after": after}),
            "intra_task": dict(
                zip(("value", "low", "high"), (intra, *gain_interval(*first, draws)), strict=True)
            ),
        },
    )


@dataclass(frozen=True, eq=False)
class Arms:
    """Both tasks, and the second one read through what is learnt of the first."""

    task: Task
    second: Task
    seed: int

    def reading(self, more: Labelled | None) -> Reading:
        """The second task on held-out images; `more` joins the training of the representation."""
        test = self.second.held_out
        return Reading(self._scores(more, test.features), test.positive, test.patients)

    def control(self) -> Reading:
        """The same with held-out images of other patients as `more`."""
        test, first = self.second.held_out, self.task.held_out
        fold = balanced_groups(test.patients, min(FOLDS, index_patients(test.patients)[1]), self.seed)
        scores = np.empty(test.positive.shape)
        for number in np.unique(fold):
            away = fold == number
            others = np.flatnonzero(~np.isin(first.patients, test.patients[away]))
            scores[away] = self._scores(first.take(others), test.features[away])
        return Reading(scores, test.positive, test.patients)

    def _scores(self, more: Labelled | None, features: Floats) -> Floats:
        real, known = self.task.real, self.second.real
        whole = real if more is None else joined(real, more)
        representation = fit_probe(whole.features, whole.positive)
        further = None if more is None else (more.features, more.positive)
        told = np.full((len(real.features), real.positive.shape[1]), np.nan)
        told[:] = out_of_fold(real.features, real.positive, real.patients, FOLDS, self.seed, further)
        place = {int(row): at for at, row in enumerate(real.rows)}
        inside = np.asarray([at for at, row in enumerate(known.rows) if int(row) in place], dtype=np.int64)
        learnt = told[[place[int(row)] for row in known.rows[inside]]]
        return fit_probe(learnt, known.positive[inside], c=1.0).scores(representation.scores(features))


def _second(comparison: Comparison) -> Task:
    texts = dict(comparison.given.task_labels)
    if not texts:
        raise NotComputable(
            f"{TITLE} needs a second label of the real images: choose a column of their table."
        )
    return task_of(comparison, {**texts, "synthetic": None}, TITLE, ("real",), ("held_out",))
