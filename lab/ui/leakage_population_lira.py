"""LiRA on the page: what an attacker with films of his own could do, shown on small models trained on the spot."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from lab.charts.roc import Curve, roc_figure
from lab.runs.leakage_requests import lira_run
from lab.runs.records import Run
from lab.runs.store import RunStore
from lab.ui.leakage_population_numbers import latest
from lab.ui.run_panel import duration, expected, stand_in, submit

HELP = (
    "LiRA (Carlini et al. 2022), the strongest known attack: small models, called shadow models, are trained on "
    "random "
    "halves of the patients. For each film they tell how a model behaves that saw it, and how one that did not; "
    "a last "
    "model is held against both."
)
WORDS = {
    "lira-online": "LiRA",
    "lira-offline": "LiRA, from models that never saw the film",
    "loss": "Denoising loss alone",
}


def small_models(dataset: str) -> None:
    """A button with its cost, the progress, or the curves."""
    with st.expander(
        "The strongest attack, LiRA, on small models trained here", icon=":material/model_training:"
    ):
        spec = lira_run(dataset)
        done = RunStore.open().find_done(spec.digest)
        if done is not None:
            _shown(done)
            return
        going = latest(spec)
        if going is not None:
            stand_in(going)
            return
        left, right = st.columns([0.25, 0.75], vertical_alignment="center")
        if left.button("Train and attack", icon=":material/model_training:", width="stretch", help=HELP):
            submit(spec)
            st.rerun()
        models = int(spec.settings["shadows"]) + 1
        cost = expected("lira", models, lambda run: float(run.spec.settings["shadows"]) + 1.0)
        told = (
            "a few minutes" if cost is None else f"about {duration(cost[0])}, judging by {cost[1]} past runs"
        )
        right.caption(
            f"{models} small models are trained on halves of {spec.settings['patients']} training patients, at "
            "32 pixels, "
            f"beside all other work: {told}. Nothing of them is kept but the scores. It says how much can leak "
            "from a "
            "model of this size, not what the generator above leaks."
        )


def _shown(run: Run) -> None:
    result: dict[str, Any] = run.result or {}
    told = {one["name"]: one for one in result["attacks"]}
    left, right = st.columns([0.62, 0.38], gap="medium")
    drawn = [_curve(one, WORDS.get(name, name)) for name, one in told.items()]
    if told["lira-online"].get("control"):
        words = "Control: the same attack on the shadow models, which saw other halves"
        drawn.append(_curve(told["lira-online"]["control"], words, True))
    with left:
        st.plotly_chart(
            roc_figure(drawn, height=340), config={"displayModeBar": False}, theme=None, key="leakage.population.lira",
            alt=f"ROC curves of LiRA, area {told['lira-online']['area']:.2f}",
        )  # fmt: skip
    with right:
        one = told["lira-online"]
        st.markdown(
            f"**Area {one['area']:.2f}** ({one['low']:.2f} to {one['high']:.2f}) for a small model trained on "
            f"{one['members']} films, with {result['shadows']} shadow models; 0.5 is chance.",
            help=HELP,
        )
        st.markdown(
            f"Best balanced accuracy {one['best']:.2f} ({one['best_low']:.2f} to {one['best_high']:.2f}); on "
            "patients that "
            f"did not choose the threshold {one['accuracy']:.2f} ({one['accuracy_low']:.2f} to "
            f"{one['accuracy_high']:.2f})."
        )
        st.caption(
            "Small models at 32 pixels: it says how much can leak from a model of this size, not what the "
            "generator above "
            "leaks. With fewer than 100 films a model never saw, a rate at 1 % false alarms cannot be told."
        )


def _curve(told: dict[str, Any], name: str, control: bool = False) -> Curve:
    fpr, tpr = np.array(told["fpr"]), np.array(told["tpr"])
    return Curve(name, fpr, tpr, told["area"], told["low"], told["high"], control)
