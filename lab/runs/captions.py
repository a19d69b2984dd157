"""Whether captions and prompts of two sets can be measured; read from cards and tables, nothing heavy is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.data.imageset import ImageSet


def why_no_pairs(real: str, synthetic: ImageSet) -> str:
    """Why no text-image metric can be computed, as one sentence; "" when it can.

    Args:
        real: the real side as a person named it, "ID" or "ID:SPLIT"; its dataset gives the control.
        synthetic: the samples. A folder takes the dataset's word for what its images are.
    """
    from lab.data.dataset import parse_reference
    from lab.data.store import open_dataset
    from lab.features.text_image_fit import why_not

    card = open_dataset(parse_reference(real)[0]).card
    own = getattr(synthetic, "card", None)
    phantom = card.origin == "phantom" and bool(getattr(own, "phantom_trained", True))
    if synthetic.tag == "REAL":
        phantom = False
    if reason := why_not(card.modality, phantom):
        return reason
    if not (synthetic.frame()["caption"].astype(str).str.strip() != "").any():
        return "The samples carry no prompts, so there is nothing to compare them with; choose a set with prompts."
    return ""
