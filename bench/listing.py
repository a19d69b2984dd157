"""Which cases and reports there are: the modules of this folder that are named here and installed."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bench.cases import Case

Build = Callable[[], Case]
Report = Callable[[], Iterable[tuple[str, ...]]]
# Module and function of each case: ours beside a peer.
CASES = (
    ("neighbour_cases", "neighbours"),
    ("map_cases", "placing"),
    ("map_cases", "placing_many"),
    ("map_cases", "among_neighbours"),
    ("extractor_cases", "extraction"),
    ("extraction_rate", "embedded"),
    ("extraction_rate", "inception"),
    ("metric_cases", "kernel_distance"),
    ("metric_cases", "neighbourhoods"),
    ("import_rate", "imports"),
    ("generate_cases", "generate_stage"),
    ("generate_cases", "generate_previews"),
)
# Module and function of each report: a table of its own, without a peer.
REPORTS = (
    ("import_rate", "memory"),
    ("metric_suite", "suite"),
    ("metric_suite", "suite_with_intervals"),
    ("canary_recall", "recall"),
    ("browser_viewer", "measure"),
    ("browser_map", "measure"),
    ("browser_map_many", "many"),
    ("browser_pages", "pages"),
)


def builders(words: list[str]) -> list[Build]:
    """The case builders whose module or name holds one of `words`; all without words."""
    return _found(CASES, words)


def reports(words: list[str]) -> list[Report]:
    """The same of reports; one that returns numbers by name becomes a table of two columns."""
    return [lambda found=found: rows(found()) for found in _found(REPORTS, words)]


def rows(told: object) -> Iterable[tuple[str, ...]]:
    """Rows of a table, from rows or from numbers by name."""
    if isinstance(told, Mapping):
        return [
            ("measured", "value"),
            ("---", "---"),
            *((str(name), f"{value:,.1f}") for name, value in told.items()),
        ]
    return told  # type: ignore[return-value]


def _found(named: Iterable[tuple[str, str]], words: list[str]) -> list[Any]:
    """Functions of modules that are there; a module in the making is left out with a word, not with a failure."""
    out = []
    for module, name in named:
        if words and not any(word in f"{module}.{name}" for word in words):
            continue
        if importlib.util.find_spec(f"bench.{module}") is None:
            continue
        function = getattr(importlib.import_module(f"bench.{module}"), name, None)
        if function is None:
            sys.stderr.write(f"bench.{module} has no {name}; it was left out\n")
        else:
            out.append(function)
    return out
