"""What is asked: a generator that was made to learn films, one of those films, its control, and the run of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from lab.config import settings
from lab.data.imageset import patient_balanced
from lab.data.resolve import resolve
from lab.data.store import list_datasets, open_dataset
from lab.errors import LabError
from lab.gates.planted import PlantedFilm, read_planted
from lab.generators.card import GeneratorCard
from lab.generators.cards import list_cards
from lab.generators.training.plant import PLANTED
from lab.leakage.evidence import PHANTOM
from lab.leakage.extraction import Ask
from lab.runs.records import Run
from lab.runs.spec import RunSpec
from lab.runs.store import RunStore
from lab.ui.films import case_code, may_be_public
from lab.ui.first_steps import readiness
from lab.ui.frame import missing, plain
from lab.ui.run_panel import duration, expected, stand_in, submit
from lab.ui.state import LeakageKey as Key

COUNTS = (8, 16, 32, 64)


@dataclass(frozen=True)
class Suspect:
    """A generator under suspicion.

    Attributes:
        card: its card.
        films: those it was made to learn, then those it saw once.
        control: a well-trained generator of the same dataset; None where there is none.
    """

    card: GeneratorCard
    films: tuple[PlantedFilm, ...]
    control: GeneratorCard | None

    @property
    def planted(self) -> tuple[PlantedFilm, ...]:
        """The films that training repeated."""
        return tuple(film for film in self.films if film.copies > 1)

    @property
    def dataset(self) -> str:
        """Id of the dataset it was trained on."""
        return self.card.training_dataset


def suspects() -> list[Suspect]:
    """Generators here with a list of planted films whose dataset is installed; in public those that may be shown."""
    cards = [card for card in list_cards() if card.path is not None and card.path.is_dir()]
    installed = {dataset.id for dataset in list_datasets()}
    found = []
    for card in cards:
        place = card.root / PLANTED if card.root is not None else None
        hidden = settings().public and not may_be_public(card.training_dataset)
        if place is None or not place.is_file() or card.training_dataset not in installed or hidden:
            continue
        try:
            films = read_planted(place)
        except LabError:
            continue
        found.append(Suspect(card, films, well_trained(card.training_dataset, cards)))
    return found


def well_trained(dataset: str, cards: Sequence[GeneratorCard]) -> GeneratorCard | None:
    """The first generator of a dataset that was not made to learn films."""
    fit = (card for card in cards if card.training_dataset == dataset and not card.over_trained)
    return next((card for card in fit if card.root is None or not (card.root / PLANTED).is_file()), None)


def chosen_film(panel: str) -> tuple[Suspect, PlantedFilm, tuple[int, ...]] | None:
    """Let a person choose generator, film and seeds; None, with the reason on screen, where nothing can be asked."""
    here = {one.card.id: one for one in suspects()}
    if not here:
        missing(
            "There is no generator with known repeats here.",
            "This panel asks for films that a generator was made to learn, and needs their list beside its card.",
            "library",
            "See the generators",
        )
        return None
    left, middle, right = st.columns([0.36, 0.40, 0.24], vertical_alignment="bottom")
    with left:
        name = st.selectbox(
            "Generator", list(here), format_func=lambda one: here[one].card.title, key=Key.CAUSE_GENERATOR,
            index=_first(list(here.values())), persist_state="session",
        )  # fmt: skip
    suspect = here[str(name)]
    films = {film.image_id: film for film in suspect.planted}
    names = named(suspect.planted)
    with middle:
        film = st.selectbox(
            "Training film to ask for, by its own caption",
            list(films),
            format_func=names.__getitem__,
            key=f"{Key.CAUSE_FILM}.{name}",
            persist_state="session",
        )
    with right:
        count = st.segmented_control(
            "Seeds", COUNTS, key=f"{Key.CAUSE_COUNT}.{panel}", default=COUNTS[1 if panel == "sweep" else 0],
            required=True, persist_state="session",
            help="Samples of each prompt. They use the same seeds for every prompt, so only the words differ.",
        )  # fmt: skip
    if not readiness(suspect.dataset, "calibrate"):
        return None
    return suspect, films[str(film)], tuple(range(int(count or COUNTS[0])))


def named(films: Sequence[PlantedFilm]) -> dict[str, str]:
    """What a list calls each film: its caption, with a case code where several share one."""
    often = Counter(film.caption for film in films)
    codes = {
        film.image_id: f" · {case_code(film.image_id)}" if often[film.caption] > 1 else "" for film in films
    }
    return {
        film.image_id: f"{film.caption}{codes[film.image_id]} ({film.copies} times in training)"
        for film in films
    }


def _first(here: Sequence[Suspect]) -> int:
    """The second smallest of the over-trained ones: the smallest gives back what it saw once, too."""
    trained = [at for at, one in enumerate(here) if one.card.over_trained]
    return trained[min(1, len(trained) - 1)] if trained else 0


def held_out_ask(suspect: Suspect, film: PlantedFilm) -> Ask | None:
    """A held-out film of the same label by its own caption: what the generator cannot know; None without any.

    Where no held-out film has a caption of its own, as in a dataset with labels alone, the same caption is asked.
    """
    labels = open_dataset(suspect.dataset).rows().set_index("image_id")["label"].astype(str)
    images = resolve(f"{suspect.dataset}:held-out")
    rows = images.frame().set_index("image_id")
    known = {"", *(one.caption for one in suspect.films)}
    order = patient_balanced(images, len(rows), 0)
    order.sort(key=lambda name: str(rows.loc[name, "label"]) != labels.get(film.image_id, ""))
    if not order:
        return None
    own = next((name for name in order if str(rows.loc[name, "caption"]).strip() not in known), None)
    name, words = (order[0], "same caption") if own is None else (own, "by its own caption")
    caption = film.caption if own is None else str(rows.loc[own, "caption"])
    return Ask(suspect.card.id, caption, name, f"Held-out film, {words}", "held-out", "held-out")


def one_dataset(names: Sequence[str], panel: str) -> str:
    """The dataset a panel speaks of: the only one there is, else the one a person chooses."""
    known = sorted(set(names), key=lambda name: (name != PHANTOM, name))
    if len(known) < 2:
        return known[0] if known else ""
    chosen = st.segmented_control(
        "Films of",
        known,
        default=known[0],
        key=f"{Key.CAUSE_DATASET}.{panel}",
        required=True,
        persist_state="session",
    )
    return str(chosen)


def followed(spec: RunSpec, label: str, size: float, draw: Callable[[Run], None] | None = None) -> Run | None:
    """Button, cost, progress and stop of one run; the run once it is done.

    Args:
        spec: what to run; a finished run of it is taken from the store.
        label: of the button.
        size: what its time grows with, such as the number of samples.
        draw: adds to the progress, such as a preview.
    """
    done = RunStore.open().find_done(spec.digest)
    if done is not None:
        return done
    key = f"{Key.CAUSE_START}.{spec.kind}"
    if (run := going(spec)) is not None:
        stand_in(run, draw)
        return None
    button, words = st.columns([0.3, 0.7], vertical_alignment="center")
    with button:
        asked = st.button(
            label, type="primary", icon=":material/play_arrow:", key=f"{key}.button", width="stretch"
        )
    with words:
        known = expected(spec.kind, size, _size)
        st.caption(f"About {duration(known[0])}, as past runs took." if known else plain(f"{spec.label}."))
    if asked:
        st.session_state[key] = submit(spec).id
        st.rerun()
    return None


def going(spec: RunSpec) -> Run | None:
    """The run of a spec that goes on, whoever started it, or the one this session started and that stopped."""
    known = (run for run in RunStore.open().list(kinds=(spec.kind,), limit=50) if run.digest == spec.digest)
    run = next(known, None)
    own = st.session_state.get(f"{Key.CAUSE_START}.{spec.kind}")
    return run if run is not None and (not run.is_over or run.id == own) else None


def _size(run: Run) -> float:
    """What the time of a past run grew with."""
    past = run.spec.settings
    if run.kind == "extraction":
        return float(len(past["asks"]) * len(past["seeds"]))
    return float(past["drill"]["steps"] * len(past["films"])) if run.kind == "overtrain" else 1.0
