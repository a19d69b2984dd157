"""A diffusers pipeline as the `Denoiser` that attacks ask: latent or pixel, with or without text, U-Net or transformer.

U-Nets: unconditional ones in pixels or latents, and those that read text, with one text encoder or the two of SDXL.
Transformers: PixArt, Stable Diffusion 3 and Sana.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.leakage.attacks.denoiser import Denoiser
from lab.leakage.attacks.path import DiffusionPath, FlowPath, Path

PREDICTIONS = ("epsilon", "v_prediction", "sample")


def why_closed(pipeline: Any) -> str:
    """Why this pipeline's denoiser cannot be asked, in one sentence; "" where it can."""
    network, scheduler = _network(pipeline), getattr(pipeline, "scheduler", None)
    if network is None or scheduler is None:
        return "The white box attacks need a denoiser that predicts noise or velocity; this generator is another kind."
    if _path(scheduler) is None:
        return "The white box attacks do not know what this generator's denoiser predicts."
    if _caller(pipeline, network) is None:
        return "The white box attacks do not know what this generator's denoiser is given besides the noisy image."
    if not _image_alone(network, _codec(pipeline)):
        return "The white box attacks do not read a denoiser that takes more than the image, such as a mask."
    return ""


def open_denoiser(pipeline: Any, device: str) -> Denoiser:
    """The denoiser of a loaded pipeline.

    Args:
        pipeline: with its parts on `device`, in evaluation mode.

    Raises:
        NotComputable: with the sentence of `why_closed`.
    """
    if reason := why_closed(pipeline):
        raise NotComputable(f"{reason} Nothing was measured; choose another generator.")
    network = _network(pipeline)
    path, call = _path(pipeline.scheduler), _caller(pipeline, network)
    assert path is not None and call is not None  # noqa: S101 - `why_closed` asked for both

    def predicted(noisy: Any, time: int, words: Any) -> Any:
        import torch

        times = torch.full((len(noisy),), time, device=noisy.device)
        told = call(noisy.to(network.dtype), times, words).float()
        # A network that also tells its variance puts it behind the prediction.
        return told.chunk(2, dim=1)[0] if told.shape[1] == 2 * noisy.shape[1] else told

    return Denoiser(path, predicted, lambda films: _encoded(pipeline, network, films, device),
                    lambda captions: _worded(pipeline, captions, device))  # fmt: skip


def _image_alone(network: Any, codec: Any) -> bool:
    """Whether as many channels go in as an image, or its latents, has."""
    taken, given = _told(network, "in_channels"), _told(network, "out_channels")
    width = _told(codec, "latent_channels") or _told(codec, "vq_embed_dim") if codec is not None else None
    return taken is None or (taken == width if width else given in (taken, 2 * taken))


def _told(part: Any, name: str) -> Any:
    return getattr(getattr(part, "config", None), name, None)


def _network(pipeline: Any) -> Any:
    return getattr(pipeline, "unet", None) or getattr(pipeline, "transformer", None)


def _codec(pipeline: Any) -> Any:
    return getattr(pipeline, "vae", None) or getattr(pipeline, "vqvae", None)


def _path(scheduler: Any) -> Path | None:
    kind = _told(scheduler, "prediction_type")
    if type(scheduler).__name__.startswith("FlowMatch") or kind == "flow_prediction":
        return FlowPath(int(_told(scheduler, "num_train_timesteps") or 1000))
    alphas = getattr(scheduler, "alphas_cumprod", None)
    if alphas is None or kind not in PREDICTIONS:
        return None
    return DiffusionPath(np.asarray(alphas.detach().cpu().double().numpy(), np.float64), str(kind))


def _caller(pipeline: Any, network: Any) -> Callable[[Any, Any, Any], Any] | None:
    """(noisy, times (n,), words) to the network's output; None for a network that is not known."""
    reads = hasattr(pipeline, "encode_prompt")
    kind = type(network).__name__
    if (
        kind == "UNet2DModel"
        and not _told(network, "num_class_embeds")
        and _told(network, "class_embed_type") is None
    ):
        return lambda x, t, words: network(x, t, return_dict=False)[0]
    untold = getattr(pipeline, "untold_class", None)
    if kind == "UNet2DModel" and untold is not None:
        # Told no class: the attacker knows the film, not what the network was told of it.
        return lambda x, t, words: network(
            x, t, class_labels=t.new_full((len(x),), untold).long(), return_dict=False
        )[0]
    if (
        kind == "UNet2DConditionModel"
        and reads
        and _told(network, "addition_embed_type") in (None, "text_time")
    ):
        return lambda x, t, words: _text_unet(pipeline, network, x, t, words)
    if kind == "PixArtTransformer2DModel" and reads:
        return lambda x, t, words: _pixart(pipeline, network, x, t, words)
    if kind == "SD3Transformer2DModel" and reads:
        return lambda x, t, words: network(
            hidden_states=x, timestep=t, encoder_hidden_states=words[0].to(x.dtype),
            pooled_projections=words[2].to(x.dtype), return_dict=False,
        )[0]  # fmt: skip
    if kind == "SanaTransformer2DModel" and reads:
        return lambda x, t, words: network(
            x, encoder_hidden_states=words[0].to(x.dtype), encoder_attention_mask=words[1],
            timestep=t * float(_told(network, "timestep_scale") or 1.0), return_dict=False,
        )[0]  # fmt: skip
    return None


def _text_unet(pipeline: Any, network: Any, x: Any, t: Any, words: Any) -> Any:
    import torch

    more: dict[str, Any] = {}
    if _told(network, "addition_embed_type") == "text_time":
        scale = int(getattr(pipeline, "vae_scale_factor", 8))
        height, width = scale * x.shape[-2], scale * x.shape[-1]
        sizes = torch.tensor([[height, width, 0, 0, height, width]] * len(x), device=x.device, dtype=x.dtype)
        more["added_cond_kwargs"] = {"text_embeds": words[2].to(x.dtype), "time_ids": sizes}
    return network(x, t, encoder_hidden_states=words[0].to(x.dtype), return_dict=False, **more)[0]


def _pixart(pipeline: Any, network: Any, x: Any, t: Any, words: Any) -> Any:
    import torch

    more: dict[str, Any] = {"resolution": None, "aspect_ratio": None}
    if getattr(network, "use_additional_conditions", False):
        side = int(getattr(pipeline, "vae_scale_factor", 8)) * x.shape[-1]
        sizes = torch.tensor([[side, side]] * len(x), device=x.device, dtype=x.dtype)
        more = {"resolution": sizes, "aspect_ratio": torch.ones_like(sizes[:, :1])}
    return network(
        x, encoder_hidden_states=words[0].to(x.dtype), encoder_attention_mask=words[1], timestep=t,
        added_cond_kwargs=more, return_dict=False,
    )[0]  # fmt: skip


def _worded(pipeline: Any, captions: Sequence[str], device: str) -> Any:
    """What the pipeline's text encoders make of captions; None for one that reads no text."""
    if not hasattr(pipeline, "encode_prompt"):
        return None
    known = inspect.signature(pipeline.encode_prompt).parameters
    wanted: dict[str, Any] = {
        "prompt": list(captions), "device": device, "num_images_per_prompt": 1, "do_classifier_free_guidance": False,
    }  # fmt: skip
    wanted |= {name: None for name in ("prompt_2", "prompt_3") if name in known}
    return pipeline.encode_prompt(**wanted)


def _encoded(pipeline: Any, network: Any, films: Sequence[NDArray[np.uint8]], device: str) -> Any:
    """Films in the model's own space: pixels -1..1, or scaled latents (the middle of their distribution)."""
    import torch

    codec = _codec(pipeline)
    width = int(_told(codec if codec is not None else network, "in_channels") or 3)
    pixels = torch.from_numpy(np.stack([_channels(film, width) for film in films])).to(device) / 127.5 - 1
    if codec is None:
        return pixels.float()
    told = codec.encode(pixels.to(codec.dtype))
    spread = getattr(told, "latent_dist", None)
    # Quantised latents, or those of an autoencoder without a distribution.
    coded: Any = getattr(told, "latents", None) if hasattr(told, "latents") else getattr(told, "latent", None)
    coded = coded if spread is None else spread.mode()
    return (coded.float() - float(_told(codec, "shift_factor") or 0.0)) * float(
        _told(codec, "scaling_factor") or 1.0
    )


def _channels(film: NDArray[np.uint8], width: int) -> NDArray[np.float32]:
    """(width, H, W) of a grey (H, W) or colour (H, W, 3) film."""
    shown = np.asarray(film, np.float32)
    planes = shown[None] if shown.ndim == 2 else np.moveaxis(shown, -1, 0)
    if len(planes) == width:
        return planes
    return np.repeat(planes.mean(0, keepdims=True), width, axis=0)
