"""Membership inference: was this film among those the generator was trained on?

Black box (GAN-Leaks, Chen et al. 2020): a film the generator learnt by heart lies unusually near to one of its samples.
The score is the distance to the nearest film of a reference set minus the distance to the nearest sample, so that a
film which is near to everything is not taken for a member.

White box (the loss attack of Yeom et al. 2018, for diffusion Carlini et al. 2023): the denoiser errs less on films it
was trained on. The score is minus the squared error of its prediction on the film's latents under the film's own
caption, averaged over fixed steps and fixed noises, the same for every film.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lab.data.imageset import patient_balanced, subset
from lab.errors import NotComputable, StoreError

if TYPE_CHECKING:
    from lab.data.imageset import ImageSet

Floats = NDArray[np.float64]
MEMBERS = "members.json"
TIMES = (0.1, 0.25, 0.4, 0.55, 0.7, 0.85)
NOISES = 3
BATCH = 16
NOISE_SEED = 0


def read_members(root: Path | None) -> tuple[str, ...] | None:
    """Image ids of a generator's training films, from `members.json` beside its card; None without that file.

    Raises:
        StoreError: when the file is damaged.
    """
    path = None if root is None else root / MEMBERS
    if path is None or not path.is_file():
        return None
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(told, list) or not told or not all(isinstance(name, str) for name in told):
            raise ValueError("no list of ids")
    except (OSError, ValueError) as error:
        raise StoreError(
            "The list of training films beside the generator's card cannot be read; nothing was measured; "
            "restore members.json."
        ) from error
    return tuple(told)


def sides(
    train: ImageSet, held_out: ImageSet, members: Sequence[str] | None, most: int, seed: int = 0
) -> tuple[ImageSet, ImageSet]:
    """The films an attack is tried on: members and non-members, at most `most` of each, one a patient first.

    Args:
        train, held_out: of the dataset the generator was trained on.
        members: ids of its training films; None takes all of `train`.

    Raises:
        NotComputable: when none of the members is in the dataset, or no film was held out.
    """
    known = set(train.ids())
    mine = train if members is None else subset(train, [name for name in members if name in known])
    if not mine.ids() or not held_out.ids():
        raise NotComputable(
            "An attack needs films that the generator saw and films it never saw; nothing was measured; install the "
            "dataset it was trained on, with held-out images."
        )
    return (
        subset(mine, patient_balanced(mine, most, seed)),
        subset(held_out, patient_balanced(held_out, most, seed)),
    )


def calibrated(to_samples: Floats, to_reference: Floats) -> Floats:
    """Scores (n,) of the black box attack from distances to the nearest sample and to the nearest reference film."""
    return np.asarray(to_reference, np.float64) - np.asarray(to_samples, np.float64)


def why_closed(pipeline: Any) -> str:
    """Why the loss of this pipeline cannot be read, in one sentence; "" where it can."""
    parts: list[Any] = [getattr(pipeline, name, None) for name in ("unet", "vae", "scheduler")]
    if any(part is None for part in parts) or not hasattr(pipeline, "encode_prompt"):
        return "The white box attack reads latent diffusion models with a U-Net only; this generator is another kind."
    unet, _, scheduler = parts
    if getattr(unet.config, "addition_embed_type", None) is not None:
        return "The white box attack does not read models with a second text encoder."
    if getattr(scheduler.config, "prediction_type", "") not in ("epsilon", "v_prediction", "sample"):
        return "The white box attack does not know what this generator's denoiser predicts."
    return ""


def losses(
    pipeline: Any, films: Sequence[NDArray[np.uint8]], captions: Sequence[str], device: str
) -> Iterator[Floats]:
    """Denoising loss of each film, a batch at a time.

    Args:
        pipeline: a loaded diffusers pipeline; see `why_closed`.
        films: (H, W) uint8 of the generator's own size.
        captions: of each film.
        device: where the pipeline is.

    Yields:
        (b,) float64 mean squared errors of at most `BATCH` films, lower for members.
    """
    import torch

    scheduler, unet = pipeline.scheduler, pipeline.unet
    alphas = scheduler.alphas_cumprod.to(device, torch.float32)
    steps = [min(len(alphas) - 1, round(share * len(alphas))) for share in TIMES]
    draw = torch.Generator().manual_seed(NOISE_SEED)
    noises = None
    with torch.no_grad():
        for start in range(0, len(films), BATCH):
            clean = _latents(pipeline, films[start : start + BATCH], device)
            words = pipeline.encode_prompt(
                prompt=list(captions[start : start + BATCH]), device=device, num_images_per_prompt=1,
                do_classifier_free_guidance=False,
            )[0]  # fmt: skip
            if noises is None:
                noises = torch.randn((NOISES, 1, *clean.shape[1:]), generator=draw).to(device)
            errors = torch.zeros(len(clean), device=device)
            for step in steps:
                for noise in noises:
                    signal = alphas[step]
                    noisy = signal.sqrt() * clean + (1 - signal).sqrt() * noise
                    times = torch.full((len(clean),), step, device=device)
                    given = unet(noisy.to(unet.dtype), times, words.to(unet.dtype), return_dict=False)[
                        0
                    ].float()
                    gap = given - _target(scheduler.config.prediction_type, clean, noise, signal)
                    errors += (gap**2).mean(dim=(1, 2, 3))
            yield (errors / (len(steps) * NOISES)).double().cpu().numpy()


def _target(kind: str, clean: Any, noise: Any, signal: Any) -> Any:
    """What the denoiser is asked for."""
    if kind == "epsilon":
        return noise
    return clean if kind == "sample" else signal.sqrt() * noise - (1 - signal).sqrt() * clean


def _latents(pipeline: Any, films: Sequence[NDArray[np.uint8]], device: str) -> Any:
    import torch

    vae = pipeline.vae
    pixels = torch.from_numpy(np.stack(films)).to(device, vae.dtype)[:, None] / 127.5 - 1
    coded = vae.encode(pixels.expand(-1, vae.config.in_channels, -1, -1)).latent_dist.mode().float()
    shift = getattr(vae.config, "shift_factor", None) or 0.0
    return (coded - shift) * float(getattr(vae.config, "scaling_factor", None) or 1.0)
