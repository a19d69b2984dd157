"""The side-by-side sheet: phantoms as asked, open real films elsewhere only, by reference in the project."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from lab.config import ROOT
from lab.errors import DatasetError, InputError
from lab.gates import sheet
from lab.gates.sheet_drawing import GAP, HEAD, LEFT, Row, drawn

N = len(sheet.COLUMNS)


def quiet(stage, done, total):
    pass


@pytest.fixture
def without_networks(monkeypatch):
    """Samples of the shipped generators are not what is tested here."""
    monkeypatch.setattr(
        sheet, "_samples", lambda name, prompts, tick: np.full((N, sheet.SIZE, sheet.SIZE), 90, np.uint8)
    )


def real_sets(folder, licences):
    """Two folders of films whose brightness says which they are."""
    for name in ("cxr_covid", "cxr_kermany"):
        rows = ["image,patient_id,label,view,licence"]
        (folder / name).mkdir()
        for number, licence in enumerate(licences):
            Image.fromarray(np.full((60, 50), 10 + number, np.uint8)).save(folder / name / f"{number}.png")
            rows.append(f"{number}.png,p{number},some_label,PA,{licence}")
        (folder / name / "metadata.csv").write_text("\n".join(rows))
    return folder


def test_sheet_in_the_project_shows_real_films_by_reference(without_networks, tmp_path):
    made = sheet.write_sheet(tmp_path / "a" / "sheet.png", None, quiet)
    picture = np.asarray(Image.open(made))
    assert picture.dtype == np.uint8 and picture.shape[1] == LEFT + N * (sheet.SIZE + GAP)
    # Three rows of films, and a lower one that only says where real films are.
    assert picture.shape[0] == 3 * (HEAD + sheet.SIZE + 2 * GAP) + HEAD + sheet.SIZE // 2 + 2 * GAP


def test_phantoms_of_the_sheet_show_what_their_columns_ask_for():
    films = sheet._phantoms(quiet).astype(float)
    effusions = [k for k, column in enumerate(sheet.COLUMNS) if "effusion" in column.prompt]
    right, left = (films[k] for k in effusions)
    half = sheet.SIZE // 2
    lower = slice(half, int(0.8 * sheet.SIZE))

    def leaning(film):
        """How much brighter the patient's right, which is the viewer's left, is."""
        return film[lower, 16:half].mean() - film[lower, half:-16].mean()

    # Fluid is bright, and so is the heart on the left of both.
    assert leaning(right) > leaning(left) + 10


def test_real_films_are_not_drawn_into_the_project(without_networks, tmp_path):
    with pytest.raises(InputError, match="does not belong in the project"):
        sheet.write_sheet(ROOT / "assets" / "help" / "real.png", tmp_path, quiet)
    assert not (ROOT / "assets" / "help" / "real.png").exists()


def test_only_open_licences_are_drawn(without_networks, tmp_path):
    licences = ["CC BY 4.0", "CC BY-NC-SA 4.0", "CC BY", "CC0 1.0", "all rights reserved"]
    folder = real_sets(tmp_path, licences)
    images, labels = sheet._real(folder / "cxr_covid")
    assert sorted({int(image[0, 0]) for image in images}) == [10, 12, 13] and set(labels) == {"some label"}
    made = sheet.write_sheet(tmp_path / "out" / "sheet.png", folder, quiet)
    assert np.asarray(Image.open(made)).shape[0] == 5 * (HEAD + sheet.SIZE + 2 * GAP)


def test_folder_without_the_films_is_named(tmp_path):
    with pytest.raises(DatasetError, match="holds no cxr_covid"):
        sheet._real(tmp_path / "cxr_covid")


def test_films_keep_their_pixels():
    films = np.random.default_rng(0).integers(0, 255, (2, 32, 32)).astype(np.uint8)
    picture = drawn([Row("PHANTOM", "toy", films, ("one", "a heading longer than its film is wide"))], 32)
    for k in range(2):
        left = LEFT + k * (32 + GAP)
        assert (picture[HEAD : HEAD + 32, left : left + 32] == films[k]).all()
