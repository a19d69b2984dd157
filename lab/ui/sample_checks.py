"""What was seen of a sample at once, as badges: blank, repeated, odd levels, like its siblings, the quality gate."""

from __future__ import annotations

from typing import Any, Literal

import streamlit as st

from lab.prompts.names import readable
from lab.runs.records import Run
from lab.ui.frame import plain

Colour = Literal["red", "orange", "green", "gray"]
BLANK_HELP = (
    "The image shows nothing: one tone, a frame around one tone, or noise alone. Usual causes are a safety filter, "
    "a guidance scale that is far too high, or damaged weights."
)
REPEAT_HELP = (
    "Equal pixels, or so alike that no two films of different patients were: correlation of 0.97 or more at 32 x 32 "
    "pixels and structural similarity of 0.95 or more. A generator that repeats itself has few images to give."
)
AGAIN_HELP = "The same prompt, seed and settings were asked for before, so equal pixels are right."
ALIKE_HELP = (
    "Multi-scale structural similarity (MS-SSIM) with the other samples of this run, on average: 1 is identical, "
    "lower is more varied. Compare it with that of real films on the Metrics page."
)
LEVELS_HELP = (
    "Grey levels outside what films of any of our sets show. The sample may still be usable; look at it."
)
REPEATS: dict[str, Colour] = {"equal": "red", "nearly equal": "orange"}
GATES: dict[bool | None, tuple[str, Colour]] = {
    True: ("passed the gate", "green"),
    False: ("did not pass the gate", "red"),
    None: ("not judged by the gate", "gray"),
}
GATE_HELP = "What the rules of the quality gate said of this sample."


def film_mark(sample: dict[str, Any]) -> str:
    """A few words to stand under a film: what is wrong with it; "" for nothing."""
    checks, gate = sample.get("checks") or {}, sample.get("gate") or {}
    told = [f"blank ({checks['blank']})" if checks.get("blank") else ""]
    told.append("repeats another" if _repeat(sample) in ("equal", "nearly equal") else "")
    told.append("did not pass the gate" if gate.get("passed") is False else "")
    return ", ".join(filter(None, told))


def check_badges(run: Run, sample: dict[str, Any]) -> None:
    """Draw the checks of one sample; nothing for samples made before there were any."""
    checks = sample.get("checks")
    if not checks:
        return
    with st.container(horizontal=True, gap="small"):
        if checks["blank"]:
            st.badge(f"blank: {checks['blank']}", icon=":material/block:", color="red", help=BLANK_HELP)
        _repeat_badge(run, sample)
        for hint in checks["levels"]["hints"]:
            st.badge(hint, icon=":material/contrast:", color="orange", help=LEVELS_HELP)
        _sibling_badge(run, sample)
        _gate_badge(sample)


def _repeat(sample: dict[str, Any]) -> str:
    found = ((sample.get("checks") or {}).get("repeat") or {}).get("found") or {}
    return str(found.get("how", ""))


def _repeat_badge(run: Run, sample: dict[str, Any]) -> None:
    how, told = _repeat(sample), sample["checks"]["repeat"]
    if not how:
        earlier = int(told["earlier"])
        among = (
            f"{earlier:,} earlier samples of this generator" if earlier else "no earlier samples to compare"
        )
        st.badge("no repeat", color="green", help=f"New within its run; {among}. {REPEAT_HELP}")
    elif how == "same recipe":
        st.badge("same recipe as before", color="gray", help=AGAIN_HELP)
    else:
        alike = f" Similarity {told['found']['similarity']:.3f}."
        words = f"{how} to {_which(run, told['found'])}"
        st.badge(
            words, icon=":material/content_copy:", color=REPEATS.get(how, "orange"), help=REPEAT_HELP + alike
        )


def _which(run: Run, found: dict[str, Any]) -> str:
    if found["set"]:
        return "an earlier sample"
    return f"sample {_number(run, found['of'])}"


def _number(run: Run, image_id: str) -> str:
    """The number a sample has in its run's grid."""
    names = [one["image_id"] for one in (run.result or {}).get("samples", [])]
    return str(names.index(image_id) + 1) if image_id in names else "–"


def _sibling_badge(run: Run, sample: dict[str, Any]) -> None:
    told = sample["checks"]["siblings"]
    if not told:
        return
    nearest = f" Most like sample {_number(run, told['nearest'])}: {told['closest']:.2f}."
    st.badge(f"alike {told['mean']:.2f}", icon=":material/compare:", color="gray", help=ALIKE_HELP + nearest)


def _gate_badge(sample: dict[str, Any]) -> None:
    gate = sample.get("gate")
    if not gate:
        return
    words, color = GATES.get(gate["passed"], GATES[None])
    said = " ".join(outcome_words(one) for one in gate["outcomes"])
    st.badge(words, icon=":material/rule:", color=color, help=f"{GATE_HELP} {plain(said)}")


def outcome_words(outcome: dict[str, Any]) -> str:
    """What one rule said, as a sentence."""
    subject, wanted, seen = outcome["subject"].capitalize(), outcome["wanted"], outcome["seen"]
    if outcome["passed"] is None:
        return f"{subject}: not judged. {outcome['why']}"
    if outcome["subject"] == "finding":
        return f"{subject} {readable(str(wanted))}: seen at {100 * float(seen):.0f} %."
    if outcome["subject"] == "age":
        return f"{subject} asked {float(wanted):.0f}, seen {float(seen):.0f}."
    return f"{subject} asked {wanted}, seen {seen}."
