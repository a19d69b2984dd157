"""The text-image model in a run: resident like the extractor, read by each answer, asked by metrics on captions."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from lab.features.text_image_folder import PHANTOM
from lab.runs.context import RunContext
from lab.runs.kinds.embed import embedded
from lab.runs.spec import Progress

if TYPE_CHECKING:
    from lab.data.imageset import ImageSet
    from lab.features.text_image import TextImageModel
    from lab.features.text_image_models import BioViLT
    from lab.metrics.pairs import Pairs

STAGE = "Comparing with the prompt"
# One film a patient and no more: pairs are then independent, and 300 settle a mean to within a few hundredths.
HELD_OUT_FILMS = 300


def resident_text_image(ctx: RunContext, name: str = PHANTOM) -> TextImageModel | BioViLT:
    """A text-image model, loaded once in this process, and anew when its folder has changed.

    Raises:
        NotFoundError, WeightsError: when it is not here or damaged.
    """
    from lab.device import limit_threads, pick
    from lab.features.text_image import open_text_image
    from lab.features.text_image_fit import installed_digest
    from lab.features.text_image_folder import folder_of
    from lab.features.text_image_models import digest_of, open_named

    limit_threads()
    if name != PHANTOM:
        return ctx.resident(f"text-image:{name}:{digest_of(name)}", lambda: open_named(name, pick()))
    return ctx.resident(
        f"text-image:{installed_digest()}", lambda: open_text_image(folder_of(), device=pick())
    )


def alignments(
    ctx: RunContext, images: ImageSet, result: dict[str, Any]
) -> Generator[Progress, None, list[dict[str, Any] | None]]:
    """How well each sample goes with the prompt, or None for all; `result["text_image"]` says by what, or why not.

    A model that is absent, damaged or of other images costs its own reading and nothing else of the answer.
    """
    from lab.errors import LabError
    from lab.features.store import FeatureStore
    from lab.features.text_image_alignment import aligned, reference_of
    from lab.features.text_image_fit import why_not
    from lab.features.text_image_store import ImageTower, text_vectors
    from lab.generators.cards import get_card
    from lab.generators.training.clip_words import swapped_sides

    unread: list[dict[str, Any] | None] = [None] * len(images.ids())
    card = get_card(result["generator"])
    if reason := why_not(card.modality, card.phantom_trained):
        result["text_image"] = {"why": reason}
        return unread
    try:
        model = resident_text_image(ctx)
        reference = reference_of(model.card)
        prompt = result["prompt"]
        told = model.reading(prompt)
        result["text_image"] = {"model": model.id, "why": "", **reference.to_json()}
        if not told.known:
            result["text_image"]["why"] = (
                "Samples and prompts are not compared, because the text-image model knows no word of it."
            )
            return unread
        tower, store = ImageTower(model), FeatureStore(ctx.settings.features)
        yield from embedded(ctx, tower, images, STAGE)
        swapped = swapped_sides(prompt)
        texts = text_vectors(model, [prompt, *([swapped] if swapped else [])], store)
        vectors = store.matrix(tower, images.digests())
    except LabError as error:
        result["text_image"] = {"why": str(error)}
        return unread
    found = aligned(vectors, texts[0], reference, texts[1] if swapped else None, told.sentence)
    return [one.to_json() for one in found]


def pairs_of(
    ctx: RunContext, images: ImageSet, limit: int | None = None, name: str = ""
) -> Generator[Progress, None, Pairs]:
    """The images of a set beside their own captions, computed where the store lacks them.

    Args:
        images: the set; images without a caption stay without a vector.
        limit: at most so many, patients counted as equally as they can be; None for all.
        name: of the text-image model; "" for the embedded one.
    """
    import numpy as np

    from lab.data.imageset import patient_balanced, subset
    from lab.features.store import FeatureStore
    from lab.features.text_image_store import ImageTower, text_vectors
    from lab.metrics.pairs import Pairs

    model = resident_text_image(ctx, name or PHANTOM)
    tower, store = ImageTower(model), FeatureStore(ctx.settings.features)
    ids = images.ids()
    wanted = set(ids) if limit is None else set(patient_balanced(images, limit, 0))
    captions = [
        text.strip() if name in wanted else ""
        for name, text in zip(ids, images.frame()["caption"].astype(str), strict=True)
    ]
    rows = [row for row, text in enumerate(captions) if text]
    seen = np.zeros((len(ids), model.dimension), np.float32)
    read = seen.copy()
    if rows:
        part = subset(images, [ids[row] for row in rows])
        yield from embedded(ctx, tower, part, "Comparing with captions")
        seen[rows] = store.matrix(tower, part.digests())
        read[rows] = text_vectors(model, [captions[row] for row in rows], store)
    return Pairs(seen, read, np.asarray(captions, dtype=str), model.id)
