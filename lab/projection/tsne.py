"""t-SNE (van der Maaten and Hinton 2008) over cosine distances, through scikit-learn; for comparison with UMAP."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab.features.unit import unit
from lab.projection.projection import METHODS, Projection, checked, distinct_rows

LEAST = 10
PERPLEXITY = 30.0


@METHODS.register("tsne")
def fit_tsne(matrix: NDArray[np.float32], seed: int, neighbours: int) -> Projection:
    """Fit t-SNE on features (n, d); new points can only be placed by `place.place`. `neighbours` changes
    nothing.

    Raises:
        NotComputable: when fewer than 10 rows differ, or features are not finite.
    """
    from sklearn.manifold import TSNE

    wide = unit(checked(matrix, LEAST))
    first, same = distinct_rows(wide)
    perplexity = min(PERPLEXITY, (len(first) - 1) / 3.0)
    model = TSNE(
        n_components=2, perplexity=perplexity, metric="cosine", init="random", random_state=seed, n_jobs=1
    )
    points = np.asarray(model.fit_transform(wide[first]), dtype=np.float32)
    settings = {
        "method": "tsne",
        "metric": "cosine",
        "seed": seed,
        "perplexity": perplexity,
        "points": len(first),
    }
    return Projection("tsne", points[same], settings)
