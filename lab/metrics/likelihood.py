"""A mixture of one Gaussian a sample whose widths are fitted to training images: does it explain them too well?

The construction of the feature likelihood divergence (Jiralerspong et al. 2023): features are standardised by the
held-out images, each sample becomes the centre of an isotropic Gaussian, and the widths are fitted to the training
images by gradient descent (Adam, rate 0.5, 50 epochs). A sample that is a copy gets a tiny width, and then says little
about held-out images.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lab.metrics.blocks import products, rows_per_block

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float64]
EPOCHS, RATE = 50, 0.5
MOST_CENTRES = 10_000


@dataclass(frozen=True, eq=False)
class Mixture:
    """Equal weights, isotropic widths.

    Args:
        centres: (m, d) samples.
        log_variances: (m,) natural logarithm of each width squared.
    """

    centres: Floats
    log_variances: Floats

    def negative_log_likelihood(self, images: Floats) -> Floats:
        """(n,) of each image, per dimension."""
        import torch

        found = []
        centres, widths = (torch.from_numpy(part) for part in (self.centres, self.log_variances))
        step = rows_per_block(len(self.centres))
        with torch.no_grad():
            for start in range(0, len(images), step):
                block = torch.from_numpy(images[start : start + step])
                found.append((-_log_density(block, centres, widths) / images.shape[1]).numpy())
        return np.concatenate(found)

    def memorisation(self, images: Floats) -> tuple[Floats, NDArray[np.int64]]:
        """(m,) largest log density, per dimension, that each sample's Gaussian gives any image, and which image."""
        norms, own = np.einsum("nd,nd->n", images, images), np.einsum("md,md->m", self.centres, self.centres)
        nearest, squared = np.empty(len(own), dtype=np.int64), np.empty(len(own))
        for start, product in products(self.centres, images):
            block = norms[None] - 2.0 * product
            rows = slice(start, start + len(block))
            nearest[rows], squared[rows] = block.argmin(axis=1), block.min(axis=1) + own[rows]
        width = self.centres.shape[1]
        log = -0.5 * (
            np.maximum(squared, 0.0) * np.exp(-self.log_variances) / width
            + self.log_variances
            + np.log(2 * np.pi)
        )
        return log, nearest


def standardised(scale: Floats, *parts: Floats) -> list[Floats]:
    """Parts with mean and deviation of `scale` in each feature taken out; constant features stay as they are."""
    mean, deviation = scale.mean(axis=0), scale.std(axis=0)
    deviation = np.where(deviation > 1e-12, deviation, 1.0)
    return [np.ascontiguousarray((part - mean) / deviation) for part in parts]


def fit_mixture(centres: Floats, train: Floats) -> Mixture:
    """Widths that make the training images (n, d) likely: full batches, 50 steps."""
    import torch

    middle, images = torch.from_numpy(centres), torch.from_numpy(train)
    widths = torch.zeros(len(centres), dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([widths], lr=RATE)
    step = rows_per_block(len(centres))
    # Distances never change: those of small sets are kept, those of large ones computed anew in each step.
    kept = _squared(images, middle) if len(images) <= step else None
    for _ in range(EPOCHS):
        optimiser.zero_grad()
        for start in range(0, len(images), step):
            block = _squared(images[start : start + step], middle) if kept is None else kept
            loss = -_from_squared(block, widths, centres.shape[1]).sum() / (len(train) * centres.shape[1])
            loss.backward()
        optimiser.step()
    return Mixture(centres, widths.detach().numpy().copy())


def _log_density(images: torch.Tensor, centres: torch.Tensor, log_variances: torch.Tensor) -> torch.Tensor:
    return _from_squared(_squared(images, centres), log_variances, centres.shape[1])


def _squared(images: torch.Tensor, centres: torch.Tensor) -> torch.Tensor:
    """(n, m) squared distances."""
    norms = (images**2).sum(1)[:, None] + (centres**2).sum(1)[None]
    return (norms - 2.0 * images @ centres.T).clamp(min=0.0)


def _from_squared(squared: torch.Tensor, log_variances: torch.Tensor, width: int) -> torch.Tensor:
    """(n,) log density of the mixture."""
    import torch

    each = -0.5 * (squared * torch.exp(-log_variances) + width * log_variances)
    constant = 0.5 * width * float(np.log(2 * np.pi)) + float(np.log(len(log_variances)))
    return torch.logsumexp(each, dim=1) - constant
