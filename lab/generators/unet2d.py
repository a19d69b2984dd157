"""A U-Net in pixels that is told a class, a vendor or a mask, with diffusion or flow matching: guided sampling.

The folder is that of an unconditional diffusers pipeline (`DDPMPipeline`: unet and scheduler). Its U-Net may have class
embeddings (class times vendors plus vendor, the last number for "not told") and, under the noisy picture, one more
channel a structure of the card's masks (all zeros for "not told").
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import GeneratorError, WeightsError
from lab.generators.card import GeneratorCard
from lab.generators.condition import Condition, decode_mask
from lab.generators.diffusers_pipeline import DiffusersGenerator, _steps_reported
from lab.generators.previews import to_pixels
from lab.generators.request import GenerationRequest
from lab.generators.written import padded


class Unet2dGenerator(DiffusersGenerator):
    """As `DiffusersGenerator`, with steps of its own: what is told goes to the network, and guidance compares."""

    def __init__(self, card: GeneratorCard, folder: Path, device: str) -> None:
        super().__init__(card, folder, device)
        config = self.pipeline.unet.config
        embedded = int(config.num_class_embeds or 0)
        extra = int(config.in_channels) - int(config.out_channels)
        kinds = max(1, len(card.classes)) * max(1, len(card.vendors)) if card.classes or card.vendors else 0
        if embedded != (kinds + 1 if kinds else 0) or extra != len(card.structures):
            raise WeightsError(
                f"The network of {card.title} was not trained for the classes, vendors and structures of its card; "
                "nothing was loaded; correct the card."
            )
        self.untold = kinds
        # What asks the network without a condition, such as an attack, has to know which class that is.
        self.pipeline.untold_class = kinds if kinds else None

    def _run(
        self, requests: list[GenerationRequest], seeds: tuple[int, ...], report: Any
    ) -> list[NDArray[np.uint8]]:
        import torch

        size = requests[0].micro_batch
        whole = requests + requests[-1:] * (size - len(requests))
        try:
            with torch.no_grad(), _steps_reported(self.pipeline.scheduler, report):
                pixels = self._sampled(whole, padded(seeds, size))
        except (RuntimeError, ValueError, TypeError, KeyError, IndexError) as error:
            raise GeneratorError(
                f"{self.card.title} could not answer this request ({type(error).__name__}); "
                "finished samples are kept; try the card's own steps and guidance."
            ) from error
        if not np.isfinite(pixels).all():
            raise GeneratorError(
                f"{self.card.title} gave values that are not numbers; finished samples are kept; "
                "try a lower guidance or float32 weights."
            )
        images = to_pixels(pixels[: len(seeds)])
        return [image[..., 0] if image.shape[-1] == 1 else image for image in images]

    def _sampled(self, requests: list[GenerationRequest], seeds: tuple[int, ...]) -> NDArray[np.float32]:
        """(n, H, W, C) float32 around 0..1."""
        import torch

        unet, scheduler, first = self.pipeline.unet, self.pipeline.scheduler, requests[0]
        shape = (1, unet.config.out_channels, first.size, first.size)
        draws = [torch.Generator().manual_seed(seed) for seed in seeds]
        noisy = torch.cat([torch.randn(shape, generator=draw) for draw in draws]).to(self.device, unet.dtype)
        told = self._told([request.condition for request in requests], first.size, noisy)
        guided = first.guidance > 1 and any(request.condition for request in requests)
        untold = self._told([Condition()] * len(requests), first.size, noisy) if guided else None
        scheduler.set_timesteps(first.steps, device=self.device)
        noisy = noisy * getattr(scheduler, "init_noise_sigma", 1.0)
        more = {"generator": draws} if "generator" in inspect.signature(scheduler.step).parameters else {}
        for time in scheduler.timesteps:
            scaled = (
                scheduler.scale_model_input(noisy, time) if hasattr(scheduler, "scale_model_input") else noisy
            )
            answer = _asked(unet, scaled, time, told)
            if untold is not None:
                blank = _asked(unet, scaled, time, untold)
                answer = blank + first.guidance * (answer - blank)
            noisy = scheduler.step(answer, time, noisy, **more).prev_sample
        return np.asarray((noisy.float() / 2 + 0.5).permute(0, 2, 3, 1).cpu().numpy(), np.float32)

    def _told(self, conditions: list[Condition], size: int, like: Any) -> tuple[Any, Any]:
        """Class numbers (n,) and mask channels (n, structures, H, W); None where the network takes none."""
        import torch

        numbers = [class_number(self.card, condition) for condition in conditions]
        classes = torch.tensor(numbers, device=like.device) if self.untold else None
        if not self.card.structures:
            return classes, None
        masks = np.stack([mask_of(condition, size) for condition in conditions])
        layers = masks[:, None] == np.arange(1, len(self.card.structures) + 1)[None, :, None, None]
        return classes, torch.from_numpy(layers).to(like.device, like.dtype)


def class_number(card: GeneratorCard, condition: Condition) -> int:
    """The number of a class and vendor among the network's embeddings; the last one where any is left open."""
    untold = max(1, len(card.classes)) * max(1, len(card.vendors))
    if (card.classes and not condition.label) or (card.vendors and not condition.vendor):
        return untold
    label = card.classes.index(condition.label) if card.classes else 0
    vendor = card.vendors.index(condition.vendor) if card.vendors else 0
    return label * max(1, len(card.vendors)) + vendor


def mask_of(condition: Condition, size: int) -> NDArray[np.uint8]:
    """The mask of a condition as (size, size) structure numbers, all background where there is none."""
    from PIL import Image

    if not condition.mask:
        return np.zeros((size, size), np.uint8)
    mask = decode_mask(condition.mask)
    if mask.shape == (size, size):
        return mask
    return np.asarray(Image.fromarray(mask).resize((size, size), Image.Resampling.NEAREST), np.uint8)


def _asked(unet: Any, noisy: Any, time: Any, told: tuple[Any, Any]) -> Any:
    import torch

    classes, layers = told
    taken = noisy if layers is None else torch.cat([noisy, layers], 1)
    return unet(taken, time, class_labels=classes).sample
