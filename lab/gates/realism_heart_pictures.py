"""The pictures of the heart's realism gate: real short-axis slices and phantoms, cropped and reduced alike.

One rule for all. The crop is a square about the middle of the left ventricle (myocardium and cavity of the mask; the
yardstick has no mask of the right one), its side `MARGIN` times the largest extent of the left ventricle in any picture
of that patient: so a slice near the apex shows a small heart, as it does on the screen, and no set is favoured by its
field of view, which differs between the sets and is not known in millimetres. What lies outside the picture is black.
The crop is reduced to `SMALL` px by area averages (Pillow's BOX) and its percentiles 1 and 99 become black and white:
the two real sets were windowed differently when they were published.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lab.data.images import decode
from lab.data.pixels import resize, to_grey8
from lab.errors import DatasetError
from lab.gates.realism_films import Tick, names_of
from lab.provenance import code_digest, digest_file, digest_json

MARGIN, SMALL = 2.2, 64
RV, MYOCARDIUM, LV = 1, 2, 3
WINDOW = (1.0, 99.0)
SLICES = 4
RENDERER = "lab.data.phantom_heart"
GIVE = "name a folder that holds cmr_acdc and cmr_sunnybrook with --films or LAB_TEST_DATA"
Grey = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Hearts:
    """Pictures of one set.

    Attributes:
        images: (n, SMALL, SMALL) uint8, cropped, reduced and windowed.
        patients: (n,) names.
        whole, masks: n whole pictures and label masks, each (H, W) uint8, as they came.
        digest: of the files used, or of the recipes and the renderer.
        seconds: CPU seconds that rendering took; 0 for real pictures.
    """

    images: Grey
    patients: NDArray[np.str_]
    whole: tuple[Grey, ...]
    masks: tuple[Grey, ...]
    digest: str
    seconds: float = 0.0

    @property
    def n(self) -> int:
        """Number of pictures."""
        return len(self.images)


def extent(mask: Grey) -> float:
    """The longer side (px) of the box around the left ventricle, cavity and wall; 0 where there is none."""
    rows, columns = np.nonzero(mask >= MYOCARDIUM)
    return float(max(np.ptp(rows), np.ptp(columns)) + 1) if len(rows) else 0.0


def cropped(image: Grey, mask: Grey, side: float, size: int = SMALL) -> Grey:
    """The square about the left ventricle, reduced and windowed.

    Args:
        image, mask: (H, W) uint8; the mask holds a left ventricle.
        side: px of the crop's side.
        size: px it is reduced to.
    """
    rows, columns = np.nonzero(mask >= MYOCARDIUM)
    middle = (0.5 * (rows.min() + rows.max() + 1), 0.5 * (columns.min() + columns.max() + 1))
    width = max(2, round(side))
    top, left = (round(place - width / 2) for place in middle)
    pad = width
    padded = np.pad(image, pad)
    square = padded[top + pad : top + pad + width, left + pad : left + pad + width]
    small = resize(np.ascontiguousarray(square), size, "box").astype(np.float64)
    low, high = np.percentile(small, WINDOW)
    return np.clip(np.rint((small - low) * (255 / max(high - low, 1.0))), 0, 255).astype(np.uint8)


def hearts_of(
    whole: list[Grey], masks: list[Grey], patients: NDArray[np.str_], digest: str, seconds: float = 0.0
) -> Hearts:
    """Pictures with their masks, cropped by the rule above; pictures without a left ventricle are left out."""
    sizes = np.asarray([extent(mask) for mask in masks])
    kept = np.flatnonzero(sizes > 0)
    images = []
    for row in kept:
        side = MARGIN * sizes[patients == patients[row]].max()
        images.append(cropped(whole[row], masks[row], side))
    return Hearts(
        np.stack(images),
        patients[kept],
        tuple(whole[row] for row in kept),
        tuple(masks[row] for row in kept),
        digest,
        seconds,
    )


def real_hearts(folder: Path, patients: int, tick: Tick) -> Hearts:
    """Every picture of the first `patients` patients, in an order drawn by a fixed seed.

    Args:
        folder: with metadata.csv (image, mask, patient_id) and the files it names.

    Raises:
        DatasetError: when the table or a file cannot be read, or no picture is left.
    """
    try:
        table = pd.read_csv(folder / "metadata.csv", dtype=str, keep_default_na=False)
        table = table[(table["mask"] != "") & (table["patient_id"] != "")]
        names = np.unique(table["patient_id"].to_numpy(dtype=str))
        chosen = np.random.default_rng(0).permutation(names)[:patients]
        table = table[table["patient_id"].isin(chosen)]
        whole: list[Grey] = []
        masks: list[Grey] = []
        used = []
        for number, row in enumerate(table.itertuples()):
            for name, found in ((str(row.image), whole), (str(row.mask), masks)):
                found.append(to_grey8(decode((folder / name).read_bytes(), name=name).array))
                used.append([name, digest_file(folder / name)])
            tick(f"Pictures of {folder.name[:40]} read", number + 1, len(table))
    except (OSError, ValueError, KeyError) as error:
        raise DatasetError(
            f"The set {folder.name[:40]} has no readable metadata.csv with image, mask and patient_id, or lacks a file "
            f"it names; nothing was measured; {GIVE}."
        ) from error
    if not whole:
        raise DatasetError(
            f"The set {folder.name[:40]} has no picture with a mask; nothing was measured; {GIVE}."
        )
    return hearts_of(whole, masks, names_of(table["patient_id"]), digest_json(used))


def phantom_hearts(patients: int, seed: int, tick: Tick) -> Hearts:
    """Phantoms sampled as cmr_acdc was: of each patient and phase up to `SLICES` evenly spaced slices, from those that
    hold both cavities and the wall, at the size they are rendered at.
    """
    import time

    from lab.data.phantom_heart import HeartRecipe, render
    from lab.data.phantom_heart.render import case_of, films_of

    whole, masks, names = [], [], []
    seconds = 0.0
    for patient in range(patients):
        films = films_of(case_of(seed, patient))
        for phase in ("ED", "ES"):
            order = [
                film
                for _, film in sorted(
                    (place[0], film) for film, place in enumerate(films) if place[1] == phase
                )
            ]
            places = np.unique(np.linspace(0, len(order) - 1, min(SLICES, len(order))).round().astype(int))
            for place in places:
                start = time.process_time()
                found = render(HeartRecipe(seed, patient, order[place]))
                seconds += time.process_time() - start
                whole.append(found.image)
                masks.append(found.mask)
                names.append(found.record["patient_id"])
        tick("Phantom hearts rendered", patient + 1, patients)
    digest = digest_json([code_digest([RENDERER]), seed, patients])
    each = seconds / max(len(whole), 1)
    kept = [
        row for row, mask in enumerate(masks) if all((mask == label).any() for label in (RV, MYOCARDIUM, LV))
    ]
    owners = names_of([names[row] for row in kept])
    return hearts_of(
        [whole[row] for row in kept], [masks[row] for row in kept], owners, digest, each * len(kept)
    )
