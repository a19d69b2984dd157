"""What membership attacks found: all curves in one chart, one in focus, and a table with intervals and controls."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from lab.charts.roc import Curve, roc_figure
from lab.generators.card import GeneratorCard
from lab.leakage.attacks.catalogue import ATTACKS, WHITE
from lab.runs.records import Run
from lab.ui.frame import plain
from lab.ui.leakage_population_ledger import ledger
from lab.ui.sample_card import DETECTORS
from lab.ui.state import LeakageKey as Key

HALVES = "Control: one half of the unseen patients against the other"
COLUMNS = {
    "Area": "Area under the curve with its 95 % interval by patient; 0.5 is chance.",
    "Halves": "The control: the same attack on films it never saw, one half of the patients against the other. "
    "There is "
    "nothing to find, so it should lie about 0.5.",
    "Other generator": "The same films against a generator that was not over-trained.",
    "Best accuracy": "How often it is right of members and of others with the best threshold (attack success "
    "rate). That "
    "threshold was chosen on these very films, so chance alone gives more than 0.5.",
    "On other patients": "The same with a threshold chosen on one half of the patients and tried on the other; "
    "0.5 is "
    "chance.",
    "At 1 %": "Members recognised where 1 % of the films it never saw raise a false alarm. Told of 100 such "
    "films or more.",
    "At 0.1 %": "Members recognised at 0.1 % false alarms. Told of 1,000 films it never saw or more.",
    "Epsilon at least": "The smallest epsilon of differential privacy, at delta 0.00001, that this attack "
    "leaves possible "
    "with 95 % confidence; a dash: it shows none.",
}


def curves(run: Run, control: Run | None, beside: GeneratorCard | None) -> None:
    """Draw a finished run; `control` is the same on another generator."""
    result = run.result or {}
    told = {one["name"]: one for one in result["attacks"]}
    honest = {one["name"]: one for one in ((control.result if control else None) or {}).get("attacks", [])}
    if not told:
        st.caption(plain(result.get("closed", "")) or "No attack was possible on this generator.")
        return
    left, right = st.columns([0.62, 0.38], gap="medium")
    with right:
        name = _focus(told)
        log = st.toggle("Logarithmic axes", value=True, key=Key.POPULATION_LOG, persist_state="session",
                        help="For privacy the left end matters: few false alarms.")  # fmt: skip
        _sentences(told[name], honest.get(name), run, beside)
        bound = ledger(told[name], int(result.get("trained", 0)))
    with left:
        st.plotly_chart(
            roc_figure(_lines(told, name, honest.get(name), beside), bound, log), config={"displayModeBar": False},
            theme=None, key="leakage.population.roc", alt=f"ROC curves; {attack_words(name)}, area "
            f"{told[name]['area']:.2f}",
        )  # fmt: skip
    _table(told, honest)
    if reason := result.get("closed"):
        st.caption(plain(reason))


def attack_words(name: str) -> str:
    """An attack of a result in words."""
    if name.startswith(WHITE):
        attack = ATTACKS.get(name.removeprefix(WHITE))
        return attack.title if attack else name
    detector = name.removeprefix("black-box ")
    return f"Black box: {DETECTORS.get(detector, detector).lower()}"


def _focus(told: dict[str, Any]) -> str:
    names = sorted(told, key=lambda name: -told[name]["area"])
    picked = st.selectbox(
        "In focus", names, format_func=attack_words, key=Key.POPULATION_ATTACK, persist_state="session",
        help="The attack drawn bold, the one with the largest area first. A ledger is held against it.",
    )  # fmt: skip
    return str(picked) if picked in told else names[0]


def _lines(
    told: dict[str, Any], name: str, honest: dict[str, Any] | None, beside: GeneratorCard | None
) -> list[Curve]:
    drawn = [_curve(one, attack_words(other), quiet=other != name) for other, one in told.items()]
    if told[name].get("control"):
        drawn.append(_curve(told[name]["control"], HALVES, control=True))
    if honest is not None:
        drawn.append(_curve(honest, f"Control: {beside.title if beside else ''}", control=True))
    return drawn


def _curve(told: dict[str, Any], name: str, control: bool = False, quiet: bool = False) -> Curve:
    fpr, tpr = np.array(told["fpr"]), np.array(told["tpr"])
    return Curve(name, fpr, tpr, told["area"], told["low"], told["high"], control, quiet)


def _sentences(
    told: dict[str, Any], honest: dict[str, Any] | None, run: Run, beside: GeneratorCard | None
) -> None:
    result = run.result or {}
    st.markdown(
        f"**Area {told['area']:.2f}** ({told['low']:.2f} to {told['high']:.2f}); 0.5 is chance. "
        f"{told['members']:,} films it saw, of {told['member_patients']:,} patients, against "
        f"{told['others']:,} it never saw, of {told['other_patients']:,}."
    )
    if honest is not None and beside is not None:
        st.markdown(
            f"Control, the same films on {plain(beside.title)}: **{honest['area']:.2f}** "
            f"({honest['low']:.2f} to {honest['high']:.2f})."
        )
    rate = _at(told, 0.01)
    if rate is None:
        st.caption("With fewer than 100 films it never saw, a rate at 1 % false alarms cannot be told.")
    else:
        st.markdown(
            f"At 1 % false alarms it recognises {100 * rate['hits'] / rate['n']:.0f} % of members "
            f"({rate['hits']} of {rate['n']}, {100 * rate['low']:.0f} to {100 * rate['high']:.0f} %)."
        )
    st.caption(_alike(result))


def _alike(result: dict[str, Any]) -> str:
    """Whose films these are and in what both sides are alike."""
    matched = result.get("matched") or {}
    words = []
    if matched.get("columns"):
        told = " and ".join(matched["columns"])
        words.append(
            f"Both sides are matched by {told}; their mixes differ by {100 * matched['apart']:.0f} %."
        )
    if not result.get("listed"):
        words.append(
            "Members: all training images of the dataset, as no list of its training films lies beside its card."
        )
    return " ".join(words)


def _table(told: dict[str, Any], honest: dict[str, Any]) -> None:
    rows = [_row(name, one, honest.get(name)) for name, one in told.items()]
    shown = [name for name in COLUMNS if any(row[name] != "–" for row in rows)]
    columns = {name: st.column_config.TextColumn(help=COLUMNS[name]) for name in shown}
    st.dataframe(
        pd.DataFrame(rows)[["Attack", *shown]], hide_index=True, height="content", column_config=columns
    )


def _row(name: str, one: dict[str, Any], beside: dict[str, Any] | None) -> dict[str, str]:
    lower = (one.get("lower_epsilon") or {}).get("1e-05")
    return {
        "Attack": attack_words(name),
        "Area": _within(one, "area", "low", "high"),
        "Halves": _within(one.get("control"), "area", "low", "high"),
        "Other generator": _within(beside, "area", "low", "high"),
        "Best accuracy": _within(one, "best", "best_low", "best_high"),
        "On other patients": _within(one, "accuracy", "accuracy_low", "accuracy_high"),
        "At 1 %": _rate(_at(one, 0.01)),
        "At 0.1 %": _rate(_at(one, 0.001)),
        "Epsilon at least": "–" if lower is None else f"{lower:.2f}",
    }


def _at(told: dict[str, Any], level: float) -> dict[str, Any] | None:
    """The rate at that many false alarms; None where too few non-members stand behind it."""
    return next((one for one in told["rates"] if one["fpr"] == level), None)


def _rate(rate: dict[str, Any] | None) -> str:
    if rate is None:
        return "–"
    return f"{100 * rate['hits'] / rate['n']:.0f} % ({100 * rate['low']:.0f} to {100 * rate['high']:.0f})"


def _within(told: dict[str, Any] | None, value: str, low: str, high: str) -> str:
    return (
        "–" if not told or value not in told else f"{told[value]:.2f} ({told[low]:.2f} to {told[high]:.2f})"
    )
