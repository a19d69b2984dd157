"""The cells of a grid that are there: the table, what they are compared with, and the selected one beside it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import streamlit as st

from lab.features.text_image_words import fit_of
from lab.prompts.past import asked_words, settings_of
from lab.report.grid_files import CELL, COLUMN, ROW, natural, reference_of
from lab.runs.grid_requests import Made, cells_of, made_cells, to_json
from lab.runs.records import Run
from lab.ui.films import TONES
from lab.ui.grid_about import dataset_of, labels_of, largest
from lab.ui.grid_export import exports
from lab.ui.grid_numbers import change_of, delta_png, pairs_of, scale_for, small_png
from lab.ui.grid_pair import Comparison, pair, scale_bar
from lab.ui.grid_state import pick, take_as_reference
from lab.ui.grid_table import Labels, Picture, clicked, table
from lab.ui.sample_origin import shown_here
from lab.ui.state import GridKey as Key
from lab.ui.verdicts_later import verdicts_later

SAMPLES, DIFFERENCES = "Samples", "Differences"
NARROW, BESIDE = 2, 4
_CARRIED = "Near-copies and close samples carry their verdict."
_FITS = {"fits": "yes", "unclear": "unclear", "does not fit": "no"}
_ROLES = {CELL: "the reference", ROW: "the first in its row", COLUMN: "the first in its column"}


def finished(run: Run) -> None:
    """Draw the finished cells of a run."""
    made = made_cells(run)
    if not made:
        return
    state, labels = st.session_state, labels_of(run)
    verdicts_later(run)
    if len(labels.columns) > BESIDE:
        left = st.container()
        right, below = st.columns([0.6, 0.4], gap="medium")
    else:
        left, right = st.columns([0.44, 0.56] if len(labels.columns) <= NARROW else [0.6, 0.4], gap="medium")
        below = left
    with left:
        differences, against = _choices(run, labels)
        reference = state.get(Key.REFERENCE)
        reference = reference if reference in made else min(made)
        scale = scale_for(pairs_of(made, against, reference))
        chosen = state.get(Key.PICKED)
        if chosen not in made:
            chosen = next((n for n in made if reference_of(n, made, against, reference) != n), reference)
        shown = Comparison(
            made[chosen],
            made[reference_of(chosen, made, against, reference)],
            scale,
            _role(run, against),
            against == CELL,
        )
        _cells(run, made, labels, shown, differences, against)
    with right:
        pair(run, shown, partial(take_as_reference, chosen))
    with below:
        exports(run, against, reference)


def _role(run: Run, against: str) -> str:
    return "the sample as it was" if run.spec.settings["mode"] == "counterfactual" else _ROLES[against]


def _choices(run: Run, labels: Labels) -> tuple[bool, str]:
    """Samples or differences, and against what."""
    what, other = st.columns([0.5, 0.5], vertical_alignment="center")
    with what:
        shown = st.segmented_control(
            "Show", [SAMPLES, DIFFERENCES], key=Key.SHOWN, default=SAMPLES, required=True, persist_state="session",
            label_visibility="collapsed",
        )  # fmt: skip
    if run.spec.settings["mode"] == "counterfactual":
        return shown == DIFFERENCES, ROW
    offered = [CELL, *([ROW] if len(labels.columns) > 1 else []), *([COLUMN] if len(labels.rows) > 1 else [])]
    key = f"{Key.AGAINST}.{run.id}"
    st.session_state.setdefault(key, natural(run))
    with other:
        against = st.selectbox(
            "Compared with", offered, key=key, format_func=lambda one: f"Compared with: {one.lower()}",
            label_visibility="collapsed",
        )  # fmt: skip
    return shown == DIFFERENCES, str(against)


def _cells(
    run: Run, made: Mapping[int, Made], labels: Labels, shown: Comparison, differences: bool, against: str
) -> None:
    pictures = [
        _picture(
            run,
            one,
            made[reference_of(one.number, made, against, shown.reference.number)],
            differences,
            shown.scale,
        )
        for one in made.values()
    ]
    missing = [(n, cell) for n, cell in enumerate(cells_of(run.spec)) if n not in made]
    pictures += [Picture(n, cell.row, cell.column, b"", "not made", wait="not made") for n, cell in missing]
    key = f"{Key.TABLE}.{run.id}"
    table(
        pictures, labels, key=key, largest=largest(labels), picked=shown.one.number, differences=differences,
        reference=shown.reference.number if against == CELL else None, on_picked=partial(_picked, key),
    )  # fmt: skip
    if differences:
        scale_bar(
            shown.scale,
            f"Each cell minus {shown.role}. The number is the mean absolute difference in grey levels.",
        )
    elif any((one.sample.get("alignment") or {}).get("text_image") for one in made.values()):
        st.caption(
            f"Green dot: goes with its prompt. Grey dot: unclear. Orange diamond: does not. {_CARRIED}"
        )
    elif any(one.sample.get("verdict") for one in made.values()):
        st.caption(_CARRIED)


def _picked(key: str) -> None:
    number = clicked(key)
    if number is not None:
        pick(number)


def _picture(run: Run, one: Made, reference: Made, differences: bool, scale: int) -> Picture:
    request, sample = one.cell.request, one.sample
    verdict = str((sample.get("verdict") or {}).get("label", ""))
    reading = (sample.get("alignment") or {}).get("text_image")
    said = asked_words(to_json(request))
    said = f"{said} " if said.endswith(".") or not said else f"{said}. "
    words = ", ".join([f"SYNTHETIC. {said}Seed {request.seeds[0]}", *settings_of(to_json(request))])
    if not shown_here(request.generator, dataset_of(run, request.generator)):
        return Picture(one.number, one.cell.row, one.cell.column, b"", "withheld", wait="not shown in public")
    png, figure = small_png(one.artifact), ""
    if differences and one.number != reference.number:
        found = change_of(one.artifact, reference.artifact)
        png, figure = (
            delta_png(one.artifact, reference.artifact, scale) or png,
            f"{found.mean:.1f}" if found else "",
        )
    return Picture(
        one.number, one.cell.row, one.cell.column, png, f"cell {one.number + 1}: {words}", words,
        verdict if verdict in ("near-copy", "close") else "", TONES.get(verdict, ""),
        _FITS[fit_of(reading)] if reading and not differences else "", figure,
    )  # fmt: skip
