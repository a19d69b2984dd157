"""Preprocessing: one picture before and after a recipe, the steps with their sliders, and the dataset they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lab.data.card import DatasetCard
from lab.data.preprocess.parameters import Parameter, Value
from lab.data.preprocess.picture import Picture
from lab.data.preprocess.presets import presets
from lab.data.preprocess.recipe import Recipe
from lab.data.preprocess.step import Note, Step, step_from_json
from lab.data.store import open_dataset
from lab.errors import LabError
from lab.runs.import_requests import derive_run
from lab.ui.films import dataset_film, dataset_mask, dataset_pixels
from lab.ui.frame import plain, refuse
from lab.ui.run_panel import find, stand_in, submit
from lab.ui.state import LibraryKey as Key
from lab.ui.viewer import Film, viewer

PICTURES = 24
_RED = np.array([255, 64, 64], dtype=np.float32)


def preprocessing(card: DatasetCard) -> None:
    """Choose a recipe and a picture, turn the sliders, look, and make a dataset of it."""
    left, right = st.columns([0.34, 0.66], gap="large")
    with left:
        recipe, seed = _recipe(card)
    with right:
        if recipe is not None:
            _beside(card, recipe, seed)
    if recipe is not None:
        _derive(card, recipe, seed)


def _recipe(card: DatasetCard) -> tuple[Recipe | None, int]:
    found = {preset.recipe.id: preset for preset in presets(card.modality)}
    name = st.selectbox(
        "Recipe", list(found), format_func=lambda one: found[one].recipe.title, key=f"{Key.RECIPE}.{card.id}"
    )
    chosen = found[str(name)]
    st.caption(plain(chosen.description))
    seed = int(
        st.number_input(
            "Seed", 0, 2**32 - 1, 0, key=Key.RECIPE_SEED,
            help="Random steps draw from it and from each picture, so the order of pictures does not matter.",
        )
    )  # fmt: skip
    try:
        steps = [_step(step, f"{card.id}.{name}.{place}") for place, step in enumerate(chosen.recipe.steps)]
        recipe = replace(chosen.recipe, steps=tuple(step for step in steps if step is not None))
    except LabError as error:
        refuse(error)
        return None, seed
    if recipe.digest != chosen.recipe.digest:
        recipe = replace(recipe, id="", title=f"{chosen.recipe.title}, changed")
    for sentence in recipe.advice(card.modality):
        st.warning(plain(sentence), icon=":material/lightbulb:")
    return recipe, seed


def _step(step: Step, where: str) -> Step | None:
    """One step's switch and sliders; None when it is switched off."""
    spec = step.spec
    with st.expander(spec.title):
        st.caption(plain(spec.description))
        on = st.toggle("Apply", True, key=f"{Key.STEP_ON}{where}")
        values = {
            parameter.name: _slider(
                parameter, step.values()[parameter.name], f"{Key.STEP}{where}.{parameter.name}"
            )
            for parameter in spec.parameters
        }
    return step_from_json({"step": spec.name, "parameters": values}) if on else None


def _slider(parameter: Parameter, value: Value, key: str) -> Value:
    label = f"{parameter.label} ({parameter.unit})" if parameter.unit else parameter.label
    if parameter.kind == "bool":
        return bool(st.toggle(label, bool(value), key=key, help=parameter.help))
    if parameter.kind == "choice":
        options = list(parameter.choices)
        return str(st.selectbox(label, options, options.index(str(value)), key=key, help=parameter.help))
    if parameter.kind == "int":
        low, high, stride = int(parameter.low), int(parameter.high), int(parameter.stride)
        return int(st.slider(label, low, high, int(value), stride, key=key, help=parameter.help))
    ends = float(parameter.low), float(parameter.high)
    return float(st.slider(label, *ends, float(value), float(parameter.stride), key=key, help=parameter.help))


def _beside(card: DatasetCard, recipe: Recipe, seed: int) -> None:
    dataset = open_dataset(card.id)
    rows = dataset.rows().head(PICTURES)
    ids = [str(one) for one in rows["image_id"]]
    words = {
        one: f"{one[:6]} {label}".strip() for one, label in zip(ids, rows["label"].astype(str), strict=True)
    }
    image_id = str(
        st.selectbox("Picture", ids, format_func=words.__getitem__, key=f"{Key.PICTURE}.{card.id}")
    )
    before = Picture(
        dataset_pixels(card.id, card.digest, image_id), dataset_mask(card.id, card.digest, image_id)
    )
    try:
        stages = recipe.trace(before, seed)
        after = recipe.run(before, seed)
    except LabError as error:
        refuse(error)
        return
    films = [replace(dataset_film(card.id, image_id, "As imported"), mask=None)]
    films.append(_film(films[0], after.image, "After the recipe"))
    at = next((picture for _, picture in stages if picture.overlays), None)
    for name, overlay in (at.overlays if at is not None else {}).items():
        painted = _painted(before.image, overlay) if overlay.shape == before.image.shape[:2] else None
        if painted is not None:
            films.append(_film(films[0], painted, f"What counts as {name}"))
    viewer(films, key=f"library.before_after.{card.id}", columns=len(films), linked=False)
    _notes(after, recipe.steps)


def _film(first: Film, pixels: NDArray[np.generic], words: str) -> Film:
    return replace(first, samples=pixels, caption=words, mask=None, window=None)


def _painted(image: NDArray[np.generic], overlay: NDArray[np.bool_]) -> NDArray[np.uint8] | None:
    """The picture with what an overlay covers in red."""
    if image.dtype != np.uint8:
        return None
    colour = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
    mixed = np.where(overlay[..., None], 0.25 * colour.astype(np.float32) + 0.75 * _RED, colour)
    return np.asarray(mixed, dtype=np.uint8)


def _notes(after: Picture, steps: Sequence[Step]) -> None:
    """The figures that the steps measured."""
    shown: list[tuple[Note, object]] = [
        (note, after.notes[note.name])
        for step in steps
        for note in step.spec.notes
        if note.name in after.notes
    ]
    numbers = [(note, value) for note, value in shown if note.kind in ("share", "number")]
    # As wide as their words: in equal columns the longer ones are cut.
    with st.container(horizontal=True, gap="medium"):
        for note, value in numbers[:4]:
            number = float(str(value))
            shown_as = f"{100 * number:.1f} %" if note.kind == "share" else f"{number:g}"
            st.metric(note.label, shown_as, width="content")
    for note, value in shown:
        if note.kind == "flag" and value:
            st.warning(plain(note.label), icon=":material/flag:")
        elif note.kind == "text":
            st.caption(f"{plain(note.label)}: {plain(str(value))}")


def _derive(card: DatasetCard, recipe: Recipe, seed: int) -> None:
    """Make a dataset of it: a run, followed here."""
    st.divider()
    left, right = st.columns([0.7, 0.3], vertical_alignment="bottom")
    name = left.text_input(
        "Id of the new dataset", key=f"{Key.NEW_ID}.{card.id}", placeholder=f"{card.id}-{recipe.id or 'own'}",
        max_chars=64, help="The recipe, its seed and this dataset are written into its card.",
    )  # fmt: skip
    key = f"{Key.DERIVED}.{card.id}"
    if right.button(
        "Make a dataset", type="primary", disabled=not (name or "").strip(), icon=":material/auto_fix_high:",
        key="library.derive", width="stretch",
    ):  # fmt: skip
        try:
            st.session_state[key] = submit(derive_run(card.id, (name or "").strip(), recipe, seed)).id
        except LabError as error:
            refuse(error)
    run = find(st.session_state.get(key))
    if run is None:
        return
    if run.state == "done" and run.result is not None:
        st.success(f"{run.result['images']:,} pictures are in {plain(str(run.result['dataset']))}.")
    else:
        stand_in(run)
