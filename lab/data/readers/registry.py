"""Finds readers: importing the modules of this package fills the registry."""

from __future__ import annotations

import importlib
import os
import pkgutil

import lab.data.readers as package
from lab.data.readers.contract import READERS, Reader

EXTRA = "LAB_EXTRA_READERS"
"""Modules of further readers, separated by commas."""
_NOT_READERS = ("contract", "registry")


def get_reader(id: str) -> Reader:
    """The reader of that id; only its own module is imported where it bears the id.

    Raises:
        NotFoundError: when there is none.
    """
    if id in READERS:
        return READERS.get(id)
    modules = [module.name for module in pkgutil.iter_modules(package.__path__)]
    own = [name for name in modules if name == id]
    for name in own or [name for name in modules if name not in _NOT_READERS]:
        importlib.import_module(f"{package.__name__}.{name}")
    for name in filter(None, os.environ.get(EXTRA, "").split(",")):
        importlib.import_module(name)
    return READERS.get(id)
