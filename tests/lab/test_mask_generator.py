"""Generators that are told a mask and a vendor: what changes, what repeats, what is kept, how the mask is judged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.errors import InputError
from lab.generators.card import GeneratorCard, card_from_json
from lab.generators.condition import Condition, decode_mask, encode_mask
from lab.generators.load import load
from lab.generators.mask_agreement import agreement, mask_agreement
from lab.generators.mask_hearts import STRUCTURES, HeartShape, draw_heart
from lab.generators.request import request_for

VENDORS = ("vendor A", "vendor B")


def tiny_card(folder: Path) -> GeneratorCard:
    """A random network of the shipped architecture at toy size, in the published folder layout."""
    import torch
    from diffusers import DDPMPipeline, FlowMatchEulerDiscreteScheduler, UNet2DModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        network = UNet2DModel(
            sample_size=16, in_channels=4, out_channels=1, layers_per_block=1, block_out_channels=(8, 8),
            norm_num_groups=4, down_block_types=("DownBlock2D", "AttnDownBlock2D"), attention_head_dim=4,
            up_block_types=("AttnUpBlock2D", "UpBlock2D"), num_class_embeds=len(VENDORS) + 1,
        )  # fmt: skip
        # A fresh last layer answers nearly nothing: the condition has to show in the picture.
        torch.nn.init.normal_(network.conv_out.weight, std=0.3)
    DDPMPipeline(network, FlowMatchEulerDiscreteScheduler()).save_pretrained(folder / "model")
    return card_from_json(
        {
            "id": "tiny-masks", "title": "Tiny masks", "family": "flow matching", "conditioning": "mask",
            "modality": "cardiac MRI", "folder": str(folder / "model"), "loader": "unet2d", "size": 16, "steps": 3,
            "guidance": 2.0, "structures": list(STRUCTURES), "vendors": list(VENDORS), "phantom_trained": True,
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> GeneratorCard:
    """The tiny generator's card."""
    return tiny_card(tmp_path_factory.mktemp("tiny-masks"))


def mask_of(**shape: float) -> bytes:
    """A built heart as PNG bytes."""
    return encode_mask(draw_heart(HeartShape(**shape), 16))


def pngs(
    generator: Any, card: GeneratorCard, mask: bytes, vendor: str = "vendor A", seed: int = 5, n: int = 1
) -> list[bytes]:
    """PNG bytes of samples, recipes inside."""
    request = request_for(card, "", n, seed, condition=Condition(vendor=vendor, mask=mask))
    return [sample.png() for batch in generator.generate(request) for sample in batch]


def pictures(
    generator: Any, card: GeneratorCard, mask: bytes, vendor: str = "vendor A", seed: int = 5
) -> Any:
    """Pixels of one sample."""
    request = request_for(card, "", 1, seed, condition=Condition(vendor=vendor, mask=mask))
    return next(iter(generator.generate(request)))[0].image


@pytest.mark.row("CM-05")
def test_equal_seed_and_mask_give_equal_bytes_and_another_mask_another_image(card: GeneratorCard) -> None:
    generator, small, large = load(card, "cpu"), mask_of(cavity=30), mask_of(cavity=70)
    first = pngs(generator, card, small)
    assert first == pngs(load(card, "cpu"), card, small)
    assert first == pngs(generator, card, small, n=5)[:1]
    one, other = pictures(generator, card, small), pictures(generator, card, large)
    assert not np.array_equal(one, other)
    assert not np.array_equal(one, pictures(generator, card, small, seed=6))


@pytest.mark.row("CM-05")
def test_the_image_changes_most_where_the_mask_does(card: GeneratorCard) -> None:
    generator = load(card, "cpu")
    left, right = mask_of(across=0.3, cavity=40), mask_of(across=0.3, cavity=40, right=0)
    changed = decode_mask(left) != decode_mask(right)
    difference = np.abs(
        pictures(generator, card, left).astype(int) - pictures(generator, card, right).astype(int)
    )
    assert difference[changed].mean() > difference[~changed].mean()


@pytest.mark.row("CM-06")
def test_the_vendor_is_a_condition_and_stands_in_the_recipe(card: GeneratorCard) -> None:
    generator, mask = load(card, "cpu"), mask_of()
    images = [pictures(generator, card, mask, vendor) for vendor in ("", *VENDORS)]
    assert len({image.tobytes() for image in images}) == 3
    request = request_for(card, "", 1, 5, condition=Condition(vendor="vendor B", mask=mask))
    (sample,) = next(iter(generator.generate(request)))
    assert sample.recipe["condition"]["vendor"] == "vendor B"
    assert decode_mask(request.condition.mask).shape == (16, 16)


def test_a_mask_or_vendor_that_the_generator_does_not_know_is_refused(card: GeneratorCard) -> None:
    with pytest.raises(InputError, match="needs a mask"):
        request_for(card, "", 1, 5)
    wrong = encode_mask(np.full((16, 16), 7, np.uint8))
    with pytest.raises(InputError, match="number 7; valid are 0 for background to 3"):
        request_for(card, "", 1, 5, condition=Condition(mask=wrong))
    with pytest.raises(InputError, match="valid are vendor A, vendor B"):
        request_for(card, "", 1, 5, condition=Condition(vendor="vendor Z", mask=mask_of()))


def test_agreement_is_dice_by_structure_and_the_mean_counts_what_was_asked_for() -> None:
    asked = np.zeros((8, 8), np.uint8)
    asked[:4] = 1
    asked[4:6] = 2
    found = asked.copy()
    found[2:4] = 0  # half of structure 1 is lost
    found[7] = 3  # and one is there that nobody asked for
    told = agreement(asked, found, STRUCTURES)
    assert told["dice"] == {
        "right ventricle": pytest.approx(2 / 3, abs=1e-4), "myocardium": 1.0, "left ventricle": 0.0,
    }  # fmt: skip
    assert told["mean"] == pytest.approx((2 / 3 + 1) / 2, abs=1e-4)
    assert agreement(asked, asked, STRUCTURES)["dice"]["left ventricle"] is None
    other = {"right ventricle": 3, "myocardium": 2, "left ventricle": 1}
    renumbered = np.array([0, 3, 2, 1], np.uint8)[asked]
    assert agreement(asked, renumbered, STRUCTURES, other)["mean"] == 1.0


@pytest.mark.row("CM-07")
def test_the_shipped_segmenter_finds_the_mask_of_a_phantom_and_not_another_one() -> None:
    from lab.data.phantom_heart import HeartRecipe, render

    film, other = render(HeartRecipe(0, 4, 2)), render(HeartRecipe(0, 9, 2))
    (own,) = mask_agreement([film.image], encode_mask(film.mask), STRUCTURES, "phantom-cmr") or []
    (wrong,) = mask_agreement([film.image], encode_mask(other.mask), STRUCTURES, "phantom-cmr") or []
    assert own["mean"] > 0.8 > wrong["mean"] + 0.1
    assert set(own["dice"]) == set(STRUCTURES)
    assert mask_agreement([film.image], encode_mask(film.mask), STRUCTURES, "no-such-set") is None
    assert mask_agreement([film.image], b"", STRUCTURES, "phantom-cmr") is None
