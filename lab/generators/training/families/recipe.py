"""A training recipe of a small generator, as one YAML file: read, checked, and found by name or path."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.config import ASSETS
from lab.errors import InputError, NotFoundError

FOLDER = ASSETS / "recipes"
FAMILIES = ("ddpm", "flow", "gan", "mask_flow", "vae")
CONDITIONS = ("class", "vendor", "mask")
CHANGES = ("move", "gain", "flip", "turn")
MAX_BYTES = 100_000
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")


@dataclass(frozen=True)
class FamilyRecipe:
    """Everything a training depends on; two runs of one recipe on one processor give the same weights.

    Attributes:
        id, title: of the generator it gives.
        family: ddpm, flow, gan or vae: the module of `families` that trains it.
        dataset: a kind of phantom, or an installed dataset; only its training split is read.
        conditioning: what the network is told besides noise: any of class, vendor and mask.
        patients, films: of a phantom set, patients in all splits and pictures of each; 0 takes the set's own.
        seed: of the phantoms, the first weights and every draw.
        size: image side in pixels, a multiple of 8.
        crop: share of each picture's central square that is kept, 0.2 to 1.
        colour: grey or rgb.
        channels: of the network at each scale.
        steps, batch, rate: optimiser steps, pictures in each, highest learning rate.
        average: decay of the averaged weights, which are what is exported.
        augment: changes of each picture as it is drawn: move (shift, zoom, slight turn), gain, flip, turn (quarters).
        balanced: draw every class equally often.
        half: bfloat16 where the device has it; the processor always computes in float32.
        sample_steps, guidance: defaults of the exported generator.
        save_s, sheet_s: seconds between checkpoints and between contact sheets.
        licence, modality, notes: for the card; the modality of a phantom set is known.
        options: numbers and words that only this family has, over its own defaults.
    """

    id: str
    title: str
    family: str
    dataset: str
    conditioning: tuple[str, ...] = ()
    patients: int = 0
    films: int = 0
    seed: int = 0
    size: int = 64
    crop: float = 1.0
    colour: str = "grey"
    channels: tuple[int, ...] = (24, 32, 32, 32)
    steps: int = 20_000
    batch: int = 64
    rate: float = 4e-4
    average: float = 0.999
    augment: tuple[str, ...] = ()
    balanced: bool = False
    half: bool = True
    sample_steps: int = 50
    guidance: float = 1.0
    save_s: float = 60.0
    sheet_s: float = 60.0
    licence: str = "Apache-2.0"
    modality: str = ""
    notes: str = ""
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def to_json(self) -> dict[str, Any]:
        """The recipe as plain JSON; `recipe_from` reads it back."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in dataclasses.asdict(self).items()
        }


_FIELDS = {f.name: f for f in dataclasses.fields(FamilyRecipe)}
_NEEDED = ("id", "title", "family", "dataset")
_WORDS = {"family": FAMILIES, "colour": ("grey", "rgb")}
_LISTS = {"conditioning": CONDITIONS, "augment": CHANGES}
_RANGES: dict[str, tuple[float, float]] = {
    "patients": (0, 1_000_000), "films": (0, 100), "seed": (0, 2**31), "size": (16, 512), "crop": (0.2, 1),
    "steps": (1, 10_000_000), "batch": (1, 4096), "rate": (1e-7, 1), "average": (0, 0.99999),
    "sample_steps": (1, 200), "guidance": (0, 30), "save_s": (1, 86_400), "sheet_s": (1, 86_400),
}  # fmt: skip


def names() -> list[str]:
    """The recipes that come with the program, in order."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def find_recipe(name: str) -> FamilyRecipe:
    """The recipe of that name, or in that YAML file.

    Raises:
        NotFoundError: with the names that exist.
        InputError: for a file that is no recipe.
    """
    if name.endswith((".yaml", ".yml")) and Path(name).expanduser().is_file():
        return read_recipe(Path(name).expanduser())
    if name not in names():
        raise NotFoundError(
            f"There is no training recipe of that name; nothing was started; choose one of: {', '.join(names())}."
        )
    return read_recipe(FOLDER / f"{name}.yaml")


def read_recipe(path: Path) -> FamilyRecipe:
    """Read one recipe file.

    Raises:
        InputError: one sentence naming the first field that is missing, unknown or out of range.
    """
    import yaml

    try:
        if path.stat().st_size > MAX_BYTES:
            raise _refused("it is larger than 100 kB")
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, RecursionError, yaml.YAMLError) as error:
        raise _refused("it cannot be read as YAML") from error
    return recipe_from(values)


def recipe_from(values: Any) -> FamilyRecipe:
    """A checked recipe from parsed YAML or JSON.

    Raises:
        InputError: as `read_recipe`.
    """
    if not isinstance(values, dict):
        raise _refused("it is not a list of fields")
    for name in map(str, values):
        if name not in _FIELDS:
            raise _refused(f"the field {name[:40]!r} is not known")
    for name in _NEEDED:
        if name not in values:
            raise _refused(f"the field {name!r} is missing")
    recipe = FamilyRecipe(**{name: _value(name, value) for name, value in values.items()})
    if not _ID.match(recipe.id):
        raise _refused("the id must be 1 to 64 lower-case letters, digits, dots or dashes")
    if recipe.size % 8:
        raise _refused("the size must be a multiple of 8")
    if not recipe.channels or any(not 4 <= width <= 2048 for width in recipe.channels):
        raise _refused("channels must be one to many whole numbers from 4 to 2048")
    return dataclasses.replace(recipe, options=merged_options(recipe))


def merged_options(recipe: FamilyRecipe) -> dict[str, Any]:
    """The options of the recipe's family, those of the recipe over the defaults.

    Raises:
        InputError: for an option that the family does not have, or of another kind than its default.
    """
    known = trainer_module(recipe).DEFAULTS
    for name, value in recipe.options.items():
        if name not in known:
            raise _refused(f"{recipe.family} has no option {name[:40]!r} (it has {', '.join(sorted(known))})")
        if type(value) is not type(known[name]) and not (
            isinstance(known[name], float) and isinstance(value, int)
        ):
            raise _refused(f"the option {name!r} must be of the same kind as {known[name]!r}")
    return {**known, **recipe.options}


def trainer_module(recipe: FamilyRecipe) -> Any:
    """The module that trains this family: `DEFAULTS` and `build(recipe, about, device)`."""
    import importlib

    return importlib.import_module(f"lab.generators.training.families.{recipe.family}")


def _value(name: str, value: Any) -> Any:
    default = _FIELDS[name].default
    if name in _LISTS:
        given = [] if value in (None, "none") else [value] if isinstance(value, str) else value
        if not isinstance(given, list) or any(item not in _LISTS[name] for item in given):
            raise _refused(f"the field {name!r} takes any of {', '.join(_LISTS[name])}")
        return tuple(given)
    if name == "channels":
        if not isinstance(value, list) or any(type(item) is not int for item in value):
            raise _refused("the field 'channels' must be a list of whole numbers")
        return tuple(value)
    if name == "options":
        if not isinstance(value, dict):
            raise _refused("the field 'options' must give a value to each name")
        return {str(key): item for key, item in value.items()}
    return _plain(name, value, default)


def _plain(name: str, value: Any, default: Any) -> Any:
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise _refused(f"the field {name!r} must be true or false")
        return value
    if name in _RANGES:
        low, high = _RANGES[name]
        try:
            # YAML reads 4e-4 as text.
            number = float(value) if not isinstance(value, bool) else math.nan
        except (TypeError, ValueError):
            number = math.nan
        if not low <= number <= high or (isinstance(default, int) and number != int(number)):
            kind = "whole number" if isinstance(default, int) else "number"
            raise _refused(f"the field {name!r} must be a {kind} from {low:g} to {high:g}")
        return int(number) if isinstance(default, int) else number
    if not isinstance(value, str) or (name in _NEEDED and not value.strip()):
        raise _refused(f"the field {name!r} must be text")
    if name in _WORDS and value not in _WORDS[name]:
        raise _refused(f"the field {name!r} must be one of {', '.join(_WORDS[name])}")
    return value


def _refused(reason: str) -> InputError:
    return InputError(
        f"This training recipe was not taken because {reason}; nothing was started; correct the file."
    )
