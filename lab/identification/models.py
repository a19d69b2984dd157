"""Networks from their folders: loaded without running code, embedding any image, judged on others' patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.atomic import replacing, write_json
from lab.errors import WeightsError
from lab.identification.card import IdentityCard, installed_digest, read_card
from lab.identification.films import as_rgb, as_tensor, small
from lab.identification.judging import Verification, verify
from lab.identification.network import FEATURES, build, pair_logits
from lab.network_folders import CARD, WEIGHTS
from lab.provenance import digest_bytes, digest_file

__all__ = ["IdentityModel", "installed_digest", "judged", "open_model", "published_state", "write_model"]

BATCH = 64
PUBLISHED_SIZE = 224
Embeddings = NDArray[np.float32]


class IdentityModel:
    """A network as the feature store knows an extractor: 128 numbers an image.

    Attributes:
        card: what is known of it.
        id, digest, dimension: for the feature store; the digest covers weights and shape, not the card's words.
        resampling, input_size: how an image becomes what the network sees.
    """

    dimension = FEATURES

    def __init__(self, card: IdentityCard, network: Any, digest: str) -> None:
        from lab.device import pick

        self.card = card
        self.id = f"identity-{card.dataset}-{card.question}"
        self.digest = digest_bytes(f"{digest}:{card.size}:{card.trunk}".encode())
        self.input_size = card.size
        self.resampling = "Pillow's bilinear filter, whole image to a square"
        self._device = pick()
        self._network = network.to(self._device).eval()

    def embed(self, images: Sequence[NDArray[Any]]) -> Embeddings:
        """Embeddings (n, 128) float32: in 0..1 for patients, of unit length for copies.

        Args:
            images: uint8 or uint16, (H, W) or (H, W, 3).
        """
        import torch

        rows = []
        with torch.inference_mode():
            for start in range(0, len(images), BATCH):
                part = images[start : start + BATCH]
                if self.card.trunk == "resnet50":
                    seen = as_rgb(part, self.card.size)
                else:
                    seen = as_tensor(np.stack([small(image, self.card.size) for image in part]))
                rows.append(self._network(seen.to(self._device)).float().cpu().numpy())
        return np.concatenate(rows) if rows else np.empty((0, FEATURES), dtype=np.float32)

    @property
    def head(self) -> tuple[NDArray[np.float64], float]:
        """Weights (128,) and bias of the last layer of a network for patients."""
        layer = self._network.fc_end
        return layer.weight.detach().cpu().numpy()[0].astype(np.float64), float(layer.bias.detach())

    def scores(self, first: Embeddings, second: Embeddings) -> NDArray[np.float64]:
        """Scores (n,) of matching rows: the chance of one patient, or for copies the cosine brought to 0..1."""
        import torch

        a, b = (torch.from_numpy(np.ascontiguousarray(rows)).to(self._device) for rows in (first, second))
        with torch.inference_mode():
            if self.card.question == "copy":
                return ((a * b).sum(1).double().cpu().numpy() + 1) / 2
            return pair_logits(self._network, a, b).sigmoid().double().cpu().numpy()


def judged(
    model: IdentityModel,
    rows: Embeddings,
    patients: NDArray[np.str_],
    seed: int = 0,
    threshold: float | None = None,
) -> Verification | None:
    """How well a model tells patients apart by their embeddings; None where no patient has two images."""
    return verify(lambda pairs: model.scores(rows[pairs[:, 0]], rows[pairs[:, 1]]), patients, seed, threshold)


def open_model(folder: Path) -> IdentityModel:
    """Load a network.

    Raises:
        WeightsError: when the weights are damaged or do not fit the card.
    """
    from lab.features.weights_file import read_state

    card = read_card(folder)
    network = build(card.shape)
    fill(network, read_state(folder / WEIGHTS))
    return IdentityModel(card, network, digest_file(folder / WEIGHTS))


def fill(network: Any, state: Mapping[str, Any]) -> None:
    """Put the tensors of a state dictionary into a network.

    Raises:
        WeightsError: naming the first tensor that is missing, superfluous or of another shape.
    """
    wanted = network.state_dict()
    for name in (*wanted, *state):
        if name not in state or name not in wanted or state[name].shape != wanted[name].shape:
            raise WeightsError(
                f"The weights do not fit the network at {name[:80]!r}; nothing was loaded; take the file that belongs"
                " to the card, or train again."
            )
    network.load_state_dict({name: state[name].to(wanted[name].dtype) for name in wanted})


def published_state(file: Path) -> dict[str, Any]:
    """Tensors of a published Siamese ResNet-50: `model.` before torchvision's names, then `fc_end.`.

    That is the layout of kaipackhaeuser/CXR-Patient-ReID and of the class in CheXGenBench's privacy code; a leading
    `module.` of a parallel training is taken off.

    Raises:
        WeightsError: when the file would run code or holds other tensors.
    """
    from lab.features.weights_file import read_state

    return {name.removeprefix("module."): tensor for name, tensor in read_state(file).items()}


def write_model(folder: Path, card: IdentityCard, network: Any, half: bool = True) -> Path:
    """Write weights and card; returns the folder. The card is written last: without it the weights do not count."""
    import torch
    from safetensors.torch import save_file

    def stored(tensor: Any) -> Any:
        halved = half and tensor.is_floating_point()
        return tensor.detach().cpu().to(torch.float16 if halved else tensor.dtype).contiguous()

    with replacing(folder / WEIGHTS) as temporary:
        save_file({name: stored(tensor) for name, tensor in network.state_dict().items()}, temporary)
    write_json(folder / CARD, card.to_json())
    return folder
