"""A metric run as files: the long table, the benchmarks' shapes, and JSON with all that another person needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lab.errors import InputError
from lab.metrics.result import MetricResult
from lab.provenance import digest_json
from lab.report.benchmark_csv import SHAPES, rows_of, to_csv

SCHEMA = "doppel.metrics.1"
LONG = "all numbers"
_LONG = (
    "metric", "title", "group", "extractor", "split", "value", "low", "high", "control", "control_low",
    "control_high", "floor", "floor_low", "floor_high", "floor_n", "published", "n_real", "n_synthetic",
    "n_held_out", "dimension", "seed", "note", "published_note",
)  # fmt: skip


def kinds(results: Sequence[MetricResult]) -> list[str]:
    """Shapes in which these results have at least one number, the long table first."""
    found = [LONG]
    for name, shape in SHAPES.items():
        wanted = {column.metric for column in shape.columns}
        if any(
            result.metric in wanted and (result.group != "all") == bool(shape.group) for result in results
        ):
            found.append(name)
    return found


def file_name(kind: str) -> str:
    """The name that the benchmark's own scripts give the file."""
    return "metrics.csv" if kind == LONG else SHAPES[kind].file


def csv_of(kind: str, results: Sequence[MetricResult], model: str) -> str:
    """CSV text of results.

    Args:
        kind: one of `kinds`.
        results: of one run, or of several of the same sets.
        model: id of the synthetic side.

    Raises:
        InputError: for an unknown kind.
    """
    if kind == LONG:
        return to_csv([_long(result) for result in results])
    if kind not in SHAPES:
        raise InputError(
            f"There is no table of that shape; nothing was written; choose one of {', '.join(SHAPES)}."
        )
    return to_csv(rows_of(SHAPES[kind], results, model))


def csv_of_sets(kind: str, sets: Mapping[str, Sequence[MetricResult]]) -> str:
    """One CSV table of several sets, a row or a block of rows each, in the order given.

    Args:
        kind: one of `kinds`.
        sets: the results of each set by its name.

    Raises:
        InputError: for an unknown kind.
    """
    if kind == LONG:
        return to_csv([{"set": name, **_long(one)} for name, results in sets.items() for one in results])
    if kind not in SHAPES:
        raise InputError(
            f"There is no table of that shape; nothing was written; choose one of {', '.join(SHAPES)}."
        )
    rows = [row for name, results in sets.items() for row in rows_of(SHAPES[kind], results, name)]
    heads = dict.fromkeys(head for row in rows for head in row)
    # A set without a number of some extractor has no such column; in one table its cell is empty.
    return to_csv([{head: row.get(head, "") for head in heads} for row in rows])


def json_of(result: Mapping[str, Any], run_id: str, created: float) -> dict[str, Any]:
    """A finished evaluation as JSON: data, n, seed, versions, protocol hash and every number (row X-09).

    No caption, file name or patient is in it: sets are named by id and digest.

    Args:
        result: of the run, as stored.
        run_id: id of the run here.
        created: seconds since 1970 when it was asked for.
    """
    provenance = result["provenance"]
    settings = {name: value for name, value in provenance["settings"].items() if name != "synthetic"}
    numbers = [
        {name: value for name, value in record.items() if name != "per_image"} for record in result["results"]
    ]
    return {
        "schema": SCHEMA,
        "run": run_id,
        "created": created,
        "protocol": protocol_hash(provenance),
        "digest": provenance["digest"],
        "data": {
            "real": {"id": settings["real"], "digest": provenance["inputs"].get("real")},
            "synthetic": {"id": _opaque(provenance), "digest": provenance["inputs"].get("synthetic")},
        },
        "inputs": dict(provenance["inputs"]),
        "settings": settings,
        "versions": provenance["versions"],
        "warnings": list(result.get("warnings", ())),
        "results": numbers,
    }


def protocol_hash(provenance: Mapping[str, Any]) -> str:
    """Digest of how was measured, whatever was measured: equal for two runs that may be compared.

    It covers metrics, options, extractor, breakdown, seed, and the digests of extractor and real set; not the
    synthetic set.
    """
    settings = {
        name: value for name, value in provenance["settings"].items() if name not in ("synthetic", "copies")
    }
    inputs = {
        name: value
        for name, value in provenance["inputs"].items()
        if name in ("real", "extractor", "dataset")
    }
    return digest_json({"settings": settings, "inputs": inputs})


def _opaque(provenance: Mapping[str, Any]) -> str:
    """The synthetic side by its id; a folder is named by its content alone."""
    name = str(provenance["settings"]["synthetic"])
    return "a folder" if "/" in name or "\\" in name else name


def _long(result: MetricResult) -> dict[str, Any]:
    return {name: getattr(result, name) for name in _LONG}
