"""White box attacks: an over-fitted denoiser gives its films away, an untrained one does not; formulas by hand."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import numpy as np
import pytest

from lab.errors import InputError, NotComputable
from lab.leakage.attacks.catalogue import ATTACKS, BLACK_BOX, EVERY, calls_per_film, checked_attacks, measured
from lab.leakage.attacks.denoiser import Denoiser, fixed_noises, published_level
from lab.leakage.attacks.open_denoiser import open_denoiser, why_closed
from lab.leakage.attacks.path import DiffusionPath, FlowPath
from lab.leakage.attacks.trained import cross_fitted, halves
from lab.leakage.roc import roc_of
from tests.builders.memory_set import blobs

SIZE = 8


def _films(seed: int, count: int) -> list[np.ndarray]:
    """Half shape, half grain: what a small network can only tell by heart."""
    rng = np.random.default_rng(seed)
    return [
        (film // 2 + rng.integers(0, 128, film.shape)).astype(np.uint8) for film in blobs(seed, count, SIZE)
    ]


def _people(count: int, name: str) -> np.ndarray:
    return np.array([f"{name}{number}" for number in range(count)])


@pytest.fixture(scope="module")
def pipelines():
    """A tiny pixel DDPM over-fitted to one batch of eight films, and the same one before that."""
    import torch
    from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = UNet2DModel(
        sample_size=SIZE, in_channels=1, out_channels=1, block_out_channels=(16, 32), layers_per_block=1,
        norm_num_groups=8, down_block_types=("DownBlock2D",) * 2, up_block_types=("UpBlock2D",) * 2,
        add_attention=False,
    )  # fmt: skip
    scheduler, films, steps = DDPMScheduler(), _films(41, 8), 350
    untrained = DDPMPipeline(copy.deepcopy(model).eval(), scheduler)
    clean = (torch.from_numpy(np.stack(films)).float()[:, None] / 127.5 - 1).repeat(3, 1, 1, 1)
    optimiser, draw = torch.optim.Adam(model.parameters()), torch.Generator().manual_seed(0)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = 4e-3 * min(1, (step + 1) / 20) * (0.5 * (1 + np.cos(np.pi * step / steps)) + 0.05)
        parts = (torch.randperm(24, generator=draw) + torch.rand(24, generator=draw)) / 24
        times, noise = (parts * 1000).long().clamp(0, 999), torch.randn(clean.shape, generator=draw)
        signal = scheduler.alphas_cumprod[times].view(-1, 1, 1, 1)
        given = model(signal.sqrt() * clean + (1 - signal).sqrt() * noise, times, return_dict=False)[0]
        optimiser.zero_grad()
        ((given - noise) ** 2).mean().backward()
        optimiser.step()
    return DDPMPipeline(model.eval(), scheduler), untrained, films


def _areas(pipeline, members, others) -> dict[str, float]:
    sides = [
        measured(open_denoiser(pipeline, "cpu"), list(ATTACKS.values()), films, [""] * len(films))
        for films in (members, others)
    ]
    people = _people(len(members), "m"), _people(len(others), "o")
    return {
        name: roc_of(*attack.judge(sides[0][name], sides[1][name], *people), *people).area
        for name, attack in ATTACKS.items()
    }


@pytest.mark.row("CM-13")
def test_an_overfitted_model_gives_its_films_away_to_every_attack(pipelines) -> None:
    areas = _areas(pipelines[0], pipelines[2], _films(42, 32))
    assert {name: area for name, area in areas.items() if area <= 0.8} == {}


@pytest.mark.row("CM-13")
def test_an_untrained_model_knows_nobody(pipelines) -> None:
    many = _films(43, 160)
    areas = _areas(pipelines[1], many[::2], many[1::2])
    assert {name: area for name, area in areas.items() if abs(area - 0.5) > 0.1} == {}, "80 films a side"


def test_measures_do_not_depend_on_the_batch_a_film_stands_in(pipelines) -> None:
    denoiser, attacks = open_denoiser(pipelines[0], "cpu"), list(ATTACKS.values())
    together = measured(denoiser, attacks, pipelines[2], [""] * 8)
    for at in (0, 5):
        alone = measured(denoiser, attacks, pipelines[2][at : at + 1], [""])
        for name in ATTACKS:
            np.testing.assert_allclose(alone[name][0], together[name][at], rtol=2e-3)


# A denoiser that can be computed by hand: its output is 0.3 x noisy + 0.001 x time.
ALPHAS = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))


def _linear(path) -> Denoiser:
    return Denoiser(
        path, lambda noisy, time, words: 0.3 * noisy + 0.001 * time, lambda films: films, lambda words: None
    )


def _clean():
    import torch

    return torch.from_numpy(np.random.default_rng(3).normal(size=(3, 1, 8, 8)).astype(np.float32))


@pytest.mark.row("CM-13")
def test_the_loss_is_the_squared_error_of_the_noise() -> None:
    clean = _clean()
    found = ATTACKS["loss"].measure(_linear(DiffusionPath(ALPHAS, "epsilon")), clean, None)
    x, noises = clean.numpy(), fixed_noises(clean, 3).numpy()
    for column, t in enumerate((100, 250, 400, 550, 700, 850)):
        a, b = np.sqrt(ALPHAS[t]), np.sqrt(1 - ALPHAS[t])
        expected = np.mean(
            [((e - 0.3 * (a * x + b * e) - 0.001 * t) ** 2).mean((1, 2, 3)) for e in noises], 0
        )
        np.testing.assert_allclose(found[:, column], expected, rtol=1e-4)


@pytest.mark.row("CM-13")
def test_secmi_walks_in_tens_to_ninety_and_once_up_and_back() -> None:
    """t = 100, k = 10 on the schedule it was published with, each step by the DDIM formula."""
    clean = _clean()

    def step(x, t, to):
        eps = 0.3 * x + 0.001 * t
        return (
            np.sqrt(ALPHAS[to]) * (x - np.sqrt(1 - ALPHAS[t]) * eps) / np.sqrt(ALPHAS[t])
            + np.sqrt(1 - ALPHAS[to]) * eps
        )

    x = clean.numpy().astype(np.float64)
    for t in range(0, 90, 10):
        x = step(x, t, t + 10)
    gap = ((step(step(x, 90, 100), 100, 90) - x) ** 2).sum((1, 2, 3))
    found = ATTACKS["secmi"].measure(_linear(DiffusionPath(ALPHAS, "epsilon")), clean, None)
    np.testing.assert_allclose(found[:, 0], gap, rtol=1e-3)


@pytest.mark.row("CM-13")
def test_pia_and_pian_are_sums_of_fourth_powers() -> None:
    clean = _clean()
    x = clean.numpy().astype(np.float64)
    for name, scale in (("pia", None), ("pian", np.sqrt(2 / np.pi))):
        first = 0.3 * x
        if scale is not None:
            first = first * scale / np.abs(first).mean((1, 2, 3), keepdims=True)
        found = ATTACKS[name].measure(_linear(DiffusionPath(ALPHAS, "epsilon")), clean, None)
        for column, t in enumerate((50, 100, 150, 200, 250, 300)):
            noisy = np.sqrt(ALPHAS[t]) * x + np.sqrt(1 - ALPHAS[t]) * first
            expected = (np.abs(first - 0.3 * noisy - 0.001 * t) ** 4).sum((1, 2, 3))
            np.testing.assert_allclose(found[:, column], expected, rtol=1e-3)


@pytest.mark.row("CM-13")
def test_fcre_sees_the_middle_band_only() -> None:
    """By hand: the band's mask on NumPy's transform, and scikit-image's structural similarity."""
    from skimage.metrics import structural_similarity

    clean = _clean()
    x, noises = clean.numpy().astype(np.float64), fixed_noises(clean, 6).numpy().astype(np.float64)
    radius = np.hypot(*np.meshgrid(np.fft.fftfreq(8) * 2, np.fft.fftfreq(8) * 2))

    def band(images):
        return np.fft.ifft2(np.fft.fft2(images) * ((radius >= 0.15) & (radius <= 0.85))).real

    def alike(image, reference):
        return structural_similarity(image[0], reference[0], win_size=7, data_range=float(np.ptp(reference)))

    for path, times, velocity in (
        (DiffusionPath(ALPHAS, "epsilon"), (325, 375, 425, 475, 525, 575), False),
        (FlowPath(1000), (325, 375, 425, 475, 525, 575), True),
    ):
        again, energy, unlike = [], np.zeros(3), np.zeros(3)
        for t, noise in zip(times, noises, strict=True):
            a, b = (1 - t / 1000, t / 1000) if velocity else (np.sqrt(ALPHAS[t]), np.sqrt(1 - ALPHAS[t]))
            noisy = a * x + b * noise
            told = 0.3 * noisy + 0.001 * t
            target = noise - x if velocity else np.broadcast_to(noise, x.shape)
            restored = noisy - b * told if velocity else (noisy - b * told) / a
            again.append([1 - alike(band(one), band(film)) for one, film in zip(restored, x, strict=True)])
            energy += (band(told - target) ** 2).mean((1, 2, 3)) / 6
            unlike += np.array([1 - alike(one, film) for one, film in zip(told, target, strict=True)]) / 6
        np.testing.assert_allclose(
            ATTACKS["fcre"].measure(_linear(path), clean, None), np.array(again).T, rtol=2e-3
        )
        found = ATTACKS["fcre-trained"].measure(_linear(path), clean, None)
        np.testing.assert_allclose(found, np.stack([energy, unlike], 1), rtol=1e-3)


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction", "sample", "flow"])
def test_every_kind_of_prediction_is_read_as_the_noise_it_stands_for(kind) -> None:
    """A perfect network's output gives back the very noise, and with it the film."""
    clean = _clean()
    noise = fixed_noises(clean, 1)[0].expand_as(clean)
    path = FlowPath(1000) if kind == "flow" else DiffusionPath(ALPHAS, kind)
    a, b = path.signal(600), path.spread(600)
    output = {
        "epsilon": noise,
        "sample": clean,
        "flow": noise - clean,
        "v_prediction": a * noise - b * clean,
    }[kind]
    denoiser = Denoiser(path, lambda noisy, time, words: output, lambda films: films, lambda words: None)
    noisy = denoiser.noised(clean, noise, 600)
    np.testing.assert_allclose(denoiser.noise(noisy, 600, None), noise, atol=1e-4)
    np.testing.assert_allclose(denoiser.clean(noisy, noise, 600), clean, atol=1e-4)
    np.testing.assert_allclose(
        denoiser.moved(noisy, noise, 600, 0), path.signal(0) * clean + path.spread(0) * noise, atol=1e-3
    )


def test_a_published_time_is_the_same_amount_of_noise_in_every_schedule() -> None:
    assert _linear(DiffusionPath(ALPHAS, "epsilon")).at_level(published_level(100)) == 100
    flow = _linear(FlowPath(1000))
    t = flow.at_level(published_level(100))
    assert (1 - t / 1000) ** 2 / ((1 - t / 1000) ** 2 + (t / 1000) ** 2) == pytest.approx(
        ALPHAS[100], abs=2e-3
    )


def test_pipelines_of_every_kind_open(tmp_path) -> None:
    """Transformers and latent models of random weights: each is asked, and its measures are numbers."""
    for name, pipeline, side in _zoo():
        assert why_closed(pipeline) == "", name
        films = blobs(7, 2, side)
        found = measured(open_denoiser(pipeline, "cpu"), list(ATTACKS.values()), films, ["normal chest"] * 2)
        assert all(np.isfinite(values).all() and len(values) == 2 for values in found.values()), name


def _zoo():
    import torch
    from diffusers import (
        AutoencoderKL,
        DDPMScheduler,
        DPMSolverMultistepScheduler,
        FlowMatchEulerDiscreteScheduler,
        PixArtTransformer2DModel,
        SanaTransformer2DModel,
        SD3Transformer2DModel,
        UNet2DConditionModel,
        UNet2DModel,
    )  # fmt: skip

    torch.manual_seed(1)
    vae = AutoencoderKL(
        in_channels=3, out_channels=3, latent_channels=4, block_out_channels=(8, 8), norm_num_groups=4,
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2, shift_factor=0.1,
    ).eval()  # fmt: skip
    words, pooled, mask = torch.randn(2, 5, 16), torch.randn(2, 16), torch.ones(2, 5)

    def made(result, **parts):
        def encode_prompt(prompt, device, num_images_per_prompt, do_classifier_free_guidance):
            return result

        return SimpleNamespace(vae=vae, vae_scale_factor=2, encode_prompt=encode_prompt, **parts)

    pixart = PixArtTransformer2DModel(
        num_attention_heads=2, attention_head_dim=8, in_channels=4, out_channels=8, num_layers=1, sample_size=8,
        patch_size=2, cross_attention_dim=16, caption_channels=16, use_additional_conditions=False,
    )  # fmt: skip
    sd3 = SD3Transformer2DModel(
        sample_size=8, patch_size=2, in_channels=4, num_layers=1, attention_head_dim=8, num_attention_heads=2,
        joint_attention_dim=16, caption_projection_dim=16, pooled_projection_dim=16, out_channels=4,
    )  # fmt: skip
    sana = SanaTransformer2DModel(
        in_channels=4, out_channels=4, num_attention_heads=2, attention_head_dim=8, num_layers=1,
        num_cross_attention_heads=2, cross_attention_head_dim=8, cross_attention_dim=16, caption_channels=16,
        sample_size=8, patch_size=1,
    )  # fmt: skip
    sdxl = UNet2DConditionModel(
        sample_size=8, in_channels=4, out_channels=4, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=16, attention_head_dim=2, addition_embed_type="text_time", addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=16 + 6 * 8,
    )  # fmt: skip
    plain = UNet2DModel(
        sample_size=8, in_channels=4, out_channels=4, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4,
        down_block_types=("DownBlock2D",) * 2, up_block_types=("UpBlock2D",) * 2, add_attention=False,
    )  # fmt: skip
    flow, ddpm = FlowMatchEulerDiscreteScheduler(shift=3.0), DDPMScheduler()
    yield (
        "pixart",
        made((words, mask, None, None), transformer=pixart.eval(), scheduler=DPMSolverMultistepScheduler()),
        16,
    )
    yield "sd3", made((words, None, pooled, None), transformer=sd3.eval(), scheduler=flow), 16
    yield "sana", made((words, mask, None, None), transformer=sana.eval(), scheduler=flow), 16
    yield "sdxl", made((words, None, pooled, None), unet=sdxl.eval(), scheduler=ddpm), 16
    yield "latent, no text", SimpleNamespace(vqvae=vae, unet=plain.eval(), scheduler=ddpm), 16


def test_what_cannot_be_asked_says_why() -> None:
    from diffusers import DDPMScheduler, UNet2DModel

    assert "another kind" in why_closed(object())
    with pytest.raises(NotComputable, match="another kind"):
        open_denoiser(object(), "cpu")
    unet = UNet2DModel(
        sample_size=8, in_channels=5, out_channels=1, block_out_channels=(8, 8), layers_per_block=1, norm_num_groups=4,
        down_block_types=("DownBlock2D",) * 2, up_block_types=("UpBlock2D",) * 2, add_attention=False,
    )  # fmt: skip
    odd = SimpleNamespace(
        unet=unet, scheduler=SimpleNamespace(config=SimpleNamespace(prediction_type="score"))
    )
    assert "predicts" in why_closed(odd)
    masked = SimpleNamespace(unet=unet, scheduler=DDPMScheduler())
    assert "mask" in why_closed(masked)


@pytest.mark.row("CM-14")
def test_a_trained_attack_never_judges_a_patient_it_was_trained_on() -> None:
    rng = np.random.default_rng(0)
    ours, theirs = np.repeat(_people(30, "m"), 3), np.repeat(_people(40, "o"), 2)
    first = halves(ours, theirs, 0)
    rows = np.concatenate([ours, theirs])
    assert not set(rows[first]) & set(rows[~first])
    assert len(set(ours[first[:90]])) == 15 and len(set(theirs[first[90:]])) == 20
    # A label that only the patient carries: learnt by heart it would tell all, by patients it tells nothing.
    areas = []
    for seed in range(24):
        rng = np.random.default_rng(seed)
        own, other = (np.repeat(rng.normal(size=(n, 2)), k, 0) for n, k in ((30, 3), (40, 2)))
        scores = cross_fitted(own, other, ours, theirs, seed)
        areas.append(roc_of(*scores, ours, theirs).area)
    assert np.mean(areas) == pytest.approx(0.5, abs=0.05)
    shifted = cross_fitted(rng.normal(1.5, 1, (90, 2)), rng.normal(0, 1, (80, 2)), ours, theirs)
    assert roc_of(*shifted, ours, theirs).area > 0.85
    with pytest.raises(NotComputable, match="four patients"):
        cross_fitted(np.ones((3, 2)), np.ones((9, 2)), _people(3, "m"), _people(9, "o"))


def test_attacks_are_named_and_their_cost_is_known() -> None:
    assert checked_attacks(["pia", BLACK_BOX, "loss"]) == [BLACK_BOX, "loss", "pia"]
    assert calls_per_film(EVERY) == sum(attack.calls for attack in ATTACKS.values())
    for wrong, word in (([], "No attack"), (["guess"], "not an attack")):
        with pytest.raises(InputError, match=word):
            checked_attacks(wrong)


@pytest.mark.row("CM-13")
def test_the_cost_told_is_what_is_asked() -> None:
    clean, asked = _clean(), []
    denoiser = Denoiser(
        DiffusionPath(ALPHAS, "epsilon"), lambda x, t, w: asked.append(t) or 0.3 * x, None, None
    )
    for attack in ATTACKS.values():
        asked.clear()
        attack.measure(denoiser, clean, None)
        assert len(asked) == attack.calls, attack.name
