"""`config.json` of a model folder: read into a frozen dataclass whose fields say what it may hold.

A field of the annotation `int` or `tuple[int, ...]` has to lie in its range, `str` in its choices, `bool` must be true
or false; a field without a default must be there. What only the architecture knows, it checks itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, Generic, TypeVar

from lab.errors import WeightsError

CONFIG = "config.json"
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class ConfigFile(Generic[T]):
    """How the architecture of one kind of generator is read.

    Attributes:
        kind: the dataclass; its fields are those of the JSON object.
        title: of the family, in sentences.
        remedy: what to do about a file that does not fit, as half a sentence.
        ranges: lowest and highest of whole numbers.
        choices: what a field may be.
    """

    kind: type[T]
    title: str
    remedy: str
    ranges: Mapping[str, tuple[int, int]]
    choices: Mapping[str, tuple[Any, ...]]

    def read(self, folder: Path) -> Any:
        """The parsed JSON of a model folder, not checked yet.

        Raises:
            WeightsError: when `config.json` is missing or is not JSON.
        """
        try:
            return json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise self.refused("it is missing or is not JSON") from error

    def parsed(self, values: Any) -> T:
        """The architecture that parsed JSON describes, each field checked by itself.

        Raises:
            WeightsError: names the first field that is missing, unknown or out of range.
        """
        known = {one.name: one for one in fields(self.kind)}  # type: ignore[arg-type]
        needed = [name for name, one in known.items() if one.default is MISSING]
        if not isinstance(values, dict) or not set(needed) <= set(values):
            raise self.refused(f"it is no JSON object with {', '.join(map(repr, needed))}")
        if unknown := sorted(set(map(str, values)) - set(known)):
            raise self.refused(f"the field {unknown[0][:40]!r} is not known")
        told = {name: tuple(one) if isinstance(one, list) else one for name, one in values.items()}
        for name, (low, high) in self.ranges.items():
            many = str(known[name].type).startswith("tuple")
            numbers = told.get(name, low)
            if isinstance(numbers, tuple) != (many and name in told) or not all(
                type(one) is int and low <= one <= high
                for one in (numbers if isinstance(numbers, tuple) else (numbers,))
            ):
                kind = "whole numbers" if many else "a whole number"
                raise self.refused(f"{name} must be {kind} from {low} to {high}")
        for name, allowed in self.choices.items():
            if name in told and not any(
                type(told[name]) is type(one) and told[name] == one for one in allowed
            ):
                raise self.refused(f"{name} must be one of {', '.join(map(str, allowed))}")
        for name, one in known.items():
            if one.type == "bool" and not isinstance(told.get(name, False), bool):
                raise self.refused(f"{name} must be true or false")
        return self.kind(**told)

    def refused(self, reason: str) -> WeightsError:
        """The refusal of a file, to be raised."""
        return WeightsError(
            f"The config.json of this {self.title} folder does not fit: {reason}; nothing was loaded; {self.remedy}."
        )
