"""First-order features: what the grey levels are, not where they lie."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]


def first_order(values: Floats, binned: IntArray) -> dict[str, float]:
    """Seventeen features of grey values (any shape) and of the same in bins numbered from 1.

    Kurtosis is 3 for a Gaussian. Total energy is left out: with pixels of volume 1 it is the energy.
    """
    x = values.ravel()
    p10, p25, median, p75, p90 = (float(found) for found in np.percentile(x, (10, 25, 50, 75, 90)))
    mean = float(x.mean())
    centred = x - mean
    variance = float(np.mean(centred**2))
    inner = x[(x >= p10) & (x <= p90)]
    shares = np.bincount(binned.ravel()) / x.size
    shares = shares[shares > 0]
    flat = variance <= 0.0
    return {
        "energy": float(x @ x),
        "entropy": float(-(shares @ np.log2(shares))),
        "minimum": float(x.min()),
        "percentile-10": p10,
        "percentile-90": p90,
        "maximum": float(x.max()),
        "mean": mean,
        "median": median,
        "interquartile-range": p75 - p25,
        "range": float(x.max() - x.min()),
        "mean-absolute-deviation": float(np.abs(centred).mean()),
        "robust-mean-absolute-deviation": float(np.abs(inner - inner.mean()).mean()),
        "root-mean-square": float(np.sqrt(np.mean(x**2))),
        "skewness": 0.0 if flat else float(np.mean(centred**3) / variance**1.5),
        "kurtosis": 0.0 if flat else float(np.mean(centred**4) / variance**2),
        "variance": variance,
        "uniformity": float(shares @ shares),
    }
