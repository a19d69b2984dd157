"""What the three privacy tests share: their shape, the run on screen and in the address, the launch, earlier runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import streamlit as st

from lab.config import settings
from lab.errors import LabError
from lab.runs.records import Run
from lab.runs.spec import RunSpec
from lab.runs.store import RunStore
from lab.ui.films import may_be_public
from lab.ui.frame import missing, plain
from lab.ui.run_address import come_by, hold, let_go
from lab.ui.run_panel import find, stand_in, state_word, submit
from lab.ui.sets import Choice, real_choices
from lab.ui.state import PrivacyKey as Key

KINDS = ("protocol", "train_identity", "sensitivity")
LISTED = 30


@dataclass(frozen=True)
class PrivacyTest:
    """One privacy test: an empty state, a form in its fold, the run on screen, its result.

    Attributes:
        kind: of its runs.
        name, lead: on the control of tests, and the question it answers.
        needs: what it takes from a dataset, said where there is none.
        fold: label of the form's fold, which is open while there is no run.
        form: draws the choices and the launch.
        words: a run in the list of earlier ones.
        result: draws a finished run.
        promise: what a result will say, while there is no run.
        going: what follows on the run that goes on; "" for nothing.
        after: draws what stands below, whatever state the run on screen is in.
    """

    kind: str
    name: str
    lead: str
    needs: str
    fold: str
    form: Callable[[], None]
    words: Callable[[Run], str]
    result: Callable[[Run], None]
    promise: str
    going: str = ""
    after: Callable[[Run | None], None] | None = None

    def draw(self) -> None:
        """Draw the test as far as it has come."""
        st.markdown(f"**{self.lead}**")
        if not datasets():
            missing("There is no dataset yet.", self.needs, "library", "Add one")
            return
        run = followed(self.kind, self.fold, self.form, self.words)
        if run is None:
            st.caption(self.promise)
        elif run.state == "done":
            self.result(run)
        elif not run.is_over and self.going:
            st.caption(self.going)
        if self.after is not None:
            self.after(run)


def arrive(view: str, name: str) -> None:
    """Turn the page to a privacy test that the address names; called before the control of views is drawn.

    Args:
        view: state key of that control.
        name: its value for the privacy tests.
    """
    run = find(come_by(Key.SEEN))
    if run is None or run.kind not in KINDS:
        return
    st.session_state[Key.PANEL], st.session_state[view] = run.kind, name
    st.session_state[Key.SEEN] = run.id
    _show(run.id, run.kind)


def leave() -> None:
    """Take a privacy test out of the address, for the other views of the page."""
    let_go(Key.SEEN)


def current(kind: str) -> Run | None:
    """The run of a kind that was launched or opened here, else the newest there is; its id goes into the address."""
    run = find(st.session_state.get(f"{Key.RUN}{kind}"))
    if run is None:
        run = next(iter(RunStore.open().list(kinds=(kind,), limit=1)), None)
    if run is None:
        leave()
        return None
    hold(Key.SEEN, run.id)
    return run


def followed(kind: str, label: str, form: Callable[[], None], words: Callable[[Run], str]) -> Run | None:
    """Draw the form in its fold, earlier runs, and the run on screen until it is done.

    Args:
        label: of the fold, which is open while there is no run.
        words: a run of this kind in the list of earlier ones.

    Returns:
        the run on screen, None while there is none.
    """
    run, key = current(kind), f"{Key.FORM}{kind}"
    if run is None:
        st.session_state[key] = True
    fold = st.expander(label, key=key, on_change="rerun")
    if fold.open:
        with fold:
            form()
    earlier(kind, run, words)
    if run is not None and run.state != "done":
        with st.container(border=True):
            st.markdown(plain(run.label))
            stand_in(run)
    return run


def launcher(kind: str, label: str, build: Callable[[], RunSpec], cost: str, barred: bool = False) -> None:
    """Button, cost and refusal of a launch.

    Args:
        build: makes the spec; called when the button is pressed.
        cost: what it will take, as a sentence.
        barred: whether nothing can be launched as the form stands.
    """
    button, words = st.columns([0.22, 0.78], vertical_alignment="center")
    button.button(
        label, type="primary", icon=":material/play_arrow:", width="stretch", disabled=barred,
        key=f"{Key.SUBMIT}{kind}", on_click=partial(_launch, kind, build),
    )  # fmt: skip
    words.caption(plain(cost))
    if refusal := st.session_state.get(f"{Key.REFUSAL}{kind}"):
        st.error(plain(refusal))


def earlier(kind: str, shown: Run | None, words: Callable[[Run], str]) -> None:
    """A list of the runs of a kind; choosing one shows it."""
    runs = {run.id: run for run in RunStore.open().list(kinds=(kind,), limit=LISTED, results=False)}
    if len(runs) < 2:
        return
    key = f"{Key.EARLIER}{kind}"
    if shown is not None and shown.id in runs:
        st.session_state[key] = shown.id
    st.selectbox(
        "Run", list(runs), format_func=lambda name: _line(runs[name], words), key=key,
        on_change=lambda: _show(str(st.session_state[key]), kind),
        help="Every run of this kind that is kept here, newest first.",
    )  # fmt: skip


def datasets() -> dict[str, Choice]:
    """Datasets that may be asked here, by id: in public only those whose licence allows showing."""
    return {
        one.reference: one for one in real_choices() if not settings().public or may_be_public(one.reference)
    }


def _launch(kind: str, build: Callable[[], RunSpec]) -> None:
    state = st.session_state
    state[f"{Key.REFUSAL}{kind}"] = None
    try:
        _show(submit(build()).id, kind)
        state[f"{Key.FORM}{kind}"] = False
    except LabError as error:
        state[f"{Key.REFUSAL}{kind}"] = str(error)


def _show(run_id: str, kind: str) -> None:
    # The address follows when the run is drawn; until then it names what was seen last, see `arrive`.
    st.session_state[f"{Key.RUN}{kind}"] = run_id


def _line(run: Run, words: Callable[[Run], str]) -> str:
    when = time.strftime("%d %b %H:%M", time.localtime(run.created))
    state = "" if run.state == "done" else f" · {state_word(run).lower()}"
    return f"{when} · {words(run)}{state}"
