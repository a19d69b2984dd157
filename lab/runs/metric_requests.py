"""The run that measures a synthetic set: what a person chose, and the digests of all it depends on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from lab.errors import InputError
from lab.runs.dependencies import (
    EXTRACTOR,
    calibration_digest,
    checked_seed,
    dataset_digest,
    dataset_name,
    extractor_digest,
    known_extractor,
    set_digest,
)
from lab.runs.spec import RunSpec


def evaluate_run(
    real: str,
    synthetic: str,
    metrics: Sequence[str],
    extractor: str = EXTRACTOR,
    seed: int = 0,
    copies: Literal["refuse", "measure"] = "refuse",
    by: Literal["", "label", "view", "vendor", "sex"] = "",
    options: Mapping[str, float] | None = None,
    second_task: str = "",
    text_image: str = "",
) -> RunSpec:
    """A run that measures a synthetic set against a real one.

    Args:
        real: "ID" or "ID:SPLIT"; an ID means train.
        synthetic: a sample set, a folder or "ID:SPLIT".
        metrics: names, see `lab.metrics.registry`.
        extractor: the feature extractor.
        seed: of patient groups and draws.
        copies: "refuse" ends the run when the synthetic side holds images of the real side, byte for byte;
            "measure" counts them, says so in every note and goes on.
        by: also measure each value of this column on its own.
        options: numbers of metrics that differ from the published ones, "metric.option" to value.
        text_image: model that compares images with captions; "" is the one that comes along.
        second_task: column of the real set's table that holds the labels of a second task.

    Raises:
        InputError: when no metric is named.
        NotFoundError: for an unknown metric, dataset or set.
    """
    from lab.data.resolve import resolve
    from lab.metrics.registry import get_metric
    from lab.runs.kinds.providers.text_encoder import encoder_digest

    names = list(dict.fromkeys(metrics))
    if not names:
        raise InputError("No metric was chosen; nothing was started; choose at least one.")
    asks = {need for name in names for need in get_metric(name).spec.asks}
    chosen: dict[str, Any] = {
        "real": real,
        "synthetic": synthetic,
        "metrics": names,
        "extractor": known_extractor(extractor),
        "copies": copies,
    }
    # Absent settings are left out, so that a run asked before they existed keeps its digest.
    chosen |= {"by": by} if by else {}
    changed = checked_options(options or {}, names)
    chosen |= {"options": changed} if changed else {}
    chosen |= {"second_task": second_task} if second_task else {}
    chosen |= {"text_image": text_image} if text_image else {}
    inputs = {
        "real": set_digest(real),
        "synthetic": set_digest(synthetic),
        "dataset": dataset_digest(dataset_name(real)),
        "extractor": extractor_digest(extractor),
    }
    inputs |= _more_inputs(asks, dataset_name(real), extractor, text_image)
    if "text-encoder" in asks:
        inputs["text_encoder"] = encoder_digest(resolve(synthetic))
    # A folder's name can hold a patient's: it stays out of the list of runs.
    named = "a folder" if "/" in synthetic or "\\" in synthetic else synthetic
    label = f"{len(names)} metrics of {named} against {real}"
    return RunSpec("evaluate", {**chosen, "seed": checked_seed(seed)}, inputs, label)


def _more_inputs(asks: Collection[str], dataset: str, extractor: str, text_image: str) -> dict[str, str]:
    """Digests of what metrics read beside features: calibration, text-image model, trained embeddings."""
    from lab.features.text_image_fit import installed_digest
    from lab.features.text_image_models import digest_of
    from lab.identification.card import installed_digest as identity_digest
    from lab.neighbours.perceptual import installed_digest as perceptual_digest
    from lab.runs.kinds.providers.depths import depth_digests
    from lab.segmentation.card import installed_digest as segmenter_digest

    found = {}
    if "near-copy" in asks:
        found["calibration"] = calibration_digest(dataset, extractor)
    if "captions" in asks:
        found["text_image"] = digest_of(text_image) if text_image else installed_digest()
    if "masks" in asks:
        found["segmenter"] = segmenter_digest(dataset)
    if "perceptual" in asks:
        found["perceptual"] = perceptual_digest()
    if "logits" in asks:
        found["logits"] = extractor_digest("inception-fid")
    if "depths" in asks:
        found |= depth_digests(extractor)
    if "re-id" in asks:
        found["identity"] = identity_digest(dataset, "patient")
    if "copy-embedding" in asks:
        found["copy"] = identity_digest(dataset, "copy")
    return found


def checked_options(options: Mapping[str, float], metrics: Sequence[str]) -> dict[str, float]:
    """Options of the chosen metrics that differ from their defaults, by "metric.option".

    Raises:
        InputError: for an option that no chosen metric has, or a value outside its range.
    """
    from lab.metrics.registry import get_metric

    known = {f"{name}.{one.name}": one for name in metrics for one in get_metric(name).spec.options}
    for name, value in options.items():
        if name not in known or not known[name].low <= value <= known[name].high:
            raise InputError(
                "An option is unknown or outside its range; nothing was started; see the metric's options."
            )
    return {name: float(value) for name, value in sorted(options.items()) if value != known[name].default}
