"""Metrics one after another, so that a run can report, stop and resume between them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace

import numpy as np

from lab.errors import InputError, NotComputable
from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.guards import check, inspect, sizes_of
from lab.metrics.inputs import MetricInput
from lab.metrics.registry import Metric, get_metric
from lab.metrics.result import MetricResult

_DEGENERATE = "The features are too large or too degenerate for a finite number; inspect the sets."


def evaluate(names: Sequence[str], given: MetricInput, seed: int = 0) -> Iterator[MetricResult]:
    """Compute metrics in the order given, yielding each as it is done.

    A metric that this input does not allow is yielded with value None and a note that says what would
    suffice. Work shared between metrics (neighbour radii, kernel sums) is done once.

    Args:
        names: metric names, see `lab.metrics.registry.all_specs`.
        given: features and what belongs to them.
        seed: decides patient groups and draws; the same seed gives the same numbers for shuffled rows.

    Raises:
        NotFoundError: for an unknown name, before anything is computed.
        InputError: for NaN rows, unequal dimensions, shared patients or shared images, before anything is
        computed.
    """
    metrics = [get_metric(name) for name in names]
    findings = inspect(given)
    stops = [finding.sentence for finding in findings if finding.level == "stop"]
    if stops:
        raise InputError(" ".join(stops))
    warnings = " ".join(finding.sentence for finding in findings)
    return _each(metrics, given, seed, warnings)


def _each(metrics: Sequence[Metric], given: MetricInput, seed: int, warnings: str) -> Iterator[MetricResult]:
    comparison = Comparison(given, seed)
    for metric in metrics:
        spec = metric.spec
        stops = [finding.sentence for finding in check([spec], sizes_of(given)) if finding.level == "stop"]
        if stops:
            yield _result(metric, comparison, None, " ".join(stops))
            continue
        began = time.perf_counter()
        try:
            measurement = metric.compute(comparison)
        except NotComputable as reason:
            yield _result(metric, comparison, None, str(reason))
            continue
        except np.linalg.LinAlgError:
            yield _result(metric, comparison, None, _DEGENERATE)
            continue
        result = _result(metric, comparison, measurement, warnings)
        yield replace(result, seconds=time.perf_counter() - began)


def _result(
    metric: Metric, comparison: Comparison, measurement: Measurement | None, more: str
) -> MetricResult:
    given, spec = comparison.given, metric.spec
    blank = MetricResult(
        metric=spec.name,
        title=spec.title,
        value=None,
        low=None,
        high=None,
        n_real=given.n_real,
        n_synthetic=given.n_synthetic,
        n_held_out=given.n_held_out,
        dimension=given.dimension,
        extractor=given.extractor,
        split=given.split,
        group=given.group,
        seed=comparison.seed,
        note=more,
    )
    if measurement is None:
        return blank
    found = {item.name: getattr(measurement, item.name) for item in fields(measurement)}
    for end in ("low", "high", "control_low", "control_high"):
        found[end] = None if found[end] is None else spec.clip(found[end])
    numbers = [value for value in found.values() if isinstance(value, float)]
    if not np.isfinite(numbers).all():
        return replace(blank, note=_DEGENERATE)
    found["title"] = measurement.title or spec.title
    found["dimension"] = measurement.dimension or given.dimension
    found["extractor"] = measurement.extractor or given.extractor
    found["note"] = " ".join(part for part in (measurement.note, more) if part)
    return replace(blank, **found)
