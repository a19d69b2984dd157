"""Class scores of the Inception network: its last layer over the pooled features that are in the feature store."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from lab.errors import LabError, WeightsError
from lab.runs.context import RunContext
from lab.runs.kinds.embed import matrix, resident_extractor
from lab.runs.kinds.providers import Sets
from lab.runs.spec import Progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lab.data.imageset import ImageSet

NAME, POOLED = "inception-fid", "2048"
HEAD = "fc.weight"


def absent(real: str, synthetic: ImageSet, extractor: str) -> str:
    """Why class scores cannot be had: the network's weights are not here; how to get them."""
    from lab.features.places import state
    from lab.features.records import get_record

    try:
        record = get_record(NAME)
    except LabError as error:
        return str(error)
    if record.layer != POOLED:
        return (
            f"The Inception score needs layer {POOLED} of {NAME}, and its record names layer {record.layer}."
        )
    missing = state(record)
    return f"There are no class scores without the network. {missing}" if missing else ""


def provide(ctx: RunContext, sets: Sets) -> Generator[Progress, None, dict[str, Any]]:
    """Spaces "logits" (class scores without the bias, as torch-fidelity takes them) and "pool3" (2,048 features)."""
    from lab.metrics.inputs import Space

    extractor = sets.extractor if sets.extractor.id == NAME else resident_extractor(ctx, NAME)
    pooled = []
    for images in (sets.real, sets.synthetic, sets.held_out):
        known = images is not None and images.ids()
        pooled.append((yield from matrix(ctx, extractor, images)) if known and images is not None else None)
    head = ctx.resident(f"logits:{extractor.digest}", class_head)
    scores = [None if features is None else features @ head for features in pooled]
    return {
        "spaces": {
            "logits": Space(scores[0], scores[1], scores[2], f"{NAME} class scores"),  # type: ignore[arg-type]
            "pool3": Space(pooled[0], pooled[1], pooled[2], NAME),  # type: ignore[arg-type]
        }
    }


def class_head() -> NDArray[np.float32]:
    """(2048, classes) weights of the last layer of the Inception network on this machine.

    Raises:
        WeightsError: when the file lacks the layer.
    """
    import numpy as np

    from lab.features.places import check_weights, find
    from lab.features.records import get_record
    from lab.features.weights_file import read_state

    record = get_record(NAME)
    place = find(record)
    check_weights(record, place)
    state = read_state(place.only)
    if HEAD not in state or state[HEAD].ndim != 2 or state[HEAD].shape[1] != int(POOLED):
        raise WeightsError(
            f"The weights of {record.title} lack their last layer {HEAD}, so there are no class scores; nothing was"
            " computed; copy the published file again, or leave the Inception score out."
        )
    return np.ascontiguousarray(state[HEAD].float().numpy().T)
