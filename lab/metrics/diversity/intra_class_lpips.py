"""Distance inside a class by the learned perceptual distance."""

from __future__ import annotations

from lab.errors import NotComputable
from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.intra_class import PAIRS, compare_classes
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec


@metric(
    MetricSpec(
        name="intra-class-lpips",
        title="Perceptual distance inside a class",
        symbol="LPIPS in class",
        axis="diversity",
        direction="higher",
        low=0.0,
        high=float("inf"),
        null="the held-out line: pairs of held-out images of one label and two patients",
        null_line=None,
        needs=("pictures", "perceptual"),
        minimum_n=2,
        bias="none from sample size; noise raises it, so a noisy set looks varied",
        cost="two passes through VGG-16 a pair: about 0.5 s at 256 pixels on one core, 25 minutes for 2,000 pairs and"
        " 1,000 real ones",
        reference="Zhang et al. 2018, The unreasonable effectiveness of deep features as a perceptual metric",
        definition="How far two samples of one label lie apart in a network for photographs, over random pairs.",
        options=(PAIRS,),
    )
)
def intra_class_lpips(comparison: Comparison) -> Measurement:
    """Mean of LPIPS 0.1 on VGG-16 over random pairs; per pair as torchmetrics to 1e-4."""
    distance = comparison.given.perceptual
    if distance is None:
        raise NotComputable(
            "LPIPS needs weights that are not on this machine; see the library of extractors."
        )
    return compare_classes(comparison, "intra-class-lpips", distance, "Perceptual distance of a pair (LPIPS)")
