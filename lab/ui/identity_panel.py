"""A network that knows patients: train it, watch it, and read what it is worth before any score is believed."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from lab.charts.verification import scores_figure, verification_curve
from lab.identification.card import IdentityCard
from lab.runs.records import Run
from lab.ui.frame import facts, plain
from lab.ui.identity_form import KIND, form
from lab.ui.identity_words import AUC_HELP, QUESTIONS, badge, judgement, known
from lab.ui.privacy_runs import PrivacyTest
from lab.ui.run_panel import duration
from lab.ui.state import PrivacyKey as Key

_QUIET = {"displayModeBar": False}


def result(run: Run) -> None:
    """What the network of a finished training is worth."""
    st.subheader("What it is worth", anchor=False)
    _judged(IdentityCard(**_card(run.result or {})))


def networks(run: Run | None) -> None:
    """All networks here; where the run on screen has no result, the first of them is looked at closely."""
    here = known()
    st.subheader("Networks here", anchor=False)
    if not here:
        st.caption(
            "There is none yet, so no re-identification score can be measured. Train one with the form above; fifty "
            "steps of 32 pixels take a minute and show how it goes."
        )
        return
    st.dataframe(
        pd.DataFrame([_row(card) for _, card in here.values()]),
        hide_index=True,
        height="content",
        column_config=_columns(),
    )
    if run is not None and run.state == "done":
        return
    name = st.selectbox(
        "Look at",
        list(here),
        format_func=lambda one: here[one][1].title,
        key=Key.NETWORK,
        persist_state="session",
    )
    _judged(here[str(name)][1])


def _judged(card: IdentityCard) -> None:
    """Badge, sentence, distribution of scores and ROC curve of one network."""
    told = card.verification
    badge(told, card.title)
    st.markdown(plain(judgement(told, card.question)))
    if told and told.get("histogram"):
        left, right = st.columns(2, gap="medium")
        with left:
            st.plotly_chart(
                scores_figure(told, card.question), config=_QUIET, theme=None, key=f"privacy.scores.{card.title}",
                alt="Scores of pairs of one patient and of pairs of two",
            )  # fmt: skip
        with right:
            st.plotly_chart(
                verification_curve(told), config=_QUIET, theme=None, key=f"privacy.roc.{card.title}",
                alt=f"ROC curve of verification, area {told['auc']:.3f}",
            )  # fmt: skip
        if not told.get("roc"):
            st.caption(
                "This network's card keeps its scores in twenty bins: the curve is drawn through those and lies a "
                "little below the true one. The area is of the true one."
            )
    with st.expander("How it was trained and judged"):
        facts(_facts(card))
        st.caption(plain(card.notes))


def _facts(card: IdentityCard) -> dict[str, object]:
    told, training = card.verification, card.training
    rows: dict[str, object] = {"Dataset": card.dataset, "Origin": card.origin, "Licence": card.licence}
    rows["Sees"] = (
        f"{card.size} x {card.size} pixels, {'ResNet-50' if card.trunk == 'resnet50' else 'small residual network'}"
    )
    if training:
        rows["Learned from"] = (
            f"{training.get('images', 0):,} images of {training.get('patients', 0):,} patients"
        )
        rows["Training"] = (
            f"{training.get('steps', 0):,} steps in {duration(float(training.get('seconds', 0)))}"
        )
    if told:
        rows["Judged on"] = (
            f"{told['same_pairs']:,} pairs of one patient, {told['other_pairs']:,} pairs of two"
        )
        rows["Equal error rate"] = f"{told['equal_error']:.1%}"
        rows["At its threshold"] = (
            f"{told['threshold']:.3f}: {told['missed']:.1%} of pairs of one patient missed, {told['taken']:.1%} of "
            "pairs of two taken for one"
        )
    return rows


def _row(card: IdentityCard) -> dict[str, Any]:
    told = card.verification
    return {
        "Dataset": card.dataset, "Recognises": QUESTIONS[card.question], "Origin": card.origin,
        "AUC": told.get("auc"), "Low": told.get("low"), "High": told.get("high"),
        "Equal error": told.get("equal_error"), "Patients": told.get("patients"), "Steps": card.training.get("steps"),
    }  # fmt: skip


def _columns() -> dict[str, Any]:
    numbers = {name: st.column_config.NumberColumn(format="%.3f") for name in ("Low", "High")}
    return numbers | {
        "AUC": st.column_config.NumberColumn(format="%.3f", help=AUC_HELP),
        "Equal error": st.column_config.NumberColumn(
            format="percent",
            help="The rate at which pairs of one patient are missed as often as pairs of two are taken for one.",
        ),
        "Patients": st.column_config.NumberColumn(help="Patients it has never seen, on whom it was judged."),
    }


def _card(result: dict[str, Any]) -> dict[str, Any]:
    told = dict(result["card"])
    return told | {"widths": tuple(told["widths"])}


def _line(run: Run) -> str:
    asked = run.spec.settings
    return f"{asked['dataset']} · {QUESTIONS[asked['question']]} · {asked['steps']:,} steps of {asked['size']} px"


IDENTITY = PrivacyTest(
    KIND,
    "A network that knows patients",
    "Train the judge of re-identification on this dataset's own patients, and see how far it can be believed.",
    "A network learns from patients with two images or more.",
    "Train a network",
    form,
    _line,
    result,
    "The result says how well the network tells patients apart that it has never seen.",
    after=networks,
)
