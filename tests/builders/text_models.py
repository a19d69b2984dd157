"""Text-image models in the layouts of BiomedCLIP and BioViL-T, at toy size, with random but lively numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.builders.extractor_files import lively, toy_biovil

WORDS = (
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "large",
    "small",
    "left",
    "right",
    "effusion",
    "no",
    "nodule",
    ".",
)
BERT: dict[str, Any] = {
    "vocab_size": len(WORDS), "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 24, "max_position_embeddings": 24, "pad_token_id": 0, "hidden_act": "gelu",
}  # fmt: skip
HUB = "microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract"


def toy_biomedclip_whole(folder: Path) -> Any:
    """A folder as BiomedCLIP is published, the settings of its BERT beside; returns the model as open_clip built it."""
    import torch
    from open_clip.model import CustomTextCLIP
    from transformers import BertConfig, BertTokenizer

    folder.mkdir(parents=True)
    BertConfig(**BERT).save_pretrained(folder / "text_config")
    BertTokenizer(vocab={word: row for row, word in enumerate(WORDS)}).save_pretrained(folder)
    vision = {
        "timm_model_name": "vit_tiny_patch16_224", "timm_model_pretrained": False, "timm_pool": "",
        "timm_proj": "linear", "image_size": 224,
    }  # fmt: skip
    text = {
        "hf_model_name": HUB, "hf_tokenizer_name": HUB, "hf_proj_type": "mlp",
        "hf_pooler_type": "cls_last_hidden_state_pooler", "context_length": 20,
    }  # fmt: skip
    local = {**text, "hf_model_name": str(folder / "text_config"), "hf_model_pretrained": False}
    model = lively(CustomTextCLIP(8, vision, local), 7)
    state = {
        **model.state_dict(), "text.transformer.embeddings.position_ids": torch.arange(24)[None]
    }  # fmt: skip
    torch.save(state, folder / "open_clip_pytorch_model.bin")
    config = {
        "model_cfg": {"embed_dim": 8, "vision_cfg": vision, "text_cfg": text},
        "preprocess_cfg": {"mean": [0.48, 0.46, 0.41], "std": [0.27, 0.26, 0.28]},
    }
    (folder / "open_clip_config.json").write_text(json.dumps(config), "utf-8")
    return model


def toy_biovil_whole(folder: Path) -> Any:
    """A folder with both sides of BioViL-T as published, its own classes too, which raise where they are run.

    Returns a function of token ids and mask that gives projected vectors, put together from the library's layers.
    """
    import torch
    from torch import nn
    from transformers import BertConfig, BertModel

    folder.mkdir(parents=True)
    torch.save(toy_biovil()[0], folder / "biovil_t_image_model_proj_size_128.pt")
    trunk = lively(BertModel(BertConfig(**BERT), add_pooling_layer=False), 8)
    head = lively(nn.Sequential(nn.Linear(16, 4), nn.GELU(), nn.LayerNorm(4, eps=1e-12), nn.Linear(4, 4)), 9)
    names = {"0": "dense_to_hidden", "2": "LayerNorm", "3": "dense_to_output"}
    state = {f"bert.{name}": value for name, value in trunk.state_dict().items()}
    state |= {
        f"cls_projection_head.{names[name[0]]}{name[1:]}": value for name, value in head.state_dict().items()
    }
    state |= {
        "cls.predictions.bias": torch.zeros(len(WORDS)),
        "bert.embeddings.position_ids": torch.arange(24)[None],
    }
    torch.save(state, folder / "pytorch_model.bin")
    own = {"AutoConfig": "configuration_cxrbert.CXRBertConfig", "AutoModel": "modeling_cxrbert.CXRBertModel"}
    told = {**BERT, "model_type": "cxr-bert", "projection_size": 4, "auto_map": own}
    (folder / "config.json").write_text(json.dumps(told), "utf-8")
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n", "utf-8")
    (folder / "modeling_cxrbert.py").write_text(
        "raise RuntimeError('code of the repository was run')", "utf-8"
    )

    def projected(ids: Any, mask: Any) -> Any:
        with torch.inference_mode():
            return head(trunk(input_ids=ids, attention_mask=mask).last_hidden_state[:, 0])

    return projected


def biovil_record(folder: Path) -> dict[str, Any]:
    """A record of that folder, as the shipped one of BioViL-T but for size and digest."""
    return {
        "id": "toy-biovil", "title": "Toy BioViL-T", "family": "biovil", "layer": "projected", "dimension": 4,
        "input_size": 64, "resampling": "pillow-bilinear", "fit": "crop", "resize_to": 80, "unit": True,
        "folder": str(folder), "weights": {"biovil_t_image_model_proj_size_128.pt": ""},
        "modalities": ["chest radiograph"],
    }  # fmt: skip
