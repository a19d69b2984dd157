"""How much of what was planted is still given back when something is done against it, and what that costs.

The same films, captions and samples as the planted gate; a recipe's mitigation is the one difference.
"""

from __future__ import annotations

from dataclasses import replace

from lab.gates import planted
from lab.gates.report import Figure, GateReport
from lab.gates.ship_samples import OnProgress
from lab.generators.training.recipe import RECIPES

EPSILON = "Epsilon of the whole training"


def measure(asset: str, on_progress: OnProgress) -> GateReport:
    """Measure a generator that was trained here by a recipe with a mitigation.

    Raises:
        NotFoundError: for an unknown recipe, or a generator that was not trained here.
        StoreError, DatasetError: as the planted gate.
    """
    recipe = RECIPES.get(asset)
    card = planted.card_of(asset)
    found = planted.measure(card.id, on_progress)
    # No limit: the films are to be missed here, and how many still come is what is told.
    figures = tuple(replace(one, limit=None) for one in found.figures)
    ledger = card.measured.get("privacy")
    if ledger:
        note = f"delta {ledger['delta']:g}, unit {ledger['unit']}, {ledger['steps']} steps, noise {ledger['noise']:g}"
        figures += (Figure(EPSILON, ledger["epsilon"], n=found.figure(planted.FOUND).n, note=note),)
    return replace(
        found,
        id="mitigation",
        subject=asset,
        title=f"{recipe.title}: are repeated films still given back?",
        command=f"python -m lab train {asset}; python -m lab gates run mitigation --asset {asset} --write",
        figures=figures,
        details={**found.details, "mitigation": recipe.mitigation, "privacy": ledger},
    )
