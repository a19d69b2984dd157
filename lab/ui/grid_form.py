"""The form of a grid: two axes over what the composer holds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from lab.errors import InputError, LabError
from lab.generators.card import GeneratorCard, Knob
from lab.generators.request import GenerationRequest
from lab.prompts.names import readable, vendor_name
from lab.runs.grid_axes import MOST_VALUES, TITLES, Axis, axis
from lab.runs.grid_cells import Grid, cells
from lab.runs.grid_requests import KIND, grid_run
from lab.runs.records import Run
from lab.ui.frame import plain
from lab.ui.grid_masks import mask_values
from lab.ui.grid_state import base_now, show
from lab.ui.grid_words import alternatives, phrases, spoken
from lab.ui.prompt_settings import has_guidance, has_steps
from lab.ui.recall import seeds_in_words, seeds_of
from lab.ui.run_panel import duration, expected, submit
from lab.ui.state import GridKey as Key
from lab.ui.state import PromptKey

NOTHING = "–"
_HELP = {
    "word": "Words of the prompt, and what stands in their place. Type others and press Enter.",
    "seed": "Each row or column starts from other random numbers.",
    "guidance": "How strictly the prompt is followed.",
    "steps": "Denoising steps.",
    "generator": "The same words asked of several generators, each at its own steps and guidance where you chose none.",
    "class": "What the generator was told its training images show.",
    "vendor": "The maker of the scanner that the picture should look like.",
    "mask": "The anatomy the picture is drawn over.",
}


def base_line(card: GeneratorCard) -> GenerationRequest | None:
    """Say what every cell shares, or what the composer lacks; gives the shared request."""
    try:
        base = base_now(card)
    except InputError as error:
        st.info(
            f"Everything a grid does not vary comes from the composer above. {plain(str(error))}",
            icon=":material/edit_note:",
        )
        return None
    said = f"“{plain(base.prompt)}” · " if base.prompt else ""
    numbers = f" · guidance {base.guidance:g} · {base.steps} steps" if has_steps(card) else ""
    st.caption(f"All else as in the composer: {said}{plain(card.title)} · seed {base.seeds[0]}{numbers}")
    return base


def grid_form(card: GeneratorCard, cards: Sequence[GeneratorCard]) -> None:
    """Choose two axes and their values, see what it costs, start."""
    base = base_line(card)
    if base is None:
        return
    offered = kinds_of(card, base, cards)
    columns, rows = st.columns(2, gap="medium")
    with columns:
        across = _axis("columns", "Columns", offered, offered[0], card, base, cards)
    with rows:
        second = "seed" if offered[0] != "seed" else NOTHING
        down = _axis("rows", "Rows", [*offered, NOTHING], second, card, base, cards)
    name, go = st.columns([0.62, 0.38], vertical_alignment="bottom")
    with name:
        st.text_input(
            "Name", key=Key.NAME, max_chars=120, placeholder="Optional: what this experiment asks",
            persist_state="session",
        )  # fmt: skip
    grid = Grid(base, down, across, str(st.session_state.get(Key.NAME) or ""))
    with go:
        launch_button(grid, "Make the grid")


def launch_button(grid: Grid, words: str) -> None:
    """The button with the number of cells, and below it the time or the refusal."""
    state = st.session_state
    try:
        count = len(cells(grid))
        steps = sum(cell.request.steps for cell in cells(grid))
        asked = {cell.request.generator for cell in cells(grid)}
    except LabError as error:
        st.button(words, key=Key.SUBMIT, disabled=True, width="stretch", icon=":material/grid_on:")
        st.caption(plain(str(error)))
        return
    st.button(
        f"{words}: {count} {'samples' if count > 1 else 'sample'}", key=Key.SUBMIT, type="primary", width="stretch",
        icon=":material/grid_on:", on_click=_start, args=(grid,),
    )  # fmt: skip
    if state.get(Key.REFUSAL):
        st.error(plain(state[Key.REFUSAL]))
    known = expected(KIND, steps, partial(_work, asked))
    st.caption("" if known is None else f"About {duration(known[0])}, as past grids took.")


def _work(generators: set[str], run: Run) -> float:
    """Steps of a past grid; 0 for one of other generators, whose pace says nothing here."""
    requests = [one["request"] for one in run.spec.settings["cells"]]
    same = {one["generator"] for one in requests} == generators
    return float(sum(one["steps"] for one in requests)) if same else 0.0


def _start(grid: Grid) -> None:
    state = st.session_state
    state[Key.REFUSAL] = None
    try:
        run = submit(grid_run(grid))
    except LabError as error:
        state[Key.REFUSAL] = str(error)
        return
    show(run.id)
    state[f"{PromptKey.VERDICTS}{run.id}"] = True


def kinds_of(card: GeneratorCard, base: GenerationRequest, cards: Sequence[GeneratorCard]) -> list[str]:
    """What may be varied with this generator; a number of its own as "knob:NAME"."""
    found = ["word"] if phrases(base.prompt) else []
    found += [name for name, known in (("class", card.classes), ("vendor", card.vendors)) if len(known) > 1]
    found += ["mask"] if card.structures else []
    found += [f"knob:{knob.name}" for knob in card.knobs]
    found += ["seed"]
    found += ["guidance"] if has_guidance(card) else []
    found += ["steps"] if has_steps(card) else []
    return found + (["generator"] if len(in_family(card, cards)) > 1 else [])


def in_family(card: GeneratorCard, cards: Sequence[GeneratorCard]) -> list[GeneratorCard]:
    """Generators of the same kind of picture that are asked in the same way, the chosen one first."""
    same = [one for one in cards if (one.modality, one.conditioning) == (card.modality, card.conditioning)]
    return sorted(same, key=lambda one: one.id != card.id)


def _axis(
    side: str, label: str, offered: list[str], default: str, card: GeneratorCard, base: GenerationRequest,
    cards: Sequence[GeneratorCard],
) -> Axis | None:  # fmt: skip
    state, key = st.session_state, Key.COLUMNS if side == "columns" else Key.ROWS
    if state.get(key) not in offered:
        state[key] = default
    named = {f"knob:{knob.name}": knob.title for knob in card.knobs}
    kind = str(
        st.selectbox(
            label, offered, key=key, format_func=lambda one: named.get(one) or TITLES.get(one, "Nothing"),
            persist_state="session", help=_HELP.get(str(state[key]), "What changes from one to the next."),
        )
    )  # fmt: skip
    if kind == NOTHING:
        return None
    try:
        return _values(side, kind, card, base, cards)
    except InputError as error:
        st.caption(plain(str(error)))
        return None


def _values(
    side: str, kind: str, card: GeneratorCard, base: GenerationRequest, cards: Sequence[GeneratorCard]
) -> Axis:
    place = f"{side}.{card.id}.{kind}"
    if kind == "word":
        return _word_axis(side, card, base)
    if kind == "seed":
        count = st.number_input(
            "How many seeds", 1, MOST_VALUES, 4, key=f"{Key.COUNT}{side}", persist_state="session",
            help=_HELP["seed"],
        )  # fmt: skip
        st.caption(seeds_in_words(base.seeds[0], int(count)))
        return axis("seed", seeds_of(base.seeds[0], int(count)))
    if kind == "generator":
        alike = {one.id: one.title for one in in_family(card, cards)}
        start = [one.id for one in in_family(card, cards) if not one.over_trained][:3]
        chosen = chips(place, "Generators", list(alike), start, alike)
        return axis("generator", chosen, labels=[alike.get(one, one) for one in chosen])
    if kind in ("class", "vendor"):
        known = card.classes if kind == "class" else card.vendors
        named = {one: (readable if kind == "class" else vendor_name)(one) for one in known}
        return axis(kind, chips(place, TITLES[kind], list(known), list(known[:4]), named))
    if kind == "mask":
        values, labels = mask_values(place, card, base)
        return axis("mask", values, labels=labels)
    return _number_axis(place, kind, card, base)


def _word_axis(side: str, card: GeneratorCard, base: GenerationRequest) -> Axis:
    # The second axis starts with another question than the first.
    phrase = word_box(f"{Key.PHRASE}{side}", "Words", base.prompt, int(side == "rows"))
    options = alternatives(phrase, card.vocabulary)
    chosen = chips(
        f"{side}.word.{phrase}", "In their place", options, options[:4], new=True, help=_HELP["word"]
    )
    return axis("word", spoken(chosen), phrase)


def word_box(key: str, label: str, prompt: str, first: int = 0) -> str:
    """A list of the prompt's words to choose from; a longer phrase of the prompt may be typed."""
    known, state = phrases(prompt), st.session_state
    typed = str(state.get(key) or "")
    if typed not in known and typed and " ".join(typed.lower().split()) in " ".join(prompt.lower().split()):
        known = [*known, typed]
    if typed not in known:
        state[key] = known[min(len(known) - 1, first)]
    return str(
        st.selectbox(
            label, known, key=key, accept_new_options=True, persist_state="session",
            help="Words of the prompt that change, wherever they stand in it. Type a longer phrase if you like.",
        )
    )  # fmt: skip


def spread(knob: Knob) -> list[float]:
    """Five values over the range of a number of the generator's own, its usual value among them."""
    quarters = [knob.low + (knob.high - knob.low) * part / 4 for part in range(5)]
    if knob.default not in quarters:
        inner = min(quarters[1:-1], key=lambda value: abs(value - knob.default))
        quarters[quarters.index(inner)] = knob.default
    return [round(value, 3) for value in quarters]


def _number_axis(place: str, kind: str, card: GeneratorCard, base: GenerationRequest) -> Axis:
    name = kind.partition(":")[2]
    if name:
        knob = next(one for one in card.knobs if one.name == name)
        start, words = spread(knob), knob.title
    elif kind == "guidance":
        start, words = [*{1.0, base.guidance, 2 * base.guidance, 4 * base.guidance}], "Guidance scales"
        start = [min(30.0, value) for value in start]
    else:
        start, words = (
            [*{max(1, base.steps // 4), max(1, base.steps // 2), base.steps, min(200, 2 * base.steps)}],
            "Steps",
        )
    options = [f"{value:g}" for value in sorted(set(start))]
    about = knob.help if name else f"{_HELP[kind]} Type others and press Enter."
    chosen = chips(place, words, options, options[:5], new=True, help=about)
    return axis("knob" if name else kind, chosen, name, labels=chosen)


def chips(
    place: str, label: str, options: list[str], start: list[str], titles: dict[str, str] | None = None,
    new: bool = False, help: str | None = None,
) -> list[str]:  # fmt: skip
    """A list to choose from, in the order chosen; with `new` other values may be typed."""
    key = f"{Key.VALUES}{place}"
    st.session_state.setdefault(key, start)
    kept = [one for one in st.session_state[key] if one not in options]
    return list(
        st.multiselect(
            label, [*options, *kept], key=key, format_func=lambda one: (titles or {}).get(one, one),
            max_selections=MOST_VALUES, accept_new_options=new, persist_state="session", help=help,
            placeholder="Choose values", wrap=True,  # a value that is not seen is not known to be in
        )
    )  # fmt: skip
