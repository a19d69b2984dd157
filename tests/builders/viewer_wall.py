"""The page of the viewer's browser tests, and how they read a canvas and a frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SIDE = 64
WORDS = (
    "planted-dataset",
    "planted-split",
    "planted-case",
    "planted caption",
    "planted-note",
    "planted-badge",
    "planted-credit",
    "planted-mask",
)
CREDIT = "Noise et al., CC BY 4.0"
HOSTILE = "<img src=x onerror='window.hacked=1'><script>window.hacked=1</script> **bold** $x$"

SCRIPT = """
import sys
sys.path[:0] = [{root!r}, {here!r}]
import streamlit as st
from lab.ui.viewer import Film, regions, viewer
from lab.ui.viewer_packet import packet
from lab.ui.viewer_script import component
import viewer_wall as wall

films = wall.films(Film)
if st.session_state.get("swap"):
    films[0] = Film(wall.noise()[::-1].copy(), "SYNTHETIC", "another")
with st.container(width=820):
    picked = viewer(films, key="films", layout="two-by-two", selected=0, marking=True, masks=True)
st.write(f"picked {{picked}}")
for region in regions(films, key="films"):
    place = f"{{region.x:g}} {{region.y:g}} {{region.width:g}} {{region.height:g}}"
    st.write(f"region {{region.film}} {{region.frame}} {{place}}")
st.text_input("Other", key="other")
with st.container(width=400):
    if st.toggle("blind"):
        viewer(wall.secrets(Film), key="blind", layout="pair", blinded=True, on_stepped=wall.stepped, masks=True)
        st.write(f"steps {{st.session_state.get('steps', 0)}}")
    if st.toggle("more"):
        viewer(films[:1], key="more", columns=1)
    st.toggle("swap", key="swap")
    if st.toggle("cut"):
        for number, data in enumerate(wall.broken(packet(films[:2], key="cut"))):
            component()(data=data, key=f"cut{{number}}", on_picked_change=lambda: None)
"""


def noise() -> NDArray[np.uint8]:
    """8-bit noise, 64 x 64."""
    return np.random.default_rng(7).integers(0, 256, (SIDE, SIDE), dtype=np.uint8)


def deep() -> NDArray[np.uint16]:
    """16-bit noise, 64 x 64: neighbours differ by thousands, so a cast or a blur cannot hide."""
    return np.random.default_rng(8).integers(0, 65536, (SIDE, SIDE), dtype=np.uint16)


def colour() -> NDArray[np.uint8]:
    """Colour noise, 64 x 64 x 3."""
    return np.random.default_rng(9).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)


def stack() -> NDArray[np.uint16]:
    """Eight flat frames of 16 bits, each brighter than the last."""
    return np.repeat(np.arange(8, dtype=np.uint16) * 500, SIDE * SIDE).reshape(8, SIDE, SIDE)


def mask() -> NDArray[np.uint8]:
    """Label 1 in the upper left quarter, label 2 in the lower right corner."""
    labels = np.zeros((SIDE, SIDE), dtype=np.uint8)
    labels[:32, :32] = 1
    labels[48:, 48:] = 2
    return labels


def films(make):
    """The four films of the wall."""
    return [
        make(noise(), "REAL", "noise", dataset="noise-set", split="train", case="a1b2c3", credit=CREDIT),
        make(deep(), "SYNTHETIC", HOSTILE, HOSTILE[:40], "near-copy", "alarm", (30000.0, 50000.0)),
        make(colour(), "PHANTOM", "colour", window=(float("nan"), 100.0), modality="dermoscopy"),
        make(
            stack()[0],
            "PHANTOM",
            "stack",
            window=(1750.0, 4000.0),
            frames=stack(),
            mask=mask(),
            mask_names={1: "left ventricle"},
            modality="cardiac",
        ),
    ]


def secrets(make):
    """Two films whose every word is planted."""
    named = ("dataset", "split", "case", "caption", "note", "badge", "credit")
    words = dict(zip(named, WORDS[:-1], strict=True)) | {"mask": mask(), "mask_names": {1: WORDS[-1]}}
    return [make(noise(), "SYNTHETIC", **words), make(noise()[::-1].copy(), "REAL", public=False, **words)]


def stepped(by: int) -> None:
    """Count the cases asked for."""
    import streamlit as st

    st.session_state["steps"] = st.session_state.get("steps", 0) + by


def broken(good):
    """Packets no server of ours would send."""
    film = good["viewports"][0]

    def one(**changed):
        return {**good, "viewports": [{**film, **changed}]}

    yield one(length=film["length"] - 100)
    yield one(width=64, height=63, length=64 * 63)
    yield one(url="https://example.org/media/x")
    yield one(url="/_stcore/health")
    yield one(width=1e9)
    yield "nonsense"
    yield one(withheld=True)
    yield {"viewports": []}
    yield {"viewports": [None, 3]}
    yield one(caption="A" * 25_000_000, note=["x"], window={"centre": None, "width": "NaN"})


def windowed(
    samples: NDArray[np.generic], centre: float, width: float, invert: bool = False
) -> NDArray[np.uint8]:
    """The viewer's window in NumPy."""
    low = centre - width / 2
    grey = np.clip(np.rint((samples.astype(np.float64) - low) / width * 255), 0, 255).astype(np.uint8)
    return 255 - grey if invert else grey


READ = """
(box, [left, top, wide, high, step]) => {
  const canvas = box.querySelector('canvas')
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data
  const out = []
  for (let y = 0; y < high; y++) for (let x = 0; x < wide; x++) {
    const at = ((top + Math.floor((y + 0.5) * step)) * canvas.width + left + Math.floor((x + 0.5) * step)) * 4
    out.push(data[at], data[at + 1], data[at + 2])
  }
  return out
}
"""


def read(frame, step: int = 3) -> NDArray[np.uint8]:
    """What a canvas of 192 px shows of a film of 64 px, one value a film pixel: (64, 64, 3)."""
    seen = frame.evaluate(READ, [0, 0, SIDE, SIDE, step])
    return np.array(seen, dtype=np.uint8).reshape(SIDE, SIDE, 3)


def facts(frame) -> dict[str, str]:
    """The numbers of a frame."""
    return frame.evaluate("box => ({...box.dataset})")
