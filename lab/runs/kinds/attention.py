"""Making one stored sample again, with a record of where each word of its prompt acted.

The maps belong to that film or to none: the pixels have to come out as they are stored, within one grey level, as
happens where the recipe was made on another device.
"""

from __future__ import annotations

import io
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from lab.errors import GeneratorError
from lab.runs.context import RunContext
from lab.runs.kind import run_kind
from lab.runs.kinds.callbacks import stepwise
from lab.runs.spec import Progress, RunSpec

if TYPE_CHECKING:
    from lab.generators.attention_maps import WordMaps
    from lab.generators.sample import Sample

STAGE = "Making the sample again"
# Maps know nothing finer than a layer's places; beyond this side they would only fill the disk.
LARGEST_SIDE = 128
_ALLOWED = 1


@run_kind(
    "attention", lane="device", priority="interactive", modules=("lab.generators",), title="Where words act"
)
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Generate one sample with recording, compare it with the stored one, keep the maps."""
    from lab.generators.attention_maps import record
    from lab.generators.cards import get_card
    from lab.generators.sample import request_from_recipe
    from lab.runs.kinds.making import resident_generator

    recipe = spec.settings["recipe"]
    card = get_card(recipe["generator"])
    yield ctx.progress("Loading the generator", 0, 1)
    generator: Any = resident_generator(ctx, card.id, spec.inputs["weights"])
    if generator.digest != spec.inputs["weights"]:
        raise GeneratorError(
            f"The weights of {card.title} have changed since this sample was made; the sample is kept; "
            "make it again and look there."
        )
    request = request_from_recipe(recipe).checked(card)
    steps = stepwise(lambda report: record(generator, request, report))
    try:
        while True:
            (step,) = next(steps)
            yield ctx.progress(STAGE, step.step, step.steps)
    except StopIteration as end:
        sample, maps = end.value
    finally:
        steps.close()
    difference = _difference(sample, ctx.read_artifact(spec.settings["image"], ".png"))
    return {
        "image": spec.settings["image"],
        "prompt": recipe["prompt"],
        "words": list(maps.words),
        "strength": maps.strength(),
        "maps": ctx.artifact(packed(maps), ".npz"),
        "layers": maps.layers,
        "steps": maps.steps,
        "finest": maps.finest,
        "largest_difference": difference,
    }


def packed(maps: WordMaps) -> bytes:
    """The maps as npz: `maps` (words + 1, side, side) float16, at most 128 a side; the last is marks and padding."""
    import numpy as np
    import torch
    from torch.nn.functional import interpolate

    values = torch.from_numpy(maps.maps)[None]
    if values.shape[-1] > LARGEST_SIDE:
        values = interpolate(values, size=(LARGEST_SIDE, LARGEST_SIDE), mode="area")
    stream = io.BytesIO()
    np.savez_compressed(stream, maps=values[0].numpy().astype(np.float16))
    return stream.getvalue()


def _difference(sample: Sample, stored: bytes) -> int:
    """The largest difference in grey levels.

    Raises:
        GeneratorError: when it is more than another device explains.
    """
    import numpy as np

    from lab.data.images import decode

    film = decode(stored).array
    same = film.shape == sample.image.shape
    largest = int(np.abs(film.astype(np.int16) - sample.image).max()) if same else 255
    if largest > _ALLOWED:
        raise GeneratorError(
            f"The sample came out differently this time (by up to {largest} grey levels), so these maps would not be "
            "its own; the sample is kept, the maps are not; make the sample again and look there."
        )
    return largest
