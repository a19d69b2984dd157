"""Which feature space the map shows, getting a second one ready, and how far the two agree."""

from __future__ import annotations

import streamlit as st

from lab.data.store import open_dataset
from lab.errors import LabError
from lab.features.extractors import DEFAULT, default_extractors
from lab.features.presence import missing_features
from lab.features.records import list_records
from lab.runs.agreement_request import agreement_run
from lab.runs.records import Run
from lab.runs.requests import embed_run, latest_map, map_run
from lab.runs.spec import RunSpec
from lab.runs.store import RunStore
from lab.ui.frame import plain
from lab.ui.run_panel import duration, expected, stand_in, submit
from lab.ui.sample_card import percent
from lab.ui.state import MapKey as Key

ABOUT = (
    "The feature extractor whose features the map shows. Two images near in one space may be far in another, so look "
    "at both; what is selected stays selected."
)
AGREEMENT = (
    "Order agreed: around one training image, all others are ranked by distance in both spaces; 1 when the two "
    "rankings are the same, 0 when they have nothing to do with each other (Spearman's rank correlation, mean over "
    "images). Nearest shared: the share of an image's 10 nearest in one space that are among its 10 nearest in the "
    "other; films of the same patient count too. What only one space shows may be an accident of that space."
)


def choose_space(dataset: str) -> str:
    """The feature extractor of the map: the two defaults first, then whatever else has its weights here."""
    offered = spaces(dataset)
    if st.session_state.get(Key.SPACE) not in offered:
        st.session_state[Key.SPACE] = offered[0]
    picked = st.selectbox("Features by", offered, key=Key.SPACE, persist_state="session", help=ABOUT)
    return str(picked or DEFAULT)


def spaces(dataset: str) -> list[str]:
    """Ids of the extractors a map can be made with here, the two defaults of this kind of image first."""
    here = [
        one.id for one in list_records() if one.comes_along or (one.path is not None and one.path.is_dir())
    ]
    colour = "derm" in open_dataset(dataset).card.modality.lower()
    first = [name for name in default_extractors(colour) if name in here]
    return list(dict.fromkeys([DEFAULT, *first, *here]))


def other_space(dataset: str, shown: str) -> str | None:
    """The space to hold against the one that is shown: the default, or the second default."""
    return next((name for name in spaces(dataset) if name != shown), None)


def lacking(dataset: str, extractor: str) -> int:
    """How many images of a dataset have no features by this extractor yet; 0 once the run that extracts them is done.

    What was lost of them since, the run that needs them extracts again.
    """
    if RunStore.open().find_done(embed_run(dataset, extractor).digest) is not None:
        return 0
    digests = open_dataset(dataset).subset().digests()
    found = missing_features(extractor, digests)
    return len(digests) if found is None else found


def second_map(dataset: str, extractor: str, method: str) -> Run | None:
    """The finished map of another space; else how to get it is drawn: features first, then the map."""
    fitted = latest_map(dataset, extractor, method)
    if fitted is not None:
        return fitted
    embedding, fitting = embed_run(dataset, extractor), map_run(dataset, extractor, method=method)
    absent = lacking(dataset, extractor)
    begun = _latest(embedding) if absent else _latest(fitting)
    wanted = st.session_state.get(Key.WANTED) == [dataset, extractor, method]
    if begun is None and not absent and (wanted or method == "umap"):
        begun = submit(fitting)
    with st.container(border=True):
        if begun is not None and (absent or begun.state != "done"):
            what = "Extracting features" if absent else "Fitting the feature-space map"
            st.markdown(f"**{what} by {plain(extractor)}.** It goes on when you leave this page.")
            stand_in(begun)
        elif absent:
            st.markdown(
                f"**The features by {plain(extractor)} are to be extracted first**, then the map is fitted."
            )
            st.caption(_cost(absent))
            _start("Extract the features", embedding, dataset, extractor, method)
        else:
            st.markdown(f"**There is no map of this kind in the space of {plain(extractor)} yet.**")
            _start("Fit the map", fitting, dataset, extractor, method)
    return None


def _start(words: str, spec: RunSpec, dataset: str, extractor: str, method: str) -> None:
    st.button(words, type="primary", key=f"{Key.SPACE}.start", on_click=ask,
              args=(spec, [dataset, extractor, method]))  # fmt: skip


def ask(spec: RunSpec, wanted: list[str]) -> None:
    """Queue a step towards a map, and remember that the map is wanted once the step is done."""
    st.session_state[Key.WANTED] = wanted
    try:
        submit(spec)
    except LabError as error:
        st.toast(plain(str(error)))


def _cost(images: int) -> str:
    told = expected("embed", images, lambda run: float((run.result or {}).get("extracted", 0)))
    about = f" About {duration(told[0])}, as earlier runs took." if told else ""
    return f"{images:,} images to look at, once; the run can be stopped and resumed.{about}"


def _latest(spec: RunSpec) -> Run | None:
    runs = RunStore.open().list(kinds=(spec.kind,), limit=50)
    return next((run for run in runs if run.digest == spec.digest), None)


def agreement_panel(dataset: str, shown: str) -> None:
    """How far the shown space agrees with the other default one on all training images."""
    other = other_space(dataset, shown)
    if other is None:
        return
    st.markdown(
        f"**Does another feature space see the same?** {plain(shown)} beside {plain(other)}", help=AGREEMENT
    )
    spec = agreement_run(dataset, shown, other)
    run = _latest(spec)
    absent = {name: count for name in (shown, other) if (count := lacking(dataset, name))}
    if run is None and absent:
        name = next(iter(absent))
        _to_extract(dataset, name, absent[name])
        return
    if run is None:
        run = submit(spec)  # features are there: it takes about a second
    if run.state == "done":
        _told(run.result or {})
    else:
        stand_in(run)


def _to_extract(dataset: str, name: str, count: int) -> None:
    spec = embed_run(dataset, name)
    begun = _latest(spec)
    if begun is not None and begun.state != "done":
        stand_in(begun)
        return
    st.caption(f"The features by {plain(name)} are to be extracted first. {_cost(count)}")
    st.button(f"Extract features by {name}", key=f"{Key.SPACE}.extract", on_click=ask,
              args=(spec, [dataset, name, "umap"]))  # fmt: skip


def _told(result: dict[str, object]) -> None:
    overlap, chance = float(str(result["overlap"])), float(str(result["chance"]))
    with st.container(horizontal=True, gap="large"):
        st.metric(
            "Order agreed",
            f"{float(str(result['spearman'])):.2f}",
            help="1: the same order; 0: nothing in common.",
        )
        st.metric(
            f"Nearest {result['k']} shared", percent(overlap, 0), help=f"By chance: {percent(chance, 1)}."
        )
    st.caption(verdict(overlap, chance) + f" Measured around {result['queries']:,} of {result['references']:,} "
               "training images.")  # fmt: skip


def verdict(overlap: float, chance: float) -> str:
    """The shared nearest in plain words."""
    if overlap >= 0.6:
        return "The two spaces mostly call the same images near: what one map shows, the other bears out."
    if overlap >= 0.25 and overlap > 2 * chance:
        return "The two spaces share part of what is near: believe a closeness that both of them show."
    return "The two spaces hardly call the same images near: a closeness on one map alone means little."
