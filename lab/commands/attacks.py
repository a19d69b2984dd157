"""`python -m lab leakage attack`, `lira` and `ledger`: membership attacks and the privacy ledger from a shell."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from lab.commands.options import EXTRACTOR, AsJson, DatasetOption, ExtractorOption, SeedOption
from lab.commands.output import emit, run_to_end
from lab.leakage.attacks.catalogue import EVERY
from lab.runs.leakage_requests import FILMS


def attack(
    generator: Annotated[str, typer.Argument(metavar="GENERATOR", help="Id of a generator's card.")],
    dataset: DatasetOption,
    attacks: Annotated[
        str, typer.Option("--attacks", help=f"Comma-separated, of {', '.join(EVERY)}.")
    ] = ",".join(EVERY),
    samples: Annotated[str, typer.Option("--samples", help="A set of its samples, for the black box.")] = "",
    members_of: Annotated[
        str,
        typer.Option("--members-of", help="Attack with the training films of this generator: the control."),
    ] = "",
    films: Annotated[int, typer.Option("--films", help="Films on each side, at most.")] = FILMS,
    seed: SeedOption = 0,
    extractor: ExtractorOption = EXTRACTOR,
    as_json: AsJson = False,
) -> None:
    """Try membership attacks on a generator: which films was it trained on?"""
    from lab.runs.leakage_requests import membership_run

    names = [name.strip() for name in attacks.split(",") if name.strip()]
    told = run_to_end(membership_run(generator, dataset, samples, members_of, films, seed, extractor, names))
    emit(told, as_json, [*_lines(told["attacks"]), *([told["closed"]] if told["closed"] else [])])


def lira(
    dataset: DatasetOption,
    patients: Annotated[int, typer.Option("--patients", help="Patients, 16 to 256; one film each.")] = 64,
    shadows: Annotated[int, typer.Option("--shadows", help="Shadow models, an even number of 4 to 64.")] = 8,
    steps: Annotated[int | None, typer.Option("--steps", help="Training steps of each model.")] = None,
    seed: SeedOption = 0,
    as_json: AsJson = False,
) -> None:
    """Train small models on halves of some patients and attack one of them with the others (LiRA)."""
    from lab.leakage.shadow import Recipe
    from lab.runs.leakage_requests import lira_run

    recipe = Recipe() if steps is None else Recipe(steps=steps)
    told = run_to_end(lira_run(dataset, patients, shadows, recipe, seed))
    emit(told, as_json, _lines(told["attacks"]))


def ledger(
    epsilon: Annotated[float, typer.Option("--epsilon", help="As stated.")],
    delta: Annotated[float, typer.Option("--delta", help="As stated.")],
    noise: Annotated[float, typer.Option("--noise", help="Noise multiplier sigma.")],
    rate: Annotated[float, typer.Option("--rate", help="Sampling rate q.")],
    steps: Annotated[int, typer.Option("--steps", help="Noisy steps.")],
    clip: Annotated[float, typer.Option("--clip", help="Clipping norm C.")] = 1.0,
    accountant: Annotated[str, typer.Option("--accountant", help="RDP, PRV or other.")] = "RDP",
    unit: Annotated[str, typer.Option("--unit", help="image or patient.")] = "image",
    as_json: AsJson = False,
) -> None:
    """Recompute a training's epsilon and refuse a ledger that contradicts itself."""
    from lab.leakage.dp import Ledger, check_ledger

    found = check_ledger(Ledger(epsilon, delta, clip, noise, rate, steps, accountant, unit))
    exact = "not computed" if found.exact is None else f"{found.exact:.4f}"
    emit(asdict(found), as_json, [f"epsilon {found.recomputed:.4f} (RDP), {exact} (PRV)", *found.remarks])


def _lines(attacks: list[dict[str, Any]]) -> list[str]:
    """One line an attack: area, best accuracy and rates, each with its interval, and the control."""
    return [_line(one) for one in attacks]


def _line(one: dict[str, Any]) -> str:
    parts = [
        f"{one['name']}: AUC {one['area']:.3f} [{one['low']:.3f}, {one['high']:.3f}]",
        f"best accuracy {one['best']:.3f} [{one['best_low']:.3f}, {one['best_high']:.3f}]",
    ]
    for rate in one["rates"]:
        value = rate["hits"] / rate["n"]
        parts.append(
            f"TPR at {100 * rate['fpr']:g} % FPR {value:.3f} [{rate['low']:.3f}, {rate['high']:.3f}]"
        )
    if one["control"]:
        known = one["control"]
        parts.append(f"control {known['area']:.3f} [{known['low']:.3f}, {known['high']:.3f}]")
    return "; ".join(parts)
