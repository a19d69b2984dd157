"""The state of a training on disk: networks, averages, optimisers and counters in one safetensors file, no pickle."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.atomic import replacing
from lab.errors import WeightsError
from lab.generators.weights import check_safetensors

MOMENTS = ("step", "exp_avg", "exp_avg_sq")
ALONE = "model"
CURVE = 40


@dataclass(frozen=True, eq=False)
class Turn:
    """One network and how its optimiser steps; a step of a training takes each turn in order.

    Attributes:
        network: a torch module; its buffers are kept in checkpoints too, so that what changes there is resumed.
        rate: factor on the training's learning rate.
        betas, decay: of AdamW.
        clip: largest norm of the gradient; 0 for no limit.
        averaged: keep a running average of its parameters, which is what is exported.
        every: take the turn at every so many steps.
    """

    network: Any
    rate: float = 1.0
    betas: tuple[float, float] = (0.9, 0.99)
    decay: float = 0.0
    clip: float = 1.0
    averaged: bool = True
    every: int = 1


@dataclass
class TrainingState:
    """Networks in training, by turn; their optimisers, averages and counters."""

    turns: Mapping[str, Turn]
    decay: float
    rate: float
    step: int = 0
    seconds: float = 0.0
    losses: list[tuple[int, float]] = field(default_factory=list)
    optimizers: dict[str, Any] = field(init=False)
    averages: dict[str, dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        import torch

        self.optimizers = {
            name: torch.optim.AdamW(
                turn.network.parameters(), lr=self.rate, betas=turn.betas, weight_decay=turn.decay, fused=True
            )
            for name, turn in self.turns.items()
        }
        self.averages = {
            name: {key: value.detach().clone() for key, value in turn.network.named_parameters()}
            for name, turn in self.turns.items()
            if turn.averaged
        }

    @property
    def model(self) -> Any:
        """The network of a training that has only one."""
        return self.turns[ALONE].network

    @property
    def optimizer(self) -> Any:
        """The optimiser of a training that has only one network."""
        return self.optimizers[ALONE]

    def curve(self) -> list[list[float]]:
        """The loss by step for a card: some forty [step, loss]."""
        chosen = self.losses[:: max(1, len(self.losses) // CURVE)]
        return [[step, round(loss, 4)] for step, loss in chosen]

    def set_rate(self, name: str, rate: float) -> None:
        """Give the optimiser of a turn its learning rate."""
        for group in self.optimizers[name].param_groups:
            group["lr"] = rate

    def update_averages(self) -> None:
        """Move the running averages towards the parameters; fast at the beginning."""
        from torch.optim.swa_utils import get_ema_multi_avg_fn

        move = get_ema_multi_avg_fn(min(self.decay, (1 + self.step) / (10 + self.step)))
        for name, average in self.averages.items():
            move(list(average.values()), [p.detach() for p in self.turns[name].network.parameters()], 0)

    def settle(self) -> None:
        """Put the averaged parameters into the networks for good: what a finished training is used with."""
        for name, average in self.averages.items():
            _fill(dict(self.turns[name].network.named_parameters()), average)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """The networks with their averaged parameters and in evaluation mode, for as long as the block lasts."""
        import torch

        own = {name: dict(self.turns[name].network.named_parameters()) for name in self.averages}
        kept = {name: {k: v.detach().clone() for k, v in values.items()} for name, values in own.items()}
        try:
            self.settle()
            for turn in self.turns.values():
                turn.network.eval()
            with torch.no_grad():
                yield
        finally:
            for name, values in kept.items():
                _fill(own[name], values)
            for turn in self.turns.values():
                turn.network.train()


def save(state: TrainingState, path: Path) -> None:
    """Write the state, whole or not at all."""
    from safetensors.torch import save_file

    tensors: dict[str, Any] = {}
    for name, turn in state.turns.items():
        for key, value in turn.network.state_dict().items():
            tensors[f"network.{name}.{key}"] = value
        for key, parameter in turn.network.named_parameters():
            for moment in MOMENTS:
                if moment in state.optimizers[name].state.get(parameter, {}):
                    tensors[f"{moment}.{name}.{key}"] = state.optimizers[name].state[parameter][moment]
    for name, average in state.averages.items():
        tensors |= {f"average.{name}.{key}": value for key, value in average.items()}
    ready = {key: value.detach().cpu().clone().contiguous() for key, value in tensors.items()}
    counters = {"step": state.step, "seconds": state.seconds, "losses": state.losses}
    with replacing(path) as temporary:
        save_file(ready, temporary, metadata={"counters": json.dumps(counters)})


def restore(state: TrainingState, path: Path) -> bool:
    """Fill `state` from `path`, on whatever device it lies; False when there is no checkpoint yet.

    Raises:
        WeightsError: when the file is damaged or belongs to another recipe.
    """
    from safetensors.torch import load_file

    if not path.is_file():
        return False
    header = check_safetensors(path, path.name)
    tensors = load_file(path)
    try:
        counters = json.loads(header["__metadata__"]["counters"])
        for name, turn in state.turns.items():
            own = turn.network.state_dict()
            turn.network.load_state_dict({key: tensors[f"network.{name}.{key}"] for key in own})
            if name in state.averages:
                _fill(state.averages[name], {k: tensors[f"average.{name}.{k}"] for k in state.averages[name]})
            _restore_moments(state.optimizers[name], name, turn.network, tensors)
    except (KeyError, RuntimeError) as error:
        raise WeightsError(
            "This checkpoint belongs to another recipe; it was kept; train without resume to start anew."
        ) from error
    state.step, state.seconds = int(counters["step"]), float(counters["seconds"])
    state.losses = [(int(step), float(loss)) for step, loss in counters["losses"]]
    return True


def _restore_moments(optimizer: Any, name: str, network: Any, tensors: Mapping[str, Any]) -> None:
    import torch

    for key, parameter in network.named_parameters():
        if f"exp_avg.{name}.{key}" not in tensors:
            continue
        # In the parameter's own memory layout: the fused optimiser walks both side by side.
        moments = {
            moment: torch.zeros_like(parameter).copy_(tensors[f"{moment}.{name}.{key}"])
            for moment in MOMENTS[1:]
        }
        moments["step"] = tensors[f"step.{name}.{key}"].to(parameter.device)
        optimizer.state[parameter] = moments


def _fill(targets: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    import torch

    with torch.no_grad():
        for name, target in targets.items():
            target.copy_(values[name])
