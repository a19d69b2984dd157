"""Pages under AppTest: the real entry script, an empty or a filled workspace, and runs written by hand."""

from __future__ import annotations

import io
import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.builders.runs import finish

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("home", "prompt", "neighbours", "feature_space", "metrics", "library")


@pytest.fixture(autouse=True)
def _quiet(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker is started by a page under test."""
    import lab.runs.client

    monkeypatch.setattr(lab.runs.client, "ensure_worker", lambda *args, **kwargs: "running")


@pytest.fixture(scope="session", autouse=True)
def _nothing_done_twice() -> Iterator[None]:
    """What every AppTest does anew, and what stays the same in a session, is done once.

    It searches all installed packages for components (0.2 s each time), compiles the pages at every run, and asks a
    thousand times a second whether the script has ended, which keeps the script from running.
    """
    from streamlit.components.v2 import manifest_scanner
    from streamlit.runtime.scriptrunner.script_cache import ScriptCache
    from streamlit.testing.v1 import app_test, local_script_runner

    found, compiled = manifest_scanner.scan_component_manifests(), ScriptCache()
    seldom = SimpleNamespace(time=time.time, sleep=lambda _: time.sleep(0.01))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", lambda *args, **kwargs: list(found))
        for module in (app_test, local_script_runner):
            patch.setattr(module, "ScriptCache", lambda: compiled)
        patch.setattr(local_script_runner, "time", seldom)
        yield


@pytest.fixture
def visit() -> Callable[..., Any]:
    """Open a page of the app, as a browser does, with a deep link."""
    from streamlit.testing.v1 import AppTest

    def open_page(page: str = "home", **asked: str) -> Any:
        app = AppTest.from_file(str(ROOT / "lab" / "ui" / "main.py"), default_timeout=30)
        for name, value in asked.items():
            app.query_params[name] = value
        app.run()
        if page != "home":
            app.switch_page(f"../../pages/{page}.py").run()
        return app

    return open_page


def films(folder: Path, count: int = 40, size: int = 48) -> Path:
    """A folder of small noise films of 20 patients with a CSV."""
    from lab.data.images import encode_png

    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(3)
    rows = ["image,patient_id,label,caption"]
    for number in range(count):
        pixels = rng.integers(0, 256, (size, size), dtype=np.uint8)
        (folder / f"film-{number}.png").write_bytes(encode_png(pixels))
        label = ("effusion", "no finding")[number % 2]
        rows.append(f"film-{number}.png,p{number % 20},{label},{label} here")
    (folder / "metadata.csv").write_text("\n".join(rows), "utf-8")
    return folder


@pytest.fixture(scope="session")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stored dataset of the small films, imported once a session by the processes that read files."""
    from lab.data.store import add_folder

    folder = tmp_path_factory.mktemp("imported")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_WORKSPACE", str(folder / "workspace"))
        return add_folder(
            films(folder / "films"), "films", licence="CC BY 4.0", title="Small films"
        ).dataset.folder


@pytest.fixture
def dataset(workspace: Path, imported: Path) -> str:
    """An imported dataset called films, a copy of its own for each test."""
    from lab.config import settings

    shutil.copytree(imported, settings().datasets / "films")
    return "films"


@pytest.fixture
def generator(workspace: Path) -> str:
    """The card of a generator whose folder holds no weights: pages read cards only."""
    folder = workspace / "generators" / "small"
    (folder / "model").mkdir(parents=True)
    index = {"_class_name": "StableDiffusionPipeline"}
    (folder / "model" / "model_index.json").write_text(json.dumps(index), "utf-8")
    card = {"id": "small", "title": "Small generator", "modality": "chest radiograph", "folder": "model"}
    card |= {"size": 48, "steps": 8, "guidance": 3.0, "training_dataset": "films", "licence": "Apache-2.0"}
    (folder / "card.json").write_text(json.dumps(card), "utf-8")
    return "small"


@pytest.fixture
def loaded(dataset: str, generator: str) -> dict[str, Any]:
    """A workspace in which everything was done once: features, calibration, map, samples, metrics."""
    from lab.data.store import open_dataset
    from lab.runs import requests

    table = open_dataset(dataset).rows()
    shares = {"hits": 19, "n": 20, "low": 0.76, "high": 0.99, "clusters": 20, "value": 0.95}
    finish(requests.embed_run(dataset), {"extracted": len(table), "stored": 0})
    calibration = {
        "dataset": dataset, "digest": "c" * 64, "n_reference": 24,
        "detectors": ["registered-correlation", "feature-cosine"],
        "n_patients": 12, "smallest_p": 0.08, "false_alarms": shares, "called_close": shares, "off_map": 0.5,
        "canaries": [
            {"kind": "flipped", "found": shares, "by_detector": {"feature-cosine": shares}, "source_first": shares}
        ],
    }  # fmt: skip
    finish(requests.calibrate_run(dataset), calibration)
    fitted = finish(requests.map_run(dataset), map_result(table))
    samples = finish(generation_spec(dataset), generation_result(table))
    measured = finish(
        requests.evaluate_run(dataset, f"{dataset}:held-out", ["kernel-distance", "closer-to-training"]),
        {"results": [metric("kernel-distance", 0.02), metric("closer-to-training", 0.5)]},
    )
    return {"dataset": dataset, "map": fitted, "samples": samples, "measured": measured, "table": table}


def map_result(table: pd.DataFrame) -> dict[str, Any]:
    """A map with every image on a grid."""
    from lab.runs.artifacts import write_artifact

    shown = table[table["split"].isin(["train", "held-out"])].reset_index(drop=True)
    places = np.stack([np.arange(len(shown)) % 6, np.arange(len(shown)) // 6], axis=1).astype(np.float32)
    stream = io.BytesIO()
    np.save(stream, places)
    rows = io.BytesIO()
    kept = pd.DataFrame({"image_id": shown["image_id"], "layer": shown["split"], "label": shown["label"]})
    kept.assign(off_map=False, kept=0.5).to_parquet(rows, index=False)
    return {
        "coordinates": write_artifact(stream.getvalue(), ".npy"), "rows": write_artifact(rows.getvalue(), ".parquet"),
        "reference": "f" * 64, "trustworthiness": 0.97, "neighbour_preservation": 0.61, "k": 15, "n": len(shown),
        "method": {"name": "umap"}, "seed": 0,
    }  # fmt: skip


def generation_spec(dataset: str, prompt: str = "Large right pleural effusion.") -> Any:
    """The spec of a generation run as the prompt page submits it, with the weights' digest put in."""
    from lab.runs.requests import map_coordinates
    from lab.runs.spec import RunSpec

    chosen = {
        "generator": "small", "prompt": prompt, "negative_prompt": "", "seeds": [7, 8, 9, 10], "steps": 8,
        "guidance": 3.0, "size": 48, "dataset": dataset, "extractor": "efficientnet-lite0",
    }  # fmt: skip
    return RunSpec(
        "generate", chosen, {"weights": "0" * 64, "map": map_coordinates(dataset)}, "4 images with small"
    )


def generation_result(table: pd.DataFrame) -> dict[str, Any]:
    """Four samples with verdicts, neighbours and places."""
    from lab.data.images import encode_png
    from lab.data.samples import NewSample, SampleSetWriter
    from lab.runs.artifacts import write_artifact

    rng = np.random.default_rng(11)
    pictures = [rng.integers(0, 256, (48, 48), dtype=np.uint8) for _ in range(4)]
    writer = SampleSetWriter("set-1", "small", parent="films")
    ids = writer.append(
        NewSample(index, picture, {"seed": 7 + index}, "Large right pleural effusion.")
        for index, picture in enumerate(pictures)
    )
    images = writer.finalise()
    train = table[table["split"] == "train"]["image_id"].tolist()
    held_out = table[table["split"] == "held-out"]["image_id"].tolist()
    labels = ("near-copy", "close", "ordinary", "ordinary")
    return {
        "sample_set": "set-1", "truncated": [], "unknown": [],
        "samples": [
            {
                "image_id": image_id, "digest": digest, "artifact": write_artifact(encode_png(picture), ".png"),
                "seed": 7 + index, "prompt": "Large right pleural effusion.", "recipe": {"device": "cpu"},
                "verdict": {
                    "label": labels[index], "p": 0.01 * (1 + index), "n_reference": 24, "smallest_p": 0.08,
                    "agreeing": [],
                    "detectors": [
                        {
                            "name": name, "distance": 0.1, "p": 0.01, "percentile": 1.0,
                            "nearest": train[0], "variant": "as is",
                        }  # fmt: skip
                        for name in ("registered-correlation", "feature-cosine")
                    ],
                },
                "neighbours": [
                    {"image_id": name, "patient_id": "p1", "split": "train", "distance": 0.1 * place, "registered": 0.2,
                     "variant": "as is", "found_by": []}
                    for place, name in enumerate(train[:5], 1)
                ],
                "held_out": {"image_id": held_out[0], "patient_id": "p9", "split": "held-out", "distance": 0.3,
                             "registered": None, "variant": "as is", "found_by": []},
                "identical": None, "off_map": index == 3,
                "alignment": {"label": "effusion", "probability": 0.8, "asked": "effusion", "asked_probability": 0.8},
                "map": {"x": 0.5 + index, "y": 0.5, "off_map": index == 3},
            }
            for index, (image_id, digest, picture) in enumerate(zip(ids, images.digests(), pictures, strict=True))
        ],
    }  # fmt: skip


def metric(name: str, value: float) -> dict[str, Any]:
    """One metric result as a run stores it."""
    return {
        "metric": name, "title": name, "value": value, "low": value / 2, "high": value * 2, "n_real": 24,
        "n_synthetic": 12, "n_held_out": 12, "dimension": 1280, "extractor": "efficientnet-lite0", "split": "train",
        "group": "all", "seed": 0, "control": value, "control_low": None, "control_high": None, "floor": value,
        "floor_low": None, "floor_high": None, "floor_n": 12, "note": "",
    }  # fmt: skip


@pytest.fixture
def builders() -> Any:
    """The functions of this file."""
    return SimpleNamespace(
        films=films,
        finish=finish,
        metric=metric,
        generation_spec=generation_spec,
        generation_result=generation_result,
    )
