"""Two networks over one small trunk: a Siamese network for patients, and an embedding for copies.

The Siamese network follows Packhaeuser et al. 2022 (Scientific Reports 12:14851): each image becomes 128 numbers
between 0 and 1, and one linear layer over the absolute difference of two such rows gives the score. The published
layout has a ResNet-50 below; the one trained here has eight convolutions, so that it learns in minutes on a processor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Question = Literal["patient", "copy"]
FEATURES = 128
WIDTHS = (32, 64, 96, 128)


@dataclass(frozen=True)
class Shape:
    """What a network looks like; with its weights it makes a model.

    Args:
        question: "patient" for a Siamese network, "copy" for a contrastive embedding.
        size: side of the square that it sees, in pixels.
        widths: channels of the four stages of the trunk.
        trunk: "small" for the one trained here, "resnet50" for the published one.
    """

    question: Question = "patient"
    size: int = 64
    widths: tuple[int, ...] = WIDTHS
    trunk: Literal["small", "resnet50"] = "small"


def build(shape: Shape, seed: int = 0) -> Any:
    """An untrained network on the processor, its weights drawn from `seed`.

    Its `forward` takes images (n, C, size, size), float in -1..1 for the small trunk and RGB in 0..1 for the published
    one, and gives (n, 128): numbers in 0..1 for patients, rows of unit length for copies. A network for patients has a
    layer `fc_end` from an absolute difference (n, 128) to a logit (n, 1).
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _network_class()(shape)


def pair_logits(network: Any, first: Any, second: Any) -> Any:
    """Logits (n,) that matching rows of two tables of embeddings are of one patient."""
    return network.fc_end((first - second).abs()).squeeze(-1)


def _network_class() -> Any:
    from torch import nn
    from torch.nn import functional

    class Network(nn.Module):
        def __init__(self, shape: Shape) -> None:
            super().__init__()
            self.question = shape.question
            self.model = _resnet50() if shape.trunk == "resnet50" else _small_trunk(shape.widths)
            if shape.question == "patient":
                self.fc_end = nn.Linear(FEATURES, 1)

        def forward(self, images: Any) -> Any:
            rows = self.model(images)
            return rows.sigmoid() if self.question == "patient" else functional.normalize(rows.float(), dim=1)

    return Network


def _resnet50() -> Any:
    import torch
    from torchvision.models import resnet50

    network = resnet50(weights=None)
    network.fc = torch.nn.Linear(network.fc.in_features, FEATURES)
    return network


def _small_trunk(widths: tuple[int, ...]) -> Any:
    """A residual network of four stages with group normalisation: a score never depends on the batch beside it."""
    from torch import nn

    def conv(before: int, after: int, stride: int = 1) -> Any:
        return nn.Sequential(
            nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.GroupNorm(8, after), nn.ReLU()
        )

    class Residual(nn.Module):
        def __init__(self, before: int, after: int, stride: int) -> None:
            super().__init__()
            self.first = conv(before, after, stride)
            self.second = nn.Sequential(nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.GroupNorm(8, after))
            plain = stride == 1 and before == after
            self.side = nn.Identity() if plain else nn.Conv2d(before, after, 1, stride, bias=False)

        def forward(self, x: Any) -> Any:
            return (self.side(x) + self.second(self.first(x))).relu()

    stages = [conv(1, widths[0], 2)]
    for before, after in zip((widths[0], *widths), widths, strict=False):
        stages.append(Residual(before, after, 1 if len(stages) == 1 else 2))
    # Sixteen places are kept apart by the mean over quarters: where a rib or the heart lies tells patients apart.
    flat = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * widths[-1], FEATURES))
    return nn.Sequential(*stages, flat)
