"""Adaptive changes of what the critic sees, real and generated alike: few pictures do not become known by heart.

Each change happens with probability p, which rises while the critic is too sure of the real pictures and falls where
it is not. At p below 1 unchanged pictures stay the most common of each kind, so that the generator does not learn the
changes. Never a flip: side is part of a radiograph.
"""

from __future__ import annotations

from typing import Any

SHIFT, ZOOM, TURN = 0.25, 0.12, 0.12
"""Share of half the side, exponent of two, radians: widths of what is drawn."""
BRIGHT, CONTRAST = 0.15, 0.3


def changed(images: Any, p: Any, draw: Any) -> Any:
    """Pictures (n, C, H, W) with shift, zoom and turn, brightness and contrast, each with probability p.

    Args:
        images: float in -1..1; gradients pass.
        p: tensor of one number on the same device; it is not waited for.
        draw: torch generator on the device.
    """
    import torch
    from torch.nn import functional

    def drawn(width: float) -> Any:
        values = torch.randn(len(images), generator=draw, device=images.device) * (width / 2)
        taken = torch.rand(len(images), generator=draw, device=images.device) < p
        return torch.where(taken, values.clamp(-width, width), torch.zeros_like(values))

    across, down = drawn(SHIFT), drawn(SHIFT)
    scale, angle = torch.exp2(drawn(ZOOM)), drawn(TURN)
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    rows = [torch.stack([cos, -sin, across], 1), torch.stack([sin, cos, down], 1)]
    grid = functional.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    moved = functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    gain, offset = torch.exp2(drawn(CONTRAST)), drawn(BRIGHT)
    return moved * gain.view(-1, 1, 1, 1) + offset.view(-1, 1, 1, 1)


def adapt(p: Any, sign: Any, target: float, images: int, over: int, most: float) -> None:
    """Move p, in place, by how sure the critic is of real pictures.

    Args:
        p: tensor of one number.
        sign: mean sign of the critic's logits on real pictures, -1..1.
        target: the sign that is right.
        images: how many were just seen; p goes from 0 to 1 in `over` of them at the fastest.
        most: p goes no higher.
    """
    p.add_((sign - target).sign() * (images / over)).clamp_(0.0, most)
