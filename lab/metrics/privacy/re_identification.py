"""Re-identification: does a network that knows patients take a sample for the patient of its prompt?"""

from __future__ import annotations

import numpy as np

from lab.errors import NotComputable
from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.registry import metric
from lab.metrics.source_pairs import FLOOR, Floats, Rows, Side, measured, paired, prompt_details
from lab.metrics.spec import MetricOption, MetricSpec

NAME = "re-identification"
DELTA = 0.5
DELTA_NOTE = (
    "Delta is not in the published code, nor is how its average was formed: both readings are in the details."
)


@metric(
    MetricSpec(
        name=NAME,
        title="Re-identification score",
        symbol="Re-ID",
        axis="privacy",
        direction="lower",
        low=0.0,
        high=1.0,
        null="the held-out line: what images of other patients score in the samples' place",
        null_line=None,
        needs=("re-id", "sources"),
        minimum_n=2,
        bias="rises with a network that answers high to everything, so read it between the held-out line and real pairs"
        " of one patient; samples of one finding look alike to a weak network",
        cost="one pass of the Re-ID network over all images, then a product for each pair: under a minute for 1,000 x"
        " 1,000 images with the small network on two cores",
        reference="CheXGenBench (arXiv 2505.10496), after Packhaeuser et al. 2022, Deep learning-based patient"
        " re-identification is able to exploit the biometric nature of medical chest X-ray data",
        definition="How sure a network trained to recognise patients is that a sample shows the patient whose image its"
        " prompt belongs to, averaged over the samples of a prompt and then over prompts.",
        floor=FLOOR,
        options=(
            MetricOption(
                "delta", "Delta", DELTA, 0.0, 1.0,
                "A prompt counts as re-identified when one of its samples scores above delta.",
            ),
        ),
    )
)  # fmt: skip
def re_identification(comparison: Comparison) -> Measurement:
    """Mean over prompts of the mean score; the maxima by prompt are in the details, so delta moves without recomputing.

    Null: the held-out line. Tolerance: scores as the network's own forward pass to 1e-5.
    """
    given = comparison.given
    space, identity = given.spaces.get("re-id"), given.identity
    if space is None or identity is None:
        raise NotComputable(
            given.absent.get("re-id", "") or "There is no Re-ID network for these images; train one."
        )
    sides = {"synthetic": space.synthetic, "held_out": space.held_out, "real": space.real}

    def score(side: Side, rows: Rows, other: Side, others: Rows) -> Floats:
        images, beside = sides[side], sides[other]
        assert images is not None and beside is not None  # noqa: S101 - asked for only where there are some
        return identity.scores(images[rows], beside[others])

    found = paired(comparison, score, "high", NAME)
    delta = comparison.option(NAME, "delta", DELTA)
    details = prompt_details(found, "max", "Re-ID score")
    details |= {"delta": delta, "above": count_above(details["per_prompt"]["max"], delta)}
    details["exact_copy"] = round(identity.copy_score, 4)
    details["bars"]["an exact copy"] = details["exact_copy"]
    if found.control is not None:
        details["control_above"] = int((found.control.extreme > delta).sum())
    details |= {
        "verification": dict(identity.verification),
        "rule": {"above": delta},
        "delta_note": DELTA_NOTE,
    }
    return measured(
        comparison, found, NAME, details=details, note=identity.sentence, extractor=space.extractor,
        dimension=int(space.real.shape[1]),
    )  # fmt: skip


def count_above(maxima: list[float], delta: float) -> int:
    """Prompts whose highest score exceeds delta: a page calls this, or does the same, whenever the slider moves."""
    return int((np.asarray(maxima) > delta).sum())
