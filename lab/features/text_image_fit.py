"""Whether the text-image model may judge some images: is it here, and was it trained on such images."""

from __future__ import annotations

from typing import Any

from lab.errors import WeightsError
from lab.features.text_image_folder import CARD, CONFIG, PHANTOM, folder_of, model_digest, read_json
from lab.provenance import digest_file, digest_json

ABSENT = (
    "Samples and prompts are not compared, because the text-image model is not here; train it with "
    f"python -m lab train {PHANTOM}."
)


def is_here(name: str = PHANTOM) -> bool:
    """Whether the folder of a text-image model is there."""
    return (folder_of(name) / CONFIG).is_file()


def model_card(name: str = PHANTOM) -> dict[str, Any]:
    """The card of a text-image model; {} without one.

    Raises:
        WeightsError: when it is damaged.
    """
    file = folder_of(name) / CARD
    return read_json(file) if file.is_file() else {}


def installed_digest(name: str = PHANTOM) -> str:
    """Digest of everything a reading by the model depends on, its card with the reference too; "none" without it."""
    folder = folder_of(name)
    if not is_here(name):
        return "none"
    card = folder / CARD
    return digest_json([model_digest(folder), digest_file(card) if card.is_file() else ""])


def why_not(modality: str, phantom: bool, name: str = PHANTOM) -> str:
    """Why the model cannot judge such images, as one sentence; "" when it can.

    A cosine of images unlike those of the training is a number without meaning, so a model judges the images it
    was trained on and no others: the same modality, and phantoms by a model of phantoms only.

    Args:
        modality: of the images, such as "chest radiograph".
        phantom: whether they are phantoms or samples of a generator trained on phantoms.
        name: of the model.
    """
    if not is_here(name):
        return ABSENT
    try:
        card = model_card(name)
    except WeightsError as error:
        return str(error)
    if modality == card.get("modality") and phantom == bool(card.get("phantom_trained")):
        return ""
    known = f"{'phantom ' * bool(card.get('phantom_trained'))}{card.get('modality') or 'other image'}s"
    return (
        f"Samples and prompts are not compared, because the text-image model knows {known} only and these "
        "images are others."
    )
