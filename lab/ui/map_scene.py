"""From the table of points and a person's choices to what is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lab.charts.map import categories, grid_corners, layer_looks, mass_grid
from lab.charts.theme import Side
from lab.provenance import digest_json
from lab.ui.map_component import DENSE, MOST, OFF_MAP, SELECTED, TORN, VISIBLE, Scene
from lab.ui.map_points import SIDES, sweeps
from lab.ui.map_selection import rows_of

NAMES = {"train": "Training images", "held-out": "Held-out images", "sample": "Samples"}
CATEGORIES = ("label", "finding side", "patient", "view", "vendor", "sex", "verdict", "generator")
NUMBERS = ("feature distance", "registered distance", "kept", "guidance")
WORDS = {
    "layer": "Layer", "label": "Label", "finding side": "Side of the finding", "patient": "Patient", "view": "View",
    "vendor": "Vendor", "sex": "Sex", "verdict": "Verdict", "generator": "Generator",
    "feature distance": "Distance to the nearest training image, features",
    "registered distance": "Distance to the nearest training image, registered pixels",
    "kept": "Share of true neighbours kept on the map", "guidance": "Guidance",
}  # fmt: skip


@dataclass(frozen=True)
class Choices:
    """What a person chose to see.

    Args:
        sides: of train, held-out and sample.
        labels: only reference images of these; empty is all.
        verdicts: only samples of these; empty is all.
        colour: a key of `WORDS`.
        layers: "generator" or "run": what makes samples a layer.
        extras: of "contours", "torn", "sweeps".
    """

    sides: tuple[str, ...] = SIDES
    labels: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()
    colour: str = "layer"
    layers: str = "generator"
    extras: tuple[str, ...] = ()


def colourings(table: pd.DataFrame) -> list[str]:
    """What these points can be coloured by: their layer, and columns that tell at least two of them apart."""
    found = ["layer"]
    for name in CATEGORIES:
        if name in table and len(set(table[name].unique()) - {""}) > 1:
            found.append(name)
    for name in NUMBERS:
        if name in table and table[name].nunique() > 1:
            found.append(name)
    return found


def visible_rows(table: pd.DataFrame, chosen: Choices) -> NDArray[np.bool_]:
    """Which points (n,) are drawn: filters hide points and never renumber them."""
    shown = table["side"].isin(chosen.sides)
    if chosen.labels:
        shown &= table["label"].isin(chosen.labels) | (table["side"] == "sample")
    if chosen.verdicts:
        shown &= table["verdict"].isin(chosen.verdicts) | (table["side"] != "sample")
    return cast("NDArray[np.bool_]", shown.to_numpy(dtype=bool))


def view_name(table: pd.DataFrame, visible: NDArray[np.bool_]) -> str:
    """A name for what is visible: equal for equal points, filters and places, whatever their colours."""
    values = pd.util.hash_pandas_object(table[["key", "x", "y"]], index=False).to_numpy()
    return digest_json([int(np.bitwise_xor.reduce(values * np.arange(1, len(values) + 1, dtype=np.uint64))),
                        len(values), np.packbits(visible).tobytes().hex()])[:24]  # fmt: skip


def layer_names(
    table: pd.DataFrame, by: str, words: dict[str, str]
) -> tuple[NDArray[np.uint8], list[str], list[Side]]:
    """The layer of each point (n,), the words of each layer, and its side.

    Args:
        by: "generator" or "run".
        words: titles of generators and runs by id.
    """
    codes = np.zeros(len(table), dtype=np.uint8)
    side = table["side"].to_numpy()
    codes[side == "held-out"] = 1
    names, sides = [NAMES["train"], NAMES["held-out"]], cast("list[Side]", ["train", "held-out"])
    for value in dict.fromkeys(table.loc[table["side"] == "sample", by]):
        codes[(side == "sample") & (table[by] == value).to_numpy()] = min(len(names), 255)
        names.append(words.get(str(value), str(value)))
        sides.append("sample")
    return codes, names, sides


def scene(
    table: pd.DataFrame,
    chosen: Choices,
    selected: Sequence[str],
    words: dict[str, str],
    links: Sequence[int] = (),
    focus: int | None = None,
    token: str = "",
    square: bool = False,
) -> Scene:
    """What the component draws.

    Args:
        selected: keys of the selected points.
        words: titles of generators and runs by id.
        links: rows of the true neighbours of `focus`.
        token: the name under which the films of these rows are known.
        square: whether both axes have one scale.
    """
    visible = visible_rows(table, chosen)
    layer, names, sides = layer_names(table, chosen.layers, words)
    looks = layer_looks(sides, names)
    flags = np.where(visible, VISIBLE, 0).astype(np.uint8)
    flags[table["off_map"].to_numpy(bool)] |= OFF_MAP
    flags[table["torn"].to_numpy(bool)] |= TORN
    flags[rows_of(selected, table)] |= SELECTED
    points = table[["x", "y"]].to_numpy(np.float32)
    low, high = grid_corners(points)
    crowd, dense = visible & (table["side"] != "sample").to_numpy(), None
    if crowd.sum() > MOST:
        flags[crowd] |= DENSE
        dense = 1.0 - mass_grid(points[crowd], low, high, 160)
    grids = []
    if "contours" in chosen.extras:
        for at, look in enumerate(looks):
            own = visible & (layer == at)
            if own.sum() >= 5:
                grids.append((look.name, look.colour, mass_grid(points[own], low, high)))
    return Scene(
        points[:, 0], points[:, 1], layer, flags, looks, grids=grids, dense=dense, links=links, focus=focus,
        trajectories=_joined(table, visible) if "sweeps" in chosen.extras else (), torn="torn" in chosen.extras,
        film_token=token,
        square=square, title=WORDS.get(chosen.colour, ""), **_colours(table, chosen.colour, selected),
    )  # fmt: skip


def _colours(table: pd.DataFrame, colour: str, selected: Sequence[str]) -> dict[str, Any]:
    if colour in NUMBERS:
        return {"values": table[colour].to_numpy(np.float32)}
    if colour not in CATEGORIES:
        return {}
    values = table[colour].astype(str)
    first = () if colour != "patient" else tuple(dict.fromkeys(values.iloc[rows_of(selected, table)]))[:7]
    found = categories(values.tolist(), first)
    return {"codes": found.codes, "names": found.names, "colours": found.colours}


def _joined(table: pd.DataFrame, visible: NDArray[np.bool_]) -> list[tuple[str, list[int]]]:
    kept = [(words, [row for row in rows if visible[row]]) for words, rows in sweeps(table)]
    return [(words, rows) for words, rows in kept if len(rows) > 1]
