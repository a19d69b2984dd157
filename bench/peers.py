"""The public ways to each number of the suite: several where there are several; the fastest on the spot is the peer.

All get the features as the networks give them (float32), the same number of threads in torch, OpenBLAS and FAISS, and
nothing computed beforehand. Versions are those installed and are printed with the results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib.metadata import version
from io import StringIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float32]
Way = Callable[[Features, Features], Any]
K = 5


@dataclass(frozen=True)
class Peer:
    """One public way to a number.

    Args:
        package: whose code it is; its version is read from what is installed.
        what: the function, and what it leaves out.
        work: from (n, d) training features and (m, d) samples to the number.
    """

    package: str
    what: str
    work: Way

    @property
    def name(self) -> str:
        """Package, version and function."""
        return f"{self.package} {version(self.package)}, {self.what}"


def _frechet_torchmetrics(real: Features, synthetic: Features) -> float:
    import torch
    from torchmetrics.image.fid import _compute_fid

    moments = []
    for side in (real, synthetic):
        values = torch.from_numpy(side).double()
        mean = values.mean(dim=0, keepdim=True)
        spread = values.t().mm(values) - len(values) * mean.t().mm(mean)
        moments += [mean.squeeze(0), spread / (len(values) - 1)]
    return float(_compute_fid(*moments))


def _frechet_torch_fidelity(real: Features, synthetic: Features) -> float:
    import torch
    from torch_fidelity import metric_fid

    told = [metric_fid.fid_features_to_statistics(torch.from_numpy(side)) for side in (real, synthetic)]
    return float(metric_fid.fid_statistics_to_metric(*told, False)[metric_fid.KEY_METRIC_FID])


def _kernel_torchmetrics(real: Features, synthetic: Features) -> float:
    import torch
    from torchmetrics.image.kid import poly_mmd

    return float(poly_mmd(torch.from_numpy(real), torch.from_numpy(synthetic)))


def _kernel_torch_fidelity(real: Features, synthetic: Features) -> float:
    import torch
    from torch_fidelity import metric_kid

    asked = {"kid_subsets": 100, "kid_subset_size": min(1000, len(real), len(synthetic)), "verbose": False}
    found = metric_kid.kid_features_to_metric(torch.from_numpy(synthetic), torch.from_numpy(real), **asked)
    return float(found[metric_kid.KEY_METRIC_KID_MEAN])


def _kernel_clean_fid(real: Features, synthetic: Features) -> float:
    from cleanfid.fid import kernel_distance

    return float(kernel_distance(real, synthetic))


def _prdc(real: Features, synthetic: Features) -> list[float]:
    from prdc import compute_prdc

    with redirect_stdout(StringIO()):  # it prints the counts
        found = compute_prdc(real, synthetic, nearest_k=K)
    return [float(found[name]) for name in ("precision", "recall", "density", "coverage")]


def _prc_m3(real: Features, synthetic: Features) -> list[float]:
    import torch
    from m3score.stats import coverage, precision_recall

    a, b = torch.from_numpy(real), torch.from_numpy(synthetic)
    return [*precision_recall(a, b, K), float("nan"), coverage(a, b, K)]


def _nearest_faiss(real: Features, synthetic: Features) -> Any:
    import faiss

    index = faiss.IndexFlatL2(real.shape[1])
    index.add(real)
    return index.search(synthetic, 1)[1][:, 0]


def _nearest_scikit(real: Features, synthetic: Features) -> Any:
    from sklearn.metrics import pairwise_distances_argmin

    return pairwise_distances_argmin(synthetic, real)


def _nearest_torch(real: Features, synthetic: Features) -> Any:
    import torch

    rows, parts = torch.from_numpy(real), torch.from_numpy(synthetic).split(1000)
    return torch.cat([torch.cdist(part, rows).argmin(dim=1) for part in parts]).numpy()


PEERS: Mapping[str, tuple[Peer, ...]] = {
    "Fréchet distance": (
        Peer("torchmetrics", "moments and _compute_fid", _frechet_torchmetrics),
        Peer("torch-fidelity", "fid_statistics_to_metric", _frechet_torch_fidelity),
    ),
    "kernel distance": (
        Peer("torchmetrics", "poly_mmd of all rows", _kernel_torchmetrics),
        Peer("torch-fidelity", "100 subsets of 1,000", _kernel_torch_fidelity),
        Peer("clean-fid", "100 subsets of 1,000", _kernel_clean_fid),
    ),
    "precision, recall, density, coverage": (
        Peer("prdc", "compute_prdc", _prdc),
        Peer("m3-score", "precision_recall and coverage, no density", _prc_m3),
    ),
    "nearest training image of each sample": (
        Peer("faiss-cpu", "IndexFlatL2", _nearest_faiss),
        Peer("scikit-learn", "pairwise_distances_argmin", _nearest_scikit),
        Peer("torch", "cdist and argmin, 1,000 rows at a time", _nearest_torch),
    ),
}


@contextmanager
def threads(count: int) -> Iterator[None]:
    """The same number of threads for torch, OpenBLAS and FAISS."""
    import faiss
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(count)
    faiss.omp_set_num_threads(count)
    with threadpool_limits(limits=count):
        yield
