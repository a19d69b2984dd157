"""The contact sheet of a generator that is told masks: a mask in each row, then a sample of every vendor, one seed."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.generators.card import GeneratorCard
from lab.generators.condition import Condition, encode_mask
from lab.generators.mask_hearts import drawable, sample_heart
from lab.generators.request import request_for
from lab.generators.training.contact_sheet import write_sheet

ROWS = 6
FIRST_SEED = 11
HEARTS = (1, 3, 9, 11, 16, 35)


def draw(card: GeneratorCard, training: list[NDArray[np.uint8]], path: Path) -> float:
    """Draw the sheet through the loader; returns the median seconds of four samples.

    Args:
        card: with masks; its root is the folder just written.
        training: masks to fall back on where no heart can be drawn for the card's structures.
        path: of the PNG.
    """
    from lab.generators.load import load

    generator = load(card)
    vendors = card.vendors or ("",)
    shown, took = list[Any](), list[float]()
    for row, mask in enumerate(masks_for(card, training)):
        shown.append(grey(mask, len(card.structures)))
        for vendor in vendors:
            condition = Condition(vendor=vendor, mask=encode_mask(mask))
            request = request_for(card, "", 1, FIRST_SEED + row, condition=condition)
            began = time.perf_counter()
            shown += [sample.image for batch in generator.generate(request) for sample in batch]
            # A sample alone costs what four do: micro-batches are filled up.
            took.append(time.perf_counter() - began)
    write_sheet(np.stack(shown), path, 1 + len(vendors))
    return round(statistics.median(took), 2)


def masks_for(card: GeneratorCard, training: list[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    """Masks that no training picture has, where they can be drawn; else those of training pictures."""
    if drawable(card.structures):
        return [sample_heart(seed, card.size, card.structures) for seed in HEARTS[:ROWS]]
    return training[:ROWS]


def grey(mask: NDArray[np.uint8], structures: int) -> NDArray[np.uint8]:
    """A mask as greys: background black, the last structure white."""
    return np.rint(mask.astype(np.float64) * (255 / max(1, structures))).astype(np.uint8)
