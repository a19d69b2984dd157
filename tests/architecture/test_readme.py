"""What is registered is documented: a metric, an extractor or a command nobody can read about does not exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


@pytest.mark.row("X-11")
def test_every_metric_extractor_and_generator_stands_in_the_readme() -> None:
    from lab.features.records import EMBEDDED as EXTRACTORS
    from lab.features.records import list_records
    from lab.generators.cards import EMBEDDED
    from lab.metrics.registry import all_specs

    names = [spec.name for spec in all_specs()]
    names += [record.id for record in list_records() if record.root == EXTRACTORS]
    names += [folder.name for folder in EMBEDDED.glob("*") if folder.is_dir()]
    assert [name for name in names if f"`{name}`" not in README and f" {name} " not in README] == []


def test_every_command_stands_in_the_readme() -> None:
    from lab.commands.main import app

    names = {info.name for info in app.registered_commands} | {group.name for group in app.registered_groups}
    assert {name for name in names if not re.search(rf"python -m lab {name}\b", README)} == set()


def test_every_dependency_is_justified() -> None:
    pins = [
        line.split("==")[0] for line in (ROOT / "requirements.txt").read_text().splitlines() if "==" in line
    ]
    assert [name for name in pins if not re.search(rf"\b{re.escape(name)}\b", README)] == []


def test_every_pin_is_exact() -> None:
    for file in ("requirements.txt", "requirements-dev.txt"):
        lines = [line for line in (ROOT / file).read_text().splitlines() if line and line[0] not in "#-"]
        assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][A-Za-z0-9.]*", line) for line in lines), file


def test_pictures_of_the_readme_exist() -> None:
    for name in re.findall(r"\]\(([^)#:]+\.png)\)", README):
        assert (ROOT / name).is_file(), name
