"""The viewer in a real browser: exact pixels, hands, keys, comparison, regions, and what hostile input does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.builders import viewer_wall as wall

ROOT = Path(__file__).resolve().parents[2]
ROOTS = "[...document.querySelectorAll('*')].filter(host => host.shadowRoot).map(host => host.shadowRoot)"
SHRINK = f"""() => {{ for (const root of {ROOTS}) for (const one of root.querySelectorAll('.screen'))
  {{ one.style.width = '192px'; one.style.height = '192px' }} }}"""
INSIDE = f"() => {ROOTS}.map(root => root.innerHTML).join()"
BREAK = """() => { window.kept = OffscreenCanvas
  window.OffscreenCanvas = class { constructor() { throw Error('no') } } }"""


@pytest.fixture(scope="module")
def shared(browser, module_serve, tmp_path_factory) -> Iterator[SimpleNamespace]:
    """One server and one page with four films; what went over the wires is written down."""
    script = tmp_path_factory.mktemp("wall") / "wall.py"
    script.write_text(wall.SCRIPT.format(root=str(ROOT), here=str(ROOT / "tests" / "builders")), "utf-8")
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    tab = context.new_page()
    tab.set_default_timeout(20_000)
    seen = SimpleNamespace(tab=tab, errors=[], asked=[], frames=[])
    tab.on("pageerror", lambda error: seen.errors.append(str(error)))
    tab.on("request", lambda request: seen.asked.append(request.url))
    tab.on("websocket", lambda socket: socket.on("framereceived", lambda data: seen.frames.append(data)))
    tab.goto(module_serve(script))
    for number in range(4):
        tab.locator(f'.viewer .frame[data-index="{number}"][data-ready=true]').wait_for()
    tab.evaluate(SHRINK)
    yield seen
    context.close()


@pytest.fixture
def tab(shared):
    """The page, with the first viewer as it was at the start."""
    page = shared.tab
    page.wait_for_timeout(150)
    bar = page.locator(".viewer").first
    for pressed in bar.locator('.group .toggle[aria-pressed="true"]').all():
        if pressed.get_attribute("aria-label") in (
            "Swipe",
            "Blink",
            "Difference",
            "Checkerboard",
            "Magnifier",
            "Play",
        ):
            pressed.click()
    bar.get_by_role("button", name="Window", exact=True).click()
    if bar.get_by_role("button", name="Unlinked").count():
        bar.get_by_role("button", name="Unlinked").click()
    frame(page, 0).focus()
    page.keyboard.press(" ")
    page.wait_for_timeout(250)
    yield page
    assert shared.errors == []


def frame(page, index: int):
    return page.locator(".viewer").first.locator(f'.frame[data-index="{index}"]')


def facts(page, index: int) -> dict[str, str]:
    page.wait_for_timeout(220)  # past the rest that a moving hand is given
    return wall.facts(frame(page, index))


def shown(page, index: int) -> np.ndarray:
    page.wait_for_timeout(220)
    return wall.read(frame(page, index))


def middle(page, index: int) -> tuple[float, float]:
    box = frame(page, index).locator("canvas").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page, index: int, dx: float, dy: float, button: str = "left") -> None:
    x, y = middle(page, index)
    page.mouse.move(x, y)
    page.mouse.down(button=button)
    page.mouse.move(x + dx, y + dy, steps=8)
    page.mouse.up(button=button)


def opacity(page, value: str) -> None:
    page.locator(".viewer").first.get_by_label("Mask opacity").fill(value)


def grey(values: np.ndarray) -> np.ndarray:
    return np.repeat(values[:, :, None], 3, axis=2)


# ---------------------------------------------------------------- pixels
def test_pixels_arrive_exactly_in_grey_and_colour(tab):
    assert facts(tab, 0)["scale"] == "3.0000"
    assert np.array_equal(shown(tab, 0), grey(wall.noise()))
    assert np.array_equal(
        shown(tab, 2), wall.colour()
    )  # a window that is not a number gave way to the full range


def test_sixteen_bits_are_windowed_as_numpy_does_it(tab):
    assert np.array_equal(shown(tab, 1), grey(wall.windowed(wall.deep(), 30000.0, 50000.0)))
    tab.keyboard.press("2")
    tab.keyboard.press("i")
    chosen = wall.windowed(wall.deep(), 30000.0 + 50000.0 * -0.14, 50000.0 * 0.6, invert=True)
    assert np.array_equal(shown(tab, 1), grey(chosen))


def test_turns_and_flips_show_the_same_pixels_elsewhere(tab):
    whole = wall.noise()
    for keys, expected in {
        "r": np.rot90(whole, -1),
        "rr": np.rot90(whole, 2),
        "l": np.rot90(whole),
        "h": whole[:, ::-1],
        "v": whole[::-1],
        "hr": np.rot90(whole[:, ::-1], -1),
        "rv": np.rot90(whole, -1)[::-1],
    }.items():
        for key in [" ", *keys]:
            tab.keyboard.press(key)
        assert np.array_equal(shown(tab, 0), grey(expected)), keys


def test_masks_lie_over_the_film_at_the_opacity_asked_for(tab):
    opacity(tab, "0")
    plain = shown(tab, 3).astype(int)
    opacity(tab, "0.5")
    half = shown(tab, 3).astype(int)
    inked = (half != plain).any(axis=2)
    assert np.array_equal(inked, wall.mask() > 0)
    assert np.abs(half[0, 0] - (plain[0, 0] + np.array([64, 201, 227])) / 2).max() <= 1
    frame(tab, 0).focus()
    tab.keyboard.press("o")
    assert np.array_equal(shown(tab, 3), plain)


# ---------------------------------------------------------------- hands
def test_a_drag_sets_window_and_level_of_all_linked_films(tab):
    drag(tab, 0, 40, -30)
    mine, other = facts(tab, 0), facts(tab, 2)
    assert abs(int(mine["width"]) - 295) <= 6 and abs(int(mine["level"]) - 98) <= 6
    assert other["width"] == mine["width"] and other["level"] == mine["level"]
    expect(frame(tab, 0).locator(".numbers")).to_contain_text(
        f"W {mine['width']}  L {mine['level']}", use_inner_text=True
    )
    tab.mouse.dblclick(*middle(tab, 0))
    assert facts(tab, 0)["width"] == "255"


def test_the_wheel_zooms_at_the_pointer_and_unlinked_films_stay(tab):
    x, y = middle(tab, 0)
    tab.mouse.move(x + 48, y)
    tab.mouse.wheel(0, -400)
    mine, other = facts(tab, 0), facts(tab, 1)
    zoom = float(mine["zoom"])
    assert zoom > 1.5 and mine["zoom"] == other["zoom"] and mine["x"] == other["x"]
    # The film point under the pointer stays there: it was a quarter to the right of the middle.
    assert abs(float(mine["x"]) + 0.25 / zoom - 0.75) < 0.02
    tab.keyboard.press("u")
    tab.mouse.wheel(0, -400)
    assert float(facts(tab, 0)["zoom"]) > zoom and facts(tab, 1)["zoom"] == other["zoom"]


def test_buttons_of_the_mouse_pan_and_zoom(tab):
    drag(tab, 0, 48, 0, "middle")
    assert float(facts(tab, 0)["x"]) == pytest.approx(0.25, abs=0.02) and facts(tab, 0)["width"] == "255"
    drag(tab, 0, 0, -40, "right")
    assert float(facts(tab, 1)["zoom"]) > 1.3
    tab.locator(".viewer").first.get_by_role("button", name="Pan", exact=True).click()
    tab.mouse.dblclick(*middle(tab, 0))
    drag(tab, 0, 0, 48)
    assert float(facts(tab, 0)["y"]) == pytest.approx(0.25, abs=0.02)


def test_the_page_keeps_its_wheel_until_a_film_is_used(tab):
    tab.get_by_label("Other").focus()
    tab.mouse.move(*middle(tab, 0))
    tab.mouse.wheel(0, -300)
    assert facts(tab, 0)["zoom"] == "1.0000"
    expect(frame(tab, 0).locator(".hint")).to_contain_text("Click", use_inner_text=True)


def test_every_key_does_its_work_and_none_reaches_the_page(tab):
    def after(key: str, name: str, index: int = 1) -> str:
        tab.keyboard.press(key)
        return facts(tab, index)[name]

    assert after("i", "invert") == "true" and after("i", "invert") == "false"
    assert after("h", "flip") == "h" and after("v", "flip") == "hv"
    assert after(" ", "flip") == ""
    assert after("r", "turn") == "1" and after("l", "turn") == "0"
    assert after("+", "zoom") == "1.2500" and after("-", "zoom") == "1.0000"
    assert after("0", "scale") == "1.0000" and after("=", "scale") == "3.0000"
    assert [after(key, "width") for key in "1234"] == ["50000", "30000", "25000", "36000"]
    assert after("ArrowDown", "frame", 3) == "5" and after("ArrowUp", "frame", 3) == "4"
    tab.keyboard.press("ArrowRight")
    assert tab.evaluate(f"({FOCUSED})()") == "1"
    tab.keyboard.press("ArrowLeft")
    assert tab.evaluate(f"({FOCUSED})()") == "0"
    assert after("d", "mode", 0) == "difference" and after("k", "mode", 0) == "checker"
    assert (
        after("s", "mode", 0) == "swipe" and after("b", "mode", 0) == "blink" and after("b", "mode", 0) == ""
    )
    tab.keyboard.press("u")
    assert after("i", "invert") == "false" and facts(tab, 0)["invert"] == "true"
    tab.keyboard.press("?")
    expect(tab.locator(".viewer .help").first).to_be_visible()
    tab.keyboard.press("?")
    tab.keyboard.press("f")
    expect(frame(tab, 1)).to_be_hidden()
    assert frame(tab, 0).get_attribute("class").endswith("large")
    tab.keyboard.press("f")
    tab.keyboard.press("c")  # opens Streamlit's dialog about its caches, if it got there
    tab.keyboard.press("Escape")
    tab.wait_for_timeout(200)
    expect(tab.locator("[data-testid=stDialog]")).to_have_count(0)
    assert tab.evaluate(f"({FOCUSED})()") == ""


FOCUSED = """() => { let at = document.activeElement
  while (at && at.shadowRoot && at.shadowRoot.activeElement) at = at.shadowRoot.activeElement
  return (at && at.dataset && at.dataset.index) || '' }"""


def test_frames_follow_wheel_slider_and_clock(tab):
    start = int(facts(tab, 3)["frame"])
    tab.mouse.move(*middle(tab, 3))
    tab.mouse.wheel(0, 50)
    assert int(facts(tab, 3)["frame"]) == start + 1
    frame(tab, 3).focus()
    tab.locator(".viewer").first.get_by_label("Frame", exact=True).fill("2")
    opacity(tab, "0")
    assert np.array_equal(shown(tab, 3), grey(wall.windowed(wall.stack()[2], 1750.0, 4000.0)))
    frame(tab, 3).focus()
    tab.keyboard.press("p")
    frames = {facts(tab, 3)["frame"] for _ in range(4)}
    tab.keyboard.press("p")
    assert len(frames) > 1 and facts(tab, 3)["frame"] == facts(tab, 3)["frame"]


# ---------------------------------------------------------------- comparison
def test_two_films_are_compared_pixel_by_pixel(tab):
    frame(tab, 1).focus()
    first = wall.noise().astype(int)
    second = wall.windowed(wall.deep(), 30000.0, 50000.0).astype(int)
    tab.keyboard.press("d")
    assert np.array_equal(shown(tab, 0), grey(np.minimum(255, 2 * np.abs(first - second))))
    tab.keyboard.press("s")
    half = np.where(np.arange(64)[None] < 32, first, second)
    assert np.array_equal(shown(tab, 0), grey(half))
    words = frame(tab, 0).locator(".versus").inner_text()
    assert "REAL" in words and "SYNTHETIC" in words  # a mixed picture says both
    tab.keyboard.press("k")
    tile = (np.arange(64)[None] // 8 + np.arange(64)[:, None] // 8) % 2
    assert np.array_equal(shown(tab, 0), grey(np.where(tile == 0, first, second)))
    tab.keyboard.press("b")
    pictures = {shown(tab, 0).tobytes() for _ in range(8)}
    assert pictures == {grey(first.astype(np.uint8)).tobytes(), grey(second.astype(np.uint8)).tobytes()}


def test_the_magnifier_is_at_the_same_place_in_all_films_and_values_are_read(tab):
    tab.keyboard.press("m")
    x, y = middle(tab, 0)
    tab.mouse.move(x + 1, y + 1)
    tab.wait_for_timeout(250)
    one = frame(tab, 1).evaluate(wall.READ, [87, 87, 2, 2, 9])
    expected = wall.windowed(wall.deep(), 30000.0, 50000.0)[32, 32]
    # The film pixel under the pointer, three times as large, and one pixel to its upper left.
    assert one[9:12] == [expected] * 3
    expect(frame(tab, 0).locator(".value")).to_have_text(
        re.compile(rf"^{wall.noise()[32, 32]}\n"), use_inner_text=True
    )
    expect(frame(tab, 1).locator(".value")).to_have_text(
        re.compile(rf"^{wall.deep()[32, 32]:,}\n"), use_inner_text=True
    )
    expect(frame(tab, 1).locator(".cursor")).to_be_visible()


def test_a_marked_region_comes_back_in_image_coordinates(tab):
    tab.locator(".viewer").first.get_by_role("button", name="Mark a region").click()
    x, y = middle(tab, 1)
    tab.mouse.move(x - 30, y - 60)
    tab.mouse.down()
    tab.mouse.move(x + 30, y + 30, steps=4)
    tab.mouse.up()
    tab.get_by_text("region 1 0 22 12 20 30").wait_for()
    frame(tab, 1).focus()
    tab.keyboard.press("Delete")
    tab.get_by_text("region 1 0").wait_for(state="detached")


# ---------------------------------------------------------------- the wires
def test_a_click_picks_and_pixels_are_sent_once(shared, tab):
    fetched = [url for url in shared.asked if "/media/" in url and "static" not in url]
    scripts = [url for url in fetched if url.endswith(".js")]
    assert len(scripts) == 1 and len(fetched) == 6  # four films and a mask, whatever was done before
    tab.mouse.move(*middle(tab, 1))
    tab.mouse.wheel(0, -300)
    shared.frames.clear()
    tab.mouse.click(*middle(tab, 1))
    tab.get_by_text("picked 1").wait_for()
    assert float(facts(tab, 1)["zoom"]) > 1.3  # the view survives the rerun
    assert [url for url in shared.asked if "/media/" in url and "static" not in url] == fetched
    assert sum(map(len, shared.frames)) < 12_000  # the words of four films; the script does not travel again
    assert frame(tab, 1).get_attribute("aria-label").startswith("SYNTHETIC")


def test_another_film_takes_the_place_with_its_own_words_and_view(tab):
    tab.keyboard.press("i")
    frame(tab, 0).evaluate("box => { box.same = true }")
    tab.get_by_text("swap").first.click()
    frame(tab, 0).locator(".caption", has_text="another").wait_for()
    assert frame(tab, 0).evaluate("box => box.same === true")  # no frame was built anew, nothing flickered
    expect(frame(tab, 0).locator(".tag")).to_have_text("SYNTHETIC", use_inner_text=True)
    assert np.array_equal(shown(tab, 0), grey(wall.noise()[::-1]))
    assert facts(tab, 1)["invert"] == "true"
    tab.get_by_text("swap").first.click()
    frame(tab, 0).locator(".caption", has_text="noise").wait_for()


@pytest.mark.fault(64)
def test_a_blinded_viewer_holds_no_word(shared, tab):
    shared.frames.clear()
    tab.get_by_text("blind").first.click()
    tab.locator(".viewer").nth(1).locator(".frame[data-ready=true]").nth(1).wait_for()
    page = tab.content() + tab.evaluate(INSIDE).split("data-layout")[-1]
    wires = b"".join(one if isinstance(one, bytes) else one.encode() for one in shared.frames)
    assert wires
    blind = tab.locator(".viewer").nth(1).inner_html()
    for word in wall.WORDS:
        assert word not in page and word.encode() not in wires
    for word in ("REAL", "SYNTHETIC", "PHANTOM", "lock", "data-tag"):
        assert word not in blind
    assert "film 1 of 2" in blind
    tab.evaluate(
        "() => { window.heard = []; document.addEventListener('keydown', e => window.heard.push(e.key)) }"
    )
    first = tab.locator(".viewer").nth(1).locator(".frame").first
    first.focus()
    for key in ("2", "Enter", "i"):
        tab.keyboard.press(key)
    assert tab.evaluate("window.heard") == ["2", "Enter"]  # answers reach the page, other keys do not
    assert wall.facts(first)["width"] == "255"
    tab.keyboard.press("Shift+2")
    tab.wait_for_timeout(250)
    assert wall.facts(first)["width"] == "152"  # 0.6 of the grey levels in it
    tab.keyboard.press("PageDown")
    tab.get_by_text("steps 1").wait_for()
    tab.get_by_text("blind").first.click()
    tab.locator(".viewer").nth(1).wait_for(state="detached")


@pytest.mark.fault(60)
def test_hostile_captions_are_text(tab):
    expect(frame(tab, 1).locator(".caption")).to_contain_text("<script>", use_inner_text=True)
    assert tab.evaluate("window.hacked === undefined")


@pytest.mark.fault(59, 60)
def test_broken_packets_give_a_message_and_leave_the_rest_usable(shared, tab):
    before = len(shared.asked)
    tab.get_by_text("cut").first.click()
    tab.locator(".viewer .problem").nth(8).wait_for(timeout=30_000)
    messages = tab.locator(".viewer .problem").all_inner_texts()
    assert len(messages) == 9 and all("not shown" in text.lower() for text in messages)
    assert not [
        url for url in shared.asked[before:] if "example.org" in url or url.endswith("/_stcore/health")
    ]
    last = tab.locator(".viewer").last.locator(".frame")
    last.and_(tab.locator("[data-ready=true]")).wait_for()
    assert len(last.locator(".caption").inner_text()) == 2000  # 25 MB of caption
    frame(tab, 0).focus()
    tab.keyboard.press("i")
    assert facts(tab, 0)["invert"] == "true"
    tab.get_by_text("cut").first.click()
    tab.locator(".viewer").nth(1).wait_for(state="detached")


@pytest.mark.fault(59)
def test_an_error_in_the_script_stays_in_its_viewer(tab):
    tab.evaluate(BREAK)
    tab.get_by_text("more").first.click()
    tab.locator(".viewer").nth(1).locator(".problem").wait_for()
    expect(tab.locator(".viewer").nth(1)).to_contain_text("could not draw", use_inner_text=True)
    tab.evaluate("() => { window.OffscreenCanvas = window.kept }")
    frame(tab, 0).focus()
    tab.keyboard.press("i")
    assert facts(tab, 0)["invert"] == "true"
    tab.get_by_label("Other").fill("still here")
    tab.keyboard.press("Enter")
    tab.get_by_text("more").first.click()
    tab.locator(".viewer").nth(1).wait_for(state="detached")


# ---------------------------------------------------------------- for everybody
CONTRAST = """() => {
  const WORDS = '.tag, .origin, .badge, .caption, .numbers, .button, .choice, .credit'
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0)
  const numbers = text => (text.match(/[\\d.]+/g) || []).map(Number)
  const out = []
  for (const host of document.querySelectorAll('*')) if (host.shadowRoot)
    for (const one of host.shadowRoot.querySelectorAll(WORDS)) {
      const [r, g, b, alpha = 1] = numbers(getComputedStyle(one).backgroundColor)
      // Labels lie over films: a white film behind them is the worst case; tools lie on the page.
      const under = one.closest('.screen') ? 255 : 18
      const back = alpha === 0 ? [18, 23, 28] : [r, g, b].map(v => v * alpha + under * (1 - alpha))
      const [high, low] = [light(numbers(getComputedStyle(one).color)), light(back)].sort((x, y) => y - x)
      out.push([one.className, (high + 0.05) / (low + 0.05)])
    }
  return out
}"""


def test_words_can_be_read_heard_and_reached(tab):
    poor = [(name, ratio) for name, ratio in tab.evaluate(CONTRAST) if ratio < 4.5]
    assert poor == []
    viewer = tab.locator(".viewer").first
    expect(viewer.get_by_role("toolbar", name="Viewer tools")).to_have_count(1)
    assert (
        viewer.get_by_role(
            "img", name="REAL: film of 64 by 64 pixels, noise-set, train, a1b2c3, noise"
        ).count()
        == 1
    )
    for made in viewer.locator("button, select, input").all():
        assert made.get_attribute("aria-label") or made.inner_text().strip()
    viewer.get_by_role("button", name="Keys").focus()
    tab.keyboard.press("Tab")
    assert tab.evaluate(f"({FOCUSED})()") == "0"
