"""The feature-space map in a real Chromium with software WebGL: what is pointed at is what is opened."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import press

pytestmark = pytest.mark.timeout(600)

# Where a row is on the screen; the components' arrays are read back from the drawn traces.
PLACE = """
([x, y]) => {
  const plot = document.querySelector('.doppel-map .plot')
  const room = plot.getBoundingClientRect(), { xaxis, yaxis } = plot._fullLayout
  return [room.left + xaxis._offset + xaxis.d2p(x), room.top + yaxis._offset + yaxis.d2p(y)]
}
"""
RANGE = "() => document.querySelector('.doppel-map .plot')._fullLayout.xaxis.range.map(Number)"


# Many points: their arrays are known here and on the page, and the page says which rows it took.
COUNT = 12_000
LAUNCHER = """
import sys
sys.path.insert(0, {root!r})
import streamlit as st
from lab.ui import web
app = st.App({script!r}, routes=web.routes())
"""
CROWD = """
import sys
sys.path.insert(0, {root!r})
import numpy as np
import streamlit as st
from lab.charts.map import layer_looks
from lab.ui.map_component import OFF_MAP, SELECTED, VISIBLE, Scene, draw, packet
from lab.ui.map_routes import plotly_path
from lab.ui.map_selection import picked_rows
from tests.browser.test_map import cloud

st.set_page_config(layout="wide")
table, layer = cloud()
visible = np.ones(len(table), bool)
event = (st.session_state.get("map") or {{}}).get("event")
st.session_state["held"] = event or st.session_state.get("held")
rows = picked_rows(st.session_state["held"], table, visible)
flags = np.full(len(table), VISIBLE, np.uint8)
flags[::500] |= OFF_MAP
if rows is not None:
    flags[rows] |= SELECTED
looks = layer_looks(["train", "held-out", "sample"], ["Training images", "Held-out images", "Samples"])
scene = Scene(table["x"].to_numpy(np.float32), table["y"].to_numpy(np.float32), layer, flags, looks)
draw(packet(scene, plotly_path(), "v", "f"), "map", lambda: None)
kind = (st.session_state["held"] or {{}}).get("kind")
st.text(f"{{kind}} took {{0 if rows is None else len(rows)}} sum {{0 if rows is None else int(rows.sum())}}.")
"""


def cloud():
    """Coordinates and layers of the points on the page: a few samples among many references."""
    import pandas as pd

    rng = np.random.default_rng(5)
    table = pd.DataFrame(rng.uniform(0, 10, (COUNT, 2)).astype(np.float32), columns=["x", "y"])
    layer = (np.arange(COUNT) % 3 == 0).astype(np.uint8)
    layer[-20:] = 2
    return table, layer


@pytest.fixture
def crowded(tmp_path, page, serve):
    """A page with a map of many points; gives their coordinates."""
    from tests.browser.conftest import ROOT

    script, app = tmp_path / "crowd.py", tmp_path / "serve.py"
    script.write_text(CROWD.format(root=str(ROOT)), "utf-8")
    app.write_text(LAUNCHER.format(root=str(ROOT), script=str(script)), "utf-8")
    page.set_viewport_size({"width": 1280, "height": 1000})
    page.set_default_timeout(120_000)
    page.goto(serve(app))
    page.wait_for_selector(".doppel-map[data-view]")
    page.wait_for_timeout(1000)
    return cloud()[0]


PIXELS = """
() => {
  const canvas = document.querySelector('.doppel-map .crowd'), pad = canvas.getContext('2d')
  const data = pad.getImageData(0, 0, canvas.width, canvas.height).data
  let sum = 0
  for (let i = 0; i < data.length; i += 4) sum = (sum * 31 + data[i] + 7 * data[i + 1] + 13 * data[i + 2]) % 2147483647
  return sum
}
"""
LIT = """
([x, y]) => {
  const canvas = document.querySelector('.doppel-map .crowd'), room = canvas.getBoundingClientRect()
  const at = (v, low, size, all) => Math.round((v - low) / size * all)
  const place = [at(x, room.left, room.width, canvas.width), at(y, room.top, room.height, canvas.height)]
  const data = canvas.getContext('2d').getImageData(...place, 1, 1).data
  return [...data.slice(0, 3)]
}
"""


@pytest.fixture
def shown(workspace, tmp_path, page, serve):
    """The page over a small workspace where everything was done once; gives the table of its points."""
    from lab.data.store import add_folder, open_dataset
    from lab.runs import requests
    from lab.ui.map_points import points
    from tests.pages.conftest import films, finish, generation_result, generation_spec, map_result

    add_folder(films(tmp_path / "films"), "films", licence="CC BY 4.0", title="Small films")
    rows = open_dataset("films").rows()
    finish(requests.embed_run("films"), {})
    finish(requests.calibrate_run("films"), {})
    fitted = finish(requests.map_run("films"), map_result(rows))
    made = finish(generation_spec("films"), generation_result(rows))
    page.set_viewport_size({"width": 1280, "height": 1000})
    page.set_default_timeout(120_000)
    page.goto(f"{serve(LAB_WORKSPACE=str(workspace), LAB_START_WORKER='0')}/feature_space")
    page.wait_for_selector(".doppel-map[data-view]")
    page.wait_for_timeout(1500)
    return points(fitted, [made])


def spot(page, table, row: int) -> list[float]:
    return page.evaluate(PLACE, [float(table["x"].iloc[row]), float(table["y"].iloc[row])])


def lasso(page, low: list[float], high: list[float]) -> None:
    """Draw a rectangle with the lasso between two places on the screen."""
    page.mouse.move(low[0], low[1])
    page.mouse.down()
    for x, y in ((high[0], low[1]), (high[0], high[1]), (low[0], high[1]), (low[0], low[1])):
        page.mouse.move(x, y, steps=6)
    page.mouse.up()


@pytest.mark.row("C14", "SG-11")
@pytest.mark.fault(40)
def test_a_point_opens_its_own_film_and_a_lasso_its_own_gallery(shown, page, seen):
    table = shown
    size = len(table)
    assert int(page.locator(".doppel-map").get_attribute("data-points")) == size
    row = 8
    x, y = spot(page, table, row)
    page.mouse.move(x - 40, y - 25)
    page.mouse.move(x, y, steps=5)
    card = page.locator(".doppel-map .card")
    card.wait_for(state="visible")
    expect(card.locator(".tag")).to_have_text("REAL", use_inner_text=True)
    assert card.locator("img").get_attribute("src").startswith("data:image/webp")
    page.mouse.click(x, y)
    page.get_by_text("and its nearest training images").wait_for()
    page.locator(".viewer .frame").first.wait_for()
    expect(page.locator(".doppel-facts dd").first).to_have_text(
        table["image_id"].iloc[row], use_inner_text=True
    )

    before = page.evaluate(RANGE)
    page.evaluate("document.querySelector('.doppel-map').scrollIntoView({block: 'start'})")
    page.wait_for_timeout(500)
    low = page.evaluate(PLACE, [-0.15, 3.6])
    high = page.evaluate(PLACE, [2.5, 1.6])
    lasso(page, low, high)
    inside = table[(table["x"] < 2.5) & (table["y"] > 1.6) & (table["y"] < 3.6)]
    page.get_by_text(re.compile(rf"^{len(inside)} selected:")).first.wait_for()
    captions = page.locator(".viewer .caption")
    captions.nth(len(inside) - 1).wait_for()
    told = captions.all_inner_texts()
    found = {word for text in told for word in re.findall(r"[0-9a-f]{16}", text)}
    assert found == set(inside["image_id"]) and len(told) == len(inside)

    # Zoom and selection stay when the colours change; a second lasso with Shift adds on a filtered map.
    page.mouse.move(*high)
    page.mouse.wheel(0, -240)
    page.wait_for_timeout(800)
    zoomed = page.evaluate(RANGE)
    assert zoomed[1] - zoomed[0] < before[1] - before[0]
    old = page.locator(".doppel-map").get_attribute("data-digest")
    # The list closes when the page scrolls under it, so scroll first.
    page.get_by_role("combobox", name="Colour by").scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    page.get_by_role("combobox", name="Colour by").click()
    page.get_by_role("option", name="Label", exact=True).click()
    page.wait_for_function("old => document.querySelector('.doppel-map').dataset.digest !== old", arg=old)
    np.testing.assert_allclose(page.evaluate(RANGE), zoomed, rtol=1e-6)
    expect(page.get_by_text(re.compile(rf"^{len(inside)} selected:"))).to_have_count(1)
    assert page.locator(".doppel-map .colours").inner_text().split() != []
    press(page, "Clear selection")
    page.get_by_text("Rest on a point for its film").wait_for()
    assert seen.outside == [] and seen.errors == []


@pytest.mark.fault(59)
def test_without_its_drawing_library_the_map_says_so_and_the_page_stays(shown, page):
    page.route("**/api/map/plotly-*", lambda route: route.abort())
    page.reload()
    page.get_by_text("The map could not be drawn").wait_for()
    expect(page.get_by_text("Trustworthiness").first).to_be_visible()
    expect(page.get_by_role("combobox", name="Colour by")).to_be_enabled()


def taken(kind: str, rows) -> str:
    return f"{kind} took {len(rows)} sum {int(np.sum(rows))}."


@pytest.mark.row("C14")
@pytest.mark.fault(40)
def test_among_many_points_a_click_a_lasso_and_a_pan_find_and_draw_the_right_ones(crowded, page, seen):
    table = crowded
    plot = page.locator(".doppel-map")
    assert int(plot.get_attribute("data-points")) == COUNT
    assert page.evaluate("() => document.querySelector('.doppel-map .plot')._fullData.length") == 2
    # A point far from all others is alone under the pointer, and its pixel is not the panel's.
    points = table[["x", "y"]].to_numpy()
    middle = np.flatnonzero((np.abs(points - 5) < 3).all(axis=1))[:800]
    near = np.linalg.norm(points[middle, None] - points[None], axis=2)
    row = int(middle[np.argmax(np.partition(near, 1, axis=1)[:, 1])])
    x, y = spot(page, table, row)
    assert max(page.evaluate(LIT, [x, y])) > 40
    page.mouse.click(x, y)
    page.get_by_text(taken("click", [row])).wait_for()

    # A lasso that ends where it began is a lasso, not a click.
    low, high = page.evaluate(PLACE, [3.0, 6.0]), page.evaluate(PLACE, [6.0, 3.0])
    lasso(page, low, high)
    inside = np.flatnonzero((points[:, 0] > 3) & (points[:, 0] < 6) & (points[:, 1] > 3) & (points[:, 1] < 6))
    page.get_by_text("lasso took").wait_for()
    told = re.search(r"took (\d+)", page.get_by_text("lasso took").inner_text())
    assert abs(int(told[1]) - len(inside)) <= 0.01 * len(
        inside
    )  # the corners of a drawn lasso lie on whole pixels

    before = page.evaluate(PIXELS)
    press(page, "Pan")
    page.mouse.move(*low)
    page.mouse.down()
    page.mouse.move(low[0] + 80, low[1] + 40, steps=5)
    page.wait_for_timeout(400)
    during = page.evaluate(PIXELS)
    page.mouse.up()
    page.wait_for_timeout(600)
    assert during != before and page.evaluate(PIXELS) != before
    x, y = spot(page, table, row)
    assert max(page.evaluate(LIT, [x, y])) > 40
    page.mouse.click(x, y)
    page.get_by_text(taken("click", [row])).wait_for()
    assert seen.outside == [] and seen.errors == []


def test_below_a_base_path_the_library_and_the_films_come_from_below_it(
    workspace, tmp_path, page, serve, seen
):
    from lab.data.store import add_folder, open_dataset
    from lab.runs import requests
    from lab.ui.map_points import points
    from tests.pages.conftest import films, finish, map_result

    add_folder(films(tmp_path / "films"), "films", licence="CC BY 4.0", title="Small films")
    finish(requests.embed_run("films"), {})
    finish(requests.calibrate_run("films"), {})
    fitted = finish(requests.map_run("films"), map_result(open_dataset("films").rows()))
    asked = []
    page.on(
        "response",
        lambda answer: asked.append((answer.status, answer.url)) if "/api/map/" in answer.url else None,
    )
    page.set_viewport_size({"width": 1280, "height": 1000})
    page.set_default_timeout(120_000)
    environ = {
        "LAB_WORKSPACE": str(workspace),
        "LAB_START_WORKER": "0",
        "STREAMLIT_SERVER_BASE_URL_PATH": "lab",
    }
    page.goto(f"{serve(**environ)}/feature_space")
    page.wait_for_selector(".doppel-map[data-view]")
    page.wait_for_timeout(1500)
    x, y = spot(page, points(fitted, []), 8)
    page.mouse.move(x - 40, y - 25)
    page.mouse.move(x, y, steps=5)
    page.locator(".doppel-map .card img").wait_for(state="visible")
    assert len(asked) == 2 and all(status == 200 and "/lab/api/map/" in url for status, url in asked)
    assert seen.outside == [] and seen.errors == []
