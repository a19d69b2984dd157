"""Preprocessing recipes: composable steps with stated parameters, recorded with the dataset, shown before and after."""

from __future__ import annotations

from lab.data.preprocess.parameters import Parameter
from lab.data.preprocess.picture import Picture
from lab.data.preprocess.presets import Preset, preset, presets
from lab.data.preprocess.recipe import Recipe, image_seed
from lab.data.preprocess.step import (
    Note,
    Step,
    StepSpec,
    note_labels,
    step_defaults,
    step_from_json,
    step_specs,
)
from lab.data.preprocess.stored import to_stored

__all__ = [
    "Note",
    "Parameter",
    "Picture",
    "Preset",
    "Recipe",
    "Step",
    "StepSpec",
    "image_seed",
    "note_labels",
    "preset",
    "presets",
    "step_defaults",
    "step_from_json",
    "step_specs",
    "to_stored",
]
