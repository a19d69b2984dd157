"""One cell beside its reference, with their difference in colours and where it lies."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from lab.prompts.past import asked_words, settings_of
from lab.report.grid_difference import css_gradient
from lab.runs.artifacts import read_artifact
from lab.runs.grid_requests import Made, to_json
from lab.runs.records import Run
from lab.ui.films import sample_film
from lab.ui.frame import link_with
from lab.ui.grid_about import dataset_of
from lab.ui.grid_numbers import change_of, delta_png
from lab.ui.grid_state import recall_cell
from lab.ui.sample_card import prompt_fit, verdict_line
from lab.ui.sample_origin import is_public, is_radiograph, note_of, shown_here
from lab.ui.state import GridKey as Key
from lab.ui.state import QueryKey
from lab.ui.viewer import Film, viewer
from lab.ui.viewer_store import keep

_FLEX = "display:flex;gap:16px;align-items:flex-start;margin-top:2px"


def scale_bar(scale: int, words: str) -> None:
    """The colour scale with its ends in grey levels, and what it says."""
    st.html(
        '<div style="display:flex;align-items:center;gap:8px;font-size:12px;color:#97a3af;max-width:460px">'
        f"<span>−{scale}</span>"
        '<span style="flex:1;height:10px;border-radius:2px;'
        f'background:linear-gradient(to right,{css_gradient()})"></span>'
        f"<span>+{scale}</span><span>grey levels</span></div>"
        f'<div style="font-size:12.5px;color:#97a3af;margin-top:4px">{html.escape(words)}</div>'
    )


@dataclass(frozen=True)
class Comparison:
    """The selected cell and what it is compared with.

    Attributes:
        one, reference: the cells; the same one where there is nothing to compare with.
        scale: grey levels at the ends of the colour scale.
        role: what the reference is, in words.
        free: whether any cell may be taken as the reference.
    """

    one: Made
    reference: Made
    scale: int
    role: str
    free: bool

    @property
    def same(self) -> bool:
        """Whether the cell is its own reference."""
        return self.one.number == self.reference.number


def pair(run: Run, shown: Comparison, on_reference: Callable[[], None]) -> None:
    """The selected cell, large, beside what it is compared with, and their difference.

    Args:
        run: the grid.
        shown: what is compared.
        on_reference: called when the cell is taken as the reference of all.
    """
    films = [_film(run, shown.one, "selected")]
    films += [] if shown.same else [_film(run, shown.reference, shown.role)]
    viewer(films, key=f"{Key.PAIR}.{run.id}", columns=2)
    if shown.same:
        st.caption(f"This is {shown.role}: select another cell to see what changed.")
    elif shown_here(shown.one.cell.request.generator, dataset_of(run, shown.one.cell.request.generator)):
        _difference(run, shown)
    _answer(run, shown.one)
    _actions(run, shown, on_reference)


def _film(run: Run, one: Made, role: str) -> Film:
    request = one.cell.request
    sample = {**one.sample, "artifact": one.artifact, "seed": request.seeds[0]}
    said = asked_words(to_json(request))
    prompt = f"{role}: {said}" if said else role
    told = " · ".join([f"seed {request.seeds[0]}", *settings_of(to_json(request))])
    public = is_public(request.generator, dataset_of(run, request.generator))
    return sample_film(sample, note_of(request.generator), f"{prompt}\n{told}", public=public)


def _difference(run: Run, shown: Comparison) -> None:
    one, reference = shown.one, shown.reference
    found = change_of(one.artifact, reference.artifact)
    radiograph = is_radiograph(one.cell.request.generator)
    if found is None:
        st.caption("The two are of different sizes and are not subtracted.")
        return
    png = delta_png(one.artifact, reference.artifact, shown.scale)
    place = f"{Key.PAIR}.difference.{run.id}"
    address = (
        keep(png, "image/png", place, place) or f"data:image/png;base64,{base64.b64encode(png).decode()}"
    )
    halves = ("Patient’s right", "Patient’s left") if radiograph else ("Left half", "Right half")
    bars = "".join(_bar(words, share) for words, share in zip(halves, (found.left, found.right), strict=True))
    same = (
        "Not a pixel differs."
        if found.mean == 0
        else f"{100 * found.changed:.0f} % of pixels visibly changed."
    )
    st.html(
        f'<div style="{_FLEX}"><div style="position:relative;flex:0 0 46%;max-width:300px">'
        f'<img src="{html.escape(address)}" alt="Difference of the two samples" '
        'style="width:100%;display:block;border-radius:3px;border:1px solid #20272e">'
        '<div style="position:absolute;top:0;bottom:0;left:50%;border-left:1px dashed rgba(213,220,227,.35)">'
        '</div></div><div style="flex:1;font-size:13px;min-width:0">'
        f'<div style="font-weight:600">Selected minus {html.escape(shown.role)}</div>'
        f'<div style="color:#97a3af;margin-top:4px">Mean absolute difference {found.mean:.1f} of 255 grey levels. '
        f"{same}</div>"
        f'<div style="margin-top:8px">Where the difference lies</div>{bars}</div></div>'
    )
    scale_bar(shown.scale, "Blue: darker than it. Orange: brighter. One scale for all cells of this grid.")


def _bar(words: str, share: float) -> str:
    return (
        f'<div style="margin-top:6px"><span style="color:#97a3af">{html.escape(words)}</span>'
        f'<span style="float:right;font-variant-numeric:tabular-nums">{100 * share:.0f} %</span>'
        '<div style="height:6px;background:#1b2127;border-radius:3px;margin-top:3px">'
        f'<div style="height:6px;width:{100 * share:.1f}%;background:#5aa7e0;border-radius:3px"></div></div></div>'
    )


def _answer(run: Run, one: Made) -> None:
    """Verdict and agreement, where the run got that far."""
    if not one.sample:
        st.caption("Verdicts and agreement come when all cells are made.")
        return
    prompt_fit(run, one.sample)
    verdict_line(one.sample.get("verdict"))


def _actions(run: Run, shown: Comparison, on_reference: Callable[[], None]) -> None:
    one = shown.one
    if one.sample.get("neighbours"):
        where = {QueryKey.SET: run.id, QueryKey.SAMPLE: one.sample["image_id"]}
        link_with("neighbours", "See its nearest training images", where, ":material/compare:")
    with st.container(horizontal=True):
        if shown.free and not shown.same:
            st.button(
                "Compare all with this", on_click=on_reference, icon=":material/compare:",
                help="Takes this cell as the reference of every difference.", key=f"{Key.PAIR}.reference.{run.id}",
            )  # fmt: skip
        st.button(
            "Recall", on_click=recall_cell, args=(one.cell.request,), icon=":material/undo:",
            help="Puts this cell's whole recipe into the composer.", key=f"{Key.PAIR}.recall.{run.id}",
        )  # fmt: skip
        st.download_button(
            "PNG with recipe", lambda: read_artifact(one.artifact), f"cell-{one.number + 1}-{one.artifact[:8]}.png",
            "image/png", icon=":material/download:", on_click="ignore", key=f"{Key.PAIR}.png.{run.id}.{one.number}",
        )  # fmt: skip
