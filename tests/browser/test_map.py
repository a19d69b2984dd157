"""The feature-space map in a real Chromium with software WebGL: what is pointed at is what is opened."""

from __future__ import annotations

import re

import numpy as np
import pytest

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
    assert card.locator(".tag").inner_text() == "REAL"
    assert card.locator("img").get_attribute("src").startswith("data:image/webp")
    page.mouse.click(x, y)
    page.get_by_text("and its nearest training images").wait_for()
    page.locator(".viewer .frame").first.wait_for()
    assert page.locator(".doppel-facts dd").first.inner_text() == table["image_id"].iloc[row]

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
    assert page.get_by_text(re.compile(rf"^{len(inside)} selected:")).count() == 1
    assert page.locator(".doppel-map .colours").inner_text().split() != []
    page.get_by_role("button", name="Clear selection").click()
    page.get_by_text("Rest on a point for its film").wait_for()
    assert seen.outside == [] and seen.errors == []


@pytest.mark.fault(59)
def test_without_its_drawing_library_the_map_says_so_and_the_page_stays(shown, page):
    page.route("**/api/map/plotly-*", lambda route: route.abort())
    page.reload()
    page.get_by_text("The map could not be drawn").wait_for()
    assert page.get_by_text("Trustworthiness").count() >= 1
    assert page.get_by_role("combobox", name="Colour by").is_enabled()
