"""The matrix of SkinGenBench: two pipelines by four sources make eight subsets; eight arms train on them.

Only the target class is topped up: the real images of an arm keep all classes, of a second subset the target class
alone is added. An arm is for training; it names no image of a held-out or test split.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lab.atomic import write_json
from lab.config import settings
from lab.errors import DatasetError, InputError, NotFoundError

PIPELINES = {"BS": "basic pipeline", "AD": "basic pipeline after hair removal"}
SOURCES = {"GT": "real", "GTA": "real, augmented", "GN": "GAN", "DF": "diffusion"}
SUBSETS = tuple(f"{pipeline}_{source}" for pipeline in PIPELINES for source in SOURCES)
_TOP_UP = {"1": None, "2": "GN", "3": "DF", "4": "GTA"}
ARMS: dict[str, tuple[str, ...]] = {
    f"{letter}{number}": (f"{pipeline}_GT", *([f"{pipeline}_{source}"] if source else []))
    for letter, pipeline in (("A", "BS"), ("B", "AD"))
    for number, source in _TOP_UP.items()
}
RECIPES = {"BS": "skin-a", "AD": "skin-b-9"}
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}\Z")


@dataclass(frozen=True)
class Matrix:
    """One comparison.

    Attributes:
        id: lower-case letters, digits and dashes.
        dataset: id of the dataset all of it comes from, as it was imported.
        target: the class that is topped up, such as "MEL".
        recipes: preprocessing recipe of each pipeline, by "BS" and "AD".
        references: dataset or sample set of each subset, by its name; absent ones are still to be made.
    """

    id: str
    dataset: str
    target: str
    recipes: Mapping[str, str] = field(default_factory=lambda: dict(RECIPES))
    references: Mapping[str, str] = field(default_factory=dict)

    def with_subset(self, subset: str, reference: str) -> Matrix:
        """The matrix with another reference for a subset; "" takes it out.

        Raises:
            InputError: for an unknown subset.
        """
        if subset not in SUBSETS:
            raise InputError(
                f"There is no subset of that name; nothing was changed; take {', '.join(SUBSETS)}."
            )
        kept = {name: one for name, one in self.references.items() if name != subset}
        return replace(self, references={**kept, **({subset: reference} if reference else {})})

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "id": self.id, "dataset": self.dataset, "target": self.target, "recipes": dict(self.recipes),
            "references": dict(self.references),
        }  # fmt: skip


def new_matrix(id: str, dataset: str, target: str, recipes: Mapping[str, str] | None = None) -> Matrix:
    """A matrix without subsets, its dataset, class and recipes checked.

    Raises:
        InputError: for a bad id, a class that the dataset does not have, or recipes of the wrong pipeline.
        NotFoundError: for an unknown dataset or recipe.
    """
    from lab.data.preprocess.presets import preset
    from lab.data.store import open_dataset

    if not _ID.match(id):
        raise InputError(
            "The id is not 1 to 40 lower-case letters, digits and dashes; nothing was kept; choose one such as skin."
        )
    classes = sorted(set(open_dataset(dataset).rows("train")["label"].astype(str)) - {""})
    if target not in classes:
        raise InputError(
            f"The dataset has no class of that name; nothing was kept; choose one of {', '.join(classes) or 'none'}."
        )
    chosen = {**RECIPES, **(recipes or {})}
    for pipeline, name in chosen.items():
        if pipeline not in PIPELINES or removes_hair(preset(name).recipe.as_json()) != (pipeline == "AD"):
            raise InputError(
                "BS takes a recipe without hair removal and AD one with it; nothing was kept; choose other recipes."
            )
    return Matrix(id, dataset, target, chosen)


def removes_hair(recipe: Mapping[str, Any]) -> bool:
    """Whether a preprocessing recipe, as its JSON, takes hair away: what tells AD from BS."""
    from lab.data.preprocess.steps.hair import RemoveHair

    hair = RemoveHair().name
    return any(step.get("step") == hair for step in recipe.get("steps", ()) if isinstance(step, Mapping))


def folder() -> Path:
    """Where the matrices of this workspace lie."""
    return settings().workspace / "arms"


def keep(matrix: Matrix) -> None:
    """Write a matrix into the workspace."""
    folder().mkdir(parents=True, exist_ok=True)
    write_json(folder() / f"{matrix.id}.json", matrix.to_json())


def list_matrices() -> list[Matrix]:
    """All readable matrices of the workspace, by id."""
    files = sorted(folder().glob("*.json")) if folder().is_dir() else []
    return [one for file in files if (one := _read(file)) is not None]


def get_matrix(id: str) -> Matrix:
    """The matrix of that id.

    Raises:
        NotFoundError: with the ids that exist.
        DatasetError: when its file is damaged.
    """
    file = folder() / f"{id}.json"
    if not _ID.match(id) or not file.is_file():
        known = ", ".join(one.id for one in list_matrices()) or "none yet"
        raise NotFoundError(f"There is no comparison of that id; nothing was changed; there are: {known}.")
    found = _read(file)
    if found is None:
        raise DatasetError("The file of this comparison is damaged; its sets are kept; make it again.")
    return found


def remove(id: str) -> None:
    """Forget a matrix; its datasets and sample sets are kept.

    Raises:
        NotFoundError: when there is none.
    """
    (folder() / f"{get_matrix(id).id}.json").unlink()


def _read(file: Path) -> Matrix | None:
    try:
        told = json.loads(file.read_text("utf-8"))
        recipes = {str(name): str(value) for name, value in told["recipes"].items()}
        references = {str(name): str(value) for name, value in told["references"].items() if name in SUBSETS}
        return Matrix(file.stem, str(told["dataset"]), str(told["target"]), recipes, references)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
