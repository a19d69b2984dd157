"""The map: a selection always gives exactly its own images, whatever was filtered or coloured before."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from lab.ui.map_points import SIDES, layers, selected_rows


def table(count: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    side = rng.choice(["train", "held-out", "sample"], count)
    return pd.DataFrame(
        {
            "side": side, "image_id": [f"{n:016x}" for n in rng.permutation(count)],
            "label": rng.choice(["a", "b", "c"], count), "x": rng.normal(size=count), "y": rng.normal(size=count),
            "off_map": rng.random(count) < 0.2, "run": "", "artifact": "", "seed": -1, "kept": 0.5,
        }
    )  # fmt: skip


def drawn(points: pd.DataFrame, sides, labels, colour) -> list[dict]:
    """What the browser holds after drawing: for each visible mark its place and its custom data."""
    from lab.charts.map import map_figure

    figure = map_figure(layers(points, sides, labels), colour)
    found = []
    for trace in figure.data:
        if trace.customdata is None:
            continue
        for x, y, data in zip(trace.x, trace.y, trace.customdata, strict=True):
            found.append({"x": float(x), "y": float(y), "customdata": [int(data[0])]})
    return found


@pytest.mark.fault(40)
@settings(max_examples=40, deadline=None)
@given(
    seed=some.integers(0, 2**16),
    steps=some.lists(
        some.tuples(
            some.sets(some.sampled_from(SIDES), min_size=1),
            some.lists(some.sampled_from(["a", "b"]), max_size=2),
            some.sampled_from(["side", "label"]),
            some.tuples(some.floats(-1, 1), some.floats(-1, 1)),
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_a_lasso_gives_exactly_the_images_inside_it(seed, steps):
    points = table(60, seed)
    for sides, labels, colour, corner in steps:
        marks = drawn(points, sides, labels, colour)
        inside = [mark for mark in marks if mark["x"] > corner[0] and mark["y"] > corner[1]]
        rows = selected_rows({"points": inside}, points)
        shown = points[points["side"].isin(sides)]
        if labels:
            shown = shown[shown["label"].isin(labels) | (shown["side"] == "sample")]
        expected = shown[(shown["x"] > corner[0]) & (shown["y"] > corner[1])]
        assert sorted(points.loc[rows, "image_id"]) == sorted(expected["image_id"])


@pytest.mark.fault(30)
def test_a_selection_sent_by_hand_is_ignored():
    points = table(10, 0)
    sent = [
        {"customdata": [99]},
        {"customdata": ["../x"]},
        {"customdata": [-1]},
        {},
        {"customdata": [1.5]},
        {"customdata": [True]},
    ]
    assert selected_rows({"points": sent}, points) == []
    assert selected_rows(
        {"points": [{"customdata": [3]}, {"customdata": {"0": 4}}, {"customdata": [3]}]}, points
    ) == [3, 4]
    assert selected_rows(None, points) == []


def test_the_page_opens_a_card_and_a_gallery(visit, loaded):
    from streamlit.util import AttributeDictionary

    from lab.ui.map_points import points
    from lab.ui.state import MapKey as Key

    app = visit("feature_space")
    assert not app.exception and not app.error
    size = len(points(loaded["map"], [loaded["samples"]]))
    key = f"{Key.CHART}.{loaded['map'].id}.{size}"
    captions = "\n".join(element.value for element in app.caption)
    assert "Trustworthiness 0.970" in captions
    chosen = {"points": [{"customdata": [size - 1]}], "point_indices": [], "box": [], "lasso": []}
    app.session_state[key] = AttributeDictionary({"selection": chosen})
    app.run()
    assert not app.exception
    assert "**Sample**" in [element.value for element in app.markdown]
    chosen["points"] = [{"customdata": [row]} for row in (0, 5, size - 1, size - 2)]
    app.session_state[key] = AttributeDictionary({"selection": chosen})
    app.run()
    assert any(element.value.startswith("**4 selected:**") for element in app.markdown)
