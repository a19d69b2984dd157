"""`python -m lab metrics`: the list is the registry, and the written list is what it prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lab.commands.main import app
from lab.metrics.registry import all_specs

RUNNER = CliRunner()
WRITTEN = Path(__file__).resolve().parents[2] / "lab" / "metrics" / "README.md"


@pytest.mark.row("X-11")
def test_every_metric_tells_definition_direction_null_and_source() -> None:
    told = json.loads(RUNNER.invoke(app, ["metrics", "list", "--json"]).stdout)["metrics"]
    assert [one["name"] for one in told] == [spec.name for spec in all_specs()]
    assert all(
        one[field] for one in told for field in ("definition", "direction", "null", "bias", "reference")
    )


def test_the_written_list_of_metrics_is_what_the_command_prints() -> None:
    printed = RUNNER.invoke(app, ["metrics", "list", "--markdown"]).stdout
    assert printed.strip() in WRITTEN.read_text(), "write it anew: python -m lab metrics list --markdown"


@pytest.mark.row("C18")
def test_published_figures_are_listed_with_what_speaks_against_them() -> None:
    lines = RUNNER.invoke(app, ["metrics", "published", "frechet-distance"]).stdout.splitlines()
    assert any("Sana 0.6B: FID (RadDino) 54.225" in line for line in lines)
    assert any("SD 2:" in line and "left out of charts" in line for line in lines)


def test_an_unknown_run_is_not_exported(workspace: Path) -> None:
    done = RUNNER.invoke(app, ["metrics", "export", "nothing"])
    assert done.exit_code != 0
