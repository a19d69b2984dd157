"""Published reference tables, tables in the benchmarks' shapes, and the JSON of a run."""

from __future__ import annotations

import json

import pytest

from lab.errors import InputError
from lab.metrics.registry import load_metrics
from lab.metrics.result import MetricResult
from lab.report.benchmark_csv import SHAPES, read_csv, rows_of, to_csv
from lab.report.exports import LONG, csv_of, json_of, kinds, protocol_hash
from lab.report.published.tables import figures, left_out, reference


def number(metric: str, value: float | None, extractor: str = "rad-dino", **more) -> MetricResult:
    fields = {
        "title": metric, "low": None, "high": None, "n_real": 90, "n_synthetic": 80, "n_held_out": 40, "dimension": 768,
        "split": "train", "group": "all", "seed": 0, **more,
    }  # fmt: skip
    return MetricResult(metric=metric, value=value, extractor=extractor, **fields)


@pytest.mark.row("C18")
def test_the_reference_bars_are_the_published_tables_and_shuffled_rows_stay_out() -> None:
    fidelity = {figure.model: figure.value for figure in reference("frechet-distance", edition="paper")}
    assert fidelity["Sana 0.6B"] == 54.225 and fidelity["LLM-CXR"] == 71.243 and len(fidelity) == 11
    by_finding = reference("frechet-distance", "label: Fracture")
    assert {figure.model for figure in by_finding}.isdisjoint({"SD 1.5", "SD 2"}) and len(by_finding) == 9
    reasons = {figure.suspicious for figure in left_out("frechet-distance")}
    assert len(left_out("frechet-distance")) == 28 and any(
        "repeat across columns" in reason for reason in reasons
    )
    # The wrapped pixel distances say nothing: kept in the table, never drawn.
    assert reference("pixel-distance") == [] and len(left_out("pixel-distance")) == 11
    assert all(figure.source and figure.extractor is not None for figure in figures())


@pytest.mark.row("SG-20")
def test_both_versions_of_the_dermoscopy_table_are_there_as_printed() -> None:
    final = {f.model: f.value for f in reference("frechet-distance", edition="final")}
    early = {f.model: f.value for f in reference("frechet-distance", edition="early")}
    assert final == {"BS GN": 79.36, "AD GN": 65.47, "BS DF": 83.04, "AD DF": 90.22}
    assert early == {"BS GN": 82.75, "AD GN": 82.59, "BS DF": 191.75, "AD DF": 187.36}
    spread = {f.model: f.spread for f in reference("inception-score", edition="early")}
    assert spread["BS real"] == 0.14 and spread["AD DF"] == 0.06


def test_every_published_figure_names_a_metric_of_this_lab() -> None:
    known = set(load_metrics().names()) | {"classification"}
    assert {figure.metric for figure in figures()} <= known
    assert {column.metric for shape in SHAPES.values() for column in shape.columns} <= known


@pytest.mark.row("C19")
def test_the_benchmark_shape_has_its_columns_and_reads_back_as_the_same_table() -> None:
    results = [
        number("frechet-distance", 54.2), number("frechet-distance", 9.5, "inception-fid", published=9.0),
        number("kernel-distance", 0.016), number("precision", 0.674), number("recall", None),
        number("coverage", 0.5, "efficientnet-lite0"), number("frechet-distance", 3.0, group="label: Edema"),
    ]  # fmt: skip
    text = csv_of("chexgenbench-fidelity", results, "sana")
    head = text.splitlines()[0].split(",")
    assert head[:10] == [
        "FID", "FID (RadDino)", "KID", "KID (RadDino)", "Inception Score", "Precision", "Recall", "Density",
        "Coverage", "FRD",
    ]  # fmt: skip
    assert {"Extra Info", "Caption Type", "Coverage (efficientnet-lite0)"} <= set(head)
    (row,) = read_csv(text)
    # The published mode where it differs; another extractor's number never under the benchmark's head.
    assert (row["FID"], row["FID (RadDino)"], row["Coverage"], row["Recall"]) == (9.0, 54.2, None, None)
    assert to_csv(read_csv(text)) == text
    (conditional,) = rows_of(SHAPES["chexgenbench-conditional"], results, "sana")
    assert conditional["Pathology"] == "Edema" and conditional["FID (RadDino)"] == 3.0
    assert kinds(results)[0] == LONG and "chexgenbench-conditional" in kinds(results)


def test_a_distance_on_components_is_never_written_as_a_benchmark_distance() -> None:
    on_components = number("frechet-distance", 3.0, title="FD, 9 components")
    (row,) = rows_of(SHAPES["chexgenbench-fidelity"], [on_components], "mine")
    assert row["FID (RadDino)"] is None


def test_what_is_no_table_is_refused() -> None:
    for text in ("", "FID\n", "FID,KID\n1\n"):
        with pytest.raises(InputError, match="not a table of benchmark results"):
            read_csv(text)


@pytest.mark.row("X-09", "C19")
def test_the_json_names_data_n_seed_versions_and_protocol_and_no_folder() -> None:
    run = {
        "results": [number("precision", 0.5).to_json() | {"per_image": "abc"}],
        "warnings": [],
        "provenance": {
            "digest": "d" * 64,
            "settings": {
                "real": "cxr",
                "synthetic": "/home/jane doe/films",
                "metrics": ["precision"],
                "seed": 3,
            },
            "inputs": {"real": "a", "synthetic": "b", "extractor": "c"},
            "versions": {"torch": "2"},
        },
    }
    told = json_of(run, "run-1", 0.0)
    text = json.dumps(told, allow_nan=False)
    assert "jane" not in text and told["data"]["synthetic"] == {"id": "a folder", "digest": "b"}
    (precision,) = told["results"]
    assert {"n_real", "n_synthetic", "n_held_out", "seed", "extractor", "control", "floor"} <= set(precision)
    assert told["versions"] == {"torch": "2"} and told["settings"]["seed"] == 3
    other = json.loads(json.dumps(run["provenance"]))
    other["settings"]["synthetic"] = "another"
    assert protocol_hash(other) == told["protocol"]
    other["settings"]["seed"] = 4
    assert protocol_hash(other) != told["protocol"]
