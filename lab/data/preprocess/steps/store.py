"""Store floats as 8 or 16-bit integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lab.data.preprocess.parameters import Parameter
from lab.data.preprocess.picture import Picture
from lab.data.preprocess.step import Note, Step, StepSpec, step
from lab.data.preprocess.stored import RULE, to_stored

SPEC = StepSpec(
    name="store",
    title="Store as 8 or 16 bits",
    description="Turns numbers from -1 to 1 into the grey levels of a file; pictures of integers stay as they are.",
    stage="store",
    parameters=(
        Parameter(
            "bits", "Depth", "choice", f"The rule: {RULE}. 16 bits keep steps an eye cannot see.", choices=("8", "16"),
        ),
    ),
    notes=(Note("stored", "Stored by"),),
    gives="stored",
)  # fmt: skip


@step
@dataclass(frozen=True)
class Store(Step):
    """The end of a recipe that works in floats."""

    spec: ClassVar[StepSpec] = SPEC
    bits: str = "8"

    def apply(self, picture: Picture, seed: int) -> Picture:
        """uint8 or uint16.

        Raises:
            InputError: for floats outside [-1, 1].
        """
        after = to_stored(picture, int(self.bits))
        return after.noted(stored="as it is" if after is picture else f"{RULE}, {self.bits} bits")
