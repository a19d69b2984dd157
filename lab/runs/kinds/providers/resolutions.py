"""Features of all sides at four picture sizes in two feature spaces, each computed once and kept in the store."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

from lab.runs.context import RunContext
from lab.runs.kinds.embed import embedded, matrix, resident_extractor
from lab.runs.kinds.providers import Sets
from lab.runs.spec import Progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lab.data.imageset import ImageSet
    from lab.features.extractor import FeatureExtractor


class AtResolution:
    """An extractor on pictures that were first brought down to a square of some side, under a digest of its own.

    Args:
        base: the extractor.
        side: pixels; pictures whose longer side is smaller stay as they are.
    """

    def __init__(self, base: FeatureExtractor, side: int) -> None:
        from lab.provenance import digest_json

        self._base = base
        self.side = side
        self.id = f"{base.id}.at-{side}"
        self.digest = digest_json([base.digest, "brought to a square of", side, "bilinear"])
        self.dimension = base.dimension
        self.input_size = base.input_size
        self.resampling = f"brought to {side} px, then {base.resampling}"

    def embed(self, images: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
        """Features (n, dimension) of the smaller pictures."""
        from lab.data.pixels import resize

        return self._base.embed(
            [resize(one, self.side, "bilinear") if max(one.shape[:2]) > self.side else one for one in images]
        )


def absent(real: str, synthetic: ImageSet, extractor: str) -> str:
    """Every set can be looked at more coarsely."""
    return ""


def provide(ctx: RunContext, sets: Sets) -> Generator[Progress, None, dict[str, Any]]:
    """Spaces "resolution:SIDE:EXTRACTOR", extracted where the feature store lacks them."""
    from lab.metrics.inputs import Space
    from lab.metrics.resolutions import FACTORS, LARGEST, PREFIX

    options = sets.settings.get("options", {})
    largest = int(options.get("mm-fid.largest", options.get("mm-std.largest", LARGEST.default)))
    spaces = {}
    for base in (sets.extractor, _second(ctx, sets)):
        for factor in FACTORS:
            extractor = AtResolution(base, largest // factor)
            stage = f"Extracting features at {extractor.side} pixels"
            features: dict[str, Any] = {}
            for side, images in (
                ("real", sets.real),
                ("synthetic", sets.synthetic),
                ("held_out", sets.held_out),
            ):
                if images is None or not images.ids():
                    features[side] = None
                    continue
                yield from embedded(ctx, extractor, images, stage)
                features[side] = yield from matrix(ctx, extractor, images)
            spaces[f"{PREFIX}{extractor.side}:{base.id}"] = Space(**features, extractor=base.id)
    return {"spaces": spaces}


def _second(ctx: RunContext, sets: Sets) -> FeatureExtractor:
    """The other extractor that is shipped: for colour the descriptors of colour and texture."""
    from lab.features.extractors import default_extractors

    ids = sets.synthetic.ids()
    in_colour = bool(ids) and sets.synthetic.image(ids[0]).ndim == 3
    names = [name for name in default_extractors(in_colour) if name != sets.extractor.id]
    return resident_extractor(ctx, names[-1])
