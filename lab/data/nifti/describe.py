"""What the plan of an import knows of a volume; volumes of labels are counted, in a process of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lab.data.images import ImageLimits
from lab.data.nifti.opening import read_header, read_voxels
from lab.data.nifti.picture import as_labels
from lab.errors import InputError


def describe_volume(path: Path, limits: ImageLimits) -> dict[str, Any]:
    """{"shape": [X, Y, Z, T]} of a volume, from its header alone.

    Raises:
        ImageError: as `lab.data.nifti.opening.read_header`.
    """
    return {"shape": list(read_header(path, limits).shape)}


def describe_labels(path: Path, limits: ImageLimits) -> dict[str, Any]:
    """Which slices of which frames hold labels, and what anatomy says of their order.

    Returns:
        "shape"; "counts": frame to slice to label to pixels, only where there are any; "order": structure to label,
        where it can be told, and "deciding", the number of slices that told it.

    Raises:
        ImageError: for a volume that cannot be read or holds no labels.
    """
    from lab.data.preprocess.label_order import examine_order

    header, voxels = read_voxels(path, limits)
    labels = as_labels(voxels * header.slope + header.intercept if header.slope != 1 else voxels)
    counts: dict[str, dict[str, dict[str, int]]] = {}
    planes = []
    for frame in range(header.shape[3]):
        for number in range(header.shape[2]):
            plane = labels[:, :, number, frame]
            values, sizes = np.unique(plane, return_counts=True)
            held = {str(value): int(n) for value, n in zip(values, sizes, strict=True) if value}
            if held:
                counts.setdefault(str(frame), {})[str(number)] = held
                planes.append(plane)
    try:
        found = examine_order(planes)
        order, deciding = (dict(found.assignment), found.slices) if found.confident else ({}, 0)
    except InputError:  # more than three labels: not the heart
        order, deciding = {}, 0
    return {"shape": list(header.shape), "counts": counts, "order": order, "deciding": deciding}
