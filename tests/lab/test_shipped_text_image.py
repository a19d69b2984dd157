"""The shipped text-image model: its cheap figures measured again on a few films."""

from __future__ import annotations

import pytest

from lab.config import ASSETS
from lab.features.text_image_folder import PHANTOM
from lab.gates.report import FOLDER, read_report
from lab.gates.text_image import NAMES, measure

FOLDER_OF = ASSETS / "extractors" / PHANTOM
# With 60 films a share of 0.8 has a standard error of 0.05.
ROOM = 0.15


@pytest.mark.row("X-07")
def test_the_stored_figures_of_the_text_image_model_are_measured_again():
    if not (FOLDER_OF / "open_clip_config.json").is_file():
        pytest.skip("the text-image model is not in this checkout")
    stored = read_report(FOLDER_OF / FOLDER / "text-image.json")
    again = measure(PHANTOM, lambda *_: None, films=60)
    assert again.inputs["weights"] == stored.inputs["weights"]
    for name in ("side", "size", "present", "absent"):
        before, now = stored.figure(NAMES[name]), again.figure(NAMES[name])
        assert now.value == pytest.approx(before.value, abs=ROOM), name
    side = again.figure(NAMES["side"])
    assert side.met and side.value > 0.5 + ROOM
