"""The output filter: samples that the detectors call near-copies are not passed on. What is left, and is it safe?

A filter sees what its detectors see: a copy that they miss passes, so what is left is measured again by a number that
does not come from the verdict.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.neighbours.intervals import Share, wilson
from lab.neighbours.verdict import NEAR_COPY

MEASURED = ("closer-to-training", "kernel-distance", "coverage")


@dataclass(frozen=True, eq=False)
class Filtered:
    """What an output filter leaves of a set.

    Attributes:
        kept: (n,) True where a sample passes.
        dropped: share that does not, with its interval.
        exposed: distinct training films that a dropped sample had first.
    """

    kept: NDArray[np.bool_]
    dropped: Share
    exposed: int


def filtered(table: pd.DataFrame) -> Filtered:
    """Drop the near-copies of an audited set.

    Args:
        table: of the `audit` run, one row a sample, with `label` and `first`.

    Raises:
        NotComputable: for a set that was judged without a calibration, or no sample.
    """
    if not len(table) or not set(table["label"]) - {"no verdict"}:
        raise NotComputable(
            "These samples have no verdict, so there is nothing to filter by; calibrate the dataset and audit again."
        )
    kept = np.asarray(table["label"] != NEAR_COPY, dtype=bool)
    return Filtered(kept, wilson(int((~kept).sum()), len(kept)), int(table.loc[~kept, "first"].nunique()))
