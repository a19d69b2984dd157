"""The gate of mask-conditioned generators: obedient ones keep it, disobedient ones miss it, every figure has its n."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from lab.errors import NotFoundError
from lab.gates.mask_fidelity import (
    CEILING,
    COPY,
    COPY_CONTROL,
    MEAN,
    WRONG,
    Case,
    closest_correlation,
    held_out_cases,
    measure_on,
)
from lab.generators.card import GeneratorCard
from lab.generators.condition import decode_mask
from lab.generators.mask_hearts import STRUCTURES
from lab.generators.request import GenerationRequest
from lab.generators.sample import Sample

CARD = GeneratorCard(
    "painter", "Painter", folder="model", conditioning="mask", size=64, steps=1, structures=STRUCTURES,
    vendors=("vendor A", "vendor B"), training_dataset="phantom-cmr", phantom_trained=True,
)  # fmt: skip


def quiet(stage: str, done: int, total: int) -> None:
    """Say nothing."""


class Painter:
    """Answers with the film a mask belongs to, or with the one `off` further on."""

    digest = "0" * 64

    def __init__(self, cases: list[Case], off: int) -> None:
        self.cases, self.off, self.asked = cases, off, list[GenerationRequest]()

    def generate(self, request: GenerationRequest, on_step: Any = None) -> Iterator[list[Sample]]:
        """One sample a request."""
        self.asked.append(request)
        mask = decode_mask(request.condition.mask)
        row = next(k for k, case in enumerate(self.cases) if np.array_equal(case.mask, mask))
        yield [Sample(self.cases[(row + self.off) % len(self.cases)].image, {})]


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    """A few films of patients no generator was trained on."""
    return held_out_cases(CARD, 6)


def others(cases: list[Case]) -> list[Any]:
    """Training films: noise, and one of the cases."""
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (64, 64), dtype=np.uint8), cases[0].image]


def test_a_copy_correlates_with_its_training_film_and_the_control_tells_how_much_is_usual(
    cases: list[Case],
) -> None:
    found = closest_correlation([cases[0].image, cases[1].image], others(cases))
    assert found[0] == pytest.approx(1, abs=1e-5) and found[1] < 0.95


def test_cases_are_of_patients_outside_training_one_each_before_a_second(cases: list[Case]) -> None:
    from lab.data.phantom_dataset import phantom_split

    assert len({case.patient for case in cases}) == 6
    assert "train" not in {phantom_split(case.patient) for case in cases}
    assert all(case.image.shape == case.mask.shape == (64, 64) for case in cases)
    turned = GeneratorCard(**{**CARD.__dict__, "structures": STRUCTURES[::-1]})
    other = held_out_cases(turned, 1)[0].mask
    assert np.array_equal(np.array([0, 3, 2, 1], np.uint8)[cases[0].mask], other)
    with pytest.raises(NotFoundError):
        held_out_cases(GeneratorCard(**{**CARD.__dict__, "training_dataset": "films"}), 1)


@pytest.mark.row("CM-05", "CM-07")
def test_obedience_is_measured_against_what_the_segmenter_can_find_at_all(cases: list[Case]) -> None:
    painter = Painter(cases, 0)
    report = measure_on(CARD, painter, cases, others(cases), quiet)  # type: ignore[arg-type]
    assert not report.missed and report.figure(MEAN).met
    assert report.figure(MEAN).value == report.figure(CEILING).value
    assert report.figure(WRONG).value < report.figure(MEAN).value - 0.2  # type: ignore[operator]
    assert [one.condition.vendor for one in painter.asked[:2]] == ["vendor A", "vendor B"]
    assert len({one.seeds for one in painter.asked[:2]}) == 1
    names = [figure.name for figure in report.figures]
    assert {"Dice, left ventricle", "Dice, vendor B"} <= set(names)
    assert all(figure.n and figure.low <= figure.value <= figure.high for figure in report.figures)  # type: ignore[operator]
    assert (
        report.figure(COPY).value == report.figure(COPY_CONTROL).value
    )  # the painter shows the films themselves
    assert report.details["samples"] == 12 and len(report.inputs["segmenter"]) == 64


@pytest.mark.row("CM-05")
def test_a_generator_that_paints_another_heart_misses_the_limit(cases: list[Case]) -> None:
    report = measure_on(CARD, Painter(cases, 1), cases, others(cases), quiet)  # type: ignore[arg-type]
    assert [figure.name for figure in report.missed] == [MEAN]
