"""Every point of the map with its row number, its key, and all that it can be coloured by."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from lab.atomic import read_array
from lab.data.store import open_dataset
from lab.runs.artifacts import artifact_path, read_artifact
from lab.runs.records import Run
from lab.ui.films import with_shown_patients
from lab.ui.sets import generation_runs

SIDES = ("train", "held-out", "sample")
EXTRA = {"patient_id": "patient", "view": "view", "vendor": "vendor", "side": "finding side", "sex": "sex"}
DETECTOR = "registered-correlation"
AMONG = "their 15 nearest training images"
# What a place run knows of a sample in the map's own space; a run's own answer is of the default space.
OF_PLACING = ("feature distance", "placed", "placed row", "placed by")
BLANK: dict[str, Any] = {
    "key": "", "side": "", "image_id": "", "label": "", "x": 0.0, "y": 0.0, "off_map": False, "torn": False,
    "kept": np.nan, "run": "", "artifact": "", "generator": "", "prompt": "", "seed": -1, "guidance": np.nan,
    "steps": np.nan, "verdict": "", "feature distance": np.nan, "registered distance": np.nan,
    "placed": "", "placed row": -1, "placed by": "",
    **dict.fromkeys(EXTRA.values(), ""),
}  # fmt: skip


@st.cache_data(max_entries=8, show_spinner=False)
def reference_points(
    coordinates: str, rows: str, neighbours: str | None, dataset: str, digest: str
) -> pd.DataFrame:
    """Training and held-out points of a map, by the digests of its artifacts and of its dataset."""
    table = pd.read_parquet(io.BytesIO(read_artifact(rows)))
    places = np.asarray(read_array(artifact_path(coordinates)))[: len(table)]
    chosen = (table["layer"].isin(SIDES[:2])).to_numpy()
    told = table[chosen].reset_index(drop=True)
    found = pd.DataFrame({name: np.repeat([value], len(told)) for name, value in BLANK.items()})
    for name in ("image_id", "label"):
        found[name] = told[name].astype(str)
    found["key"], found["side"] = found["image_id"], told["layer"].astype(str)
    found["x"], found["y"] = places[chosen, 0].astype(float), places[chosen, 1].astype(float)
    found["off_map"], found["kept"] = told["off_map"].astype(bool), told["kept"].astype(float)
    if "torn" in told:
        found["torn"] = told["torn"].astype(bool)
    if neighbours is not None:
        found["feature distance"] = true_neighbours(neighbours)[1][: len(told), 0].astype(float)
    whole = with_shown_patients(open_dataset(dataset)).set_index("image_id").reindex(found["image_id"])
    for column, name in EXTRA.items():
        if column in whole:
            found[name] = whole[column].fillna("").astype(str).to_numpy()
    return found


@st.cache_data(max_entries=4, show_spinner=False)
def true_neighbours(digest: str) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Nearest training images in feature space of every training and held-out image: rows (n, k), distances."""
    with np.load(io.BytesIO(read_artifact(digest)), allow_pickle=False) as stored:
        return stored["rows"], stored["distances"]


@st.cache_data(max_entries=64, show_spinner=False)
def placed_points(digest: str) -> dict[str, NDArray[Any]]:
    """What a place run stored: image_id, points, off_map, torn, rows, distances, centroid."""
    with np.load(io.BytesIO(read_artifact(digest)), allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def runs_of(dataset: str) -> list[Run]:
    """Generation runs whose samples can be placed on a map of the dataset, newest first."""
    return [run for run in generation_runs() if run.spec.settings["dataset"] == dataset and run.result]


def answered_here(run: Run, fitted: Run) -> bool:
    """Whether the run itself gave its samples a place on this very map."""
    layer = str((fitted.result or {}).get("reference", ""))
    samples = (run.result or {}).get("samples", [])
    return run.spec.inputs.get("map") == layer and any(sample.get("map") for sample in samples)


def sample_points(run: Run, fitted: Run, placed: Run | None) -> list[dict[str, Any]]:
    """The samples of a run that have a place on this map: by a place run, else by the run itself."""
    samples, chosen = (run.result or {}).get("samples", []), run.spec.settings
    spots = _spots(placed) if placed is not None else {}
    own = answered_here(run, fitted)
    found = []
    for sample in samples:
        spot = spots.get(sample["image_id"]) or (sample.get("map") if own else None)
        if not spot:
            continue
        verdict = sample.get("verdict") or {}
        registered = {item["name"]: item["distance"] for item in verdict.get("detectors", [])}
        near = sample.get("neighbours") or [{}]
        found.append(
            BLANK
            | {
                "key": f"{run.id}/{sample['image_id']}", "side": "sample", "image_id": sample["image_id"],
                "label": (sample.get("alignment") or {}).get("asked") or "", "run": run.id,
                "x": float(spot["x"]), "y": float(spot["y"]), "off_map": bool(spot["off_map"]),
                "torn": bool(spot.get("torn", False)), "artifact": sample["artifact"],
                "generator": chosen["generator"], "prompt": chosen["prompt"], "seed": int(sample["seed"]),
                "guidance": float(chosen["guidance"]), "steps": float(chosen["steps"]),
                "verdict": str(verdict.get("label", "")),
                "feature distance": float(near[0].get("distance", np.nan)),
                "registered distance": float(registered.get(DETECTOR, np.nan)),
                "placed by": AMONG,
            }
            | {name: spot[name] for name in OF_PLACING if name in spot}
        )  # fmt: skip
    return found


def _spots(placed: Run) -> dict[str, dict[str, Any]]:
    result = placed.result or {}
    digest, by = str(result["placed"]), str(result.get("placed_by", AMONG))
    stored = placed_points(digest)
    keys = zip(stored["image_id"], stored["points"], stored["off_map"], stored["torn"], strict=True)
    return {
        str(name): {
            "x": float(at[0]), "y": float(at[1]), "off_map": bool(far), "torn": bool(torn),
            "feature distance": float(stored["distances"][row, 0]), "placed": digest, "placed row": row,
            "placed by": by,
        }
        for row, (name, at, far, torn) in enumerate(keys)
    }  # fmt: skip


def points(fitted: Run, chosen: Iterable[Run], placed: Mapping[str, Run] | None = None) -> pd.DataFrame:
    """All points of the map and of the chosen runs; the index is the row number, training images come first.

    Args:
        placed: finished place runs by the id of the generation run.
    """
    result = fitted.result or {}
    dataset = str(fitted.spec.settings["dataset"])
    digest = str(fitted.spec.inputs["dataset"])
    reference = reference_points(
        result["coordinates"], result["rows"], result.get("neighbours"), dataset, digest
    )
    rows = [row for run in chosen for row in sample_points(run, fitted, (placed or {}).get(run.id))]
    if not rows:
        return reference
    return pd.concat([reference, pd.DataFrame(rows)], ignore_index=True)


def neighbours_of(
    table: pd.DataFrame, row: int, fitted: Run, runs: Iterable[Run], k: int = 5
) -> pd.DataFrame:
    """The nearest training images of a point in feature space: columns row, image_id, distance; nearest first."""
    point, digest = table.iloc[row], (fitted.result or {}).get("neighbours")
    if point["side"] != "sample":
        if digest is None:
            return pd.DataFrame({"row": [], "image_id": [], "distance": []})
        near, far = true_neighbours(digest)
        return _near(table, near[row, :k], far[row, :k])
    if point["placed"]:
        stored, at = placed_points(str(point["placed"])), int(point["placed row"])
        return _near(table, stored["rows"][at, :k], stored["distances"][at, :k])
    run = next((run for run in runs if run.id == point["run"]), None)
    samples = (run.result or {}).get("samples", []) if run is not None else []
    own: dict[str, Any] = next((sample for sample in samples if sample["image_id"] == point["image_id"]), {})
    told = pd.DataFrame(own.get("neighbours") or [], columns=["image_id", "distance"]).head(k)
    told["row"] = pd.Index(table["key"]).get_indexer(pd.Index(told["image_id"], dtype=object))
    return told[told["row"] >= 0]


def _near(table: pd.DataFrame, rows: NDArray[Any], distances: NDArray[Any]) -> pd.DataFrame:
    return pd.DataFrame(
        {"row": rows, "image_id": table["image_id"].iloc[rows].to_numpy(), "distance": distances}
    )


def sweeps(table: pd.DataFrame) -> list[tuple[str, list[int]]]:
    """Trajectories: samples of one generator, prompt and seed that differ in one setting alone, in its order."""
    samples = table[table["side"] == "sample"]
    found: list[tuple[str, list[int]]] = []
    for varied, fixed in (("guidance", "steps"), ("steps", "guidance")):
        for names, group in samples.groupby(["generator", "prompt", "seed", fixed], sort=False):
            ordered = group.drop_duplicates(varied).sort_values(varied)
            if len(ordered) > 1:
                low, high = ordered[varied].iloc[0], ordered[varied].iloc[-1]
                found.append((f"seed {names[2]}: {varied} {low:g} to {high:g}", ordered.index.tolist()))
    return found
