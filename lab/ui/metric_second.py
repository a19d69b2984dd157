"""Further extractors beside the first: what they would cost, their runs, and where to find those again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from lab.config import settings
from lab.data.dataset import parse_reference
from lab.data.imageset import ImageSet
from lab.errors import LabError
from lab.features.extractors import default_extractors, extractor_digest
from lab.features.places import state
from lab.features.presence import missing_features
from lab.features.records import list_records
from lab.metrics.presets import get_preset
from lab.provenance import digest_bytes
from lab.runs.records import Run
from lab.runs.requests import EXTRACTOR
from lab.ui.metric_cost import Pace, embedding_s, estimate, images_of
from lab.ui.metric_runs import listed, specs, whole
from lab.ui.run_panel import duration
from lab.ui.sets import card_of, control_split
from lab.ui.state import MetricsKey as Key

CHEAP = 96
"""Images that a second extractor may still have to look at and yet be chosen beforehand: some seconds."""
OWN_NEEDS = {
    "near-copy", "captions", "pictures", "masks", "re-id", "copy-embedding", "logits", "resolutions", "text-encoder",
}  # fmt: skip
MOST = 4
HELP = (
    "One extractor alone is blind to something. Each further one measures the same sets again, after the first, and "
    "the results say for each metric whether they agree."
)


@dataclass(frozen=True)
class Second:
    """One further extractor.

    Attributes:
        name: its id, "" for none.
        metrics: those of the chosen metrics that depend on an extractor.
        cost: what it costs, as a sentence.
    """

    name: str
    metrics: tuple[str, ...]
    cost: str


NOBODY = Second("", (), "")


def choose(dataset: str, images: list[ImageSet], names: list[str], past: Sequence[Pace]) -> list[Second]:
    """Draw the choice of further extractors, the default one chosen beforehand where it is cheap.

    Args:
        dataset: id of the real side.
        images: every set that has to be embedded.
        names: the metrics that will be computed.
        past: what past runs took.
    """
    digests = _digests(images)
    missing = {
        record.id: count
        for record in list_records()
        if record.id != EXTRACTOR and not state(record)
        for count in [_missing(record.id, digests)]
        if count is not None
    }
    preferred = default_extractors(_colour(dataset))[1]
    asked = get_preset(str(st.session_state[Key.PRESET])).extractors
    options = sorted(missing, key=lambda name: (name not in asked, name != preferred, missing[name]))
    known = st.session_state.get(Key.SECOND)
    if known is None:
        cheap = missing.get(preferred, CHEAP + 1) <= CHEAP
        st.session_state[Key.SECOND] = [preferred] if cheap else []
    elif not set(known) <= set(options):
        st.session_state[Key.SECOND] = [name for name in known if name in options]
    picked = st.multiselect(
        "Further extractors",
        options,
        format_func=lambda name: _words(name, missing.get(name, 0)),
        key=Key.SECOND,
        help=f"{HELP} The first is always {EXTRACTOR}.",
        max_selections=MOST,
        placeholder="None: the first extractor alone",
        persist_state="session",
    )
    measured = tuple(name for name in names if by_features(name))
    if not measured:
        return []
    size = images_of(images)
    return [
        Second(name, measured, _cost(name, missing[name], size, measured, len(names) - len(measured), past))
        for name in picked
    ]


def companions(run: Run) -> list[Run]:
    """For each other extractor the newest run of the same sets, a finished one before others; finished ones first."""
    found: dict[str, Run] = {}
    for other in listed():
        name = str(other.spec.settings["extractor"])
        if name == run.spec.settings["extractor"] or _sets(other) != _sets(run):
            continue
        if other.state not in ("done", "running", "queued"):
            continue
        if name not in found or (other.state == "done" and found[name].state != "done"):
            found[name] = other
    return sorted(map(whole, found.values()), key=lambda other: (other.state != "done", -other.created))


def another(run: Run, past: Sequence[Pace]) -> Second:
    """The default second extractor for a finished run that has none, with its cost."""
    from lab.ui.sets import open_set

    asked = run.spec.settings
    names = tuple(name for name in asked["metrics"] if by_features(name))
    wanted = default_extractors(_colour(parse_reference(asked["real"])[0]))
    name = next((name for name in wanted if name != asked["extractor"]), "")
    try:
        images = measured_sets(asked["real"], open_set(asked["synthetic"]))
        count = _missing(name, _digests(images))
    except LabError:
        return NOBODY
    if not names or count is None:
        return NOBODY
    cost = _cost(name, count, images_of(images), names, len(asked["metrics"]) - len(names), past)
    return Second(name, names, cost)


def measured_sets(real: str, synthetic: ImageSet) -> list[ImageSet]:
    """Every set whose features a metric run reads."""
    from lab.data.resolve import resolve

    name, split = parse_reference(real)
    control = resolve(f"{name}:{control_split(name, synthetic)}")
    return [resolve(f"{name}:{split or 'train'}"), synthetic, control]


def missing_of(name: str, images: list[ImageSet]) -> int:
    """How many images one extractor has still to embed; 0 where its weights are not here."""
    return _missing(name, _digests(images)) or 0


def by_features(name: str) -> bool:
    """Whether a metric depends on the extractor: it reads no detector, model, pixel or embedding of its own alone."""
    known = specs()
    return name in known and not set(known[name].needs) & OWN_NEEDS


def _digests(images: list[ImageSet]) -> list[str]:
    return list(dict.fromkeys(digest for one in images for digest in one.digests()))


def _sets(run: Run) -> tuple[object, ...]:
    asked, inputs = run.spec.settings, run.spec.inputs
    chosen = tuple(asked.get(name) for name in ("real", "synthetic", "seed", "copies"))
    return (*chosen, inputs.get("real"), inputs.get("synthetic"))


def _words(name: str, missing: int) -> str:
    return f"{name} (features are there)" if not missing else f"{name} ({missing:,} images to embed first)"


def _cost(
    name: str, missing: int, size: int, names: Sequence[str], left_out: int, past: Sequence[Pace]
) -> str:
    own = [pace for pace in past if pace.extractor == name] or list(past)
    told = estimate(names, size, own)
    words = f"about {duration(told.seconds)}" if told.runs else "about as long as the first"
    embedding = embedding_s(name, missing)
    first = ""
    if missing:
        time = f"about {duration(embedding)}" if embedding else "no past run says how long that takes"
        first = f" {missing:,} images are embedded first ({time})."
    several = f"{left_out} metrics do not depend on an extractor and are not repeated."
    rest = f" {several}" if left_out > 1 else ""
    if left_out == 1:
        rest = " One metric does not depend on an extractor and is not repeated."
    return f"Then {name} measures again: {words}.{first}{rest}"


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
