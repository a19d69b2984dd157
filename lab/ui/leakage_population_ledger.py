"""The privacy ledger: what a training with differential privacy states, checked, and drawn against the attack."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lab.errors import InputError
from lab.leakage.dp import ACCOUNTANTS, UNITS, Checked, Ledger, bound, check_ledger
from lab.ui.frame import plain, refuse
from lab.ui.state import LeakageKey as Key

Floats = NDArray[np.float64]
HELP = (
    "Differential privacy limits what any attack can learn about one image or patient. Training "
    "clips each gradient and adds "
    "noise; epsilon and delta say how strict the limit is: smaller is stricter."
)
FIELDS = {
    "epsilon": ("Epsilon ε", 8.0, "%.4f"),
    "delta": ("Delta δ", 1e-5, "%.2e"),
    "clip": ("Clipping norm C", 1.0, "%.4f"),
    "noise": ("Noise multiplier σ", 1.0, "%.4f"),
    "rate": ("Sampling rate q", 0.01, "%.5f"),
}


def ledger(attack: dict[str, Any], trained: int) -> tuple[Floats, Floats] | None:
    """The ledger's form and what it says of this attack.

    Args:
        attack: one attack of a membership run.
        trained: films the generator was trained on.

    Returns:
        False-positive rates and the largest true-positive rates allowed, to be drawn; None without a ledger that holds
        together.
    """
    with st.expander("Was it trained with differential privacy?", icon=":material/shield_lock:"):
        st.caption(HELP)
        given = _form()
        if given is None:
            return None
        checked = _checked(given, trained)
        if isinstance(checked, InputError):
            refuse(checked)
            return None
        _told(checked, attack)
    fpr = np.unique(np.concatenate([np.geomspace(1e-3, 1.0, 200), [0.0]]))
    return fpr, bound(given.epsilon, given.delta, fpr)


def _checked(given: Ledger, trained: int) -> Checked | InputError:
    """The ledger recomputed, or why not; computed once, as an exact accountant takes a second."""
    key = f"{Key.POPULATION_LEDGER}.checked"
    kept = st.session_state.get(key)
    if kept is None or kept[0] != (given, trained):
        try:
            found: Checked | InputError = check_ledger(given, trained)
        except InputError as error:
            found = error
        kept = ((given, trained), found)
        st.session_state[key] = kept
    return kept[1]


def _form() -> Ledger | None:
    """The ledger as entered; None until it was checked once."""
    with st.form(str(Key.POPULATION_LEDGER), border=False):
        values: dict[str, float] = {}
        columns = st.columns(2)
        for place, (name, (label, start, shape)) in enumerate(FIELDS.items()):
            values[name] = float(
                columns[place % 2].number_input(
                    label, value=start, format=shape, step=None, key=f"{Key.POPULATION_LEDGER}.{name}"
                )
                or 0.0
            )
        steps = columns[1].number_input(
            "Steps", value=1000, step=1, min_value=1, key=f"{Key.POPULATION_LEDGER}.steps"
        )
        accountant = columns[0].selectbox(
            "Accountant",
            ACCOUNTANTS,
            key=f"{Key.POPULATION_LEDGER}.accountant",
            help="How epsilon was computed from the rest.",
        )
        unit = columns[1].selectbox(
            "Unit",
            UNITS,
            key=f"{Key.POPULATION_LEDGER}.unit",
            help="What is protected as a whole: one image, or all images of a patient.",
        )
        asked = st.form_submit_button("Check the ledger")
    if asked:
        st.session_state[f"{Key.POPULATION_LEDGER}.given"] = Ledger(
            **values, steps=int(steps or 0), accountant=str(accountant), unit=str(unit)
        )
    kept = st.session_state.get(f"{Key.POPULATION_LEDGER}.given")
    return kept if isinstance(kept, Ledger) else None


def _told(checked: Checked, attack: dict[str, Any]) -> None:
    stated = checked.ledger
    st.markdown(
        f"Recomputed at δ = {stated.delta:g}: **ε = {checked.recomputed:.3f}** by the RDP accountant"
        + ("" if checked.exact is None else f", **{checked.exact:.3f}** by the PRV accountant")
        + f"; stated {stated.epsilon:g} ({stated.accountant}).",
        help="RDP gives an upper bound of epsilon. PRV follows the privacy loss itself and is nearly exact. The "
        "clipping "
        "norm C scales the noise and does not change epsilon.",
    )
    for remark in checked.remarks:
        st.caption(plain(remark))
    lower = lower_at(attack["lower_epsilon"], stated.delta)
    if lower is None:
        st.caption(
            "The attack shows no epsilon above 0, so it does not contradict the ledger; another attack might."
        )
    elif lower > stated.epsilon:
        st.error(
            f"The attack contradicts the ledger: what it recognises needs an epsilon of at least {lower:.2f}, and "
            f"{stated.epsilon:g} is stated. The ledger does not describe this generator's training."
        )
    else:
        st.caption(f"The attack needs an epsilon of at least {lower:.2f}: it does not contradict the ledger.")


def lower_at(bounds: dict[str, float | None], delta: float) -> float | None:
    """The lower bound at the smallest delta measured that is not below the stated one: never more than it proves."""
    fitting = sorted((float(known), value) for known, value in bounds.items() if float(known) >= delta)
    return fitting[0][1] if fitting else None
