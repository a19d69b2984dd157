"""The pictures of the skin's realism gate: two halves of a real set and phantoms, all with the same mix of classes."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lab.data.images import decode
from lab.data.pixels import resize
from lab.errors import DatasetError
from lab.gates.realism_films import Tick
from lab.metrics.patients import balanced_draw
from lab.provenance import code_digest, digest_file, digest_json

SET = "derm_ham"
REAL_LABELS = {"NV": "nv", "BCC": "bcc", "BKL": "bkl", "MEL": "mel", "SCC": "akiec"}
RENDERED = 192
GIVE = f"name a folder that holds {SET} with --films or LAB_TEST_DATA"
Images = NDArray[np.uint8]
Names = NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures of one set, one of each patient.

    Attributes:
        images: (n, size, size, 3) uint8.
        patients, labels: (n,) names; labels are those of the phantoms.
        digest: of the files used, or of renderer and recipes.
        seconds: CPU seconds that rendering took; 0 for real pictures.
    """

    images: Images
    patients: Names
    labels: Names
    digest: str
    seconds: float = 0.0

    @property
    def n(self) -> int:
        """Number of pictures."""
        return len(self.images)

    def only(self, label: str) -> Pictures:
        """The pictures of one class."""
        return self.taken(self.labels == label)

    def taken(self, which: NDArray[np.bool_]) -> Pictures:
        """Some of the pictures, by (n,) bool."""
        return Pictures(
            self.images[which], self.patients[which], self.labels[which], self.digest, self.seconds
        )


def counts_of(n: int) -> dict[str, int]:
    """How many of `n` pictures each class gets: the phantoms' own shares, rounded to add up to `n`."""
    from lab.data.phantom_skin.classes import LABELS, SHARES

    exact = np.asarray(SHARES) * n
    counts = np.floor(exact).astype(int)
    for place in np.argsort(counts - exact, kind="stable")[: n - int(counts.sum())]:
        counts[place] += 1
    return {label: int(count) for label, count in zip(LABELS, counts, strict=True)}


def skin_folder(given: Path | None) -> Path:
    """The folder of the real set: below the one given, else below the one that LAB_TEST_DATA names.

    Raises:
        DatasetError: when it is not there.
    """
    named = str(given) if given is not None else os.environ.get("LAB_TEST_DATA", "")
    if not named or not (Path(named) / SET).is_dir():
        raise DatasetError(f"There are no real skin pictures to compare with; nothing was measured; {GIVE}.")
    return Path(named) / SET


def real_halves(folder: Path, n: int, size: int, seed: int) -> tuple[Pictures, Pictures]:
    """Two disjoint sets of `n` real pictures with the phantoms' mix of classes, one picture of each lesion.

    Actinic keratosis / intraepithelial carcinoma stands for SCC; vascular lesions and dermatofibroma are left out.
    Pictures are reduced by area averages.

    Raises:
        DatasetError: when the table or a file cannot be read, or the set has too few pictures of a class.
    """
    table = _table(folder)
    rng = np.random.default_rng(seed)
    halves: tuple[list[pd.DataFrame], list[pd.DataFrame]] = ([], [])
    for label, count in counts_of(n).items():
        rows = table[table["label"] == REAL_LABELS[label]]
        if rows["patient_id"].nunique() < 2 * count:
            raise DatasetError(
                f"The set {SET} has fewer than {2 * count} lesions of class {label}; nothing was measured; "
                f"ask for fewer pictures."
            )
        drawn = balanced_draw(rows["patient_id"].to_numpy(dtype=str), 2 * count, rng)
        order = rng.permutation(drawn)
        halves[0].append(rows.iloc[order[:count]].assign(label=label))
        halves[1].append(rows.iloc[order[count:]].assign(label=label))
    return _read(folder, pd.concat(halves[0]), size), _read(folder, pd.concat(halves[1]), size)


def skin_phantoms(n: int, size: int, seed: int, tick: Tick) -> Pictures:
    """Render film 0 of the first patients of a seed until each class has its share of `n`.

    Raises:
        DatasetError: when a class is so rare that 12 x `n` patients do not give its share.
    """
    from lab.data.phantom_skin import SkinRecipe, render
    from lab.data.phantom_skin.plan import draw_patient

    wanted = counts_of(n)
    images: list[Images] = []
    patients: list[str] = []
    labels: list[str] = []
    seconds = 0.0
    for person in range(12 * n):
        if len(images) == n:
            break
        label = draw_patient(seed, person).labels[0]
        if labels.count(label) == wanted[label]:
            continue
        start = time.process_time()
        picture = render(SkinRecipe(seed, person, 0), RENDERED)
        seconds += time.process_time() - start
        images.append(resize(picture.image, size, "box"))
        patients.append(picture.record["patient_id"])
        labels.append(label)
        tick("Phantom pictures rendered", len(images), n)
    if len(images) < n:
        raise DatasetError(
            f"Only {len(images)} phantom pictures of the right classes were found; nothing was measured; "
            "restore the renderer."
        )
    digest = digest_json([code_digest(["lab.data.phantom_skin"]), seed, n])
    return Pictures(np.stack(images), np.asarray(patients), np.asarray(labels), digest, seconds)


def _table(folder: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(folder / "metadata.csv", dtype=str, keep_default_na=False)
        return table[table["label"].isin(REAL_LABELS.values()) & (table["patient_id"] != "")]
    except (OSError, ValueError, KeyError) as error:
        raise DatasetError(
            f"The set {SET} has no readable metadata.csv with label and patient_id; nothing was measured; {GIVE}."
        ) from error


def _read(folder: Path, table: pd.DataFrame, size: int) -> Pictures:
    try:
        images = [decode((folder / name).read_bytes(), name=Path(name).name).array for name in table["image"]]
        digest = digest_json([[name, digest_file(folder / name)] for name in table["image"]])
    except OSError as error:
        raise DatasetError(
            f"A file that the set {SET} names is missing; nothing was measured; {GIVE}."
        ) from error
    small = np.stack([np.asarray(resize(image, size, "box"), np.uint8) for image in images])
    names = table["patient_id"].to_numpy(dtype=str)
    return Pictures(small, names, table["label"].to_numpy(dtype=str), digest)
