"""From a number to where it comes from, in one click: run, data, n, seed, versions, extractor, protocol."""

from __future__ import annotations

import time
from typing import Any

import streamlit as st

from lab.metrics.result import MetricResult
from lab.report.exports import protocol_hash
from lab.runs.records import Run
from lab.ui.frame import facts, plain
from lab.ui.metric_runs import ALL, specs
from lab.ui.metric_words import beside, valued
from lab.ui.run_panel import duration

_SHORT = 16


def trace(run: Run, result: MetricResult, label: str = "Trace") -> None:
    """A quiet button that opens everything this number depends on."""
    with st.popover(
        label, icon=":material/fingerprint:", type="tertiary", help="Where this number comes from"
    ):
        told(run, result)


def told(run: Run, result: MetricResult) -> None:
    """Everything a number depends on, as a list."""
    spec = specs().get(result.metric)
    st.markdown(f"**{plain(result.title)}** {plain(valued(result))}")
    if spec is not None and (words := beside(spec, result)):
        st.caption(plain(words[:1].upper() + words[1:]))
    facts(origin(run, result))
    if result.note:
        st.caption(plain(result.note))


def origin(run: Run, result: MetricResult) -> dict[str, object]:
    """Names and values: where a number comes from."""
    asked, inputs = run.spec.settings, run.spec.inputs
    synthetic = str(asked["synthetic"])
    named = "a folder" if "/" in synthetic or "\\" in synthetic else synthetic
    told: dict[str, object] = {
        "Run": run.id,
        "Protocol": _short(protocol_hash({"settings": asked, "inputs": inputs})),
        "Asked": time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created)),
        "Real set": f"{asked['real']} ({result.split}), digest {_short(inputs.get('real'))}",
        "Synthetic set": f"{named}, digest {_short(inputs.get('synthetic'))}",
        "n": f"{result.n_real:,} training, {result.n_synthetic:,} synthetic, {result.n_held_out:,} held-out",
        "Group": "all images" if result.group == ALL else result.group,
        "Extractor": f"{result.extractor}, {result.dimension} features, digest {_short(inputs.get('extractor'))}",
        "Seed": result.seed,
    }
    changed = {
        name: value
        for name, value in (asked.get("options") or {}).items()
        if name.startswith(f"{result.metric}.")
    }
    if changed:
        told["Changed numbers"] = ", ".join(
            f"{name.partition('.')[2]} {value:g}" for name, value in changed.items()
        )
    if result.seconds is not None:
        told["Took"] = duration(result.seconds)
    return told | _versions((run.result or {}).get("provenance") or {})


def _versions(provenance: dict[str, Any]) -> dict[str, object]:
    versions = provenance.get("versions") or {}
    return {"Versions": ", ".join(f"{name} {value}" for name, value in versions.items())} if versions else {}


def _short(digest: object) -> str:
    return str(digest or "unknown")[:_SHORT]
