"""How near the phantom hearts come to real ones: a yardstick whose unit is the distance between two real sets.

Sets: cmr_acdc (75 patients) and cmr_sunnybrook (34), all their pictures, every patient counting alike
(`realism_heart_distance`); phantoms: 100 patients, slices chosen by the rule by which those of cmr_acdc were, at the
size they are rendered at. Crop, reduction and window are the same for all and are told in `realism_heart_pictures`.

Gate: the larger of the distances to the two real sets is at most twice the distance between them, by EfficientNet-Lite0
(crops enlarged to 224 px, bicubic, as everywhere in this program) and by oriented scattering (`realism_texture`).
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lab.features.extractors import get_extractor
from lab.gates.realism_distance import embed
from lab.gates.realism_figures import farther, interval, told
from lab.gates.realism_films import Tick, real_folder
from lab.gates.realism_heart_anatomy import MEASURES, measured, slopes
from lab.gates.realism_heart_distance import patient_distance
from lab.gates.realism_heart_pictures import RENDERER, Hearts, phantom_hearts, real_hearts
from lab.gates.realism_texture import describe, standardised, texture_digest
from lab.gates.report import Figure, GateReport
from lab.metrics.patients import group_count
from lab.provenance import code_digest

Floats = NDArray[np.float64]
SETS = ("cmr_acdc", "cmr_sunnybrook")
PHANTOMS = "phantoms"
PATIENTS, PHANTOM_SEED = 100, 31
LIMIT = 2.0
TENTHS = (10.0, 90.0)
COMMAND = "python -m lab phantoms --realism --family phantom-cmr --write"
NETWORK, TEXTURE = "EfficientNet-Lite0", "oriented scattering"


def sets_of(folder: Path | None, patients: int, tick: Tick) -> dict[str, Hearts]:
    """Read the real pictures and render the phantoms: "cmr_acdc", "cmr_sunnybrook" and "phantoms".

    Args:
        folder: that holds the real sets; None takes LAB_TEST_DATA.
        patients: at most so many of each set.

    Raises:
        DatasetError: when real pictures are missing.
    """
    place = real_folder(folder)
    found = {name: real_hearts(place / name, patients, tick) for name in SETS}
    return {**found, PHANTOMS: phantom_hearts(patients, PHANTOM_SEED, tick)}


def measure_heart(folder: Path | None, tick: Tick, patients: int = PATIENTS) -> GateReport:
    """Measure the gate on the sets of a folder.

    Raises:
        DatasetError: when real pictures are missing.
        NotComputable: when a set has fewer than 20 patients.
        WeightsError: when the extractor's weights are missing.
    """
    return report_of(sets_of(folder, patients, tick), tick)


def report_of(sets: dict[str, Hearts], tick: Tick) -> GateReport:
    """The report of sets that are already at hand; errors as `measure_heart`."""
    start = time.monotonic()
    figures: list[Figure] = []
    for extractor, features in features_of(sets, tick).items():
        figures += distances(features, {name: found.patients for name, found in sets.items()}, extractor)
    figures += proportions(sets[SETS[0]], sets[SETS[1]], sets[PHANTOMS])
    phantoms = sets[PHANTOMS]
    each = phantoms.seconds / max(phantoms.n, 1)
    note = f"{1 / each:.0f} pictures a CPU second, one core" if each else ""
    figures.append(
        Figure("CPU time to render a picture of 160 px", 1000 * each, unit="ms", n=phantoms.n, note=note)
    )
    return GateReport(
        id="realism",
        subject="phantom-cmr",
        title="Phantom hearts beside real ones, in units of the distance between two real sets",
        command=COMMAND,
        inputs={name: found.digest for name, found in sets.items()}
        | {"renderer": code_digest([RENDERER]), NETWORK: get_extractor().digest, TEXTURE: texture_digest()},
        seconds=round(time.monotonic() - start + phantoms.seconds, 1),
        figures=tuple(figures),
        details={
            "pictures": {name: found.n for name, found in sets.items()},
            "patients": {name: len(np.unique(found.patients)) for name, found in sets.items()},
        },
    )


def features_of(sets: dict[str, Hearts], tick: Tick) -> dict[str, dict[str, Floats]]:
    """Features of every set by both extractors; the texture's are put on the scale of the real sets."""
    network = {name: embed(found.images, name, tick) for name, found in sets.items()}
    texture = standardised({name: describe(found.images) for name, found in sets.items()}, SETS)
    return {NETWORK: network, TEXTURE: texture}


def distances(
    features: dict[str, Floats],
    patients: dict[str, NDArray[np.str_]],
    extractor: str,
    subject: str = PHANTOMS,
) -> list[Figure]:
    """Kernel distances x 1000 of a set to both real ones and between those, and the gate.

    Raises:
        NotComputable: when a set has fewer than 20 patients.
    """
    fewest = min(len(np.unique(patients[name])) for name in (*SETS, subject))
    groups = group_count(fewest)
    first, second, judged = ((features[name], patients[name]) for name in (*SETS, subject))
    found = [patient_distance(a, b, groups) for a, b in ((judged, first), (judged, second), (first, second))]
    names = (f"{subject} to {SETS[0]}", f"{subject} to {SETS[1]}", f"{SETS[0]} to {SETS[1]}")
    listed = [told(*item, extractor, fewest) for item in zip(found, names, strict=True)]
    gate = farther((found[0], found[1]), found[2], extractor, LIMIT, fewest, "pictures")
    return [*listed, gate]


def proportions(acdc: Hearts, sunnybrook: Hearts, phantoms: Hearts) -> list[Figure]:
    """The phantoms' means; each has to lie in the 10-90 % of the patients of cmr_acdc, which has the same groups."""
    figures = []
    for name, measure in (*MEASURES, ("Spectrum slope of the crop", None)):
        sets = [slopes(s) if measure is None else measured(s, measure) for s in (phantoms, acdc, sunnybrook)]
        here, there, other = sets
        low, high = (float(v) for v in np.percentile(there, TENTHS))
        mean = float(here.mean())
        error = float(here.std(ddof=1) / np.sqrt(len(here)))
        beside = f"cmr_acdc {there.mean():.3g}, SD {there.std():.2g}; phantoms' SD {here.std():.2g}"
        beside += f"; cmr_sunnybrook {other.mean():.3g}" if len(other) else ""
        ends = interval(mean, error)
        figures.append(
            Figure(f"{name}, not below 10 % of real", mean, *ends, low, ">=", n=len(here), note=beside)
        )
        figures.append(
            Figure(f"{name}, not above 90 % of real", mean, *ends, high, "<=", n=len(here), note=beside)
        )
    return figures
