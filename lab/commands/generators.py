"""`python -m lab generators`: which generators are here, whether they open, and the one way to fetch one."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from lab.commands import generator_cards
from lab.commands.options import AsJson
from lab.commands.output import emit, ticks
from lab.device import CPU
from lab.errors import LabError
from lab.generators.card import GeneratorCard
from lab.generators.card_state import ready
from lab.generators.cards import all_cards, broken_cards, get_card
from lab.generators.load import downloaded_folder, load
from lab.generators.methods import ORIGINS, Method, methods

app = typer.Typer(help="List, check, download and add generators.", no_args_is_help=True)
for _name, _command in generator_cards.COMMANDS.items():
    app.command(_name)(_command)
Id = generator_cards.Id


@app.command("list")
def show_all(
    query: Annotated[str, typer.Argument(metavar="[WORDS]", help="For example: flow matching + mask.")] = "",
    family: Annotated[str, typer.Option("--family", help="Such as diffusion or GAN.")] = "",
    conditioning: Annotated[
        str, typer.Option("--conditioning", help="text, class, mask, vendor or none.")
    ] = "",
    data: Annotated[str, typer.Option("--data", help="Modality or training dataset.")] = "",
    metric: Annotated[str, typer.Option("--metric", help="A metric that its samples can be given.")] = "",
    here: Annotated[bool, typer.Option("--here", help="Only those that can be asked now.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a table for a README.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the generators, say which are not on this machine, and why a card was left out."""
    told = methods(
        query,
        families=[family] if family else (),
        conditionings=[conditioning] if conditioning else (),
        data=[data] if data else (),
        metric=metric,
        here=here,
    )
    left_out = [{"card": name, "reason": reason} for name, reason in broken_cards()]
    if markdown:
        lines = _markdown(told)
    else:
        lines = [f"{one.card.id}: {one.card.title}: {one.state.reason or 'ready'}" for one in told]
        lines += [f"left out: {item['card']}: {item['reason']}" for item in left_out]
    emit({"generators": [_facts(one) for one in told], "left_out": left_out}, as_json, lines)


@app.command("check")
def check(
    name: Annotated[str, typer.Argument(metavar="[ID]", help="All that are here when absent.")] = "",
    as_json: AsJson = False,
) -> None:
    """Open the weights on this machine for real; exit code 1 when a card or its weights are refused."""
    cards = [get_card(name)] if name else [card for card in all_cards() if ready(card)]
    told = [{"id": card.id, "reason": _reason(card)} for card in cards]
    told += [] if name else [{"id": left, "reason": reason} for left, reason in broken_cards()]
    emit({"checked": told}, as_json, [f"{item['id']}: {item['reason'] or 'fits'}" for item in told])
    if any(item["reason"] for item in told):
        raise SystemExit(1)


@app.command("download")
def download(
    name: Id,
    size: Annotated[
        bool, typer.Option("--size", help="Only ask the hub how large it is; fetch nothing.")
    ] = False,
    queue: Annotated[
        bool, typer.Option("--queue", help="Leave it to the worker, which goes on without this shell.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Fetch a generator from the hub at the commit its card names; goes on where an earlier attempt ended."""
    from lab.generators.repositories import download_size, fetching

    card = get_card(name)
    if size:
        count = download_size(card)
        emit({"id": name, "bytes": count}, as_json, [f"{name}: {count / 1e9:.2f} GB still to come"])
        return
    if queue:
        from lab.runs.client import submit
        from lab.runs.download_requests import download_run

        run = submit(download_run(name))
        emit({"id": name, "run": run.id}, as_json, [f"{name} is downloaded by run {run.id}"])
        return
    with ticks(every_s=0.5) as tick:
        for step in fetching(card):
            tick(step.file, step.here, step.total)
    folder = downloaded_folder(card)
    emit({"id": name, "folder": str(folder)}, as_json, [f"{name} is here: {folder}"])


def _facts(one: Method) -> dict[str, Any]:
    card = one.card
    return {
        "id": card.id,
        "title": card.title,
        "origin": one.origin,
        "family": card.family,
        "conditioning": card.conditioning,
        "modality": card.modality,
        "training_dataset": card.training_dataset,
        "sizes": list(card.allowed_sizes),
        "asked_for": one.asked,
        "licence": card.licence,
        "access": card.access,
        "weights": one.route,
        "metrics": len(one.metrics),
        "state": one.state.code,
        "reason": one.state.reason,
    }


def _markdown(told: list[Method]) -> list[str]:
    head = ("Generator", "Family, conditioning", "Side, px", "Licence", "How its weights are had")
    rows = [
        (
            f"`{one.card.id}`: {one.card.title}",
            f"{one.card.family}, {one.card.conditioning}",
            ", ".join(map(str, one.card.allowed_sizes)),
            one.card.licence or "not stated",
            one.route,
        )
        for one in told
    ]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for origin, title in ORIGINS.items():
        chosen = [row for one, row in zip(told, rows, strict=True) if one.origin == origin]
        if chosen:
            lines.append(f"| **{title}** |{' |' * (len(head) - 1)}")
        lines += [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in chosen]
    return lines


def _reason(card: GeneratorCard) -> str:
    from lab.generators.download import recorded_digest
    from lab.generators.weights import weights_digest

    try:
        recorded = recorded_digest(card) if card.hub_id else None
        if recorded is not None and recorded != weights_digest(downloaded_folder(card)):
            return (
                "Its files have changed since they were downloaded; delete its folder and download it again."
            )
        load(card, CPU)
    except LabError as error:
        return str(error)
    return ""
