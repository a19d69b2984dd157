"""Two extractors on the same sets: agreement is about order and about what intervals leave open, never about scales."""

from __future__ import annotations

import pytest

from lab.metrics.registry import load_metrics
from lab.metrics.result import MetricResult
from lab.ui.metric_agreement import (
    AGREE,
    ALONE,
    DIFFER,
    OPEN,
    Side,
    agreement,
    agreements,
    better,
    of_runs,
    summary,
    with_control,
)

SPECS = {name: entry.spec for name, entry in load_metrics()}
LOWER, HIGHER, NULL = SPECS["kernel-distance"], SPECS["precision"], SPECS["closer-to-training"]
PAIR = ("one", "two")


def _two(first: tuple[float, float], second: tuple[float, float]) -> list[Side]:
    """The samples and held-out images by the ends of their intervals."""
    return [
        Side(name, sum(ends) / 2, *ends)
        for name, ends in (("the samples", first), ("held-out images", second))
    ]


@pytest.mark.parametrize(
    ("spec", "one", "two", "expected"),
    [
        (LOWER, (0.0, 0.1), (0.2, 0.3), 1),
        (LOWER, (0.2, 0.3), (0.0, 0.1), -1),
        (LOWER, (0.0, 0.2), (0.1, 0.3), 0),
        (HIGHER, (0.0, 0.1), (0.2, 0.3), -1),
        (NULL, (0.45, 0.55), (0.8, 0.9), 1),
        (NULL, (0.1, 0.2), (0.48, 0.6), -1),
        (NULL, (0.1, 0.2), (0.8, 0.9), 0),
    ],
)
def test_better_follows_the_direction_of_the_metric(spec, one, two, expected) -> None:
    sides = _two(one, two)
    assert better(spec, *sides) == expected == -better(spec, *reversed(sides))


def test_a_scale_of_its_own_changes_no_agreement() -> None:
    """Distances in another space are a hundred times larger: only the order counts."""
    small, large = _two((0.2, 0.3), (0.0, 0.1)), _two((20.0, 30.0), (0.0, 10.0))
    found = agreement(LOWER, small, large, PAIR)
    assert found.word == AGREE and found.sentence == "Both find held-out images better than the samples."


def test_one_alone_and_opposite_orders_are_told() -> None:
    clear, unclear, opposite = (
        _two((0.2, 0.3), (0.0, 0.1)),
        _two((0.0, 0.3), (0.0, 0.1)),
        _two((0, 0.1), (0.2, 0.3)),
    )
    alone = agreement(LOWER, unclear, clear, PAIR)
    assert alone.word == ALONE and alone.sentence.startswith("two finds held-out images better")
    assert alone.sentence.endswith("one does not tell them apart.")
    against = agreement(LOWER, clear, opposite, PAIR)
    assert against.word == DIFFER
    assert against.sentence == (
        "one finds held-out images better than the samples, two finds the samples better than held-out images."
    )
    neither = agreement(LOWER, unclear, unclear, PAIR)
    assert neither.word == AGREE and "Neither tells" in neither.sentence


def test_overlap_is_told_where_both_share_a_scale() -> None:
    first, near, far = (
        _two((0.6, 0.7), (0.8, 0.9)),
        _two((0.65, 0.75), (0.8, 0.9)),
        _two((0.1, 0.2), (0.8, 0.9)),
    )
    assert agreement(HIGHER, first, near, PAIR).sentence.endswith("Their intervals for the samples overlap.")
    assert agreement(HIGHER, first, far, PAIR).sentence.endswith("do not overlap.")
    assert agreement(HIGHER, first, far, PAIR).word == AGREE, "the order is the same"
    assert "overlap" not in agreement(LOWER, first, far, PAIR).sentence


def test_several_sets_differ_when_any_pair_does() -> None:
    def sides(*values: float) -> list[Side]:
        return [
            Side(name, value, value - 0.01, value + 0.01) for name, value in zip("abc", values, strict=True)
        ]

    assert agreement(LOWER, sides(1, 2, 3), sides(10, 20, 30), PAIR).word == AGREE
    found = agreement(LOWER, sides(1, 2, 3), sides(1, 3, 2), PAIR)
    assert found.word == DIFFER and found.sentence == "one finds b better than c, two finds c better than b."
    assert agreement(LOWER, sides(1, 2, 3), sides(1, 2, 2), PAIR).word == ALONE
    lone = agreement(LOWER, sides(1, 2, 3)[:1], sides(1, 2, 3), PAIR)
    assert lone.word == OPEN


def _result(name: str, value: float | None, control: float | None) -> MetricResult:
    ends = (None, None) if value is None else (value - 0.1, value + 0.1)
    return MetricResult(
        name, name, value, *ends, n_real=50, n_synthetic=50, n_held_out=50, dimension=8, extractor="x",
        split="train", group="all", seed=0, control=control,
    )  # fmt: skip


def test_results_without_a_value_or_a_control_are_no_side() -> None:
    assert [side.name for side in with_control(_result("precision", 0.5, 0.9))] == [
        "the samples",
        "held-out images",
    ]
    assert with_control(_result("precision", 0.5, 0.9))[1] == Side("held-out images", 0.9, 0.9, 0.9)
    assert with_control(_result("precision", None, None)) == []
    assert [side.name for side in of_runs([_result("precision", 0.5, None), None], ["a", "b"])] == ["a"]


def test_the_summary_counts() -> None:
    clear, unclear, opposite = (
        _two((0.2, 0.3), (0.0, 0.1)),
        _two((0.0, 0.3), (0.0, 0.1)),
        _two((0, 0.1), (0.2, 0.3)),
    )
    first = {"kernel-distance": clear, "frechet-distance": clear, "precision": clear[:1]}
    same = agreements(first, first, SPECS, PAIR)
    assert [one.word for one in same] == [AGREE, AGREE, OPEN]
    assert summary(same) == "Both extractors agree on all 2 metrics."
    other = agreements(first, {**first, "kernel-distance": opposite}, SPECS, PAIR)
    assert summary(other) == "Both extractors agree on 1 of 2 metrics; on 1 they say the opposite."
    weak = agreements(first, {**first, "kernel-distance": unclear}, SPECS, PAIR)
    assert "on none do they say the opposite" in summary(weak)
    assert "No metric" in summary([])
