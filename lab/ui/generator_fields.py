"""The fields of a generator card as a form draws them, and back from what was typed to the values of a card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from lab.errors import GeneratorError
from lab.generators.card import GeneratorCard
from lab.generators.card_files import parsed
from lab.generators.loaders import LOADERS
from lab.ui.state import GeneratorKey as Key

FAMILIES = ("diffusion", "flow matching", "GAN", "VAE", "autoregressive")
CONDITIONS = ("text", "class", "mask", "vendor", "none")


@dataclass(frozen=True)
class Field:
    """One field of a card.

    Attributes:
        name: in the card.
        title, help: on the screen.
        kind: text, long, names (a list of words), sizes (a list of numbers), whole, number, switch or choice.
        options: of a choice.
    """

    name: str
    title: str
    help: str = ""
    kind: str = "text"
    options: tuple[str, ...] = ()


GROUPS: dict[str, tuple[Field, ...]] = {
    "What it is": (
        Field("id", "Id", "Lower-case letters, digits, dots and dashes; used in commands."),
        Field("title", "Name"),
        Field(
            "family", "Family", "How a picture comes about: in many steps out of noise, or in one pass.",
            "choice", FAMILIES,
        ),
        Field("conditioning", "Conditioned on", "What decides the picture besides the seed.", "choice", CONDITIONS),
        Field("modality", "Images", "Such as chest radiograph, dermoscopy, cardiac MRI."),
        Field("colour", "Colour", "", "choice", ("grey", "rgb")),
    ),
    "Where its weights are": (
        Field("folder", "Folder on this machine", "In the layout that its loader reads. Leave empty for the hub."),
        Field("hub_id", "Hub id", "OWNER/NAME of the repository; of the LoRA where a base is given."),
        Field("revision", "Commit", "All 40 digits. A branch name is refused: it can change unseen."),
        Field("loader", "Loader", "Which code of this program opens the folder.", "choice", ()),
        Field("base", "Base under a LoRA", "Hub id or folder of the model that a LoRA file changes; else empty."),
        Field("base_revision", "Commit of the base"),
        Field("lora", "LoRA file", "Its name in the repository or folder, ending in .safetensors."),
        Field("pipeline", "Pipeline class", "Class of diffusers; only where the folder has no model_index.json."),
        Field("dtype", "Numbers kept as", "float32 is exact and slow; the halves need a card that has them.",
              "choice", ("float32", "float16", "bfloat16")),
    ),
    "How it is asked": (
        Field("size", "Side, px", "Side of the square picture, a multiple of 8.", "whole"),
        Field("sizes", "Further sides, px", "All sides it may be asked for, the default among them.", "sizes"),
        Field("steps", "Steps", "Steps from noise to picture; 1 for one pass.", "whole"),
        Field("guidance", "Guidance scale", "How hard the prompt pulls; 0 or 1 for none.", "number"),
        Field("scheduler", "Scheduler", "Class of diffusers; empty for the model's own."),
        Field("token_limit", "Prompt length, tokens", "0 asks the tokenizer; else what its text encoder reads.",
              "whole"),
        Field("classes", "Classes", "What it may be asked for, in the order of the model, with commas between.",
              "names"),
        Field("vendors", "Vendors", "In the order of the model, with commas between.", "names"),
        Field("structures", "Structures", "What the numbers 1, 2, ... of a mask stand for, with commas between.",
              "names"),
        Field("flipped", "Trained with mirrored images", "Then left and right in a prompt mean little.", "switch"),
    ),
    "What may be done with it": (
        Field("licence", "Licence"),
        Field("access", "Access", "Open, gated on the hub, or only with a credential.", "choice",
              ("open", "gated", "credentialed")),
        Field("gate", "How access is given"),
        Field("training_dataset", "Training data", "Id of a dataset here, or its name."),
        Field("citation", "Citation"),
        Field("notes", "Notes", "", "long"),
    ),
}  # fmt: skip
DRAWN = tuple(field for fields in GROUPS.values() for field in fields)
_BASE = ("published", "root")


def put(card: GeneratorCard, measured: bool = False) -> None:
    """Fill the form with the values of a card, before it is drawn.

    Args:
        card: relative folders become absolute, since the new card lies elsewhere.
        measured: whether its figures are those of the new card too: only where it is the same generator.
    """
    import yaml

    parts = {**card.parts, **{name: str(place) for name, place in card.part_folders.items()}}
    card = replace(card, folder=str(card.path) if card.path else "", parts=parts)
    if not measured:
        card = replace(card, measured={})
    values, blank = card.to_json(), GeneratorCard("x", "x").to_json()
    for field in DRAWN:
        value = values.pop(field.name)
        if field.kind in ("names", "sizes"):
            value = ", ".join(map(str, value))
        st.session_state[f"{Key.FIELD}{field.name}"] = value
    rest = {name: value for name, value in values.items() if name not in _BASE and value != blank[name]}
    text = yaml.safe_dump(rest, sort_keys=False, allow_unicode=True, width=100) if rest else ""
    st.session_state[Key.REST] = text


def draw() -> None:
    """Draw all fields in their groups."""
    for title, fields in GROUPS.items():
        with st.expander(title, expanded=True):
            for start in range(0, len(fields), 3):
                row = fields[start : start + 3]
                for column, field in zip(st.columns(3, vertical_alignment="bottom"), row, strict=False):
                    with column:
                        _widget(field)
    st.text_area(
        "Everything else, as YAML", key=Key.REST, height=140,
        help="Fields of the card that have no box above, such as options, parts, knobs, examples, vocabulary, "
        "scheduler_settings.",
    )  # fmt: skip


def values() -> dict[str, Any]:
    """What the form holds now, as the values of a card.

    Raises:
        GeneratorError: when a list of numbers or the YAML cannot be read.
    """
    told: dict[str, Any] = {}
    for field in DRAWN:
        value = st.session_state.get(f"{Key.FIELD}{field.name}")
        if value is None:
            continue
        told[field.name] = _value(field, value)
    rest = parsed(str(st.session_state.get(Key.REST) or "")) or {}
    if not isinstance(rest, dict):
        raise GeneratorError(
            "This generator card was not taken because what stands under everything else is no list of fields; "
            "other generators are kept; write one field a line, such as: examples: [No acute finding.]"
        )
    return {**rest, **told}


def _value(field: Field, value: Any) -> Any:
    if field.kind == "names":
        return _split(str(value))
    if field.kind == "sizes":
        try:
            return [int(part) for part in _split(str(value))]
        except ValueError as error:
            raise GeneratorError(
                "This generator card was not taken because the field 'sizes' must be whole numbers with commas "
                "between; other generators are kept; correct the card."
            ) from error
    return value.strip() if isinstance(value, str) else value


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _widget(field: Field) -> None:
    key, help_ = f"{Key.FIELD}{field.name}", field.help or None
    if field.kind == "choice":
        options: Sequence[str] = field.options or LOADERS.names()
        # A card may name a family of its own: it is offered as it is.
        now = st.session_state.get(key)
        st.selectbox(
            field.title, [*options, *([now] if now and now not in options else [])], key=key, help=help_
        )
    elif field.kind == "switch":
        st.toggle(field.title, key=key, help=help_)
    elif field.kind == "whole":
        st.number_input(field.title, step=1, key=key, help=help_)
    elif field.kind == "number":
        st.number_input(field.title, step=0.5, key=key, help=help_)
    elif field.kind == "long":
        st.text_area(field.title, key=key, help=help_, height=68)
    else:
        st.text_input(field.title, key=key, help=help_)
