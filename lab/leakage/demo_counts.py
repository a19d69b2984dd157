"""Counts behind the demonstration: what the audits tell, set against what is known to be true.

A near-copy verdict points at a training patient. That patient was planted (repeated in training), was seen once, or was
never seen by the generator at all: then the verdict is a false alarm, whatever it looks like.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from lab.errors import NotComputable
from lab.gates.planted import PlantedFilm
from lab.leakage.demo_plan import HELD_OUT, ONCE, PLANTED
from lab.leakage.demo_set import DemoSample
from lab.neighbours.intervals import Share, wilson
from lab.neighbours.verdict import NEAR_COPY


@dataclass(frozen=True)
class Truth:
    """Who was in the training of a generator.

    Attributes:
        planted: patients whose film was repeated, by the image id of that film.
        once: patients seen once, by the image id of their film.
        patients: patient of every training image of the dataset, seen or not, by image id.
    """

    planted: Mapping[str, str]
    once: Mapping[str, str]
    patients: Mapping[str, str]

    def kind(self, patient: str) -> str:
        """ "planted", "once" or "never", by what the generator saw of that patient."""
        if patient in self.planted.values():
            return PLANTED
        return ONCE if patient in self.once.values() else "never"


@dataclass(frozen=True)
class Matrix:
    """The planted truth against the verdicts.

    Attributes:
        found, missed: image ids of planted films whose patient was, or was not, pointed at by a near-copy.
        exposed: image ids of films seen once whose patient was pointed at by a near-copy.
        spared: the other films seen once.
        alarms: image ids of samples told to be near-copies of a patient the generator never saw.
        samples: samples behind all this.
    """

    found: tuple[str, ...]
    missed: tuple[str, ...]
    exposed: tuple[str, ...]
    spared: tuple[str, ...]
    alarms: tuple[str, ...]
    samples: int

    @property
    def planted(self) -> Share:
        """Planted patients found, of all planted."""
        return wilson(len(self.found), len(self.found) + len(self.missed))

    @property
    def once(self) -> Share:
        """Patients seen once that were found, of all seen once."""
        return wilson(len(self.exposed), len(self.exposed) + len(self.spared))

    @property
    def false(self) -> Share:
        """Samples that raised a false alarm, of all samples."""
        return wilson(len(self.alarms), self.samples)


def truth_of(films: Sequence[PlantedFilm], members: Collection[str], train: pd.DataFrame) -> Truth:
    """The truth from the generator's lists and the training rows of its dataset.

    Args:
        films: as `planted.json` lists them.
        members: image ids of all films the generator saw.
        train: with image_id and patient_id, one row a training image.

    Raises:
        NotComputable: when a listed film is not among the training images: another dataset, nothing can be said.
    """
    patients = {str(name): str(who) for name, who in zip(train["image_id"], train["patient_id"], strict=True)}
    listed = {film.image_id for film in films if film.copies > 1}
    if not listed <= set(members) or not set(members) <= patients.keys():
        raise NotComputable(
            "The films this generator was trained on are not all among the training images; nothing was counted; "
            "install the dataset it was trained on."
        )
    planted = {name: patients[name] for name in sorted(listed)}
    taken = set(planted.values())
    once = {name: patients[name] for name in sorted(members) if patients[name] not in taken}
    return Truth(planted, once, patients)


def joined(table: pd.DataFrame, samples: Sequence[DemoSample], truth: Truth) -> pd.DataFrame:
    """The audit's rows with what was asked and whom each points at.

    Args:
        table: the audit's table, one row a sample in the order of the set.
        samples: of the same set.

    Returns:
        The table with group, film, prompt, seed, patient (of the training image to look at first), copy (told to be a
        near-copy) and seen ("planted", "once" or "never": what the generator saw of that patient).

    Raises:
        NotComputable: when the audit is of another set.
    """
    if len(table) != len(samples):
        raise NotComputable("The audit is of other samples; nothing was counted; run it again.")
    told = table.reset_index(drop=True).copy()
    for name in ("group", "film", "prompt", "seed"):
        told[name] = [getattr(one, name) for one in samples]
    told["patient"] = [truth.patients.get(str(name), "") for name in told["first"]]
    told["copy"] = told["label"] == NEAR_COPY
    told["seen"] = [truth.kind(str(who)) for who in told["patient"]]
    return told


def matrix_of(told: pd.DataFrame, truth: Truth) -> Matrix:
    """Planted, once-seen and never-seen patients against the near-copy verdicts of a joined audit."""
    copies = told[told["copy"]]
    pointed = set(copies["patient"])
    found = tuple(name for name, who in truth.planted.items() if who in pointed)
    exposed = tuple(name for name, who in truth.once.items() if who in pointed)
    return Matrix(
        found=found,
        missed=tuple(name for name in truth.planted if name not in found),
        exposed=exposed,
        spared=tuple(name for name in truth.once if name not in exposed),
        alarms=tuple(str(name) for name in copies.loc[copies["seen"] == "never", "image_id"]),
        samples=len(told),
    )


def near_copies(told: pd.DataFrame, group: str = "") -> Share:
    """Samples told to be near-copies, of all or of those by the captions of one group.

    Raises:
        NotComputable: when there is none of that group.
    """
    rows = told[told["group"] == group] if group else told
    return wilson(int(rows["copy"].sum()), len(rows))


def given_back(told: pd.DataFrame, truth: Truth, group: str) -> Share:
    """Films of a group whose own patient is pointed at by a near-copy among the samples of its caption.

    Raises:
        NotComputable: for held-out captions: their films were not searched.
    """
    if group == HELD_OUT:
        raise NotComputable(
            "Held-out films are not searched by an audit; nothing was counted; ask for another."
        )
    rows = told[told["group"] == group]
    hits = rows["copy"] & (rows["patient"] == [truth.patients.get(str(name)) for name in rows["film"]])
    by_film = hits.groupby(rows["film"]).any()
    return wilson(int(by_film.sum()), len(by_film))
