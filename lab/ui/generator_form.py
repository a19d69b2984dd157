"""Adding a generator without code: a published card as a template, changed, checked, kept; or a card as YAML."""

from __future__ import annotations

import dataclasses

import streamlit as st

from lab.errors import LabError
from lab.generators.card import GeneratorCard, card_from_json
from lab.generators.card_files import parsed, yaml_text
from lab.generators.card_state import state
from lab.generators.card_store import save_card
from lab.generators.cards import all_cards, get_card, published_cards
from lab.ui import generator_fields
from lab.ui.frame import plain
from lab.ui.state import GeneratorKey as Key

MODES = ("Form", "YAML or JSON")
BLANK = "A blank card"


def form() -> None:
    """Draw the form; a kept card is opened."""
    edited = st.session_state.get(Key.EDITED)
    if edited:
        head, leave = st.columns([0.8, 0.2], vertical_alignment="center")
        head.markdown(f"**You are editing {plain(edited)}.** It is replaced when you keep it.")
        leave.button("Start a new one", on_click=_start, args=(None,), icon=":material/add:", width="stretch")
    else:
        st.caption(
            "A card says where a model lies and how it is asked. Nothing is loaded or fetched before you ask for it, "
            "and code that a model brings along is never run."
        )
    mode = st.segmented_control("As", MODES, default=MODES[0], key=Key.MODE, required=True)
    # Places of their own: a message that comes or goes does not move the buttons.
    given, outcome = st.container(), st.container()
    with given:
        if mode == MODES[1]:
            _text()
        else:
            _fields()
    with outcome:
        _outcome()
    check, keep, _ = st.columns([0.2, 0.2, 0.6])
    check.button("Check", icon=":material/rule:", on_click=_check, args=(mode,), width="stretch")
    keep.button(
        "Keep the card", icon=":material/save:", type="primary", on_click=_keep, args=(mode,), width="stretch",
        key="library.card.keep",
    )  # fmt: skip


def edit(id: str, own: bool) -> None:
    """Go to the form with a card in it: to change it, or as the template of a new one."""
    _start(id, own)
    st.session_state[Key.EDITED] = id if own else None
    if not own:
        st.session_state[f"{Key.FIELD}id"] = f"{id}-copy"
    st.session_state[Key.PART] = "Add a generator"
    st.session_state[Key.MODE] = MODES[0]


def _start(id: str | None, own: bool = False) -> None:
    card = GeneratorCard("", "") if id is None or id == BLANK else get_card(id)
    st.session_state[Key.EDITED] = None
    st.session_state.pop(Key.CHECKED, None)
    generator_fields.put(card, measured=own)
    st.session_state[Key.TEMPLATE] = BLANK if id is None else id


def _fields() -> None:
    if f"{Key.FIELD}id" not in st.session_state:
        _start(None)
    if not st.session_state.get(Key.EDITED):
        titles = {card.id: card.title for card in (*published_cards(), *all_cards())}
        st.selectbox(
            "Start from", [BLANK, *titles], key=Key.TEMPLATE, on_change=_template,
            format_func=lambda id: titles.get(id, id),
            help="Fills every field from that card; change what differs, and give it an id of its own.",
        )  # fmt: skip
    generator_fields.draw()


def _template() -> None:
    chosen = str(st.session_state[Key.TEMPLATE])
    _start(chosen)
    if chosen != BLANK:
        st.session_state[f"{Key.FIELD}id"] = f"{chosen}-copy"


def _text() -> None:
    given = st.file_uploader("A card file", type=["yaml", "yml", "json"], key=Key.FILE)
    if given is not None:
        st.code(given.getvalue()[:20_000].decode("utf-8", "replace"), language="yaml", height=260)
        return
    st.text_area(
        "Or the card itself", key=Key.TEXT, height=300,
        placeholder=yaml_text(GeneratorCard("my-generator", "My generator", hub_id="OWNER/NAME", revision="0" * 40)),
    )  # fmt: skip


def _asked(mode: str) -> GeneratorCard:
    """The card as it stands on the screen.

    Raises:
        GeneratorError: naming the field, or line and column.
    """
    if mode == MODES[0]:
        return card_from_json(generator_fields.values())
    given = st.session_state.get(Key.FILE)
    if given is None:
        values = parsed(str(st.session_state.get(Key.TEXT) or ""))
    else:
        suffix = ".json" if given.name.lower().endswith(".json") else ".yaml"
        values = parsed(given.getvalue().decode("utf-8", "replace"), suffix)
    if isinstance(values, dict):
        values = values | {"published": False}
    return card_from_json(values)


def _check(mode: str) -> None:
    try:
        card = _asked(mode)
        stands = state(dataclasses.replace(card, published=False))
        how = "It can be asked at once." if stands.code == "ready" else stands.reason
        st.session_state[Key.CHECKED] = (True, f"The card of {card.title} is valid. {how}")
    except LabError as error:
        st.session_state[Key.CHECKED] = (False, str(error))


def _keep(mode: str) -> None:
    edited = st.session_state.get(Key.EDITED) or ""
    try:
        card = save_card(_asked(mode), instead=edited)
    except LabError as error:
        st.session_state[Key.CHECKED] = (False, str(error))
        return
    for key in (Key.CHECKED, Key.EDITED, f"{Key.FIELD}id"):
        st.session_state.pop(key, None)
    st.session_state[Key.OPEN] = card.id
    st.session_state[Key.PART] = "All generators"
    st.session_state[f"{Key.TOLD}.{card.id}"] = "The card was kept."


def _outcome() -> None:
    known = st.session_state.get(Key.CHECKED)
    if known is None:
        return
    fits, told = known
    (st.success if fits else st.error)(
        plain(told), icon=":material/check_circle:" if fits else ":material/error:"
    )
