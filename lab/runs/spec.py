"""What a run is asked to do, and how far it has come: plain frozen values."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from lab.errors import InputError
from lab.provenance import canonical_json, digest_json


@dataclass(frozen=True)
class RunSpec:
    """One run: equal kind, settings and inputs under equal code are the same run.

    Args:
        kind: name of a registered run kind.
        settings: plain JSON values; tuples become lists, so a spec equals itself read back from the store.
        inputs: content digests of what the run reads, by role.
        label: words for the list of runs; not part of the digest.

    Raises:
        InputError: when a value is not plain JSON.
    """

    kind: str
    settings: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    label: str = ""

    def __post_init__(self) -> None:
        try:
            plain = json.loads(canonical_json({"settings": self.settings, "inputs": self.inputs}))
        except (TypeError, ValueError, RecursionError) as error:
            raise InputError(
                "A setting of this run is not a plain finite value; nothing was started; correct it."
            ) from error
        if not all(isinstance(value, str) for value in plain["inputs"].values()):
            raise InputError(
                "An input of this run is not a digest; nothing was started; choose the input again."
            )
        object.__setattr__(self, "settings", plain["settings"])
        object.__setattr__(self, "inputs", plain["inputs"])

    @property
    def canonical(self) -> str:
        """Canonical JSON of kind, settings and inputs."""
        return canonical_json({"kind": self.kind, "settings": self.settings, "inputs": self.inputs})

    @property
    def digest(self) -> str:
        """SHA-256 of kind, settings, inputs and of the source of the modules that the kind declares.

        Raises:
            NotFoundError: when no kind of that name is registered.
        """
        from lab.runs.kind import find_kind

        parts = {"kind": self.kind, "settings": self.settings, "inputs": self.inputs}
        return digest_json({**parts, "code": find_kind(self.kind).code})

    def to_json(self) -> str:
        """JSON text for the store, label included."""
        return canonical_json(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> RunSpec:
        """The spec that `to_json` wrote."""
        return cls(**json.loads(text))


@dataclass(frozen=True)
class Progress:
    """How far a run has come.

    Args:
        stage: what is being done, in the user's words.
        done: batches, images or steps finished.
        total: of how many; 0 when unknown.
        rate: finished a second; None while unknown.
        remaining_s: seconds to the end of the stage; None while unknown.
        preview: digest of an artifact to show meanwhile.
        message: one sentence, when there is something to say.
        share: how near the end it is, 0 to 1, where something other than `done` of `total` says so, such as a clock;
            None where those two say it.
    """

    stage: str
    done: float
    total: float
    rate: float | None = None
    remaining_s: float | None = None
    preview: str | None = None
    message: str = ""
    share: float | None = None

    @property
    def fraction(self) -> float:
        """Share done, 0 to 1; 0 while the total is unknown."""
        if self.share is not None:
            return min(1.0, max(0.0, self.share))
        return min(1.0, max(0.0, self.done / self.total)) if self.total else 0.0

    def to_json(self) -> str:
        """JSON text for the store."""
        return canonical_json(asdict(self))

    @classmethod
    def from_json(cls, text: str | None) -> Progress | None:
        """The progress that `to_json` wrote; None for none."""
        return cls(**json.loads(text)) if text else None
