"""Whether captions and prompts of two sets can be measured; read from cards and tables, nothing heavy is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.data.imageset import ImageSet


def why_no_pairs(real: str, synthetic: ImageSet, model: str = "") -> str:
    """Why no text-image metric can be computed, as one sentence; "" when it can.

    Args:
        real: the real side as a person named it, "ID" or "ID:SPLIT"; its dataset gives the control.
        synthetic: the samples. A folder takes the dataset's word for what its images are.
        model: id of the text-image model; "" for the embedded one.
    """
    from lab.data.dataset import parse_reference
    from lab.data.store import open_dataset

    card = open_dataset(parse_reference(real)[0]).card
    own = getattr(synthetic, "card", None)
    phantom = card.origin == "phantom" and bool(getattr(own, "phantom_trained", True))
    if synthetic.tag == "REAL":
        phantom = False
    if reason := _unfit(card.modality, phantom, model):
        return reason
    if not (synthetic.frame()["caption"].astype(str).str.strip() != "").any():
        return "The samples carry no prompts, so there is nothing to compare them with; choose a set with prompts."
    return ""


def _unfit(modality: str, phantom: bool, model: str) -> str:
    """Why the model cannot judge such images; a published model was trained on images of patients."""
    from lab.errors import LabError
    from lab.features.records import get_record
    from lab.features.text_image_fit import why_not
    from lab.features.text_image_folder import PHANTOM
    from lab.features.text_image_models import FAMILIES, model_card_of, text_state

    if model in ("", PHANTOM):
        return why_not(modality, phantom)
    try:
        record = get_record(model)
        if record.family not in FAMILIES:
            return f"{record.title} reads no text; choose a text-image model."
        if missing := text_state(model):
            return missing
    except LabError as error:
        return str(error)
    if record.path is not None and model_card_of(record):
        return why_not(modality, phantom, model)
    if record.modalities and modality not in record.modalities:
        return (
            f"Samples and prompts are not compared, because {record.title} knows "
            f"{' and '.join(f'{one}s' for one in record.modalities)} only and these images are others."
        )
    if phantom:
        return f"Samples and prompts are not compared, because {record.title} knows images of patients, not phantoms."
    return ""
