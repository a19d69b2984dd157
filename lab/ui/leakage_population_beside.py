"""What stands beside the threshold: closer to training or held-out, what chance gives, what the detectors miss."""

from __future__ import annotations

import streamlit as st

from lab.charts.sensitivity import Beside, Found, against_null, sensitivity_figure
from lab.leakage.population import Population, counts, expected_by_chance
from lab.metrics.registry import get_metric
from lab.runs.leakage_requests import closer_run
from lab.runs.prepare import calibration_run
from lab.runs.store import RunStore
from lab.ui.frame import plain
from lab.ui.leakage_population_choice import Chosen
from lab.ui.leakage_population_numbers import latest
from lab.ui.run_panel import stand_in, submit
from lab.ui.sample_card import DETECTORS

FEW = 10
_MISSED, _PARTLY = 0.5, 0.9
_QUIET = {"displayModeBar": False}


def closer(chosen: Chosen) -> None:
    """The share of samples closer to train than to held-out: its number, or a button that starts its run."""
    spec = get_metric("closer-to-training").spec
    st.markdown("**Closer to train than to held-out**", help=f"{spec.definition} Null: {spec.null}.")
    if chosen.images < FEW:
        st.caption(f"It takes {FEW} samples or more; there are {chosen.images}.")
        return
    asked = closer_run(chosen.reference, chosen.dataset)
    done = RunStore.open().find_done(asked.digest)
    if done is None:
        going = latest(asked)
        if going is not None:
            stand_in(going)
        elif st.button("Measure it", icon=":material/compare_arrows:", width="stretch"):
            submit(asked)
            st.rerun()
        else:
            st.caption(
                "It needs no threshold: an honest sample is as often closer to one side as to the other."
            )
        return
    told = (done.result or {})["results"][0]
    if told["value"] is None:
        st.caption(plain(told["note"]))
        return
    shares = [
        Beside("sample", "Samples", told["value"], told["low"], told["high"]),
        Beside("held-out", "Control", told["control"], told["control_low"], told["control_high"]),
    ]
    st.plotly_chart(
        against_null(shares, 0.5, "honest: 0.5"), config=_QUIET, key="leakage.population.closer", theme=None,
        alt=f"Share closer to train {told['value']:.2f}, control {told['control']:.2f}, honest is 0.5",
    )  # fmt: skip
    st.caption(
        f"Samples {told['value']:.2f}{_interval(told['low'], told['high'])}, n = "
        f"{told['n_synthetic']:,}; held-out control "
        f"{told['control']:.2f}{_interval(told['control_low'], told['control_high'])}, n = {told['n_held_out']:,}. "
        f"{plain(told['note'])}"
    )


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" ({low:.2f} to {high:.2f})"


def comparisons(of: Population) -> None:
    """The multiple-comparisons note in plain words."""
    st.markdown("**Some closeness is certain**")
    pairs = len(of.samples) * len(of.training)
    words = (
        f"{len(of.samples):,} samples against {len(of.training):,} training images are {pairs:,} "
        "comparisons: some pair will "
        "look alike by chance."
    )
    if of.limit is not None and len(of.held_out):
        alarms = counts(of, of.limit).alarms
        chance = expected_by_chance(len(of.samples), alarms)
        if alarms is not None and chance is not None:
            words += (
                f" The control shows how much: at the calibrated threshold {alarms.hits} of "
                f"{alarms.n:,} held-out images are "
                f"called near-copies, so of {len(of.samples):,} honest samples {chance[0]:.1f} to "
                f"{chance[1]:.1f} would be."
            )
    if not len(of.held_out):
        words += " This dataset has no held-out images, so nothing here shows how much."
    st.caption(words)


def blind_spots(dataset: str, detector: str) -> None:
    """What the chosen detector misses, beside its count: a zero means little where it is blind."""
    own = [one for one in _planted(dataset) if one.detector == DETECTORS.get(detector, detector)]
    if own:
        st.caption(
            f"Measured sensitivity, n = {own[0].n} planted copies of each kind. {plain(missed('This detector', own))}"
        )


def _planted(dataset: str) -> list[Found]:
    """Planted copies found, by kind and by each detector alone."""
    run = calibration_run(dataset)
    return [
        Found(
            str(one["kind"]),
            DETECTORS.get(name, name),
            share["value"],
            share["low"],
            share["high"],
            share["n"],
        )
        for one in ((run.result if run else None) or {}).get("canaries", [])
        for name, share in one["by_detector"].items()
    ]


def _planted_together(dataset: str) -> list[Found]:
    """Planted copies found by the verdict of all detectors."""
    run = calibration_run(dataset)
    shares = [
        (str(one["kind"]), one["found"]) for one in ((run.result if run else None) or {}).get("canaries", [])
    ]
    return [Found(kind, "Together", one["value"], one["low"], one["high"], one["n"]) for kind, one in shares]


def sensitivity(dataset: str) -> None:
    """Planted copies found, by kind and detector, with the sentence that follows from it."""
    found, together = _planted(dataset), _planted_together(dataset)
    if not found:
        st.caption(
            "No planted copies were measured on this dataset, so how sensitive the detectors are is not known."
        )
        return
    left, right = st.columns([0.62, 0.38], gap="medium")
    with left:
        st.plotly_chart(
            sensitivity_figure([*found, *together]), config=_QUIET, theme=None, key="leakage.population.canaries",
            alt="Share of planted copies found, by kind and detector",
        )  # fmt: skip
    with right:
        st.caption(
            f"Copies of {found[0].n} training images were planted, each changed in one way, and "
            "searched as samples are. "
            "Lines are 95 % intervals."
        )
        for detector in dict.fromkeys(one.detector for one in found):
            st.markdown(plain(missed(detector, [one for one in found if one.detector == detector])))
        st.markdown(
            plain(
                missed(
                    "Both together" if len({one.detector for one in found}) == 2 else "All together", together
                )
            )
        )


def missed(detector: str, found: list[Found]) -> str:
    """What a detector misses, in one sentence: found in less than half; found in part, less than nine in ten."""
    lost = [one for one in found if one.value < _MISSED]
    partly = [one for one in found if _MISSED <= one.value < _PARTLY]
    if not lost and not partly:
        return f"{detector}: finds at least nine in ten of every kind."
    said = []
    if lost:
        said.append(f"misses {_kinds(lost)} copies")
    if partly:
        said.append(f"finds only some {_kinds(partly)} copies")
    return f"{detector}: {' and '.join(said)}."


def _kinds(found: list[Found]) -> str:
    words = [f"{one.kind} ({100 * one.value:.0f} %)" for one in found]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
