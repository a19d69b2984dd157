"""The command line from the outside: real processes, a real worker, one JSON object on standard output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.builders.commands import Commands
from tests.builders.toy_pipeline import build_toy_pipeline, write_toy_card

ROOT = Path(__file__).resolve().parents[2]
METRICS = (
    "frechet-distance,kernel-distance,precision,recall,density,coverage,near-copy-share,closer-to-training,"
    "label-agreement"
)
Call = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory, commands: Commands) -> Iterator[Call]:
    """Run `python -m lab ... --json` in a workspace of its own; no worker is left behind.

    With `fresh` in an interpreter of its own, else in a process forked from one that has imported the commands.
    """
    workspace = tmp_path_factory.mktemp("shell")
    environ = {**os.environ, "LAB_WORKSPACE": str(workspace), "LAB_WARM": "0", "LAB_IDLE_EXIT_S": "60"}
    write_toy_card(build_toy_pipeline(workspace / "toy"), workspace / "generators" / "toy-cxr.json")

    def call(*words: str, expect: int = 0, fresh: bool = False) -> dict[str, Any]:
        if fresh:
            command = [sys.executable, "-m", "lab", *words, "--json"]
            done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=280)
        else:
            done = commands.run([*words, "--json"], environ)
        assert done.returncode == expect, done.stderr[-2000:]
        assert "Traceback" not in done.stderr
        lines = done.stdout.strip().split("\n")
        assert len(lines) == 1, "standard output holds one JSON object and nothing else"
        return json.loads(lines[0])

    yield call
    stop = [sys.executable, "-m", "lab.runs.supervisor", "--workspace", str(workspace), "--stop"]
    subprocess.run(stop, cwd=ROOT, env=environ, timeout=60, check=False)


@pytest.fixture(scope="module")
def added(shell: Call, phantom_folder: Path) -> dict[str, Any]:
    return shell("dataset", "add", str(phantom_folder), "--id", "small")


@pytest.mark.row("SG-02")
def test_add_list_and_show_a_dataset(shell: Call, added: dict[str, Any]) -> None:
    shown = shell("dataset", "show", "small")
    assert shown["images"] == 72
    assert shown["patients"] == 36
    assert {name: part["patients"] for name, part in shown["splits"].items()} == {
        "train": 21,
        "held-out": 11,
        "test": 4,
    }
    assert [item["id"] for item in shell("dataset", "list", fresh=True)["datasets"]] == ["small"]
    assert "error" in shell("dataset", "show", "absent", expect=1, fresh=True)
    assert "error" in shell("dataset", "add", str(ROOT / "tests"), "--id", "small", expect=1)


@pytest.mark.row("X-06")
def test_a_second_embedding_extracts_nothing(shell: Call, added: dict[str, Any]) -> None:
    first = shell("embed", "--dataset", "small", "--extractor", "efficientnet-lite0", fresh=True)
    again = shell("embed", "--dataset", "small", "--extractor", "efficientnet-lite0")
    assert first["extracted"] == 72
    assert again["run"] == first["run"], "the same run is served from the store"
    assert (
        shell("embed", "--dataset", "small:train", "--extractor", "efficientnet-lite0")["run"] == first["run"]
    )


@pytest.mark.row("C13")
def test_neighbours_find_a_planted_film_first(
    shell: Call, added: dict[str, Any], phantom_folder: Path
) -> None:
    from lab.data.splits import split_by_patient

    splits = split_by_patient([f"phantom-0-{number:05d}" for number in range(36)])
    number = next(n for n in range(36) if splits[f"phantom-0-{n:05d}"] == "train")
    film = phantom_folder / "images" / f"p{number:05d}_f00.png"
    found = shell("neighbours", str(film), str(film), "--dataset", "small", "-k", "3")["images"]
    assert len(found) == 2
    first = found[0]
    assert first["image"] == str(film)
    assert first["neighbours"][0]["patient_id"] == f"phantom-0-{number:05d}"
    assert first["neighbours"][0]["distance"] == pytest.approx(0, abs=1e-4)
    assert first["identical"] == first["neighbours"][0]["image"]
    assert len(first["neighbours"]) == 3
    assert {"image", "patient_id", "split", "distance"} <= set(first["neighbours"][0])
    assert first["held_out"]["split"] == "held-out"
    for detector in ("registered-correlation", "feature-cosine"):
        assert first["detectors"][detector]["p"] == pytest.approx(1 / (first["n_reference"] + 1))
    # 42 training films cannot carry a p of 0.01: the verdict says so instead of pretending.
    assert first["verdict"] == "close"


@pytest.mark.row("CM-12", "XI-11")
def test_an_audit_lists_its_pairs_with_masks(shell: Call, added: dict[str, Any]) -> None:
    told = shell("audit", "small:held-out", "--dataset", "small")
    assert told["n"] == len(told["pairs"]) == 22 and sum(told["sets"].values()) == 22
    ranked = [pair["p"] for pair in told["pairs"]]
    assert ranked == sorted(ranked), "those to look at first on top"
    dice = [pair["mask_dice"] for pair in told["pairs"]]
    assert all(0 < value < 0.99 for value in dice), "other patients' lungs overlap, and never to the pixel"
    assert told["masks"] == {"compared": 22, "flagged": 0}
    assert all(pair["lpips"] is None for pair in told["pairs"]) and "put vgg16" in told["lpips"]["why"]
    assert shell("audit", "small:held-out", "--dataset", "small")["run"] == told["run"]
    own = shell("audit", "small:train", "--dataset", "small")
    assert own["masks"]["flagged"] == own["n"], "a film beside itself has its own mask"
    assert "error" in shell("audit", "absent", "--dataset", "small", expect=1)


@pytest.mark.row("X-01")
def test_spaces_rank_a_film_of_the_set_first_and_the_page_builds_the_same_run(
    shell: Call, added: dict[str, Any], phantom_folder: Path
) -> None:
    from lab.data.splits import split_by_patient

    splits = split_by_patient([f"phantom-0-{number:05d}" for number in range(36)])
    number = next(n for n in range(36) if splits[f"phantom-0-{n:05d}"] == "train")
    film = phantom_folder / "images" / f"p{number:05d}_f00.png"
    told = shell("spaces", str(film), "--dataset", "small", "--extractor", "efficientnet-lite0")
    assert [space["name"] for space in told["spaces"]] == ["pixels", "structure", "efficientnet-lite0"]
    assert len({space["nearest"][0] for space in told["spaces"]}) == 1
    assert len(told["agreement"]) == 3 and told["films"][0]["ranks"] == [1, 1, 1]
    absent = shell("spaces", str(film), "--dataset", "small", "--lpips", expect=1)
    assert "everything else works" in absent["error"]


def test_words_are_refused_in_one_sentence_where_there_are_none(shell: Call, added: dict[str, Any]) -> None:
    for words in (
        ["retrieve", "--dataset", "small"],
        ["retrieve", "--dataset", "small", "--words", "x" * 401],
    ):
        assert "nothing was started" in shell(*words, expect=1)["error"]


@pytest.mark.row("X-09", "X-08")
def test_evaluate_gives_controls_floors_and_provenance(shell: Call, added: dict[str, Any]) -> None:
    told = shell("evaluate", "--real", "small", "--synthetic", "small:held-out", "--metrics", METRICS)
    assert [item["metric"] for item in told["results"]] == METRICS.split(",")
    for item in told["results"]:
        assert {"value", "low", "high", "n_real", "n_synthetic", "control", "floor"} <= set(item)
        assert item["value"] is not None or item["note"], "a missing number explains itself"
    assert {item["metric"] for item in told["results"] if item["value"] is not None} >= {
        "precision",
        "coverage",
    }
    assert set(told["provenance"]) >= {"digest", "settings", "inputs", "versions"}
    wrong = shell("evaluate", "--real", "small", "--synthetic", "small:test", "--metrics", "beauty", expect=1)
    assert "kernel-distance" in wrong["error"]


@pytest.mark.row("C11")
def test_copies_improve_fidelity_and_cost_privacy(
    shell: Call, added: dict[str, Any], phantom_folder: Path, tmp_path: Path
) -> None:
    from lab.data.splits import split_by_patient

    splits = split_by_patient([f"phantom-0-{number:05d}" for number in range(36)])
    for number in (n for n in range(36) if splits[f"phantom-0-{n:05d}"] == "train"):
        film = phantom_folder / "images" / f"p{number:05d}_f00.png"
        (tmp_path / film.name).write_bytes(film.read_bytes())
    names = "kernel-distance,coverage,closer-to-training"
    asked = ("evaluate", "--real", "small", "--synthetic", str(tmp_path), "--metrics", names)
    copies = shell(*asked, "--measure-copies")["results"]
    assert "21 of the 21 synthetic images" in copies[0]["note"]
    assert copies[2]["value"] > 0.6
    refused = shell(*asked, expect=1)
    assert "byte for byte" in refused["error"]


def test_map_states_how_far_it_can_be_believed(shell: Call, added: dict[str, Any]) -> None:
    told = shell("map", "--dataset", "small", "--samples", "small:test")
    assert told["layers"] == {"train": 42, "held-out": 22, "samples": 8}
    assert 0 <= told["trustworthiness"] <= 1


@pytest.mark.fault(28)
def test_generate_twice_gives_equal_bytes_and_is_served_from_the_store(
    shell: Call, added: dict[str, Any], tmp_path: Path
) -> None:
    words = ["--generator", "toy-cxr", "--prompt", "small left effusion", "-n", "5", "--seed", "7"]
    first = shell("generate", *words, "--out", str(tmp_path / "a"), "--dataset", "small")
    again = shell("generate", *words, "--out", str(tmp_path / "b"), "--dataset", "small")
    assert again["run"] == first["run"]
    assert [sample["seed"] for sample in first["samples"]] == [7, 8, 9, 10, 11]
    files = sorted((tmp_path / "a").iterdir())
    assert [f.read_bytes() for f in files] == [(tmp_path / "b" / f.name).read_bytes() for f in files]
    for sample in first["samples"]:
        assert len(sample["neighbours"]) == 5
        assert sample["verdict"]["label"] in ("near-copy", "close", "ordinary")
        assert sample["held_out"]["split"] == "held-out"
        assert sample["recipe"]["seed"] == sample["seed"]
        read = sample["alignment"]
        seen = read["asked"] if read else None
        assert seen == (None if sample["off_map"] else "effusion")


@pytest.mark.fault(26, 27)
@pytest.mark.parametrize(
    "words",
    [
        ["--prompt", "", "-n", "4"],
        ["--prompt", "x" * 10_000],
        ["--prompt", "effusion", "-n", "0"],
        ["--prompt", "effusion", "--seed", str(2**64)],
        ["--prompt", "effusion", "--steps", "1000000"],
        ["--prompt", "effusion", "--guidance", "-1"],
    ],
)
def test_requests_out_of_range_are_one_sentence(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    from lab.commands.main import run

    out = tmp_path / "out"
    with pytest.raises(SystemExit) as ended:
        run(["generate", "--generator", "phantom-cxr", "--out", str(out), "--json", *words])
    told, complaint = capsys.readouterr()
    assert ended.value.code == 1 and json.loads(told)["error"] == complaint.strip()
    assert "nothing was started" in told and "\n" not in complaint.strip()
    assert "x" * 50 not in told, "a prompt is never repeated in an error"
    assert not out.exists()


def test_runs_are_listed_and_shown(shell: Call, added: dict[str, Any]) -> None:
    runs = shell("runs", "list")["runs"]
    assert {"import", "embed"} <= {run["kind"] for run in runs}
    assert shell("runs", "show", runs[0]["id"])["state"] == "done"
    assert shell("runs", "cancel", runs[0]["id"])["state"] == "done", "an ended run stays as it ended"
    assert "error" in shell("runs", "show", "0123456789abcdef", expect=1)


def test_doctor_reports_what_is_here(shell: Call, added: dict[str, Any]) -> None:
    told = shell("doctor")
    assert told["workspace"]["writable"]
    assert {"efficientnet-lite0"} <= {extractor["id"] for extractor in told["extractors"] if extractor["ok"]}
    assert {"id": "small"}.items() <= told["datasets"][0].items()


@pytest.mark.fault(34)
def test_a_dataset_is_looked_after_from_the_shell(shell: Call, phantom_folder: Path) -> None:
    shell("dataset", "add", str(phantom_folder), "--id", "cared-for")
    found = shell("dataset", "duplicates", "cared-for")
    assert found["images"] == 72 and found["compared"] > 0 and found["across_patients"] == 0
    divided = shell("dataset", "divide", "cared-for", "--shares", "0.5,0.25,0.25", "--seed", "3")
    assert sum(divided["splits"].values()) == 72
    shown = shell("dataset", "show", "cared-for")
    patients = {name: part["patients"] for name, part in shown["splits"].items()}
    assert patients == {"train": 18, "held-out": 9, "test": 9} and shown["digest"] == divided["digest"]
    assert "numbers" in shell("dataset", "divide", "cared-for", "--shares", "a,b", expect=1)["error"]
    told = shell("dataset", "terms", "cared-for", "--licence", "CC BY-NC 4.0", "--attribution", "A. Author")
    assert told["public"] is False and told["attribution"] == "A. Author"
    refused = shell("dataset", "terms", "cared-for", "--public", expect=1)
    assert "does not allow" in refused["error"]
    removed = shell("dataset", "remove", "cared-for", "--yes")
    assert removed["removed"] == "cared-for"
    assert any(one["kind"] == "runs" and one["name"] == "duplicates" for one in removed["dependents"])
