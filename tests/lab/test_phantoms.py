"""The procedural chest radiographs: determinism, anatomy, findings, captions, folder."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lab.data.phantoms import Film, FindingSpec, PhantomRecipe, make_dataset_folder, render
from lab.data.phantoms.anatomy import draw_anatomy, stream
from lab.data.phantoms.detector import transmitted
from lab.data.phantoms.draws import DEVICES
from lab.data.phantoms.make import COLUMNS, MASK_LABELS
from lab.errors import DatasetError

RECIPE = PhantomRecipe(seed=3, patient=1, film=0)


def film_with(
    label: str, side: str = "", size: str = "moderate", lobe: str = "", recipe: PhantomRecipe = RECIPE
) -> Film:
    return render(recipe, finding=FindingSpec(label, side, size, lobe))


def folder_bytes(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*.*")) if p.is_file()}


@pytest.fixture(scope="module")
def small_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dataset_folder(
        tmp_path_factory.mktemp("one") / "set", patients=3, films_per_patient=2, seed=5, processes=1
    )


def test_a_recipe_always_gives_the_same_film() -> None:
    first, second = render(RECIPE), render(RECIPE)
    assert first.image.dtype == np.uint8 and first.image.shape == (256, 256)
    assert first.image.tobytes() == second.image.tobytes() and first.record == second.record


def test_bytes_do_not_depend_on_the_number_of_processes(small_folder: Path, tmp_path: Path) -> None:
    twin = make_dataset_folder(tmp_path / "set", patients=3, films_per_patient=2, seed=5, processes=2)
    assert folder_bytes(twin) == folder_bytes(small_folder)


def test_seed_patient_and_film_each_change_the_film() -> None:
    base = render(RECIPE).image
    for other in (PhantomRecipe(4, 1, 0), PhantomRecipe(3, 2, 0), PhantomRecipe(3, 1, 1)):
        assert np.abs(render(other).image.astype(int) - base).mean() > 2


def test_films_of_one_patient_share_their_anatomy() -> None:
    films = [
        render(PhantomRecipe(3, p, f), finding=FindingSpec("no finding")) for p in (1, 2, 3) for f in (0, 1)
    ]
    assert len({(f.record["patient_id"], f.record["sex"], f.record["age"]) for f in films}) == 3
    assert draw_anatomy(stream(3, "anatomy", 1)) == draw_anatomy(stream(3, "anatomy", 1))
    assert draw_anatomy(stream(3, "anatomy", 1)) != draw_anatomy(stream(3, "anatomy", 2))


@pytest.mark.parametrize("label", ["effusion", "pneumothorax", "consolidation"])
def test_the_patients_right_is_the_viewers_left(label: str) -> None:
    for side, lobe in (("right", "RLL"), ("left", "LLL")):
        mask = film_with(label, side, "moderate", lobe if label == "consolidation" else "").masks["lesion"]
        centre = np.argwhere(mask)[:, 1].mean()
        assert (centre < 128) == (side == "right")


@pytest.mark.parametrize("label", ["effusion", "pneumothorax", "cardiomegaly", "consolidation"])
def test_size_words_order_the_lesions(label: str) -> None:
    side = "" if label == "cardiomegaly" else "left"
    lobe = "LUL" if label == "consolidation" else ""
    areas = [
        int(film_with(label, side, size, lobe).masks["lesion"].sum())
        for size in ("small", "moderate", "large")
    ]
    assert areas[0] < areas[1] < areas[2]


@pytest.mark.parametrize(
    ("label", "lobe"),
    [("effusion", ""), ("pneumothorax", ""), ("consolidation", "RUL"), ("consolidation", "RLL")],
)
def test_small_lesions_stay_recognisable_at_128_pixels(label: str, lobe: str) -> None:
    from scipy import ndimage

    for patient in range(3):
        mask = film_with(label, "right", "small", lobe, PhantomRecipe(3, patient, 0)).masks["lesion"][
            ::2, ::2
        ]
        assert 2 * ndimage.distance_transform_edt(np.pad(mask, 1)).max() >= 8


def test_a_lesion_is_seen_where_its_mask_is() -> None:
    healthy = film_with("no finding").image.astype(int)
    for label, brighter in (("effusion", True), ("consolidation", True), ("pneumothorax", False)):
        ill = film_with(label, "right", "moderate", "RLL" if label == "consolidation" else "")
        change = ill.image.astype(int) - healthy
        inside, outside = change[ill.masks["lesion"]].mean(), np.median(change[~ill.masks["lesion"]])
        assert (inside - outside > 8) if brighter else (inside - outside < -4)


def test_masks_are_sane() -> None:
    for patient in range(4):
        film = render(PhantomRecipe(3, patient, 0), finding=FindingSpec("no finding"))
        lungs, heart = film.masks["lungs"], film.masks["heart"]
        assert not film.masks["lesion"].any()
        assert 0.12 < lungs.mean() < 0.6 and 0.03 < heart.mean() < 0.25
        assert film.image[lungs].mean() < film.image[heart].mean() - 20
        right, left = lungs[:, :128].sum(), lungs[:, 128:].sum()
        assert 0.5 < right / left < 2.5


def test_a_thicker_body_lets_less_through() -> None:
    soft = np.linspace(0, 30, 50, dtype=np.float32)[None]
    none, bone = np.zeros_like(soft), np.full_like(soft, 0.5)
    through = transmitted(soft, none)[0]
    assert through[0] == pytest.approx(1.0) and (np.diff(through) < 0).all()
    assert (transmitted(soft, bone)[0, 1:] < through[1:]).all()
    alone = np.exp(-0.178 * soft[0])
    assert (through <= alone + 1e-6).all(), "a mixed beam is never harder than its hardest part"


def test_the_folder_holds_what_the_table_says(small_folder: Path) -> None:
    rows = list(csv.DictReader((small_folder / "metadata.csv").open()))
    assert tuple(rows[0]) == COLUMNS and len(rows) == 6
    assert len({r["patient_id"] for r in rows}) == 3
    for row in rows:
        image, mask = (np.array(Image.open(small_folder / row[k])) for k in ("image", "mask"))
        assert image.shape == mask.shape == (256, 256) and set(np.unique(mask)) <= {0, *MASK_LABELS.values()}
        findings = json.loads(row["findings"])
        assert (not findings) == (not (mask == MASK_LABELS["lesion"]).any())
        ill = [f for f in findings if f["label"] not in DEVICES]
        assert (row["label"] == "no finding") == (not ill)
        if ill:
            assert ill[0]["label"] == row["label"] and ill[0]["side"] == row["side"]


def test_an_interrupted_folder_is_finished_without_redoing_films(small_folder: Path, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "set"
    shutil.copytree(small_folder, folder)
    kept = folder / "images" / "p00000_f00.png"
    before = kept.stat().st_mtime_ns
    (folder / "metadata.csv").unlink()
    (folder / "images" / "p00002_f01.png").unlink()
    (folder / ".rows" / "p00002_f01.json").unlink()
    steps: list[tuple[int, int]] = []
    make_dataset_folder(
        folder, 3, 2, seed=5, processes=2, on_progress=lambda done, total: steps.append((done, total))
    )
    assert steps == [(5, 6), (6, 6)] and kept.stat().st_mtime_ns == before
    assert folder_bytes(folder) == folder_bytes(small_folder)


def test_wrong_counts_and_another_seed_are_refused_in_a_sentence(small_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="at least one patient"):
        make_dataset_folder(tmp_path / "none", 0, 3)
    with pytest.raises(DatasetError, match="another seed"):
        make_dataset_folder(small_folder, 3, 2, seed=6)
