"""The mask of a prompt: every source gives one, bad files get one sentence, and the run keeps mask and vendor."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image

from lab.generators.condition import Condition, condition_from_json, decode_mask, encode_mask
from lab.generators.mask_hearts import STRUCTURES, HeartShape, draw_heart, sample_heart
from lab.runs.store import RunStore
from lab.ui.state import PromptKey as Key

VENDORS = ["vendor A", "vendor B"]


@pytest.fixture(autouse=True)
def _weights(monkeypatch):
    """The generator of these tests holds no weights to digest."""
    import lab.generators.weights

    monkeypatch.setattr(lab.generators.weights, "weights_digest", lambda folder, parts=None: "0" * 64)


@pytest.fixture
def masked(workspace, generator):
    """The small generator, told masks and vendors."""
    card = workspace / "generators" / "small" / "card.json"
    changes = {
        "conditioning": "mask", "structures": list(STRUCTURES), "vendors": VENDORS, "size": 64,
        "modality": "cardiac MRI", "training_dataset": "phantom-cmr", "loader": "unet2d",
    }  # fmt: skip
    card.write_text(json.dumps(json.loads(card.read_text()) | changes))


def composer(visit, source=None):
    """The prompt page with the generator and a source chosen."""
    app = visit("prompt")
    app.selectbox(key=Key.GENERATOR).set_value("small").run()
    if source is not None:
        app.get_by_key(Key.MASK_SOURCE).set_value(source).run()
    assert not app.exception
    return app


def mask_in(app):
    """The mask that the form holds, or None."""
    kept = app.session_state[Key.MASK]
    return decode_mask(kept) if kept else None


def png(array):
    """PNG bytes of any array."""
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, format="PNG")
    return stream.getvalue()


def words(app):
    """All text that says what a structure is called."""
    return " ".join(str(element.proto) for element in app.get("html"))


@pytest.mark.row("CM-05", "CM-06")
def test_a_generator_with_masks_is_ready_at_once_and_its_run_keeps_mask_and_vendor(visit, masked):
    app = composer(visit)
    assert np.array_equal(mask_in(app), sample_heart(1, 64))
    app.get_by_key(Key.VENDOR).set_value("vendor B").run()
    app.button(key=Key.SUBMIT).click().run()
    assert not app.exception and not app.error
    (run,) = RunStore.open().list(kinds=("generate",))
    kept = condition_from_json(run.spec.settings["condition"])
    assert kept.vendor == "vendor B" and np.array_equal(decode_mask(kept.mask), sample_heart(1, 64))


@pytest.mark.row("CM-05")
def test_sliders_build_a_heart_and_the_legend_names_each_structure(visit, masked):
    app = composer(visit, "Build")
    assert np.array_equal(mask_in(app), draw_heart(HeartShape(), 64))
    app.slider(key=f"{Key.MASK_SHAPE}right").set_value(0.0)
    app.slider(key=f"{Key.MASK_SHAPE}cavity").set_value(60.0).run()
    assert np.array_equal(mask_in(app), draw_heart(HeartShape(cavity=60, right=0), 64))
    told = words(app)
    assert all(name.capitalize() in told for name in STRUCTURES)
    assert "not in this mask" in told


@pytest.mark.row("CM-05")
def test_a_random_heart_can_be_drawn_again_moved_and_put_back(visit, masked):
    app = composer(visit, "Random heart")
    app.number_input(key=Key.MASK_SEED).set_value(7).run()
    first = mask_in(app)
    app.slider(key=f"{Key.MASK_MOVE}across").set_value(0.1).run()
    shift = np.nonzero(mask_in(app))[1].mean() - np.nonzero(first)[1].mean()
    assert shift == pytest.approx(6.4, abs=0.7)
    app.button(key="prompt.mask_reset").click().run()
    assert np.array_equal(mask_in(app), first)
    app.button(key="prompt.mask_dice").click().run()
    assert not np.array_equal(mask_in(app), first)


@pytest.mark.row("CM-05")
def test_a_mask_is_taken_from_a_dataset_held_out_patients_first(visit, masked, workspace):
    from lab.data.phantom_dataset import add_phantom
    from lab.data.phantom_families import CMR
    from lab.data.prompt_masks import mask_of, masks_of

    app = composer(visit, "Dataset")
    assert mask_in(app) is None and "No dataset here has such masks." in " ".join(
        m.value for m in app.markdown
    )
    add_phantom("phantom-cmr", CMR.patients, CMR.films, family=CMR)
    app = composer(visit, "Dataset")
    listed = masks_of("phantom-cmr")
    shown = [button.key for button in app.button if str(button.key).startswith("prompt.mask_take.")]
    assert shown == [f"prompt.mask_take.{one.image_id}" for one in listed[:8]]
    assert {one.split for one in listed[:8]} == {"held-out"}
    app.button(key=shown[2]).click().run()
    assert not app.exception
    own = mask_of("phantom-cmr", listed[2].image_id, STRUCTURES)
    assert mask_in(app).shape == (64, 64) and set(np.unique(mask_in(app))) == set(np.unique(own))


@pytest.mark.row("CM-05")
def test_a_file_is_taken_and_a_bad_one_gets_one_sentence(visit, masked):
    app = composer(visit, "Upload")
    assert mask_in(app) is None
    mask = sample_heart(4, 96)
    app.file_uploader(key=Key.MASK_UPLOAD).set_value(("mask.png", png(mask), "image/png")).run()
    assert not app.exception and not app.error
    assert set(np.unique(mask_in(app))) == set(np.unique(mask))
    app.selectbox(key=Key.MASK_ORDER).set_value("mms").run()
    assert (mask_in(app) == 1).sum() == pytest.approx((mask == 3).sum() * (64 / 96) ** 2, rel=0.15)
    for bad, sentence in (
        (png(np.zeros((8, 8, 3), np.uint8)), "has colours"),
        (png(np.full((8, 8), 200, np.uint8)), "number 200"),
        (b"not a picture", "neither a PNG nor a NIfTI"),
    ):
        app.file_uploader(key=Key.MASK_UPLOAD).set_value(("mask.png", bad, "image/png")).run()
        assert not app.exception and mask_in(app) is None
        (error,) = app.error
        assert sentence in error.value.replace("\\", "")


def test_without_a_mask_the_run_is_refused_in_words(visit, masked):
    app = composer(visit, "Upload")
    app.button(key=Key.SUBMIT).click().run()
    assert not app.exception and "needs a mask" in app.error[0].value
    assert not RunStore.open().list(kinds=("generate",))


def test_the_mask_of_a_past_run_is_put_back(visit, masked):
    from lab.ui import mask_composer

    past = encode_mask(draw_heart(HeartShape(cavity=66), 64))

    def page(past):
        import streamlit as st

        from lab.generators.cards import get_card
        from lab.generators.condition import Condition
        from lab.ui import mask_composer

        st.button(
            "back",
            key="back",
            on_click=mask_composer.put_back,
            args=(Condition(vendor="vendor B", mask=past),),
        )
        mask_composer.mask_composer(get_card("small"))

    from streamlit.testing.v1 import AppTest

    app = AppTest.from_function(page, args=(past,), default_timeout=30).run()
    assert app.session_state[Key.MASK_SOURCE] == mask_composer.RANDOM
    app.button(key="back").click().run()
    assert not app.exception
    assert app.session_state[Key.MASK] == past and app.session_state[Key.VENDOR] == "vendor B"
    assert Condition(mask=past)


def test_a_generator_of_other_structures_is_offered_no_heart(visit, masked, workspace):
    card = workspace / "generators" / "small" / "card.json"
    card.write_text(
        json.dumps(json.loads(card.read_text()) | {"structures": ["lungs", "lesion"], "vendors": []})
    )
    app = composer(visit)
    assert app.session_state[Key.MASK_SOURCE] == "Dataset"


@pytest.fixture
def answered(masked, dataset, builders):
    """A finished run that was asked for a mask, its agreement measured."""
    from dataclasses import replace

    from lab.data.store import open_dataset

    spec = builders.generation_spec(dataset)
    condition = Condition(vendor="vendor A", mask=encode_mask(sample_heart(3, 48)))
    spec = replace(spec, settings={**spec.settings, "prompt": "", "condition": condition.to_json()})
    result = builders.generation_result(open_dataset(dataset).rows())
    dice = {"right ventricle": 0.91, "myocardium": 0.72, "left ventricle": None}
    for sample in result["samples"]:
        sample["mask_agreement"] = {"dice": dice, "mean": 0.815, "segmenter": "s" * 64}
    return builders.finish(spec, result)


@pytest.mark.row("CM-05", "CM-07")
def test_a_finished_run_shows_the_outline_and_how_far_each_structure_is_kept(visit, answered, monkeypatch):
    from lab.ui import sample_grid

    drawn = []
    keep = sample_grid.viewer
    monkeypatch.setattr(
        sample_grid, "viewer", lambda films, **more: drawn.append((films, more)) or keep(films, **more)
    )
    app = visit("prompt", run=answered.id)
    assert not app.exception
    films, more = drawn[-1]
    heart = sample_heart(3, 48)
    assert more["masks"] is True and films[0].mask_names == dict(enumerate(STRUCTURES, 1))
    outline = films[0].mask
    assert outline.any() and (outline[outline > 0] == heart[outline > 0]).all()
    assert (outline > 0).sum() < (heart > 0).sum()
    told = " ".join(element.value for element in (*app.markdown, *app.caption)).replace("\\", "")
    assert "Dice 0.81" in told or "Dice 0.82" in told
    assert "myocardium 0.72" in told and "left ventricle neither asked for nor found" in told
    app.toggle(key=Key.MASK_OUTLINE).set_value(False).run()
    assert drawn[-1][0][0].mask is None and drawn[-1][1]["masks"] is False


def test_an_outline_is_drawn_in_the_colours_of_the_legend():
    from lab.ui.mask_colours import ink
    from lab.ui.mask_overlay import with_outline

    heart = sample_heart(3, 48)
    picture = with_outline(np.full((48, 48), 90, np.uint8), encode_mask(heart))
    assert picture.shape == (48, 48, 3)
    inked = (picture != 90).any(axis=2)
    assert (heart[inked] > 0).all()
    assert {tuple(int(v) for v in pixel) for pixel in picture[inked]} == {ink(n) for n in (1, 2, 3)}
