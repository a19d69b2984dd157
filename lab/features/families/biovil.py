"""BioViL-T's image side by our own adapter: ResNet encoder, learnt stand-in for an earlier film, projector.

Reads the published file `biovil_t_image_model_proj_size_128.pt` (Bannur et al., CVPR 2023, arXiv 2301.04558) without
any code of its repository. One film is looked at alone, so the temporal transformer is not used and the features
are those the authors' `ImageModel` gives for a film without a previous one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lab.features.families.folded import Convolution, Folded, convolve, relu_convolve

if TYPE_CHECKING:
    import torch

STAGES = ("layer1", "layer2", "layer3", "layer4")


class BioViL:
    """The image model as functions over folded weights.

    Args:
        state: the published state dictionary.
        device: where it computes.
        layer: "projected" (joint space with text) or "encoder" (before the projector).

    Raises:
        WeightsError: when a tensor is missing, superfluous or of another shape.
    """

    def __init__(self, state: Mapping[str, torch.Tensor], device: str, layer: str = "projected") -> None:
        weights = Folded(state, device, "BioViL-T's image model")
        base = "encoder.encoder."
        self._layer = layer
        self._stem = weights.convolution(f"{base}conv1", f"{base}bn1")
        self._stages = [_stage(weights, base + stage) for stage in STAGES]
        self._to_patches = weights.convolution("encoder.backbone_to_vit", None)
        self._missing = weights.take("encoder.missing_previous_emb").float().to(device)
        self._narrow = weights.convolution("projector.model.0", "projector.model.1")
        self._project = weights.convolution("projector.model.3", None)
        weights.finish((f"{base}fc.", "encoder.vit_pooler.", "classifier."))

    def __call__(self, batch: torch.Tensor) -> torch.Tensor:
        """Films (n, 3, 448, 448) between 0 and 1 to features (n, dimension)."""
        import torch
        from torch.nn.functional import max_pool2d

        x = max_pool2d(relu_convolve(batch, self._stem, 2, 3), 3, 2, 1)
        for number, stage in enumerate(self._stages):
            for position, block in enumerate(stage):
                x = _bottleneck(x, block, 2 if number and not position else 1)
        patches = convolve(x, self._to_patches)
        missing = self._missing.expand(len(patches), -1, *patches.shape[2:])
        fused = torch.cat([patches, missing], 1)
        if self._layer == "projected":
            fused = convolve(relu_convolve(fused, self._narrow), self._project)
        return fused.mean(dim=(2, 3))


Block = tuple[Convolution, Convolution, Convolution, Convolution | None]


def _stage(weights: Folded, name: str) -> list[Block]:
    blocks: list[Block] = []
    while f"{name}.{len(blocks)}.conv1.weight" in weights:
        place = f"{name}.{len(blocks)}"
        first, second, third = (
            weights.convolution(f"{place}.conv{step}", f"{place}.bn{step}") for step in (1, 2, 3)
        )
        shortcut = None
        if f"{place}.downsample.0.weight" in weights:
            shortcut = weights.convolution(f"{place}.downsample.0", f"{place}.downsample.1")
        blocks.append((first, second, third, shortcut))
    return blocks


def _bottleneck(x: torch.Tensor, block: Block, stride: int) -> torch.Tensor:
    first, second, third, shortcut = block
    y = relu_convolve(relu_convolve(x, first), second, stride, 1)
    kept = x if shortcut is None else convolve(x, shortcut, stride)
    return convolve(y, third).add_(kept).relu_()
