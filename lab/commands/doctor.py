"""`python -m lab doctor` and `prepare`: what is here, what works, what is missing."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer

from lab.commands.options import AsJson
from lab.commands.output import emit, run_to_end
from lab.commands.phantoms import pack_state
from lab.config import ASSETS, settings
from lab.data.phantom_families import FAMILIES
from lab.provenance import versions


def doctor(as_json: AsJson = False) -> None:
    """Check this machine, the workspace and the weights, and print what each generator was measured at."""
    report: dict[str, Any] = {
        "python": platform.python_version(),
        "versions": versions(),
        "machine": _machine(),
        "workspace": _workspace(),
        "extractors": _extractors(),
        "generators": _generators(),
        "gates": _gates(),
        "unmeasured": _unmeasured(),
        "datasets": _datasets(),
        "phantom_pack": " ".join(filter(None, map(pack_state, FAMILIES.values()))) or "fits",
        "chromium": _chromium(),
    }
    report["problems"] = _problems(report)
    emit(report, as_json, _lines(report))


def prepare(
    first: Annotated[
        bool, typer.Option("--first", help="Only what a first prompt needs; the app goes on with the rest.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Get the phantom set and the leakage demonstration ready; what is there is kept."""
    from lab.leakage.demo_runs import next_preparation
    from lab.runs.prepare import next_step

    ran = []
    while (spec := next_step(upto="calibrate") if first else next_preparation()) is not None:
        sys.stderr.write(f"{spec.label}\n")
        run_to_end(spec)
        ran.append(spec.kind)
    emit({"ran": ran, "ready": True}, as_json, ["The embedded default is ready."])


def _machine() -> dict[str, Any]:
    import torch

    from lab.device import pick

    chosen = settings()
    return {
        "device": pick(),
        "accelerators": torch.cuda.device_count(),
        "cores": os.cpu_count(),
        "torch_threads": chosen.worker_threads,
        "spin_count": os.environ.get("GOMP_SPINCOUNT", ""),
    }


def _workspace() -> dict[str, Any]:
    from lab.runs.store import RunStore

    chosen = settings()
    chosen.workspace.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(chosen.workspace).free
    return {
        "folder": str(chosen.workspace),
        "writable": os.access(chosen.workspace, os.W_OK),
        "free_gb": round(free / 1e9, 1),
        "runs": len(RunStore.open().list(limit=10_000)),
    }


def _extractors() -> list[dict[str, Any]]:
    from lab.features.places import state
    from lab.features.records import list_records

    return [
        {
            "id": record.id,
            "dimension": record.dimension,
            "input_size": record.input_size,
            "ok": not state(record),
            "reason": state(record),
            "comes_along": record.comes_along,
        }
        for record in list_records()
    ]


def _generators() -> list[dict[str, Any]]:
    from lab.generators.cards import list_cards

    return [
        {"id": c.id, "title": c.title, "licence": c.licence, "measured": _figures(c.measured)}
        for c in list_cards()
    ]


def _left_out() -> list[str]:
    from lab.generators.cards import broken_cards

    return [f"{name}: {reason}" for name, reason in broken_cards()]


def _figures(measured: Mapping[str, Any]) -> dict[str, Any]:
    """What a card measured, without its loss curves: single numbers, and the share of each probe with its n."""
    told: dict[str, Any] = {}
    for name, value in measured.items():
        if isinstance(value, Mapping) and "share" in value:
            told[name] = {"share": value["share"], "n": value.get("n")}
        elif isinstance(value, int | float | str):
            told[name] = value
    stages = measured.get("training", {})
    if isinstance(stages, Mapping):
        told["training_seconds"] = sum(
            part.get("seconds", 0) for part in stages.values() if isinstance(part, Mapping)
        )
    return told


def _gates() -> list[dict[str, Any]]:
    """The stored figures of the shipped assets, with the limits they keep or miss."""
    from lab.commands.gates import report_lines
    from lab.gates.report import all_reports

    return [
        {
            "id": report.id,
            "subject": report.subject,
            "missed": [figure.name for figure in report.missed],
            "figures": [asdict(figure) for figure in report.figures],
            "lines": report_lines(report),
        }
        for report in all_reports(ASSETS)
    ]


def _unmeasured() -> list[str]:
    """The registered measurements without a stored report."""
    from lab.commands.gates import missing_line
    from lab.gates.registry import unmeasured

    return [missing_line(*one) for one in unmeasured()]


def _datasets() -> list[dict[str, Any]]:
    from lab.data.store import list_datasets
    from lab.runs.prepare import next_step

    return [
        {"id": card.id, "digest": card.digest, "ready": next_step(card.id) is None}
        for card in list_datasets()
    ]


def _chromium() -> str | None:
    named = os.environ.get("LAB_CHROMIUM", "")
    for name in (named, "chromium", "chromium-browser", "google-chrome"):
        if name and shutil.which(name):
            return shutil.which(name)
    return None


def _problems(report: dict[str, Any]) -> list[str]:
    found = []
    if not report["workspace"]["writable"]:
        found.append("The workspace cannot be written; set LAB_WORKSPACE to a folder of yours.")
    if report["workspace"]["free_gb"] < 2:
        found.append("Less than 2 GB are free in the workspace; free some space before a large run.")
    found += [item["reason"] for item in report["extractors"] if item["comes_along"] and not item["ok"]]
    if not report["generators"]:
        found.append("No generator is installed; restore the folder assets/generators.")
    found += _left_out()
    if report["phantom_pack"] != "fits":
        found.append(report["phantom_pack"])
    return found


def _lines(report: dict[str, Any]) -> list[str]:
    machine, workspace = report["machine"], report["workspace"]
    lines = [
        f"Python {report['python']}, torch {report['versions'].get('torch', 'absent')}, "
        f"device {machine['device']}, {machine['torch_threads']} threads of {machine['cores']}",
        f"Workspace {workspace['folder']}: {workspace['runs']} runs, {workspace['free_gb']} GB free",
    ]
    lines += [f"Extractor {e['id']}: {'ready' if e['ok'] else e['reason']}" for e in report["extractors"]]
    for card in report["generators"]:
        lines.append(f"Generator {card['id']} ({card['licence']})")
        lines += [f"    {name}: {value}" for name, value in card["measured"].items()]
    lines += [line for gate in report["gates"] for line in gate["lines"]] + report["unmeasured"]
    lines += [
        f"Dataset {d['id']}: {'ready' if d['ready'] else 'not prepared yet'}" for d in report["datasets"]
    ]
    lines.append(f"Chromium for the browser tests: {report['chromium'] or 'not found'}")
    return lines + [f"PROBLEM: {problem}" for problem in report["problems"]]
