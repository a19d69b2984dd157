"""Every family of phantoms becomes a dataset by the same path: rendered, imported, packed, rendered on demand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lab.data.dataset import Dataset
from lab.data.phantom_dataset import add_phantom, phantom_split
from lab.data.phantom_families import CMR, CXR, DERM, FAMILIES, PhantomFamily, family_of_patient, get_family
from lab.data.phantom_films import recipe_of
from lab.data.phantom_folder import write_folder
from lab.errors import DatasetError, ImageError, NotFoundError

NEW = (DERM, CMR)


@pytest.mark.parametrize("family", NEW, ids=lambda family: family.id)
def test_a_set_is_imported_with_patients_captions_masks_and_recipes(
    family: PhantomFamily, workspace: Path
) -> None:
    dataset = add_phantom("set", 4, 3, seed=5, processes=1, family=family).dataset
    card, table = dataset.card, dataset.manifest
    assert (card.tag, card.modality, card.title) == ("PHANTOM", family.modality, family.title)
    assert card.public and (card.images, card.patients) == (12, 4)
    assert {str(p).partition("-")[0] for p in table["patient_id"]} == {family.prefix}
    assert (
        (table["caption"].str.len() > 20).all()
        and (table["label"] != "").all()
        and (table["mask"] != "").all()
    )
    for _, row in table.iterrows():
        assert row["split"] == phantom_split(row["patient_id"])
        assert family_of_patient(row["patient_id"]) is family
        recipe = recipe_of(row)
        again = family.render(recipe.seed, recipe.patient, recipe.film)
        np.testing.assert_array_equal(dataset.image(row["image_id"]), again.image)
        np.testing.assert_array_equal(dataset.mask(row["image_id"]), again.mask)
        assert set(np.unique(again.mask)) <= {0, *family.mask_labels}
        assert row["label"] == again.record["label"] and row["caption"] == again.record["text"]
    own = set(again.record) - {"text", "patient_id"}
    assert own <= set(table.columns), "every column of the record is kept"


@pytest.mark.row("CM-06")
def test_the_vendor_stands_in_the_manifest(workspace: Path) -> None:
    table = add_phantom("set", 8, 2, processes=1, family=CMR).dataset.manifest
    assert (table["vendor"] != "").all() and table["vendor"].nunique() >= 2
    assert table.groupby("patient_id")["vendor"].nunique().max() == 1


def test_a_broken_off_folder_goes_on_and_bytes_do_not_depend_on_processes(tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done >= 2:
            raise Stop

    with pytest.raises(Stop):
        write_folder(tmp_path / "one", DERM, 3, 2, processes=1, on_progress=stop)
    kept = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "one" / "images").iterdir()}
    assert 0 < len(kept) < 6
    one = write_folder(tmp_path / "one", DERM, 3, 2, processes=1)
    two = write_folder(tmp_path / "two", DERM, 3, 2, processes=2)
    assert all((tmp_path / "one" / "images" / name).stat().st_mtime_ns == at for name, at in kept.items())
    assert one.read_bytes() == two.read_bytes()
    for path in sorted((tmp_path / "one").rglob("*.png")):
        assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()
    with pytest.raises(DatasetError, match="at least one"):
        write_folder(tmp_path / "none", DERM, 0, 2)


@pytest.mark.parametrize("family", NEW, ids=lambda family: family.id)
def test_a_pack_brings_features_and_renders_on_demand(
    family: PhantomFamily, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import lab.data.phantom_pack as module
    from lab.runs.pack_phantoms import pack_phantoms

    monkeypatch.setenv("LAB_WORKSPACE", str(tmp_path / "maker"))
    monkeypatch.delenv("LAB_STORE_URL", raising=False)
    monkeypatch.setattr(module, "FOLDER", tmp_path / "packs")
    made = pack_phantoms(tmp_path / "packs" / family.id, family.id, 5, 1, 0, lambda *_: None, family)
    assert made.family == family.id and set(made.features) == {
        "features",
        "features-mirrored",
        "low-resolution",
    }
    monkeypatch.setenv("LAB_WORKSPACE", str(tmp_path / "taker"))
    assert module.find_pack(5, 1, 0) is None, "no pack of radiographs"
    dataset = add_phantom(family.id, 5, 1, family=family).dataset
    assert not list((dataset.folder).rglob("*.png"))
    first = str(dataset.manifest["image_id"][0])
    np.testing.assert_array_equal(dataset.image(first), _drawn(dataset, first, family))
    assert dataset.mask(first) is not None


def _drawn(dataset: Dataset, image_id: str, family: PhantomFamily) -> np.ndarray:
    rows = dataset.manifest.set_index("image_id")
    recipe = recipe_of(rows.loc[image_id])
    return family.render(recipe.seed, recipe.patient, recipe.film).image


def test_families_are_told_apart_by_their_patients() -> None:
    assert len({family.prefix for family in FAMILIES.values()}) == len(FAMILIES) == 3
    assert get_family("phantom-cxr") is CXR
    with pytest.raises(NotFoundError, match="phantom-cmr"):
        get_family("phantom-brain")
    with pytest.raises(ImageError, match="no known phantom"):
        family_of_patient("person-1")


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.id)
def test_the_shipped_pack_fits_and_nothing_is_extracted_or_calibrated_anew(
    family: PhantomFamily, workspace: Path
) -> None:
    from lab.data.phantom_pack import find_pack
    from lab.neighbours.calibrate import CANARIES
    from lab.runs.inline import run_inline
    from lab.runs.prepare import next_step

    assert find_pack(family.patients, family.films, 0, family) is not None
    ran = {}
    while (spec := next_step(family.id, upto="calibrate")) is not None:
        run = run_inline(spec)
        assert run.state == "done" and run.result is not None, run.error
        ran[run.kind] = run.result
    assert ran["phantom"]["images"] == family.patients * family.films
    assert ran["embed"]["extracted"] == 0 and CANARIES
    assert ran["calibrate"]["n_reference"] > 300
    images = workspace / "datasets" / family.id / "images"
    assert not list(images.glob("*.png")), "no picture was drawn for it"


def test_realism_reports_of_the_further_families_are_stored_with_what_they_were_made_by() -> None:
    import json

    from lab.config import ASSETS

    for family in NEW:
        stored = list((ASSETS / "phantoms" / family.id / "gates").glob("*.json"))
        assert [path.stem for path in stored] == ["realism"]
        report = json.loads(stored[0].read_bytes())
        assert report["subject"] == family.id and family.digest in report["inputs"].values(), (
            "by this renderer"
        )
        assert any(figure["limit"] is not None for figure in report["figures"])
