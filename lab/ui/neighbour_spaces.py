"""The same image in several spaces: a picture of the ranks, and one line on how far the spaces agree."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from lab.charts.spaces import RankLine, rank_figure
from lab.features.extractors import DEFAULT, EXTRACTORS, default_extractors
from lab.neighbours.perceptual import NAME as LPIPS
from lab.neighbours.perceptual import why_not
from lab.runs.neighbour_requests import spaces_run
from lab.runs.records import Run
from lab.runs.requests import embed_run
from lab.runs.store import RunStore
from lab.ui.films import case_code
from lab.ui.frame import plain
from lab.ui.run_panel import find, stand_in, submit
from lab.ui.sets import card_of
from lab.ui.state import NeighboursKey as Key
from lab.ui.subjects import Subject

TITLES = {"pixels": "Pixels (registered)", "structure": "Structure (SSIM)", LPIPS: "LPIPS (of the nearest)"}
HELP = (
    "Pixels: registered correlation at 48 px. Structure: SSIM after the same registration. The others: cosine of an "
    "extractor's features. LPIPS, where its weights are here, compares the films that are nearest in some other space. "
    "A film near in all of them is near; near in one alone may be an accident of that space."
)


def spaces_panel(subject: Subject) -> None:
    """Choose the spaces, start the comparison, and show its picture; nothing is computed before it is asked for."""
    if not subject.neighbours or not subject.artifact:
        return
    st.markdown("**The same neighbours in other spaces**", help=HELP)
    lacking = why_not()
    names = [*EXTRACTORS, *([] if lacking else [LPIPS])]
    ready = {name for name in names if name == LPIPS or _extracted(subject.dataset, name)} | {DEFAULT}
    preferred = default_extractors(_colour(subject.dataset))
    left, right = st.columns([0.75, 0.25], vertical_alignment="bottom")
    with left:
        chosen = st.multiselect(
            "Feature spaces beside pixels and structure",
            names,
            default=[name for name in preferred if name in ready] or [DEFAULT],
            format_func=lambda name: (
                title_of(name) if name in ready else f"{name} (features to be extracted first)"
            ),
            key=f"{Key.SPACES}.{subject.dataset}",
            max_selections=8,
            persist_state="session",
        )
    shown = [str(match["image_id"]) for match in subject.neighbours]
    spaces = [name for name in chosen if name != LPIPS]
    spec = spaces_run(subject.artifact, subject.dataset, shown, spaces, LPIPS in chosen) if spaces else None
    done = RunStore.open().find_done(spec.digest) if spec else None
    with right:
        asked = st.button(
            "Compare spaces",
            icon=":material/ssid_chart:",
            width="stretch",
            disabled=spec is None or done is not None,
        )
    if lacking:
        st.caption("LPIPS is left out, because its weights are not on this machine.", help=plain(lacking))
    if asked and spec is not None:
        run = submit(spec)
        st.session_state[Key.SPACES_RUN] = run.id
    going = find(st.session_state.get(Key.SPACES_RUN))
    if done is not None:
        _picture(done)
    elif going is not None and spec is not None and going.digest == spec.digest:
        stand_in(going)


def _extracted(dataset: str, name: str) -> bool:
    return RunStore.open().find_done(embed_run(dataset, name).digest) is not None


def _colour(dataset: str) -> bool:
    card = card_of(dataset)
    return card is not None and "derm" in str(getattr(card, "modality", "")).lower()


def _picture(run: Run) -> None:
    result = run.result or {}
    titles = [title_of(space["name"]) for space in result["spaces"]]
    lines = rank_lines(result)
    st.plotly_chart(
        rank_figure(titles, lines, result["n"]), key=f"{Key.SPACES}.chart", config={"displayModeBar": False}
    )
    st.caption(agreement_sentence(result))
    with st.expander("Numbers"):
        st.dataframe(_table(result), hide_index=True, height="content")


def title_of(space: str) -> str:
    """A space's name for people."""
    return TITLES.get(space, space)


def rank_lines(result: dict[str, Any]) -> list[RankLine]:
    """The lines of the picture; the first shown film leads."""
    lines: list[RankLine] = []
    for film in result["films"]:
        hover = ["not compared" if one is None else f"distance {one:.4f}" for one in film["distances"]]
        lead = bool(film["shown"]) and not any(line.lead for line in lines)
        lines.append(RankLine(case_code(film["image_id"]), film["ranks"], hover, lead, bool(film["shown"])))
    return lines


def agreement_sentence(result: dict[str, Any]) -> str:
    """How many spaces put the same film first, and the weakest and strongest pair of spaces."""
    firsts = [space["nearest"][0] for space in result["spaces"] if space["nearest"]]
    most = max(set(firsts), key=firsts.count)
    start = (
        f"All {len(firsts)} spaces put the same film first."
        if firsts.count(most) == len(firsts)
        else f"{firsts.count(most)} of {len(firsts)} spaces put film {case_code(most)} first."
    )
    pairs = [one for one in result["agreement"] if one["spearman"] is not None]
    if not pairs:
        return start
    low, high = (choose(pairs, key=lambda one: one["spearman"]) for choose in (min, max))
    told = [
        f"{title_of(one['first'])} and {title_of(one['second'])} agree {word} (rank correlation "
        f"{one['spearman']:.2f}, {one['overlap']} of the {result['top']} nearest shared)"
        for word, one in (("most", high), ("least", low))
    ]
    return f"{start} {told[0]}; {told[1]}." if low is not high else f"{start} {told[0]}."


def _table(result: dict[str, Any]) -> pd.DataFrame:
    rows = [
        {
            "Space": title_of(one["first"]),
            "and": title_of(one["second"]),
            "Rank correlation": one["spearman"],
            f"Shared of {result['top']} nearest": one["overlap"],
        }
        for one in result["agreement"]
    ]
    return pd.DataFrame(rows)
