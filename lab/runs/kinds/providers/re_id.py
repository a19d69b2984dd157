"""Embeddings of a network that knows patients, and its last layer, for the re-identification score."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from lab.runs.context import RunContext
from lab.runs.kinds.providers import Sets
from lab.runs.spec import Progress

if TYPE_CHECKING:
    from lab.data.imageset import ImageSet
    from lab.identification.models import IdentityModel
    from lab.identification.network import Question
    from lab.metrics.inputs import Space

STAGE = "Looking for patients"


def absent(real: str, synthetic: ImageSet, extractor: str) -> str:
    """Says how to train a network where there is none for the dataset."""
    from lab.identification.card import why_absent
    from lab.runs.dependencies import dataset_name

    return why_absent(dataset_name(real), "patient")


def provide(ctx: RunContext, sets: Sets) -> Generator[Progress, None, dict[str, Any]]:
    """Space "re-id" of all three sides, and the network's head with what it was measured to be worth."""
    from lab.metrics.identity import Identity

    model = resident_model(ctx, sets.reference, "patient")
    space = yield from embedded_sides(ctx, model, sets, STAGE)
    weights, bias = model.head
    told = {key: value for key, value in model.card.verification.items() if key not in ("histogram", "roc")}
    return {"spaces": {"re-id": space}, "identity": Identity(weights, bias, model.card.title, told)}


def resident_model(ctx: RunContext, reference: str, question: Question) -> IdentityModel:
    """The network of a dataset, loaded once in this process, and anew when its folder has changed.

    Raises:
        NotFoundError, WeightsError: when it is not here or damaged.
    """
    from lab.device import limit_threads
    from lab.identification.card import installed_digest, need_folder
    from lab.identification.models import open_model
    from lab.runs.dependencies import dataset_name

    limit_threads()
    name = dataset_name(reference)
    digest = installed_digest(name, question)
    return ctx.resident(f"identity:{question}:{digest}", lambda: open_model(need_folder(name, question)))


def embedded_sides(
    ctx: RunContext, model: IdentityModel, sets: Sets, stage: str
) -> Generator[Progress, None, Space]:
    """Embeddings of the three sides, each image's computed once and kept in the feature store."""
    from lab.features.store import FeatureStore
    from lab.metrics.inputs import Space
    from lab.runs.kinds.embed import embedded

    store = FeatureStore(ctx.settings.features)
    rows: list[Any] = []
    for images in (sets.real, sets.synthetic, sets.held_out):
        if images is None or not images.ids():
            rows.append(None)
            continue
        yield from embedded(ctx, model, images, stage)
        rows.append(store.matrix(model, images.digests()))
    return Space(rows[0], rows[1], rows[2], model.id)
