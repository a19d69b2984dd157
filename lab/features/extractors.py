"""The feature extractors this installation offers, by id."""

from __future__ import annotations

from collections.abc import Callable

from lab.features.efficientnet_lite0 import EfficientNetLite0
from lab.features.extractor import FeatureExtractor
from lab.registry import Registry

DEFAULT = "efficientnet-lite0"
EXTRACTORS: Registry[Callable[[], FeatureExtractor]] = Registry("feature extractor")


@EXTRACTORS.register("efficientnet-lite0")
def _pooled() -> FeatureExtractor:
    return EfficientNetLite0()


@EXTRACTORS.register("efficientnet-lite0.blocks")
def _blocks() -> FeatureExtractor:
    return EfficientNetLite0("blocks")


def get_extractor(name: str = DEFAULT) -> FeatureExtractor:
    """The extractor called `name`; its weights are read at the first `embed`.

    Raises:
        NotFoundError: with the known names.
    """
    return EXTRACTORS.get(name)()
