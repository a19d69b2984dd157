"""The text-image models of this machine: the embedded one, open_clip folders, BioViL-T; which of them fits a dataset.

The embedded model was measured on held-out films and gives verdicts on prompts; the others are searched with by words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lab.device import CPU
from lab.errors import LabError, WeightsError
from lab.features.families import cxr_bert
from lab.features.places import check_weights, find
from lab.features.record import ExtractorRecord
from lab.features.records import get_record, list_records
from lab.features.text_image import TextImageModel, TextReading, dropped_words, open_text_image
from lab.features.text_image_fit import installed_digest, model_card, why_not
from lab.features.text_image_folder import (
    CARD,
    PHANTOM,
    check_offline,
    folder_of,
    model_digest,
    read_config,
)
from lab.provenance import digest_file, digest_json

if TYPE_CHECKING:
    from lab.features.loaded import LoadedExtractor

FAMILIES = ("open-clip", "biovil")


@dataclass(frozen=True, eq=False)
class BioViLT:
    """BioViL-T as a text-image model: its image extractor beside its own text side.

    Attributes:
        id, digest, dimension, card: as of every text-image model.
    """

    id: str
    digest: str
    dimension: int
    images: LoadedExtractor
    texts: cxr_bert.CxrBert
    card: dict[str, Any] = field(default_factory=dict)

    def embed_images(self, images: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
        """Unit vectors (n, dimension) float32 of images (H, W) or (H, W, 3), uint8 or uint16."""
        return self.images.embed(images)

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors (n, dimension) float32 of captions."""
        return self.texts.embed(texts)

    def reading(self, text: str) -> TextReading:
        """Which words of a text are beyond its longest input; it splits words it never met into known pieces."""
        return TextReading((), dropped_words(text, self.texts.tokenizer, self.texts.context_length))


def text_state(name: str = PHANTOM) -> str:
    """ "" when the text side of a model can be used now, else one sentence on what is missing and what to do.

    Raises:
        NotFoundError: for an unknown model.
    """
    record = get_record(name)
    try:
        folder = _folder(record)
        if record.family == "biovil":
            lacking = cxr_bert.missing(folder)
            return (
                ""
                if not lacking
                else f"The text side of {record.title} lacks {' and '.join(lacking)}; its images can be used; put the "
                f"files of its repository into the folder of its image weights."
            )
        check_offline(folder, read_config(folder))
    except WeightsError as error:
        return str(error)
    return ""


def searchable(modality: str, phantom: bool) -> tuple[str, str]:
    """The model to search such images with by words, and why there is none: one of the two is "".

    Args:
        modality: of the images, such as "chest radiograph".
        phantom: whether they are phantoms.
    """
    reason = why_not(modality, phantom)
    if not reason:
        return PHANTOM, ""
    lacking = []
    for record in list_records():
        if record.family not in FAMILIES or record.id == PHANTOM or not _made_for(record, modality, phantom):
            continue
        missing = text_state(record.id)
        if not missing:
            return record.id, ""
        lacking.append(missing)
    return "", " ".join([reason, *lacking[:1]])


def model_for(dataset: str) -> str:
    """The model to search a dataset with by words; the embedded one where none fits.

    Raises:
        NotFoundError: when there is no such dataset.
    """
    from lab.data.store import open_dataset

    card = open_dataset(dataset).card
    return searchable(card.modality, card.origin == "phantom")[0] or PHANTOM


def digest_of(name: str = PHANTOM) -> str:
    """Digest of everything a search by that model depends on, its card too; "none" where it cannot be used."""
    if name == PHANTOM:
        return installed_digest()
    try:
        record = get_record(name)
        folder = _folder(record)
        if record.family == "biovil":
            return _biovil_digest(record, folder)
        card = folder / CARD
        return digest_json([model_digest(folder), digest_file(card) if card.is_file() else ""])
    except LabError:
        return "none"


def open_named(name: str = PHANTOM, device: str = CPU) -> TextImageModel | BioViLT:
    """The text-image model of that name, opened.

    Raises:
        NotFoundError, WeightsError: when it is not here, incomplete or damaged.
    """
    from lab.features.loaded import LoadedExtractor

    record = get_record(name)
    folder = _folder(record)
    if name != PHANTOM:
        check_weights(record, find(record))
    if record.family != "biovil":
        return open_text_image(folder, device=device)
    texts = cxr_bert.CxrBert(folder, device)
    if texts.dimension != record.dimension:
        raise WeightsError(
            f"The text side of {record.title} gives {texts.dimension} numbers and its images {record.dimension}; "
            "nothing was loaded; put the files of one model together."
        )
    images = LoadedExtractor(record, device)
    return BioViLT(record.id, _biovil_digest(record, folder), record.dimension, images, texts)


def _folder(record: ExtractorRecord) -> Path:
    return folder_of(record.id) if record.id == PHANTOM else find(record).only.parent


def _biovil_digest(record: ExtractorRecord, folder: Path) -> str:
    from lab.features.loaded import LoadedExtractor

    weights = cxr_bert.weights_of(folder)
    files = [folder / cxr_bert.CONFIG, folder / cxr_bert.VOCABULARY, *([weights] if weights else [])]
    texts = [digest_file(file) if file.is_file() else "" for file in files]
    return digest_json([LoadedExtractor(record).digest, *texts])


def _made_for(record: ExtractorRecord, modality: str, phantom: bool) -> bool:
    """A model that says what it was trained on is held to it; published ones were trained on films of patients."""
    if record.family == "open-clip" and record.path is not None and model_card_of(record):
        return not why_not(modality, phantom, record.id)
    return not phantom and (not record.modalities or modality in record.modalities)


def model_card_of(record: ExtractorRecord) -> dict[str, Any]:
    """The card of a model that this project wrote; {} without one."""
    try:
        return model_card(record.id)
    except WeightsError:
        return {}
