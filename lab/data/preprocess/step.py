"""The contract of a preprocessing step, and the registry that finds the steps."""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

from lab.data.preprocess.parameters import Parameter, Value
from lab.data.preprocess.picture import Picture
from lab.errors import InputError, NotFoundError
from lab.registry import Registry


@dataclass(frozen=True)
class Note:
    """How a page shows one of the figures a step leaves in `Picture.notes`.

    Attributes:
        name: key in the notes.
        label: in words, sentence case.
        kind: "share" is a fraction of 1 to be shown in per cent; "number", "text" and "flag" are what they say.
    """

    name: str
    label: str
    kind: Literal["share", "number", "text", "flag"] = "text"


@dataclass(frozen=True)
class StepSpec:
    """What a page shows of a step.

    Attributes:
        name: lower-case name, stable: recipes are stored with it.
        title: sentence case.
        description: one plain line.
        stage: where it belongs: "choose" (slices of a volume), "artefact", "intensity", "geometry", "store".
        parameters: in the order of the sliders.
        notes: what the step measures.
        gives: kind of pixels that come out: "same" as went in, "float", or "stored" (8 or 16-bit).
        random: True when the result depends on the seed.
    """

    name: str
    title: str
    description: str
    stage: Literal["choose", "artefact", "intensity", "geometry", "store"]
    parameters: tuple[Parameter, ...] = ()
    notes: tuple[Note, ...] = ()
    gives: Literal["same", "float", "stored"] = "same"
    random: bool = False


@dataclass(frozen=True)
class Step(ABC):
    """One step with its parameters. Subclasses are frozen dataclasses whose fields are the spec's parameters.

    Raises:
        InputError: at construction, for a parameter outside its range; the sentence names the range.
    """

    spec: ClassVar[StepSpec]

    def __post_init__(self) -> None:
        for parameter in self.spec.parameters:
            value = parameter.read(getattr(self, parameter.name), self.spec.title)
            object.__setattr__(self, parameter.name, value)  # 10.0 for a whole number is kept as 10
        self.check()

    @property
    def name(self) -> str:
        """The registered name."""
        return self.spec.name

    def check(self) -> None:
        """Refuse parameters that do not fit each other; nothing to refuse unless a step says so."""
        return

    def values(self) -> dict[str, Value]:
        """The parameters by name, as JSON values."""
        return {parameter.name: getattr(self, parameter.name) for parameter in self.spec.parameters}

    def as_json(self) -> dict[str, Any]:
        """Name and parameters; `step_from_json` reads it."""
        return {"step": self.name, "parameters": self.values()}

    @abstractmethod
    def apply(self, picture: Picture, seed: int) -> Picture:
        """The picture after this step; the same picture, parameters and seed give the same bytes.

        Args:
            picture: left as it is.
            seed: 0 and above; used only where `spec.random`.

        Raises:
            InputError: when the step cannot work on such a picture.
        """


STEPS: Registry[type[Step]] = Registry("preprocessing step")


def step(entry: type[Step]) -> type[Step]:
    """Decorator that registers a step under its spec's name.

    Raises:
        ValueError: for a name in use, or fields that are not the spec's parameters.
    """
    own = [item.name for item in fields(entry)]
    if own != [parameter.name for parameter in entry.spec.parameters]:
        raise ValueError(f"the fields of {entry.__name__} are not the parameters its spec lists")
    return STEPS.register(entry.spec.name)(entry)


def load_steps() -> Registry[type[Step]]:
    """The registry with every module of `lab.data.preprocess.steps` in it."""
    package = importlib.import_module("lab.data.preprocess.steps")
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda found: found.name):
        importlib.import_module(f"lab.data.preprocess.steps.{module.name}")
    return STEPS


def step_specs() -> list[StepSpec]:
    """All steps in the order of their stages, for a list on a page."""
    order = ("choose", "artefact", "intensity", "geometry", "store")
    specs = [entry.spec for _, entry in load_steps()]
    return sorted(specs, key=lambda spec: (order.index(spec.stage), spec.title))


def step_defaults(name: str) -> dict[str, Value]:
    """Default parameters of a step.

    Raises:
        NotFoundError: for an unknown name.
    """
    return load_steps().get(name)().values()


def note_labels() -> dict[str, Note]:
    """How a page shows each figure in `Picture.notes`, by its name; steps that share a name share its meaning."""
    return {note.name: note for _, entry in load_steps() for note in entry.spec.notes}


def step_from_json(value: Any) -> Step:
    """A step from `{"step": name, "parameters": {...}}`; parameters left out take their defaults.

    Raises:
        InputError: for another shape, an unknown step or parameter, or a value outside its range.
    """
    if not isinstance(value, Mapping) or not isinstance(value.get("step"), str):
        raise InputError("A step of the recipe has no name; the recipe was not read; choose another file.")
    try:
        entry = load_steps().get(value["step"])
    except NotFoundError as error:
        raise InputError(str(error)) from error
    given = value.get("parameters", {})
    known = {parameter.name for parameter in entry.spec.parameters}
    if not isinstance(given, Mapping) or not set(given) <= known:
        raise InputError(
            f"The recipe gives {entry.spec.title.lower()} parameters it does not have; the recipe was not read; "
            f"it takes {', '.join(sorted(known)) or 'none'}."
        )
    return entry(**given)
