"""The cardiac generator that comes with the program: small, honest, repeatable, and obedient to its mask."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from lab.config import ASSETS
from lab.gates.mask_fidelity import CEILING, COPY, COPY_CONTROL, MEAN, WRONG, held_out_cases
from lab.gates.report import read_report
from lab.generators.card import read_card
from lab.generators.condition import Condition, encode_mask
from lab.generators.load import load, model_digest
from lab.generators.mask_agreement import mask_agreement
from lab.generators.mask_hearts import STRUCTURES, sample_heart
from lab.generators.request import request_for
from lab.generators.training.families.recipe import find_recipe

FOLDER = ASSETS / "generators" / "phantom-cmr-masks"
CARD = read_card(FOLDER / "card.json")


@lru_cache(maxsize=1)
def opened() -> Any:
    """The loaded generator."""
    return load(CARD, "cpu")


def asked(mask: bytes, vendor: str, seed: int = 5, steps: int | None = None) -> Any:
    """A request for one sample."""
    return request_for(CARD, "", 1, seed, steps=steps, condition=Condition(vendor=vendor, mask=mask))


def test_it_is_small_and_says_what_it_is() -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 1_100_000
    assert (CARD.conditioning, CARD.family, CARD.loader) == ("mask", "flow matching", "unet2d")
    assert CARD.structures == STRUCTURES and len(CARD.vendors) == 4
    assert CARD.phantom_trained and not CARD.local_only and CARD.licence == "Apache-2.0"
    assert CARD.training_dataset == "phantom-cmr" and "phantom" in CARD.notes
    recipe = find_recipe("phantom-cmr-masks")
    assert (CARD.size, CARD.guidance, CARD.steps) == (recipe.size, recipe.guidance, recipe.sample_steps)
    told = (FOLDER / "README.md").read_text("utf-8")
    assert "SYNTHETIC (phantom-trained)" in told and (FOLDER / "contact_sheet.png").is_file()


@pytest.mark.row("CM-05")
def test_its_stored_gate_keeps_the_limit_and_is_of_these_weights() -> None:
    report = read_report(FOLDER / "gates" / "mask-fidelity.json")
    assert not report.missed and report.inputs["weights"] == model_digest(CARD)
    mean = report.figure(MEAN)
    assert mean.limit == 0.8 and mean.value is not None and mean.value >= 0.8
    ceiling, wrong = report.figure(CEILING).value, report.figure(WRONG).value
    assert ceiling is not None and wrong is not None and wrong < mean.value - 0.3
    copy, control = report.figure(COPY).value, report.figure(COPY_CONTROL).value
    assert copy is not None and control is not None and copy < control + 0.1


@pytest.mark.row("CM-05")
def test_equal_seed_and_mask_are_equal_bytes_and_another_mask_is_another_anatomy() -> None:
    first, other = encode_mask(sample_heart(3, 64)), encode_mask(sample_heart(16, 64))
    generator = opened()
    told = [asked(first, "vendor A", steps=8), asked(other, "vendor A", steps=8)]
    one, two = (sample for sample in generator.generate_together(told))
    alone = next(iter(generator.generate(told[0])))[0]
    assert one.png() == alone.png() and not np.array_equal(one.image, two.image)


@pytest.mark.row("CM-05")
def test_a_segmenter_finds_the_masks_of_patients_it_never_saw() -> None:
    cases, scores = held_out_cases(CARD, 8), []
    for start in range(0, 8, 4):
        part = cases[start : start + 4]
        told = [asked(encode_mask(case.mask), CARD.vendors[k], 5 + start, 20) for k, case in enumerate(part)]
        samples = opened().generate_together(told)
        for case, sample in zip(part, samples, strict=True):
            (found,) = mask_agreement([sample.image], encode_mask(case.mask), STRUCTURES, "phantom-cmr") or []
            scores.append(found["mean"])
    assert float(np.mean(scores)) >= 0.8


@pytest.mark.row("CM-06")
def test_vendors_look_apart_as_their_scanners_do() -> None:
    mask = encode_mask(sample_heart(1, 64))
    told = [asked(mask, vendor, 9, 12) for vendor in CARD.vendors]
    images = dict(
        zip(CARD.vendors, (s.image.astype(float) for s in opened().generate_together(told)), strict=True)
    )
    # Vendor B blackens everything beyond a circle; vendor D has the most noise.
    corners = {name: image[[0, 0, -1, -1], [0, -1, 0, -1]].mean() for name, image in images.items()}
    assert corners["vendor B"] < 12
    assert len({image.tobytes() for image in images.values()}) == 4
