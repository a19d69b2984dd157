"""A small registry: names to entries, duplicates refused, built-ins registered through the same door."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from lab.errors import NotFoundError

T = TypeVar("T")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*\Z")


class Registry(Generic[T]):
    """Entries of one kind under lower-case names.

    Args:
        kind: what an entry is, in the field's words; used in messages.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._entries: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator that adds an entry under `name`.

        Raises:
            ValueError: for a malformed or an already registered name.
        """
        if not _NAME.match(name):
            raise ValueError(f"{name!r} is not a lower-case name for a {self._kind}")
        if name in self._entries:
            raise ValueError(f"a {self._kind} called {name!r} is already registered")

        def add(entry: T) -> T:
            self._entries[name] = entry
            return entry

        return add

    def get(self, name: str) -> T:
        """The entry called `name`.

        Raises:
            NotFoundError: with the known names.
        """
        if name not in self._entries:
            known = ", ".join(self.names())
            raise NotFoundError(
                f"There is no {self._kind} of that name; nothing was started; choose one of: {known}."
            )
        return self._entries[name]

    def names(self) -> list[str]:
        """All names, in order of registration."""
        return list(self._entries)

    def __iter__(self) -> Iterator[tuple[str, T]]:
        return iter(self._entries.items())

    def __contains__(self, name: object) -> bool:
        return name in self._entries
