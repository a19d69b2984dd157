"""The lateral phantom films, and what the frontal ones share with real films."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lab.data.phantoms import Film, FindingSpec, PhantomRecipe, render
from lab.data.phantoms.anatomy import draw_positioning, stream
from lab.data.phantoms.lateral_findings import SHOWN
from lab.data.phantoms.make import label_mask

SEED = 3
VIEWS = [draw_positioning(stream(SEED, "positioning", p, 0)).view for p in range(1500)]
SIDEWAYS = [PhantomRecipe(SEED, p, 0) for p, view in enumerate(VIEWS) if view == "LATERAL"][:6]


@pytest.fixture(scope="module")
def laterals() -> list[Film]:
    return [render(r, finding=FindingSpec("no finding")) for r in SIDEWAYS]


@pytest.fixture(scope="module")
def frontals() -> list[Film]:
    recipes = [PhantomRecipe(SEED, p, 0) for p in range(44) if VIEWS[p] != "LATERAL"]
    return [render(r, size=128, finding=FindingSpec("no finding")) for r in recipes]


def width(mask: np.ndarray) -> int:
    columns = np.flatnonzero(mask.any(0))
    return int(columns[-1] - columns[0] + 1)


def test_about_one_film_in_seventeen_is_lateral() -> None:
    shares = {view: VIEWS.count(view) / len(VIEWS) for view in set(VIEWS)}
    assert set(shares) == {"PA", "AP", "LATERAL"}
    assert 0.04 < shares["LATERAL"] < 0.08 and 0.30 < shares["AP"] < 0.42


def test_a_lateral_film_has_one_lung_field_with_the_heart_in_front_and_below(laterals: list[Film]) -> None:
    from scipy import ndimage

    for film in laterals:
        lungs, heart = film.masks["lungs"], film.masks["heart"]
        assert film.record["view"] == "LATERAL" and not film.masks["lesion"].any()
        assert 0.15 < lungs.mean() < 0.55 and 0.03 < heart.mean() < 0.25
        parts, count = ndimage.label(lungs)
        assert np.bincount(parts.ravel())[1:].max() > 0.97 * lungs.sum() and count >= 1
        lung_y, lung_x = np.argwhere(lungs).mean(0)
        heart_y, heart_x = np.argwhere(heart).mean(0)
        assert heart_x < lung_x - 8 and heart_y > lung_y + 8
        assert set(np.unique(label_mask(film))) == {0, 1, 2}


def test_the_lungs_of_a_lateral_film_are_darker_than_what_lies_under_them(laterals: list[Film]) -> None:
    for film in laterals:
        lungs = film.masks["lungs"]
        bottom = film.image[-24:][film.image[-24:] > 60]
        assert np.median(film.image[lungs]) < np.median(bottom) - 15


def test_fluid_on_a_lateral_film_lies_behind_and_below_and_more_of_it_is_more() -> None:
    for recipe in SIDEWAYS[:3]:
        lungs = render(recipe, finding=FindingSpec("no finding")).masks["lungs"]
        areas = []
        for size in ("small", "moderate", "large"):
            film = render(recipe, finding=FindingSpec("effusion", "left", size))
            assert film.record["view"] == "LATERAL"
            areas.append(int(film.masks["lesion"].sum()))
            if size == "small":
                middle = np.argwhere(film.masks["lesion"]).mean(0) - np.argwhere(lungs).mean(0)
                assert middle[0] > 20 and middle[1] > 10
        assert 20 < areas[0] < areas[1] < areas[2]


@pytest.mark.parametrize(("label", "lobe"), [("consolidation", "LLL"), ("nodule", "LUL")])
def test_an_opacity_on_a_lateral_film_is_brighter_where_its_mask_is(label: str, lobe: str) -> None:
    healthy = render(SIDEWAYS[1], finding=FindingSpec("no finding"))
    ill = render(SIDEWAYS[1], finding=FindingSpec(label, "left", "large", lobe))
    change = ill.image.astype(int) - healthy.image
    lesion = ill.masks["lesion"]
    assert lesion.any() and change[lesion].mean() > np.median(change[~lesion]) + 4


def test_a_finding_that_no_lateral_film_shows_is_drawn_on_a_frontal_one() -> None:
    asked = render(SIDEWAYS[0], finding=FindingSpec("pneumothorax", "right", "large"))
    assert asked.record["view"] == "PA" and asked.masks["lesion"].any()
    for recipe in SIDEWAYS:
        film = render(recipe)
        assert film.record["view"] == "LATERAL"
        assert {f["label"] for f in json.loads(str(film.record["findings"]))} <= set(SHOWN)


def test_captions_of_lateral_films_name_the_view_and_no_side() -> None:
    for recipe in SIDEWAYS:
        caption = str(render(recipe).record["caption"]).lower()
        assert "lateral" in caption
        assert not {"left", "right", "bilateral"} & set(caption.replace(".", " ").replace(",", " ").split())


def test_a_lateral_film_is_the_same_every_time() -> None:
    assert render(SIDEWAYS[0]).image.tobytes() == render(SIDEWAYS[0]).image.tobytes()


def test_healthy_hearts_fill_less_than_three_fifths_of_the_chest(frontals: list[Film]) -> None:
    ratios = [width(f.masks["heart"]) / width(f.masks["lungs"]) for f in frontals]
    assert 0.42 < np.mean(ratios) < 0.53 and max(ratios) < 0.62


def test_films_differ_in_brightness_and_contrast_as_real_ones_do(frontals: list[Film]) -> None:
    """Real adult films: means spread by 24 grey levels; contrast 45 to 59 levels, spread by 10 to 16."""
    means = [float(f.image.mean()) for f in frontals]
    contrasts = [float(f.image.std()) for f in frontals]
    assert 110 < np.mean(means) < 165 and np.std(means) > 15
    assert 40 < np.mean(contrasts) < 65 and np.std(contrasts) > 7
