"""A tiny Stable-Diffusion folder with random weights, in the published layout; loads like a real model."""

from __future__ import annotations

import json
from pathlib import Path

from lab.generators.card import GeneratorCard, card_from_json

SIZE = 32
WORDS = ("left", "right", "small", "large", "no", "pleural", "effusion", "pneumothorax", "normal", "chest")


def build_toy_pipeline(folder: Path, seed: int = 0) -> Path:
    """Write a 32 px grey text-to-image pipeline of about 0.1 M random parameters; returns its folder."""
    import torch
    from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    torch.manual_seed(seed)
    tokenizer = toy_tokenizer()
    blocks = 4
    vae = AutoencoderKL(
        in_channels=1, out_channels=1, block_out_channels=(8,) * blocks, latent_channels=4, norm_num_groups=4,
        down_block_types=("DownEncoderBlock2D",) * blocks, up_block_types=("UpDecoderBlock2D",) * blocks,
        layers_per_block=1, mid_block_add_attention=False, sample_size=SIZE, scaling_factor=1.0,
    )  # fmt: skip
    unet = UNet2DConditionModel(
        sample_size=SIZE // 8, in_channels=4, out_channels=4, block_out_channels=(16, 32), layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=16, attention_head_dim=2, norm_num_groups=8,
    )  # fmt: skip
    text = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=1,
            num_attention_heads=2, max_position_embeddings=16, bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
        )
    )  # fmt: skip
    scheduler = DDIMScheduler(
        beta_schedule="squaredcos_cap_v2", prediction_type="v_prediction", timestep_spacing="trailing",
        rescale_betas_zero_snr=True, clip_sample=False, set_alpha_to_one=True, steps_offset=1,
    )  # fmt: skip
    pipeline = StableDiffusionPipeline(
        vae=vae, text_encoder=text, tokenizer=tokenizer, unet=unet, scheduler=scheduler,
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    pipeline.save_pretrained(folder, safe_serialization=True)
    return folder


def toy_tokenizer():  # type: ignore[no-untyped-def]
    """The real CLIPTokenizer with a byte vocabulary plus the WORDS as whole tokens, 16 tokens long."""
    from lab.generators.training.tokens import build_tokenizer

    return build_tokenizer(WORDS, length=16)


def toy_card(folder: Path, generator: str = "toy-cxr") -> GeneratorCard:
    """A card for the folder that `build_toy_pipeline` wrote."""
    return card_from_json(toy_card_json(folder, generator))


def toy_card_json(folder: Path, generator: str = "toy-cxr") -> dict[str, object]:
    """The same card as JSON, to write with `write_toy_card` or into a workspace."""
    return {
        "id": generator, "title": "Toy chest generator", "modality": "chest radiograph",
        "folder": str(folder),
        "size": SIZE, "steps": 4, "guidance": 2.0, "phantom_trained": True, "training_dataset": "phantom-cxr",
        "vocabulary": list(WORDS), "examples": ["small left pleural effusion"], "licence": "Apache-2.0",
    }  # fmt: skip


def write_toy_card(folder: Path, path: Path, generator: str = "toy-cxr") -> Path:
    """Write the card of a toy folder to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(toy_card_json(folder, generator)), encoding="utf-8")
    return path
