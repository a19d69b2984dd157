"""Training a generator from a recipe: start it, follow losses and samples, stop it, and find what came of it."""

from __future__ import annotations

import streamlit as st

from lab.charts.training import loss_figure
from lab.errors import LabError
from lab.generators.training import known
from lab.runs.artifacts import read_artifact
from lab.runs.records import Run
from lab.runs.requests import train_run
from lab.runs.store import RunStore
from lab.runs.training_view import training_view
from lab.ui.frame import facts, plain, refuse
from lab.ui.run_panel import active, duration, meter, see_to, stopped, submit
from lab.ui.state import GeneratorKey as Key

POLL_S = 2.0
MINUTES = 30.0


def training() -> None:
    """The trainings that go on, the form for another, and those that ended."""
    going = active(("train",))
    for run in going:
        with st.container(border=True):
            _follow(run.id)
    with st.container(border=True):
        _form(busy=bool(going))
    _ended()
    if not going:
        _watch()


@st.fragment(run_every=POLL_S)
def _watch() -> None:
    """Show a training that was started elsewhere, such as in a shell, as soon as it is there."""
    if active(("train",)):
        st.rerun()


def _form(busy: bool) -> None:
    names = known.recipe_names()
    name = st.selectbox(
        "Recipe", names, key=Key.RECIPE, format_func=lambda id: f"{known.find(id).title} ({id})",
        help="A recipe says what is learned from which training images, by which network, for how many steps. Yours: "
        "python -m lab train RECIPE.yaml",
    )  # fmt: skip
    minutes, resume, start = st.columns([0.3, 0.4, 0.3], vertical_alignment="bottom")
    time = minutes.number_input(
        "Minutes", 0.1, 10_000.0, MINUTES, step=5.0, key=Key.MINUTES,
        help="It stops at a checkpoint after so long, and can be resumed. The learning rate falls towards that time.",
    )  # fmt: skip
    goes_on = resume.toggle(
        "Go on from the last checkpoint", key=Key.RESUME,
        help="Without it, the training begins anew and its earlier checkpoints are replaced.",
    )  # fmt: skip
    start.button(
        "Train", icon=":material/play_arrow:", type="primary", on_click=_start, args=(name, time, goes_on),
        width="stretch", key="library.train",
    )  # fmt: skip
    if name:
        _about(str(name))
    if busy:
        st.caption(":material/info: Another training goes on; a new one waits for it.")


def _about(name: str) -> None:
    recipe = known.find(name)
    steps = getattr(recipe, "steps", 0)
    told = {
        "Stages": "; ".join(known.stage_title(stage) for stage in known.stages_of(recipe)),
        "Family": getattr(recipe, "family", "diffusion").replace("_", " "),
        "Learns from": getattr(recipe, "dataset", "") or "phantom-cxr",
        "Side": f"{recipe.size} px" if getattr(recipe, "size", 0) else "",
        "Steps": f"{steps:,}" if steps else "",
    }
    facts({title: value for title, value in told.items() if value})
    st.caption("Only the training patients of a dataset are used; held-out and test patients are never seen.")


@st.fragment(run_every=POLL_S)
def _follow(run_id: str) -> None:
    try:
        run = RunStore.open().get(run_id)
    except LabError as error:
        refuse(error)
        return
    if run.is_over:
        st.rerun()
    see_to(run)
    st.markdown(f"**{plain(run.label)}**")
    meter(run, "training")
    look(run)


def look(run: Run) -> None:
    """Loss curve and newest contact sheet of a training."""
    view = training_view(run)
    losses = {known.stage_title(stage): points for stage, points in view.losses.items()}
    left, right = st.columns([0.5, 0.5], gap="medium")
    with left:
        log = st.toggle("Logarithmic loss", key=f"{Key.LOG}.{run.id}")
        st.plotly_chart(loss_figure(losses, log), key=f"library.train.loss.{run.id}")
    with right:
        if view.sheet is None:
            st.caption("The first contact sheet comes once it has learned for a while.")
            return
        try:
            picture = read_artifact(view.sheet, ".png")
        except LabError as error:
            refuse(error)
            return
        st.image(picture, caption="Newest contact sheet: synthetic, not for diagnosis", width="stretch")


def _ended() -> None:
    """The trainings that ended, newest first."""
    runs = [run for run in RunStore.open().list(kinds=("train",), limit=12) if run.is_over]
    if not runs:
        return
    st.markdown("**Ended**")
    for run in runs[:6]:
        took = f", {duration(run.duration_s)}" if run.duration_s else ""
        # The newest stays open: who followed it sees at once what came of it.
        with st.expander(f"{plain(run.label)}: {run.state}{took}", expanded=run is runs[0]):
            if run.state == "done":
                _came_of(run)
            else:
                stopped(run)
            look(run)


def _came_of(run: Run) -> None:
    result = run.result or {}
    if result.get("finished"):
        st.success(f"The generator lies in {plain(str(result['card']))}.", icon=":material/check_circle:")
        st.button(
            "Show its card", key=f"library.trained.{run.id}", icon=":material/folder_open:", on_click=_show,
            args=(str(run.spec.settings["recipe"]), str(result["card"])),
        )  # fmt: skip
    else:
        st.info(
            "The time was over before the last step; the checkpoint is kept. Switch on going on from the last "
            "checkpoint, and train again.",
            icon=":material/hourglass_bottom:",
        )


def _show(recipe: str, card: str) -> None:
    from pathlib import Path

    from lab.generators.card import read_card

    try:
        place = Path(card)
        file = place if place.is_file() else place / "card.json"
        st.session_state[Key.OPEN] = read_card(file).id
    except LabError:
        st.session_state[Key.OPEN] = recipe
    st.session_state[Key.PART] = "All generators"


def _start(name: str, minutes: float, resume: bool) -> None:
    try:
        submit(train_run(name, minutes, resume))
    except LabError as error:
        refuse(error)
