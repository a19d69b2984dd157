"""Pairs looked at closely: mask overlap against its definition, LPIPS against torchmetrics in the published layout."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.errors import WeightsError
from lab.neighbours import perceptual
from lab.neighbours.masks import mask_overlap
from lab.neighbours.perceptual import BACKBONE, BLOCKS, HEADS, NAME, RECORD, Perceptual
from tests.builders.memory_set import blobs

WIDTHS = (64, 128, 256, 512, 512)


def discs(*places: tuple[int, int, int, int], side: int = 60) -> np.ndarray:
    """A mask (side, side) of discs, each (row, column, radius, label)."""
    v, u = np.mgrid[:side, :side]
    mask = np.zeros((side, side), np.uint8)
    for row, column, radius, label in places:
        mask[(v - row) ** 2 + (u - column) ** 2 <= radius**2] = label
    return mask


@pytest.mark.row("CM-12")
def test_dice_is_twice_the_shared_area_over_both_and_leaves_the_background_out() -> None:
    one, two = discs((30, 20, 10, 1), (30, 40, 6, 2)), discs((32, 24, 10, 1), (30, 40, 6, 2))
    found = mask_overlap(one, two)
    a, b = one == 1, two == 1
    assert found is not None and not found.mirrored
    assert found.by_label[1] == pytest.approx(2 * (a & b).sum() / (a.sum() + b.sum()))
    assert found.by_label[2] == 1.0 and found.dice == pytest.approx((found.by_label[1] + 1) / 2)
    same = mask_overlap(one, one)
    assert same is not None and same.dice == 1.0
    apart = mask_overlap(discs((10, 12, 5, 1)), discs((45, 12, 5, 1)))
    assert apart is not None and apart.dice == 0.0


def test_a_structure_that_one_mask_lacks_counts_nothing_and_two_empty_masks_say_nothing() -> None:
    whole, part = discs((30, 20, 10, 1), (30, 40, 6, 3)), discs((30, 20, 10, 1))
    found = mask_overlap(whole, part)
    assert found is not None and found.by_label == {1: 1.0, 3: 0.0} and found.dice == 0.5
    assert mask_overlap(np.zeros((9, 9), np.uint8), np.zeros((5, 5), np.uint8)) is None


def test_a_mirrored_mask_another_size_and_painted_masks_are_compared() -> None:
    one = discs((30, 15, 10, 1), (20, 44, 5, 2))
    turned = mask_overlap(one[:, ::-1].copy(), one)
    assert turned is not None and turned.mirrored and turned.dice == 1.0
    larger = mask_overlap(one, np.kron(one, np.ones((3, 3), np.uint8)))
    assert larger is not None and larger.dice == 1.0
    painted = np.repeat((one == 1)[:, :, None] * np.uint8(255), 3, axis=2)
    coloured = mask_overlap(painted, (one == 1).astype(np.uint8))
    assert coloured is not None and coloured.dice == 1.0
    slope = np.add.outer(np.arange(60), 2 * np.arange(60)) + 50
    soft = np.where(one == 1, slope, 0).astype(np.uint8)
    grey = mask_overlap(soft, (one == 1).astype(np.uint8))
    assert grey is not None and grey.dice == 1.0 and list(grey.by_label) == [1]


def toy_states() -> tuple[dict[str, Any], dict[str, Any]]:
    """Random weights under the names and in the shapes of torchvision's VGG-16 and of the LPIPS heads."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(4)
    backbone, channels = {}, 3
    for block, width in zip(BLOCKS, WIDTHS, strict=True):
        for layer in block:
            scale = (2.0 / (channels * 9)) ** 0.5
            backbone[f"features.{layer}.weight"] = torch.randn(width, channels, 3, 3) * scale
            backbone[f"features.{layer}.bias"] = torch.randn(width) * 0.05
            channels = width
    backbone["classifier.6.bias"] = torch.zeros(1000)
    heads = {f"lin{at}.model.1.weight": torch.rand(1, width, 1, 1) for at, width in enumerate(WIDTHS)}
    return backbone, heads


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Perceptual, dict[str, Any], dict[str, Any]]:
    """LPIPS from toy files in the published layout, and what the files hold."""
    torch = pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("lpips")
    backbone, heads = toy_states()
    torch.save(backbone, folder / BACKBONE)
    torch.save(heads, folder / HEADS)
    record = dataclasses.replace(RECORD, folder=str(folder), weights={BACKBONE: "", HEADS: ""})
    return Perceptual(record, "cpu"), backbone, heads


@pytest.mark.row("CM-12")
def test_lpips_is_that_of_torchmetrics(toy, monkeypatch) -> None:
    torch = pytest.importorskip("torch")
    vgg = pytest.importorskip("torchvision.models.vgg")
    reference = pytest.importorskip("torchmetrics.functional.image.lpips")
    model, backbone, heads = toy
    # torchvision's own layers without its 120 million numbers of classifier, which LPIPS does not use.
    layers = vgg.make_layers(vgg.cfgs["D"], batch_norm=False)
    monkeypatch.setattr(reference, "_get_tv_model_features", lambda net, pretrained: layers)
    theirs = reference._LPIPS(pretrained=False, net="vgg", pnet_rand=True)
    slices = {f"slice{at}" for at in range(1, 6)}
    names = {name: name.split(".") for name in theirs.net.state_dict()}
    assert {parts[0] for parts in names.values()} == slices
    theirs.net.load_state_dict({name: backbone[".".join(["features", *p[1:]])] for name, p in names.items()})
    theirs.load_state_dict(heads, strict=False)
    films = blobs(41, 4)
    colour = np.stack(blobs(42, 3), axis=-1)
    planes = [
        torch.from_numpy(np.repeat(film[None], 3, 0) if film.ndim == 2 else film.transpose(2, 0, 1).copy())
        for film in [*films, colour]
    ]
    scaled = torch.stack(planes).float() / 127.5 - 1.0
    with torch.no_grad():
        expected = theirs(scaled[:1].expand(5, -1, -1, -1), scaled).flatten().numpy()
    found = model.distances(films[0], [*films, colour], batch=2)
    assert expected[1:].min() > 0.01
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    assert found[0] == pytest.approx(0, abs=1e-9)


def test_lpips_of_a_noised_copy_is_far_below_that_of_another_film(toy) -> None:
    """Films larger than the network's square, of 16 bits too."""
    model, _, _ = toy
    film, other = blobs(43, 2, side=192)
    noised = np.clip(film + np.random.default_rng(0).normal(0, 4, film.shape), 0, 255).astype(np.uint8)
    near, far, deep = model.distances(film, [noised, other, film.astype(np.uint16) * 257])
    assert near < far / 4 and deep < far / 100


@pytest.mark.parametrize("broken", ["features.24.weight", "lin3.model.1.weight"])
def test_files_of_another_network_are_refused(toy, tmp_path: Path, broken: str) -> None:
    torch = pytest.importorskip("torch")
    _, backbone, heads = toy
    torch.save({name: value for name, value in backbone.items() if name != broken}, tmp_path / BACKBONE)
    torch.save({name: value for name, value in heads.items() if name != broken}, tmp_path / HEADS)
    record = dataclasses.replace(RECORD, folder=str(tmp_path), weights={BACKBONE: "", HEADS: ""})
    with pytest.raises(WeightsError, match="nothing was computed"):
        Perceptual(record, "cpu").distances(blobs(1, 1)[0], blobs(2, 1))


def test_files_that_are_not_the_published_ones_are_refused_and_absent_ones_are_one_sentence(
    workspace,
) -> None:
    from lab.features.places import own_folder
    from lab.runs.neighbour_requests import spaces_run

    told = perceptual.why_not()
    assert BACKBONE in told and NAME in told and told.count(". ") <= 1
    assert perceptual.installed_digest() == "none"
    with pytest.raises(WeightsError, match="not on this machine"):
        spaces_run(b"x", "films", perceptual=True)
    own_folder(RECORD).mkdir(parents=True)
    for name in (BACKBONE, HEADS):
        (own_folder(RECORD) / name).write_bytes(b"not the weights")
    assert perceptual.why_not() == "" and perceptual.installed_digest() != "none"
    with pytest.raises(WeightsError, match="differs from the digest"):
        Perceptual().distances(blobs(1, 1)[0], blobs(2, 1))
