"""What would help: each remedy with what it saves in privacy and what it costs in fidelity, and the output filter."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from lab.charts import theme
from lab.charts.remedies import Remedy, remedies_figure
from lab.config import settings
from lab.gates.report import Figure
from lab.generators.cards import list_cards
from lab.leakage.evidence import Evidence, stored_evidence, unmeasured
from lab.ui.films import may_be_public
from lab.ui.frame import plain
from lab.ui.leakage_cause_ask import one_dataset
from lab.ui.leakage_cause_filter import output_filter
from lab.ui.leakage_cause_sweep import PLAIN
from lab.ui.metric_words import interval
from lab.ui.sample_card import percent
from lab.ui.state import LeakageKey as Key

PRICE_HELP = (
    "Kernel distance of the samples of held-out captions to films of patients that no generator saw, times 1000: 0 "
    "where they cannot be told apart. Larger is less faithful."
)


def remedies() -> None:
    """The chart of all generators that were measured, what was not measured, and the output filter on any set."""
    cards = [card for card in list_cards() if not settings().public or may_be_public(card.training_dataset)]
    known, broken = stored_evidence(cards)
    for sentence in broken:
        st.warning(plain(sentence))
    dataset = one_dataset([one.dataset for one in known], "remedies")
    known = [one for one in known if one.dataset == dataset]
    marks = [mark for one in known if (mark := mark_of(one)) is not None]
    st.plotly_chart(remedies_figure(marks), key=f"{Key.CAUSE_CHART}.remedies", config=PLAIN)
    st.caption(
        "Filled marks are generators trained with a remedy, hollow ones without. Bars are 95 % intervals. The best "
        "corner is the lower left: nothing is given back, and samples look like films of new patients."
    )
    if known:
        _table(known)
    _without_price([one for one in known if mark_of(one) is None])
    waiting = list(unmeasured(known))
    if waiting:
        with st.expander(f"Not measured here yet ({len(waiting)})"):
            for words, command in waiting:
                st.markdown(plain(words))
                st.code(command, language="bash")
    st.divider()
    output_filter()


def mark_of(one: Evidence) -> Remedy | None:
    """The evidence as a mark of the chart; None where either number is missing."""
    found, price = one.found["repeated"], one.price
    if price is None or price.value is None or found.value is None or found.low is None or found.high is None:
        return None
    name = one.title
    if one.epsilon is not None and one.epsilon.value is not None:
        name = f"{name} (epsilon {theme.number(one.epsilon.value)})"
    return Remedy(
        name, bool(one.mitigation), found.value, found.low, found.high, found.n or 0, price.value, price.low,
        price.high,
    )  # fmt: skip


def _table(known: Sequence[Evidence]) -> None:
    private = any(one.epsilon is not None for one in known)
    rows = []
    for one in known:
        row = {
            "Generator": one.title,
            "Repeated films": _told(one.found["repeated"]),
            "Held-out films (control)": _told(one.found["held-out"]),
            "KD × 1000": _number(one.price),
        }
        if private:
            row["Epsilon"] = _number(one.epsilon)
        rows.append({**row, "Films seen once": _told(one.found["once"])})
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, height="content",
        column_config={
            "KD × 1000": st.column_config.TextColumn(help=PRICE_HELP),
            "Epsilon": st.column_config.TextColumn(
                help="Differential privacy: how much one patient can change what is learnt. Smaller is more private; "
                "above about 10 the bound says little."
            ),
        },
    )  # fmt: skip


def _told(figure: Figure) -> str:
    if figure.value is None or figure.low is None or figure.high is None:
        return "not measured"
    return (
        f"{percent(figure.value, 0)} ({percent(figure.low, 0)} to {percent(figure.high, 0)}), n = {figure.n}"
    )


def _number(figure: Figure | None) -> str:
    if figure is None or figure.value is None:
        return "–"
    return f"{theme.number(figure.value)}{interval(figure.low, figure.high)}"


def _without_price(missing: Sequence[Evidence]) -> None:
    if not missing:
        return
    names = ", ".join(one.title for one in missing)
    with st.expander(f"Without a fidelity figure yet ({len(missing)})"):
        st.markdown(plain(f"{names}: measured before fidelity was part of the report, so not in the chart."))
        for one in missing:
            st.code(one.command, language="bash")
