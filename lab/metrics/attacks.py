"""Membership attacks as metrics: how well scores tell training images from held-out ones, told as an area."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lab.metrics.comparison import Measurement
from lab.metrics.points import Points

if TYPE_CHECKING:
    from lab.leakage.roc import Roc

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
CORNERS = 200


@dataclass(frozen=True, eq=False)
class Attack:
    """Scores of both sides, higher for what looks like a member.

    Args:
        members: (n,) of training images.
        others: (h,) of the held-out images in `rows`.
        rows: (h,) rows of the held-out points that were attacked.
    """

    members: Floats
    others: Floats
    rows: IntArray


def area_of(attack: Attack, real: Points, held_out: Points, seed: int) -> Roc:
    """The curve of an attack, with intervals by patient."""
    from lab.leakage.roc import roc_of

    return roc_of(attack.members, attack.others, real.patients, held_out.patients[attack.rows], seed)


def attack_measurement(
    main: Roc, control: Roc, more: Mapping[str, Roc] | None = None, note: str = ""
) -> Measurement:
    """The area under the curve beside that of an attack on real images that play the samples.

    Args:
        main: the attack with the samples.
        control: the same with held-out images in their place: nobody is a member there.
        more: further curves by name, for the details.
        note: told with the number.
    """
    curves = {"": main, **(more or {})}
    rates = {f"{name} {title}".strip(): value for name, roc in curves.items() for title, value in _rates(roc)}
    details = {
        "roc": curve(main),
        "table": [{"attack": name or "plain", **_told(roc)} for name, roc in curves.items()],
        "rates": rates,
    }
    hidden = [] if main.others >= 1000 else [_HIDDEN[main.others < 100].format(main.others)]
    return Measurement(
        value=main.area, low=main.low, high=main.high, control=control.area, control_low=control.low,
        control_high=control.high, floor=control.area, floor_low=control.low, floor_high=control.high,
        floor_n=control.others, note=" ".join(filter(None, [note, *hidden])), details=details,
    )  # fmt: skip


_HIDDEN = {
    False: "The rate at 0.1 % false alarms is not told: it takes 1,000 held-out images, and there are {}.",
    True: "Rates at few false alarms are not told: they take 100 held-out images or more, and there are {}.",
}


def curve(roc: Roc) -> dict[str, Any]:
    """A curve as plain JSON, at most 200 corners."""
    kept = np.unique(np.linspace(0, len(roc.fpr) - 1, CORNERS).round().astype(np.int64))
    return {
        "false_positive": [round(float(value), 5) for value in roc.fpr[kept]],
        "true_positive": [round(float(value), 5) for value in roc.tpr[kept]],
        "auc": roc.area, "low": roc.low, "high": roc.high,
        "members": roc.members, "others": roc.others,
        "member_patients": roc.member_patients, "other_patients": roc.other_patients,
    }  # fmt: skip


def _rates(roc: Roc) -> list[tuple[str, dict[str, float]]]:
    return [
        (f"TPR at {rate.fpr:.1%} FPR", {"value": rate.value, "low": rate.low, "high": rate.high})
        for rate in roc.rates
    ]


def _told(roc: Roc) -> dict[str, Any]:
    """One row of the table: area, balanced accuracy and rates with their intervals."""
    row: dict[str, Any] = {"auc": _triple(roc.area, roc.low, roc.high)}
    row["balanced accuracy"] = _triple(roc.accuracy, roc.accuracy_low, roc.accuracy_high)
    return row | {title: _triple(rate["value"], rate["low"], rate["high"]) for title, rate in _rates(roc)}


def _triple(value: float, low: float, high: float) -> str:
    return f"{value:.3f} ({low:.3f} to {high:.3f})"
