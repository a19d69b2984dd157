"""Small changes of training pictures on the device, masks moved alike; every draw from the step's own generator."""

from __future__ import annotations

from typing import Any

TURN, ZOOM, SHIFT, GAIN = 0.07, 0.06, 0.03, 0.06
"""Radians, shares of the side, and share of the range, each way."""


def augmented(images: Any, masks: Any, changes: tuple[str, ...], draw: Any) -> tuple[Any, Any]:
    """Changed pictures and masks.

    Args:
        images: (n, C, H, W) float in -1..1 on the device of `draw`.
        masks: (n, H, W) uint8 or None.
        changes: any of move, gain, flip, turn.
        draw: torch generator.
    """
    import torch

    if "flip" in changes:
        images, masks = _mirrored(images, masks, draw)
    if "turn" in changes:
        quarter = torch.randint(0, 4, (len(images),), generator=draw, device=images.device)
        images = _quartered(images, quarter)
        masks = None if masks is None else _quartered(masks, quarter)
    if "move" in changes:
        images, masks = _moved(images, masks, draw)
    if "gain" in changes:
        gain, offset = 1 + _drawn(images, GAIN, draw), _drawn(images, GAIN, draw)
        images = (images * gain[:, None, None, None] + offset[:, None, None, None]).clamp(-1, 1)
    return images, masks


def _drawn(images: Any, width: float, draw: Any) -> Any:
    import torch

    return (torch.rand(len(images), generator=draw, device=images.device) * 2 - 1) * width


def _mirrored(images: Any, masks: Any, draw: Any) -> tuple[Any, Any]:
    import torch

    chosen = _drawn(images, 1.0, draw) > 0
    images = torch.where(chosen[:, None, None, None], images.flip(-1), images)
    return images, None if masks is None else torch.where(chosen[:, None, None], masks.flip(-1), masks)


def _quartered(pictures: Any, quarter: Any) -> Any:
    """Each picture turned by as many quarters as its number says."""
    import torch

    shape = (-1, *[1] * (pictures.ndim - 1))
    turned = pictures
    for number in (1, 2, 3):
        turned = torch.where((quarter == number).view(shape), torch.rot90(pictures, number, (-2, -1)), turned)
    return turned


def _moved(images: Any, masks: Any, draw: Any) -> tuple[Any, Any]:
    import torch
    from torch.nn import functional

    angle, scale = _drawn(images, TURN, draw), 1 + _drawn(images, ZOOM, draw)
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    across, down = _drawn(images, 2 * SHIFT, draw), _drawn(images, 2 * SHIFT, draw)
    rows = [torch.stack([cos, -sin, across], 1), torch.stack([sin, cos, down], 1)]
    grid = functional.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    # Cubic, and mirrored at the border: a soft picture or a black wedge would be learned and drawn again.
    moved = functional.grid_sample(
        images, grid, mode="bicubic", padding_mode="reflection", align_corners=False
    ).clamp(-1, 1)
    if masks is None:
        return moved, None
    flat = functional.grid_sample(
        masks[:, None].float(), grid, mode="nearest", padding_mode="reflection", align_corners=False
    )
    return moved, flat[:, 0].round().to(masks.dtype)
