"""The badge beside the privacy of a metric run: green only where a few copies among many samples would have shown."""

from __future__ import annotations

import pytest

from lab.runs.requests import evaluate_run

NAMES = ["closer-to-training", "near-copy-share", "nndr"]


@pytest.fixture
def badge(visit, loaded, builders):
    """Badge and sentence of privacy for a headline of 0.54 like real images, with more numbers beside it."""

    def told(*more):
        headline = builders.metric(NAMES[0], 0.54)
        headline |= {"low": 0.46, "high": 0.62, "control": 0.5, "control_low": 0.42, "control_high": 0.58}
        spec = evaluate_run(loaded["dataset"], "set-1", NAMES[: 1 + len(more)])
        app = visit("metrics", run=builders.finish(spec, {"results": [headline, *more]}).id)
        assert not app.exception
        shown = [part.value for part in app.markdown]
        (word,) = [value.partition("-badge[")[::2] for value in shown if "-badge[" in value]
        return word[0], word[1].partition("]")[0], "\n".join(shown).replace("\\", "")

    return told


def copies(builders, share: float, low: float, high: float, metric: str = "near-copy-share") -> dict:
    """A share beside a held-out control of 0.6 %."""
    made = builders.metric(metric, share)
    return made | {"low": low, "high": high, "control": 0.006, "control_low": 0.0, "control_high": 0.02}


def test_without_a_calibrated_detector_the_badge_is_neutral_and_says_so(badge) -> None:
    colour, word, shown = badge()
    assert (colour, word) == (":gray", "Copies not measured")
    assert "The near-copy share was not measured" in shown and "green-badge" not in shown


def test_twenty_planted_copies_among_160_samples_turn_it_amber(badge, builders) -> None:
    colour, word, shown = badge(copies(builders, 20 / 160, 0.08, 0.186))
    assert (colour, word) == (":orange", "Worse than real images")
    assert "But worse than real images: near-copy-share 0.125 (held-out 0.006)." in shown


def test_a_number_that_is_no_headline_turns_it_amber_too(badge, builders) -> None:
    honest = copies(builders, 0.006, 0.0, 0.02)
    near = copies(builders, 0.1, 0.05, 0.15, metric="nndr") | {
        "control": 0.8, "control_low": 0.7, "control_high": 0.9,
    }  # fmt: skip
    colour, word, shown = badge(honest, near)
    assert (colour, word) == (":orange", "Worse than real images") and "held-out 0.8" in shown


def test_it_is_green_where_the_detectors_found_no_more_than_among_real_images(badge, builders) -> None:
    colour, word, shown = badge(copies(builders, 0.006, 0.0, 0.02))
    assert (colour, word) == (":green", "Like real images")
    assert "was not measured" not in shown and "worse than real" not in shown
