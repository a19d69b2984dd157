"""What a calibration is: reference distances, false alarms, canary rates; saved as arrays and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.atomic import read_array, write_array, write_json
from lab.errors import StoreError
from lab.neighbours.canaries import CanaryRate
from lab.neighbours.intervals import Share

FORMAT = 1


@dataclass(frozen=True)
class Calibration:
    """How near real patients come to each other, and how well planted copies are told from that.

    Args:
        digest: of everything it depends on; see `calibrate.calibration_digest`.
        extractor: id of the extractor of the cosine detector.
        n_reference, n_patients: training films, and their patients, behind `reference`.
        reference: by detector, every training film's distance to the nearest film of another patient,
            ascending.
        held_out: by detector, every held-out film's distance to the nearest training film.
        false_alarms, called_close: held-out films with verdict p <= 0.01 and p <= 0.05; None without
            held-out films.
        off_map: 99th percentile of the held-out feature distances; beyond it a map position means nothing.
        canaries: detection rates of planted copies.
    """

    digest: str
    extractor: str
    n_reference: int
    n_patients: int
    reference: Mapping[str, NDArray[np.float64]]
    held_out: Mapping[str, NDArray[np.float64]]
    false_alarms: Share | None
    called_close: Share | None
    off_map: float | None
    canaries: tuple[CanaryRate, ...]

    def to_dict(self) -> dict[str, Any]:
        """Everything but the distances, as JSON-able values; what pages print."""
        summary = {
            "format": FORMAT,
            "digest": self.digest,
            "extractor": self.extractor,
            "detectors": list(self.reference),
            "n_reference": self.n_reference,
            "n_patients": self.n_patients,
            "smallest_p": min(1.0, len(self.reference) / (self.n_reference + 1.0)),
            "false_alarms": _share(self.false_alarms),
            "called_close": _share(self.called_close),
            "off_map": self.off_map,
            "canaries": [
                {
                    "kind": rate.kind,
                    "found": _share(rate.found),
                    "by_detector": {name: _share(share) for name, share in rate.by_detector.items()},
                    "source_first": _share(rate.source_first),
                }
                for rate in self.canaries
            ],
        }
        return summary

    def save(self, folder: Path) -> Path:
        """Write into `folder`/<digest>, the JSON last, so that a cut write is never read."""
        target = folder / self.digest
        for kind, distances in (("reference", self.reference), ("held-out", self.held_out)):
            for name, values in distances.items():
                write_array(target / f"{kind}.{name}.npy", np.asarray(values, dtype=np.float64))
        write_json(target / "calibration.json", self.to_dict())
        return target


def load(folder: Path, digest: str) -> Calibration | None:
    """The calibration of that digest, or None where there is none.

    Raises:
        StoreError: when its files are damaged.
    """
    source = folder / digest
    if not (source / "calibration.json").is_file():
        return None
    try:
        told: dict[str, Any] = json.loads((source / "calibration.json").read_bytes())
        names = told["detectors"]
        reference = {name: np.array(read_array(source / f"reference.{name}.npy")) for name in names}
        held_out = {name: np.array(read_array(source / f"held-out.{name}.npy")) for name in names}
        rates = tuple(_rate(rate) for rate in told["canaries"])
        alarms, close = (
            Share(**_told(told[key])) if told[key] else None for key in ("false_alarms", "called_close")
        )
        if told["digest"] != digest or any(
            len(values) != told["n_reference"] for values in reference.values()
        ):
            raise ValueError("another calibration")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            "A stored calibration is damaged; the films are kept; remove it and calibrate again."
        ) from error
    return Calibration(
        digest,
        told["extractor"],
        told["n_reference"],
        told["n_patients"],
        reference,
        held_out,
        alarms,
        close,
        told["off_map"],
        rates,
    )


def _rate(told: dict[str, Any]) -> CanaryRate:
    return CanaryRate(
        told["kind"],
        Share(**_told(told["found"])),
        {name: Share(**_told(share)) for name, share in told["by_detector"].items()},
        Share(**_told(told["source_first"])),
    )


def _share(share: Share | None) -> dict[str, Any] | None:
    return None if share is None else asdict(share) | {"value": share.value}


def _told(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != "value"}
