"""Labels of a second task: another column of the real set's table, for cross-task utility."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from lab.runs.context import RunContext
from lab.runs.kinds.providers import Sets
from lab.runs.spec import Progress

if TYPE_CHECKING:
    import pandas as pd

    from lab.data.imageset import ImageSet

FEWEST, MOST_VALUES = 5, 12
# Columns that say where an image lies or who it is of, or that are the first task itself.
_NO_TASK = (
    "image_id", "digest", "path", "patient_id", "split", "label", "labels", "caption", "mask", "licence", "format",
    "width", "height", "channels", "bits",
)  # fmt: skip


def absent(real: str, synthetic: ImageSet, extractor: str) -> str:
    """Why no column can serve, as one sentence; "" where one can."""
    from lab.data.resolve import resolve

    if columns_for(resolve(real)):
        return ""
    return (
        f"No column of the real images' table has two values with {FEWEST} images each beside the label; add one, such "
        "as sex or view."
    )


def provide(ctx: RunContext, sets: Sets) -> Generator[Progress, None, dict[str, Any]]:
    """`task_labels` of training and held-out images from the chosen column; none where none was chosen.

    Numbers such as an age are parted at the median of the training images.
    """
    yield ctx.progress("Reading the second label", 0, 1)
    column = str(sets.settings.get("second_task", ""))
    if not column:
        return {}
    frames = {"real": sets.real.frame(), **({"held_out": sets.held_out.frame()} if sets.held_out else {})}
    return {"task_labels": task_labels(frames, column)}


def columns_for(real: ImageSet) -> list[str]:
    """Columns that can be a second task: two to twelve values of five images each, or numbers."""
    frame = real.frame()
    return [str(name) for name in frame.columns if name not in _NO_TASK and _serves(frame[name].astype(str))]


def task_labels(frames: dict[str, pd.DataFrame], column: str) -> dict[str, Any]:
    """Labels by side, (n,) text, "" where unknown; {} for a column that the training images lack."""
    import numpy as np
    import pandas as pd

    if column not in frames["real"].columns:
        return {}
    median = _median(frames["real"][column].astype(str))
    found: dict[str, Any] = {}
    for side, frame in frames.items():
        text = (
            frame[column].astype(str).str.strip() if column in frame.columns else pd.Series([""] * len(frame))
        )
        if median is not None:
            numbers = pd.to_numeric(text, errors="coerce")
            words = np.where(numbers > median, f"above {median:g}", f"up to {median:g}")
            found[side] = np.where(numbers.isna(), "", words).astype(str)
        else:
            found[side] = text.to_numpy(dtype=str)
    return found


def _serves(text: pd.Series) -> bool:
    if _median(text) is not None:
        return True
    counts = text.str.strip().replace("", None).dropna().value_counts()
    return 2 <= len(counts) <= MOST_VALUES and int((counts >= FEWEST).sum()) >= 2


def _median(text: pd.Series) -> float | None:
    """The median of a column of many different numbers; None for another."""
    import pandas as pd

    told = text.str.strip().replace("", None).dropna()
    numbers = pd.to_numeric(told, errors="coerce").dropna()
    many = len(numbers) >= 2 * FEWEST and len(numbers) >= 0.9 * len(told) and numbers.nunique() > MOST_VALUES
    return float(numbers.median()) if many else None
