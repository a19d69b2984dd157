"""Planted copies: which detector finds which kind of copy, and how often it accuses an honest image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from lab.charts.planted import Row, planted_figure
from lab.charts.sensitivity import Found
from lab.metrics.sensitivity import HONEST, LEVEL
from lab.runs.records import Run
from lab.ui.films import artifact_pixels, case_code, dataset_film, may_be_public
from lab.ui.frame import plain
from lab.ui.leakage_population_beside import missed
from lab.ui.privacy_runs import PrivacyTest
from lab.ui.run_panel import duration
from lab.ui.sensitivity_form import KIND, form
from lab.ui.sets import card_of
from lab.ui.state import PrivacyKey as Key
from lab.ui.viewer import Film, viewer

EVEN, OWN = "At one false alarm in twenty", "Each by its own rule"
_SHARES = {EVEN: ("matched", "matched_alarms"), OWN: ("found", "false_alarms")}
_COLUMNS = 4


def result(run: Run) -> None:
    """Chart, sentences, pictures and table of a finished run."""
    told = run.result or {}
    able = [one for one in told.get("detectors", []) if one["matched"]]
    if not able:
        st.warning("No detector gave a number; the notes below say why; choose others and launch again.")
        _notes(told.get("detectors", []))
        return
    st.subheader("What each detector finds", anchor=False)
    asked = run.spec.settings
    st.caption(
        plain(
            f"{told['copies']} copies of each kind, one a patient, and {told['honest']} honest held-out images in "
            f"{asked['dataset']}; features by {asked['extractor']}, seed {asked['seed']}, "
            f"took {duration(run.duration_s or 0)}. Lines are exact 95 % intervals."
        )
    )
    rule = str(
        st.segmented_control(
            "Rule", [EVEN, OWN], default=EVEN, key=Key.RULE, required=True, persist_state="session",
            label_visibility="collapsed",
            help=f"With a threshold that lets at most {LEVEL:.0%} of the honest images through, detectors can be "
            "compared. By its own rule a detector may find more because it accuses more.",
        )
        or EVEN
    )  # fmt: skip
    st.plotly_chart(
        planted_figure([(one["title"], _rows(one, rule)) for one in able], _COLUMNS),
        config={"displayModeBar": False}, theme=None, key=f"privacy.planted.{run.id}.{rule}",
        alt="Share of planted copies found by each detector, by kind, and of honest images accused",
    )  # fmt: skip
    _sentences(able, rule)
    _pictures(run, able, rule)
    _notes(told["detectors"])
    _table(able, rule)


def _rows(one: Mapping[str, Any], rule: str) -> list[Row]:
    found, alarms = _SHARES[rule]
    shares = [*one[found], *([one[alarms]] if one[alarms] else [])]
    return [
        Row(
            _kind(share["kind"]),
            share["value"],
            share["low"],
            share["high"],
            share["n"],
            share["kind"] == HONEST,
        )
        for share in shares
    ]


def _kind(kind: str) -> str:
    return "Honest (false alarms)" if kind == HONEST else kind.capitalize()


def _sentences(able: Sequence[Mapping[str, Any]], rule: str) -> None:
    """What each detector misses, with the honest images it accuses: the blindest last."""
    name, alarms = _SHARES[rule]
    lines = []
    for one in able:
        found = [Found(s["kind"], one["title"], s["value"], s["low"], s["high"], s["n"]) for s in one[name]]
        wrong = one[alarms]
        accused = (
            ""
            if wrong is None
            else f" It accuses {wrong['hits']} of {wrong['n']} honest images ({wrong['value']:.0%})."
        )
        lines.append((sum(share.value for share in found), f"{missed(one['title'], found)}{accused}"))
    with st.expander("In words: what each one misses", icon=":material/visibility_off:"):
        for _, line in sorted(lines, key=lambda pair: -pair[0]):
            st.markdown(f"- {plain(line)}")


def _pictures(run: Run, able: Sequence[Mapping[str, Any]], rule: str) -> None:
    """One training image and its planted copies, with how many detectors find most copies of that kind."""
    examples, dataset = (run.result or {}).get("examples") or [], str(run.spec.settings["dataset"])
    card = card_of(dataset)
    if not examples or card is None:
        return
    st.markdown("**What was planted: one training image and its copies**")
    name = _SHARES[rule][0]
    films = []
    for place, one in enumerate(examples):
        good = sum(
            share["value"] >= 0.5 for told in able for share in told[name] if share["kind"] == one["kind"]
        )
        words = f"{one['kind']} copy\nhalf or more found by {good} of {len(able)} detectors"
        films.append(
            Film(
                artifact_pixels(str(one["artifact"])), card.tag, words, "(altered copy)",
                case=case_code(str(one["source"])), public=may_be_public(dataset),
            )
        )  # fmt: skip
        if not place:
            films.insert(0, dataset_film(dataset, str(one["source"]), "training image it was made of"))
    viewer(films, key=f"privacy.planted.films.{run.id}", columns=_COLUMNS)


def _notes(detectors: Sequence[Mapping[str, Any]]) -> None:
    silent = [one for one in detectors if one["note"]]
    if silent:
        with st.expander(f"{len(silent)} without a number", icon=":material/block:"):
            for one in silent:
                st.markdown(f"**{plain(one['title'])}.** {plain(one['note'])}")


def _table(able: Sequence[Mapping[str, Any]], rule: str) -> None:
    frame = shares_table(able, rule)
    columns: dict[str, Any] = {
        name: st.column_config.NumberColumn(format="%d %%", width="small") for name in frame.columns[1:]
    }
    columns["Accused"] = st.column_config.NumberColumn(
        format="%d %%", width="small", help="Honest held-out images that are taken for copies: false alarms."
    )
    with st.expander("All shares", icon=":material/table:"):
        st.dataframe(frame, hide_index=True, height="content", column_config=columns)


def shares_table(able: Sequence[Mapping[str, Any]], rule: str) -> pd.DataFrame:
    """A row a detector: whole percent found of each kind, then of honest images accused, in names of one short word."""
    name, alarms = _SHARES[rule]
    rows = []
    for one in able:
        row: dict[str, Any] = {"Detector": one["title"]}
        row |= {_kind(share["kind"]): round(100 * share["value"]) for share in one[name]}
        rows.append(row | ({"Accused": round(100 * one[alarms]["value"])} if one[alarms] else {}))
    return pd.DataFrame(rows)


def _line(run: Run) -> str:
    asked = run.spec.settings
    return f"{asked['dataset']} · {asked['copies']} copies of each kind · {len(asked['metrics'])} detectors"


SENSITIVITY = PrivacyTest(
    KIND,
    "Planted copies",
    "Hide altered copies of training images among honest ones: who finds which copy, and who accuses the honest?",
    "It plants copies of training images.",
    "What to plant",
    form,
    _line,
    result,
    "The result shows, for each detector, the share of exact, flipped, cropped, rotated, re-windowed, noised and "
    "resampled copies it finds, and the share of honest held-out images it accuses.",
)
