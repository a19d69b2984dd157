"""The card of a dataset that has just been imported."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from lab.data import burned_in, licences, manifest
from lab.data.card import DatasetCard
from lab.data.sources.contract import ImportPlan
from lab.data.splits import SPLITS


@dataclass(frozen=True)
class About:
    """What the files do not say: title, modality (guessed where empty), licence, attribution, origin, parent."""

    title: str = ""
    modality: str = ""
    licence: str = ""
    attribution: str = ""
    origin: str = "real"
    parent: str = ""


def new_card(
    id: str,
    table: pd.DataFrame,
    about: About,
    notes: Sequence[str],
    plan: ImportPlan,
    recipe: Mapping[str, Any],
) -> DatasetCard:
    """The card.

    Args:
        id: of the dataset.
        table: its manifest.
        about: what the files do not say.
        notes: decisions, one sentence each, without names.
        plan: what was carried out.
        recipe: record of the preprocessing; empty for none.
    """
    edges = set(table["width"]) | set(table["height"])
    return DatasetCard(
        id=id,
        title=about.title or id,
        modality=about.modality or _modality(table),
        origin=about.origin,
        licence=licences.joined(table["licence"]),
        public=burned_in.may_be_public(table),
        attribution=about.attribution,
        digest=manifest.content_digest(table, str(recipe.get("digest", ""))),
        created=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        size=int(next(iter(edges))) if len(edges) == 1 else None,
        columns=tuple(str(name) for name in table.columns),
        images=len(table),
        patients=int(table["patient_id"].nunique()),
        splits={split: int((table["split"] == split).sum()) for split in SPLITS},
        notes=tuple(notes),
        source=plan.source,
        parent=about.parent,
        recipe=recipe,
        mask_labels={str(value): name for value, name in plan.mask_labels.items()},
    )


def _modality(table: pd.DataFrame) -> str:
    views = {view.strip().lower() for view in table["view"] if view}
    if any("short-axis" in view or "cine" in view for view in views):
        return "cardiac MRI"
    if any("dermo" in view for view in views):
        return "dermoscopy"
    if any(re.match(r"(pa|ap|lateral|ll|l)\b", view) for view in views):
        return "chest radiograph"
    return "unknown"
