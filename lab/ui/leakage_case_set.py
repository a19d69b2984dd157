"""Which set the cases are from, and the runs that lay them out; without a set, one button makes one."""

from __future__ import annotations

import io
import json
import secrets
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lab.config import settings
from lab.data.samples import SampleSetCard, list_sample_sets
from lab.data.store import list_datasets
from lab.errors import LabError, NotFoundError
from lab.generators.card import GeneratorCard
from lab.generators.cards import list_cards
from lab.generators.request import request_for
from lab.runs.artifacts import read_artifact
from lab.runs.case_requests import cases_run, evidence_run
from lab.runs.records import Run
from lab.runs.requests import generate_run
from lab.runs.spec import RunSpec
from lab.runs.store import RunStore
from lab.ui.films import may_be_public
from lab.ui.frame import missing, plain
from lab.ui.run_panel import find, stand_in, submit
from lab.ui.sets import prompts_by_set
from lab.ui.state import LeakageKey as Key

SAMPLES = 8


@dataclass(frozen=True)
class Cases:
    """The cases of one set, as far as they are laid out.

    Attributes:
        samples, dataset: what they are from.
        rows: one a case, in the order in which they are asked.
        n_train, n_control: films that were searched for each side.
        run: the run that lays them out.
    """

    samples: str
    dataset: str
    rows: list[dict[str, Any]]
    n_train: int
    n_control: int
    run: Run

    @property
    def count(self) -> int:
        """How many cases there are, or will be when all are laid out."""
        coming = 0 if self.run.is_over or self.run.progress is None else int(self.run.progress.total)
        return max(len(self.rows), coming)

    def row(self, code: object) -> dict[str, Any] | None:
        """The case of that code, or None."""
        return next((row for row in self.rows if row["code"] == code), None)


def choose() -> SampleSetCard | None:
    """The set a person chose, the newest of an over-trained generator at first; None where there is none yet."""
    offered, withheld = eligible()
    if not any(_over_trained(card.origin) for card in offered) and _shipped_taken_in():
        offered, withheld = eligible()
    if not any(_over_trained(card.origin) for card in offered):
        _ask_for_samples(bool(offered))
    if not offered:
        if withheld:
            st.caption(_withheld(withheld))
        return None
    names = {card.id: words for card, words in zip(offered, _words(offered), strict=True)}
    if st.session_state.get(Key.CASE_SET) not in names:
        st.session_state[Key.CASE_SET] = offered[0].id
    chosen = st.selectbox(
        "Set",
        list(names),
        format_func=names.__getitem__,
        key=Key.CASE_SET,
        persist_state="session",
        label_visibility="collapsed",
        help="Samples of one generator. Up to 16 of them become cases: half the closest, half drawn from the rest; "
        "held-out films are asked among them as if they were samples.",
    )
    if withheld:
        st.caption(_withheld(withheld))
    return next(card for card in offered if card.id == chosen)


def eligible() -> tuple[list[SampleSetCard], int]:
    """Sets whose training films and held-out films are here, over-trained generators first, and how many are withheld.

    In public only sets are offered whose training films may be shown.
    """
    here = {
        card.id for card in list_datasets() if card.splits.get("train", 0) and card.splits.get("held-out", 0)
    }
    found = [card for card in list_sample_sets() if card.parent in here]
    shown = [card for card in found if not settings().public or may_be_public(card.parent)]
    return sorted(shown, key=lambda card: not _over_trained(card.origin)), len(found) - len(shown)


def _shipped_taken_in() -> bool:
    """Take in the samples of an over-trained generator that come with the program, once a session."""
    from lab.leakage.demo_plan import DATASET
    from lab.leakage.demo_set import install

    if st.session_state.get(Key.CASE_SHIPPED) or all(card.id != DATASET for card in list_datasets()):
        return False
    st.session_state[Key.CASE_SHIPPED] = True
    try:
        with st.spinner("Taking in the samples that come with the program"):
            install()
    except LabError:
        return False  # they are not in this checkout: the button below makes others
    return True


def _withheld(count: int) -> str:
    return f"{count} {'set is' if count == 1 else 'sets are'} not offered in public: the licence does not allow it."


def _over_trained(origin: str) -> bool:
    return any(card.id == origin and card.over_trained for card in list_cards())


def _words(offered: list[SampleSetCard]) -> list[str]:
    titles, prompts = {card.id: card.title for card in list_cards()}, prompts_by_set()
    found = []
    for card in offered:
        prompt = prompts.get(card.id, "")
        about = f" · {prompt[:60]}{'…' if len(prompt) > 60 else ''}" if prompt else ""
        found.append(f"{titles.get(card.origin, card.origin)} · {card.images} samples{about}")
    # Two sets may have been asked alike: their ids then tell them apart.
    return [
        f"{words} ({card.id[:6]})" if found.count(words) > 1 else words
        for card, words in zip(offered, found, strict=True)
    ]


def _ask_for_samples(others: bool) -> None:
    """One button that asks an over-trained generator for samples by the caption of a film that it saw."""
    going = find(st.session_state.get(Key.CASE_ASKED))
    if going is not None and going.state != "done":
        stand_in(going)
        return
    asked = next((card for card in list_cards() if card.over_trained and _may_ask(card)), None)
    if asked is None:
        if not others:
            missing(
                "There is no set to judge yet.",
                "A case needs samples of a generator whose training films and held-out films are on this machine.",
                "prompt",
                "Write a prompt",
            )
        return
    with st.container(border=True):
        st.markdown(
            f"**No samples of a generator that was over-trained on purpose are here yet.** {plain(asked.title)}."
        )
        st.button(
            f"Ask the sibling for {SAMPLES} samples",
            icon=":material/play_arrow:",
            type="primary",
            on_click=_generate,
            args=(asked,),
            help="By the caption of one of its training films, drawn at random; about 5 to 10 seconds.",
        )


def _may_ask(card: GeneratorCard) -> bool:
    here = {one.id for one in list_datasets()}
    public = not settings().public or may_be_public(card.training_dataset)
    return card.training_dataset in here and public


def _generate(card: GeneratorCard) -> None:
    from lab.leakage.demo_truth import films_of

    try:
        caption = secrets.choice(films_of(card.id)).caption
        run = submit(generate_run(request_for(card, caption, SAMPLES), card.training_dataset))
    except LabError as error:
        st.toast(plain(str(error)))
        return
    st.session_state[Key.CASE_ASKED] = run.id


def laid_out(card: SampleSetCard, only: str = "") -> Cases | None:
    """The cases of a set as far as they are known; None, and what is going on, before there is one.

    Args:
        only: image id of a single sample that is not among the chosen ones.
    """
    run = _started(cases_run(card.id, card.parent, only))
    told = run.result or _partial(run)
    if told is None or not told["cases"]:
        stand_in(run, _once_there)
        return None
    return Cases(card.id, card.parent, told["cases"], told["n_train"], told["n_control"], run)


def _once_there(run: Run) -> None:
    """Draw the page anew as soon as the first case is laid out; the others follow while it is looked at."""
    if _partial(run) is not None:
        st.rerun()


def reference(dataset: str) -> tuple[dict[str, NDArray[Any]], Run]:
    """Real-to-real distances of the measures by name, empty before they are measured, and the run that does."""
    run = _started(evidence_run(dataset))
    if run.result is None:
        return {}, run
    return {name: _array(digest) for name, digest in run.result["measures"].items()}, run


def _started(spec: RunSpec) -> Run:
    """The latest run of a spec, submitted when there is none; one that failed is not repeated behind one's back."""
    store, digest = RunStore.open(), spec.digest
    done = store.find_done(digest)
    if done is not None:
        return done
    latest = [run for run in store.list(kinds=(spec.kind,), limit=50) if run.digest == digest]
    return latest[0] if latest else submit(spec)


def _partial(run: Run) -> dict[str, Any] | None:
    """What a running run has told so far."""
    if run.progress is None or run.progress.preview is None or run.is_over:
        return None
    try:
        told: dict[str, Any] = json.loads(read_artifact(run.progress.preview))
    except NotFoundError:
        return None
    return told


@st.cache_data(max_entries=16, show_spinner=False)
def _array(digest: str) -> NDArray[Any]:
    return np.load(io.BytesIO(read_artifact(digest)), allow_pickle=False)
