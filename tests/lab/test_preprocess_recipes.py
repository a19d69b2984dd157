"""Recipes: the basic skin pipeline, seeds that do not depend on order, JSON and digests, what is stored."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.data.preprocess import (
    Picture,
    Recipe,
    image_seed,
    note_labels,
    preset,
    presets,
    step_defaults,
    step_from_json,
    step_specs,
    to_stored,
)
from lab.data.preprocess.step import load_steps
from lab.data.preprocess.steps.flip import Flip
from lab.data.preprocess.steps.hair import RemoveHair
from lab.data.preprocess.steps.resize import Resize
from lab.data.preprocess.steps.rotate import Rotate
from lab.data.preprocess.steps.scale import Scale
from lab.errors import InputError, NotFoundError


def skin(seed: int = 0, height: int = 120, width: int = 160) -> np.ndarray:
    """Smooth skin colours with a dark spot off the centre; (H, W, 3) uint8."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    spot = np.exp(-((y - 40) ** 2 + (x - 50) ** 2) / 400.0)[..., None]
    base = np.array([210, 165, 150]) + rng.normal(0, 2, (height, width, 3)) - spot * np.array([90, 100, 95])
    return np.clip(np.rint(base), 0, 255).astype(np.uint8)


def spot_mask(height: int = 120, width: int = 160) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    return ((y - 40) ** 2 + (x - 50) ** 2 < 200).astype(np.uint8)


@pytest.mark.row("SG-03")
def test_basic_skin_pipeline_gives_256_colour_and_equal_bytes_for_equal_seeds() -> None:
    recipe = preset("skin-a").recipe
    done = recipe.run(Picture(skin(), spot_mask()), seed=7)
    assert done.image.shape == (256, 256, 3) and done.image.dtype == np.uint8
    assert done.mask is not None and done.mask.shape == (256, 256) and set(np.unique(done.mask)) <= {0, 1}
    again = recipe.run(Picture(skin(), spot_mask()), seed=7)
    assert done.image.tobytes() == again.image.tobytes() and done.notes == again.notes
    other = recipe.run(Picture(skin(), spot_mask()), seed=8)
    assert other.image.tobytes() != done.image.tobytes()
    assert [step.name for step in recipe.steps] == ["rotate", "flip", "resize"]


@pytest.mark.row("SG-03")
def test_rotation_and_flips_use_their_whole_range() -> None:
    recipe = preset("skin-a").recipe
    notes = [recipe.run(Picture(skin(seed)), seed=1).notes for seed in range(60)]
    angles = np.array([note["rotated_degrees"] for note in notes], dtype=float)
    assert angles.min() < -10 and angles.max() > 10 and np.abs(angles).max() <= 20
    assert {note["flipped"] for note in notes} == {"no", "left-right", "top-bottom", "both ways"}


def test_the_mask_moves_with_the_picture() -> None:
    picture = Picture(skin(), spot_mask(), overlays={"spot": spot_mask() > 0})
    for seed in range(6):
        done = preset("skin-a").recipe.run(picture, seed)
        grey = done.image.mean(axis=2)
        assert done.mask is not None
        assert grey[done.mask == 1].mean() < grey[done.mask == 0].mean() - 30
        assert np.mean(done.overlays["spot"] == (done.mask == 1)) == 1.0


def test_rotation_turns_counter_clockwise_and_keeps_the_centre() -> None:
    image = np.zeros((101, 101), np.uint8)
    image[20, 50] = image[50, 50] = 255  # above the centre, and the centre
    step = Rotate(degrees=180, fill="black", interpolation="nearest")
    seed = next(s for s in range(200) if 80 < np.random.default_rng(s).uniform(-180, 180) < 100)
    done = step.apply(Picture(image), seed)
    rows, columns = np.nonzero(done.image)
    assert done.image[50, 50] == 255 and columns.min() < 25 and abs(int(rows[columns.argmin()]) - 50) < 8


def test_order_of_images_does_not_matter_and_neighbours_differ() -> None:
    recipe = preset("skin-a").recipe
    pictures = [Picture(skin(seed)) for seed in range(5)]
    forward = [recipe.run(picture, 3).image.tobytes() for picture in pictures]
    backward = [recipe.run(picture, 3).image.tobytes() for picture in pictures[::-1]][::-1]
    assert forward == backward
    assert len({image_seed(3, picture.digest) for picture in pictures}) == 5
    assert pictures[0].digest != Picture(skin(0).reshape(160, 120, 3)).digest


def test_a_and_b_differ_by_the_hair_alone() -> None:
    image = skin()
    image[10:110, 90:92] = 20
    basic = preset("skin-a").recipe.run(Picture(image), 5)
    for name in ("skin-b-9", "skin-b-17", "skin-b-lines"):
        cleaned = preset(name).recipe.run(Picture(image), 5)
        same = ("rotated_degrees", "flipped", "scale")
        assert {key: cleaned.notes[key] for key in same} == {key: basic.notes[key] for key in same}
        assert cleaned.overlays["hair"].shape == (256, 256) and cleaned.overlays["hair"].any()


@pytest.mark.row("SG-05")
def test_trace_shows_every_step_by_title_and_ends_in_what_is_stored() -> None:
    recipe = preset("skin-b-9").recipe
    stages = recipe.trace(Picture(skin()), 2)
    titles = ["As imported", "Hair removal", "Random rotation", "Random flips", "Resize"]
    assert [title for title, _ in stages] == titles
    assert stages[-1][1].image.tobytes() == recipe.run(Picture(skin()), 2).image.tobytes()
    assert stages[0][1].image.tobytes() == skin().tobytes() and "hair" in stages[1][1].overlays


def test_as_is_changes_nothing() -> None:
    image = skin()
    done = preset("as-is").recipe.run(Picture(image), 0)
    assert done.image is image and not done.notes


def test_recipes_survive_json_and_digests_follow_parameters_only() -> None:
    for entry in presets():
        recipe = entry.recipe
        text = json.dumps(recipe.as_json())
        assert Recipe.from_json(json.loads(text)) == recipe
        assert dataclasses.replace(recipe, id="mine", title="Mine").digest == recipe.digest
        assert recipe.advice(entry.modality) == []
    digests = [entry.recipe.digest for entry in presets()]
    assert len(set(digests)) == len(digests)
    assert Recipe("", "", (Rotate(degrees=20),)).digest == Recipe("", "", (Rotate(degrees=20.0),)).digest
    assert Recipe("", "", (Rotate(20),)).digest != Recipe("", "", (Rotate(21),)).digest
    assert Recipe("", "", (Flip(), Resize())).digest != Recipe("", "", (Resize(), Flip())).digest
    record = preset("cardiac").recipe.record(9)
    assert record["seed"] == 9 and record["packages"]["opencv-python-headless"]


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        {"format": 1, "steps": [{"step": "unknown"}]},
        {"format": 2, "steps": []},
        {"format": 1, "steps": [{"step": "hair", "parameters": {"kernel": 8}}]},
        {"format": 1, "steps": [{"step": "hair", "parameters": {"size": 9}}]},
        {"format": 1, "steps": ["hair"]},
        {"format": 1, "steps": [{"step": "flip"}] * 31},
        {"format": 1, "steps": [{"step": "scale"}]},
    ],
)
def test_recipes_from_strangers_are_refused_in_one_sentence(value: object) -> None:
    with pytest.raises(InputError) as told:
        Recipe.from_json(value)
    assert str(told.value).endswith(".") and len(str(told.value)) < 250


def test_every_step_describes_its_sliders() -> None:
    specs = step_specs()
    assert {spec.name for spec in specs} == set(load_steps().names()) and len(specs) >= 14
    for spec in specs:
        defaults = step_defaults(spec.name)
        assert (
            spec.title
            and spec.description.endswith(".")
            and set(defaults) == {p.name for p in spec.parameters}
        )
        for parameter in spec.parameters:
            assert parameter.label and parameter.help
            assert parameter.read(defaults[parameter.name], spec.title) == defaults[parameter.name]
            if parameter.kind in ("int", "float"):
                assert parameter.low < parameter.high and parameter.stride > 0
        assert step_from_json({"step": spec.name}).values() == defaults


def test_values_outside_a_range_are_refused_with_the_range() -> None:
    for values in ({"kernel": 4}, {"kernel": 53}, {"threshold": 0}, {"radius": 2.5}, {"threshold": True}):
        with pytest.raises(InputError, match="from"):
            RemoveHair(**values)
    with pytest.raises(InputError, match="an odd number from 3 to 51 px"):
        RemoveHair(kernel=10)
    with pytest.raises(InputError, match="one of: rect, cross"):
        RemoveHair(shape="disc")
    with pytest.raises(InputError, match="yes or no"):
        RemoveHair(blur=1)  # type: ignore[arg-type]
    for value in (float("nan"), float("inf"), 10**400, "20", None, [20]):
        with pytest.raises(InputError):
            Rotate(degrees=value)  # type: ignore[arg-type]
    with pytest.raises(NotFoundError, match="skin-a"):
        preset("skin-c")


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 70), st.integers(1, 70), st.sampled_from(["uint8", "uint16", "float32"]), st.booleans(),
    st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_every_geometric_step_takes_every_picture(
    height: int, width: int, dtype: str, colour: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    shape = (height, width, 3) if colour else (height, width)
    image = (rng.random(shape) * (1 if dtype == "float32" else 255)).astype(dtype)
    mask = (rng.random((height, width)) < 0.3).astype(np.uint8) * 3
    before = image.copy()
    picture = Picture(image, mask, (1.0, 2.0))
    for spec in step_specs():
        if spec.stage != "geometry":
            continue
        done = load_steps().get(spec.name)().apply(picture, seed)
        assert done.image.dtype == image.dtype and done.image.ndim == image.ndim
        assert done.mask is not None and done.mask.shape == done.image.shape[:2]
        assert set(np.unique(done.mask)) <= {0, 3}
        assert np.isfinite(done.image.astype(float)).all()
        if dtype == "float32":  # integers may overshoot at edges within their dtype, as Pillow's kernels do
            assert done.image.min() >= min(image.min(), 0) and done.image.max() <= max(image.max(), 0)
    assert np.array_equal(image, before)


def test_floats_are_stored_by_the_stated_rule_and_never_guessed() -> None:
    values = np.array([[-1, 0, 1, 0.5]], np.float32)
    assert to_stored(Picture(values), 8).image.tolist() == [[0, 128, 255, 191]]
    assert to_stored(Picture(values), 16).image.tolist() == [[0, 32768, 65535, 49151]]
    deep = np.array([[0, 4000]], np.uint16)
    assert to_stored(Picture(deep), 8).image is deep
    with pytest.raises(InputError, match="outside -1 to 1"):
        to_stored(Picture(values * 2), 8)
    with pytest.raises(InputError, match="8 or 16 bits"):
        to_stored(Picture(values), 12)
    with pytest.raises(InputError, match="no file holds"):
        Recipe("", "", (Scale(),))
    with pytest.raises(InputError, match="no file holds"):
        preset("as-is").recipe.run(Picture(values), 0)


def test_pictures_that_do_not_fit_are_refused() -> None:
    for image in (np.zeros((4, 4), np.int16), np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4), np.uint8)):
        with pytest.raises(InputError):
            Picture(image)
    plane = np.zeros((4, 4), np.uint8)
    for extra in (
        {"mask": np.zeros((4, 5), np.uint8)},
        {"mask": np.zeros((4, 4), np.int64)},
        {"overlays": {"hair": plane}},
        {"spacing_mm": (0.0, 1.0)},
    ):
        with pytest.raises(InputError):
            Picture(plane, **extra)
    with pytest.raises(InputError, match="not numbers"):
        Picture(np.full((2, 2), np.nan, np.float32))


def test_advice_names_an_order_that_is_rarely_meant() -> None:
    late = Recipe("", "", (Resize(), RemoveHair()))
    assert len(late.advice("dermoscopy")) == 1 and "put it first" in late.advice()[0]
    assert "left and right" in Recipe("", "", (Flip(),)).advice("chest radiograph")[0]


def test_presets_are_listed_by_modality() -> None:
    assert [entry.recipe.id for entry in presets("dermoscopy")] == [
        "skin-a", "skin-b-9", "skin-b-17", "skin-b-lines", "as-is",
    ]  # fmt: skip
    assert [entry.recipe.id for entry in presets("cardiac MRI")] == ["cardiac", "as-is"]
    assert [entry.recipe.id for entry in presets("chest radiograph")] == ["radiograph", "as-is"]


def test_notes_are_json_and_every_one_has_a_label() -> None:
    labels = note_labels()
    grey = skin()[..., 0].copy()
    for entry in presets():
        image = grey if entry.modality in ("cardiac MRI", "chest radiograph") else skin()
        done = entry.recipe.run(Picture(image, spot_mask(), (1.0, 1.0)), 4)
        assert json.loads(json.dumps(dict(done.notes))) == dict(done.notes)
        assert set(done.notes) <= set(labels)
        for name, value in done.notes.items():
            kind = {"share": float, "number": (int, float), "flag": bool, "text": str}[labels[name].kind]
            assert isinstance(value, kind)


def test_only_steps_that_say_so_depend_on_the_seed() -> None:
    picture = Picture(skin(), spot_mask(), (1.0, 1.0))
    for _, entry in load_steps():
        images = {seed: entry().apply(picture, seed) for seed in range(8)}
        different = len({done.image.tobytes() for done in images.values()})
        assert (different > 1) == entry.spec.random
