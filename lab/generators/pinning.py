"""Pinning what a card leaves open to the commits that the hub is at now: written down once, never followed."""

from __future__ import annotations

from typing import Any

from lab.generators import places
from lab.generators.card import ON_HUB, GeneratorCard
from lab.generators.hub import newest_commit


def newest(card: GeneratorCard) -> dict[str, Any]:
    """The fields that pin what a card leaves open to the newest commits; asks the hub once a repository.

    Raises:
        GeneratorError: when the hub is not reached or refuses.
    """
    left_open = {one.hub_id for one in places.needed_repositories(card) if not one.revision}
    commits = {hub_id: newest_commit(hub_id) for hub_id in sorted(left_open)}
    changes: dict[str, Any] = {}
    if card.hub_id in commits:
        changes["revision"] = commits[card.hub_id]
    if card.base in commits:
        changes["base_revision"] = commits[card.base]
    parts = {part: _pinned(place, commits) for part, place in card.parts.items()}
    return changes | ({"parts": parts} if parts != card.parts else {})


def _pinned(place: str, commits: dict[str, str]) -> str:
    for hub_id, commit in commits.items():
        start = f"{ON_HUB}{hub_id}@"
        rest = place.removeprefix(start)
        if place.startswith(start) and (not rest or rest.startswith("/")):
            return f"{start}{commit}{rest}"
    return place
