"""A past request in words, and finding it again: over the settings of a run, so nothing of the store is needed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lab.prompts.names import readable, vendor_name


def asked_of(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings of a generation as they are; those of a grid as what its cells share, with the seeds of them all."""
    if "cells" not in settings:
        return settings
    cells = [cell["request"] for cell in settings["cells"]]
    seeds = list(dict.fromkeys(seed for cell in cells for seed in cell["seeds"]))
    said = " ".join(dict.fromkeys([str(settings["name"]), *(str(cell["prompt"]) for cell in cells)]))
    return {**settings["base"], "seeds": seeds, "said": said, "images": len(cells)}


def words_of(settings: Mapping[str, Any]) -> str:
    """What a run was asked for: its prompt, else its class, vendor and mask in words; never empty."""
    return asked_words(settings) or "No words, chance alone"


def asked_words(settings: Mapping[str, Any]) -> str:
    """The prompt of a run, else its class, vendor and mask in words; "" where it was asked for nothing."""
    prompt = str(settings.get("prompt") or "").strip()
    if prompt:
        return prompt
    condition = settings.get("condition") or {}
    vendor = vendor_name(str(condition.get("vendor") or ""))
    parts = [readable(str(condition.get("label") or "")), vendor[:1].lower() + vendor[1:]]
    parts.append("with a mask" if condition.get("mask") else "")
    told = ", ".join(part for part in parts if part)
    return told[:1].upper() + told[1:]


def numbers_of(settings: Mapping[str, Any]) -> str:
    """Number of images, first seed, settings and knobs of a run in one line."""
    seeds = settings["seeds"]
    count = settings.get("images", len(seeds))
    images = f"{count} {'image' if count == 1 else 'images'}"
    return " · ".join([images, f"seed {seeds[0]}", *settings_of(settings)])


def settings_of(settings: Mapping[str, Any]) -> list[str]:
    """Guidance, steps and knobs of a run in words; one step has neither guidance nor steps to tell."""
    knobs = (settings.get("condition") or {}).get("numbers") or {}
    parts = (
        [f"guidance {settings['guidance']:g}", f"{settings['steps']} steps"] if settings["steps"] > 1 else []
    )
    return parts + [f"{name.replace('_', ' ')} {value:g}" for name, value in sorted(knobs.items())]


def found(query: str, settings: Mapping[str, Any], *more: str) -> bool:
    """Whether every word of a query is in a run's words, generator, tags or note, or is one of its seeds.

    Args:
        query: words in any order and case; a number finds the runs that used it as a seed, too.
        settings: of the run.
        more: further text to look in, such as a note and tags.
    """
    condition = settings.get("condition") or {}
    text = [
        words_of(settings),
        settings.get("said", ""),
        settings["generator"],
        condition.get("label", ""),
        condition.get("vendor", ""),
    ]
    hay = " ".join(map(str, (*text, *more))).lower()
    seeds = {int(seed) for seed in settings["seeds"]}
    return all(_one(word, hay, seeds) for word in query.lower().split())


def _one(word: str, hay: str, seeds: set[int]) -> bool:
    bare = word.removeprefix("seed:")
    if re.fullmatch(r"\d{1,10}", bare) and int(bare) in seeds:
        return True
    return bare == word and word in hay
