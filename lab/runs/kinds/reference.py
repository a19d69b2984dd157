"""The calibrated reference of a dataset, as the runs that judge samples need it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.runs.context import RunContext
from lab.runs.spec import Progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lab.data.imageset import ImageSet
    from lab.features.extractor import FeatureExtractor
    from lab.features.store import FeatureStore
    from lab.neighbours.calibration import Calibration
    from lab.neighbours.reference import Queries, ReferenceSet
    from lab.neighbours.verdict import Verdict

BLOCK = 32


@dataclass(frozen=True)
class Reference:
    """What samples are judged against.

    Args:
        train: the images the generator saw.
        held_out: real images it never saw; None where the dataset has none.
        calibration: real-to-real distances of `train`; None before the calibration run.
    """

    train: ReferenceSet
    held_out: ReferenceSet | None
    calibration: Calibration | None


def calibrations(ctx: RunContext) -> Path:
    """Folder of the calibrations."""
    return ctx.settings.workspace / "calibrations"


def splits(dataset: str) -> tuple[ImageSet, ImageSet | None]:
    """Train and held-out images of a dataset; None where no image is held out."""
    from lab.data.resolve import resolve

    held_out = resolve(f"{dataset}:held-out")
    return resolve(f"{dataset}:train"), held_out if held_out.ids() else None


def steps(
    ctx: RunContext, images: ImageSet | None, extractor: FeatureExtractor, mirrored: bool
) -> Generator[Progress, None, None]:
    """Put into the store what `images` need to be searched, or with `mirrored` to be looked up as well."""
    from lab.features.store import FeatureStore
    from lab.neighbours.reference import prepare

    if images is not None:
        for stage, done, total in prepare(images, extractor, FeatureStore(ctx.settings.features), mirrored):
            yield ctx.progress(stage, done, total)


def open_reference(
    ctx: RunContext, dataset: str, extractor: FeatureExtractor, calibration_digest: str
) -> Generator[Progress, None, Reference]:
    """The reference of a dataset; its features are extracted first where they are missing, and kept in memory.

    Args:
        calibration_digest: of the calibration to judge by, "none" before there is one.
    """
    from lab.features.store import FeatureStore
    from lab.neighbours.calibration import load
    from lab.neighbours.reference import reference_set

    train, held_out = splits(dataset)
    for images in (train, held_out):
        yield from steps(ctx, images, extractor, mirrored=False)
    store = FeatureStore(ctx.settings.features)

    def build(images: ImageSet, split: str) -> ReferenceSet:
        key = f"reference:{images.digest}:{extractor.digest}"
        return ctx.resident(key, lambda: reference_set(images, extractor, store, split))

    calibration = None
    if calibration_digest != "none":
        key = f"calibration:{calibration_digest}"
        calibration = ctx.resident(key, lambda: load(calibrations(ctx), calibration_digest))
    return Reference(
        build(train, "train"), build(held_out, "held-out") if held_out is not None else None, calibration
    )


def queries_of(
    ctx: RunContext, images: ImageSet, extractor: FeatureExtractor, store: FeatureStore
) -> Generator[Progress, None, Queries]:
    """A set as queries, as it is and mirrored."""
    from lab.neighbours.reference import stored_queries

    yield from steps(ctx, images, extractor, mirrored=True)
    return stored_queries(images, extractor, store)


def verdicts(
    ctx: RunContext, reference: Reference, images: ImageSet, extractor: FeatureExtractor, stage: str
) -> Generator[Progress, None, list[tuple[Verdict, str]]]:
    """The verdict on every image of a set, in its order, with the id of its nearest training image ("" for none).

    Raises:
        NotComputable: when the dataset is not calibrated.
    """
    from lab.errors import NotComputable
    from lab.features.store import FeatureStore
    from lab.neighbours.neighbours import find

    if reference.calibration is None:
        raise NotComputable(
            "The dataset is not calibrated yet; nothing was judged; run its calibration first."
        )
    queries = yield from queries_of(ctx, images, extractor, FeatureStore(ctx.settings.features))
    found: list[tuple[Verdict, str]] = []
    for start in range(0, len(queries), BLOCK):
        block = queries.part(start, start + BLOCK)
        reports = find(block, reference.train, None, reference.calibration, k=1)
        found += [
            (report.verdict, report.matches[0].image_id if report.matches else "")
            for report in reports
            if report.verdict is not None
        ]
        yield ctx.progress(stage, len(found), len(queries))
    return found


def near_copies(found: Sequence[tuple[Verdict, str]]) -> NDArray[np.bool_]:
    """Which verdicts say near-copy, (n,)."""
    import numpy as np

    return np.asarray([verdict.label == "near-copy" for verdict, _ in found], dtype=bool)


def rows_of(found: Sequence[tuple[Verdict, str]], training: ImageSet) -> NDArray[np.int64]:
    """Row of each nearest image among the training images, (n,); -1 where it is not one of them."""
    import numpy as np

    places = {name: row for row, name in enumerate(training.ids())}
    return np.asarray([places.get(nearest, -1) for _, nearest in found], dtype=np.int64)


def shown(report: Any) -> dict[str, Any]:
    """One neighbour report as the JSON that pages and commands read."""
    verdict = report.verdict
    return {
        "verdict": None if verdict is None else verdict.to_dict(),
        "neighbours": [_match(match) for match in report.matches],
        "held_out": None if report.held_out is None else _match(report.held_out),
        "identical": report.identical,
        "off_map": report.off_map,
    }


def _match(match: Any) -> dict[str, Any]:
    return {
        "image_id": match.image_id,
        "patient_id": match.patient_id,
        "split": match.split,
        "distance": match.distance,
        "registered": match.registered,
        "variant": match.variant,
        "found_by": list(match.found_by),
    }
