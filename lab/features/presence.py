"""Which features of a set are there already: what a run will have to compute, known before it is launched."""

from __future__ import annotations

from collections.abc import Sequence

from lab.config import settings
from lab.errors import LabError
from lab.features.extractors import get_extractor
from lab.features.store import FeatureStore


def missing_features(name: str, digests: Sequence[str]) -> int | None:
    """How many of some images the feature store lacks by one extractor; None where its weights are not here.

    Args:
        name: of the extractor.
        digests: of the images.

    Raises:
        NotFoundError: for an unknown extractor.
    """
    extractor = get_extractor(name)
    try:
        return len(FeatureStore(settings().features).missing(extractor, digests))
    except LabError:
        return None
