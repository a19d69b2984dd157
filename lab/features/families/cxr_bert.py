"""CXR-BERT, the text side of BioViL-T: BERT by transformers, the published projection of its first token by torch.

Its repository brings classes of its own (`auto_map`), which are never run. They need not be: `config.json` holds
plain BERT settings, the weights are those of a BERT under `bert.`, and the projection is two linear layers with a
normalisation between (Boecking et al., ECCV 2022, arXiv 2204.09817; Bannur et al., CVPR 2023, arXiv 2301.04558).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import WeightsError
from lab.features.text_image_folder import read_json
from lab.features.weights_file import read_state

if TYPE_CHECKING:
    import torch

CONFIG, VOCABULARY = "config.json", "vocab.txt"
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
BATCH = 32
# The settings that a BERT is built from; everything else in config.json names code or training.
_BERT = (
    "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act",
    "max_position_embeddings", "type_vocab_size", "layer_norm_eps", "pad_token_id",
)  # fmt: skip
_TRUNK, _HEAD = "bert.", "cls_projection_head."
# Parts for guessing hidden words, and a buffer that transformers computes now.
_UNUSED = ("cls.", "bert.pooler.", "bert.embeddings.position_ids")
_EPS = 1e-12


def weights_of(folder: Path) -> Path | None:
    """The weights file of the text side in a folder, safetensors first; None without one."""
    return next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)


def missing(folder: Path) -> list[str]:
    """The files of the text side that a folder lacks, by name."""
    lacking = [name for name in (CONFIG, VOCABULARY) if not (folder / name).is_file()]
    return lacking if weights_of(folder) else [*lacking, WEIGHTS[0]]


class CxrBert:
    """Texts to unit vectors in the space shared with BioViL-T's images.

    Args:
        folder: with config.json, vocab.txt and the weights, as published.
        device: where it computes.

    Raises:
        WeightsError: in one sentence, for files that are missing, damaged or of another model.
    """

    def __init__(self, folder: Path, device: str) -> None:
        file, lacking = weights_of(folder), missing(folder)
        if lacking or file is None:
            raise WeightsError(
                f"The text side of BioViL-T lacks {' and '.join(lacking)}; nothing was loaded; "
                "put the files of its repository into its folder."
            )
        config, state = read_json(folder / CONFIG), _state(file)
        self._device = device
        self._trunk = _trunk(config, state).to(device)
        self._head = {
            name.removeprefix(_HEAD): value.float().to(device)
            for name, value in state.items()
            if name.startswith(_HEAD)
        }
        self.dimension = _checked_head(self._head, int(config.get("hidden_size", 0)))
        self.tokenizer = open_tokenizer(folder)
        self.context_length = int(config.get("max_position_embeddings", 512))

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors (n, dimension) float32 of texts; what is beyond the longest input is cut off."""
        import torch

        parts = [np.zeros((0, self.dimension), np.float32)]
        for start in range(0, len(texts), BATCH):
            tokens = self.tokenizer(
                list(texts[start : start + BATCH]),
                return_tensors="pt",
                padding=True,
                truncation=True,
                max_length=self.context_length,
            )
            with torch.inference_mode():
                parts.append(self._projected(tokens.to(self._device)).float().cpu().numpy())
        return np.concatenate(parts)

    def _projected(self, tokens: Any) -> torch.Tensor:
        from torch.nn.functional import gelu, layer_norm, linear, normalize

        found = self._trunk(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"])
        head, first = self._head, found.last_hidden_state[:, 0]
        x = gelu(linear(first, head["dense_to_hidden.weight"], head["dense_to_hidden.bias"]))
        x = layer_norm(x, (self.dimension,), head["LayerNorm.weight"], head["LayerNorm.bias"], _EPS)
        return normalize(linear(x, head["dense_to_output.weight"], head["dense_to_output.bias"]), dim=1)


def open_trunk(folder: Path) -> Any:
    """The BERT alone, (n, tokens) ids to (n, tokens, width) float32: what a generator reads prompts with.

    Raises:
        WeightsError: in one sentence, for files that are missing, damaged or of another model.
    """
    file, lacking = weights_of(folder), missing(folder)
    if lacking or file is None:
        raise WeightsError(
            f"The text encoder CXR-BERT lacks {' and '.join(lacking)}; nothing was loaded; "
            "put the files of its repository into its folder."
        )
    return _trunk(read_json(folder / CONFIG), _state(file))


def open_tokenizer(folder: Path, longest: int | None = None) -> Any:
    """BERT's own tokenizer from the vocabulary: what tokenizer_config.json names is a class of the repository.

    Args:
        folder: with vocab.txt.
        longest: tokens it cuts at, both marks among them; None for no limit of its own.
    """
    from transformers import BertTokenizer

    words = (folder / VOCABULARY).read_text(encoding="utf-8").splitlines()
    limit = {} if longest is None else {"model_max_length": longest}
    return BertTokenizer(vocab={word: row for row, word in enumerate(words)}, do_lower_case=True, **limit)


def _state(file: Path) -> dict[str, torch.Tensor]:
    return {name: value for name, value in read_state(file).items() if not name.startswith(_UNUSED)}


def _trunk(config: dict[str, Any], state: dict[str, torch.Tensor]) -> Any:
    from transformers import BertConfig, BertModel

    own = {
        name.removeprefix(_TRUNK): value.float() for name, value in state.items() if name.startswith(_TRUNK)
    }
    try:
        network = BertModel(
            BertConfig(**{name: config[name] for name in _BERT if name in config}), add_pooling_layer=False
        )
        network.load_state_dict(own)
    except (RuntimeError, ValueError, TypeError, KeyError) as error:
        reason = " ".join(str(error).split()).rstrip(".")[:120]
        raise WeightsError(
            f"The text side of BioViL-T does not fit its settings ({reason}); nothing was loaded; copy its files again."
        ) from error
    return network.eval().requires_grad_(False)


def _checked_head(head: dict[str, torch.Tensor], width: int) -> int:
    """The dimension of the projection, after its tensors were checked."""
    size = len(head.get("dense_to_output.bias", ()))
    expected = {
        "dense_to_hidden.weight": (size, width), "dense_to_hidden.bias": (size,), "LayerNorm.weight": (size,),
        "LayerNorm.bias": (size,), "dense_to_output.weight": (size, size), "dense_to_output.bias": (size,),
    }  # fmt: skip
    if not size or {name: tuple(value.shape) for name, value in head.items()} != expected:
        raise WeightsError(
            "The text side of BioViL-T has no projection to the space of its images, or another one; nothing was "
            "loaded; copy the weights of BioViL-T, not of another CXR-BERT."
        )
    return size
