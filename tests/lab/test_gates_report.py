"""Gate reports: limits, lines, storage, and the command that lists them."""

from __future__ import annotations

import json

import pytest

from lab.errors import NotFoundError, StoreError
from lab.gates.registry import GATES, get_gate
from lab.gates.report import Figure, GateReport, all_reports, read_report, reports_of, write_report

REPORT = GateReport(
    "toy", "asset", "A toy", "python -m lab gates run toy", {"weights": "0" * 64}, 1.5,
    (
        Figure("share", 0.9, 0.8, 0.95, limit=0.85, n=40),
        Figure("distance", 80.0, limit=68.0, side="<=", note="one extractor agrees"),
        Figure("told", 3.0, unit="s"),
    ),
    {"table": [[1, 2]]},
)  # fmt: skip


@pytest.mark.parametrize(
    ("figure", "met"),
    [
        (Figure("a", 0.5, limit=0.5), True),
        (Figure("a", 0.49, limit=0.5), False),
        (Figure("a", 0.5, limit=0.4, side="<="), False),
        (Figure("a", 0.4, limit=0.4, side="<="), True),
        (Figure("a", 0.4), None),
        (Figure("a", None, limit=0.4, side="<="), False),
        (Figure("a", float("nan"), limit=0.4), False),
    ],
)
def test_a_limit_is_kept_or_missed(figure: Figure, met: bool | None) -> None:
    assert figure.met is met


def test_report_comes_back_as_it_was_stored(tmp_path):
    path = write_report(REPORT, tmp_path / "generators" / "asset")
    assert read_report(path) == REPORT
    assert list(reports_of(path.parents[1])) == [REPORT] == list(all_reports(tmp_path))
    assert [figure.name for figure in REPORT.missed] == ["distance"]
    assert REPORT.figure("told").unit == "s"
    with pytest.raises(KeyError):
        REPORT.figure("nothing")


def test_a_line_tells_value_interval_number_and_limit():
    share, distance, told = (figure.line() for figure in REPORT.figures)
    assert share == "share: 0.9 [0.8, 0.95] n = 40 (kept: >= 0.85)"
    assert "MISSED" in distance and distance.endswith("one extractor agrees")
    assert told == "told: 3 s" and "not measured" in Figure("x", None).line()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"figures": 3}', '{"figures": [{"name": "a"}]}'])
def test_damaged_report_is_refused_in_one_sentence(tmp_path, text):
    file = tmp_path / "gates" / "toy.json"
    file.parent.mkdir()
    file.write_text(text)
    with pytest.raises(StoreError, match="measure it anew"):
        read_report(file)


def test_every_gate_has_a_function_to_measure_it():
    import importlib

    assert len({gate.id for gate in GATES}) == len(GATES)
    for gate in GATES:
        assert callable(importlib.import_module(f"lab.gates.{gate.module}").measure)
    with pytest.raises(NotFoundError, match="adherence"):
        get_gate("nothing")


def test_gates_list_prints_the_stored_reports(tmp_path, monkeypatch):
    from typer.testing import CliRunner

    import lab.commands.gates as commands

    write_report(REPORT, tmp_path / "bases" / "asset")
    monkeypatch.setattr(commands, "ASSETS", tmp_path)
    told = CliRunner().invoke(commands.app, ["list"])
    assert told.exit_code == 0 and "A toy (asset, toy)" in told.output and "MISSED" in told.output
    as_json = CliRunner().invoke(commands.app, ["list", "--json"])
    assert json.loads(as_json.output)["reports"][0]["figures"][0]["value"] == 0.9
