"""Folders of volumes as ACDC and M&Ms are published: hearts of rings and discs that beat."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

APP = {"rv": 1, "myocardium": 2, "lv": 3}
MMS = {"rv": 3, "myocardium": 2, "lv": 1}
FRAMES, SLICES, EDGE = 6, 5, 64
ED, ES = 0, 3
GROUPS = ("NOR", "DCM", "HCM", "MINF", "RV")


def heart(radius: float, numbers: dict[str, int] = APP) -> NDArray[np.uint8]:
    """A slice of labels (EDGE, EDGE): a ring about a disc, and a crescent beside it."""
    x, y = np.meshgrid(np.arange(EDGE) - 36, np.arange(EDGE) - 32, indexing="ij")
    lv, wall = np.hypot(x, y) < radius, np.hypot(x, y) < radius + 5
    rv = (np.hypot(x + 16, y) < 13) & ~wall
    found = np.zeros((EDGE, EDGE), np.uint8)
    found[rv], found[wall], found[lv] = numbers["rv"], numbers["myocardium"], numbers["lv"]
    return found


def cine(seed: int, numbers: dict[str, int] = APP) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Image and labels (X, Y, Z, T); the first and last slice hold no heart; frame ED is widest, ES narrowest."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((EDGE, EDGE, SLICES, FRAMES), np.uint8)
    for frame in range(FRAMES):
        radius = 12 - 5 * np.sin(np.pi * frame / FRAMES)
        for number in range(1, SLICES - 1):
            labels[:, :, number, frame] = heart(radius, numbers)
    image = (
        rng.normal(100, 10, labels.shape) + 300 * (labels == numbers["lv"]) + 250 * (labels == numbers["rv"])
    )
    return (image + 60 * (labels == numbers["myocardium"])).astype(np.int16), labels


def save(path: Path, array: NDArray, spacing: tuple[float, ...] = (1.5, 1.25, 8.0, 1.0)) -> Path:
    """Write a NIfTI file."""
    import nibabel as nib

    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(array, np.diag([*spacing[:3], 1.0]))
    image.header.set_zooms(spacing[: array.ndim])
    image.header["descrip"] = b"Zyxwvutson^Ann"
    nib.save(image, path)
    return path


def acdc(root: Path, patients: int = 4, numbers: dict[str, int] = APP) -> Path:
    """ACDC's folders; the last patient lies in testing."""
    for n in range(1, patients + 1):
        part, name = "testing" if n == patients else "training", f"patient{n:03d}"
        folder = root / "database" / part / name
        image, labels = cine(n, numbers)
        folder.mkdir(parents=True)
        group = GROUPS[(n - 1) % len(GROUPS)]
        (folder / "Info.cfg").write_text(
            f"ED: {ED + 1}\nES: {ES + 1}\nGroup: {group}\nHeight: 184.0\nNbFrame: {FRAMES}\nWeight: 95.0\n"
        )
        save(folder / f"{name}_4d.nii.gz", image)
        for frame in (ED, ES):
            save(folder / f"{name}_frame{frame + 1:02d}.nii.gz", image[..., frame])
            save(folder / f"{name}_frame{frame + 1:02d}_gt.nii.gz", labels[..., frame])
    return root


def mms(root: Path, numbers: dict[str, int] = MMS) -> Path:
    """M&Ms' folders and table: four vendors, two training patients, one each of the other parts."""
    places = ("Training/Labeled", "Training/Labeled", "Validation", "Testing", "Training/Unlabeled")
    rows = ["External code,VendorName,Vendor,Centre,ED,ES,Age,Pathology,Sex,Height,Weight"]
    for n, place in enumerate(places):
        code, vendor = f"A{n}S9V{n}", "ABCDA"[n]
        image, labels = cine(n + 50, numbers)
        labels[..., [f for f in range(FRAMES) if f not in (ED, ES)]] = 0
        save(root / place / code / f"{code}_sa.nii.gz", image)
        if place != "Training/Unlabeled":
            save(root / place / code / f"{code}_sa_gt.nii.gz", labels)
        rows.append(
            f"{code},Somebody,{vendor},{n % 3 + 1},{ED},{ES},{40 + n},{GROUPS[n]},{'MF'[n % 2]},170,70"
        )
    (root / "211230_M&Ms_Dataset_information_diagnosis_opendataset.csv").write_text("\n".join(rows) + "\n")
    return root
