"""What not copying costs: how far samples are from films of patients that no generator saw."""

from __future__ import annotations

import numpy as np

from lab.data.imageset import ImageSet, patient_balanced
from lab.data.pixels import resize, to_grey8
from lab.errors import NotComputable
from lab.gates.realism_distance import distance, embed, set_points
from lab.gates.report import Figure
from lab.gates.ship_samples import OnProgress, SampleArrays
from lab.metrics.patients import Z95

PRICE = "KD x 1000, samples of held-out captions to held-out films"


def price(samples: SampleArrays, each: int, held_out: ImageSet, on_progress: OnProgress) -> Figure:
    """Kernel distance x 1000 of samples to one film of each held-out patient, at the samples' size.

    Args:
        samples: `each` consecutive ones a caption.
        held_out: films of patients that the generator never saw.

    Returns:
        A figure without a value where fewer than 20 captions or patients are there.
    """
    images = np.stack([samples.image(name) for name in samples.ids()])
    size = images.shape[1]
    patients = dict(zip(held_out.ids(), map(str, held_out.patients()), strict=True))
    names = patient_balanced(held_out, len(set(patients.values())), 0)
    films = np.stack([resize(to_grey8(held_out.image(name)), size).astype(np.uint8) for name in names])
    groups = {
        "samples": np.repeat(np.arange(len(images) // each), each).astype(str),
        "held-out": np.asarray([patients[name] for name in names]),
    }
    features = {
        "samples": embed(images, "samples", on_progress),
        "held-out": embed(films, "held-out films", on_progress),
    }
    try:
        points = set_points(features, groups, 0)
    except NotComputable as error:
        return Figure(PRICE, None, n=len(images), note=str(error))
    found = distance(points["samples"], points["held-out"])
    low, high = found.value - Z95 * found.error, found.value + Z95 * found.error
    note = f"standard error {found.error:.2g}; EfficientNet-Lite0; {len(films)} films, {size} px"
    return Figure(PRICE, found.value, low, high, n=len(images), note=note)
