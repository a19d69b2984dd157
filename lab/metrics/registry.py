"""All metrics under their names; built-in ones come through the same decorator as anyone's."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.spec import MetricSpec
from lab.registry import Registry

Compute = Callable[[Comparison], Measurement]

_ROOMS = ("fidelity", "diversity", "privacy", "alignment", "utility")
_HEADLINES = (
    "kernel-distance", "frechet-distance", "precision", "density", "coverage", "recall", "near-copy-share",
    "closer-to-training", "label-agreement", "clip-score", "retrieval-recall",
)  # fmt: skip
"""What a quick look shows, first in every list; the others follow by question and title."""


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
    """The registry with all built-in metrics in it: every module of the rooms; loads NumPy only."""
    for room in _ROOMS:
        package = importlib.import_module(f"lab.metrics.{room}")
        for found in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"lab.metrics.{room}.{found.name}")
    return METRICS


def get_metric(name: str) -> Metric:
    """The metric called `name`.

    Raises:
        NotFoundError: with the known names.
    """
    return load_metrics().get(name)


def all_specs() -> list[MetricSpec]:
    """Every spec, headline first, in the order in which pages list them."""
    return sorted((entry.spec for _, entry in load_metrics()), key=_rank)


def _rank(spec: MetricSpec) -> tuple[int, int, str]:
    head = _HEADLINES.index(spec.name) if spec.name in _HEADLINES else len(_HEADLINES)
    return head, _ROOMS.index(spec.axis), spec.title
