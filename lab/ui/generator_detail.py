"""One generator, opened: its card with contact sheet, measured figures, notes and citation, and its weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from lab.charts.training import loss_figure
from lab.generators.card import GeneratorCard
from lab.generators.card_files import yaml_text
from lab.generators.card_state import CardState, route, state
from lab.generators.card_store import card_file, remove_card
from lab.generators.methods import ORIGINS, asked_for, computable, conditions, origin
from lab.prompts.names import readable, vendor_name
from lab.ui.frame import facts, link, plain
from lab.ui.generator_form import edit
from lab.ui.generator_weights import weights
from lab.ui.run_panel import active
from lab.ui.state import GeneratorKey as Key

SHEETS = ("contact_sheet.png", "model/contact_sheet.png")
_COLOURS = {"ready": "green", "download": "blue", "gated": "orange", "credentialed": "orange"}


def detail(card: GeneratorCard) -> None:
    """Heading, facts, weights, contact sheet, figures."""
    st.button(
        "All generators", icon=":material/arrow_back:", on_click=open_generator, args=(None,),
        key="library.generator.back",
    )  # fmt: skip
    st.subheader(card.title, anchor=False)
    stands = state(card)
    going_on = any(run.spec.settings["generator"] == card.id for run in active(("download",)))
    st.markdown(" ".join(_badges(card, stands, going_on)))
    left, right = st.columns([0.56, 0.44], gap="medium")
    with left:
        facts(_facts(card))
        if card.notes:
            st.caption(plain(card.notes))
        if card.citation:
            st.caption(f":material/format_quote: {plain(card.citation)}")
    with right:
        weights(card, stands)
        sheet = contact_sheet(card)
        if sheet is not None:
            st.image(str(sheet), caption=f"Contact sheet: {_tag(card)}")
    _measured(card)
    _card(card, stands)


def open_generator(id: str | None) -> None:
    """Open a generator, or with None go back to the list."""
    st.session_state[Key.OPEN] = id


def contact_sheet(card: GeneratorCard) -> Path | None:
    """The picture of samples that lies beside a card, None where there is none."""
    if card.root is None:
        return None
    folders = [card.root, *([card.path, card.path.parent] if card.path is not None else [])]
    return next((folder / name for folder in folders for name in SHEETS if (folder / name).is_file()), None)


def _tag(card: GeneratorCard) -> str:
    return "synthetic (phantom-trained)" if card.phantom_trained else "synthetic"


def _badges(card: GeneratorCard, stands: CardState, downloading: bool) -> list[str]:
    word = "Downloading" if downloading else stands.word
    told = [f":{_COLOURS.get(stands.code, 'gray')}-badge[{word}]"]
    told.append(f":gray-badge[{ORIGINS[origin(card)]}]")
    told.append(f":gray-badge[{plain(card.id)}]")
    told += [":violet-badge[SYNTHETIC (phantom-trained)]"] if card.phantom_trained else []
    told += [":red-badge[Copies on purpose]"] if card.over_trained else []
    told += [":orange-badge[Trained with mirrored images]"] if card.flipped else []
    return told


def _facts(card: GeneratorCard) -> dict[str, object]:
    scheduler = f", {card.scheduler}" if card.scheduler else ""
    told = {
        "Kind": f"{card.family}, conditioned on {', '.join(conditions(card))}",
        "Images": card.modality,
        "May be asked for": asked_for(card),
        "Classes": ", ".join(map(readable, card.classes)),
        "Vendors": ", ".join(map(vendor_name, card.vendors)),
        "Structures": ", ".join(f"{n} {name}" for n, name in enumerate(card.structures, 1)),
        "Sides": f"{', '.join(map(str, card.allowed_sizes))} px",
        "Steps, guidance": f"{card.steps}, {card.guidance:g}{scheduler}",
        "Numbers": f"{card.dtype}{f', {card.parameters} of them' if card.parameters else ''}",
        "Loader": f"{card.loader}{f', {card.pipeline}' if card.pipeline else ''}",
        "Prompt length": f"{card.token_limit} tokens" if card.token_limit else "",
        "Trained on": card.training_dataset or "not stated",
        "Licence": card.licence or "not stated",
        "Weights": route(card),
        "Metrics": f"{len(computable(card))} can be computed on its samples",
    }
    return {name: value for name, value in told.items() if value}


def _measured(card: GeneratorCard) -> None:
    """Single figures as a list, losses of the training as curves."""
    single = {
        _words(name): _value(value)
        for name, value in card.measured.items()
        if (not isinstance(value, Mapping | list) or "share" in value) and not name.endswith("digest")
    }
    curves = _losses(card.measured.get("training"))
    if not single and not curves:
        return
    st.markdown("**Measured**")
    left, right = st.columns([0.46, 0.54], gap="medium")
    with left:
        facts(single)
    if curves:
        with right:
            log = st.toggle("Logarithmic loss", key=f"{Key.LOG}.{card.id}")
            st.plotly_chart(loss_figure(curves, log, 260), key=f"library.loss.{card.id}")


def _losses(training: Any) -> dict[str, list[tuple[int, float]]]:
    """Stage to (step, loss) from a card's account of its training."""
    if not isinstance(training, Mapping):
        return {}
    stages = training if all(isinstance(part, Mapping) for part in training.values()) else {"loss": training}
    found = {}
    for stage, part in stages.items():
        curve = part.get("loss_curve") or part.get("losses") if isinstance(part, Mapping) else None
        if isinstance(curve, list) and curve and all(isinstance(p, list) and len(p) == 2 for p in curve):
            found[str(stage)] = [(int(step), float(loss)) for step, loss in curve]
    return found


def _words(name: str) -> str:
    return str(name).replace("_", " ").capitalize()


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_value(item)}" for key, item in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)


def _card(card: GeneratorCard, stands: CardState) -> None:
    """What a person may do with the card itself."""
    own = card_file(card.id) is not None
    prompt, copy, change, remove = st.columns(4)
    if stands.code == "ready":
        with prompt:
            link("prompt", "Ask it on the prompt page")
    copy.download_button(
        "Card as YAML", yaml_text(card), f"{card.id}.yaml", "application/yaml", icon=":material/download:",
        key=f"library.card.yaml.{card.id}", width="stretch", on_click="ignore",
    )  # fmt: skip
    change.button(
        "Edit the card" if own else "Use as a template", icon=":material/edit:", on_click=edit,
        args=(card.id, own), key=f"library.card.edit.{card.id}", width="stretch",
        help="Change any field. The card is checked before it is kept.",
    )  # fmt: skip
    if own:
        remove.button(
            "Remove the card", icon=":material/delete:", on_click=_remove, args=(card.id,), width="stretch",
            key=f"library.card.remove.{card.id}",
            help="Takes the card off the list. The model's folder and what was downloaded stay where they are.",
        )  # fmt: skip


def _remove(id: str) -> None:
    remove_card(id)
    open_generator(None)
    st.toast("The card was removed; the model's files stay where they are.")
