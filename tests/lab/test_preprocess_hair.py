"""Hair removal: the mask is where the hair is, what is painted over is nearer the clean skin, clean skin stays."""

from __future__ import annotations

import importlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from lab.data.preprocess import Picture, preset
from lab.data.preprocess.presets import DULLRAZOR_9, DULLRAZOR_17, LONG_LINES
from lab.data.preprocess.steps.hair import RemoveHair
from lab.errors import InputError

EVERY = pytest.mark.parametrize("step", [DULLRAZOR_9, DULLRAZOR_17, LONG_LINES], ids=["9", "17", "lines"])


def clean_skin(seed: int = 0, side: int = 256) -> np.ndarray:
    """Skin colours, uneven light, camera noise of 1.5 levels, a soft brown lesion; (side, side, 3) uint8."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side] / side
    light = 1 + 0.08 * (x - 0.5) + 0.05 * (y - 0.5)
    lesion = 1 / (1 + np.exp((np.hypot(x - 0.55, y - 0.45) - 0.22) * 40))
    colour = np.array([214, 168, 150]) - lesion[..., None] * np.array([80, 85, 75])
    return np.clip(np.rint(colour * light[..., None] + rng.normal(0, 1.5, (side, side, 3))), 0, 255).astype(
        np.uint8
    )


def hairy(clean: np.ndarray, seed: int = 0, hairs: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Black curved strokes of 2 to 4 px over a picture, and where they are."""
    rng = np.random.default_rng(seed)
    drawn = np.zeros(clean.shape[:2], np.uint8)
    for _ in range(hairs):
        start, end = rng.uniform(0, 256, 2), rng.uniform(0, 256, 2)
        bend = (start + end) / 2 + rng.normal(0, 25, 2)
        t = np.linspace(0, 1, 40)[:, None]
        curve = (1 - t) ** 2 * start + 2 * t * (1 - t) * bend + t**2 * end
        cv2.polylines(drawn, [np.rint(curve).astype(np.int32)], False, 1, int(rng.integers(2, 5)))
    image = clean.copy()
    image[drawn > 0] = (18, 14, 12)
    return image, drawn > 0


@pytest.mark.row("SG-04")
@EVERY
@pytest.mark.parametrize("seed", range(4))
def test_black_strokes_are_found_and_painted_over(step: RemoveHair, seed: int) -> None:
    clean = clean_skin(seed)
    image, truth = hairy(clean, seed)
    done = step.apply(Picture(image), 0)
    found = done.overlays["hair"]
    overlap = np.count_nonzero(found & truth) / np.count_nonzero(found | truth)
    before = np.abs(image.astype(float) - clean).mean()
    after = np.abs(done.image.astype(float) - clean).mean()
    assert overlap >= 0.6
    assert after <= before / 3
    assert done.notes["hair_share"] == pytest.approx(found.mean(), abs=1e-5)
    assert done.notes["changed_share"] == pytest.approx((done.image != image).any(axis=2).mean(), abs=1e-5)
    assert np.array_equal(done.image[~found], image[~found])


@pytest.mark.row("SG-04")
@EVERY
@pytest.mark.parametrize("seed", range(4))
def test_skin_without_hair_stays(step: RemoveHair, seed: int) -> None:
    done = step.apply(Picture(clean_skin(seed)), 0)
    assert float(done.notes["changed_share"]) < 0.01
    assert done.notes["hair_doubt"] is False


@pytest.mark.row("SG-04")
def test_every_slider_does_what_it_says() -> None:
    image, truth = hairy(clean_skin(3), 3)
    picture = Picture(image)

    def share(**values: int | bool | str) -> float:
        step = RemoveHair(**values)  # type: ignore[arg-type]
        return float(step.apply(picture, 0).notes["hair_share"])

    assert share(threshold=5) > share(threshold=10) > share(threshold=60)
    assert share(dilate=True) > share() > 0.5 * truth.mean()
    assert share(kernel=3) < 0.5 * share(kernel=9)
    assert share(shape="cross") <= share(shape="rect")
    assert share(shortest=41) < share(shortest=11) <= share()
    near = RemoveHair(radius=1).apply(picture, 0).image
    assert not np.array_equal(near, RemoveHair(radius=12).apply(picture, 0).image)


def test_the_gentle_preset_spares_dots_and_keeps_finding_hair() -> None:
    clean = clean_skin(1)
    yy, xx = np.mgrid[0:256, 0:256]
    dots = (((yy % 12) - 6) ** 2 + ((xx % 12) - 6) ** 2 < 7) & (np.hypot(xx - 140, yy - 115) < 50)
    clean[dots] = clean[dots] // 2  # globules of a lesion
    image, truth = hairy(clean, 1)
    published, gentle = (step.apply(Picture(image), 0) for step in (DULLRAZOR_9, LONG_LINES))
    only = dots & ~truth

    def lost(done: Picture) -> float:
        return float(done.overlays["hair"][only].mean())

    assert lost(published) > 0.9 and lost(gentle) < 0.4
    assert gentle.overlays["hair"][truth].mean() > 0.8
    assert published.notes["hair_doubt"] is True


def test_grey_pictures_work_and_deep_ones_are_refused() -> None:
    image, truth = hairy(clean_skin(2), 2)
    done = DULLRAZOR_9.apply(Picture(image[..., 1].copy()), 0)
    assert done.image.ndim == 2 and (done.overlays["hair"] & truth).sum() > 0.9 * truth.sum()
    with pytest.raises(InputError, match="8-bit"):
        DULLRAZOR_9.apply(Picture(image.astype(np.uint16) * 257), 0)


@pytest.mark.row("SG-04")
def test_phantom_skin_with_hair_comes_nearer_its_clean_layer() -> None:
    try:
        skin = importlib.import_module("lab.data.phantom_skin")
    except ImportError:
        pytest.skip("phantom skin is not part of this checkout")
    before, published, gentle, beside = [], [], [], []
    for patient in range(24):
        phantom = skin.render(skin.SkinRecipe(seed=3, patient=patient, film=0), size=224)
        clean = phantom.layers["clean"].astype(float)
        hair = phantom.layers["hair"]
        # Light and faint hairs are beyond a method that looks for dark lines: what stands 20 levels out is measured.
        dark = hair & (clean.mean(axis=2) - phantom.image.mean(axis=2) > 20)
        if dark.mean() < 0.004:
            continue
        done = [step.apply(Picture(phantom.image), 0) for step in (DULLRAZOR_9, LONG_LINES)]
        before.append(np.abs(phantom.image - clean)[dark].mean())
        published.append(np.abs(done[0].image - clean)[dark].mean())
        gentle.append(np.abs(done[1].image - clean)[dark].mean())
        beside.append([np.abs(entry.image.astype(float) - phantom.image)[~hair].mean() for entry in done])
    assert len(before) >= 3
    assert np.mean(published) < 0.4 * np.mean(before) and np.mean(gentle) < 0.6 * np.mean(before)
    damage = np.mean(beside, axis=0)
    assert damage[1] < 0.5 * damage[0]  # away from hair the gentle preset changes far less


def test_real_dermoscopy_is_painted_inside_the_mask_only(test_data: Path) -> None:
    files = sorted((test_data / "derm_ham" / "images").glob("*.jpg"))[::40]
    if not files:
        pytest.skip("derm_ham is not among the test sets")
    shares = []
    for file in files:
        image = np.asarray(Image.open(file).convert("RGB"))
        done = preset("skin-b-9").recipe.trace(Picture(image), 0)[1][1]
        hair = done.overlays["hair"]
        assert np.array_equal(done.image[~hair], image[~hair])
        gentle = float(LONG_LINES.apply(Picture(image), 0).notes["hair_share"])
        shares.append((float(done.notes["hair_share"]), gentle))
    published, gentle_mean = np.median(shares, axis=0)
    # What the method's own users found: the published preset takes much of a lesion for hair.
    assert 0.03 < published < 0.2 and gentle_mean < 0.6 * published
