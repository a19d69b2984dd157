"""Pictures that stand in a dataset twice: hashes and features propose pairs, registration decides."""

from __future__ import annotations

import io
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from lab.runs.context import RunContext
from lab.runs.kind import run_kind
from lab.runs.kinds.embed import matrix, resident_extractor
from lab.runs.spec import Progress, RunSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lab.data.guards.duplicate_pairs import DuplicatePair
    from lab.data.imageset import ImageSet

_CODE = (
    "lab.data.guards.perceptual_hash",
    "lab.data.guards.duplicate_pairs",
    "lab.features",
    "lab.neighbours",
)
STEP = 200
PROPOSED = 3


@run_kind("duplicates", lane="device", priority="batch", modules=_CODE, title="Look for duplicates")
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Hash every picture, propose pairs, measure each by registered correlation."""
    from lab.data.guards.duplicate_pairs import report
    from lab.data.resolve import resolve
    from lab.neighbours.lowres import LowResolution

    chosen = spec.settings
    images = resolve(chosen["dataset"], whole=True)
    hashes = yield from _hashes(ctx, images)
    features = yield from matrix(ctx, resident_extractor(ctx, chosen["extractor"]), images)
    lowres = yield from matrix(ctx, LowResolution(), images)
    candidates = _proposed(hashes, features, images)
    pairs = yield from _measured(ctx, candidates, hashes, features, lowres, images)
    return {"dataset": chosen["dataset"], "extractor": chosen["extractor"], **report(pairs, images.frame())}


def _hashes(ctx: RunContext, images: ImageSet) -> Generator[Progress, None, NDArray[np.uint64]]:
    import numpy as np

    from lab.data.guards.perceptual_hash import perceptual_hash

    ids, found = images.ids(), []
    for start in range(0, len(ids), STEP):
        name = f"hashes-{start}"
        kept = ctx.part(name)
        if kept is None:
            block = np.stack([perceptual_hash(images.image(one)) for one in ids[start : start + STEP]])
            stream = io.BytesIO()
            np.save(stream, block, allow_pickle=False)
            kept = stream.getvalue()
            ctx.save_part(name, kept)
        found.append(np.load(io.BytesIO(kept), allow_pickle=False))
        yield ctx.progress("Hashing pictures", min(start + STEP, len(ids)), len(ids))
    return np.concatenate(found)


def _proposed(
    hashes: NDArray[np.uint64], features: NDArray[np.float32], images: ImageSet
) -> dict[int, list[int]]:
    """First row to second rows worth a comparison: near by hash, or the nearest of another patient by features."""
    import numpy as np

    from lab.data.guards.duplicate_pairs import WORTH_A_LOOK
    from lab.data.guards.perceptual_hash import close_pairs
    from lab.features.unit import unit
    from lab.neighbours.search import ExactIndex

    pairs = {(first, second) for first, second, _, _ in close_pairs(hashes, WORTH_A_LOOK)}
    rows = unit(features)
    patients = np.asarray(images.patients(), dtype=object)
    nearest = ExactIndex(rows, patients).search(rows, PROPOSED, patients).rows
    for row, others in enumerate(nearest.tolist()):
        pairs |= {(min(row, other), max(row, other)) for other in others if other >= 0}
    grouped: dict[int, list[int]] = {}
    for first, second in sorted(pairs):
        grouped.setdefault(first, []).append(second)
    return grouped


def _measured(
    ctx: RunContext,
    candidates: dict[int, list[int]],
    hashes: NDArray[np.uint64],
    features: NDArray[np.float32],
    lowres: NDArray[np.float32],
    images: ImageSet,
) -> Generator[Progress, None, list[DuplicatePair]]:
    import numpy as np

    from lab.data.guards.duplicate_pairs import DuplicatePair
    from lab.data.guards.perceptual_hash import hash_distance
    from lab.features.unit import unit
    from lab.neighbours.registered import RegisteredIndex, variants

    index, rows = RegisteredIndex(lowres), unit(features)
    ids, table = images.ids(), images.frame()
    patients, splits = table["patient_id"].tolist(), table["split"].tolist()
    found: list[DuplicatePair] = []
    for done, (first, seconds) in enumerate(candidates.items(), 1):
        distances, best = index.distances(lowres[first : first + 1], np.asarray(seconds, dtype=np.int64))
        for at, second in enumerate(seconds):
            found.append(
                DuplicatePair(
                    first=ids[first],
                    second=ids[second],
                    bits=hash_distance(hashes[first], hashes[second]),
                    correlation=round(1.0 - float(distances[0, at]), 4),
                    cosine=round(float(rows[first] @ rows[second]), 4),
                    how=variants()[int(best[0, at])].words(),
                    patients=patients[first] != patients[second],
                    splits=splits[first] != splits[second],
                )
            )
        if done % 50 == 0 or done == len(candidates):
            yield ctx.progress("Comparing pairs", done, len(candidates))
    return found
