"""Vision transformers of the transformers library (DINOv2, DINOv3, RAD-DINO ...): loaded by the library's own class.

The class is chosen by `model_type` of the folder's `config.json` among those the library brings; a folder that asks
for code of its own is refused before anything is opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.errors import WeightsError

if TYPE_CHECKING:
    import torch

_LEFT_OUT = ("mask_token", "pooler.", "classifier.", "lm_head.", "decoder.")


class VisionTransformer:
    """A transformer's tokens as one vector an image.

    Args:
        folder: with `config.json` and safetensors weights.
        device: where it computes.
        layer: "cls", "patches" or "cls+patches".

    Raises:
        WeightsError: in one sentence, for a folder that is no such model, damaged, or that asks for code.
    """

    def __init__(self, folder: Path, device: str, layer: str = "cls") -> None:
        from lab.generators.weights import check_no_code

        check_no_code(folder)
        self._model = _open(folder).to(device)
        self._layer = layer
        self._registers = int(getattr(self._model.config, "num_register_tokens", 0) or 0)

    def __call__(self, batch: torch.Tensor) -> torch.Tensor:
        """Images (n, 3, H, W), already normalised, to features (n, dimension)."""
        import torch

        tokens = self._model(pixel_values=batch.contiguous()).last_hidden_state
        if self._layer == "cls":
            return tokens[:, 0]
        patches = tokens[:, 1 + self._registers :].mean(dim=1)
        return patches if self._layer == "patches" else torch.cat([tokens[:, 0], patches], 1)


def _open(folder: Path) -> Any:
    import torch
    from transformers import AutoModel

    from lab.generators.components import check_finite

    asked: dict[str, Any] = {
        "local_files_only": True,
        "use_safetensors": True,
        "dtype": torch.float32,
        "output_loading_info": True,
        "attn_implementation": "sdpa",
    }
    try:
        with _quiet():
            model, told = AutoModel.from_pretrained(folder, **asked)
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(
            f"The transformers library cannot open this model ({type(error).__name__}); nothing was computed; "
            "copy its folder again, or use a model whose class the library brings."
        ) from error
    # The library fills what is missing with random numbers and only warns.
    for name in sorted(told["missing_keys"]):
        if not name.startswith(_LEFT_OUT) and not any(f".{part}" in name for part in _LEFT_OUT):
            raise WeightsError(
                f"The weights do not fit this model: tensor {name[:80]!r} is missing; nothing was computed; "
                "copy its folder again."
            )
    check_finite(folder.name, model)
    return model.eval().requires_grad_(False)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the library's progress bar and load report on the screen."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
