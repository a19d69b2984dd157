"""A second extractor beside the first: what it would cost, its run, and where to find it again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from lab.config import settings
from lab.data.imageset import ImageSet
from lab.errors import LabError
from lab.features.extractors import default_extractors, extractor_digest
from lab.features.places import state
from lab.features.presence import missing_features
from lab.features.records import list_records
from lab.metrics.registry import load_metrics
from lab.provenance import digest_bytes
from lab.runs.records import Run
from lab.runs.requests import EXTRACTOR, evaluate_run
from lab.runs.spec import RunSpec
from lab.runs.store import RunStore
from lab.ui.run_panel import duration, expected
from lab.ui.sets import card_of
from lab.ui.state import MetricsKey as Key

NONE = ""
CHEAP = 96
"""Images that a second extractor may still have to look at and yet be chosen beforehand: some seconds."""
OWN = ("near-copy", "captions")
HELP = (
    "One extractor alone is blind to something. A second one measures the same sets again, after the first, and the "
    "results say for each metric whether both agree."
)


@dataclass(frozen=True)
class Second:
    """The second extractor that was chosen.

    Attributes:
        name: its id, "" for none.
        metrics: those of the chosen metrics that depend on an extractor and need no calibration of its own.
        cost: what it costs, as a sentence.
    """

    name: str
    metrics: tuple[str, ...]
    cost: str


def choose(dataset: str, images: list[ImageSet], names: list[str]) -> Second:
    """Draw the choice of a second extractor, the default one chosen beforehand where it is cheap.

    Args:
        dataset: id of the real side.
        images: every set that has to be embedded.
        names: the metrics that will be computed.
    """
    digests = list(dict.fromkeys(digest for one in images for digest in one.digests()))
    missing = {
        record.id: count
        for record in list_records()
        if record.id != EXTRACTOR and not state(record)
        for count in [_missing(record.id, digests)]
        if count is not None
    }
    preferred = default_extractors(_colour(dataset))[1]
    options = [NONE, *sorted(missing, key=lambda name: (name != preferred, missing[name]))]
    if st.session_state.get(Key.SECOND) not in options:
        st.session_state[Key.SECOND] = preferred if missing.get(preferred, CHEAP + 1) <= CHEAP else NONE
    picked = st.selectbox(
        "Second extractor",
        options,
        format_func=lambda name: _words(name, missing.get(name, 0)),
        key=Key.SECOND,
        help=HELP,
        persist_state="session",
    )
    chosen = str(picked or NONE)
    measured = tuple(name for name in names if _by_features(name))
    if not chosen or not measured:
        return Second(NONE, (), "")
    return Second(chosen, measured, _cost(chosen, missing[chosen], images, len(names) - len(measured)))


def runs_of(real: str, synthetic: str, first: list[str], second: Second) -> list[RunSpec]:
    """The run of the first extractor, then that of the second."""
    asked = [evaluate_run(real, synthetic, first, EXTRACTOR)]
    if second.name:
        asked.append(evaluate_run(real, synthetic, second.metrics, second.name))
    return asked


def companion(run: Run) -> Run | None:
    """The newest run of the same sets by another extractor, a finished one before others; None without one."""
    alike = [
        other
        for other in RunStore.open().list(kinds=("evaluate",), limit=200)
        if _sets(other) == _sets(run)
        and other.spec.settings["extractor"] != run.spec.settings["extractor"]
        and other.state in ("done", "running", "queued")
    ]
    return next((other for other in alike if other.state == "done"), alike[0] if alike else None)


def another(run: Run) -> Second:
    """The default second extractor for a finished run that has none, with its cost."""
    from lab.data.dataset import parse_reference
    from lab.ui.sets import open_set

    asked = run.spec.settings
    names = [name for name in asked["metrics"] if _by_features(name)]
    dataset = parse_reference(asked["real"])[0]
    wanted = default_extractors(_colour(dataset))
    name = next((name for name in wanted if name != asked["extractor"]), NONE)
    try:
        images = measured_sets(asked["real"], open_set(asked["synthetic"]))
        digests = list(dict.fromkeys(digest for one in images for digest in one.digests()))
        count = _missing(name, digests)
    except LabError:
        return Second(NONE, (), "")
    if not names or count is None:
        return Second(NONE, (), "")
    return Second(name, tuple(names), _cost(name, count, images, len(asked["metrics"]) - len(names)))


def measured_sets(real: str, synthetic: ImageSet) -> list[ImageSet]:
    """Every set whose features a metric run reads."""
    from lab.data.dataset import parse_reference
    from lab.data.resolve import resolve

    name, split = parse_reference(real)
    return [resolve(f"{name}:{split or 'train'}"), synthetic, resolve(f"{name}:held-out")]


def _sets(run: Run) -> tuple[object, ...]:
    asked, inputs = run.spec.settings, run.spec.inputs
    chosen = tuple(asked.get(name) for name in ("real", "synthetic", "seed", "copies"))
    return (*chosen, inputs.get("real"), inputs.get("synthetic"))


def _by_features(name: str) -> bool:
    """Near-copies are judged by calibrated detectors and captions by the text-image model, not by an extractor."""
    known = load_metrics()
    return name in known and not set(known.get(name).spec.needs) & set(OWN)


def _words(name: str, missing: int) -> str:
    if name == NONE:
        return "None: the first extractor alone"
    return f"{name} (features are there)" if not missing else f"{name} ({missing:,} images to embed first)"


def _cost(name: str, missing: int, images: list[ImageSet], left_out: int) -> str:
    pace = expected("embed", missing, lambda run: _extracted(run, name)) if missing else None
    measured = expected("evaluate", len(images[1].ids()) + 1, lambda run: _images(run, name))
    embedding = ""
    if missing:
        time = f"about {duration(pace[0])}" if pace else "no past run says how long that takes"
        embedding = f" {missing:,} images are embedded first ({time})."
    words = f"about {duration(measured[0])}" if measured else "about as long as the first"
    own = f" {left_out} metrics do not depend on an extractor and are not repeated." if left_out else ""
    return f"Then {name} measures again: {words}.{embedding}{own}"


def _extracted(run: Run, name: str) -> float:
    result = run.result or {}
    return float(result.get("extracted", 0)) if run.spec.settings["extractor"] == name else 0.0


def _images(run: Run, name: str) -> float:
    results = (run.result or {}).get("results") or []
    return float(results[0]["n_synthetic"] + 1) if results and run.spec.settings["extractor"] == name else 0.0


def _colour(dataset: str) -> bool:
    card = card_of(dataset)
    return card is not None and "derm" in card.modality.lower()


def _missing(name: str, digests: list[str]) -> int | None:
    digest = extractor_digest(name)
    folder = settings().features / digest[:24]
    return _counted(name, digest, digest_bytes("".join(digests).encode()), _written(folder), digests)


def _written(folder: Path) -> int:
    return folder.stat().st_mtime_ns if folder.is_dir() else 0


@st.cache_data(max_entries=64, show_spinner=False)
def _counted(name: str, digest: str, sets: str, written: int, _digests: list[str]) -> int | None:
    """Counted once for an extractor, some images and a state of the store: reading the store takes a while."""
    return missing_features(name, _digests)
