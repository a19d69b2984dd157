"""Watch it happen: a copy of the well-trained generator learns a few phantom films by heart; nothing of it is kept."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from statistics import median
from typing import Any

import streamlit as st

from lab.charts.overtraining import Moment, overtraining_figure
from lab.data.card import DatasetCard
from lab.data.imageset import patient_balanced
from lab.data.resolve import resolve
from lab.data.store import list_datasets
from lab.errors import LabError
from lab.generators.card import GeneratorCard
from lab.generators.cards import list_cards
from lab.leakage.overtraining import Drill
from lab.neighbours.intervals import wilson
from lab.runs.artifacts import read_artifact
from lab.runs.leakage_requests import overtrain_run
from lab.runs.records import Run
from lab.ui.films import dataset_film, origin_note, sample_film
from lab.ui.first_steps import readiness
from lab.ui.frame import missing
from lab.ui.leakage_cause_ask import followed, going, well_trained
from lab.ui.leakage_cause_sweep import PLAIN
from lab.ui.sample_card import percent
from lab.ui.state import LeakageKey as Key
from lab.ui.viewer import viewer

FILMS = (4, 8, 12)
SHOWN = 3
MOST_SEED = 10_000


def live() -> None:
    """Choose how many films, start, and look on; the same choice gives the same curve again."""
    found = _subject()
    if found is None:
        missing(
            "There is no phantom generator to over-train here.",
            "Only phantoms are over-trained, since their films belong to nobody.", "library", "See the generators",
        )  # fmt: skip
        return
    card, dataset = found
    left, right, _ = st.columns([0.3, 0.3, 0.4], vertical_alignment="bottom")
    with left:
        count = st.segmented_control(
            "Phantom films to learn", FILMS, default=FILMS[1], key=f"{Key.CAUSE_LIVE}.count", required=True,
            persist_state="session", help="More films take longer: every step sees each of them.",
        )  # fmt: skip
    with right:
        seed = st.number_input(
            "Draw of films and noise", 0, MOST_SEED, 0, key=f"{Key.CAUSE_LIVE}.seed", persist_state="session",
            help="Another number takes other films; the same number gives the same curve again.",
        )  # fmt: skip
    if not readiness(dataset.id, "calibrate"):
        return
    drill = Drill(seed=int(seed))
    names = chosen_films(dataset.id, dataset.digest, int(count or FILMS[1]), int(seed))
    spec = overtrain_run(names, dataset.id, card.id, drill)
    run = followed(spec, "Learn these films by heart", float(drill.steps * len(names)), _so_far)
    if run is not None:
        told = run.result or {}
        st.markdown(f"#### {sentence(told['curve'], told['limit'])}")
        draw(told, dataset.id, drill.steps, "done")
    elif going(spec) is None:
        films = [dataset_film(dataset.id, name, "a training image to learn", small=True) for name in names]
        viewer(films, key=f"{Key.CAUSE_LIVE}.films", columns=len(films) if len(films) < 8 else 8)
        st.caption(
            "The generator's weights are copied in memory, trained on these films alone, and forgotten. Samples are "
            "drawn before the first step too, so the curve begins with what the generator gives as it is."
        )


def _subject() -> tuple[GeneratorCard, DatasetCard] | None:
    """The well-trained generator of a phantom dataset, and the dataset."""
    cards = [card for card in list_cards() if card.path is not None and card.path.is_dir()]
    for dataset in list_datasets():
        card = well_trained(dataset.id, cards) if dataset.origin == "phantom" else None
        if card is not None and card.conditioning == "text":
            return card, dataset
    return None


@st.cache_data(max_entries=16, show_spinner=False)
def chosen_films(dataset: str, digest: str, count: int, seed: int) -> list[str]:
    """Training films of different patients with a caption of their own; the digest is part of the cache key."""
    images = resolve(f"{dataset}:train")
    captions = images.frame().set_index("image_id")["caption"].astype(str)
    often = Counter(captions)
    fit = [name for name in patient_balanced(images, len(captions), seed) if often[captions[name]] == 1]
    return fit[:count]


def _so_far(run: Run) -> None:
    """The curve and the samples of a run that goes on."""
    preview = run.progress.preview if run.progress is not None else None
    if preview is None:
        st.caption("The generator is being loaded; the first samples come before the first training step.")
        return
    told = json.loads(read_artifact(preview))
    draw(told, run.spec.settings["dataset"], run.spec.settings["drill"]["steps"], "live")


def draw(told: Mapping[str, Any], dataset: str, steps: int, where: str) -> None:
    """Curve on the left; films above, the samples of their captions below, on the right."""
    curve = told["curve"]
    moments = [Moment(one["step"], one["own"], one["control"]) for one in curve]
    left, right = st.columns([0.46, 0.54], gap="medium")
    with left:
        figure = overtraining_figure(moments, told["limit"], told["n_controls"], steps)
        st.plotly_chart(figure, key=f"{Key.CAUSE_CHART}.live.{where}", config=PLAIN)
    with right:
        point = curve[-1]
        if where == "done" and len(curve) > 1:
            at = st.select_slider(
                "Training steps", range(len(curve)), value=len(curve) - 1, key=f"{Key.CAUSE_LIVE}.step",
                format_func=lambda place: str(curve[place]["step"]),
            )  # fmt: skip
            point = curve[int(at)]
        _films(told, point, dataset, where)
    near = curve[-1]["own"]
    if told["limit"] is not None:
        st.caption(sentence(curve, told["limit"]) if where == "live" else _thin(len(near)))


def _films(told: Mapping[str, Any], point: Mapping[str, Any], dataset: str, where: str) -> None:
    """The first few films, each above its sample, so that pairs stand in columns."""
    films = told["films"][:SHOWN]
    shown = [dataset_film(dataset, one["image_id"], "learnt film", small=True) for one in films]
    limit, note = told["limit"], origin_note(dataset)
    for artifact, own in list(zip(point["samples"], point["own"], strict=True))[:SHOWN]:
        label = "near-copy" if limit is not None and own <= limit else ""
        sample = {"artifact": artifact, "seed": 0, "verdict": {"label": label} if label else None}
        words = f"after {point['step']} steps\ndistance {own:.3f}"
        try:
            shown.append(sample_film(sample, note, words))
        except LabError:
            continue
    viewer(shown, key=f"{Key.CAUSE_LIVE}.pairs.{where}", columns=len(films))


def _thin(count: int) -> str:
    return (
        f"Thin lines are the {count} single films, thick ones medians. Samples are drawn with few denoising steps and "
        "without guidance, always by the same seeds. Labels here come from registered correlation alone."
    )


def sentence(curve: list[Mapping[str, Any]], limit: float | None) -> str:
    """How many films are given back now, against the start and the control."""
    last, first = curve[-1], curve[0]
    if limit is None:
        return f"Median distance {median(last['own']):.3f} after {last['step']} steps."
    share = wilson(sum(own <= limit for own in last["own"]), len(last["own"]))
    before = sum(own <= limit for own in first["own"])
    control = wilson(sum(other <= limit for other in last["control"]), len(last["control"]))
    return (
        f"After {last['step']} steps {share.hits} of {share.n} films are given back ({percent(share.low, 0)} to "
        f"{percent(share.high, 0)}); before the first step {before}. As near to a held-out film: {control.hits} "
        f"of {control.n} ({percent(control.low, 0)} to {percent(control.high, 0)})."
    )
