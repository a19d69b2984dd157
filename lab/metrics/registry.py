"""All metrics under their names; built-in ones come through the same decorator as anyone's."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass

from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.spec import MetricSpec
from lab.registry import Registry

Compute = Callable[[Comparison], Measurement]

_MODULES = (
    "fidelity.kernel_distance",
    "fidelity.frechet_distance",
    "fidelity.precision",
    "fidelity.density",
    "diversity.recall",
    "diversity.coverage",
    "privacy.near_copy_share",
    "privacy.closer_to_training",
    "alignment.label_agreement",
    "alignment.clip_score",
    "alignment.retrieval_recall",
)


@dataclass(frozen=True)
class Metric:
    """A spec and the function beside it."""

    spec: MetricSpec
    compute: Compute


METRICS: Registry[Metric] = Registry("metric")


def metric(spec: MetricSpec) -> Callable[[Compute], Compute]:
    """Decorator that registers a function under its spec's name.

    Raises:
        ValueError: for a malformed or an already registered name.
    """
    add = METRICS.register(spec.name)

    def register(compute: Compute) -> Compute:
        add(Metric(spec, compute))
        return compute

    return register


def load_metrics() -> Registry[Metric]:
    """The registry with all built-in metrics in it; loads NumPy only."""
    for module in _MODULES:
        importlib.import_module(f"lab.metrics.{module}")
    return METRICS


def get_metric(name: str) -> Metric:
    """The metric called `name`.

    Raises:
        NotFoundError: with the known names.
    """
    return load_metrics().get(name)


def all_specs() -> list[MetricSpec]:
    """Every spec, headline first, in the order in which pages list them."""
    return [entry.spec for _, entry in load_metrics()]
