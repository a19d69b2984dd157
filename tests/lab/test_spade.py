"""SPADE generators: mask and seed to picture, published tensor names, spectral norms folded in, clear refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.errors import InputError, WeightsError
from lab.generators.card import GeneratorCard, card_from_json
from lab.generators.condition import Condition, encode_mask
from lab.generators.load import load
from lab.generators.request import GenerationRequest, request_for
from lab.generators.spade_config import SpadeConfig, config_from_json
from lab.generators.spade_network import folded, painted

STRUCTURES = ("right ventricle", "myocardium", "left ventricle")
SMALL = {"label_nc": 4, "crop_size": 32, "z_dim": 8, "ngf": 2, "img_channels": 1, "hidden": 8}


def tensors_of(config: SpadeConfig, seed: int = 0) -> dict[str, Any]:
    """Random tensors of an architecture, variances positive."""
    import torch

    draw = torch.Generator().manual_seed(seed)
    found = {}
    for name, shape in config.shapes().items():
        wide = 0.4 if "weight" in name else 0.1
        found[name] = torch.randn(shape, generator=draw) * wide
        if name.endswith("running_var"):
            found[name] = found[name].abs() + 0.5
        if name.endswith("num_batches_tracked"):
            found[name] = torch.tensor(7, dtype=torch.int64)
    return found


def write(folder: Path, values: dict[str, Any], tensors: dict[str, Any] | None = None) -> GeneratorCard:
    """A model folder and its card."""
    from safetensors.torch import save_file

    (folder / "model").mkdir(parents=True)
    config = config_from_json(values)
    (folder / "model" / "config.json").write_text(json.dumps(values))
    save_file(tensors or tensors_of(config), folder / "model" / "generator.safetensors")
    return card_from_json(
        {
            "id": "tiny-spade", "title": "Tiny SPADE", "family": "GAN", "conditioning": "mask",
            "folder": str(folder / "model"), "loader": "spade", "size": config.crop_size, "steps": 1, "guidance": 1.0,
            "structures": list(STRUCTURES),
            "knobs": [{"name": "style_spread", "title": "Style spread", "low": 0, "high": 2, "default": 1}],
        }
    )  # fmt: skip


def mask_of(radius: float, side: int = 48) -> bytes:
    """A ring with a cavity, and a crescent beside it."""
    rows, columns = np.mgrid[:side, :side] / side - 0.5
    r = np.hypot(rows, columns)
    mask = np.zeros((side, side), np.uint8)
    mask[np.hypot(rows, columns + 0.2) < radius] = 1
    mask[r < radius] = 2
    mask[r < 0.6 * radius] = 3
    return encode_mask(mask)


def asked(
    card: GeneratorCard, mask: bytes, seeds: tuple[int, ...] = (5,), **numbers: float
) -> GenerationRequest:
    """A request for one mask."""
    condition = Condition(mask=mask, numbers=tuple(sorted(numbers.items())))
    request = request_for(card, "", len(seeds), seeds[0], condition=condition)
    return request


def images(generator: Any, request: GenerationRequest) -> list[bytes]:
    """PNG bytes of all samples."""
    return [sample.png() for batch in generator.generate(request) for sample in batch]


@pytest.mark.row("CM-05")
def test_mask_changes_the_picture_seed_the_style_and_both_repeat(tmp_path: Path) -> None:
    card = write(tmp_path, SMALL)
    generator = load(card, "cpu")
    first = images(generator, asked(card, mask_of(0.3)))
    assert first == images(load(card, "cpu"), asked(card, mask_of(0.3)))
    assert first != images(generator, asked(card, mask_of(0.15)))
    assert first != images(generator, asked(card, mask_of(0.3), (6,)))
    # Alone or among others a sample is the same: micro-batches are padded.
    assert first[0] == images(generator, asked(card, mask_of(0.3), (5, 6, 7, 8, 9)))[0]


def test_the_mask_acts_where_it_changes(tmp_path: Path) -> None:
    import torch

    config = config_from_json({**SMALL, "normalisation": "batch"})
    tensors, z = tensors_of(config), torch.zeros(1, 8)
    mask = torch.zeros(1, 4, 32, 32)
    mask[:, 0] = 1
    other = mask.clone()
    other[:, 0, 2:5, 2:5], other[:, 1, 2:5, 2:5] = 0, 1
    change = (painted(tensors, config, mask, z) - painted(tensors, config, other, z)).abs()[0, 0]
    assert change[:12, :12].max() > 0
    assert change[:12, :12].mean() > change[-8:, -8:].mean()


def test_without_spread_every_seed_gives_the_same_picture(tmp_path: Path) -> None:
    card = write(tmp_path, SMALL)
    generator = load(card, "cpu")
    pictures = [
        next(iter(generator.generate(asked(card, mask_of(0.3), (seed,), style_spread=0.0))))[0].image
        for seed in (1, 2)
    ]
    assert np.array_equal(*pictures)


@pytest.mark.parametrize(
    "change",
    [
        {"z_dim": 0},
        {"normalisation": "instance", "crop_size": 64},
        {"upsampling": "most", "crop_size": 128},
        {"img_channels": 3},
    ],
)
def test_every_published_shape_of_the_architecture_runs(tmp_path: Path, change: dict[str, Any]) -> None:
    values = SMALL | change
    card = write(tmp_path, values)
    (sample,) = next(iter(load(card, "cpu").generate(asked(card, mask_of(0.3)))))
    assert sample.image.shape == (values["crop_size"],) * 2
    assert sample.recipe["condition"]["mask"]


def test_spectrally_normalised_weights_are_folded_as_torch_folds_them() -> None:
    import torch
    from torch import nn

    convolution = nn.utils.spectral_norm(nn.Conv2d(3, 5, 3, padding=1)).eval()
    x = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    state = {f"conv_0.{name}": value for name, value in convolution.state_dict().items()}
    plain = folded(state)
    expected = convolution(x)
    found = nn.functional.conv2d(x, plain["conv_0.weight"], plain["conv_0.bias"], padding=1)
    assert torch.allclose(found, expected, atol=1e-6)
    assert sorted(plain) == ["conv_0.bias", "conv_0.weight"]


def test_spectral_checkpoints_load_by_their_published_names(tmp_path: Path) -> None:
    import torch

    values = {**SMALL, "spectral_norm": True}
    config = config_from_json(values)
    tensors = tensors_of(config)
    for name in [name for name in tensors if name.endswith("_orig")]:
        stem = name.removesuffix("_orig")
        u, _, v = torch.linalg.svd(tensors[name].reshape(len(tensors[name]), -1), full_matrices=False)
        tensors[f"{stem}_u"], tensors[f"{stem}_v"] = u[:, 0].contiguous(), v[0].contiguous()
    card = write(tmp_path, values, tensors)
    generator = load(card, "cpu")
    largest = torch.linalg.matrix_norm(generator.tensors["head_0.conv_0.weight"].flatten(1), 2)  # type: ignore[attr-defined]
    assert float(largest) == pytest.approx(1.0, abs=1e-4)
    assert images(generator, asked(card, mask_of(0.3)))


def test_refusals_say_what_does_not_fit(tmp_path: Path) -> None:
    card = write(tmp_path, SMALL)
    with pytest.raises(InputError, match="needs a mask"):
        asked(card, b"")
    few = GeneratorCard(**{**card.__dict__, "structures": STRUCTURES[:2]})
    with pytest.raises(WeightsError, match="3 structures and its card names 2"):
        load(few, "cpu")
    larger = GeneratorCard(**{**card.__dict__, "size": 64})
    with pytest.raises(WeightsError, match="32 pixels only"):
        load(larger, "cpu")
    broken = tensors_of(config_from_json(SMALL))
    del broken["up_1.norm_s.mlp_gamma.weight"]
    with pytest.raises(WeightsError, match="up_1.norm_s.mlp_gamma.weight"):
        load(write(tmp_path / "other", SMALL, broken), "cpu")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"label_nc": 4}, "crop_size"),
        ({**SMALL, "crop_size": 40}, "multiple of 32"),
        ({**SMALL, "depth": 3}, "'depth' is not known"),
        ({**SMALL, "normalisation": "layer"}, "batch, instance"),
        ({**SMALL, "normalisation": "instance"}, "two pixels a side"),
        ({**SMALL, "ngf": True}, "ngf must be a whole number"),
        ({**SMALL, "spectral_norm": "yes"}, "true or false"),
        ({**SMALL, "upsampling": "all"}, "normal, more, most"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(WeightsError, match=reason):
        config_from_json(values)
