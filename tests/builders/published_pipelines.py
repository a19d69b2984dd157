"""The published architectures at toy size: random weights through the libraries' own classes, saved as published.

Channels and layers are few; what a loader meets is as on the hub: class names, folders, tokenizers, schedulers,
autoencoder factors and latent channels.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.builders.published_tokenizers import (
    clip_tokenizer,
    gemma_tokenizer,
    small_clip_tokenizer,
    t5_tokenizer,
)


def _vae(channels: int = 4, **settings: Any) -> Any:
    """An autoencoder of factor 8 in colour."""
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(4,) * 4, norm_num_groups=2, layers_per_block=1, latent_channels=channels,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        mid_block_add_attention=False, sample_size=512, **settings,
    )  # fmt: skip


def _unet(width: int = 16, **settings: Any) -> Any:
    """A denoiser of 64 x 64 latents that reads the prompt at 8 x 8."""
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=64, block_out_channels=(8, 8, 8, 16), layers_per_block=1, norm_num_groups=4,
        down_block_types=("DownBlock2D",) * 3 + ("CrossAttnDownBlock2D",),
        up_block_types=("CrossAttnUpBlock2D",) + ("UpBlock2D",) * 3,
        cross_attention_dim=width, attention_head_dim=2, **settings,
    )  # fmt: skip


def _clip(tokenizer: Any, width: int = 16, projected: bool = False) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=len(tokenizer), hidden_size=width, intermediate_size=16, num_hidden_layers=2,
        num_attention_heads=2, max_position_embeddings=77, projection_dim=width,
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    return (CLIPTextModelWithProjection if projected else CLIPTextModel)(config)


def _t5() -> Any:
    from transformers import T5Config, T5EncoderModel

    return T5EncoderModel(
        T5Config(vocab_size=len(t5_tokenizer()), d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
    )


def _gemma() -> Any:
    from transformers import Gemma2Config, Gemma2Model

    config = Gemma2Config(
        vocab_size=len(gemma_tokenizer()), hidden_size=16, intermediate_size=16, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, head_dim=8, query_pre_attn_scalar=8,
    )  # fmt: skip
    return Gemma2Model(config)


def stable_diffusion(folder: Path, real_words: bool = False, safety: bool = False) -> Path:
    """SD 1.x, 2.x, RoentGen: PNDM settings of SD; CLIP's real vocabulary, or a safety checker, where asked for."""
    from diffusers import PNDMScheduler, StableDiffusionPipeline

    tokenizer = clip_tokenizer() if real_words else small_clip_tokenizer()
    scheduler = PNDMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", skip_prk_steps=True, steps_offset=1
    )
    StableDiffusionPipeline(
        vae=_vae(), text_encoder=_clip(tokenizer), tokenizer=tokenizer, unet=_unet(), scheduler=scheduler,
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    ).save_pretrained(folder)  # fmt: skip
    if safety:
        _add_safety_checker(folder)
    return folder


def _add_safety_checker(folder: Path) -> None:
    """The checker that SD 1.x folders bring: at toy size and with random weights it blackens what it likes."""
    from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
    from transformers import CLIPConfig, CLIPImageProcessor

    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = CLIPConfig(vision_config={**small, "image_size": 224, "patch_size": 112}, projection_dim=8)
    StableDiffusionSafetyChecker(config).save_pretrained(folder / "safety_checker")
    CLIPImageProcessor().save_pretrained(folder / "feature_extractor")
    index = json.loads((folder / "model_index.json").read_text("utf-8"))
    index["safety_checker"] = ["stable_diffusion", "StableDiffusionSafetyChecker"]
    index["feature_extractor"] = ["transformers", "CLIPImageProcessor"]
    (folder / "model_index.json").write_text(json.dumps(index), "utf-8")


def control_network(folder: Path) -> Path:
    """A ControlNet beside the toy SD's denoiser; its layers that begin at zero are filled, so that masks matter."""
    import torch
    from diffusers import ControlNetModel

    torch.manual_seed(1)
    network = ControlNetModel.from_unet(_unet(), conditioning_embedding_out_channels=(4, 4, 8, 8))
    with torch.no_grad():
        for value in network.parameters():
            if not value.any():
                value.normal_(std=0.3)
    network.save_pretrained(folder)
    return folder


def radedit(root: Path) -> dict[str, Path]:
    """Three repositories: a denoiser in a folder `unet`, an autoencoder at the top, BioViL-T with its own code."""
    import torch
    from safetensors.torch import save_file
    from transformers import BertConfig, BertModel

    _unet().save_pretrained(root / "radedit" / "unet")
    _vae(force_upcast=True).save_pretrained(root / "sdxl-vae")
    text = root / "biovil-t"
    text.mkdir(parents=True)
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *["moderate", "right", "pleural", "effusion", "no", "the", ".", ","],
    ]
    sizes: dict[str, Any] = {
        "vocab_size": len(words), "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
        "intermediate_size": 16, "max_position_embeddings": 512,
    }  # fmt: skip
    state = {
        f"bert.{n}": v
        for n, v in BertModel(BertConfig(**sizes), add_pooling_layer=False).state_dict().items()
    }
    state |= {
        "cls.predictions.bias": torch.zeros(len(words)),
        "cls_projection_head.LayerNorm.bias": torch.zeros(4),
    }
    save_file({name: value.clone() for name, value in state.items()}, text / "model.safetensors")
    own = {"AutoConfig": "configuration_cxrbert.CXRBertConfig", "AutoModel": "modeling_cxrbert.CXRBertModel"}
    config = {**sizes, "model_type": "cxr-bert", "architectures": ["CXRBertModel"], "auto_map": own}
    (text / "config.json").write_text(json.dumps(config), "utf-8")
    (text / "vocab.txt").write_text("\n".join(words) + "\n", "utf-8")
    (text / "modeling_cxrbert.py").write_text("raise RuntimeError('code of the repository was run')", "utf-8")
    (text / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "CXRBertTokenizer", "auto_map": {"AutoTokenizer": [None, "x.Y"]}}),
        "utf-8",
    )
    return {"folder": root / "radedit", "vae": root / "sdxl-vae", "text": text}


def pixart_sigma(folder: Path) -> Path:
    """PixArt-Sigma: T5 of 300 tokens, multi-step solver, no callback at the end of a step."""
    from diffusers import DPMSolverMultistepScheduler, PixArtSigmaPipeline, PixArtTransformer2DModel

    transformer = PixArtTransformer2DModel(
        sample_size=64, num_layers=1, patch_size=2, attention_head_dim=8, num_attention_heads=2,
        caption_channels=16, in_channels=4, cross_attention_dim=16, out_channels=8, attention_bias=True,
        num_embeds_ada_norm=1000, use_additional_conditions=False, interpolation_scale=1,
    )  # fmt: skip
    PixArtSigmaPipeline(
        tokenizer=t5_tokenizer(), text_encoder=_t5(), vae=_vae(), transformer=transformer,
        scheduler=DPMSolverMultistepScheduler(),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def sana(folder: Path) -> Path:
    """Sana: deep-compression autoencoder of factor 32, Gemma, flow matching."""
    from diffusers import AutoencoderDC, DPMSolverMultistepScheduler, SanaPipeline, SanaTransformer2DModel

    transformer = SanaTransformer2DModel(
        patch_size=1, in_channels=4, out_channels=4, num_layers=1, num_attention_heads=2, attention_head_dim=4,
        num_cross_attention_heads=2, cross_attention_head_dim=4, cross_attention_dim=8, caption_channels=16,
        sample_size=16,
    )  # fmt: skip
    widths, layers = (8, 8, 8, 8, 8, 8), (1, 1, 1, 1, 1, 1)
    vae = AutoencoderDC(
        in_channels=3, latent_channels=4, attention_head_dim=2, encoder_block_out_channels=widths,
        decoder_block_out_channels=widths, encoder_layers_per_block=layers, decoder_layers_per_block=layers,
        encoder_qkv_multiscales=((),) * 6, decoder_qkv_multiscales=((),) * 6, scaling_factor=0.41407,
    )  # fmt: skip
    scheduler = DPMSolverMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0, num_train_timesteps=1000
    )
    SanaPipeline(
        tokenizer=gemma_tokenizer(),
        text_encoder=_gemma(),
        vae=vae,
        transformer=transformer,
        scheduler=scheduler,
    ).save_pretrained(folder)
    return folder


def sd35(folder: Path) -> Path:
    """SD 3.5: two CLIP encoders and T5, joint attention, 16 latent channels."""
    from diffusers import FlowMatchEulerDiscreteScheduler, SD3Transformer2DModel, StableDiffusion3Pipeline

    transformer = SD3Transformer2DModel(
        sample_size=128, patch_size=2, in_channels=16, out_channels=16, num_layers=1, attention_head_dim=8,
        num_attention_heads=2, joint_attention_dim=32, caption_projection_dim=16, pooled_projection_dim=32,
        pos_embed_max_size=64, qk_norm="rms_norm",
    )  # fmt: skip
    StableDiffusion3Pipeline(
        transformer=transformer, scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=_vae(16, shift_factor=0.0609, scaling_factor=1.5305, use_quant_conv=False, use_post_quant_conv=False),
        text_encoder=_clip(small_clip_tokenizer(), projected=True), tokenizer=small_clip_tokenizer(),
        text_encoder_2=_clip(small_clip_tokenizer(), projected=True), tokenizer_2=small_clip_tokenizer(),
        text_encoder_3=_t5_wide(), tokenizer_3=t5_tokenizer(),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def _t5_wide() -> Any:
    from transformers import T5Config, T5EncoderModel

    sizes = {"d_model": 32, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2}
    return T5EncoderModel(T5Config(vocab_size=len(t5_tokenizer()), **sizes))


def lumina2(folder: Path) -> Path:
    """Lumina-Image 2.0: Gemma, an autoencoder of factor 8 as its pipeline takes for granted."""
    from diffusers import FlowMatchEulerDiscreteScheduler, Lumina2Pipeline, Lumina2Transformer2DModel

    transformer = Lumina2Transformer2DModel(
        sample_size=64, patch_size=2, in_channels=4, hidden_size=24, num_layers=1, num_refiner_layers=1,
        num_attention_heads=2, num_kv_heads=1, multiple_of=8, axes_dim_rope=(4, 4, 4), axes_lens=(300, 512, 512),
        cap_feat_dim=16,
    )  # fmt: skip
    Lumina2Pipeline(
        transformer=transformer, scheduler=FlowMatchEulerDiscreteScheduler(shift=6.0),
        vae=_vae(shift_factor=0.1159, scaling_factor=0.3611, use_quant_conv=False, use_post_quant_conv=False),
        text_encoder=_gemma(), tokenizer=gemma_tokenizer(),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def flux(folder: Path) -> Path:
    """FLUX.1-dev: CLIP's summary and T5, latents packed in rows, guidance as an input."""
    from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel

    transformer = FluxTransformer2DModel(
        patch_size=1, in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16,
        num_attention_heads=2, joint_attention_dim=32, pooled_projection_dim=16, guidance_embeds=True,
        axes_dims_rope=(4, 4, 8),
    )  # fmt: skip
    FluxPipeline(
        transformer=transformer, scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, shift=3.0),
        vae=_vae(shift_factor=0.1159, scaling_factor=0.3611, use_quant_conv=False, use_post_quant_conv=False),
        text_encoder=_clip(small_clip_tokenizer()), tokenizer=small_clip_tokenizer(),
        text_encoder_2=_t5_wide(), tokenizer_2=t5_tokenizer(),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def unconditional(folder: Path, kind: str) -> Path:
    """ "LDMPipeline", "DDPMPipeline" or "DDIMPipeline" of 32 px latents or pixels."""
    import diffusers
    from diffusers import DDIMScheduler, DDPMScheduler, UNet2DModel

    latent = kind == "LDMPipeline"
    unet = UNet2DModel(
        sample_size=16 if latent else 32, in_channels=4 if latent else 1, out_channels=4 if latent else 1,
        block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=8,
    )  # fmt: skip
    parts: dict[str, Any] = {"unet": unet}
    parts["scheduler"] = (DDPMScheduler if kind == "DDPMPipeline" else DDIMScheduler)()
    if latent:
        parts["vqvae"] = _vae()
    getattr(diffusers, kind)(**parts).save_pretrained(folder)
    return folder


def lora(base: Path, folder: Path, name: str, part: str = "transformer") -> Path:
    """A LoRA file for a saved base, in the libraries' own names, lively enough to change every pixel."""
    import torch
    from diffusers import DiffusionPipeline
    from peft import LoraConfig, get_peft_model_state_dict

    pipeline = DiffusionPipeline.from_pretrained(base, local_files_only=True)
    network = getattr(pipeline, part)
    network.add_adapter(LoraConfig(r=2, lora_alpha=2, target_modules=["to_k", "to_q", "to_v", "to_out.0"]))
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for tensor, value in network.named_parameters():
            if "lora_" in tensor:
                value.copy_(torch.randn(value.shape, generator=generator))
    state = get_peft_model_state_dict(network)
    pipeline.save_lora_weights(folder, **{f"{part}_lora_layers": state}, weight_name=name)
    return folder
