"""The methods at hand: family by conditioning by data by metrics, one entry a generator, on this machine or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.config import ASSETS
from lab.generators.card import GeneratorCard
from lab.generators.card_state import CardState, route, state
from lab.generators.cards import all_cards

ORIGINS = {"embedded": "Comes along", "published": "Published", "yours": "Added here"}
# What only some generators bring: a prompt that the picture can be held against, or a mask.
_BROUGHT = {"captions": "text", "text-encoder": "text", "sources": "text", "masks": "mask"}


@dataclass(frozen=True)
class Method:
    """One generator as an entry of the registry.

    Attributes:
        card: all that is known of it.
        origin: embedded, published or yours.
        state: whether it can be asked now.
        asked: what it may be asked for, in words.
        metrics: names of the metrics whose needs its samples meet.
        route: how the weights are had.
    """

    card: GeneratorCard
    origin: str
    state: CardState
    asked: str
    metrics: tuple[str, ...]
    route: str


def methods(
    query: str = "",
    *,
    families: Sequence[str] = (),
    conditionings: Sequence[str] = (),
    data: Sequence[str] = (),
    metric: str = "",
    here: bool = False,
) -> list[Method]:
    """Entries that meet every condition given.

    Args:
        query: words, each of which must be found in family, conditioning, data, title or id; "flow matching + mask".
        families, conditionings: any of these.
        data: modality or training dataset, any of these.
        metric: a metric that must be computable on its samples.
        here: only those that can be asked now.
    """
    found = []
    for card in all_cards():
        if families and card.family not in families:
            continue
        if conditionings and not set(conditionings) & set(conditions(card)):
            continue
        if data and not {card.modality, card.training_dataset} & set(data):
            continue
        method = _method(card)
        if (
            _matches(method, query)
            and (not metric or metric in method.metrics)
            and (not here or _here(method))
        ):
            found.append(method)
    return found


def conditions(card: GeneratorCard) -> tuple[str, ...]:
    """All that a generator is conditioned on: its main condition, and what else its card lists."""
    told = [card.conditioning]
    told += ["class"] if card.classes else []
    told += ["vendor"] if card.vendors else []
    told += ["mask"] if card.structures else []
    return tuple(dict.fromkeys(told))


def asked_for(card: GeneratorCard) -> str:
    """What a generator may be asked for, in words."""
    parts = []
    if card.conditioning == "text":
        limit = f" of up to {card.token_limit} tokens" if card.token_limit else ""
        parts.append(
            f"one of {len(card.captions)} captions"
            if card.captions
            else f"a prompt{limit}{', of its own words' if card.vocabulary else ''}"
        )
    parts += [f"one of {len(card.classes)} classes"] if card.classes else []
    parts += [f"one of {len(card.vendors)} vendors"] if card.vendors else []
    if "mask" in conditions(card):
        parts.append(f"a mask of {', '.join(card.structures)}" if card.structures else "a mask")
    parts += [knob.title.lower() for knob in card.knobs]
    return ", ".join(parts) or "nothing but seeds"


def origin(card: GeneratorCard) -> str:
    """Whether a card comes along with its weights, is a published one as it ships, or was added here."""
    if card.published:
        return "published"
    return "embedded" if card.root is not None and card.root.is_relative_to(ASSETS) else "yours"


def computable(card: GeneratorCard) -> tuple[str, ...]:
    """Names of the metrics whose needs the samples of a generator meet, given a real set beside them."""
    from lab.metrics.registry import load_metrics

    told = set(conditions(card))
    lacking = {need for need, condition in _BROUGHT.items() if condition not in told}
    return tuple(name for name, metric in load_metrics() if not lacking & set(metric.spec.needs))


def _method(card: GeneratorCard) -> Method:
    return Method(card, origin(card), state(card), asked_for(card), computable(card), route(card))


def _matches(method: Method, query: str) -> bool:
    card = method.card
    text = " ".join(
        (
            card.id,
            card.title,
            card.family,
            *conditions(card),
            card.modality,
            card.training_dataset,
            card.licence,
        )
    ).lower()
    return all(word in text for part in query.lower().split("+") for word in part.split())


def _here(method: Method) -> bool:
    return method.state.code == "ready"
