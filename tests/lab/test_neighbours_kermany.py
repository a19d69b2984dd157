"""The near-copy detectors on real paediatric chest radiographs, split by patient."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lab.data.imageset import FrameSet
from lab.features.extractors import get_extractor
from lab.features.store import FeatureStore
from lab.neighbours.calibrate import calibrate
from lab.neighbours.calibration import Calibration
from lab.neighbours.neighbours import find
from lab.neighbours.reference import new_queries, prepare, reference_set
from lab.neighbours.verdict import COSINE, REGISTERED
from lab.provenance import digest_file

QUICK = (200, 100)


class Films(FrameSet):
    """Films of a folder with metadata.csv."""

    def __init__(self, id: str, table: pd.DataFrame, folder: Path) -> None:
        super().__init__(id, "REAL", table)
        self._folder = folder

    def image(self, image_id: str) -> np.ndarray:
        from PIL import Image

        with Image.open(self._folder / self.row(image_id)["path"]) as film:
            return np.asarray(film.convert("L"))


def _split(folder: Path, most: tuple[int, int] | None) -> tuple[Films, Films]:
    """60 % and 30 % of the patients, seed 0; with `most`, at most so many films of each, whole patients."""
    table = pd.read_csv(folder / "metadata.csv").rename(columns={"image": "path"})
    patients = np.array(sorted(table["patient_id"].unique()))
    np.random.default_rng(0).shuffle(patients)
    cuts = int(0.6 * len(patients)), int(0.9 * len(patients))
    sets = []
    for number, people in enumerate((patients[: cuts[0]], patients[cuts[0] : cuts[1]])):
        rows = table[table["patient_id"].isin(people)]
        if most:
            counts = (
                rows["patient_id"].value_counts().reindex([p for p in people if p in set(rows["patient_id"])])
            )
            rows = rows[
                rows["patient_id"].isin(counts.index[: int((counts.cumsum() <= most[number]).sum()) + 1])
            ]
        digests = [digest_file(folder / path) for path in rows["path"]]
        rows = rows.assign(digest=digests, image_id=[digest[:16] for digest in digests], split="", caption="")
        sets.append(Films(f"kermany:{number}", rows.drop_duplicates("digest"), folder))
    return sets[0], sets[1]


def _round_trip(film: np.ndarray) -> np.ndarray:
    """What an 8x autoencoder does to a film, roughly: 128 px, blurred, and back."""
    from PIL import Image
    from scipy.ndimage import gaussian_filter

    height, width = film.shape
    small = Image.fromarray(film).resize((128, 128), Image.Resampling.BICUBIC)
    blurred = gaussian_filter(np.asarray(small).astype(float), 1.0).round().astype(np.uint8)
    return np.asarray(Image.fromarray(blurred).resize((width, height), Image.Resampling.BICUBIC))


def _drain(work: Any) -> tuple[float, Any]:
    started = time.process_time()
    while True:
        try:
            next(work)
        except StopIteration as end:
            return time.process_time() - started, end.value


def _table(calibration: Calibration) -> Iterator[str]:
    alarms = calibration.false_alarms
    yield (
        f"training films {calibration.n_reference} of {calibration.n_patients} patients; false alarms "
        f"{alarms.hits}/{alarms.n} = {alarms.value:.3f} [{alarms.low:.3f}, {alarms.high:.3f}] "
        f"of {alarms.clusters} patients"
    )
    for rate in calibration.canaries:
        alone = ", ".join(f"{name} {share.value:.2f}" for name, share in rate.by_detector.items())
        found = rate.found
        yield (
            f"{rate.kind:16} found {found.hits}/{found.n} [{found.low:.3f}, {found.high:.3f}]; "
            f"alone: {alone}; source first {rate.source_first.value:.2f}"
        )


def _measure(
    folder: Path, root: Path, most: tuple[int, int] | None, canaries: int
) -> tuple[Calibration, float, Any]:
    train, held_out = _split(folder, most)
    assert not set(train.patients()) & set(held_out.patients())
    extractor, store = get_extractor(), FeatureStore(root)
    for images in (train, held_out):
        list(prepare(images, extractor, store, mirrored=True))
    work = calibrate(train, held_out, extractor, store, canaries=canaries, vae=_round_trip)
    seconds, calibration = _drain(work)
    return calibration, seconds, (train, held_out, extractor, store)


@pytest.mark.row("C13")
def test_canaries_and_false_alarms_on_a_part(test_data: Path, tmp_path: Path) -> None:
    folder = test_data / "cxr_kermany"
    calibration, _, (train, held_out, extractor, store) = _measure(folder, tmp_path, QUICK, canaries=8)
    print("\n".join(_table(calibration)))
    assert calibration.n_reference >= 199, "two detectors need 199 films for p <= 0.01"
    for rate in calibration.canaries:
        assert rate.found.value >= 0.95 and rate.source_first.value >= 0.95, rate.kind
    assert calibration.false_alarms.value <= 0.03
    blind = {rate.kind: rate.by_detector[COSINE].value for rate in calibration.canaries}
    assert blind["noised"] < 0.5 < blind["exact"], "features alone lose noised copies"
    reference = reference_set(train, extractor, store, "train")
    control = reference_set(held_out, extractor, store, "held-out")
    copy = _round_trip(train.image(train.ids()[9]))
    reports = find(
        new_queries([copy, held_out.image(held_out.ids()[3])], extractor), reference, control, calibration
    )
    assert reports[0].matches[0].image_id == train.ids()[9] and reports[0].verdict.label == "near-copy"
    assert REGISTERED in reports[0].verdict.agreeing
    assert reports[1].held_out.image_id == held_out.ids()[3] and reports[1].held_out.distance < 1e-6


@pytest.mark.slow
@pytest.mark.row("C13")
def test_canaries_and_false_alarms_on_all_films(test_data: Path, tmp_path: Path) -> None:
    calibration, seconds, _ = _measure(test_data / "cxr_kermany", tmp_path, None, canaries=200)
    print(f"\ncalibration took {seconds:.0f} s of processor time")
    print("\n".join(_table(calibration)))
    for rate in calibration.canaries:
        assert rate.found.value >= 0.95 and rate.found.low >= 0.93, rate.kind
    assert calibration.false_alarms.value <= 0.03
