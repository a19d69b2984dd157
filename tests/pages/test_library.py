"""The Library: a dataset opened, preprocessed, divided anew, reviewed, removed; and every real set imported."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.data.images import encode_png
from lab.data.store import list_datasets, open_dataset
from lab.runs.store import RunStore
from lab.ui.state import LibraryKey as Key
from tests.builders.runs import finish


def opened(visit: Any, dataset: str, part: str) -> Any:
    app = visit("library")
    app.session_state[Key.SHOWN] = dataset
    app.session_state[Key.PART] = part
    app.run()
    assert not app.exception
    return app


def skin(folder: Path) -> Path:
    """Two skin-coloured pictures with hair."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    rows = ["image,patient_id,label,view"]
    for number in range(6):
        picture = np.full((120, 120, 3), (206, 164, 140), np.uint8)
        picture[:, 20 + 9 * number : 22 + 9 * number] = 40
        picture = np.clip(picture + rng.integers(-3, 4, picture.shape), 0, 255).astype(np.uint8)
        (folder / f"s{number}.png").write_bytes(encode_png(picture))
        rows.append(f"s{number}.png,p{number},nv,dermoscopy")
    (folder / "metadata.csv").write_text("\n".join(rows), "utf-8")
    return folder


def test_each_part_of_a_dataset_draws(visit: Any, loaded: dict[str, Any]) -> None:
    for part in ("Pictures", "Labels and splits", "Duplicates", "Preprocessing", "Terms and removal"):
        app = opened(visit, "films", part)
        assert not app.error, part
        assert any("Small films" in item.value for item in app.subheader)


@pytest.mark.row("SG-05", "SG-04")
def test_both_pipelines_stand_before_and_after_with_the_mask(
    visit: Any, workspace: Path, tmp_path: Path
) -> None:
    from lab.data.store import add_folder

    add_folder(skin(tmp_path / "skin"), "skin", licence="CC0 1.0")
    app = opened(visit, "skin", "Preprocessing")
    recipe = app.selectbox(key=f"{Key.RECIPE}.skin")
    films = _captions(app)
    assert recipe.value == "skin-a" and films == ["As imported", "After the recipe"]
    recipe.set_value("skin-b-9").run()
    assert not app.exception and _captions(app) == ["As imported", "After the recipe", "What counts as hair"]
    shares = {metric.label: metric.value for metric in app.metric}
    assert 1.0 < float(shares["Pixels changed"].split()[0]) < 6.0
    threshold = next(one for one in app.slider if one.label.startswith("Threshold"))
    threshold.set_value(100).run()
    fewer = {metric.label: metric.value for metric in app.metric}
    assert float(fewer["Pixels taken for hair"].split()[0]) <= float(
        shares["Pixels taken for hair"].split()[0]
    )
    app.text_input(key=f"{Key.NEW_ID}.skin").set_value("skin-b").run()
    app.button(key="library.derive").click().run()
    [run] = RunStore.open().list(kinds=("derive",))
    assert run.spec.settings["parent"] == "skin" and run.spec.settings["recipe"]["steps"][0]["step"] == "hair"
    _carry_out(run)
    derived = open_dataset("skin-b")
    assert (derived.card.parent, derived.card.images) == ("skin", 6) and derived.card.recipe
    assert derived.image(derived.manifest["image_id"][0]).shape == (256, 256, 3)


def _captions(app: Any) -> list[str]:
    """Captions of the films of the last viewer."""
    text = str(app.get("bidi_component")[-1].proto).replace("\\", "")
    return re.findall(r'"caption": ?"([^"]*)"', text)


def _carry_out(run: Any) -> None:
    from lab.runs.inline import run_inline

    done = run_inline(run.spec)
    assert done.state == "done", done.error


def test_a_division_is_changed_by_patient_and_a_real_set_removed(visit: Any, loaded: dict[str, Any]) -> None:
    before = open_dataset("films").card
    app = opened(visit, "films", "Labels and splits")
    assert any("learned from its train" in caption.value for caption in app.caption), (
        "a generator was trained on it"
    )
    app = opened(visit, "films", "Terms and removal")
    words = " ".join(caption.value for caption in app.caption)
    assert "generator small" in words and "sample set set" in words
    assert app.button(key="library.remove").disabled
    app.checkbox(key=Key.SURE).check().run()
    app.button(key="library.remove").click().run()
    assert not app.exception and before.id not in {card.id for card in list_datasets()}


def test_a_set_nothing_learned_from_is_divided_anew(visit: Any, dataset: str) -> None:
    before = open_dataset(dataset).card
    app = opened(visit, dataset, "Labels and splits")
    app.number_input(key=Key.SEED).set_value(4).run()
    app.button(key="library.divide").click().run()
    after = open_dataset(dataset).card
    assert not app.exception and after.digest != before.digest and sum(after.splits.values()) == 40
    assert any("with seed 4" in note for note in after.notes)


def test_terms_are_saved(visit: Any, dataset: str) -> None:
    app = opened(visit, dataset, "Terms and removal")
    app.text_input(key=f"{Key.TERMS}licence.{dataset}").set_value("CC BY-NC 4.0")
    app.text_input(key=f"{Key.TERMS}attribution.{dataset}").set_value("A. Author")
    app.button(key=f"FormSubmitter:library.terms.{dataset}-Save").click().run()
    card = open_dataset(dataset).card
    assert not app.exception and (card.licence, card.attribution, card.public) == (
        "CC BY-NC 4.0",
        "A. Author",
        False,
    )


def test_duplicates_are_looked_for_and_shown(visit: Any, workspace: Path, tmp_path: Path) -> None:
    from lab.data.store import add_folder
    from lab.runs.dataset_requests import duplicates_run

    folder = skin(tmp_path / "skin")
    add_folder(folder, "skin", licence="CC0 1.0")
    app = opened(visit, "skin", "Duplicates")
    assert any("Look for duplicates" in button.label for button in app.button)
    next(button for button in app.button if button.label == "Look for duplicates").click().run()
    [run] = RunStore.open().list(kinds=("duplicates",))
    assert run.digest == duplicates_run("skin").digest
    ids = open_dataset("skin").manifest["image_id"].tolist()
    pair = {
        "first": ids[0], "second": ids[1], "bits": 3, "correlation": 0.99, "cosine": 0.98, "how": "as is",
        "patients": True, "splits": True,
    }  # fmt: skip
    result = {
        "dataset": "skin", "images": 6, "patients": 6, "compared": 5, "within_patient": 0, "across_patients": 1,
        "across_splits": 1, "pairs": [pair],
    }  # fmt: skip
    finish(run, result)
    app = opened(visit, "skin", "Duplicates")
    assert any("part train from held-out" in warning.value for warning in app.warning)
    assert _captions(app)[0].startswith("3 of 256 bits differ")
    app = opened(visit, "skin", "Labels and splits")
    app.button(key="library.divide").click().run()
    table = open_dataset("skin").manifest.set_index("image_id")
    assert table.loc[ids[0], "split"] == table.loc[ids[1], "split"]


SETS = {
    "cxr_kermany": 1497, "cxr_kermany_train": 3808, "cxr_covid": 228, "cxr_nih64": 750, "derm_ham": 885,
    "cmr_acdc": 598, "cmr_sunnybrook": 316, "cxr_fullres": 19,
}  # fmt: skip


@pytest.mark.parametrize("name", SETS)
def test_every_real_set_imports_through_the_page(visit: Any, test_data: Path, name: str) -> None:
    readme = (test_data / name / "README.md").read_text("utf-8")
    told = re.search(r"(\d+) images, (\d+) patient ids, (\d+) masks", readme)
    app = visit("library")
    app.session_state[Key.TAB] = "Add a dataset"
    app.run()
    app.text_input(key=Key.FOLDER).set_value(str(test_data / name)).run(timeout=120)
    assert not app.exception and not app.error
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Images"] == str(SETS[name]) and shown["Left out"] == "0"
    if told:
        assert (shown["Images"], shown["Patients"], shown["Masks"]) == told.groups()
    app.text_input(key=Key.ID).set_value(name.replace("_", "-")).run(timeout=120)
    app.button(key="library.import").click().run(timeout=120)
    [run] = RunStore.open().list(kinds=("import",))
    _carry_out(run)
    card = open_dataset(name.replace("_", "-")).card
    assert card.images == SETS[name]
    if told:
        masks = (open_dataset(card.id).manifest["mask"] != "").sum()
        assert (card.patients, int(masks)) == (int(told[2]), int(told[3]))


@pytest.mark.parametrize(
    ("name", "choices", "images", "patients", "masks"),
    [
        ("cmr_nifti", {"slices": "middle"}, 4, 2, 4),
        ("dicom_real", {"modality": "any", "frames": "middle"}, 4, 3, 0),
        ("medmnist/pneumoniamnist.npz", {}, 5856, 0, 0),
    ],
)
def test_the_other_kinds_of_file_import_through_the_page(
    visit: Any, test_data: Path, name: str, choices: dict[str, str], images: int, patients: int, masks: int
) -> None:
    app = visit("library")
    app.session_state[Key.TAB] = "Add a dataset"
    app.run()
    app.text_input(key=Key.FOLDER).set_value(str(test_data / name)).run(timeout=120)
    for box in app.selectbox:
        setting = str(box.key).rpartition(".")[2]
        if str(box.key).startswith(Key.CHOICE) and setting in choices:
            box.set_value(choices[setting])
    app.run(timeout=120)
    assert not app.exception and not app.error
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Images"] == str(images) and shown["Masks"] == str(masks)
    assert shown["Patients"] == (str(patients) if patients else "not given")
    app.text_input(key=Key.ID).set_value("other").run(timeout=120)
    app.button(key="library.import").click().run(timeout=120)
    [run] = RunStore.open().list(kinds=("import",))
    _carry_out(run)
    kept, merged = open_dataset("other").card.images, len(run_result(run)["merged"])
    assert kept + merged == images, "an equal picture is kept once and said"


def run_result(run: Any) -> dict[str, Any]:
    done = RunStore.open().get(run.id)
    assert done.result is not None
    return dict(done.result)


def test_burned_in_text_is_reviewed_corner_by_corner(visit: Any, test_data: Path, workspace: Path) -> None:
    from lab.data.store import add_folder
    from lab.data.text_review import waiting

    add_folder(test_data / "dicom_real", "dicom", choices={"modality": "any", "frames": "middle"})
    assert not open_dataset("dicom").card.public
    app = opened(visit, "dicom", "Burned-in text")
    count = len(waiting("dicom"))
    assert count == 3 and _captions(app)[1:] == ["top left", "top right", "bottom left", "bottom right"]
    for left in range(count, 0, -1):
        assert len(waiting("dicom")) == left
        next(button for button in app.button if button.label == "No text").click().run()
        assert not app.exception
    assert any("Every image was looked at" in item.value for item in app.success)
    assert open_dataset("dicom").card.public, "the licence allows it, and no text is left"
