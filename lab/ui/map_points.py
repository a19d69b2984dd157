"""Every point of the map with its row number: the number is all that travels to the browser and back."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from lab.atomic import read_array
from lab.charts.map import Layer
from lab.runs.artifacts import artifact_path, read_artifact
from lab.runs.records import Run
from lab.ui.sets import generation_runs

COLUMNS = ["side", "image_id", "label", "x", "y", "off_map", "run", "artifact", "seed", "kept"]
SIDES = ("train", "held-out", "sample")


@st.cache_data(max_entries=8, show_spinner=False)
def reference_points(coordinates: str, rows: str) -> pd.DataFrame:
    """Training and held-out points of a map, by the digests of its two artifacts."""
    table = pd.read_parquet(io.BytesIO(read_artifact(rows)))
    places = np.asarray(read_array(artifact_path(coordinates)))[: len(table)]
    found = pd.DataFrame(
        {
            "side": table["layer"].astype(str),
            "image_id": table["image_id"].astype(str),
            "label": table["label"].astype(str),
            "x": places[:, 0].astype(float),
            "y": places[:, 1].astype(float),
            "off_map": table["off_map"].astype(bool),
            "run": "",
            "artifact": "",
            "seed": -1,
            "kept": table["kept"].astype(float),
        }
    )
    return found[found["side"].isin(("train", "held-out"))].reset_index(drop=True)


def runs_on(fitted: Run) -> list[Run]:
    """Generation runs whose samples were placed on this very map, newest first."""
    layer = str((fitted.result or {}).get("reference", ""))
    return [run for run in generation_runs() if run.spec.inputs.get("map") == layer and placed(run)]


def placed(run: Run) -> list[dict[str, Any]]:
    """The samples of a run that have a place on a map."""
    return [sample for sample in (run.result or {}).get("samples", []) if sample.get("map")]


def points(fitted: Run, chosen: Iterable[Run]) -> pd.DataFrame:
    """All points of the map and of the chosen runs; the index is the row number."""
    result = fitted.result or {}
    reference = reference_points(result["coordinates"], result["rows"])
    rows = [
        {
            "side": "sample",
            "image_id": sample["image_id"],
            "label": (sample.get("alignment") or {}).get("asked") or "sample",
            "x": float(sample["map"]["x"]),
            "y": float(sample["map"]["y"]),
            "off_map": bool(sample["map"]["off_map"]),
            "run": run.id,
            "artifact": sample["artifact"],
            "seed": int(sample["seed"]),
            "kept": float("nan"),
        }
        for run in chosen
        for sample in placed(run)
    ]
    if not rows:
        return reference
    return pd.concat([reference, pd.DataFrame(rows, columns=COLUMNS)], ignore_index=True)


def layers(table: pd.DataFrame, sides: Sequence[str], labels: Sequence[str] = ()) -> list[Layer]:
    """What the chart draws of the table; row numbers stay those of the whole table whatever is filtered."""
    shown = table[table["side"].isin(sides)]
    if labels:
        shown = shown[shown["label"].isin(labels) | (shown["side"] == "sample")]
    drawn = []
    for side in SIDES:
        part = shown[shown["side"] == side]
        if len(part):
            drawn.append(
                Layer(
                    side=side,  # type: ignore[arg-type]
                    position=part[["x", "y"]].to_numpy(),
                    rows=part.index.to_numpy(),
                    labels=part["label"].tolist(),
                    off_map=part["off_map"].to_numpy(dtype=bool),
                    hover=[f"seed {seed}" if seed >= 0 else "" for seed in part["seed"]],
                )
            )
    return drawn


def selected_rows(selection: Any, table: pd.DataFrame) -> list[int]:
    """The row numbers of a chart's selection, in order, once each; anything else in it is ignored."""
    found: dict[int, None] = {}
    for point in (selection or {}).get("points", []):
        value = point.get("customdata")
        if isinstance(value, dict):
            value = value.get("0")
        elif isinstance(value, (list, tuple)):
            value = value[0] if value else None
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not float(value).is_integer():
            continue
        if 0 <= int(value) < len(table):
            found[int(value)] = None
    return list(found)
