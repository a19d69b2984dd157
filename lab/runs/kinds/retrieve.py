"""Training images for some words, and captions for an image, by the text-image model."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from lab.runs.context import RunContext
from lab.runs.kind import run_kind
from lab.runs.kinds.embed import embedded
from lab.runs.kinds.text_image import resident_text_image
from lab.runs.spec import Progress, RunSpec

if TYPE_CHECKING:
    from lab.data.imageset import ImageSet
    from lab.features.store import FeatureStore
    from lab.features.text_image_store import TwoTowers

_CODE = ("lab.neighbours", "lab.features", "lab.runs.kinds.text_image")
STAGE = "Reading training images"


@run_kind("retrieve", lane="device", priority="interactive", modules=_CODE, title="Search by words")
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Words give images, an image gives captions; what the store lacks of the dataset is embedded first."""
    from lab.data.resolve import resolve
    from lab.features.store import FeatureStore

    asked = spec.settings
    images = resolve(f"{asked['dataset']}:train")
    model = resident_text_image(ctx, asked["model"])
    store = FeatureStore(ctx.settings.features)
    if asked["words"]:
        found = yield from _images(ctx, model, images, store, asked["words"], asked["k"])
        note = model.reading(asked["words"]).sentence
    else:
        found, note = _captions(ctx, model, images, store, asked["image"], asked["k"]), ""
    yield ctx.progress("Searching", 1, 1)
    return {
        "dataset": asked["dataset"],
        "model": model.id,
        "n": len(images.ids()),
        "note": note,
        "found": found,
    }


def _images(
    ctx: RunContext, model: TwoTowers, images: ImageSet, store: FeatureStore, words: str, k: int
) -> Generator[Progress, None, list[dict[str, Any]]]:
    from lab.features.text_image_store import ImageTower, text_vectors
    from lab.neighbours.retrieval import films_for
    from lab.neighbours.unit_store import stored_rows

    tower = ImageTower(model)
    yield from embedded(ctx, tower, images, STAGE)
    key = f"text-image rows:{images.digest}:{tower.digest}"
    films = ctx.resident(key, lambda: stored_rows(store, tower, images.digests()))
    found = films_for(text_vectors(model, [words], store)[0], films, k)
    ids, captions = images.ids(), images.frame()["caption"].astype(str).tolist()
    return [{"image_id": ids[one.row], "caption": captions[one.row], "cosine": one.cosine} for one in found]


def _captions(
    ctx: RunContext, model: TwoTowers, images: ImageSet, store: FeatureStore, image: str, k: int
) -> list[dict[str, Any]]:
    from lab.data.images import decode
    from lab.features.text_image_store import text_vectors
    from lab.neighbours.retrieval import captions_for

    captions = [text.strip() for text in images.frame()["caption"].astype(str)]
    rows = [row for row, text in enumerate(captions) if text]
    if not rows:
        return []
    told = [captions[row] for row in rows]
    vector = model.embed_images([decode(ctx.read_artifact(image)).array])[0]
    ids = images.ids()
    return [
        {"image_id": ids[rows[one.row]], "caption": text, "cosine": one.cosine}
        for text, one in captions_for(vector, told, text_vectors(model, told, store), k)
    ]
