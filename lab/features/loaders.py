"""From a record to a network: one loader a family, each reading the published layout of its weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lab.features.places import Place
from lab.features.record import ExtractorRecord
from lab.registry import Registry

if TYPE_CHECKING:
    import torch

Network = Callable[["torch.Tensor"], "torch.Tensor"]
LOADERS: Registry[Callable[[ExtractorRecord, Place, str], Network]] = Registry("extractor family")


@LOADERS.register("efficientnet-lite")
def _lite(record: ExtractorRecord, place: Place, device: str) -> Network:
    from lab.features.families.efficientnet_lite import LiteNetwork
    from lab.features.weights_file import read_state

    network = LiteNetwork(read_state(place.only), device, str(record.options.get("variant", "lite0")))
    return lambda batch: network.pooled(batch, record.layer)


@LOADERS.register("inception-fid")
def _inception(record: ExtractorRecord, place: Place, device: str) -> Network:
    from lab.features.families.inception_fid import InceptionFid
    from lab.features.weights_file import read_state

    return InceptionFid(read_state(place.only), device, record.layer)


@LOADERS.register("densenet")
def _densenet(record: ExtractorRecord, place: Place, device: str) -> Network:
    from lab.features.families.densenet import DenseNet
    from lab.features.weights_file import read_state

    return DenseNet(read_state(place.only), device)


@LOADERS.register("biovil")
def _biovil(record: ExtractorRecord, place: Place, device: str) -> Network:
    from lab.features.families.biovil import BioViL
    from lab.features.weights_file import read_state

    return BioViL(read_state(place.only), device, record.layer)


@LOADERS.register("transformers")
def _transformers(record: ExtractorRecord, place: Place, device: str) -> Network:
    from lab.features.families.vision_transformer import VisionTransformer

    return VisionTransformer(place.only.parent, device, record.layer)


@LOADERS.register("open-clip")
def _open_clip(record: ExtractorRecord, place: Place, device: str) -> Network:
    from lab.features.families.open_clip_tower import ImageTower

    return ImageTower(place.only.parent, place.only, device)


@LOADERS.register("descriptors")
def _descriptors(record: ExtractorRecord, place: Place, device: str) -> Network:
    import numpy as np
    import torch

    from lab.features.families.descriptors import describe

    def network(batch: Any) -> Any:
        images = batch.cpu().numpy().transpose(0, 2, 3, 1)
        return torch.from_numpy(np.stack([describe(image) for image in images]))

    return network
