"""Images made elsewhere: CheXGenBench's three tables, SynthCheX-75K's rows, and how they become a sample set."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lab.data.folder_set import from_folder
from lab.data.importing.folder_index import FolderIndex
from lab.data.importing.sample_import import import_samples, plan_samples
from lab.data.resolve import resolve
from lab.data.samples import open_sample_set
from lab.data.sources.registry import get_source, recognised
from lab.data.store import add_folder, plan_import
from lab.data.synthetic_tables import find_generated
from lab.errors import DatasetError, InputError, NotFoundError, RunCancelled
from lab.runs.inline import run_inline
from lab.runs.sample_requests import import_samples_run
from tests.builders import layouts

pytestmark = pytest.mark.usefixtures("workspace")


def stored_text(workspace: Path) -> str:
    """Names and text content of everything below the workspace."""
    found = []
    for path in workspace.rglob("*"):
        found.append(path.name)
        if path.is_file():
            found.append(path.read_bytes().decode("latin-1"))
    return "\n".join(found)


@pytest.mark.row("C4")
def test_three_dialects_and_rows_give_the_same_frame(tmp_path: Path):
    frames = []
    for dialect in layouts.DIALECTS:
        found = find_generated(FolderIndex(layouts.generated(tmp_path / dialect, dialect)))
        assert found.dialect.startswith("CheXGenBench")
        frames.append(found.frame())
    expected = pd.DataFrame(
        [[f"Edema number {k}.", "", "", ""] for k in (0, 1, 3, 4, 5)],
        columns=["prompt", "label", "labels", "seed"],
    )
    for frame in frames:
        pd.testing.assert_frame_equal(frame, expected)
    rows = plan_samples(layouts.synthchex(tmp_path / "v1/a.parquet", 1)).frame()
    assert list(rows.columns) == list(expected.columns)
    assert rows.values.tolist() == [[f"Edema number {k}.", "Edema", "Edema", ""] for k in range(5)]
    newer = plan_samples(layouts.synthchex(tmp_path / "v2/b.parquet", 2)).frame()
    assert newer["label"].tolist() == ["Edema"] * 5 and newer["prompt"].tolist() == [""] * 5


@pytest.mark.row("C4")
@pytest.mark.parametrize("dialect", layouts.DIALECTS)
def test_missing_files_are_listed_and_nothing_is_put_in_their_place(tmp_path: Path, dialect: str):
    folder = layouts.generated(tmp_path / "made", dialect)
    (folder / "images" / f"{layouts.dicom_id(9004)}_4.png").write_bytes(b"not a picture")
    report = import_samples(folder, "made")
    assert len(report.samples) == 4 and len(report.left_out) == 2
    reasons = dict(report.left_out)
    assert "no such file" in reasons[f"{layouts.dicom_id(9002)}_2.png"]
    assert "left out" in reasons[f"{layouts.dicom_id(9004)}_4.png"]
    rows = report.samples.frame()
    assert rows["prompt"].tolist() == [f"Edema number {k}." for k in (0, 1, 3, 5)]
    for name, k in zip(report.samples.ids(), (0, 1, 3, 5), strict=True):
        assert (report.samples.image(name) == layouts.picture(9000 + k)).all()
    direct = from_folder(folder)
    assert direct.frame()["prompt"].tolist() == rows["prompt"].tolist()
    assert sorted(Path(name).name for name, _ in direct.left_out) == sorted(reasons)
    assert direct.digests() == report.samples.digests(), "read where it lies or copied: the same images"


@pytest.mark.row("C4", "C21")
@pytest.mark.parametrize("version", [1, 2])
def test_rows_of_synthchex_become_samples_without_their_names(tmp_path: Path, workspace: Path, version: int):
    path = layouts.synthchex(tmp_path / "shards/train-00000.parquet", version)
    plan = plan_samples(path.parent)
    assert plan.dialect == "SynthCheX-75K, rows" and any("DICOM id" in note for note in plan.notes)
    report = import_samples(path.parent, "many", licence="Apache-2.0", generator="sana")
    assert len(report.samples) == 5 and report.left_out == ()
    for k, name in enumerate(report.samples.ids()):
        assert (report.samples.image(name) == layouts.picture(9500 + k, colour=version == 2)).all()
    assert report.samples.card.origin == "sana" and report.samples.labels() == ["Edema"] * 5
    assert not any(layouts.dicom_id(9500 + k) in stored_text(workspace) for k in range(5))


@pytest.mark.row("C4")
def test_generated_images_are_no_dataset(tmp_path: Path):
    for folder in (
        layouts.generated(tmp_path / "a", "prompt"),
        layouts.synthchex(tmp_path / "b/x.parquet", 2).parent,
    ):
        assert recognised(FolderIndex(folder))[0][0].id == "synthchex"
        assert "python -m lab samples add" in plan_import(folder).problem
        with pytest.raises(DatasetError, match="generated images"):
            add_folder(folder, "never")
    assert get_source("synthchex").title.startswith("SynthCheX")


def test_the_table_of_version_1_beside_its_pictures(tmp_path: Path):
    for k in range(3):
        layouts.save(tmp_path / f"images/{layouts.dicom_id(k)}.png", k)
    rows = [[f"{layouts.dicom_id(k)}.png", f"Film {k}", layouts.findings_text(Pneumonia=1)] for k in range(3)]
    layouts.write_csv(tmp_path / "metadata.csv", ("filename", "prompt", "labels_dict"), rows)
    found = find_generated(FolderIndex(tmp_path))
    assert found.dialect == "SynthCheX-75K, table of version 1" and len(found.images) == 3
    assert found.frame()["label"].tolist() == ["Pneumonia"] * 3


def test_samples_keep_parent_licence_and_recipe(tmp_path: Path, phantom_folder: Path):
    from lab.data.pixels import encode_png

    add_folder(phantom_folder, "phantoms", origin="phantom")
    made = tmp_path / "own"
    made.mkdir()
    recipe = json.dumps({"prompt": "a film", "seed": 17, "label": "normal"})
    (made / "one.png").write_bytes(encode_png(layouts.picture(1), {"doppel:recipe": recipe}))
    layouts.save(made / "two.jpg", 2)
    report = import_samples(made, "own", parent="phantoms", licence="CC BY 4.0")
    card = open_sample_set("own").card
    assert (card.parent, card.phantom_trained, card.licence, card.origin) == (
        "phantoms",
        True,
        "CC BY 4.0",
        "folder",
    )
    row = report.samples.frame().iloc[0]
    assert (row["prompt"], row["seed"], row["label"]) == ("a film", 17, "normal")
    assert resolve("own").digest == report.samples.digest
    with pytest.raises(DatasetError, match="already a sample set"):
        import_samples(made, "own")
    with pytest.raises(NotFoundError):
        import_samples(made, "other", parent="nowhere")


def test_a_real_film_among_samples_is_counted(tmp_path: Path):
    real, made = tmp_path / "real", tmp_path / "made"
    for k in range(6):
        layouts.save(real / f"{k}.jpg", k)
    add_folder(real, "films")
    layouts.save(made / "synthetic.jpg", 100)
    (made / "copy.jpg").write_bytes((real / "3.jpg").read_bytes())
    assert import_samples(made, "made").real_films == {"films": 1}


def test_a_plain_table_beside_the_images_gives_prompts_and_labels(tmp_path: Path):
    """Without a column of generated files every image counts, and a row tells what was asked of it."""
    made = tmp_path / "made"
    for k in range(3):
        layouts.save(made / f"s{k}.png", k)
    rows = [("s0.png", "a film of oedema", "Edema", "7"), ("s2.png", "a clear film", "No Finding", "")]
    layouts.write_csv(made / "metadata.csv", ("image", "prompt", "label", "seed"), rows)
    report = import_samples(made, "told")
    kept = report.samples.rows
    assert kept["prompt"].tolist() == ["a film of oedema", "", "a clear film"]
    assert kept["label"].tolist() == ["Edema", "", "No Finding"] and kept["seed"].tolist() == [7, 0, 0]
    assert any("for 2 of them" in note for note in report.notes)
    layouts.write_csv(made / "metadata.csv", ("colour", "size"), [("red", "2")])
    other = import_samples(made, "untold")
    assert other.samples.rows["prompt"].tolist() == [""] * 3
    assert any("names no image" in note for note in other.notes)


def test_a_cancelled_import_leaves_nothing(tmp_path: Path, workspace: Path):
    folder = layouts.generated(tmp_path / "made", "prompt")

    def stop(done: int, total: int) -> None:
        raise RunCancelled("stop")

    with pytest.raises(RunCancelled):
        import_samples(folder, "made", on_progress=stop)
    assert [path.name for path in (workspace / "samples").iterdir()] == []
    table = layouts.write_csv(tmp_path / "b/x.csv", ("prompt", "img_savename"), [("a", "b.png")])
    with pytest.raises(DatasetError, match="No image could be read"):
        import_samples(table.parent, "b")


@pytest.mark.row("X-04")
def test_a_part_of_the_samples_is_drawn_at_random(tmp_path: Path):
    path = layouts.synthchex(tmp_path / "a.parquet", 2, images=40, group=7)
    plan = plan_samples(path, limit=8, seed=1)
    rows = [image.part["group"] * 7 + image.part["row"] for image in plan.images]
    assert rows == sorted(rows) and rows != list(range(8)) and max(rows) > 15
    report = import_samples(path, "part", limit=8, seed=1)
    for name, k in zip(report.samples.ids(), rows, strict=True):
        assert (report.samples.image(name) == layouts.picture(9500 + k, colour=True)).all()


def test_the_run_and_its_request(tmp_path: Path, workspace: Path):
    folder = layouts.generated(tmp_path / "made", "annotated_prompt")
    spec = import_samples_run(str(folder), "made", licence="CC BY 4.0")
    run = run_inline(spec)
    assert run.state == "done" and run.result is not None
    assert run.result["images"] == 5 and run.result["real_films"] == {}
    assert run.result["left_out"][0]["file"] != f"{layouts.dicom_id(9002)}_2.png"
    with pytest.raises(DatasetError, match="already a sample set"):
        import_samples_run(str(folder), "made")
    with pytest.raises(InputError, match="below 1"):
        import_samples_run(str(folder), "other", limit=0)
    with pytest.raises(InputError, match="on this machine"):
        import_samples_run(str(tmp_path / "absent"), "other")


def test_pixels_as_lists_are_checked(tmp_path: Path):
    import pyarrow as pa

    from lab.data.images import limits_from_settings
    from lab.data.readers.rows import read_cell
    from lab.errors import ImageError

    limits = limits_from_settings()
    ragged = pa.array([[[1, 2], [3]]], pa.list_(pa.list_(pa.uint8())))
    wide = pa.array([[[1, 300], [3, 4]]], pa.list_(pa.list_(pa.int64())))
    right = pa.array([[[1, 200], [3, 4]]], pa.list_(pa.list_(pa.int64())))
    empty = pa.array([None], pa.list_(pa.list_(pa.uint8())))
    assert read_cell(right, limits).array.tolist() == [[1, 200], [3, 4]]
    assert read_cell(right, limits).array.dtype == np.uint8
    for cell, words in ((ragged, "unequal"), (wide, "outside"), (empty, "no picture")):
        with pytest.raises(ImageError, match=words):
            read_cell(cell, limits)
