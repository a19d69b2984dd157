"""Training with masks: the pictures drawn anew, the loss that looks at the heart, dropped conditions, few steps."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.generators.mask_hearts import STRUCTURES
from lab.generators.training.families import heart_source, mask_flow
from lab.generators.training.families.films import About
from lab.generators.training.families.recipe import FamilyRecipe, find_recipe
from lab.generators.training.families.source import source_of
from lab.generators.training.families.trainer import Batch

VENDORS = ("vendor A", "vendor B", "vendor C", "vendor D")


def small(**changes: Any) -> FamilyRecipe:
    """The shipped recipe at toy size."""
    whole = find_recipe("phantom-cmr-masks")
    toy = {
        "patients": 3,
        "films": 4,
        "size": 16,
        "channels": (8, 8),
        "batch": 4,
        "steps": 3,
        "sample_steps": 2,
    }
    return dataclasses.replace(whole, **{**toy, **changes})


def about_of(structures: tuple[str, ...] = STRUCTURES) -> About:
    """What is known of the pictures."""
    return About(12, 3, ("NOR",), VENDORS, structures, "cardiac MRI", "d", phantom=True)


def batch_of(n: int = 64, side: int = 16) -> Batch:
    """A batch with a square structure in the middle."""
    import torch

    masks = torch.zeros(n, side, side, dtype=torch.uint8)
    masks[:, 6:10, 6:10] = 2
    draw = torch.Generator().manual_seed(0)
    images = torch.randn(n, 1, side, side, generator=draw).clamp(-1, 1)
    return Batch(images, torch.zeros(n, dtype=torch.long), torch.arange(n) % 4, masks, 0, 10, draw)


def test_the_shipped_recipe_is_told_mask_and_vendor_and_stays_small() -> None:
    recipe = find_recipe("phantom-cmr-masks")
    trainer = mask_flow.build(recipe, about_of(), "cpu")
    network = trainer.turns["unet"].network
    assert sum(p.numel() for p in network.parameters()) <= 480_000
    assert network.config.in_channels == 4 and network.config.num_class_embeds == 5
    assert recipe.options["varied"] and recipe.conditioning == ("mask", "vendor")


def test_pictures_are_of_training_patients_alone_on_every_vendor_and_repeat() -> None:
    from lab.data.phantom_dataset import phantom_split

    recipe = small(patients=12, films=4)
    source = source_of(recipe)
    rows = source.read(0, 8)
    assert {phantom_split(str(patient)) for patient in rows["patients"]} == {"train"}
    assert sorted(rows["vendors"][:4]) == list(VENDORS)
    assert rows["images"].shape == (8, 1, 16, 16) and rows["masks"].shape == (8, 16, 16)
    assert np.array_equal(rows["images"], source_of(recipe).read(0, 8)["images"])
    assert source.structures == STRUCTURES
    assert source.digest != source_of(small(patients=12, films=5)).digest


def test_a_drawn_picture_is_lit_where_its_mask_has_blood() -> None:
    for film in range(3):
        made = heart_source.picture(0, 1, film)
        assert made.image.shape == made.mask.shape == (128, 128)
        cavity, muscle = made.image[made.mask == 3], made.image[made.mask == 2]
        assert cavity.mean() > muscle.mean() + 15
    same, other = heart_source.picture(0, 1, 0), heart_source.picture(0, 1, 4)
    assert same.record["vendor"] == other.record["vendor"] and not np.array_equal(same.mask, other.mask)


def test_pixels_near_structures_count_more_and_the_mean_stays_one() -> None:
    import torch

    layers = torch.zeros(2, 3, 16, 16)
    layers[0, 1, 6:10, 6:10] = 1
    weight = mask_flow.weights(layers, 3.0, 2)
    assert weight[0, 0, 7, 7] / weight[0, 0, 0, 0] == pytest.approx(4)
    assert weight[0, 0, 4, 4] == weight[0, 0, 7, 7] and weight[0, 0, 3, 3] == weight[0, 0, 0, 0]
    assert torch.allclose(weight.mean((1, 2, 3)), torch.ones(2))
    assert torch.allclose(weight[1], torch.ones(1, 16, 16))  # nothing told: every pixel counts alike


def test_the_vendor_is_left_out_alone_as_well_as_with_the_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def ask(network: Any, noisy: Any, times: Any, numbers: Any, layers: Any) -> Any:
        asked.update(numbers=numbers, layers=layers)
        return noisy

    recipe = small(batch=400)
    monkeypatch.setattr("lab.generators.training.families.denoiser.ask", ask)
    mask_flow.build(recipe, about_of(), "cpu").loss("unet", batch_of(400))
    vendorless = asked["numbers"] == 4
    maskless = asked["layers"].amax((1, 2, 3)) == 0
    assert bool(vendorless[maskless].all())
    assert 0.04 < float(maskless.float().mean()) < 0.18
    alone = vendorless & ~maskless
    assert 0.03 < float(alone.float().mean()) < 0.17


def test_a_few_steps_give_a_generator_that_takes_masks(workspace: Path, tmp_path: Path) -> None:
    from lab.generators.card import read_card
    from lab.generators.condition import Condition, encode_mask
    from lab.generators.load import load
    from lab.generators.mask_hearts import sample_heart
    from lab.generators.request import request_for
    from lab.generators.training.families.train import train

    steps = train(small(), folder=tmp_path / "run")
    try:
        while True:
            next(steps)
    except StopIteration as end:
        path = end.value
    card = read_card(path)
    assert (card.conditioning, card.loader, card.family) == ("mask", "unet2d", "flow matching")
    assert card.structures == STRUCTURES and card.vendors == VENDORS and card.phantom_trained
    assert sorted(p.name for p in (tmp_path / "run" / "sheets").glob("*.png"))
    request = request_for(
        card, "", 1, 3, condition=Condition(vendor="vendor B", mask=encode_mask(sample_heart(1, 16)))
    )
    (sample,) = next(iter(load(card, "cpu").generate(request)))
    assert sample.image.shape == (16, 16)


def test_sheets_show_masks_of_any_structures() -> None:
    import torch

    recipe = small()
    for structures in (STRUCTURES, ("lesion",)):
        trainer = mask_flow.build(recipe, about_of(structures), "cpu")
        with torch.no_grad():
            sheet = trainer.sheet(torch.Generator().manual_seed(1))
        assert sheet.shape == (mask_flow.SHEET_ROWS * 5, 1, 16, 16)
        assert float(sheet[0].max()) <= 1 and float(sheet[0].min()) == -1
