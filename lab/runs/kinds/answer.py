"""The second half of a generation run: where each sample stands among the images the generator saw.

A person who prompts waits for samples, never for the features of a whole dataset: where those are not there yet, the
answer comes without neighbours, and a comparison (`lab.runs.kinds.compare`) gives them once they are.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lab.runs.context import RunContext
from lab.runs.kinds.embed import resident_extractor
from lab.runs.kinds.inspection import inspected
from lab.runs.kinds.reference import Reference, open_reference, shown
from lab.runs.spec import Progress, RunSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lab.data.imageset import ImageSet

SHOWN = 5
# So many images a prompt may wait for: a few seconds. More are left to the runs that make a dataset ready.
SOON = 64


def answered(
    ctx: RunContext, spec: RunSpec, images: ImageSet, result: dict[str, Any]
) -> Generator[Progress, None, None]:
    """Add checks, neighbours, verdict, alignment and map position to each sample of `result`.

    The alignment holds what a label classifier sees, and under "text_image" how well the sample goes with the words
    of the prompt. Without a dataset the samples carry the second alone, and `result["note"]` says how to get the rest.
    With a dataset whose images were not read yet they carry it too, and wait for a comparison.
    """
    from lab.runs.kinds.text_image import alignments

    name = spec.settings["dataset"]
    empty: dict[str, Any] = {
        "verdict": None,
        "neighbours": [],
        "held_out": None,
        "identical": None,
        "off_map": None,
    }
    for sample in result["samples"]:
        sample |= {**empty, "alignment": None, "map": None}
    yield from inspected(ctx, images, result)
    fits = yield from alignments(ctx, images, result)
    if name is None:
        result["note"] = (
            "The training images of this generator are not here; add them in Library to see neighbours."
        )
    elif _lacking(ctx, name, spec.settings["extractor"]) <= SOON:
        digests = (spec.inputs["calibration"], spec.inputs["map"])
        yield from compared(ctx, spec.settings, digests, images, result["samples"])
    for sample, fit in zip(result["samples"], fits, strict=True):
        sample["alignment"] = joined(sample["alignment"], fit)


def _lacking(ctx: RunContext, dataset: str, extractor: str) -> int:
    """How many training and held-out images have not been read yet."""
    from lab.features.store import FeatureStore
    from lab.neighbours.lowres import LowResolution
    from lab.runs.kinds.reference import splits

    store, images = FeatureStore(ctx.settings.features), splits(dataset)
    digests = [digest for part in images if part is not None for digest in part.digests()]
    sources = (resident_extractor(ctx, extractor), LowResolution())
    return max(len(store.missing(source, digests)) for source in sources)


def compared(
    ctx: RunContext,
    chosen: Mapping[str, Any],
    digests: tuple[str, str],
    images: ImageSet,
    samples: Sequence[dict[str, Any]],
) -> Generator[Progress, None, None]:
    """Add neighbours, verdict, what a label classifier sees and map position to each sample.

    Args:
        chosen: "dataset", "extractor" and "prompt".
        digests: of the calibration and of the map's coordinates, "none" where there is none.
        images: the samples, in the order of `samples`.
    """
    from lab.features.store import FeatureStore
    from lab.neighbours.neighbours import find
    from lab.runs.kinds.reference import queries_of

    name, (calibration, coordinates) = chosen["dataset"], digests
    extractor = resident_extractor(ctx, chosen["extractor"])
    reference = yield from open_reference(ctx, name, extractor, calibration)
    store = FeatureStore(ctx.settings.features)
    queries = yield from queries_of(ctx, images, extractor, store)
    reports = find(queries, reference.train, reference.held_out, reference.calibration, SHOWN)
    yield ctx.progress("Comparing with real images", len(reports), len(reports))
    features = store.matrix(extractor, images.digests())
    places = _places(ctx, coordinates, features)
    agreement = _alignment(ctx, reference, name, chosen["prompt"], features)
    for row, (sample, report) in enumerate(zip(samples, reports, strict=True)):
        sample |= shown(report)
        # What lies off the map is unlike anything the classifier was fitted on: its reading would be noise. The
        # text-image model has a space of its own and was made robust to softer and noisier images.
        sample["alignment"] = None if report.off_map else agreement[row]
        if places is not None:
            sample["map"] = {"x": places[row][0], "y": places[row][1], "off_map": bool(report.off_map)}


def joined(seen: dict[str, Any] | None, fit: dict[str, Any] | None) -> dict[str, Any] | None:
    """Both readings of a sample's alignment in one record; None where there is neither."""
    if seen is None and fit is None:
        return None
    unseen = dict.fromkeys(("label", "probability", "asked", "asked_probability"))
    return {**unseen, **(seen or {}), "text_image": fit}


def _places(ctx: RunContext, coordinates: str, features: NDArray[np.float32]) -> list[list[float]] | None:
    """Positions on the map of the dataset: the weighted mean of the 15 nearest reference points."""
    from lab.runs.kinds.map import placed

    if coordinates == "none":
        return None
    return [[float(x), float(y)] for x, y in placed(ctx, coordinates, features)]


def _alignment(
    ctx: RunContext, reference: Reference, dataset: str, prompt: str, features: NDArray[np.float32]
) -> list[dict[str, Any] | None]:
    """What a classifier fitted on training images sees in each sample, and its share for the prompted label."""
    from lab.data.labels import prompted_label
    from lab.data.resolve import resolve
    from lab.features.unit import unit
    from lab.metrics.alignment.label_model import fit_labels

    train = resolve(f"{dataset}:train")
    labels = train.labels()
    known = sorted(set(filter(None, labels)))
    asked = prompted_label(prompt, known)
    if len(known) < 2:
        return [None] * len(features)
    key = f"labels:{train.digest}:{reference.train.digest}"
    model = ctx.resident(key, lambda: fit_labels(reference.train.features, labels))
    shares = model.probabilities(unit(features))
    best = shares.argmax(axis=1)
    column = model.names.index(asked) if asked in model.names else None
    return [
        {
            "label": model.names[int(best[row])],
            "probability": float(shares[row, best[row]]),
            "asked": asked or None,
            "asked_probability": None if column is None else float(shares[row, column]),
        }
        for row in range(len(features))
    ]
