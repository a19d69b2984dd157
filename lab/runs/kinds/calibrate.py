"""Calibrating the near-copy detectors of a dataset, canaries included."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from lab.runs.context import RunContext
from lab.runs.kind import run_kind
from lab.runs.kinds.embed import resident_extractor
from lab.runs.kinds.reference import calibrations, splits, steps
from lab.runs.spec import Progress, RunSpec

_CODE = ("lab.neighbours", "lab.features", "lab.runs.kinds.reference")


@run_kind(
    "calibrate", lane="device", priority="batch", modules=_CODE, title="Calibrate the near-copy detectors"
)
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Measure real-to-real distances, false alarms on held-out patients and detection of planted copies."""
    from lab.features.store import FeatureStore
    from lab.neighbours.calibrate import calibrate

    name = spec.settings["dataset"]
    extractor = resident_extractor(ctx, spec.settings["extractor"])
    train, held_out = splits(name)
    for images in (train, held_out):
        yield from steps(ctx, images, extractor, mirrored=True)
    weights = spec.inputs["autoencoder"]
    vae = _round_trip(ctx, name, weights) if weights != "none" else None
    work = calibrate(
        train, held_out, extractor, FeatureStore(ctx.settings.features), vae=vae, vae_digest=weights
    )
    try:
        while True:
            stage, done, total = next(work)
            yield ctx.progress(stage, done, total)
    except StopIteration as end:
        calibration = end.value
    calibration.save(calibrations(ctx))
    return {"dataset": name, **calibration.to_dict()}


def _round_trip(ctx: RunContext, dataset: str, weights: str) -> Callable[[Any], Any] | None:
    """The autoencoder of the generator trained on this dataset, image to image; an embedded one for others."""
    from lab.generators.cards import autoencoder_card
    from lab.generators.load import load

    card = autoencoder_card(dataset)
    if card is None:
        return None
    generator = ctx.resident(f"generator:{card.id}:{weights}", lambda: load(card))

    def through(image: Any) -> Any:
        from lab.data.pixels import resize, to_grey8

        small = resize(to_grey8(image), card.size)
        return resize(generator.autoencode(small[None])[0], image.shape[:2])

    return through
