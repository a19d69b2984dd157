"""The viewer in a real browser: exact pixels, window by drag, linked zoom, and what hostile input does."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
import sys
sys.path.insert(0, {root!r})
import numpy as np
import streamlit as st
from lab.ui import viewer as module
from lab.ui.viewer import Film, viewer

rng = np.random.default_rng(7)
noise = rng.integers(0, 256, (64, 64), dtype=np.uint8)
deep = np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64)
colour = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
hostile = "<img src=x onerror='window.hacked=1'><script>window.hacked=1</script> **bold** $x$"
films = [
    Film(noise, "REAL", "noise"),
    Film(deep, "SYNTHETIC", hostile, note=hostile[:40], badge="near-copy", tone="alarm", window=(32767.5, 65535.0)),
    Film(colour, "PHANTOM", "colour", window=(float("nan"), 100.0)),
]
with st.container(width=760):
    picked = viewer(films, key="films", columns=3, selected=0)
st.write(f"picked {{picked}}")
st.text_input("Other", key="other")
broken = bytearray(module.packet(films[:1], {{"columns": 1}}))
real_component = module._component
if st.toggle("cut"):
    real_component()(data=bytes(broken[: len(broken) - 100]), key="cut", on_picked_change=lambda: None)
    real_component()(data=b"nonsense", key="nonsense", on_picked_change=lambda: None)
    real_component()(data=b"DPV1" + (2**31).to_bytes(4, "little"), key="bomb", on_picked_change=lambda: None)
    lying = broken.replace(b'"width": 64', b'"width": 1e9')
    real_component()(data=bytes(lying), key="lying", on_picked_change=lambda: None)
"""


@pytest.fixture
def films(page, serve, tmp_path: Path):
    """A page with three films, 64 px each, at 240 px or so."""
    script = tmp_path / "films.py"
    script.write_text(textwrap.dedent(SCRIPT).format(root=str(ROOT)), "utf-8")
    page.goto(serve(script))
    page.wait_for_selector(".viewer .frame[data-scale]")
    page.wait_for_timeout(300)
    return page


def facts(page, index: int) -> dict[str, str]:
    return page.locator(".viewer .frame").nth(index).evaluate("box => ({...box.dataset})")


def centre(page, index: int) -> tuple[float, float, float]:
    box = page.locator(".viewer canvas").nth(index).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, box["width"]


# Draw the film one to one on a canvas of its own through the component's own code path: the visible canvas is
# sized so that one film pixel is a whole number of screen pixels, so each block must hold exactly one grey.
READ = """
box => {
  const canvas = box.querySelector('canvas')
  const scale = Number(box.dataset.scale)
  const pen = canvas.getContext('2d')
  const data = pen.getImageData(0, 0, canvas.width, canvas.height).data
  const left = Math.round(canvas.width / 2 - 32 * scale), top = Math.round(canvas.height / 2 - 32 * scale)
  const out = []
  for (let y = 0; y < 64; y++) for (let x = 0; x < 64; x++) {
    const at = ((top + Math.floor((y + 0.5) * scale)) * canvas.width + left + Math.floor((x + 0.5) * scale)) * 4
    out.push(data[at], data[at + 1], data[at + 2])
  }
  return {scale, out}
}
"""


def whole_scale(page) -> None:
    """Make one film pixel four screen pixels: zoom to a whole scale through the frame's own width."""
    page.evaluate(
        """() => { for (const screen of document.querySelectorAll('*')) if (screen.shadowRoot)
             for (const one of screen.shadowRoot.querySelectorAll('.screen')) {
               one.style.width = '192px'; one.style.height = '192px' } }"""
    )
    page.wait_for_timeout(400)


def test_pixels_arrive_exactly(films):
    import numpy as np

    whole_scale(films)
    read = films.locator(".viewer .frame").nth(0).evaluate(READ)
    assert read["scale"] == 3.0
    shown = np.array(read["out"], dtype=np.uint8).reshape(64, 64, 3)
    expected = np.random.default_rng(7).integers(0, 256, (64, 64), dtype=np.uint8)
    assert np.array_equal(shown, np.repeat(expected[:, :, None], 3, axis=2))


def test_sixteen_bits_are_windowed_not_cast(films):
    import numpy as np

    whole_scale(films)
    read = films.locator(".viewer .frame").nth(1).evaluate(READ)
    shown = np.array(read["out"], dtype=int).reshape(-1, 3)[:, 0]
    expected = np.linspace(0, 65535, 64 * 64) / 257.0
    assert np.abs(shown - expected).max() <= 1  # a cast would wrap around every 256 levels


def test_drag_sets_window_and_level_of_all_linked_films(films):
    x, y, _ = centre(films, 0)
    films.mouse.move(x, y)
    films.mouse.down()
    films.mouse.move(x + 40, y - 30, steps=8)
    films.mouse.up()
    films.wait_for_timeout(200)
    mine, other = facts(films, 0), facts(films, 2)
    assert abs(int(mine["width"]) - 295) <= 6 and abs(int(mine["level"]) - 98) <= 6
    assert other["width"] == mine["width"] and other["level"] == mine["level"]
    assert f"W {mine['width']}" in films.locator(".viewer .numbers").nth(0).inner_text()
    films.mouse.dblclick(x, y)
    films.wait_for_timeout(200)
    assert facts(films, 0)["width"] == "255"


def test_wheel_zooms_all_films_at_the_pointer(films):
    x, y, width = centre(films, 0)
    films.mouse.move(x + width / 4, y)
    films.mouse.wheel(0, -400)
    films.wait_for_timeout(200)
    mine, other = facts(films, 0), facts(films, 1)
    zoom = float(mine["zoom"])
    assert zoom > 1.5 and mine["zoom"] == other["zoom"] and mine["x"] == other["x"]
    # The film point under the pointer stays there: it was a quarter to the right of the middle.
    assert abs(float(mine["x"]) + 0.25 / zoom - 0.75) < 0.02
    films.get_by_role("button", name="Linked").click()
    films.mouse.move(x, y)
    films.mouse.wheel(0, -400)
    films.wait_for_timeout(200)
    assert float(facts(films, 0)["zoom"]) > zoom and facts(films, 1)["zoom"] == other["zoom"]


def test_keys_work_and_do_not_reach_the_page(films):
    films.locator(".viewer .frame").nth(1).focus()
    films.keyboard.press("i")
    films.wait_for_timeout(150)
    assert facts(films, 0)["invert"] == "true"
    films.keyboard.press("r")
    films.keyboard.press("c")
    films.keyboard.press("+")
    films.wait_for_timeout(150)
    assert float(facts(films, 2)["zoom"]) == pytest.approx(1.25, abs=0.01)
    films.keyboard.press(" ")
    films.wait_for_timeout(150)
    assert facts(films, 0)["invert"] == "false" and facts(films, 0)["zoom"] == "1.0000"
    assert films.locator("[data-testid=stDialog]").count() == 0  # "c" opens Streamlit's clear-cache dialog


def test_a_click_picks_and_a_view_survives_the_rerun(films):
    x, y, _ = centre(films, 1)
    films.mouse.move(x, y)
    films.mouse.wheel(0, -300)
    films.mouse.click(x, y)
    films.get_by_text("picked 1").wait_for()
    assert float(facts(films, 1)["zoom"]) > 1.3
    assert films.locator(".viewer .frame").nth(1).get_attribute("aria-label").startswith("SYNTHETIC")


@pytest.mark.fault(60)
def test_hostile_captions_are_text(films, seen):
    assert "<script>" in films.locator(".viewer .caption").nth(1).inner_text()
    assert films.evaluate("window.hacked === undefined")
    assert facts(films, 2)["width"] == "255"  # a window that is not a number gives way to the full range
    assert seen.errors == []


@pytest.mark.fault(59, 60)
def test_wrong_lengths_give_a_message_and_leave_the_rest_usable(films, seen):
    films.get_by_text("cut").first.click()
    films.locator(".viewer .problem").nth(3).wait_for()
    messages = films.locator(".viewer .problem").all_inner_texts()
    assert len(messages) == 4 and all("not shown" in text for text in messages)
    films.locator(".viewer .frame").nth(0).focus()
    films.keyboard.press("i")
    films.wait_for_timeout(150)
    assert facts(films, 0)["invert"] == "true"
    assert seen.errors == []
