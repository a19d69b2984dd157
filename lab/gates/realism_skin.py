"""How near the phantom skin pictures come to real ones, in units of the distance between real diagnoses.

Pictures: two disjoint halves of derm_ham, 300 each, and 300 phantoms, all with the phantoms' mix of classes (35 % NV,
20 % BCC, 18 % BKL, 17 % MEL, 10 % SCC, for which derm_ham has actinic keratosis / intraepithelial carcinoma); one
picture of each lesion or patient. Everything is reduced by area averages to 128 px (real from 224, phantoms from 192).

Unit: the two halves come from one set, so the distance between them is 0 but for chance, and nothing can be divided by
it; it is told beside the rest, as the floor. The unit is instead the mean kernel distance between two classes of the
real set, over all ten pairs: a change that a dermatologist sees and a classifier learns. It is a generous unit. Part of
it is cameras, since the nevi of derm_ham come mostly from another clinic than its cancers; without the pairs that a
nevus is in it is a third to nearly a half smaller, and that ratio is told as well. A ratio of 1 says that phantoms
differ from real pictures as much as one real diagnosis, with its clinic, from another; the floor would be 0. The
renderer's colours were set with pictures of this set in view, so this is no test on unseen clinics.

Gate: the farther half lies at most twice the unit from the phantoms, for each of four extractors: EfficientNet-Lite0
and -Lite2, colour and texture descriptors, and oriented scattering (the last two have nothing learnt in them). Drawn
ellipses of the right colours on flat skin miss it (13, 13, 2.9 and 7.5 times the unit for 120 pictures), as tests show;
phantoms stand at 1.2, 1.2, 0.3 and 0.5. Classes are measured alike, each against all real pictures of its class drawn
here; those figures are told, not gated, since a class has as few as 30 pictures.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lab.data.phantom_families import DERM
from lab.gates.realism_distance import Distance, distance, set_points, times_real
from lab.gates.realism_figures import counts, told
from lab.gates.realism_films import Tick
from lab.gates.realism_skin_features import feature_digests, features_of
from lab.gates.realism_skin_pictures import Pictures, real_halves, skin_folder, skin_phantoms
from lab.gates.report import Figure, GateReport
from lab.metrics.patients import MINIMUM_PATIENTS, Z95, jackknife_error

Floats = NDArray[np.float64]
PICTURES, SIZE, PHANTOM_SEED, DRAW_SEED = 300, 128, 19, 0
LIMIT = 2.0
HALVES = ("first half", "second half")
PHANTOMS, COMMONEST = "phantoms", "NV"
COMMAND = "python -m lab phantoms --realism --family phantom-derm --write"


@dataclass(frozen=True, eq=False)
class SkinPictures:
    """All pictures that are compared."""

    halves: tuple[Pictures, Pictures]
    phantoms: Pictures

    @property
    def by_set(self) -> dict[str, Pictures]:
        """The three sets by name."""
        return {HALVES[0]: self.halves[0], HALVES[1]: self.halves[1], PHANTOMS: self.phantoms}


def pictures_of(folder: Path | None, n: int, tick: Tick) -> SkinPictures:
    """Draw the real halves and render the phantoms, `n` each.

    Args:
        folder: that holds derm_ham; None takes LAB_TEST_DATA.

    Raises:
        DatasetError: when real pictures are missing or too few.
    """
    halves = real_halves(skin_folder(folder), n, SIZE, DRAW_SEED)
    return SkinPictures(halves, skin_phantoms(n, SIZE, PHANTOM_SEED, tick))


def measure_skin(folder: Path | None, tick: Tick) -> GateReport:
    """Measure the gate on real pictures below `folder` (None: LAB_TEST_DATA).

    Raises:
        DatasetError: when real pictures are missing or too few.
        WeightsError: when an extractor's weights are missing.
    """
    return measure(pictures_of(folder, PICTURES, tick), tick)


def measure(pictures: SkinPictures, tick: Tick) -> GateReport:
    """Measure the gate on pictures already drawn.

    Raises:
        NotComputable: when a set has fewer than 20 patients.
        WeightsError: when an extractor's weights are missing.
    """
    start = time.monotonic()
    sets = pictures.by_set
    features = features_of({name: found.images for name, found in sets.items()}, HALVES, tick)
    figures: list[Figure] = []
    pairs: dict[str, dict[str, float]] = {}
    for extractor, values in features.items():
        told, between = distances(values, sets, extractor)
        figures += told
        pairs[extractor] = between
    phantoms = pictures.phantoms
    each = phantoms.seconds / max(phantoms.n, 1)
    figures.append(Figure("CPU time to render a picture of 192 px", each, unit="s", n=phantoms.n))
    return GateReport(
        id="realism",
        subject="phantom-derm",
        title="Phantom skin pictures beside real ones, in units of the distance between real diagnoses",
        command=COMMAND,
        inputs={name: found.digest for name, found in sets.items()}
        | feature_digests()
        | {"renderer": DERM.digest},
        seconds=round(time.monotonic() - start + phantoms.seconds, 1),
        figures=tuple(figures),
        details={
            "pictures": {name: counts(found.labels) for name, found in sets.items()},
            "KD x 1000 between real classes": pairs,
        },
    )


def distances(
    features: dict[str, Floats], sets: dict[str, Pictures], extractor: str
) -> tuple[list[Figure], dict[str, float]]:
    """Kernel distances x 1000 of `PHANTOMS` to the halves, of the halves, of classes, and the gate.

    Args:
        features: set to (n, d); `sets` the same names to the pictures.

    Returns:
        the figures, and pair of real classes to their distance.
    """
    points = set_points(features, {name: found.patients for name, found in sets.items()}, DRAW_SEED)
    halves = (distance(points[HALVES[0]], points[PHANTOMS]), distance(points[HALVES[1]], points[PHANTOMS]))
    floor = distance(points[HALVES[0]], points[HALVES[1]])
    pairs = class_pairs(features, sets)
    unit, plain = (
        mean_of(list(pairs.values())),
        mean_of([d for pair, d in pairs.items() if COMMONEST not in pair]),
    )
    n = points[PHANTOMS].n
    figures = [
        told(halves[0], f"{PHANTOMS} to the {HALVES[0]}", extractor, n),
        told(halves[1], f"{PHANTOMS} to the {HALVES[1]}", extractor, n),
        told(floor, "between the halves, the floor", extractor, n),
        told(unit, "between two real classes, mean of all pairs, the unit", extractor, 2 * n),
        _times(
            halves, unit, f"Farther half, times the distance between real classes ({extractor})", n, LIMIT
        ),
        _times(halves, plain, f"Farther half, times that distance without pairs of a nevus ({extractor})", n),
    ]
    for label, found in class_distances(features, sets).items():
        many = int((sets[PHANTOMS].labels == label).sum())
        name = f"{label}, times the distance between real classes ({extractor})"
        figures.append(_times((found,), unit, name, many, note=f"KD x 1000 {found.value:.3g}"))
    return figures, {" and ".join(pair): round(found.value, 2) for pair, found in pairs.items()}


def class_pairs(features: dict[str, Floats], sets: dict[str, Pictures]) -> dict[tuple[str, str], Distance]:
    """The distance of every two classes of the real set; a class with fewer than 20 pictures is left out."""
    values, labels, patients = _real(features, sets)
    names = [label for label in dict.fromkeys(labels) if (labels == label).sum() >= MINIMUM_PATIENTS]
    points = set_points(
        {label: values[labels == label] for label in names},
        {label: patients[labels == label] for label in names},
        DRAW_SEED,
    )
    return {(a, b): distance(points[a], points[b]) for a, b in itertools.combinations(names, 2)}


def class_distances(features: dict[str, Floats], sets: dict[str, Pictures]) -> dict[str, Distance]:
    """The distance of each class from phantom to real; a class with fewer than 20 pictures is left out."""
    values, labels, patients = _real(features, sets)
    ghosts = sets[PHANTOMS]
    found = {}
    for label in dict.fromkeys(labels):
        real, mine = labels == label, ghosts.labels == label
        if min(real.sum(), mine.sum()) < MINIMUM_PATIENTS:
            continue
        pair = set_points(
            {"real": values[real], "phantom": features[PHANTOMS][mine]},
            {"real": patients[real], "phantom": ghosts.patients[mine]},
            DRAW_SEED,
        )
        found[str(label)] = distance(pair["real"], pair["phantom"])
    return found


def mean_of(found: list[Distance]) -> Distance:
    """The mean of distances that leave out the same groups, with its error."""
    deleted = np.mean([one.deleted for one in found], axis=0)
    return Distance(float(np.mean([one.value for one in found])), jackknife_error(deleted), deleted)


def _real(
    features: dict[str, Floats], sets: dict[str, Pictures]
) -> tuple[Floats, NDArray[np.str_], NDArray[np.str_]]:
    return (
        np.concatenate([features[name] for name in HALVES]),
        np.concatenate([sets[name].labels for name in HALVES]),
        np.concatenate([sets[name].patients for name in HALVES]),
    )


def _times(
    subject: tuple[Distance, ...],
    unit: Distance,
    name: str,
    n: int,
    limit: float | None = None,
    note: str = "",
) -> Figure:
    ratio = _ratio(subject, unit)
    if ratio is None:
        note = "the real classes are no farther apart than chance; take more pictures"
        return Figure(name, None, limit=limit, side="<=", note=note)
    value, half = ratio
    return Figure(name, value, value - half, value + half, limit, "<=", n=n, note=note)


def _ratio(subject: tuple[Distance, ...], unit: Distance) -> tuple[float, float] | None:
    """The ratio and half its 95 % interval; None where the unit is not above 0.

    Where both have equally many patient groups the same are left out above and below the line; else the errors are
    taken as independent.
    """
    if unit.value <= 0 or (unit.deleted <= 0).any():
        return None
    if len(unit.deleted) == len(subject[0].deleted):
        paired = times_real(subject, unit)
        return None if paired is None else (paired.value, Z95 * paired.error)
    largest = max(subject, key=lambda found: found.value)
    value = largest.value / unit.value
    error = np.hypot(largest.error / unit.value, value * unit.error / unit.value)
    return value, float(Z95 * error)
