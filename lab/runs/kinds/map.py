"""The feature-space map: fitted on training images only, held-out images and samples placed on it."""

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

    from lab.data.imageset import ImageSet
    from lab.projection.projection import Projection

COLUMNS = ("image_id", "layer", "label", "off_map", "kept")


@run_kind(
    "map", lane="side", priority="interactive", modules=("lab.projection", "lab.features"), title="Fit a map"
)
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Fit (or take the fitted one), place the others, measure how far the map can be believed."""
    from lab.data.resolve import resolve
    from lab.projection.quality import preserved, quality

    chosen = spec.settings
    extractor = resident_extractor(ctx, chosen["extractor"])
    layers: dict[str, ImageSet] = {
        split: resolve(f"{chosen['dataset']}:{split}") for split in ("train", "held-out")
    }
    if chosen["samples"] is not None:
        layers["samples"] = resolve(chosen["samples"])
    features = {}
    for name, images in layers.items():
        features[name] = yield from matrix(ctx, extractor, images)
    yield ctx.progress("Fitting the map", 0, 1)
    fitted = _fitted(ctx, spec, features["train"])
    coordinates = fitted.coordinates
    yield ctx.progress("Placing images", 0, len(layers))
    placed_by, points = _place_all(fitted, features)
    kept = preserved(features["train"], coordinates)
    measured = quality(features["train"], coordinates, seed=chosen["seed"])
    table = _table(layers, features, points, kept)
    return {
        "dataset": chosen["dataset"],
        "coordinates": ctx.artifact(_npy(table["points"]), ".npy"),
        "rows": ctx.artifact(_parquet(table["rows"]), ".parquet"),
        "reference": ctx.artifact(_npz(features["train"], coordinates), ".npz"),
        "trustworthiness": measured.trustworthiness,
        "neighbour_preservation": measured.preservation,
        "k": measured.k,
        "n": measured.n,
        "layers": {name: len(images.ids()) for name, images in layers.items()},
        "method": {"name": fitted.method, **fitted.settings},
        "placed_by": placed_by,
        "seed": chosen["seed"],
    }


def _fitted(ctx: RunContext, spec: RunSpec, train: NDArray[np.float32]) -> Projection:
    """The map of the training images: in this process, else as stored, else fitted now and stored."""
    from lab.projection.fit import fit
    from lab.projection.stored import read_map, write_map

    folder, seed = ctx.settings.workspace / "maps", spec.settings["seed"]

    def build() -> Projection:
        stored = read_map(folder, train, seed)
        if stored is not None:
            return stored
        fitted = fit(train, seed)
        write_map(folder, train, seed, fitted)
        return fitted

    return ctx.resident(f"map:{spec.inputs['dataset']}:{spec.settings['extractor']}:{seed}", build)


def _place_all(fitted: Projection, features: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Coordinates of every layer, and how those that were not fitted came to their place."""
    from lab.projection.place import place

    points: dict[str, Any] = {"train": fitted.coordinates}
    others = {name: rows for name, rows in features.items() if name != "train" and len(rows)}
    for name, rows in others.items():
        if fitted.transform is not None:
            points[name] = fitted.transform(rows)
        else:
            points[name] = place(rows, features["train"], fitted.coordinates)
    if not others:
        return "nothing was placed", points
    return ("the fitted map" if fitted.transform is not None else "their 15 nearest training images"), points


def _table(
    layers: dict[str, ImageSet], features: dict[str, Any], points: dict[str, Any], kept: NDArray[np.float64]
) -> dict[str, Any]:
    import numpy as np
    import pandas as pd

    limit, nearest = _off_map(features)
    parts = []
    for name, images in layers.items():
        if name not in points:
            continue
        far = np.zeros(len(images.ids()), bool) if name == "train" or limit is None else nearest[name] > limit
        own = kept if name == "train" else np.full(len(far), np.nan)
        parts.append(
            pd.DataFrame(
                {
                    "image_id": images.ids(),
                    "layer": name,
                    "label": images.labels(),
                    "off_map": far,
                    "kept": own,
                }
            )
        )
    order = [name for name in layers if name in points]
    stacked = np.concatenate([np.asarray(points[name], dtype=np.float32) for name in order])
    return {"points": stacked, "rows": pd.concat(parts, ignore_index=True)}


def _off_map(features: dict[str, Any]) -> tuple[float | None, dict[str, Any]]:
    """The held-out 99th percentile of the distance to train, and that distance for every placed image."""
    import numpy as np

    from lab.neighbours.calibrate import OFF_MAP_PERCENTILE
    from lab.neighbours.search import ExactIndex, unit

    index = ExactIndex(unit(features["train"]))
    nearest = {
        name: index.search(unit(rows), 1).distances[:, 0]
        for name, rows in features.items()
        if name != "train" and len(rows)
    }
    if "held-out" not in nearest:
        return None, nearest
    return float(np.percentile(nearest["held-out"], OFF_MAP_PERCENTILE)), nearest


def placed(ctx: RunContext, reference: str, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Places (m, 2) of new features on a stored map, by their 15 nearest training images.

    Args:
        reference: digest of the artifact with the map's features and coordinates.
    """
    import numpy as np

    from lab.neighbours.search import ExactIndex, unit
    from lab.projection.place import place

    def read() -> tuple[ExactIndex, NDArray[np.float32]]:
        with np.load(io.BytesIO(ctx.read_artifact(reference, ".npz")), allow_pickle=False) as stored:
            return ExactIndex(unit(stored["features"].astype(np.float32))), stored["coordinates"]

    index, coordinates = ctx.resident(f"map-reference:{reference}", read)
    return place(features, index, coordinates)


def _npy(array: Any) -> bytes:
    import numpy as np

    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def _npz(features: Any, coordinates: Any) -> bytes:
    import numpy as np

    stream = io.BytesIO()
    np.savez(stream, features=features, coordinates=coordinates)
    return stream.getvalue()


def _parquet(table: Any) -> bytes:
    stream = io.BytesIO()
    table.to_parquet(stream, index=False)
    return stream.getvalue()
