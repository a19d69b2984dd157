"""What the `medmnist` package says about its sets: read from its text, so that neither it nor torch is loaded."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from lab.errors import DatasetError, InputError, NotFoundError

SIZES = (28, 64, 128, 224)
SIZES_3D = (28, 64)
MODALITIES: Mapping[str, str] = {
    "pathmnist": "histology", "chestmnist": "chest radiograph", "dermamnist": "dermoscopy", "octmnist": "retinal OCT",
    "pneumoniamnist": "chest radiograph", "retinamnist": "fundus photograph", "breastmnist": "breast ultrasound",
    "bloodmnist": "blood cell microscopy", "tissuemnist": "kidney cell microscopy", "organamnist": "abdominal CT",
    "organcmnist": "abdominal CT", "organsmnist": "abdominal CT", "organmnist3d": "abdominal CT",
    "nodulemnist3d": "chest CT", "adrenalmnist3d": "abdominal CT", "fracturemnist3d": "chest CT",
    "vesselmnist3d": "brain MR angiography", "synapsemnist3d": "electron microscopy",
}  # fmt: skip


@lru_cache(maxsize=1)
def medmnist_info() -> Mapping[str, Mapping[str, Any]]:
    """The package's INFO by name of the set; empty where the package is not installed.

    The package is looked at and not imported: importing it loads torch and makes a folder in the home directory.
    """
    spec = importlib.util.find_spec("medmnist")
    if spec is None or spec.origin is None:
        return {}
    text = (Path(spec.origin).parent / "info.py").read_text("utf-8")
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and any(getattr(name, "id", "") == "INFO" for name in node.targets):
            found: Mapping[str, Mapping[str, Any]] = ast.literal_eval(node.value)
            return found
    return {}


def set_and_size(name: str) -> tuple[str, int] | None:
    """The set and edge length in a file name such as "pathmnist_64.npz"; None for another name."""
    flag, _, size = name.removesuffix(".npz").partition("_")
    if not name.endswith(".npz") or flag not in medmnist_info() or (size and not size.isdecimal()):
        return None
    return flag, int(size or 28)


def check_set(flag: str, size: int) -> None:
    """Refuse a set or size that does not exist.

    Raises:
        DatasetError: when the package is not installed.
        NotFoundError: for an unknown set.
        InputError: for a size it does not come in.
    """
    known = medmnist_info()
    if not known:
        raise DatasetError(
            "The package medmnist is not installed; nothing was imported; install it with pip."
        )
    if flag not in known:
        raise NotFoundError(
            f"There is no MedMNIST set of that name; nothing was imported; choose one of: {', '.join(known)}."
        )
    sizes = SIZES_3D if flag.endswith("3d") else SIZES
    if size not in sizes:
        raise InputError(f"That set comes in sizes of {', '.join(map(str, sizes))} px; nothing was imported.")


def file_name(flag: str, size: int) -> str:
    """The official file name of a set."""
    return f"{flag}.npz" if size == 28 else f"{flag}_{size}.npz"
