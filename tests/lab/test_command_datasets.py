"""`python -m lab dataset ...` from the outside: sources, plan, add with every option, derive, remove."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lab.data.medmnist.info import file_name
from tests.builders.archives import png, zipped
from tests.builders.commands import Commands

ROOT = Path(__file__).resolve().parents[2]
Call = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def workspace_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shell")


@pytest.fixture(scope="module")
def shell(workspace_folder: Path, commands: Commands) -> Iterator[Call]:
    environ = {
        **os.environ, "LAB_WORKSPACE": str(workspace_folder), "LAB_WARM": "0", "LAB_IDLE_EXIT_S": "60",
        "http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9",
    }  # fmt: skip

    def call(*words: str, expect: int = 0, answer: str = "") -> dict[str, Any]:
        done = commands.run(["dataset", *words, "--json"], environ, answer)
        assert done.returncode == expect, done.stderr[-2000:]
        assert "Traceback" not in done.stderr
        return json.loads(done.stdout.strip().split("\n")[-1])

    yield call
    stop = [sys.executable, "-m", "lab.runs.supervisor", "--workspace", str(workspace_folder), "--stop"]
    subprocess.run(stop, cwd=ROOT, env=environ, timeout=60, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("set")
    rows = ["image,patient_id,dx,mask"]
    for n in range(12):
        picture = np.random.default_rng(n).integers(0, 256, (40, 32, 3), dtype=np.uint8)
        Image.fromarray(picture).save(found / f"{n}.png")
        Image.fromarray((picture[..., 0] > 128).astype(np.uint8)).save(found / f"mask{n}.png")
        rows.append(f"{n}.png,p{n // 2},{('nv', 'mel', 'df')[n % 3]},mask{n}.png")
    (found / "=cut.png").write_bytes(png(1)[:60])
    rows.append("=cut.png,p9,nv,")
    (found / "metadata.csv").write_text("\n".join(rows))
    return found


def test_sources_and_a_plan(shell: Call, folder: Path) -> None:
    told = {source["id"]: source for source in shell("sources")["sources"]}
    assert {"image-table", "image-folder", "medmnist"} <= set(told)
    assert told["medmnist"]["choices"]["slice"]["values"] == ["middle", "all"]
    plan = shell("plan", str(folder), "--class", "mel=melanoma", "--class", "df=")
    assert (plan["source"], plan["images"], plan["patients"], plan["masks"]) == ("image-table", 9, 7, 8)
    assert plan["classes"]["df"] == {"stored": "", "images": 4} and plan["problem"] == ""
    assert "error" in shell("plan", str(folder / "gone"), expect=1)
    assert "error" in shell("plan", str(folder), "--class", "mel", expect=1)


def test_add_with_classes_recipe_and_report_then_derive_and_remove(
    shell: Call, folder: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.csv"
    told = shell(
        "add", str(folder), "--id", "skin", "--class", "mel=melanoma", "--class", "df=", "--report", str(report),
        "--licence", "CC0",
    )  # fmt: skip
    assert (told["images"], told["masks"]) == (8, 8) and set(told["labels"]) == {"nv", "melanoma"}
    assert told["source"] == "image-table"
    with report.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 1 and rows[0]["file"] == "'=cut.png" and "cut off" in rows[0]["reason"]
    made = shell("derive", "skin", "--id", "skin-a", "--recipe", "skin-a")
    assert (made["parent"], made["images"], made["masks"]) == ("skin", 8, 8) and made["digest"] != told[
        "digest"
    ]
    assert made["recipe"]["id"] == "skin-a"
    prepared = shell("add", str(folder), "--id", "prepared", "--recipe", "skin-a", "--source", "image-table")
    assert prepared["images"] == 12 and prepared["recipe"]["id"] == "skin-a"
    assert "error" in shell("derive", "skin", "--id", "same", "--recipe", "as-is", expect=1)
    assert "error" in shell("derive", "skin", "--id", "other", "--recipe", "nothing", expect=1)
    assert "error" in shell("remove", "skin", expect=1, answer="n\n")
    gone = shell("remove", "skin", "--yes")
    assert any(one["kind"] == "dataset" and one["name"] == "skin-a" for one in gone["dependents"])
    assert {item["id"] for item in shell("list")["datasets"]} == {"skin-a", "prepared"}
    assert "error" in shell("show", "skin", expect=1)


def test_a_zip_wrapped_in_one_folder(shell: Call, tmp_path: Path, workspace_folder: Path) -> None:
    table = b"image,patient_id,label\na.png,p1,x\nb.png,p2,y\n"
    path = zipped(
        tmp_path / "set.zip",
        {
            "set/metadata.csv": table,
            "set/a.png": png(1),
            "set/b.png": png(2),
            "../c.png": png(3),
            "set/d.png": b"",
        },
    )
    told = shell("add", str(path), "--id", "zipped", "--metadata", "metadata.csv")
    assert told["images"] == told["patients"] == 2
    assert [item["file"] for item in told["left_out"]] == ["../c.png"]
    assert not list((workspace_folder / "unpacked").glob("*"))


def test_medmnist_by_name_offline_and_from_a_file_that_is_here(
    shell: Call, workspace_folder: Path, test_data: Path
) -> None:
    assert "offline" in shell("add", "--medmnist", "breastmnist", "--id", "breast", expect=1)["error"]
    assert "choose one of" in shell("add", "--medmnist", "cats", "--id", "cats", expect=1)["error"]
    assert "28, 64" in shell("add", "--medmnist", "pathmnist", "--size", "32", "--id", "p", expect=1)["error"]
    assert "error" in shell("add", "--id", "nothing", expect=1)
    here = workspace_folder / "downloads/medmnist" / file_name("pneumoniamnist", 28)
    here.parent.mkdir(parents=True, exist_ok=True)
    here.write_bytes((test_data / "medmnist/pneumoniamnist.npz").read_bytes())
    told = shell("add", "--medmnist", "pneumoniamnist", "--id", "pneumonia", "--choose", "limit=60")
    assert told["images"] <= 60 and told["licence"] == "CC BY 4.0" and told["source"] == "medmnist"
