"""Feature extraction beside torch-fidelity's own loop: the same films, the same network, the same weights file.

The weights are random numbers in the published layout, since speed does not depend on them and the published file
cannot be shipped. Batch sizes are each side's own default; the peer's loader runs in this process, as ours does.
"""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.cases import Case

if TYPE_CHECKING:
    from lab.features.loaded import LoadedExtractor


def extraction(films: int = 16, side: int = 256) -> Case:
    """Inception v3 features of colour films of 8 bits."""
    import torch
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    from torch_fidelity.utils import get_featuresdict_from_dataset

    from lab.device import CPU

    pictures = np.random.default_rng(0).integers(0, 256, (films, side, side, 3), dtype=np.uint8)
    ours = inception_extractor(CPU)
    file = Path(ours.record.folder) / next(iter(ours.record.weights))
    theirs = FeatureExtractorInceptionV3("bench", ["2048"], feature_extractor_weights_path=str(file))
    given = _dataset(torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))))

    def peer() -> Any:
        found = get_featuresdict_from_dataset(given, theirs, 64, cuda=False, save_cpu_ram=True, verbose=False)
        return found["2048"].numpy()

    return Case(
        f"Inception v3 features of {films} films of {side} px",
        lambda: ours.embed(list(pictures)),
        peer,
        "torch-fidelity, its loop",
        lambda a, b: bool(np.allclose(a, b, atol=2e-4 * float(np.abs(b).max()))),
    )


def inception_extractor(device: str | None = None) -> LoadedExtractor:
    """The shipped record on a file of random weights; None computes where the worker would."""
    import torch

    from lab.features.loaded import LoadedExtractor
    from lab.features.records import get_record

    record = get_record("inception-fid")
    file = Path(tempfile.mkdtemp(prefix="bench-")) / next(iter(record.weights))
    torch.save(_state(), file)
    return LoadedExtractor(
        dataclasses.replace(record, folder=str(file.parent), weights={file.name: ""}), device
    )


def _state() -> dict[str, Any]:
    """Random weights in the published layout, scaled so that no activation dies or grows without bound."""
    import torch
    from torchvision.models import Inception3

    state: dict[str, Any] = Inception3(num_classes=1008, aux_logits=False, init_weights=False).state_dict()
    generator = torch.Generator().manual_seed(0)
    for value in state.values():
        if value.ndim > 1:
            value.copy_(torch.randn(value.shape, generator=generator) * (1.6 / value[0].numel()) ** 0.5)
    return state


def _dataset(planes: Any) -> Any:
    """Films (n, 3, H, W) uint8 one by one, as torch-fidelity wants them."""
    from torch.utils.data import Dataset

    class Films(Dataset):  # type: ignore[misc]
        def __len__(self) -> int:
            return len(planes)

        def __getitem__(self, position: int) -> Any:
            return planes[position]

    return Films()
