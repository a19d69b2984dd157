"""A mask as the picture that a control network was trained on: colours or greys by structure, or outlines."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import GeneratorError
from lab.generators.card import GeneratorCard
from lab.generators.mask_channels import Labels, read_mask

OPTION = "mask_picture"
KINDS = ("grey", "colours", "edges")


def control_picture(mask: bytes, card: GeneratorCard, size: int) -> NDArray[np.uint8]:
    """The mask of a request as a control picture.

    `card.options["mask_picture"]` says which: {"kind": "grey"} spreads the structures evenly from black to white,
    {"kind": "edges"} draws white outlines on black, {"kind": "colours", "colours": [[r, g, b], ...]} gives
    background and each structure its colour. Without the option it is grey.

    Args:
        mask: PNG bytes of structure numbers.
        card: of the generator; its structures and the option are read.
        size: side in pixels.

    Returns:
        (size, size, 3) uint8.

    Raises:
        ImageError: when the mask cannot be read.
        GeneratorError: when the option does not give a colour to every structure.
    """
    labels = read_mask(mask, size)
    option = card.options.get(OPTION) or {}
    kind = _kind(option)
    if kind == "edges":
        return np.repeat((outlines(labels) * np.uint8(255))[..., None], 3, axis=2)
    count = 1 + max(len(card.structures), 1)
    if kind == "grey":
        greys = np.rint(np.linspace(0, 255, count)).astype(np.uint8)
        return np.repeat(greys[np.minimum(labels, count - 1)][..., None], 3, axis=2)
    return _table(option, count)[np.minimum(labels, count - 1)]


def outlines(labels: Labels) -> NDArray[np.bool_]:
    """(H, W) True on the pixels of each structure that touch another number above, below or beside them."""
    padded = np.pad(labels, 1, mode="edge")
    middle = padded[1:-1, 1:-1]
    around = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    differs = np.zeros(labels.shape, dtype=bool)
    for side in around:
        differs |= side != middle
    return differs & (middle > 0)


def _kind(option: Any) -> str:
    kind = (
        option.get("kind", "colours" if "colours" in option else "grey") if isinstance(option, dict) else ""
    )
    if kind not in KINDS:
        raise _refused(f"its kind must be one of {', '.join(KINDS)}")
    return str(kind)


def _table(option: dict[str, Any], count: int) -> NDArray[np.uint8]:
    try:
        table = np.asarray(option["colours"], dtype=np.int64)
        fits = table.ndim == 2 and table.shape[1] == 3 and len(table) >= count
        fits = fits and table.min() >= 0 and table.max() <= 255
    except (KeyError, TypeError, ValueError) as error:
        raise _refused("its colours are not lists of three numbers") from error
    if not fits:
        raise _refused(f"it needs {count} colours of three numbers from 0 to 255, background first")
    return table.astype(np.uint8)


def _refused(reason: str) -> GeneratorError:
    return GeneratorError(
        f"The option '{OPTION}' of this card was not taken because {reason}; nothing was generated; correct the card."
    )
