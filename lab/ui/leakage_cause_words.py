"""Word by word: the prompt without each of its phrases, by the same seeds; which phrase is the key to the film?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from lab.charts.extraction import strip_figure
from lab.generators.card import GeneratorCard
from lab.leakage.extraction import Ask, Middle, middle
from lab.leakage.phrases import phrases
from lab.runs.leakage_requests import extraction_run
from lab.ui.frame import plain
from lab.ui.leakage_cause_ask import chosen_film, followed
from lab.ui.leakage_cause_samples import detector_choice, films, found_words, leading, row_of
from lab.ui.leakage_cause_sweep import PLAIN
from lab.ui.sample_card import DETECTORS
from lab.ui.sample_grid import preview
from lab.ui.state import LeakageKey as Key

WHOLE = "The whole caption"


def words() -> None:
    """Choose a film, ask for it without each phrase, and see which one matters."""
    chosen = chosen_film("words")
    if chosen is None:
        return
    suspect, film, seeds = chosen
    asks = ablated(suspect.card.id, suspect.control, film.caption, film.image_id)
    left_out = [ask.label for ask in asks if ask.role == "without"]
    if not left_out:
        st.info("This caption is a single phrase, so nothing can be taken away; choose another film.")
        return
    st.markdown(plain(film.caption), help=f"Its phrases: {plain(', '.join(left_out))}.")
    run = followed(
        extraction_run(asks, seeds, suspect.dataset), f"Take {len(left_out)} phrases away", len(asks) * len(seeds),
        preview,
    )  # fmt: skip
    if run is None:
        st.caption("Each phrase is left out once; seeds, generator and all other words stay the same.")
        return
    result = run.result or {}
    st.markdown(f"#### {plain(verdict(result))}")
    _chart(result)
    films(result, "words")


def ablated(generator: str, control: GeneratorCard | None, caption: str, film: str) -> list[Ask]:
    """The whole caption, it without each phrase, and as control the whole asked of a well-trained generator."""
    asks = [Ask(generator, caption, film, WHOLE)]
    asks += [
        Ask(generator, part.without, film, f"Without “{part.text}”", "without") for part in phrases(caption)
    ]
    if control is not None:
        asks.append(Ask(control.id, caption, film, f"{WHOLE}, well-trained generator", "control"))
    return asks


def ranked(result: Mapping[str, Any], detector: str) -> list[Mapping[str, Any]]:
    """The whole caption, then the phrases by how far the samples move away without them, then the control."""

    def median(ask: Mapping[str, Any]) -> float:
        return _middle(ask, detector).value

    asks: Sequence[Mapping[str, Any]] = result["asks"]
    parts = sorted((ask for ask in asks if ask["role"] == "without"), key=median, reverse=True)
    return [asks[0], *parts, *(ask for ask in asks if ask["role"] == "control")]


def verdict(result: Mapping[str, Any]) -> str:
    """Which phrases are the key: those without which fewer than half as many seeds give the film back."""
    asks: Sequence[Mapping[str, Any]] = result["asks"]
    whole, parts = asks[0], [ask for ask in asks if ask["role"] == "without"]
    if not whole["found"]:
        return f"The whole caption does not give the film back ({found_words(whole)} seeds), so no phrase is its key."
    detector = leading(result)
    parts.sort(key=lambda ask: (ask["found"], -_middle(ask, detector).value))
    first, needed = parts[0], [ask for ask in parts if ask["found"] < 0.5 * whole["found"]]
    told = (
        f"With the whole caption {found_words(whole)} seeds give the film back; without {_phrase(first)} "
        f"{found_words(first)}."
    )
    if not needed:
        return f"No single phrase is the key: the film comes back without any one of them. {told}"
    if len(needed) == 1:
        return f"{_phrase(first)} is the key. {told}"
    names = ", ".join(_phrase(ask) for ask in needed)
    return f"{len(needed)} of {len(parts)} phrases are each needed, the strongest first: {names}. {told}"


def _phrase(ask: Mapping[str, Any]) -> str:
    return str(ask["label"]).removeprefix("Without ")


def _middle(ask: Mapping[str, Any], detector: str) -> Middle:
    return middle([sample["distances"][detector] for sample in ask["samples"]])


def _chart(result: Mapping[str, Any]) -> None:
    detector = detector_choice(result, "words")
    rows = [
        row_of(ask, detector, f"{ask['label']}\n{found_words(ask)} found") for ask in ranked(result, detector)
    ]
    figure = strip_figure(
        rows, result["limits"][detector], DETECTORS.get(detector, detector).lower(), baseline=rows[0].middle
    )
    st.plotly_chart(figure, key=f"{Key.CAUSE_CHART}.words.{detector}", config=PLAIN)
    st.caption(
        "Phrases are ranked by the median distance without them; the dashed line is the median of the whole caption. "
        "Beside each phrase: seeds that still give the film back, with the 95 % interval."
    )
