"""How much it takes: share of films given back, by how often training saw them and by how many films there were."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from lab.charts.dose import LINES, Dose, dose_figure
from lab.errors import StoreError
from lab.gates.planted import CONTROL
from lab.gates.report import FOLDER, read_report
from lab.generators.cards import get_card, list_cards
from lab.generators.training.plant import MEMBERS
from lab.leakage.evidence import GROUPS, Evidence, stored_evidence
from lab.leakage.extraction import Ask
from lab.neighbours.intervals import wilson
from lab.runs.leakage_requests import extraction_run
from lab.ui.frame import missing, plain
from lab.ui.leakage_cause_ask import Suspect, followed, one_dataset, suspects
from lab.ui.leakage_cause_sweep import PLAIN
from lab.ui.sample_card import percent
from lab.ui.sample_grid import preview
from lab.ui.state import LeakageKey as Key

FILMS = (2, 4, 8)
SEEDS = 4


def dose() -> None:
    """Stored evidence at once; on request the same question asked anew, of the well-trained generator too."""
    known, broken = stored_evidence(list_cards())
    for sentence in broken:
        st.warning(plain(sentence))
    siblings = [one for one in known if not one.mitigation and one.films is not None]
    if not siblings:
        missing(
            "No generator has a report on planted films yet.",
            "It is made by a command.",
            "library",
            "Generators",
        )
        return
    dataset = one_dataset([one.dataset for one in siblings], "dose")
    siblings = [one for one in siblings if one.dataset == dataset]
    chart, numbers = st.container(), st.container()
    doses = [*stored_doses(siblings), *_asked_now(dataset)]
    with chart:
        st.plotly_chart(dose_figure(doses), key=f"{Key.CAUSE_CHART}.dose", config=PLAIN)
    with numbers:
        st.dataframe(table_of(doses), hide_index=True, height="content")
        st.caption(
            "Each film is asked for by its own caption; it counts as given back when a sample has that film as the "
            "nearest and the verdict is near-copy. In brackets: 95 % interval; n: films asked for. Held-out films were "
            "never trained on, so what is found there is false alarm."
        )
        if any(dose.live for dose in doses):
            st.caption(
                "Measured now: the same films are asked of every generator. The well-trained one, with the most films, "
                "saw none of them more often than any other."
            )
    with st.expander("Where the stored numbers come from"):
        for one in siblings:
            st.markdown(plain(one.title))
            st.code(one.command, language="bash")


def stored_doses(siblings: Sequence[Evidence]) -> list[Dose]:
    """The stored shares as points of the chart."""
    return [
        Dose(one.title, one.films or 0, group, figure.value, figure.low, figure.high, figure.n or 0)
        for one in siblings
        for group, figure in one.found.items()
        if figure.value is not None and figure.low is not None and figure.high is not None
    ]


def table_of(doses: Sequence[Dose]) -> pd.DataFrame:
    """A row a kind of film, a column a generator, each number with its interval and n."""
    rows: dict[tuple[bool, str], dict[str, str]] = {}
    for dose in sorted(doses, key=lambda one: one.films):
        name = LINES[dose.group].name + (", measured now" if dose.live else "")
        row = rows.setdefault((dose.live, dose.group), {"Films asked for": name})
        row[f"Trained on {dose.films:,}"] = (
            f"{percent(dose.share, 0)} ({percent(dose.low, 0)} to {percent(dose.high, 0)}), n = {dose.n}"
        )
    order = sorted(rows, key=lambda key: (key[0], list(LINES).index(key[1])))
    return pd.DataFrame([rows[key] for key in order]).fillna("–")


def _asked_now(dataset: str) -> list[Dose]:
    """Ask all siblings and the well-trained generator for the same few films, where a person wants to."""
    here = [one for one in suspects() if one.card.over_trained and one.dataset == dataset]
    if not here:
        return []
    with st.expander("Ask again now, and ask the well-trained generator too"):
        count = st.segmented_control(
            "Films of each kind", FILMS, default=FILMS[0], key=f"{Key.CAUSE_COUNT}.dose", required=True,
            persist_state="session", help=f"Each is asked for by its own caption with {SEEDS} seeds.",
        )  # fmt: skip
        asks = live_asks(here, int(count or FILMS[0]))
        spec = extraction_run(asks, range(SEEDS), here[0].dataset)
        run = followed(
            spec, f"Ask {len({ask.generator for ask in asks})} generators", len(asks) * SEEDS, preview
        )
        if run is None:
            st.caption(
                "Few films give wide intervals; the stored reports ask for 20 of each kind with ten seeds."
            )
            return []
        return live_doses(run.result or {})


def live_asks(here: Sequence[Suspect], count: int) -> list[Ask]:
    """The same repeated, once-seen and held-out films for every generator.

    Films seen once are those that all siblings were trained on: the list of the one with the fewest films.
    """
    first = min(here, key=lambda one: int(one.card.measured.get("training_films", 0)))
    once = [
        film for film in first.films if film.copies == 1 and all(_member(one, film.image_id) for one in here)
    ]
    films = [("repeated", film.image_id, film.caption, "train") for film in first.planted[:count]]
    films += [("once", film.image_id, film.caption, "train") for film in once[:count]]
    films += [("held-out", name, caption, "held-out") for name, caption in held_out_films(first, count)]
    cards = [one.card for one in here]
    cards += [first.control] if first.control is not None else []
    return [
        Ask(card.id, caption, name, f"{card.title}: {caption}", group, split)
        for card in cards
        for group, name, caption, split in films
    ]


def held_out_films(suspect: Suspect, count: int) -> list[tuple[str, str]]:
    """The held-out films that the stored report asked for, as (image id, caption); none without a report."""
    if suspect.card.root is None:
        return []
    try:
        report = read_report(suspect.card.root / FOLDER / "planted.json")
    except StoreError:
        return []
    return [(str(one["image_id"]), str(one["caption"])) for one in report.details.get(CONTROL, [])[:count]]


def live_doses(result: Mapping[str, Any]) -> list[Dose]:
    """Shares by generator and kind of film: a film counts as found when one of its seeds gives it back."""
    found: dict[tuple[str, str], list[bool]] = {}
    for ask in result.get("asks", []):
        found.setdefault((ask["generator"], ask["role"]), []).append(ask["found"] > 0)
    doses = []
    for (generator, group), hits in found.items():
        card, share = get_card(generator), wilson(sum(hits), len(hits))
        films = card.measured.get("training_films")
        if isinstance(films, int) and group in GROUPS:
            doses.append(Dose(card.title, films, group, share.value, share.low, share.high, share.n, True))
    return doses


def _member(suspect: Suspect, image_id: str) -> bool:
    """Whether a film is among those a generator was trained on; where no list says so, its own films are."""
    place = suspect.card.root / MEMBERS if suspect.card.root is not None else None
    try:
        names = (
            json.loads(place.read_text(encoding="utf-8")) if place is not None and place.is_file() else None
        )
    except (OSError, ValueError):
        names = None
    return (
        image_id in names if names is not None else any(film.image_id == image_id for film in suspect.films)
    )
