"""The autoencoder gate: its measures on pictures whose answer is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lab.errors import NotFoundError
from lab.gates import autoencoder
from lab.gates.autoencoder import fine_ratios, finest_band, kept, round_trip


@pytest.fixture(scope="module")
def films() -> np.ndarray:
    """Grey pictures with detail of every scale, (6, 64, 64)."""
    rng = np.random.default_rng(0)
    spectrum = np.fft.fft2(rng.normal(size=(6, 64, 64)))
    radius = np.hypot(np.fft.fftfreq(64)[:, None], np.fft.fftfreq(64)[None, :])
    pictures = np.fft.ifft2(spectrum / (radius + 0.02)).real
    return np.clip(128 + 40 * pictures / pictures.std(), 0, 255).astype(np.uint8)


def blurred(images: np.ndarray) -> np.ndarray:
    shifted = [np.roll(images.astype(float), step, axis) for axis in (1, 2) for step in (-1, 0, 1)]
    return np.rint(np.mean(shifted, axis=0)).astype(np.uint8)


def test_a_film_keeps_all_of_its_own_fine_energy_and_a_blurred_one_does_not(films: np.ndarray) -> None:
    assert fine_ratios(films, films) == pytest.approx(1.0)
    assert (fine_ratios(films, blurred(films)) < 0.6).all()


def test_added_noise_counts_as_more_energy_than_the_film_had(films: np.ndarray) -> None:
    noise = np.random.default_rng(1).normal(0, 12, films.shape)
    noisy = np.clip(films + noise, 0, 255).astype(np.uint8)
    assert (fine_ratios(films, noisy) > 1.0).all()


def test_the_finest_band_has_no_part_of_a_slow_change() -> None:
    ramp = np.tile(np.arange(64.0), (1, 64, 1))
    assert np.abs(finest_band(ramp)[:, 2:-2, 2:-2]).max() < 1e-9
    checks = np.indices((64, 64)).sum(0)[None] % 2 * 100.0
    assert np.abs(np.abs(finest_band(checks)) - 50).max() < 1e-9


def test_limits_stand_on_held_out_films_and_the_interval_holds_the_mean(films: np.ndarray) -> None:
    names = np.asarray(["a", "a", "b", "c", "d", "e"])
    found = kept(films, blurred(films), names, "pictures", limits=True)
    psnr, fine, _ = found
    assert psnr.limit == 29.0
    assert fine.limit == 0.85
    assert fine.met is False
    assert psnr.low <= psnr.value <= psnr.high
    assert all(figure.limit is None for figure in kept(films, films, names, "pictures", limits=False))


def test_a_round_trip_gives_films_of_the_same_shape(films: np.ndarray) -> None:
    import torch
    from diffusers import AutoencoderKL

    torch.manual_seed(0)
    model = AutoencoderKL(
        in_channels=1,
        out_channels=1,
        down_block_types=("DownEncoderBlock2D", "DownEncoderBlock2D"),
        up_block_types=("UpDecoderBlock2D", "UpDecoderBlock2D"),
        block_out_channels=(8, 8),
        norm_num_groups=4,
        latent_channels=2,
    ).eval()
    given = round_trip(model)(films)
    assert given.shape == films.shape
    assert given.dtype == np.uint8
    assert np.array_equal(round_trip(model)(films), given)


def test_a_base_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(autoencoder, "ASSETS", tmp_path)
    with pytest.raises(NotFoundError, match="nothing was measured"):
        autoencoder.measure("no-base", lambda stage, done, total: None)
