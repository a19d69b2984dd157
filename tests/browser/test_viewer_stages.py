"""The viewer in a real browser: layouts by key, two fingers, the legend of masks, credits, and a script that fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.test_viewer import INSIDE, SHRINK, facts, frame, grey, middle, shown
from tests.builders import viewer_wall as wall

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def address(module_serve, tmp_path_factory) -> str:
    """A server with the wall of four films."""
    script = tmp_path_factory.mktemp("stages") / "wall.py"
    script.write_text(wall.SCRIPT.format(root=str(ROOT), here=str(ROOT / "tests" / "builders")), "utf-8")
    return module_serve(script)


@pytest.fixture
def tab(browser, address: str) -> Iterator:
    """A page of a device with a touch screen and a keyboard; films are 192 px wide."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, has_touch=True)
    page, errors = context.new_page(), []
    page.set_default_timeout(20_000)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    for number in range(4):
        page.locator(f'.viewer .frame[data-index="{number}"][data-ready=true]').wait_for()
    page.evaluate(SHRINK)
    page.wait_for_timeout(250)
    yield page
    assert errors == []
    context.close()


# ---------------------------------------------------------------- layouts
def test_comma_and_full_stop_step_through_the_layouts(tab):
    grid = tab.locator(".viewer .grid").first
    choice = tab.get_by_label("Layout", exact=True)

    def hung() -> tuple[str, int]:
        return grid.get_attribute("data-layout"), grid.evaluate(
            "grid => getComputedStyle(grid).gridTemplateColumns.split(' ').length"
        )

    frame(tab, 1).focus()
    tab.keyboard.press("i")
    assert hung() == ("two-by-two", 2)
    tab.keyboard.press(".")
    assert hung() == ("first-large", 3) and choice.input_value() == "1"  # the page is narrow: three in a row
    large, small = (frame(tab, number).bounding_box()["width"] for number in (0, 1))
    assert large > 1.9 * small
    tab.keyboard.press(".")  # the last stays
    assert hung() == ("first-large", 3)
    tab.keyboard.press(",")
    tab.keyboard.press(",")
    assert hung() == ("two-by-two", 2) and choice.input_value() == "0"
    assert facts(tab, 0)["invert"] == "true"  # the films keep their views
    choice.select_option("First one large")
    assert hung()[0] == "first-large"
    tab.keyboard.press("?")
    assert ", ." in " ".join(tab.locator(".viewer .help").first.inner_text().split())


def test_a_layout_of_fewer_films_takes_the_keys_along(browser, module_serve, tmp_path):
    script = tmp_path / "seven.py"
    script.write_text(SEVEN.format(root=str(ROOT)), "utf-8")
    page = browser.new_page(viewport={"width": 1600, "height": 900})
    page.goto(module_serve(script))
    page.locator('.frame[data-index="6"][data-ready=true]').wait_for()
    page.locator('.frame[data-index="5"]').focus()
    page.keyboard.press(".")
    expect(page.locator(".frame:visible")).to_have_count(2)
    focused = (
        "() => [...document.querySelectorAll('*')].map(one => one.shadowRoot && one.shadowRoot.activeElement)"
    )
    assert page.evaluate(f"({focused})().filter(Boolean).map(one => one.dataset.index)") == ["0"]
    for _ in range(3):
        page.keyboard.press("ArrowRight")  # films that are not on screen are passed over
    assert page.evaluate(f"({focused})().filter(Boolean).map(one => one.dataset.index)") == ["1"]
    page.get_by_text("again").click()
    page.get_by_text("run 1").wait_for()
    expect(page.locator(".frame:visible")).to_have_count(2)  # a rerun keeps the layout
    page.close()


SEVEN = """
import sys
sys.path.insert(0, {root!r})
import numpy as np
import streamlit as st
from lab.ui.viewer import Film, viewer
st.set_page_config(layout="wide")
films = [Film(np.full((32, 32), 30 * n, np.uint8), "PHANTOM", f"film {{n}}") for n in range(7)]
viewer(films, key="seven", layout="one-and-five")
run = st.session_state.get("run", 0)
st.button("again", on_click=lambda: st.session_state.update(run=run + 1))
st.write(f"run {{run}}")
"""


# ---------------------------------------------------------------- fingers
def touch(driver, kind: str, *points: tuple[float, float], first: int = 0) -> None:
    fingers = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points, first)]
    driver.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})


def test_two_fingers_zoom_at_their_middle_and_one_sets_the_window(tab):
    driver = tab.context.new_cdp_session(tab)
    x, y = middle(tab, 0)
    touch(driver, "touchStart", (x, y))
    for at in range(1, 9):
        touch(driver, "touchMove", (x + 5 * at, y))
    touch(driver, "touchEnd")
    one = facts(tab, 0)
    assert abs(int(one["width"]) - 295) <= 6 and one["level"] == "128" and one["zoom"] == "1.0000"
    assert facts(tab, 2)["width"] == one["width"]

    px, py = x + 48, y - 24  # the middle of the fingers: 0.75 and 0.375 of the film
    touch(driver, "touchStart", (px - 20, py))
    touch(driver, "touchMove", (px - 26, py))  # a first finger that moves before the second comes
    touch(driver, "touchStart", (px - 20, py), (px + 20, py))
    for at in range(1, 9):
        touch(driver, "touchMove", (px - 20 - 2.5 * at, py), (px + 20 + 2.5 * at, py))
    touch(driver, "touchEnd", (px - 40, py))  # one of them is lifted
    touch(driver, "touchMove", (px + 80, py + 50), first=1)  # the finger that stays does nothing
    touch(driver, "touchEnd")
    two = facts(tab, 0)
    assert float(two["zoom"]) == pytest.approx(2, abs=0.01) and two["width"] == one["width"]
    assert two["level"] == one["level"]
    # The point under the fingers stays: place on screen = (place in the film - middle of the view) * zoom + 0.5.
    assert (0.75 - float(two["x"])) * 2 + 0.5 == pytest.approx(0.75, abs=0.02)
    assert (0.375 - float(two["y"])) * 2 + 0.5 == pytest.approx(0.375, abs=0.02)
    assert facts(tab, 1)["zoom"] == two["zoom"]  # linked

    touch(driver, "touchStart", (x, y), (x + 40, y))
    touch(driver, "touchMove", (x + 48, y), (x + 88, y))  # both to the right: a pan by a quarter, no zoom
    touch(driver, "touchEnd")
    moved = facts(tab, 0)
    assert moved["zoom"] == two["zoom"]
    assert float(moved["x"]) == pytest.approx(float(two["x"]) - 0.125, abs=0.01)
    tab.mouse.move(x, y)
    tab.mouse.down()
    tab.mouse.move(x + 30, y, steps=4)  # and the mouse is as it was
    tab.mouse.up()
    assert int(facts(tab, 0)["width"]) > int(one["width"])


# ---------------------------------------------------------------- masks and credits
def test_the_legend_names_masks_and_switches_each(tab):
    legend = tab.get_by_role("group", name="Masks", exact=True)
    first = legend.get_by_role("button", name="left ventricle")
    second = legend.get_by_role("button", name="Mask label 2")
    assert first.get_attribute("aria-pressed") == second.get_attribute("aria-pressed") == "true"
    colour = "one => getComputedStyle(one.querySelector('.swatch')).backgroundColor"
    assert first.evaluate(colour) == "rgb(64, 201, 227)" and second.evaluate(colour) == "rgb(242, 165, 65)"
    both = shown(tab, 3).astype(int)
    tab.locator(".viewer").first.get_by_label("Mask opacity").fill("0")
    expect(legend).to_be_hidden()
    plain = shown(tab, 3).astype(int)
    assert np.array_equal(plain, grey(wall.windowed(wall.stack()[4], 1750.0, 4000.0)))
    tab.locator(".viewer").first.get_by_label("Mask opacity").fill("0.4")
    first.focus()
    tab.keyboard.press("Space")
    assert first.get_attribute("aria-pressed") == "false" and second.get_attribute("aria-pressed") == "true"
    seen = shown(tab, 3).astype(int)
    assert np.array_equal((seen != plain).any(axis=2), wall.mask() == 2)
    assert np.array_equal(seen[wall.mask() == 2], both[wall.mask() == 2])
    tab.keyboard.press("Tab")
    assert second.evaluate("one => one === one.getRootNode().activeElement")
    first.press("Enter")
    assert np.array_equal(shown(tab, 3), both)
    x, y = middle(tab, 3)
    tab.mouse.move(x - 60, y - 60)
    expect(frame(tab, 3).locator(".value")).to_contain_text("left ventricle", use_inner_text=True)


@pytest.mark.fault(64)
def test_a_blinded_viewer_names_no_mask_and_nobody(tab):
    expect(tab.locator(".viewer .credit").first).to_have_text(f"Films: {wall.CREDIT}", use_inner_text=True)
    tab.get_by_text("blind").first.click()
    blind = tab.locator(".viewer").nth(1)
    blind.locator(".frame[data-ready=true]").nth(1).wait_for()
    assert blind.get_by_role("group", name="Masks", exact=True).inner_text().split("\n") == [
        "Mask label 1",
        "Mask label 2",
    ]
    expect(blind.locator(".credit")).to_have_text("", use_inner_text=True)
    assert not any(word in tab.evaluate(INSIDE) for word in wall.WORDS)


# ---------------------------------------------------------------- the script
@pytest.mark.fault(59)
def test_a_script_that_is_lost_on_the_way_is_told_and_asked_for_again(browser, address):
    page = browser.new_page()
    page.set_default_timeout(20_000)
    asked: list[str] = []

    def lose(route) -> None:
        asked.append(route.request.url)
        route.abort()

    page.route("**/media/*.js*", lose)
    page.goto(address)
    page.locator(".viewer .problem", has_text="script did not arrive").wait_for()
    assert len(asked) == 3
    page.get_by_label("Other").fill("still here")  # the page is usable
    page.unroute("**/media/*.js*")
    page.keyboard.press("Enter")
    page.get_by_text("swap").first.click()
    page.locator(".viewer .frame[data-ready=true]").nth(3).wait_for()  # the next change asks anew
    page.close()
    once = browser.new_page()
    once.set_default_timeout(20_000)
    once.route("**/media/*.js", lambda route: route.abort(), times=1)
    once.goto(address)
    once.locator(".viewer .frame[data-ready=true]").nth(3).wait_for()  # by itself, at the second try
    once.close()
