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
from lab.generators.training.families.trainer import Turn
from lab.generators.weights import check_safetensors

MOMENTS = ("step", "exp_avg", "exp_avg_sq")


@dataclass
class FamilyState:
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

    def update_averages(self) -> None:
        """Move the running averages towards the parameters; fast at the beginning."""
        from torch.optim.swa_utils import get_ema_multi_avg_fn

        move = get_ema_multi_avg_fn(min(self.decay, (1 + self.step) / (10 + self.step)))
        for name, average in self.averages.items():
            move(list(average.values()), [p.detach() for p in self.turns[name].network.parameters()], 0)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """The networks with their averaged parameters and in evaluation mode, for as long as the block lasts."""
        import torch

        own = {name: dict(turn.network.named_parameters()) for name, turn in self.turns.items()}
        kept = {name: {k: v.detach().clone() for k, v in own[name].items()} for name in self.averages}
        try:
            for name, average in self.averages.items():
                _fill(own[name], average)
            for turn in self.turns.values():
                turn.network.eval()
            with torch.no_grad():
                yield
        finally:
            for name, values in kept.items():
                _fill(own[name], values)
            for turn in self.turns.values():
                turn.network.train()


def save(state: FamilyState, path: Path) -> None:
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


def restore(state: FamilyState, path: Path) -> bool:
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
