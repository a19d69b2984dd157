"""The phantoms' findings and devices: sizes, sides, widths, words, shares."""

from __future__ import annotations

import hashlib
import json
import random
import re

import numpy as np
import pytest

from lab.data.phantoms import VOCABULARY, Film, FindingSpec, PhantomRecipe, caption, render
from lab.data.phantoms.anatomy import draw_positioning, stream
from lab.data.phantoms.captions import LIMIT, NEGATION_SHARE, age_word
from lab.data.phantoms.draws import (
    DEVICES,
    LABELS,
    LOBES_OF,
    SIDED,
    SIZES,
    WITH_LOBE,
    draw_findings,
    draw_one,
)
from lab.data.phantoms.draws import NO_FINDING as HEALTHY
from lab.errors import DatasetError
from lab.generators.training.tokens import pieces
from lab.generators.training.wording import drawn_caption, reworded, vocabulary

SEED = 3
FRONTAL = [p for p in range(20) if draw_positioning(stream(SEED, "positioning", p, 0)).view in ("AP", "PA")]
RECIPES = [PhantomRecipe(SEED, patient, 0) for patient in FRONTAL[:3]]
NAMES = {
    "cardiomegaly": "cardiomegaly|heart",
    "nodule": "nodule|mass",
    "oedema": "oedema|edema",
    "central line": "central line|central venous catheter",
}


def changes(recipe: PhantomRecipe, *findings: FindingSpec, size: int = 128) -> tuple[Film, np.ndarray]:
    """The film, and by how many grey levels it differs from the healthy counterpart, window shifts left out."""
    film, healthy = render(recipe, size, findings), render(recipe, size, HEALTHY)
    change = film.image.astype(float) - healthy.image
    return film, change - np.median(change[~film.masks["lesion"]])


def drawn(count: int = 3000) -> list[tuple[str, tuple[FindingSpec, ...]]]:
    views = [draw_positioning(stream(0, "positioning", p, 0)).view for p in range(count)]
    return [(view, draw_findings(stream(0, "finding", p, 0), view)) for p, view in enumerate(views)]


@pytest.mark.parametrize(
    ("label", "side", "lobe"), [("nodule", "left", "LUL"), ("nodule", "right", "RLL"), ("oedema", "", "")]
)
def test_size_words_order_what_is_seen(label: str, side: str, lobe: str) -> None:
    for recipe in RECIPES:
        films = [changes(recipe, FindingSpec(label, side, size, lobe)) for size in SIZES]
        areas = [int(film.masks["lesion"].sum()) for film, _ in films]
        if label == "nodule":
            assert areas[0] < areas[1] < areas[2]
        brightness = [float(change[film.masks["lesion"]].sum()) for film, change in films]
        assert 0 < brightness[0] < brightness[1] < brightness[2]


@pytest.mark.parametrize("label", ["nodule", "pacemaker"])
def test_the_side_word_turns_the_lesion_over_and_nothing_else(label: str) -> None:
    for recipe in RECIPES:
        healthy = render(recipe, 128, HEALTHY).image.astype(int)
        lung = render(recipe, 128, HEALTHY).masks["lungs"]
        middle = np.argwhere(lung)[:, 1].mean()
        for side, lobe in (("right", "RUL"), ("left", "LUL")):
            finding = FindingSpec(
                label, side, "large" if label == "nodule" else "", lobe if label == "nodule" else ""
            )
            film = render(recipe, 128, finding)
            mask = film.masks["lesion"]
            assert (np.median(np.argwhere(mask)[:, 1]) < middle) == (side == "right")
            other = np.zeros_like(mask)
            columns = np.arange(128) > middle if side == "right" else np.arange(128) < middle
            other[:, columns] = True
            rest = lung & other & ~mask
            assert np.abs(film.image.astype(int) - healthy)[rest].mean() < 4


def test_nodules_keep_clear_of_the_heart_and_inside_their_lobe() -> None:
    for recipe in RECIPES:
        for side, lobes in LOBES_OF.items():
            for lobe in lobes:
                film = render(recipe, 128, FindingSpec("nodule", side, "moderate", lobe))
                mask = film.masks["lesion"]
                assert (mask & film.masks["heart"]).sum() < 0.05 * mask.sum()
                height = np.argwhere(film.masks["lungs"])[:, 0]
                share = (np.argwhere(mask)[:, 0].mean() - height.min()) / np.ptp(height)
                assert (share < 0.55) if lobe in ("RUL", "LUL") else (share > 0.35)


@pytest.mark.parametrize("lobe", ["RUL", "RLL", "LUL", "LLL"])
def test_small_nodules_are_eight_pixels_wide_and_visible_at_128(lobe: str) -> None:
    side = "right" if lobe[0] == "R" else "left"
    for recipe in RECIPES:
        film, change = changes(recipe, FindingSpec("nodule", side, "small", lobe))
        mask = film.masks["lesion"]
        assert 2 * np.sqrt(mask.sum() / np.pi) >= 8
        assert change[mask].mean() > 6


@pytest.mark.parametrize("label", DEVICES)
def test_devices_are_two_pixels_wide_and_visible_at_128(label: str) -> None:
    from scipy import ndimage

    for recipe in RECIPES:
        film, change = changes(recipe, FindingSpec(label, "left" if label in SIDED else ""))
        mask = film.masks["lesion"]
        assert mask.sum() > 50
        whole = np.pad(mask, 2, mode="edge")
        assert ndimage.binary_opening(whole, np.ones((2, 2), bool))[2:-2, 2:-2].sum() == mask.sum()
        beside = ndimage.binary_dilation(mask, iterations=3) & ~ndimage.binary_dilation(mask)
        assert change[mask].mean() - change[beside].mean() > 5
        wide = ndimage.binary_opening(change > 4, np.ones((2, 2), bool))
        assert (wide & mask).sum() > 0.35 * mask.sum(), "most of a line is two pixels wide in the film itself"


def test_tubes_run_down_the_midline_and_lines_end_beside_it() -> None:
    for recipe in RECIPES:
        lungs = render(recipe, 128, HEALTHY).masks["lungs"]
        rows = np.argwhere(lungs)[:, 0]
        ends = {}
        for label in ("endotracheal tube", "gastric tube", "central line"):
            mask = render(recipe, 128, FindingSpec(label, "right" if label in SIDED else "")).masks["lesion"]
            ends[label] = (int(np.argwhere(mask)[:, 0].max()) - rows.min()) / np.ptp(rows)
        assert ends["endotracheal tube"] < 0.40 < 0.85 < ends["gastric tube"]
        assert ends["endotracheal tube"] < ends["central line"] < 0.65


def test_films_with_findings_are_reproducible_and_devices_do_not_move_the_pathology() -> None:
    both = (FindingSpec("oedema", "", "large"), FindingSpec("central line", "left"))
    digests = {hashlib.sha256(render(RECIPES[0], 128, both).image.tobytes()).hexdigest() for _ in range(2)}
    assert len(digests) == 1
    nodule = FindingSpec("nodule", "left", "small", "LUL")
    alone = render(RECIPES[0], 128, nodule).masks["lesion"]
    with_tube = render(RECIPES[0], 128, (FindingSpec("endotracheal tube"), nodule)).masks["lesion"]
    tube = render(RECIPES[0], 128, FindingSpec("endotracheal tube")).masks["lesion"]
    assert np.array_equal(with_tube, alone | tube)


def test_a_film_with_a_device_alone_has_no_finding() -> None:
    film = render(RECIPES[0], 128, FindingSpec("endotracheal tube"))
    assert film.record["label"] == "no finding" and film.masks["lesion"].any()
    assert [f["label"] for f in json.loads(str(film.record["findings"]))] == ["endotracheal tube"]
    assert "endotracheal tube" in str(film.record["caption"]).lower()
    both = render(
        RECIPES[0], 128, (FindingSpec("pacemaker", "left"), FindingSpec("cardiomegaly", "", "large"))
    )
    assert both.record["label"] == "cardiomegaly" and both.record["size"] == "large"


def test_an_incomplete_finding_is_refused_in_a_sentence() -> None:
    wrong = [
        ("scoliosis", "", "", ""),
        ("nodule", "left", "small", "RUL"),
        ("effusion", "", "small", ""),
        ("oedema",),
    ]
    for words in wrong:
        with pytest.raises(DatasetError, match="nothing was rendered"):
            render(RECIPES[0], 128, FindingSpec(*words))


def test_the_shares_of_findings_and_devices() -> None:
    films = drawn()
    ill = [[f for f in found if f.label in LABELS] for _, found in films]
    placed = [[f for f in found if f.label in DEVICES] for _, found in films]
    assert 0.82 < np.mean([bool(f) for f in ill]) < 0.88
    assert 0.11 < np.mean([len(f) == 2 for f in ill]) < 0.16
    assert 0.22 < np.mean([bool(f) for f in placed]) < 0.29
    by_view = {
        v: np.mean([bool(p) for (w, _), p in zip(films, placed, strict=True) if w == v]) for v in ("AP", "PA")
    }
    assert by_view["AP"] > 2 * by_view["PA"]
    first = [f[0] for f in ill if f]
    for label in LABELS:
        same = [f for f in first if f.label == label]
        assert 0.14 < len(same) / len(first) < 0.195
        for size in SIZES:
            assert 0.26 < np.mean([f.size == size for f in same]) < 0.41
        if label in SIDED:
            assert 0.43 < np.mean([f.side == "left" for f in same]) < 0.57
        assert all((f.lobe in LOBES_OF[f.side]) if label in WITH_LOBE else not f.lobe for f in same)
    labels = [[f.label for f in found] for _, found in films]
    assert all(len(set(found)) == len(found) for found in labels)
    normal_with_device = np.mean([bool(p) for i, p in zip(ill, placed, strict=True) if not i])
    assert 0.17 < normal_with_device < 0.34


def test_captions_name_every_finding_view_and_person() -> None:
    words, said = set(VOCABULARY), {"view": 0, "person": 0, "denied": 0}
    for patient in range(1500):
        rng = stream(11, "caption", patient, 0)
        findings = draw_findings(rng, "AP")
        text = caption(findings, rng, view="AP", sex="F", age=75).lower()
        assert set(re.findall(r"[a-z]+|[^\sa-z]", text)) <= words and len(pieces(text)) <= LIMIT + 1
        sides = {f.side for f in findings if f.side}
        for finding in findings:
            assert re.search(NAMES.get(finding.label, finding.label), text), (finding, text)
            assert not finding.lobe or {"U": "upper", "M": "middle", "L": "lower"}[finding.lobe[1]] in text
        assert sides == {side for side in ("right", "left") if side in text}
        said["view"] += "ap view" in text
        said["person"] += "woman" in text
        assert "elderly" not in text or "elderly woman" in text
    assert 0.20 < said["view"] / 1500 < 0.28 and 0.14 < said["person"] / 1500 < 0.24


def test_lateral_captions_always_name_the_view_and_never_a_side() -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        for label in (*LABELS, *DEVICES):
            finding = draw_one(rng, label)
            text = caption([finding], rng, view="LATERAL").lower()
            assert "lateral view" in text and not re.search(r"\b(left|right)\b", text)
            assert re.search(NAMES.get(label, label), text)
            assert "  " not in text and " ." not in text and "the ." not in text


def test_a_caption_never_denies_what_the_film_shows() -> None:
    rng = np.random.default_rng(1)
    denied = 0
    for _ in range(2000):
        findings = draw_findings(rng, "AP")
        text = caption(findings, rng).lower()
        for finding in findings:
            name = NAMES.get(finding.label, finding.label)
            assert not re.search(rf"\bno (pulmonary |pleural )?({name})", text), text
        if any(f.label in DEVICES for f in findings):
            assert "no support devices" not in text
        denied += bool(findings) and (" no " in text or "normal heart" in text)
    assert denied / 2000 > 0.5 * NEGATION_SHARE


def test_ages_have_words() -> None:
    assert [age_word(a) for a in (19, 39, 40, 69, 70, 92)] == [
        "young", "young", "middle-aged", "middle-aged", "elderly", "elderly",
    ]  # fmt: skip


def test_drawn_captions_tell_what_they_name_and_children_have_words() -> None:
    rng, known = random.Random(0), set(vocabulary())
    seen = set()
    for _ in range(800):
        drawn = drawn_caption(rng)
        text = drawn.text.lower()
        assert drawn.view in ("", "AP", "PA", "LATERAL") and (
            f"{drawn.view.lower()} view" in text or not drawn.view
        )
        assert bool(drawn.view) == (" view" in text)
        assert drawn.sex == {"woman": "F", "man": "M"}.get(
            next(iter(re.findall(r"\b(?:wo)?man\b", text)), ""), ""
        )
        assert (drawn.age is None) or age_word(drawn.age) in text
        assert set(pieces(reworded(drawn.text, rng))) <= known
        seen |= {drawn.view, drawn.sex, *(f["label"] for f in drawn.findings)}
    assert {"AP", "PA", "LATERAL", "F", "M", *LABELS, *DEVICES} <= seen
    assert {"paediatric", "pediatric", "child", "bacterial", "viral", "pneumonia", "edema", "picc"} <= known
