"""Films of datasets on screen: a real patient's id is never among the words, and whom the licence names is."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lab.data.images import encode_png
from lab.data.importing.importer import add_folder
from lab.data.store import open_dataset
from lab.ui.films import case_code, dataset_film, with_shown_patients
from lab.ui.neighbour_view import _match
from lab.ui.viewer_packet import packet

PATIENTS = ("normal0454", "person1_bacteria")


def films(folder):
    """Six films of two patients; the first has a mask of labels 1 and 2."""
    (folder / "masks").mkdir(parents=True)
    rows = ["image,patient_id,label,licence,mask"]
    rng = np.random.default_rng(5)
    for number in range(6):
        (folder / f"{number}.png").write_bytes(encode_png(rng.integers(0, 256, (32, 32), dtype=np.uint8)))
        mask = f"masks/{number}.png" if number == 0 else ""
        licence = "CC BY-SA 4.0" if number == 0 else ""
        rows.append(f"{number}.png,{PATIENTS[number % 2]},normal,{licence},{mask}")
    labels = np.repeat(np.array([0, 1, 2, 2], np.uint8), 8 * 32).reshape(32, 32)
    (folder / "masks" / "0.png").write_bytes(encode_png(labels))
    (folder / "metadata.csv").write_text("\n".join(rows), "utf-8")
    return folder


@pytest.fixture(params=["real", "phantom"])
def dataset(request, workspace, tmp_path):
    named = {"licence": "CC BY 4.0", "attribution": "Kermany et al.", "modality": "chest radiograph"}
    add_folder(films(tmp_path / "films"), "films", origin=request.param, **named)
    return open_dataset("films")


def test_a_real_patient_is_on_screen_by_case_code_only(dataset):
    rows = dataset.rows()
    found = [
        _match(
            "films",
            {"image_id": row["image_id"], "distance": 0.25, "patient_id": row["patient_id"]},
            "nearest",
        )
        for _, row in rows.iterrows()
    ]
    words = json.dumps(packet(found, key="k", keep=lambda array, place: "/media/1"))
    real = dataset.card.origin == "real"
    assert [patient in words for patient in PATIENTS] == [not real, not real]  # phantoms keep theirs
    assert all(case_code(name) in words for name in rows["image_id"]) and "distance 0.2500" in words
    shown = with_shown_patients(dataset)
    assert list(shown["image_id"]) == list(rows["image_id"])
    assert (set(shown["patient_id"]) == set(PATIENTS)) is not real
    # The same films belong together, under whatever name.
    pairs = set(zip(shown["patient_id"], rows["patient_id"], strict=True))
    assert len(pairs) == 2 == shown["patient_id"].nunique()
    if real:
        firsts = rows.groupby("patient_id")["image_id"].min()
        assert set(shown["patient_id"]) == {case_code(name) for name in firsts}


def test_a_film_of_a_dataset_brings_its_mask_and_its_credit(dataset):
    rows = dataset.rows()
    with_mask = str(rows.loc[rows["mask"] != "", "image_id"].iloc[0])
    other = str(rows.loc[rows["mask"] == "", "image_id"].iloc[0])
    film = dataset_film("films", with_mask, "")
    assert film.mask is not None and np.unique(film.mask).tolist() == [0, 1, 2]
    assert film.credit == "Kermany et al., CC BY-SA 4.0"  # what is stated for this very film
    assert (film.mask_names.get(1) == "lungs") is (dataset.card.origin == "phantom")
    assert dataset_film("films", other, "").credit == "Kermany et al., CC BY 4.0"
    assert dataset_film("films", other, "").mask is None
    assert dataset_film("films", with_mask, "", small=True).mask is None
    (dataset.folder / str(rows.loc[rows["mask"] != "", "mask"].iloc[0])).unlink()
    import streamlit as st

    st.cache_data.clear()
    assert dataset_film("films", with_mask, "").mask is None  # the film is shown all the same
