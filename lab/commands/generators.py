"""`python -m lab generators`: which generators are here, whether they open, and the one way to fetch one."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from lab.commands.options import AsJson
from lab.commands.output import emit, ticks
from lab.device import CPU
from lab.errors import GeneratorError, LabError
from lab.generators.card import GeneratorCard
from lab.generators.cards import broken_cards, get_card, list_cards
from lab.generators.load import downloaded_folder, load, model_folder

app = typer.Typer(help="List, check and download generators.", no_args_is_help=True)
Id = Annotated[str, typer.Argument(metavar="ID")]


@app.command("list")
def show_all(as_json: AsJson = False) -> None:
    """List the generators, say which are not on this machine, and why a card was left out."""
    facts = [_facts(card) for card in list_cards()]
    left_out = [{"card": name, "reason": reason} for name, reason in broken_cards()]
    lines = [f"{f['id']}: {f['title']}: {f['reason'] or 'ready'}" for f in facts]
    lines += [f"left out: {item['card']}: {item['reason']}" for item in left_out]
    emit({"generators": facts, "left_out": left_out}, as_json, lines)


@app.command("check")
def check(
    name: Annotated[str, typer.Argument(metavar="[ID]", help="All that are here when absent.")] = "",
    as_json: AsJson = False,
) -> None:
    """Open the weights on this machine for real; exit code 1 when a card or its weights are refused."""
    cards = [get_card(name)] if name else [card for card in list_cards() if not _facts(card)["reason"]]
    told = [{"id": card.id, "reason": _reason(card)} for card in cards]
    told += [] if name else [{"id": left, "reason": reason} for left, reason in broken_cards()]
    emit({"checked": told}, as_json, [f"{item['id']}: {item['reason'] or 'fits'}" for item in told])
    if any(item["reason"] for item in told):
        raise SystemExit(1)


@app.command("download")
def download(name: Id, as_json: AsJson = False) -> None:
    """Fetch a generator from the hub at the commit its card names; the only command that goes online."""
    from lab.generators.download import download as fetch

    with ticks(every_s=0.5) as tick:
        folder = fetch(get_card(name), tick)
    emit({"id": name, "folder": str(folder)}, as_json, [f"{name} is here: {folder}"])


def _facts(card: GeneratorCard) -> dict[str, Any]:
    try:
        model_folder(card)
        reason = ""
    except GeneratorError as error:
        reason = str(error)
    return {"id": card.id, "title": card.title, "licence": card.licence, "reason": reason}


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
