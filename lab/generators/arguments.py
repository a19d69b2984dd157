"""From requests to the arguments of a pipeline's call: words, sizes, control pictures, the generator's own numbers."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lab.errors import GeneratorError
from lab.generators.card import GeneratorCard, Knob
from lab.generators.condition import Condition
from lab.generators.lora import SCALE
from lab.generators.mask_picture import OPTION, control_picture
from lab.generators.request import GenerationRequest

# Options of a card that say how the lab asks, and are no arguments of a pipeline.
_OWN = (OPTION,)


def with_knobs(request: GenerationRequest, card: GeneratorCard) -> GenerationRequest:
    """The same request with every knob of the card at a number, so that the recipe records those left alone too."""
    if not card.knobs:
        return request
    asked = request.condition
    numbers = tuple(sorted((knob.name, asked.number(knob.name, knob.default)) for knob in card.knobs))
    return replace(request, condition=Condition(asked.label, asked.vendor, asked.mask, numbers))


def call_arguments(
    pipeline: Any, card: GeneratorCard, requests: Sequence[GenerationRequest]
) -> dict[str, Any]:
    """What a pipeline is called with; seeds are left to the caller.

    Args:
        pipeline: of diffusers; only arguments that its call names are given.
        card: its options are arguments of the call, its knobs too where they are called like one.
        requests: one for each image of the micro-batch, alike but for prompt and mask.

    Raises:
        GeneratorError: for a mask that the pipeline has no use for, or a control network without one.
    """
    known = inspect.signature(pipeline.__call__).parameters
    first = requests[0]
    wanted: dict[str, Any] = {
        "prompt": [request.prompt for request in requests],
        "num_inference_steps": first.steps,
        "guidance_scale": first.guidance,
        "height": first.size,
        "width": first.size,
        "output_type": "np",
        "batch_size": len(requests),
    }
    if first.negative_prompt:
        wanted["negative_prompt"] = [request.negative_prompt for request in requests]
    wanted |= card.options
    wanted |= _control(pipeline, card, requests)
    for knob in card.knobs:
        if knob.name != SCALE and knob.name in known:
            wanted |= _knob(knob, first.condition.number(knob.name, knob.default), known[knob.name].default)
    return {name: value for name, value in wanted.items() if name in known and name not in _OWN}


def _control(pipeline: Any, card: GeneratorCard, requests: Sequence[GenerationRequest]) -> dict[str, Any]:
    """The masks as pictures, for a pipeline with a control network."""
    from PIL import Image

    masks = [request.condition.mask for request in requests]
    if getattr(pipeline, "controlnet", None) is None:
        if any(masks):
            raise GeneratorError(
                f"{card.title} has no control network that reads a mask; nothing was generated; "
                "name one under parts in its card."
            )
        return {}
    if not all(masks):
        raise GeneratorError(
            f"{card.title} needs a mask; nothing was generated; choose, draw or upload one, "
            "and set its card's conditioning to mask."
        )
    return {"image": [Image.fromarray(control_picture(mask, card, requests[0].size)) for mask in masks]}


def _knob(knob: Knob, value: float, default: Any) -> dict[str, Any]:
    """One knob as an argument.

    A switch (0 or 1) of an argument that is no number empties it when off and leaves the pipeline's own when on.
    """
    if isinstance(default, bool):
        return {knob.name: bool(value)}
    is_number = default is None or default is inspect.Parameter.empty or isinstance(default, (int, float))
    if not is_number:
        return {} if value else {knob.name: None}
    whole = float(knob.step).is_integer() and float(knob.low).is_integer()
    as_whole = isinstance(default, int) or (default is None and whole)
    return {knob.name: int(value) if as_whole else float(value)}
