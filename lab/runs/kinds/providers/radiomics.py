"""Radiomic features of all sides, computed once an image and kept in the feature store like any other features."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

from lab.runs.context import RunContext
from lab.runs.kinds.embed import embedded, matrix
from lab.runs.kinds.providers import Sets
from lab.runs.spec import Progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lab.data.imageset import ImageSet

VERSION = 1
SPACE = "radiomics"


class Radiomics:
    """The radiomic features as an extractor; its digest changes with every constant they depend on.

    Args:
        side: pixels of the square that every picture is brought to.
    """

    def __init__(self, side: int) -> None:
        from lab.metrics.radiomics import features, filters
        from lab.provenance import digest_json

        self.side = side
        self.id = f"radiomics.at-{side}"
        self.dimension = len(features.feature_names())
        settings = [VERSION, side, features.SCALE, features.BIN_WIDTH, features.MOST_SPREADS, filters.SIGMAS]
        self.digest = digest_json([*settings, features.feature_names()])
        self.input_size = side
        self.resampling = f"squashed to {side} px"

    def embed(self, images: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
        """Features (n, dimension) float32."""
        import numpy as np

        from lab.metrics.radiomics.features import radiomic_vector

        return np.asarray([radiomic_vector(image, self.side) for image in images], dtype=np.float32)


def absent(real: str, synthetic: ImageSet, extractor: str) -> str:
    """Every picture has them."""
    return ""


def provide(ctx: RunContext, sets: Sets) -> Generator[Progress, None, dict[str, Any]]:
    """The space "radiomics"; both sets are brought to one size first."""
    from lab.metrics.inputs import Space
    from lab.metrics.radiomics.features import SIDE

    options = sets.settings.get("options", {})
    extractor = Radiomics(int(options.get("radiomics-distance.side", SIDE)))
    features: dict[str, Any] = {}
    for side, images in (("real", sets.real), ("synthetic", sets.synthetic), ("held_out", sets.held_out)):
        if images is None or not images.ids():
            features[side] = None
            continue
        yield from embedded(ctx, extractor, images, "Computing radiomic features")
        features[side] = yield from matrix(ctx, extractor, images)
    return {"spaces": {SPACE: Space(**features, extractor=extractor.id)}}
