"""Real films in the viewer: exact colour, windows that suit them, frames with their masks. No picture is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lab.data.images import decode
from lab.errors import ImageError
from tests.builders import viewer_wall as wall

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import sys
sys.path[:0] = [{root!r}]
from pathlib import Path
import numpy as np
import streamlit as st
from lab.ui.viewer import Film, viewer
from tests.browser.test_viewer_real import named, pixels, short_axis
st.set_page_config(layout="wide")
data = Path({data!r})
full, skin = named(data, "cxr_fullres"), named(data, "derm_ham").iloc[0]
frames, masks = short_axis(data)
names = {{1: "right ventricle", 2: "myocardium", 3: "left ventricle"}}
films = [
    Film(pixels(data, "cxr_fullres", row["image"]), "REAL", str(row["label"]))
    for _, row in full.head(2).iterrows()
]
films.append(Film(pixels(data, "derm_ham", skin["image"]), "REAL", str(skin["label_name"])))
films.append(Film(frames[0], "REAL", "short axis", frames=frames, mask=masks, mask_names=names))
viewer(films, key="real", layout="two-by-two", masks=True, linked=False)
"""


def named(data: Path, name: str) -> pd.DataFrame:
    """The rows of a set."""
    return pd.read_csv(data / name / "metadata.csv")


def pixels(data: Path, name: str, image: str) -> np.ndarray:
    """An image of a set as the app reads it."""
    file = data / name / image
    return decode(file.read_bytes(), None, file.name).array


def short_axis(data: Path) -> tuple[np.ndarray, np.ndarray]:
    """The end-diastolic slices of one heart and their labels, both (F, H, W)."""
    rows = named(data, "cmr_acdc")
    first = rows["patient_id"].iloc[0]
    rows = rows[(rows["patient_id"] == first) & (rows["phase"] == "ED")].sort_values("slice")
    frames, masks = (
        np.stack([pixels(data, "cmr_acdc", one) for one in rows[name]]) for name in ("image", "mask")
    )
    return frames, masks.astype(np.uint8)


@pytest.fixture(scope="module")
def tab(browser, module_serve, tmp_path_factory, test_data):
    script = tmp_path_factory.mktemp("real") / "real.py"
    script.write_text(SCRIPT.format(root=str(ROOT), data=str(test_data)), "utf-8")
    page, errors = browser.new_page(viewport={"width": 1280, "height": 1400}), []
    page.set_default_timeout(20_000)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(module_serve(script))
    for number in range(4):
        page.locator(f'.frame[data-index="{number}"][data-ready=true]').wait_for()
    yield page
    assert errors == []
    page.close()


def frame(page, index: int):
    return page.locator(f'.frame[data-index="{index}"]')


def seen(page, index: int) -> np.ndarray:
    """The canvas of a film, without what lies beside it: (side, side, 3) in the middle."""
    page.wait_for_timeout(300)
    size = frame(page, index).evaluate(
        "box => [box.querySelector('canvas').width, box.querySelector('canvas').height]"
    )
    side = min(size) // 2
    box = [(size[0] - side) // 2, (size[1] - side) // 2, side, side, 1]
    return np.array(frame(page, index).evaluate(wall.READ, box), dtype=np.uint8).reshape(side, side, 3)


def test_every_film_says_what_it_is(tab, test_data):
    alt = [frame(tab, number).locator("canvas").get_attribute("aria-label") for number in range(4)]
    frames, _ = short_axis(test_data)
    assert alt[0].startswith("REAL: film of 1024 by 1024 pixels, ") and alt[2].startswith(
        "REAL: film of 224 by 224"
    )
    high, wide = frames.shape[1:]
    assert alt[3] == f"REAL: film of {wide} by {high} pixels, {len(frames)} frames, short axis"
    windows = {0: "1  As stored", 2: "1  As photographed", 3: "1  As stored"}
    for number, words in windows.items():
        frame(tab, number).focus()
        chosen = tab.get_by_label("Window preset").evaluate("one => one.selectedOptions[0].textContent")
        assert chosen == words
    lists = []
    for number in (0, 2, 3):
        frame(tab, number).focus()
        lists.append(tab.get_by_label("Window preset").inner_text())
    assert "Lungs" in lists[0] and "Pigment" in lists[1] and "Blood pool" in lists[2]


def test_colour_is_shown_value_by_value(tab, test_data):
    skin = pixels(test_data, "derm_ham", named(test_data, "derm_ham")["image"].iloc[0])
    frame(tab, 2).focus()
    tab.keyboard.press("0")  # one film pixel on one screen pixel
    tab.wait_for_timeout(300)
    high, wide = skin.shape[:2]
    size = frame(tab, 2).evaluate(
        "box => [box.querySelector('canvas').width, box.querySelector('canvas').height]"
    )
    left, top = round(size[0] / 2 - wide / 2), round(size[1] / 2 - high / 2)
    shown = np.array(frame(tab, 2).evaluate(wall.READ, [left, top, wide, high, 1]), dtype=np.uint8)
    differ = np.abs(shown.reshape(high, wide, 3).astype(int) - skin.astype(int))
    assert differ.max() == 0


@pytest.mark.parametrize("number", [0, 1])
def test_presets_suit_a_bright_and_a_dull_film(tab, number):
    """In parts of the full range of 8 bits, a dull film went black under "Mediastinum"."""
    frame(tab, number).focus()
    for key in "1234":
        tab.keyboard.press(key)
        grey = seen(tab, number)[:, :, 0]
        assert (grey == 0).mean() < 0.6 and (grey == 255).mean() < 0.6, key
        assert grey.std() > 20, key
    tab.keyboard.press(" ")


def painted(tab, opacity: str, high: int, wide: int, drawn: Callable[[np.ndarray], bool]) -> np.ndarray:
    """Pixels (high, wide, 3) of the fourth frame under masks of that opacity, once they are drawn or 20 s are over."""
    tab.get_by_label("Mask opacity").fill(opacity)
    for _ in range(200):
        tab.wait_for_timeout(100)
        size = frame(tab, 3).evaluate(
            "box => [box.querySelector('canvas').width, box.querySelector('canvas').height]"
        )
        corner = [round(size[0] / 2 - wide / 2), round(size[1] / 2 - high / 2)]
        read = frame(tab, 3).evaluate(wall.READ, [*corner, wide, high, 1])
        seen = np.array(read, dtype=np.uint8).reshape(high, wide, 3)
        if drawn(seen):
            break
    return seen


def test_frames_carry_their_own_masks(tab, test_data):
    frames, masks = short_axis(test_data)
    assert len({mask.tobytes() for mask in masks}) == len(masks) > 2
    legend = tab.get_by_role("group", name="Masks", exact=True)
    assert legend.inner_text().split("\n") == ["right ventricle", "myocardium", "left ventricle"]
    frame(tab, 3).focus()
    tab.keyboard.press("0")
    high, wide = frames.shape[1:]
    for at in (0, len(frames) - 1):
        tab.get_by_label("Frame", exact=True).fill(str(at))
        plain = painted(tab, "0", high, wide, lambda seen, at=at: np.array_equal(seen[:, :, 0], frames[at]))
        inked = painted(tab, "0.5", high, wide, lambda seen, plain=plain: (seen != plain).any())
        assert np.array_equal(plain[:, :, 0], frames[at])
        assert np.array_equal((plain != inked).any(axis=2), masks[at] > 0)
    frame(tab, 3).focus()
    tab.keyboard.press("p")
    turned = set()
    for _ in range(160):
        tab.wait_for_timeout(120)
        turned.add(frame(tab, 3).get_attribute("data-frame"))
        if len(turned) == len(frames):
            break
    tab.keyboard.press("p")
    assert len(turned) == len(frames)


def test_the_slider_of_frames_speaks_of_the_stack(tab):
    frame(tab, 0).focus()  # a film without frames is in use
    tab.get_by_label("Frame", exact=True).fill("1")
    tab.wait_for_timeout(200)
    assert (
        tab.get_by_label("Frame", exact=True).input_value()
        == frame(tab, 3).get_attribute("data-frame")
        == "1"
    )


def test_a_dicom_file_is_refused_in_one_sentence(test_data):
    files = sorted((test_data / "dicom_real" / "images").glob("*.dcm"))
    assert files
    for file in files:
        with pytest.raises(ImageError, match="DICOM"):
            decode(file.read_bytes(), None, file.name)
