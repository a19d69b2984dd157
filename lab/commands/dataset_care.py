"""`python -m lab dataset duplicates`, `divide` and `terms`: looking after a dataset that is here."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from lab.commands.options import AsJson
from lab.commands.output import emit, run_to_end
from lab.data.editing import divide_anew, set_terms
from lab.data.splits import DEFAULT_FRACTIONS
from lab.errors import InputError
from lab.runs.dataset_requests import duplicates_run, latest_duplicates
from lab.runs.dependents import dependents

_DEFAULT = ",".join(f"{share:g}" for share in DEFAULT_FRACTIONS)
Name = Annotated[str, typer.Argument(metavar="ID", help="An installed dataset.")]


def duplicates(name: Name, as_json: AsJson = False) -> None:
    """Look for pictures that stand in a dataset twice, perhaps under two patient ids."""
    result = run_to_end(duplicates_run(name))
    lines = [
        f"{result['across_patients']} pairs under two patient ids, {result['across_splits']} in two splits, "
        f"{result['within_patient']} near-equal pairs of one patient; {result['compared']} pairs were compared."
    ]
    lines += [_line(pair) for pair in result["pairs"]]
    emit(result, as_json, lines)


def _line(pair: dict[str, Any]) -> str:
    where = "two splits" if pair["splits"] else "one split"
    return (
        f"{pair['first']} and {pair['second']}: {pair['bits']} of 256 bits differ, correlation "
        f"{pair['correlation']:.3f}, {pair['how']}, in {where}"
    )


def divide(
    name: Name,
    shares: Annotated[
        str, typer.Option("--shares", help="Train, held-out and test, such as 0.6,0.3,0.1.")
    ] = _DEFAULT,
    seed: Annotated[int, typer.Option("--seed", help="Another seed gives another division.")] = 0,
    stratify: Annotated[
        bool,
        typer.Option("--stratify/--plain", help="Give every label its share, or look at patients alone."),
    ] = True,
    together: Annotated[
        bool,
        typer.Option("--together/--apart", help="Keep the duplicate pairs that were found in one split."),
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Divide a dataset into train, held-out and test again, by patient."""
    taught = [one.name for one in dependents(name) if one.kind == "generator"]
    if taught:
        raise InputError(
            f"Generators here learned from the train of this dataset ({', '.join(taught)}); nothing was changed; "
            "import it again under another id to divide that."
        )
    found = latest_duplicates(name) if together else None
    pairs = (
        [(pair["first"], pair["second"]) for pair in (found.result or {}).get("pairs", [])] if found else []
    )
    card = divide_anew(name, _shares(shares), seed, stratify, pairs).card
    told = {"id": name, "splits": dict(card.splits), "kept_together": len(pairs), "digest": card.digest}
    emit(told, as_json, [", ".join(f"{split} {count}" for split, count in card.splits.items())])


def _shares(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(
            "The shares are not numbers; nothing was changed; give them as 0.6,0.3,0.1."
        ) from error


def terms(
    name: Name,
    licence: Annotated[str | None, typer.Option("--licence", help="Of every image.")] = None,
    attribution: Annotated[str | None, typer.Option("--attribution", help="Whom to name.")] = None,
    title: Annotated[str | None, typer.Option("--title", help="For people.")] = None,
    public: Annotated[
        bool | None, typer.Option("--public/--withhold", help="Whether images may be shown in public.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Change licence, attribution, title, or whether images may be shown in public."""
    card = set_terms(name, licence, attribution, title, public).card
    told: dict[str, Any] = {"id": name, "licence": card.licence, "attribution": card.attribution}
    told |= {"title": card.title, "public": card.public}
    emit(told, as_json, [f"{key}: {value}" for key, value in told.items()])
