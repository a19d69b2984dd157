"""The feature-space map: fitted on training images only, held-out images and samples placed on it."""

from __future__ import annotations

import io
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from lab.runs.context import RunContext
from lab.runs.kind import run_kind, warm
from lab.runs.kinds.embed import matrix, resident_extractor
from lab.runs.spec import Progress, RunSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lab.data.imageset import ImageSet
    from lab.projection.projection import Projection


@run_kind(
    "map", lane="side", priority="interactive", modules=("lab.projection", "lab.features"), title="Fit a map"
)
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Fit (or take the fitted one), place the others, measure how far the map can be believed."""
    from lab.data.resolve import resolve
    from lab.projection.quality import quality

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
    fitted = fitted_map(ctx, spec, features["train"])
    coordinates = fitted.coordinates
    yield ctx.progress("Placing images", 0, len(layers))
    placed_by, points = _place_all(fitted, features)
    yield ctx.progress("Measuring the map", 0, 1)
    near = _neighbourhoods(features)
    measured = quality(features["train"], coordinates, seed=chosen["seed"])
    table = _table(layers, near, points)
    return {
        "dataset": chosen["dataset"],
        "coordinates": ctx.artifact(_npy(table["points"]), ".npy"),
        "rows": ctx.artifact(_parquet(table["rows"]), ".parquet"),
        "reference": ctx.artifact(arrays(features=features["train"], coordinates=coordinates), ".npz"),
        "neighbours": ctx.artifact(arrays(**table["neighbours"], **_centroids(features)), ".npz"),
        "trustworthiness": measured.trustworthiness,
        "neighbour_preservation": measured.preservation,
        "k": measured.k,
        "n": measured.n,
        "layers": {name: len(images.ids()) for name, images in layers.items()},
        "off_map_limit": table["limit"],
        "torn": int(table["rows"]["torn"].sum()),
        "method": {"name": fitted.method, **fitted.settings},
        "placed_by": placed_by,
        "seed": chosen["seed"],
    }


def fitted_map(ctx: RunContext, spec: RunSpec, train: NDArray[np.float32]) -> Projection:
    """The map of the training images: in this process, else as stored, else fitted now and stored.

    A stored UMAP comes without its model; `with_model` gives it one.
    """
    from lab.projection.fit import fit
    from lab.projection.stored import read_map, write_map

    chosen = spec.settings
    folder, seed, method = ctx.settings.workspace / "maps", chosen["seed"], chosen["method"]

    def build() -> Projection:
        stored = read_map(folder, train, seed, method)
        if stored is not None:
            return stored
        fitted = fit(train, seed, method)
        write_map(folder, train, seed, fitted)
        return fitted

    return ctx.resident(f"map:{spec.inputs['dataset']}:{spec.inputs['extractor']}:{method}:{seed}", build)


def with_model(ctx: RunContext, stored: Projection, train: NDArray[np.float32]) -> Projection:
    """The same map able to transform, built once in this process; itself where its method cannot."""
    from lab.projection.fit import fit
    from lab.projection.stored import map_key
    from lab.projection.umap_map import revive

    if stored.transform is not None or stored.method == "tsne":
        return stored
    key = map_key(train, int(stored.settings["seed"]), stored.method)

    def build() -> Projection:
        if stored.method == "pca":
            return fit(train, int(stored.settings["seed"]), "pca")
        return revive(train, stored)

    return ctx.resident(f"map-model:{key}", build)


def _place_all(fitted: Projection, features: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Coordinates of every layer, and how those that were not fitted came to their place."""
    points: dict[str, Any] = {"train": fitted.coordinates}
    others = {name: rows for name, rows in features.items() if name != "train" and len(rows)}
    for name, rows in others.items():
        points[name] = placed_on(fitted, features["train"], rows)
    return (placing(fitted) if others else "nothing was placed"), points


def placed_on(fitted: Projection, train: Any, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Places (m, 2) of features (m, d): by the model where there is one, else among the nearest training images."""
    from lab.projection.place import place

    return fitted.transform(rows) if fitted.transform is not None else place(rows, train, fitted.coordinates)


def placing(fitted: Projection) -> str:
    """How a map places new images, in words."""
    return "the fitted map" if fitted.transform is not None else "their 15 nearest training images"


def _neighbourhoods(features: dict[str, Any]) -> dict[str, Any]:
    """True neighbours among the training images of every image of every layer: rows and distances."""
    from lab.projection.neighbourhood import true_neighbours

    train = features["train"]
    return {
        name: true_neighbours(train, None if name == "train" else rows)
        for name, rows in features.items()
        if len(rows)
    }


def _centroids(features: dict[str, Any]) -> dict[str, Any]:
    from lab.projection.neighbourhood import centroid

    return {f"centroid_{name}": centroid(rows) for name, rows in features.items() if len(rows)}


def _table(layers: dict[str, ImageSet], near: dict[str, Any], points: dict[str, Any]) -> dict[str, Any]:
    """Rows, places and neighbours of all layers, stacked in one order."""
    import numpy as np
    import pandas as pd

    from lab.projection.neighbourhood import TORN, kept_share, stretch

    limit = off_map_limit(near["held-out"][1][:, 0]) if "held-out" in near else None
    parts, order = [], [name for name in layers if name in points]
    for name in order:
        rows, distances = near[name]
        far = np.zeros(len(rows), bool) if name == "train" or limit is None else distances[:, 0] > limit
        kept = kept_share(rows, points["train"]) if name == "train" else np.full(len(rows), np.nan)
        told = {"image_id": layers[name].ids(), "layer": name, "label": layers[name].labels()}
        torn = stretch(points[name], points["train"], rows) >= TORN
        parts.append(pd.DataFrame({**told, "off_map": far, "kept": kept, "torn": torn}))
    width = min(near[name][0].shape[1] for name in order)
    return {
        "points": np.concatenate([np.asarray(points[name], dtype=np.float32) for name in order]),
        "rows": pd.concat(parts, ignore_index=True),
        "neighbours": {
            "rows": np.concatenate([near[name][0][:, :width] for name in order]),
            "distances": np.concatenate([near[name][1][:, :width] for name in order]),
        },
        "limit": limit,
    }


def off_map_limit(distances: NDArray[np.floating]) -> float:
    """The held-out 99th percentile of the distance to the nearest training image."""
    import numpy as np

    from lab.neighbours.calibrate import OFF_MAP_PERCENTILE

    return float(np.percentile(distances, OFF_MAP_PERCENTILE))


def placed(ctx: RunContext, reference: str, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Places (m, 2) of new features on a stored map, by their 15 nearest training images.

    Args:
        reference: digest of the artifact with the map's features and coordinates.
    """
    import numpy as np

    from lab.features.unit import unit
    from lab.neighbours.search import ExactIndex
    from lab.projection.place import place

    def read() -> tuple[ExactIndex, NDArray[np.float32]]:
        with np.load(io.BytesIO(ctx.read_artifact(reference, ".npz")), allow_pickle=False) as stored:
            return ExactIndex(unit(stored["features"].astype(np.float32))), stored["coordinates"]

    index, coordinates = ctx.resident(f"map-reference:{reference}", read)
    return place(features, index, coordinates)


def arrays(**named: Any) -> bytes:
    """Arrays under their names as the bytes of one `.npz`, without objects."""
    import numpy as np

    stream = io.BytesIO()
    np.savez(stream, **named)
    return stream.getvalue()


@warm("side")
def warm_map(ctx: RunContext) -> Generator[None, None, None]:
    """Give the newest map its model while the lane is idle, so that a new sample is placed in milliseconds."""
    import numpy as np

    from lab.projection.projection import Projection
    from lab.runs.store import RunStore

    done = RunStore.open(ctx.settings).list(states=("done",), kinds=("map",), limit=1)
    if not done or not done[0].result:
        return
    result = done[0].result
    with np.load(io.BytesIO(ctx.read_artifact(result["reference"], ".npz")), allow_pickle=False) as stored:
        train, coordinates = stored["features"].astype(np.float32), stored["coordinates"]
    yield None
    settings = {key: value for key, value in result["method"].items() if key != "name"}
    model = with_model(ctx, Projection(result["method"]["name"], coordinates, settings), train)
    yield None
    if model.transform is not None:
        model.transform(train[:1] + 1e-4)  # the first call compiles
    yield None


def _npy(array: Any) -> bytes:
    import numpy as np

    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def _parquet(table: Any) -> bytes:
    stream = io.BytesIO()
    table.to_parquet(stream, index=False)
    return stream.getvalue()
