"""The last few states of a training beside the running one, each of a contact sheet's step: the best can be chosen."""

from __future__ import annotations

from pathlib import Path

from lab.generators.training import checkpoint
from lab.generators.training.checkpoint import TrainingState

FOLDER = "kept"
COUNT = 3


def keep(state: TrainingState, place: Path, count: int = COUNT) -> Path:
    """Write the state under its step's number and let go of all but the newest `count`; returns the file.

    To export one, copy it over `train.safetensors`.
    """
    path = place / FOLDER / f"{state.step:07d}.safetensors"
    checkpoint.save(state, path)
    for old in sorted(path.parent.glob("*.safetensors"))[:-count]:
        old.unlink()
    return path
