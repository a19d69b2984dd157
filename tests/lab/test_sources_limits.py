"""A part of a set is drawn by patient (X-04), large tables are streamed, no patient reaches a log (C21)."""

from __future__ import annotations

import gzip
import json
import logging
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from lab.data.imageset import patient_balanced
from lab.data.importing.folder_index import FolderIndex
from lab.data.importing.plan_limit import limited, limited_by_choice
from lab.data.layout import MOST_TOLD, plain_number
from lab.data.sources.contract import Options
from lab.data.sources.registry import get_source, sources
from lab.data.store import add_folder, plan_import
from lab.data.tabular import table_columns
from lab.data.tabular.columns import FIELDS
from lab.data.tabular.table_columns import open_columns
from lab.errors import DatasetError, InputError
from tests.builders import layouts
from tests.builders.memory_set import MemorySet

pytestmark = pytest.mark.usefixtures("workspace")
ROOT = Path(__file__).resolve().parents[2]


def sorted_folder(root: Path, patients: int = 20, films: int = 10) -> Path:
    """A folder sorted by patient: the first patients are normal and have many films, as archives often are."""
    rows = []
    for k in range(patients):
        for n in range(films if k < patients // 2 else 1):
            name = f"images/p{k:03d}_{n:02d}.png"
            layouts.save(root / name, 100 * k + n)
            rows.append((name, f"p{k:03d}", "normal" if k < patients // 2 else "ill"))
    layouts.write_csv(root / "metadata.csv", ("image", "patient_id", "label"), rows)
    return root


@pytest.mark.row("X-04")
def test_a_part_is_never_the_first_files_of_a_sorted_folder(tmp_path: Path):
    plan = plan_import(sorted_folder(tmp_path))
    first = Counter(image.fields["label"] for image in plan.images[:20])
    assert first == {"normal": 20}, "the first files of this folder would be of two patients and one label"
    part = limited(plan, 20, seed=5)
    assert Counter(image.fields["patient_id"] for image in part.images) == {f"p{k:03d}": 1 for k in range(20)}
    assert Counter(image.fields["label"] for image in part.images) == {"normal": 10, "ill": 10}
    numbers = [int(image.name[-6:-4]) for image in part.images if image.fields["label"] == "normal"]
    assert len(set(numbers)) > 2, "of a patient's films any may be drawn"
    assert part.images == limited(plan, 20, seed=5).images != limited(plan, 20, seed=6).images
    assert [i.name for i in part.images] == sorted(i.name for i in part.images) and "seed 5" in part.notes[-1]
    more = Counter(image.fields["patient_id"] for image in limited(plan, 40).images)
    assert max(more.values()) == 3 and min(more.values()) == 1, "a third film only after everybody's second"
    assert limited(plan, 1000) is plan


@pytest.mark.row("X-04")
def test_the_draw_of_a_set_is_the_same_rule(tmp_path: Path):
    films = [np.full((8, 8), k, dtype=np.uint8) for k in range(30)]
    images = MemorySet("m", films, ["a"] * 20 + [f"b{k}" for k in range(10)])
    chosen = patient_balanced(images, 11, seed=2)
    assert len({images.row(name)["patient_id"] for name in chosen}) == 11
    with pytest.raises(InputError, match="below 1"):
        limited(plan_import(sorted_folder(tmp_path)), 0)


@pytest.mark.row("X-04")
def test_every_public_layout_takes_a_limit(tmp_path: Path):
    made = {
        "mimic-cxr": layouts.mimic, "nih-chestxray14": layouts.nih, "ham10000": layouts.ham10000,
        "milk10k": layouts.milk10k, "isic": layouts.isic2020, "chexgenbench": layouts.annotations,
        "hugging-face": layouts.hub_shards,
    }  # fmt: skip
    for name, build in made.items():
        source = get_source(name)
        assert {"limit", "limit_seed"} <= {choice.name for choice in source.choices}
        files = FolderIndex(build(tmp_path / name))
        plan = source.plan(files, Options(choices={"limit": "4", "limit_seed": "2"}))
        assert len(plan.images) == 4 and len({image.fields["patient_id"] for image in plan.images}) == 4, name
    for bad in ("-1", "two", "1e3", "9" * 12):
        with pytest.raises(InputError, match="not a whole number"):
            limited_by_choice(plan, {"limit": bad})
    with pytest.raises(InputError, match="below 1"):
        limited_by_choice(plan, {"limit": "0"})


def test_sources_have_titles_and_choices_with_defaults():
    for source in sources():
        assert source.title and source.describes.endswith(".")
        for choice in source.choices:
            assert choice.title[0].isupper() and choice.help.endswith(".")


def test_a_large_table_is_streamed(tmp_path: Path):
    rows = 60_000
    path = tmp_path / "big.csv.gz"
    with gzip.open(path, "wt", compresslevel=1) as stream:
        stream.write("id,text,patientID\n")
        for k in range(rows):
            stream.write(f'{k},"{"long text, " * 40}",{k % 100}\n')
    import tracemalloc

    table = open_columns(path, {"image": ("id",), "patient_id": ("patientID",)})
    tracemalloc.start()
    count = sum(1 for _ in table.rows())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == rows and peak < 10_000_000, "26 MB of text pass through"


def test_bad_tables_are_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def read(data: bytes, name: str = "a.csv") -> list[str]:
        (tmp_path / name).write_bytes(data)
        return [row["image"] for row in open_columns(tmp_path / name, {"image": ("image",)}).rows()]

    assert read(b"\xef\xbb\xbfimage,b,\nx,1,\ny,2\n") == ["x", "y"], "unnamed last columns may be left out"
    assert read(b"image\tb\nx\t1\n") == ["x"] and read(b'"image",b\n"a,b",1\n') == ["a,b"]
    table = open_columns(tmp_path / "a.csv", {"image": ("image",)})
    (tmp_path / "a.csv").write_bytes(b"image,b\nx\ny,2\nz,3,4\n")
    assert [row["image"] for row in table.rows()] == ["y"] and table.ragged == [1, 3]
    noise = gzip.compress(b"image\n" + np.random.default_rng(0).bytes(900).hex().encode())
    for data, name in (
        (b"", "a.csv"), (b"image\n\x00\n", "a.csv"), (b"\xff\xfei\x00", "a.csv"), (b"not gzip", "a.csv.gz"),
        (noise[:600], "a.csv.gz"), (b'image\n"' + b"x" * 200_000, "a.csv"),
    ):  # fmt: skip
        with pytest.raises(DatasetError, match="The table"):
            read(data, name)
    monkeypatch.setattr(table_columns, "MAX_BYTES", 1_000_000)
    with pytest.raises(DatasetError, match="above the size limit"):
        read(gzip.compress(b"image\n" + b"x\n" * 2_000_000), "bomb.csv.gz")
    with pytest.raises(DatasetError, match="mapping names"):
        open_columns(tmp_path / "a.csv", {}, Options(mapping={"image": "absent"}))


def test_very_many_missing_files_are_counted(tmp_path: Path):
    root = layouts.ham10000(tmp_path, lesions=1)
    with (root / "HAM10000_metadata.csv").open("a") as stream:
        stream.writelines(f"HAM_9,ISIC_X{k},nv,histo,1,male,back,x\n" for k in range(MOST_TOLD + 10))
    plan = get_source("ham10000").plan(FolderIndex(root), Options())
    assert len(plan.left_out) == MOST_TOLD + 1 and plan.left_out[-1][0] == "10 more"


def test_ages_as_they_are_published():
    given = {"058Y": "58", "55.0": "55", "6 M": "0", "411Y": "", "": "", "abc": "", "012D": "0", "60": "60"}
    assert {text: plain_number(text) for text in given} == given


@pytest.mark.row("C21")
def test_no_patient_text_or_id_in_logs_or_errors(tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd):
    root = layouts.mimic(tmp_path / "mimic")
    film = next(root.rglob("*.jpg"))
    film.write_bytes(b"damaged")
    caplog.set_level(logging.DEBUG)
    report = add_folder(root, "mimic", choices={"captions": "findings"})
    assert report.dataset.manifest["caption"].str.startswith(layouts.SECRET).any(), (
        "kept because it was asked for"
    )
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "mimic-cxr-2.0.0-metadata.csv").write_text(
        f"dicom_id,subject_id,study_id\n{film.stem},10000000,1\n"
    )
    plan = plan_import(broken)
    with pytest.raises(DatasetError) as error:
        add_folder(broken, "none")
    printed = capfd.readouterr()
    told = caplog.text + printed.out + printed.err + str(error.value) + plan.problem + " ".join(plan.notes)
    told += " ".join(report.notes) + " ".join(reason for _, reason in report.left_out)
    told += json.dumps(report.dataset.card.as_json())
    assert layouts.SECRET not in told
    for secret in (film.stem, "10000000", "50000001"):
        assert secret not in told


@pytest.mark.row("C21")
def test_no_patient_text_or_id_in_the_store_or_the_workers_log(tmp_path: Path, workspace: Path):
    """The whole way through the shell: the prompts of a table stay in the set's own rows, names nowhere."""
    folder = layouts.generated(tmp_path / "made", "generations_with_metadata")
    environ = {**os.environ, "LAB_WORKSPACE": str(workspace), "LAB_WARM": "0", "LAB_IDLE_EXIT_S": "20"}
    words = ["samples", "add", str(folder), "--id", "made", "--json"]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "lab", *words],
            cwd=ROOT,
            env=environ,
            capture_output=True,
            text=True,
            timeout=200,
        )
    finally:
        stop = [sys.executable, "-m", "lab.runs.supervisor", "--workspace", str(workspace), "--stop"]
        subprocess.run(stop, cwd=ROOT, env=environ, timeout=60, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    assert told["images"] == 5 and told["left_out"][0]["file"] == f"{layouts.dicom_id(9002)}_2.png"
    assert (
        layouts.dicom_id(9001) not in done.stderr + done.stdout
        and "Edema number" not in done.stderr + done.stdout
    )
    secrets = [layouts.dicom_id(9000 + k) for k in range(6)] + [str(12000000 + k) for k in range(6)]
    for path in workspace.rglob("*"):
        if not path.is_file():
            continue
        text = path.read_bytes().decode("latin-1")
        assert not any(secret in text or secret in path.name for secret in secrets), path.name
        if "samples/made" not in path.as_posix():
            assert "Edema number" not in text, path.name


def test_a_plans_mapping_can_be_given_back(tmp_path: Path):
    """A page shows the columns of a plan, lets a person change one, and plans again with all of them."""
    made = {
        "mimic-cxr": layouts.mimic, "nih-chestxray14": layouts.nih, "ham10000": layouts.ham10000,
        "milk10k": layouts.milk10k, "isic": layouts.isic2020, "chexgenbench": layouts.annotations,
        "hugging-face": layouts.hub_shards,
    }  # fmt: skip
    for name, build in made.items():
        files = FolderIndex(build(tmp_path / name))
        first = get_source(name).plan(files, Options())
        assert {"image", "patient_id"} <= set(first.mapping) <= set(FIELDS), name
        again = get_source(name).plan(files, Options(mapping=first.mapping))
        assert again.images == first.images and again.mapping == first.mapping, name
    ham, milk = FolderIndex(tmp_path / "ham10000"), FolderIndex(tmp_path / "milk10k")
    bare = get_source("ham10000").plan(ham, Options(mapping={"age": ""}))
    assert {image.fields["age"] for image in bare.images} == {""}
    kept = get_source("milk10k").plan(milk, Options(keep=("MONET_hair",)))
    assert kept.images[0].extra["monet_hair"] == "0.1" and kept.stored == {"MONET_hair": "monet_hair"}
