"""The image tower of an open_clip model, built by open_clip from the folder's own configuration.

Only the tower of the images is built: a model such as BiomedCLIP, whose text settings live in another repository,
then gives image features from its published files alone. Texts go through `lab.features.text_image`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.errors import WeightsError
from lab.features.text_image_folder import read_config
from lab.features.weights_file import read_state

if TYPE_CHECKING:
    import torch

TOWER = "visual."


class ImageTower:
    """An open_clip image tower as a function of images.

    Args:
        folder: with `open_clip_config.json`.
        weights: the weights file, safetensors or a state dictionary.
        device: where it computes.

    Raises:
        WeightsError: in one sentence, for a folder that is incomplete, damaged or of another model.
    """

    def __init__(self, folder: Path, weights: Path, device: str) -> None:
        self._tower = _build(read_config(folder)["model_cfg"])
        state = read_state(weights)
        own = {name.removeprefix(TOWER): tensor for name, tensor in state.items() if name.startswith(TOWER)}
        _fit(self._tower, own)
        self._tower = self._tower.float().eval().requires_grad_(False).to(device)

    def __call__(self, batch: torch.Tensor) -> torch.Tensor:
        """Images (n, 3, H, W), already normalised, to features (n, dimension)."""
        found = self._tower(batch.contiguous())
        return found[0] if isinstance(found, tuple) else found


def _build(model: dict[str, Any]) -> Any:
    from open_clip.model import _build_vision_tower

    vision = {**model["vision_cfg"], "timm_model_pretrained": False}
    try:
        return _build_vision_tower(int(model["embed_dim"]), vision, bool(model.get("quick_gelu", False)))
    except (RuntimeError, ValueError, TypeError, KeyError, AttributeError, AssertionError) as error:
        reason = " ".join(str(error).split()).rstrip(".")[:120]
        raise WeightsError(
            f"open_clip cannot build this image tower ({reason}); nothing was computed; copy the folder again."
        ) from error


def _fit(tower: Any, state: dict[str, Any]) -> None:
    wanted = tower.state_dict()
    for name, tensor in sorted(wanted.items()):
        if name not in state or state[name].shape != tensor.shape:
            fault = "is missing" if name not in state else "has another shape"
            raise WeightsError(
                f"The weights do not fit this open_clip model: tensor {TOWER + name[:80]!r} {fault}; "
                "nothing was computed; copy the folder again."
            )
    tower.load_state_dict({name: state[name] for name in wanted})
