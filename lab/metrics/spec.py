"""What a metric says about itself, so that pages and charts know no metric by name."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Axis = Literal["fidelity", "diversity", "privacy", "alignment", "utility"]
Direction = Literal["lower", "higher", "null"]
Need = Literal[
    "features", "labels", "held-out", "near-copy", "captions",
    "pictures", "sources", "siblings", "masks", "logits", "depths", "resolutions", "re-id", "copy-embedding",
    "second-task", "text-encoder", "radiomics", "perceptual",
]  # fmt: skip

REAL_TO_REAL = "Real against real"
SHUFFLED = "Shuffled captions"

_ARROWS: dict[Direction, str] = {
    "lower": "↓ lower is better",
    "higher": "↑ higher is better",
    "null": "→ best at the null line",
}


@dataclass(frozen=True)
class MetricOption:
    """A number a person may change, with the value that the publication used.

    Args:
        name: short, lower case, as in `evaluate_run(options={"xing-privacy.k": 5})` after the dot.
        title: words for the form.
        default, low, high: the published value and the ends of what makes sense.
        explanation: one sentence for the tooltip.
    """

    name: str
    title: str
    default: float
    low: float
    high: float
    explanation: str


@dataclass(frozen=True)
class MetricSpec:
    """One metric in words and limits; no field may be empty.

    Args:
        name: the spelling of the command line, lower case with hyphens.
        title: the name in the field's words.
        symbol: short form for axes and tables.
        axis: which of the four questions it answers.
        direction: where better values lie; "null" means the best value is `null_line`.
        low, high: ends of the range; `float("inf")` where it is open.
        null: what honest data (real images never seen in training) scores, in one sentence.
        null_line: that value where it is one number for every set; None where the held-out line is the null.
        needs: what must be there beside features of both sets.
        minimum_n: fewest images of each side for which it is computed.
        bias: how the number moves with sample size or extractor when nothing real has changed.
        cost: what it costs, in words.
        reference: where the definition was published.
        definition: one sentence a radiologist can read.
        floor: what the floor of its results is, in a few words for legends.
        options: numbers a person may change.
        wants: like `needs`, but the metric is computed without them too and says so.
    """

    name: str
    title: str
    symbol: str
    axis: Axis
    direction: Direction
    low: float
    high: float
    null: str
    null_line: float | None
    needs: tuple[Need, ...]
    minimum_n: int
    bias: str
    cost: str
    reference: str
    definition: str
    floor: str = REAL_TO_REAL
    options: tuple[MetricOption, ...] = ()
    wants: tuple[Need, ...] = ()

    def __post_init__(self) -> None:
        for field in ("name", "title", "symbol", "null", "bias", "cost", "reference", "definition", "floor"):
            if not str(getattr(self, field)).strip():
                raise ValueError(f"the metric {self.name!r} says nothing about its {field}")
        if not self.needs or self.minimum_n < 1 or not self.low < self.high:
            raise ValueError(f"the metric {self.name!r} lacks its needs, its minimum n or its range")
        if self.null_line is None and self.direction == "null":
            raise ValueError(f"the metric {self.name!r} is best at a null line that it does not give")

    @property
    def arrow(self) -> str:
        """The direction in words, with an arrow."""
        return _ARROWS[self.direction]

    def clip(self, value: float) -> float:
        """`value` held inside the range: an interval end outside it says nothing."""
        return min(max(value, self.low), self.high)

    def to_json(self) -> dict[str, Any]:
        """The spec as JSON; an open end of the range is None."""
        open_ends = (float("inf"), float("-inf"))
        ends = [None if end in open_ends else end for end in (self.low, self.high)]
        fields = {
            name: getattr(self, name) for name in self.__dataclass_fields__ if name not in ("low", "high")
        }
        options = [asdict(option) for option in self.options]
        lists = {"needs": list(self.needs), "wants": list(self.wants), "options": options}
        return {**fields, **lists, "range": ends}

    @property
    def asks(self) -> tuple[Need, ...]:
        """Everything it reads where it is there: needs and wants."""
        return (*self.needs, *self.wants)
