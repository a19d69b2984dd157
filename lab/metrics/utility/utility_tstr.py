"""Train on synthetic, test on real: what a classifier learns that never saw a real image."""

from __future__ import annotations

from lab.errors import NotComputable
from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec
from lab.metrics.utility.arms import (
    COST,
    FLOOR_DRAWS,
    PROBE,
    at_size,
    by_finding,
    crossed,
    finite,
    left_out,
    read,
    sentences,
    spread,
)
from lab.metrics.utility.calibration import brier, calibration_curve, calibration_error
from lab.metrics.utility.discrimination import Reading
from lab.metrics.utility.probe import fit_probe
from lab.metrics.utility.tasks import first_task

TITLE = "Train on synthetic, test on real"


@metric(
    MetricSpec(
        name="utility-tstr",
        title=f"{TITLE} (linear probe)",
        symbol="TSTR",
        axis="utility",
        direction="higher",
        low=0.0,
        high=1.0,
        null="the held-out line: a probe fitted on real images that no generator saw; 0.5 is a probe that learnt"
        " nothing; the floor is the same probe fitted on as many training images (TRTR)",
        null_line=None,
        needs=("features", "labels", "held-out"),
        minimum_n=20,
        bias=f"grows with the number of samples, so read it beside the floor at the same number; {PROBE}",
        cost=COST,
        reference="Esteban et al. 2017, Real-valued (medical) time series generation with recurrent conditional GANs;"
        " here with frozen features",
        definition="How well a classifier that learnt from samples alone tells findings apart in real images: the mean"
        " area under the ROC curve over findings.",
    )
)
def utility_tstr(comparison: Comparison) -> Measurement:
    """Macro AUROC on held-out images of a probe fitted on samples and the findings their prompts asked for.

    Test labels are those of real images only. Control: held-out images read by probes fitted on the other held-out
    patients, in five folds. Floor: probes fitted on training images, as many as samples (three draws). Interval:
    bootstrap over held-out patients, the probe fixed. AUROC as scikit-learn's to 1e-12. Brier score and expected
    calibration error in the details.
    """
    task = first_task(comparison, TITLE, ("synthetic", "real"), ("held_out",))
    test, rng = task.held_out, comparison.rng("utility-tstr")
    probe = fit_probe(task.synthetic.features, task.synthetic.positive)
    made = Reading(probe.scores(test.features), test.positive, test.patients)
    whole = read(task.real, test)
    low, high = made.interval(rng)
    control = crossed(test, comparison.seed)
    control_low, control_high = control.interval(rng)
    floors = [read(at_size(task.real, task.synthetic.n, rng), test).macro for _ in range(FLOOR_DRAWS)]
    if finite(made.macro) is None:
        raise NotComputable(f"{TITLE} needs held-out images with and without a finding; add some.")
    told = probe.probabilities(test.features)
    return Measurement(
        value=made.macro,
        low=low,
        high=high,
        control=finite(control.macro),
        control_low=control_low,
        control_high=control_high,
        **spread(floors),
        floor_n=min(task.real.n, task.synthetic.n),
        note=sentences(
            f"All {task.real.n} training images give {whole.macro:.3f} (TRTR).",
            "No interval: fewer than 20 held-out patients." if low is None else "",
            left_out(task.left_out),
        ),
        details={
            "bars": {
                "Samples (TSTR)": made.macro,
                "Training images (TRTR)": whole.macro,
                "As many training images": spread(floors)["floor"],
            },
            "table": by_finding(task.names, {"TSTR": made, "TRTR": whole}),
            "brier": brier(told, test.positive),
            "calibration_error": calibration_error(told, test.positive),
            "curve": calibration_curve(told, test.positive),
        },
    )
