"""Parameters of a step: what a slider needs to draw them, and what is refused."""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from typing import Any, Literal

from lab.errors import InputError

Value = int | float | bool | str


@dataclass(frozen=True)
class Parameter:
    """One parameter; a page turns it into a slider, a checkbox or a selection. The default stands in the step.

    Attributes:
        name: field of the step.
        label: sentence case.
        kind: "int", "float", "bool" or "choice".
        help: what turning it does.
        unit: behind the number; "" for none.
        low, high: valid range, both ends included; numbers only.
        stride: step of the slider; whole numbers must be `low` plus a multiple of it, so 3, 5, 7... can be asked for.
        choices: valid words, for "choice" only.
    """

    name: str
    label: str
    kind: Literal["int", "float", "bool", "choice"]
    help: str
    unit: str = ""
    low: float = 0
    high: float = 0
    stride: float = 1
    choices: tuple[str, ...] = ()

    def read(self, value: Any, title: str) -> Value:
        """The value in its own type.

        Raises:
            InputError: outside the range, with the valid range in the sentence.
        """
        if self.kind == "bool" and isinstance(value, bool):
            return value
        if self.kind == "choice" and isinstance(value, str) and value in self.choices:
            return value
        if self.kind == "int" and self._inside(value) and (value - self.low) % self.stride == 0:
            return int(value)
        if self.kind == "float" and self._inside(value):
            return float(value)
        raise InputError(
            f"{self.label} of {title.lower()} has no such value; nothing was changed; choose {self.range_text()}."
        )

    def _inside(self, value: Any) -> bool:
        real = isinstance(value, numbers.Real) and not isinstance(value, bool)
        return real and bool(self.low <= value <= self.high)  # NaN and infinities are in no range

    def range_text(self) -> str:
        """The valid range in words, for messages and help."""
        if self.kind == "bool":
            return "yes or no"
        if self.kind == "choice":
            return f"one of: {', '.join(self.choices)}"
        whole = "a whole number" if self.kind == "int" else "a number"
        if self.kind == "int" and self.stride == 2 and self.low % 2:
            whole = "an odd number"
        unit = f" {self.unit}" if self.unit else ""
        return f"{whole} from {self.low:g} to {self.high:g}{unit}"
