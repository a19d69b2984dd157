"""The weights of one generator: how they are had, their download as a run, filling in what a card leaves open."""

from __future__ import annotations

import shutil
from pathlib import Path

import streamlit as st

from lab.config import settings
from lab.errors import LabError
from lab.generators import places
from lab.generators.card import GeneratorCard
from lab.generators.card_state import CardState
from lab.generators.card_store import filled, save_card
from lab.generators.cards import all_cards
from lab.generators.load import downloaded_folder
from lab.generators.pinning import newest
from lab.generators.repositories import bytes_here, download_size, remove_download
from lab.generators.stylegan2_conversion import recipe as conversion_recipe
from lab.runs.download_requests import current_download, download_run
from lab.runs.records import Run
from lab.runs.store import RunStore
from lab.ui.frame import facts, plain, refuse
from lab.ui.run_panel import meter, see_to, stopped, submit
from lab.ui.state import GeneratorKey as Key

POLL_S = 0.7
ON_HUB = ("download", "gated", "credentialed")


def weights(card: GeneratorCard, stands: CardState) -> None:
    """A box that says how the weights are had, and offers the next step."""
    with st.container(border=True):
        st.markdown("**Weights**")
        told = st.session_state.pop(f"{Key.TOLD}.{card.id}", None)
        if told:
            st.success(plain(told), icon=":material/check_circle:")
        if stands.code == "ready":
            st.markdown(":material/check_circle: On this machine; no network is needed.")
            _removal(card)
            return
        run = current_download(card.id) if places.needed_repositories(card) else None
        if run is not None and not run.is_over:
            _follow(run.id)
            return
        st.markdown(f":material/arrow_forward: {plain(stands.reason)}")
        if run is not None:
            stopped(run)
        if stands.code == "commit":
            _pin(card)
        elif stands.code in ON_HUB and places.needed_repositories(card):
            _download(card, stands, again=run is not None)
        if stands.code != "loader":
            with st.expander("Say where the weights are", expanded=not card.hub_id):
                _fill(card)
        if card.loader == "stylegan2":
            with st.expander("Convert a checkpoint once, elsewhere"):
                st.markdown(conversion_recipe())


def _download(card: GeneratorCard, stands: CardState, again: bool) -> None:
    known = st.session_state.get(f"{Key.SIZE}{card.id}")
    if known is not None:
        size = f"{in_words(known)}, as the hub says"
    elif card.download_gb:
        size = f"about {card.download_gb:g} GB, by its number of parameters"
    else:
        size = "not known before the hub is asked"
    free = shutil.disk_usage(
        next(p for p in (settings().workspace, *settings().workspace.parents) if p.is_dir())
    ).free
    told = {"Size": size, "Free on the disk": in_words(free)}
    left = bytes_here(card)
    if left:
        told["Here from before"] = f"{in_words(left)}; a download goes on from there"
    facts(told)
    if stands.code != "download":
        st.caption(
            "The hub hands these files only to accounts that were let in. Log in once in a shell with: hf auth login, "
            "or start the app with HF_TOKEN set. The token is read from there and kept nowhere else."
        )
    start, ask = st.columns(2)
    if not again:
        start.button(
            "Download", icon=":material/download:", type="primary", on_click=_start, args=(card.id,),
            key=f"library.download.{card.id}", width="stretch",
            help="A run of its own: it goes on when this page is closed, can be stopped, and goes on where it ended.",
        )  # fmt: skip
    ask.button(
        "Ask for the size", icon=":material/straighten:", on_click=_ask, args=(card,), width="stretch",
        key=f"library.size.{card.id}", help="One question to the hub; nothing is fetched.",
    )  # fmt: skip


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
    meter(run, "weights")
    _pace(run)


def _pace(run: Run) -> None:
    """How fast it comes in, and what guards it."""
    progress = run.progress
    if progress is not None and progress.total:
        pace = f"{progress.rate:.1f} MB a second. " if progress.rate else ""
        st.caption(f"{pace}Every file is checked by the digest that its commit names.")


def in_words(count: int) -> str:
    """Bytes as "1.2 GB", "35 MB" or "0.4 MB"."""
    if count >= 10_000_000_000:
        return f"{count / 1e9:,.0f} GB"
    return (
        f"{count / 1e9:.1f} GB"
        if count >= 1_000_000_000
        else f"{count / 1e6:.{0 if count >= 1e7 else 1}f} MB"
    )


def _removal(card: GeneratorCard) -> None:
    if card.folder or not downloaded_folder(card).is_dir():
        return
    sure = st.checkbox("Remove what was downloaded", key=f"{Key.SURE}{card.id}")
    if sure:
        st.button(
            "Free the disk", icon=":material/delete:", on_click=_remove, args=(card,),
            key=f"library.free.{card.id}", help="The card stays, and the weights can be downloaded again.",
        )  # fmt: skip


def _pin(card: GeneratorCard) -> None:
    st.button(
        "Look up the newest commits", icon=":material/push_pin:", on_click=_look_up, args=(card,), type="primary",
        key=f"library.pin.{card.id}",
        help="Asks the hub which commit each repository is at now, and writes it into a card of your own, so that the "
        "weights can never change unseen.",
    )  # fmt: skip


def _fill(card: GeneratorCard) -> None:
    folder = st.text_input("Folder on this machine", key=f"{Key.FOLDER}{card.id}")
    hub, commit = st.columns(2)
    hub_id = hub.text_input("Or hub id", key=f"{Key.HUB}{card.id}", placeholder="OWNER/NAME")
    revision = commit.text_input(
        "Its commit", key=f"{Key.COMMIT}{card.id}", placeholder="40 digits",
        help="The full commit, never a branch name: a branch can change under your feet.",
    )  # fmt: skip
    st.button(
        "Keep it", icon=":material/save:", key=f"library.fill.{card.id}", on_click=_keep,
        args=(card, folder, hub_id, revision), disabled=not (folder or hub_id),
        help="Kept as a card of your own under the same id; the published card comes back when you remove yours.",
    )  # fmt: skip


def _start(id: str) -> None:
    try:
        submit(download_run(id))
    except LabError as error:
        refuse(error)


def _ask(card: GeneratorCard) -> None:
    try:
        st.session_state[f"{Key.SIZE}{card.id}"] = download_size(card)
    except LabError as error:
        refuse(error)


def _look_up(card: GeneratorCard) -> None:
    try:
        save_card(filled(card, newest(card)), instead=card.id)
        st.session_state[f"{Key.TOLD}.{card.id}"] = "The commits were looked up and kept in a card of yours."
    except LabError as error:
        refuse(error)


def _keep(card: GeneratorCard, folder: str, hub_id: str, revision: str) -> None:
    changes = (
        {"folder": str(Path(folder).expanduser())} if folder else {"hub_id": hub_id, "revision": revision}
    )
    try:
        save_card(filled(card, changes), instead=card.id)
        st.session_state[f"{Key.TOLD}.{card.id}"] = "The place was checked and kept in a card of yours."
    except LabError as error:
        refuse(error)


def _remove(card: GeneratorCard) -> None:
    freed = remove_download(card, all_cards())
    st.session_state.pop(f"{Key.SURE}{card.id}", None)
    st.session_state[f"{Key.TOLD}.{card.id}"] = f"{in_words(freed)} are free again."
