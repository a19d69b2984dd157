"""One image among the training images in several spaces: pixels, structure and the features of each extractor."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from lab.runs.context import RunContext
from lab.runs.kind import run_kind
from lab.runs.kinds.audit_pairs import resident_perceptual
from lab.runs.kinds.embed import resident_extractor
from lab.runs.kinds.reference import open_reference, splits, steps
from lab.runs.spec import Progress, RunSpec

if TYPE_CHECKING:
    from lab.neighbours.reference import ReferenceSet
    from lab.neighbours.spaces import Space

# Films that LPIPS is asked about: the nearest of every other space, at most so many, so many at a time.
MOST, BATCH = 64, 8
_CODE = ("lab.neighbours", "lab.features", "lab.runs.kinds.reference")


@run_kind("spaces", lane="device", priority="interactive", modules=_CODE, title="Compare spaces")
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Distances to all training images in every space, ranks of the notable ones, agreement of the spaces."""
    from dataclasses import asdict

    from lab.data.images import decode
    from lab.neighbours.reference import new_queries
    from lab.neighbours.spaces import TOP, agreements, feature_space, notable, pixel_spaces

    asked = spec.settings
    image = decode(_bytes(ctx, asked["image"])).array
    first = resident_extractor(ctx, asked["extractors"][0])
    reference = (yield from open_reference(ctx, asked["dataset"], first, "none")).train
    total = len(asked["extractors"]) + 1
    yield ctx.progress("Comparing spaces", 0, total)
    query = new_queries([image], first)
    spaces: list[Space] = [
        *pixel_spaces(query, reference),
        feature_space(first.id, query.features[:, 0], reference.features),
    ]
    for number, name in enumerate(asked["extractors"][1:], 2):
        spaces.append((yield from _features(ctx, name, image, asked["dataset"])))
        yield ctx.progress("Comparing spaces", number + 1, total)
    places = {name: row for row, name in enumerate(reference.ids)}
    shown = [places[name] for name in asked["shown"] if name in places]
    if asked["perceptual"]:
        spaces.append((yield from _perceptual(ctx, image, reference, notable(spaces, shown, TOP, MOST))))
    rows = notable(spaces, shown)
    return {
        "dataset": asked["dataset"],
        "n": len(reference),
        "top": TOP,
        "spaces": [_space(space, reference) for space in spaces],
        "films": _films(spaces, rows, reference, set(asked["shown"])),
        "agreement": [asdict(one) for one in agreements(spaces)],
    }


def _bytes(ctx: RunContext, digest: str) -> bytes:
    return ctx.read_artifact(digest)


def _features(ctx: RunContext, name: str, image: Any, dataset: str) -> Generator[Progress, None, Space]:
    """One feature space; what the store lacks of the training images is extracted first."""
    from lab.features.store import FeatureStore
    from lab.neighbours.reference import new_queries
    from lab.neighbours.spaces import feature_space
    from lab.neighbours.unit_store import unit_rows

    extractor = resident_extractor(ctx, name)
    train, _ = splits(dataset)
    yield from steps(ctx, train, extractor, mirrored=False)
    key = f"unit rows:{train.digest}:{extractor.digest}"
    store = FeatureStore(ctx.settings.features)
    rows = ctx.resident(key, lambda: unit_rows(store, extractor, train.digests()))
    return feature_space(name, new_queries([image], extractor).features[:, 0], rows)


def _perceptual(
    ctx: RunContext, image: Any, reference: ReferenceSet, rows: list[int]
) -> Generator[Progress, None, Space]:
    """LPIPS of the films that are nearest in some other space."""
    import numpy as np

    from lab.data.resolve import resolve
    from lab.neighbours.perceptual import NAME
    from lab.neighbours.spaces import candidate_space

    model, films = resident_perceptual(ctx), resolve(reference.id)
    found = np.empty(len(rows))
    for start in range(0, len(rows), BATCH):
        part = rows[start : start + BATCH]
        pixels = [films.image(reference.ids[row]) for row in part]
        found[start : start + len(part)] = model.distances(image, pixels)
        yield ctx.progress("Comparing pairs by LPIPS", start + len(part), len(rows))
    return candidate_space(NAME, rows, found, len(reference))


def _space(space: Space, reference: ReferenceSet) -> dict[str, Any]:
    nearest = space.nearest(10)
    return {
        "name": space.name,
        "compared": space.compared,
        "nearest": [reference.ids[row] for row in nearest],
    }


def _films(
    spaces: list[Space], rows: list[int], reference: ReferenceSet, shown: set[str]
) -> list[dict[str, Any]]:
    ranks = [space.ranks(rows) for space in spaces]
    return [
        {
            "image_id": reference.ids[row],
            "patient_id": str(reference.patients[row]),
            "shown": reference.ids[row] in shown,
            "ranks": [of_space[place] for of_space in ranks],
            "distances": [
                float(space.distances[row]) if ranks[at][place] is not None else None
                for at, space in enumerate(spaces)
            ],
        }
        for place, row in enumerate(rows)
    ]
