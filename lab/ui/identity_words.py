"""What is known of the networks that know patients or copies, in words and badges."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from lab.identification.card import IdentityCard, list_cards
from lab.ui.frame import plain

BY_CHANCE, WEAK, GOOD = 0.55, 0.8, 0.95
QUESTIONS = {"patient": "Patients (Re-ID network)", "copy": "Copies (copy embedding)"}
AUC_HELP = (
    "Verification AUC: the chance that two images of one patient score higher than two of different patients, on "
    "patients the network has never seen. 0.5 is guessing, 1 never errs."
)


def known() -> dict[str, tuple[Path, IdentityCard]]:
    """Networks here by "DATASET · question"."""
    return {f"{card.dataset} · {card.question}": (folder, card) for folder, card in list_cards()}


def card_for(dataset: str, question: str = "patient") -> IdentityCard | None:
    """The network in use for a dataset, None without any."""
    return next(
        (card for _, card in list_cards() if card.dataset == dataset and card.question == question), None
    )


def worth(told: Mapping[str, Any]) -> str:
    """ "AUC 0.889 (0.876 to 0.903) on 400 patients"."""
    if not told:
        return "verification not measured"
    reach = "" if told.get("low") is None else f" ({told['low']:.3f} to {told['high']:.3f})"
    return f"AUC {told['auc']:.3f}{reach} on {told['patients']:,} patients"


def judgement(told: Mapping[str, Any], question: str = "patient") -> str:
    """How far scores can be believed, as a sentence."""
    if not told:
        return "Nobody has measured this network here: read its scores with care."
    # What the interval allows, not its middle, decides the word.
    sure = told["auc"] if told.get("low") is None else told["low"]
    few = "" if told.get("low") is not None else " Fewer than 20 patients judged it, so there is no interval."
    what = "two images of one patient" if question == "patient" else "an image and its altered copy"
    if sure < BY_CHANCE:
        return f"It hardly tells {what} from strangers: its scores say nothing. Train it longer.{few}"
    if sure < WEAK:
        return f"It often takes strangers for {what}: read a score only beside the held-out control.{few}"
    if sure < GOOD:
        return f"It mostly tells {what} from strangers; single scores still err.{few}"
    return f"It tells {what} from strangers nearly always.{few}"


def badge(told: Mapping[str, Any], name: str = "Re-ID network") -> None:
    """The network's worth, to stand beside a score."""
    sure = 0.0 if not told else told["auc"] if told.get("low") is None else told["low"]
    words, icon = plain(f"{name}: {worth(told)}"), ":material/verified_user:"
    if sure >= WEAK:
        st.badge(words, icon=icon, color="green" if sure >= GOOD else "blue", help=AUC_HELP)
    else:
        st.badge(words, icon=icon, color="orange", help=AUC_HELP)
