"""Weights files in the published layouts of real extractors, at toy size, with random but lively numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def lively(network: Any, seed: int = 0) -> Any:
    """Give a torch network random weights and batch-norm statistics under which no channel dies; returns it."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    for name, value in network.state_dict().items():
        if not value.is_floating_point():
            continue
        noise = torch.randn(value.shape, generator=generator)
        if name.endswith("running_var"):
            value.copy_(noise.abs() * 0.3 + 0.7)
        elif value.ndim > 1:
            fan = value[0].numel()
            value.copy_(noise * (1.6 / fan) ** 0.5)
        elif name.endswith("weight"):
            value.copy_(1.0 + 0.1 * noise)
        else:
            value.copy_(0.1 * noise)
    return network.eval()


def inception_state() -> dict[str, Any]:
    """The state dictionary of an Inception v3 with 1,008 classes, names and shapes of the published FID weights."""
    from torchvision.models import Inception3

    return lively(Inception3(num_classes=1008, aux_logits=False, init_weights=False)).state_dict()


def toy_densenet() -> Any:
    """A DenseNet of one grey channel and 2 + 2 layers, in torchxrayvision's names."""
    import torch
    from torchvision.models import DenseNet

    network = DenseNet(growth_rate=4, block_config=(2, 2), num_init_features=8, bn_size=2, num_classes=18)
    network.features.conv0 = torch.nn.Conv2d(1, 8, 7, 2, 3, bias=False)
    return lively(network)


def toy_biovil() -> tuple[dict[str, Any], Any]:
    """The state dictionary of a small BioViL-T image model, and the same model put together from torch's layers."""
    import torch
    from torch import nn
    from torchvision.models.resnet import Bottleneck, ResNet

    resnet = lively(ResNet(Bottleneck, [1, 2, 1, 1], width_per_group=4, num_classes=3), 1)
    to_patches = lively(nn.Conv2d(2048, 6, 1, bias=False), 2)
    projector = lively(
        nn.Sequential(nn.Conv2d(12, 5, 1, bias=False), nn.BatchNorm2d(5), nn.ReLU(), nn.Conv2d(5, 4, 1)), 3
    )
    missing = torch.randn(1, 6, 1, 1, generator=torch.Generator().manual_seed(4))
    state = {f"encoder.encoder.{name}": value for name, value in resnet.state_dict().items()}
    state |= {f"encoder.backbone_to_vit.{name}": value for name, value in to_patches.state_dict().items()}
    state |= {f"projector.model.{name}": value for name, value in projector.state_dict().items()}
    state |= {"encoder.missing_previous_emb": missing, "encoder.vit_pooler.type_embed": torch.zeros(2, 1, 6)}
    trunk = nn.Sequential(*list(resnet.children())[:-2])

    def forward(batch: Any, projected: bool = True) -> Any:
        patches = to_patches(trunk(batch))
        fused = torch.cat([patches, missing.repeat(len(batch), 1, *patches.shape[2:])], 1)
        return (projector(fused) if projected else fused).mean(dim=(2, 3))

    return state, forward


def toy_dino(folder: Path, version: int = 2) -> Path:
    """A DINOv2 or DINOv3 folder as the transformers library writes it, with its image processor; 32 px, 8 wide."""
    import torch
    from transformers import AutoModel, Dinov2Config, DINOv3ViTConfig

    sizes = {
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "patch_size": 8,
        "image_size": 224,
    }
    torch.manual_seed(version)
    config = (
        Dinov2Config(**sizes)
        if version == 2
        else DINOv3ViTConfig(**sizes, intermediate_size=32, num_register_tokens=3)
    )
    AutoModel.from_config(config).save_pretrained(folder)
    told: dict[str, Any] = {
        "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True, "do_resize": True,
        "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
    }  # fmt: skip
    if version == 2:
        told |= {
            "image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 40}, "resample": 3,
            "do_center_crop": True, "crop_size": {"height": 32, "width": 32}, "do_convert_rgb": True,
        }  # fmt: skip
    else:
        told |= {
            "image_processor_type": "DINOv3ViTImageProcessorFast", "size": {"height": 32, "width": 32},
            "resample": 2, "do_center_crop": False,
        }  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(told), "utf-8")
    return folder


def toy_biomedclip(folder: Path) -> Any:
    """A folder as BiomedCLIP is published: a timm image tower, text settings that lie elsewhere, weights as `.bin`.

    Returns the image tower that open_clip builds for it.
    """
    import torch
    from open_clip.timm_model import TimmModel

    tower = TimmModel(
        "vit_tiny_patch16_224", embed_dim=8, image_size=224, pool="", proj="linear", pretrained=False
    )
    lively(tower, 5)
    state = {f"visual.{name}": value for name, value in tower.state_dict().items()}
    folder.mkdir(parents=True)
    torch.save(
        state | {"text.transformer.x": torch.zeros(2), "logit_scale": torch.zeros(())},
        folder / "open_clip_pytorch_model.bin",
    )
    vision = {
        "timm_model_name": "vit_tiny_patch16_224", "timm_model_pretrained": False, "timm_pool": "",
        "timm_proj": "linear", "image_size": 224,
    }  # fmt: skip
    text = {"hf_model_name": "microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract", "hf_tokenizer_name": "x"}
    config = {
        "model_cfg": {"embed_dim": 8, "vision_cfg": vision, "text_cfg": text},
        "preprocess_cfg": {"mean": [0.48, 0.46, 0.41], "std": [0.27, 0.26, 0.28]},
    }
    (folder / "open_clip_config.json").write_text(json.dumps(config), "utf-8")
    return tower
