"""Finds sources, and asks each whether a folder is its own."""

from __future__ import annotations

import importlib
import pkgutil

import lab.data.sources as package
from lab.data.importing.folder_index import FolderIndex
from lab.data.sources.contract import SOURCES, Recognition, Source

_NOT_SOURCES = ("contract", "registry")


def sources() -> list[Source]:
    """All sources, by title."""
    for module in pkgutil.iter_modules(package.__path__):
        if module.name not in _NOT_SOURCES:
            importlib.import_module(f"{package.__name__}.{module.name}")
    return sorted((source for _, source in SOURCES), key=lambda source: source.title)


def get_source(id: str) -> Source:
    """The source of that id.

    Raises:
        NotFoundError: with the ids that exist.
    """
    sources()
    return SOURCES.get(id)


def recognised(files: FolderIndex) -> list[tuple[Source, Recognition]]:
    """Every source that takes the folder for its own, the surest first."""
    found = [(source, source.recognise(files)) for source in sources()]
    sure = [(source, answer) for source, answer in found if answer is not None]
    return sorted(sure, key=lambda pair: -pair[1].confidence)
