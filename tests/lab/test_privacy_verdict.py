"""The word on the privacy of a set: planted copies never pass as private, measured or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from lab.analysis.verdict import INSIDE, OPEN, UNSEEN, WORSE, judge, judge_privacy, verdict
from lab.metrics.evaluate import evaluate
from lab.metrics.inputs import MetricInput
from lab.metrics.registry import all_specs
from lab.metrics.result import MetricResult

SPECS = {spec.name: spec for spec in all_specs()}
HEADLINE = "closer-to-training"
PLANTED, SAMPLES = 20, 160


def measured(
    planted: int, names: Sequence[str] = (HEADLINE, "near-copy-share")
) -> Mapping[str, MetricResult]:
    """Numbers of 160 samples, some of them copies of training images, by detectors that find exactly those."""
    rng = np.random.default_rng(5)
    train, held_out = rng.normal(size=(400, 12)), rng.normal(size=(200, 12))
    made = rng.normal(size=(SAMPLES, 12))
    made[:planted] = train[:planted] + 0.01 * rng.normal(size=(planted, 12))
    given = MetricInput(
        real=train, synthetic=made, held_out=held_out, extractor="toy",
        real_patients=np.asarray([f"p{row}" for row in range(400)]),
        held_out_patients=np.asarray([f"q{row}" for row in range(200)]),
        near_copy=np.arange(SAMPLES) < planted, control_near_copy=np.arange(200) < 1,
    )  # fmt: skip
    return {one.metric: one for one in evaluate(names, given, 0) if one.value is not None}


def test_copies_that_the_average_hides_are_not_called_private_without_a_detector() -> None:
    alone = measured(PLANTED, (HEADLINE,))
    assert judge(SPECS[HEADLINE], alone[HEADLINE])[0] == INSIDE, "one copy in eight moves this average little"
    word, reason = judge_privacy(alone, SPECS, HEADLINE)
    assert word == UNSEEN and "near-copy share was not measured" in reason
    told = verdict(list(alone.values()), SPECS)[2]
    assert (told.axis, told.word, told.tone) == ("privacy", UNSEEN, "open")


def test_the_detectors_number_decides_over_the_headline() -> None:
    known = measured(PLANTED)
    assert known["near-copy-share"].value == pytest.approx(PLANTED / SAMPLES)
    word, reason = judge_privacy(known, SPECS, HEADLINE)
    assert word == WORSE and "Near-copy share" in reason
    told = verdict(list(known.values()), SPECS)[2]
    assert (told.metric, told.word, told.tone) == (HEADLINE, WORSE, "bad")


def test_an_honest_set_is_called_so_only_where_copies_would_have_shown() -> None:
    known = measured(0)
    assert judge_privacy(known, SPECS, HEADLINE)[0] == INSIDE
    del known["near-copy-share"]
    assert judge_privacy(known, SPECS, HEADLINE)[0] == UNSEEN
    blind = replace(measured(0)["near-copy-share"], low=None, high=None)
    assert judge_privacy({**known, "near-copy-share": blind}, SPECS, HEADLINE)[0] == UNSEEN, (
        "a share without an interval tells nothing of chance"
    )


def test_any_privacy_number_that_is_worse_decides_and_other_questions_do_not() -> None:
    known = measured(0)
    leaky = replace(
        known[HEADLINE], metric="nndr", title="Distance ratio", value=0.2, low=0.1, high=0.3, control=0.9,
        control_low=0.85, control_high=0.95,
    )  # fmt: skip
    assert judge(SPECS["nndr"], leaky)[0] == WORSE
    word, reason = judge_privacy({**known, "nndr": leaky}, SPECS, HEADLINE)
    assert word == WORSE and "Distance ratio" in reason
    ugly = replace(leaky, metric="precision", title="Precision")
    assert judge(SPECS["precision"], ugly)[0] == WORSE
    assert judge_privacy({**known, "precision": ugly}, SPECS, HEADLINE)[0] == INSIDE
    unsure = replace(known[HEADLINE], low=None, high=None)
    assert judge_privacy({**known, HEADLINE: unsure}, SPECS, HEADLINE)[0] == OPEN
