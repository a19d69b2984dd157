"""Paired similarity against torchmetrics, scikit-image and piq: PSNR, SSIM, MS-SSIM, LPIPS."""

from __future__ import annotations

import numpy as np
import pytest

from lab.metrics import structural


def pictures(side: int, channels: int = 1, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side] / side
    base = 0.5 + 0.3 * np.sin(9 * rows + 4 * columns) + 0.1 * rng.random((side, side))
    planes = np.stack([np.roll(base, 3 * channel, axis=0) for channel in range(channels)], axis=2)
    noisy = np.clip(planes + 0.05 * rng.normal(size=planes.shape), 0, 1)
    first, second = np.clip(planes, 0, 1), noisy
    return (first[:, :, 0], second[:, :, 0]) if channels == 1 else (first, second)


def tensors(*planes: np.ndarray):
    import torch

    return [torch.from_numpy(np.atleast_3d(one).transpose(2, 0, 1).copy())[None] for one in planes]


@pytest.mark.row("CM-09")
@pytest.mark.parametrize("channels", [1, 3])
def test_psnr_and_ssim_equal_torchmetrics_and_scikit_image(channels: int) -> None:
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity
    from torchmetrics.functional.image import peak_signal_noise_ratio as theirs
    from torchmetrics.functional.image import structural_similarity_index_measure as mirrored

    a, b = pictures(72, channels)
    x, y = tensors(a, b)
    assert structural.psnr(a, b) == pytest.approx(peak_signal_noise_ratio(a, b, data_range=1.0), rel=1e-9)
    assert structural.psnr(a, b) == pytest.approx(float(theirs(y, x, data_range=1.0)), rel=1e-6)
    wanted = structural_similarity(
        a, b, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
        channel_axis=2 if channels == 3 else None,
    )  # fmt: skip
    assert structural.ssim(a, b) == pytest.approx(wanted, abs=1e-6)
    assert structural.ssim(a, b, reflected=True) == pytest.approx(
        float(mirrored(y, x, data_range=1.0)), abs=1e-6
    )


@pytest.mark.row("CM-09", "R6")
def test_five_scales_equal_piq_and_the_published_ones_equal_torchmetrics() -> None:
    from piq import multi_scale_ssim
    from torchmetrics.functional.image import multiscale_structural_similarity_index_measure as theirs

    a, b = pictures(192)
    x, y = tensors(a, b)
    assert structural.ms_ssim(a, b) == pytest.approx(float(multi_scale_ssim(x, y)), abs=1e-6)
    assert structural.ms_ssim_published(a, b) == pytest.approx(float(theirs(y, x, data_range=1.0)), abs=1e-5)
    a, b = pictures(128)
    x, y = tensors(a, b)
    four = theirs(y, x, data_range=1.0, betas=(0.0448, 0.2856, 0.3001, 0.2363))
    assert structural.ms_ssim_published(a, b) == pytest.approx(float(four), abs=1e-5)
    assert structural.scales_allowed(128) == 4 and structural.scales_allowed(176) == 5
    assert structural.ms_ssim(a, a) == pytest.approx(1.0, abs=1e-12)
    assert structural.ms_ssim_published(a[:80, :80], b[:80, :80]) is None


@pytest.mark.row("CM-09")
def test_lpips_equals_torchmetrics_with_the_shipped_heads_and_the_same_trunk(workspace, monkeypatch) -> None:
    """The trunk has random weights: no weights are downloaded; the heads are those torchmetrics ships."""
    import torch
    from torchmetrics.functional.image.lpips import _LPIPS

    from lab.neighbours import perceptual
    from lab.runs.kinds.providers.perceptual import native_distance

    torch.manual_seed(0)
    theirs = _LPIPS(pretrained=True, net="vgg", pnet_rand=True)
    trunk = {}
    for part in (
        theirs.net.slice1,
        theirs.net.slice2,
        theirs.net.slice3,
        theirs.net.slice4,
        theirs.net.slice5,
    ):
        trunk |= {f"features.{name}": value for name, value in part.state_dict().items()}
    weights = trunk | {
        name: value
        for name, value in theirs.state_dict().items()
        if name.startswith("lin") and "lins" not in name
    }
    monkeypatch.setattr(perceptual.Perceptual, "_weights", lambda self: weights)
    rng = np.random.default_rng(0)
    first, second = (rng.integers(0, 256, (48, 48, 3), dtype=np.uint8) for _ in range(2))
    x, y = (torch.from_numpy(one.transpose(2, 0, 1).copy())[None] / 255.0 for one in (first, second))
    with torch.no_grad():
        wanted = float(theirs(x, y, normalize=True))
    distance = native_distance()
    assert distance(first, second) == pytest.approx(wanted, rel=1e-4)
    assert distance(first, first) == 0.0
