"""Label agreement: whether a classifier fitted on training images sees what the prompt asked for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics.alignment.label_model import fit_labels
from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.patients import FEW, MINIMUM_PATIENTS, REPLICATES, index_patients
from lab.metrics.points import Points
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec

Floats = NDArray[np.float64]
Labels = NDArray[np.str_]
FEWEST_A_LABEL = 5


@metric(
    MetricSpec(
        name="label-agreement",
        title="Label agreement",
        symbol="LA",
        axis="alignment",
        direction="higher",
        low=0.0,
        high=1.0,
        null="the held-out line: the same classifier on real images it has not seen; a blind guess scores"
        " 1 over the number of labels",
        null_line=None,
        needs=("features", "labels", "held-out"),
        minimum_n=10,
        bias="bounded by the classifier, not by the generator: samples can score above real images when"
        " they show a finding more plainly than life",
        cost="one logistic regression: below 10 s for 5,000 images of 1,280 features",
        reference="Ravuri and Vinyals 2019, Classification accuracy score; here fitted on real, scored on"
        " synthetic",
        definition="How often a classifier fitted on training images gives a sample the label its prompt"
        " asked for, averaged over labels.",
    )
)
def label_agreement(comparison: Comparison) -> Measurement:
    """Mean over labels of the share of samples predicted as prompted; control: the same on held-out images.

    Logistic regression (L2, C = 0.1, balanced weights) on features standardised by training images. Labels
    with fewer than 5 training images, or none among the samples, are left out and named. Intervals:
    bootstrap over patients.
    """
    real, samples, held_out, trained, prompted, true = _labelled(comparison)
    names, films = np.unique(trained, return_counts=True)
    known = [str(name) for name, count in zip(names, films, strict=True) if count >= FEWEST_A_LABEL and name]
    asked = [name for name in known if (prompted == name).any()]
    if len(known) < 2 or not asked:
        raise NotComputable(
            "Label agreement needs two labels with 5 training images each, and one of them among the samples."
        )
    fitted = np.isin(trained, known)
    predictions = predict(real.features[fitted], trained[fitted], [samples.features, held_out.features])
    rng = comparison.rng("label-agreement")
    hits = (predictions[0] == prompted).astype(np.float64)
    value, low, high = _macro(hits, prompted, samples.patients, asked, rng)
    seen = [name for name in asked if (true == name).any()]
    film_hits = (predictions[1] == true).astype(np.float64)
    control = _macro(film_hits, true, held_out.patients, seen, rng) if seen else (None, None, None)
    return Measurement(
        value=float(value),
        low=low,
        high=high,
        control=control[0],
        control_low=control[1],
        control_high=control[2],
        floor=control[0],
        floor_low=control[1],
        floor_high=control[2],
        floor_n=held_out.n if seen else None,
        note=_note(
            sorted(set(prompted) - set(asked)), sorted(set(asked) - set(seen)), len(asked), low is None
        ),
        per_image=samples.in_given_order(hits),
    )


def _labelled(comparison: Comparison) -> tuple[Points, Points, Points, Labels, Labels, Labels]:
    """Training images, samples and held-out images, then the labels of each in the same order."""
    given, held_out = comparison.given, comparison.held_out
    labels = (given.real_labels, given.synthetic_labels, given.held_out_labels)
    if held_out is None or any(names is None for names in labels):
        raise NotComputable(
            "Label agreement needs a label for each training image, sample and held-out image; add the labels."
        )
    sides = (comparison.real, comparison.synthetic, held_out)
    trained, prompted, true = (
        np.asarray(names).astype(str)[side.order] for names, side in zip(labels, sides, strict=True)
    )
    return (*sides, trained, prompted, true)


def predict(features: Floats, labels: Labels, others: list[Floats]) -> list[Labels]:
    """Fit on (n, d) features and labels, predict each of `others`."""
    model = fit_labels(features, list(labels))
    return [model.predict(other) for other in others]


def _macro(
    hits: Floats, labels: Labels, patients: NDArray[np.str_], names: list[str], rng: np.random.Generator
) -> tuple[float, float | None, float | None]:
    """Mean over labels of the hit rate, with a 95 % bootstrap interval over patients."""
    codes, total = index_patients(patients)
    sums, counts = np.zeros((total, len(names))), np.zeros((total, len(names)))
    for column, name in enumerate(names):
        of_label = labels == name
        sums[:, column] = np.bincount(codes[of_label], weights=hits[of_label], minlength=total)
        counts[:, column] = np.bincount(codes[of_label], minlength=total)
    value = float(np.mean(sums.sum(axis=0) / counts.sum(axis=0)))
    if total < MINIMUM_PATIENTS:
        return value, None, None
    drawn = rng.multinomial(total, np.full(total, 1.0 / total), size=REPLICATES).astype(np.float64)
    with np.errstate(invalid="ignore"):
        rates = (drawn @ sums) / (drawn @ counts)
    present = np.isfinite(rates).any(axis=1)
    low, high = np.percentile(np.nanmean(rates[present], axis=1), (2.5, 97.5))
    return value, float(low), float(high)


def _note(unknown: list[str], unseen: list[str], labels: int, without_interval: bool) -> str:
    sentences = [f"Mean over {labels} labels."]
    if unknown:
        sentences.append(
            f"{len(unknown)} prompted labels have fewer than 5 training images and are left out."
        )
    if unseen:
        sentences.append(f"{len(unseen)} labels have no held-out image, so the control leaves them out.")
    if without_interval:
        sentences.append(FEW)
    return " ".join(sentences)
