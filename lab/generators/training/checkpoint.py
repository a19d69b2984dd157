"""State of a training stage on disk: safetensors only, whole or not at all, no pickle."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.atomic import replacing
from lab.errors import WeightsError
from lab.generators.weights import check_safetensors

MOMENTS = ("exp_avg", "exp_avg_sq")


@dataclass
class StageState:
    """A model in training: its parameters, their running average, the optimiser and the counters."""

    model: Any
    optimizer: Any
    decay: float
    step: int = 0
    seconds: float = 0.0
    losses: list[tuple[int, float]] = field(default_factory=list)
    average: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.average:
            self.average = {name: p.detach().clone() for name, p in self.model.named_parameters()}

    def update_average(self) -> None:
        """Move the running average towards the parameters; fast at the beginning."""
        decay = min(self.decay, (1 + self.step) / (10 + self.step))
        for name, parameter in self.model.named_parameters():
            self.average[name].lerp_(parameter.detach(), 1 - decay)

    @contextmanager
    def averaged(self) -> Iterator[Any]:
        """The model with the averaged parameters, for as long as the block lasts."""
        own = {name: p.detach().clone() for name, p in self.model.named_parameters()}
        copy_into(self.model, self.average)
        was_training = self.model.training
        self.model.eval()
        try:
            yield self.model
        finally:
            copy_into(self.model, own)
            self.model.train(was_training)


def save(state: StageState, path: Path) -> None:
    """Write parameters, average, moments and counters to one safetensors file."""
    from safetensors.torch import save_file

    tensors = {f"average.{name}": tensor.contiguous() for name, tensor in state.average.items()}
    for name, parameter in state.model.named_parameters():
        tensors[f"model.{name}"] = parameter.detach().contiguous()
        for moment in MOMENTS:
            if moment in state.optimizer.state.get(parameter, {}):
                tensors[f"{moment}.{name}"] = state.optimizer.state[parameter][moment].contiguous()
    counters = {"step": state.step, "seconds": state.seconds, "losses": state.losses}
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata={"counters": json.dumps(counters)})


def restore(state: StageState, path: Path) -> bool:
    """Fill `state` from `path`; False when there is no checkpoint yet.

    Raises:
        WeightsError: when the file is damaged or belongs to another recipe.
    """
    import torch
    from safetensors.torch import load_file

    if not path.is_file():
        return False
    header = check_safetensors(path, path.name)
    tensors = load_file(path)
    try:
        counters = json.loads(header["__metadata__"]["counters"])
        copy_into(state.model, {n: tensors[f"model.{n}"] for n, _ in state.model.named_parameters()})
        state.average = {n: tensors[f"average.{n}"] for n, _ in state.model.named_parameters()}
    except (KeyError, RuntimeError) as error:
        raise WeightsError(
            "This checkpoint belongs to another recipe; it was kept; train without resume to start anew."
        ) from error
    state.step, state.seconds = int(counters["step"]), float(counters["seconds"])
    state.losses = [(int(step), float(loss)) for step, loss in counters["losses"]]
    for name, parameter in state.model.named_parameters():
        if f"exp_avg.{name}" in tensors:
            # In the parameter's own memory layout: the fused optimiser walks both side by side.
            moments = {m: torch.zeros_like(parameter).copy_(tensors[f"{m}.{name}"]) for m in MOMENTS}
            state.optimizer.state[parameter] = {"step": torch.tensor(float(state.step)), **moments}
    return True


def copy_into(model: Any, values: dict[str, Any]) -> None:
    """Set the parameters of a model by name."""
    import torch

    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(values[name])
