"""The population in a real Chromium: numbers on the page are recounted from the audit's table, at three thresholds."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from lab.leakage.population import distance_column, film_column
from lab.neighbours.verdict import NEAR_COPY_P, p_values

pytestmark = pytest.mark.timeout(900)
DETECTOR = "registered-correlation"
Z = 1.959963984540054


def _wilson(hits: int, n: int) -> tuple[float, float]:
    """Wilson's interval as the two roots of (share - x)^2 = z^2 x (1 - x) / n."""
    share = hits / n
    low, high = sorted(np.roots([1 + Z * Z / n, -2 * share - Z * Z / n, share * share]).real)
    return max(0.0, float(low)), min(1.0, float(high))


def _recounted(table, distances, patients, threshold: float) -> list[tuple[int, int]]:
    """Near-copies, exposed patients and false alarms as (hits, n), from the table alone."""
    near = table[table[distance_column(DETECTOR)] <= threshold]
    exposed = {patients[name] for name in near[film_column(DETECTOR)]}
    held = distances[DETECTOR]["held-out"]
    return [
        (len(near), len(table)),
        (len(exposed), len(set(patients.values()))),
        (int((held <= threshold).sum()), len(held)),
    ]


def _compare(page, table, distances, patients) -> float:
    """The threshold on the page; its cards say what a recount says."""
    threshold = float(page.locator(".threshold .handle").get_attribute("aria-valuenow"))
    for card, (hits, n) in zip(
        ("near", "exposed", "held"), _recounted(table, distances, patients, threshold), strict=True
    ):
        shown = page.locator(f".threshold .card.{card}")
        assert re.match(rf"{hits} of {n} ", shown.locator(".of").inner_text()), (card, threshold, hits, n)
        assert float(shown.locator(".main").inner_text().split()[0]) == pytest.approx(
            100 * hits / n, abs=0.051
        )
        told = [float(value) for value in re.findall(r"([\d.]+) %", shown.locator(".rest").inner_text())]
        assert told[1:] == pytest.approx([100 * end for end in _wilson(hits, n)], abs=0.051)
    return threshold


def _within(page, count: int) -> None:
    """The gallery has followed: it says how many lie within, and shows their pairs."""
    page.get_by_text(re.compile(rf"^{count} of 30 samples lie within the threshold")).wait_for()


@pytest.mark.row("CM-15", "C13")
def test_the_counts_follow_a_drag_and_the_gallery_follows_its_end(workspace, tmp_path, page, serve, seen):
    import json
    from types import SimpleNamespace

    from lab.data.store import add_folder, open_dataset
    from tests.builders.audited_set import audited_set
    from tests.pages.conftest import films, finish

    add_folder(films(tmp_path / "films"), "films", licence="CC BY 4.0", title="Small films")
    card = {"id": "small", "title": "Small generator", "modality": "chest radiograph", "folder": "model"}
    card |= {"size": 48, "steps": 8, "guidance": 3.0, "training_dataset": "films", "licence": "Apache-2.0"}
    (workspace / "generators" / "small" / "model").mkdir(parents=True)
    index = json.dumps({"_class_name": "StableDiffusionPipeline"})
    (workspace / "generators" / "small" / "model" / "model_index.json").write_text(index, "utf-8")
    (workspace / "generators" / "small" / "card.json").write_text(json.dumps(card), "utf-8")
    table, distances = audited_set(workspace, "films", SimpleNamespace(finish=finish))
    rows = open_dataset("films").rows("train")
    patients = dict(zip(rows["image_id"], rows["patient_id"], strict=True))

    page.set_default_timeout(240_000)
    page.set_viewport_size({"width": 1280, "height": 1000})
    page.goto(f"{serve(LAB_WORKSPACE=str(workspace), LAB_START_WORKER='0')}/leakage")
    level = page.get_by_role("radio", name="The population")
    level.wait_for()
    if not level.is_checked():
        level.click()
    handle = page.locator(".threshold .handle")
    handle.wait_for()
    first = _compare(page, table, distances, patients)
    reference = distances[DETECTOR]["train"]
    called = 2 * p_values(table[distance_column(DETECTOR)].to_numpy(), np.sort(reference)) <= NEAR_COPY_P
    assert int((table[distance_column(DETECTOR)] <= first).sum()) == int(called.sum()), "it starts calibrated"
    _within(page, int(called.sum()))

    # A real drag: the counts follow before the button is up, the gallery after it.
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 90, y, steps=6)
    assert _compare(page, table, distances, patients) > first
    page.mouse.move(x + 160, y, steps=6)
    second = _compare(page, table, distances, patients)
    page.mouse.up()
    assert second > first
    _within(page, _recounted(table, distances, patients, second)[0][0])

    handle.press("Shift+ArrowLeft")
    handle.press("ArrowLeft")
    third = _compare(page, table, distances, patients)
    assert first < third < second
    text = handle.get_attribute("aria-valuetext")
    assert f"{_recounted(table, distances, patients, third)[0][0]} of 30 samples" in text
    _within(page, _recounted(table, distances, patients, third)[0][0])

    handle.press("Enter")
    assert _compare(page, table, distances, patients) == first
    expect(page.get_by_role("button", name="Back to the calibrated threshold")).to_be_disabled()

    # A finger on the handle.
    touch = page.context.new_cdp_session(page)
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for kind, points in (
        ("touchStart", [{"x": x, "y": y}]),
        ("touchMove", [{"x": x + 30, "y": y}]),
        ("touchMove", [{"x": x + 70, "y": y}]),
        ("touchEnd", []),
    ):
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    page.wait_for_function(
        "([shown, was]) => Number(shown.getAttribute('aria-valuenow')) !== was",
        arg=[handle.element_handle(), first],
    )
    fourth = _compare(page, table, distances, patients)
    assert fourth > first
    _within(page, _recounted(table, distances, patients, fourth)[0][0])
    assert seen.outside == [] and seen.errors == []
