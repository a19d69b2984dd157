"""Runs about the privacy metrics themselves: what do they find, and whom do they accuse?"""

from __future__ import annotations

from collections.abc import Sequence

from lab.errors import InputError
from lab.runs.dependencies import (
    EXTRACTOR,
    checked_seed,
    dataset_digest,
    dataset_name,
    extractor_digest,
    known_extractor,
)
from lab.runs.spec import RunSpec

FEWEST_COPIES, COPIES, MOST_COPIES = 5, 40, 500


def sensitivity_run(
    reference: str,
    extractor: str = EXTRACTOR,
    metrics: Sequence[str] = (),
    copies: int = COPIES,
    seed: int = 0,
) -> RunSpec:
    """A run that plants altered copies of training images and counts which metrics find them.

    Args:
        reference: a dataset with held-out images.
        extractor: the feature extractor.
        metrics: names of per-image privacy metrics; empty takes all.
        copies: training images that are copied, one a patient, once for each kind of alteration.
        seed: chooses them.

    Raises:
        InputError: for a number of copies outside 5 to 500.
        NotFoundError: for an unknown metric, dataset or extractor.
    """
    from lab.identification.card import installed_digest
    from lab.metrics.registry import get_metric
    from lab.metrics.sensitivity import DETECTORS
    from lab.runs.kinds.providers.depths import depth_digests

    if not FEWEST_COPIES <= copies <= MOST_COPIES:
        raise InputError(
            f"Detectors are tried on {FEWEST_COPIES} to {MOST_COPIES} copies of a kind; nothing was started;"
            f" choose again."
        )
    names = list(dict.fromkeys(metrics)) or list(DETECTORS)
    asks = {need for name in names for need in get_metric(name).spec.asks}
    name = dataset_name(reference)
    chosen = {
        "dataset": name, "extractor": known_extractor(extractor), "metrics": names, "copies": copies,
        "seed": checked_seed(seed),
    }  # fmt: skip
    inputs = {"dataset": dataset_digest(name), "extractor": extractor_digest(extractor)}
    inputs |= depth_digests(extractor) if "depths" in asks else {}
    inputs |= {"copy": installed_digest(name, "copy")} if "copy-embedding" in asks else {}
    return RunSpec("sensitivity", chosen, inputs, f"Planted copies in {name}")
