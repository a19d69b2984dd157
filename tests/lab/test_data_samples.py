"""Sample sets: written batch by batch, resumed after any crash, read back from their folder or anybody's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lab.data.folder_set import from_folder
from lab.data.images import encode_png, png_text
from lab.data.imageset import ImageSet
from lab.data.resolve import resolve
from lab.data.samples import (
    RECIPE,
    NewSample,
    SampleSetWriter,
    list_sample_sets,
    open_sample_set,
    parse_recipe,
    remove_sample_set,
)
from lab.errors import DatasetError, ImageError, InputError, NotFoundError

pytestmark = pytest.mark.usefixtures("workspace")
ROOT = Path(__file__).resolve().parents[2]


def sample(index: int, seed: int | None = None) -> NewSample:
    image = np.random.default_rng(index).integers(0, 256, (32, 32), dtype=np.uint8)
    recipe = {"generator": "toy", "prompt": "left effusion", "seed": index if seed is None else seed}
    return NewSample(index, image, recipe, "left effusion", "effusion")


def test_a_set_is_written_in_batches_and_read_back():
    writer = SampleSetWriter("abc", "toy", parent="phantom-cxr", phantom_trained=True, licence="CC0")
    ids = writer.append([sample(0), sample(1)]) + writer.append([sample(3), sample(2)])
    found = writer.finalise()
    assert isinstance(found, ImageSet) and found.tag == "SYNTHETIC" and found.card.phantom_trained
    assert found.ids() == [ids[0], ids[1], ids[3], ids[2]] and list(found.patients()) == found.ids()
    assert found.labels() == ["effusion"] * 4 and (found.origin, found.parent) == ("toy", "phantom-cxr")
    assert np.array_equal(found.image(ids[1]), sample(1).image) and found.recipe(ids[2])["seed"] == 3
    assert list(found.rows["seed"]) == [0, 1, 2, 3]
    text = png_text(found.image_bytes_path(ids[0]).read_bytes())
    assert json.loads(text[RECIPE]) == dict(sample(0).recipe)
    assert [card.id for card in list_sample_sets()] == ["abc"]
    assert resolve("abc").digest == found.digest
    remove_sample_set("abc")
    with pytest.raises(NotFoundError):
        open_sample_set("abc")


def test_ids_are_unique_even_where_a_generator_repeats_itself():
    writer = SampleSetWriter("same", "toy")
    first = sample(0)
    writer.append(NewSample(i, first.image, first.recipe) for i in range(3))
    found = writer.finalise()
    assert len(set(found.ids())) == 3 and len(set(found.digests())) == 1


def test_the_same_images_have_the_same_digest_under_another_id():
    sets = []
    for name in ("one", "two"):
        writer = SampleSetWriter(name, "toy")
        writer.append(sample(i) for i in range(3))
        sets.append(writer.finalise())
    assert sets[0].digest == sets[1].digest and sets[0].ids() != sets[1].ids()
    writer.append([sample(3)])
    assert writer.finalise().digest != sets[0].digest


@pytest.mark.fault(41)
@pytest.mark.parametrize("cut", [1, 40, 200])
def test_a_journal_cut_by_a_crash_is_resumed(workspace: Path, cut: int):
    writer = SampleSetWriter("r", "toy")
    writer.append(sample(i) for i in range(4))
    journal = workspace / "samples/r/rows.jsonl"
    data = journal.read_bytes()
    journal.write_bytes(data[:-cut])
    again = SampleSetWriter("r", "toy")
    assert again.done() == {0, 1, 2}
    again.append([sample(3), sample(4)])
    found = again.finalise()
    assert len(found.ids()) == 5
    whole = SampleSetWriter("w", "toy")
    whole.append(sample(i) for i in range(5))
    assert whole.finalise().digest == found.digest


@pytest.mark.fault(41)
def test_a_missing_image_is_made_again(workspace: Path):
    writer = SampleSetWriter("m", "toy")
    ids = writer.append(sample(i) for i in range(3))
    (workspace / f"samples/m/images/{ids[1]}.png").unlink()
    assert SampleSetWriter("m", "toy").done() == {0, 2}


@pytest.mark.fault(41)
def test_a_writer_killed_between_batches_loses_no_finished_batch(workspace: Path):
    code = (
        "import os\nimport numpy as np\nfrom lab.data.samples import NewSample, SampleSetWriter\n"
        "w = SampleSetWriter('k', 'toy')\n"
        "for i in range(6):\n"
        "    w.append([NewSample(i, np.full((8, 8), i, np.uint8), {'seed': i})])\n"
        "    if i == 3: os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={**os.environ})
    assert done.returncode == -9 and list_sample_sets() == []
    writer = SampleSetWriter("k", "toy")
    assert writer.done() == {0, 1, 2, 3}
    assert len(writer.finalise().ids()) == 4


def test_wrong_ids_empty_sets_and_damaged_lists(workspace: Path):
    for bad in ("", "../x", "a/b", "a:b"):
        with pytest.raises(InputError):
            SampleSetWriter(bad, "toy")
    with pytest.raises(DatasetError, match="empty"):
        SampleSetWriter("none", "toy").finalise()
    writer = SampleSetWriter("d", "toy")
    writer.append([sample(0)])
    writer.finalise()
    path = workspace / "samples/d/set.json"
    value = json.loads(path.read_text())
    value["rows"][0]["path"] = "images/../../../secret.png"
    path.write_text(json.dumps(value))
    with pytest.raises(DatasetError, match="damaged"):
        open_sample_set("d")
    assert list_sample_sets() == []


@pytest.mark.fault(54)
def test_a_sample_edited_by_hand_is_not_used():
    writer = SampleSetWriter("e", "toy")
    ids = writer.append([sample(0), sample(1)])
    found = writer.finalise()
    found.image_bytes_path(ids[0]).write_bytes(encode_png(sample(1).image))
    with pytest.raises(ImageError, match="changed"):
        found.image(ids[0])
    assert found.image(ids[1]).shape == (32, 32)


def test_a_folder_of_generated_files_is_the_same_set(tmp_path: Path):
    writer = SampleSetWriter("out", "toy")
    ids = writer.append(sample(i) for i in range(4))
    made = writer.finalise()
    folder = tmp_path / "export"
    folder.mkdir()
    for number, image_id in enumerate(ids):
        shutil.copy(made.image_bytes_path(image_id), folder / f"{number:03d}.png")
    found = from_folder(folder)
    assert found.digests() == made.digests() and found.tag == "SYNTHETIC" and found.id.startswith("folder-")
    assert list(found.frame()["prompt"]) == ["left effusion"] * 4 and list(found.rows["seed"]) == [0, 1, 2, 3]
    assert np.array_equal(found.image(found.ids()[2]), sample(2).image)


def test_prompts_and_labels_from_a_table_and_bad_files_listed(tmp_path: Path):
    for i in range(3):
        Image.fromarray(sample(i).image).save(tmp_path / f"s{i}.png")
    (tmp_path / "bad.png").write_bytes(b"")
    (tmp_path / "prompts.csv").write_text("filename;prompt;label\ns0.png;a cat;cat\nsub/x.png;b;c\n")
    steps = []
    found = from_folder(tmp_path, on_progress=lambda *step: steps.append(step))
    assert found.labels() == ["cat", "", ""] and found.frame()["caption"][0] == "a cat"
    assert [name for name, _ in found.left_out] == ["bad.png"] and steps[-1] == (4, 4)
    with pytest.raises(DatasetError, match="no folder"):
        from_folder(tmp_path / "nowhere")
    (tmp_path / "none").mkdir()
    with pytest.raises(DatasetError, match="no readable image"):
        from_folder(tmp_path / "none")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", "[" * 100_000, '{"a": NaN}', '{"a": "\\ud800"}', "null", '"x"', "{" + '"a":' * 5000],
)
def test_strange_recipes_are_ignored(tmp_path: Path, text: str):
    assert parse_recipe(text) is None
    (tmp_path / "s.png").write_bytes(encode_png(sample(0).image, {RECIPE: text} if text else None))
    assert from_folder(tmp_path).rows["recipe"][0] == ""


def test_recipe_values_of_the_wrong_type_are_not_taken(tmp_path: Path):
    recipe = json.dumps({"prompt": ["x"], "label": 3, "seed": "DROP TABLE"})
    (tmp_path / "s.png").write_bytes(encode_png(sample(0).image, {RECIPE: recipe}))
    row = from_folder(tmp_path).rows.iloc[0]
    assert (row["prompt"], row["label"], row["seed"]) == ("", "", 0)
