"""Which slice and which moment of a cine volume becomes a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lab.data.preprocess.parameters import Parameter
from lab.data.preprocess.picture import Picture
from lab.data.preprocess.step import Step, StepSpec, step

SPEC = StepSpec(
    name="cine",
    title="Slice and frame",
    description="Chooses slices and moments of the heartbeat out of a volume; single pictures pass unchanged.",
    stage="choose",
    parameters=(
        Parameter(
            "slices", "Slices", "choice",
            "Middle: the middle one. Largest: where the left ventricle is largest. Labelled: all with a label. "
            "Number: the one below.",
            choices=("all", "middle", "largest", "labelled", "number"),
        ),
        Parameter("slice_number", "Slice number", "int", "From 0; only with 'number'.", low=0, high=499),
        Parameter(
            "frames", "Moments", "choice",
            "ED is end-diastole (fullest), ES end-systole (emptiest). They come from the source's own frame numbers, "
            "else from the left ventricle's area, else from a stated rule.",
            choices=("ED and ES", "ED", "ES", "all", "number"),
        ),
        Parameter("frame_number", "Frame number", "int", "From 0; only with 'number'.", low=0, high=499),
    ),
)  # fmt: skip


@step
@dataclass(frozen=True)
class CineChoice(Step):
    """Read by `lab.data.preprocess.volumes.choose`; does nothing to a picture."""

    spec: ClassVar[StepSpec] = SPEC
    slices: str = "all"
    slice_number: int = 0
    frames: str = "ED and ES"
    frame_number: int = 0

    def apply(self, picture: Picture, seed: int) -> Picture:
        """The picture as it is: the choice was made when the volume was read."""
        return picture
