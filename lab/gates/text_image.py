"""The text-image gate: whether films and captions find each other, and whether one word of a caption counts.

Held-out phantom patients, one film each, rendered anew. Side, size and negation are asked in pairs of texts that
differ in one word, so a blind guess is right in half of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from lab.config import ASSETS
from lab.features.text_image import open_text_image
from lab.gates.report import Figure, GateReport
from lab.generators.training.clip import ClipRecipe
from lab.generators.training.clip_data import jobs_of, rendered
from lab.generators.training.clip_probes import PAIRS, WITHIN, Answers, probe
from lab.neighbours.intervals import wilson
from lab.provenance import code_digest, digest_bytes

OnProgress = Callable[[str, int, int], None]
SIDE_LIMIT = 0.85
NEGATION_LIMIT = 0.80
NAMES = {
    "image-to-text": f"Caption of a film among the best {WITHIN}",
    "text-to-image": f"Film of a caption among the best {WITHIN}",
    "side": "Own caption above the same with left and right exchanged",
    "size": "Own caption above the same with another size",
    "present": 'Films with a finding: its name above "no" and its name',
    "absent": 'Films without a finding: "no" and its name above its name',
}
CODE = (
    "lab.gates.text_image",
    "lab.features.text_image",
    "lab.generators.training.clip_probes",
    "lab.generators.training.clip_words",
)
LIMITS = {"side": SIDE_LIMIT, "present": NEGATION_LIMIT, "absent": NEGATION_LIMIT}


def measure(
    asset: str, on_progress: OnProgress, *, folder: Path | None = None, films: int = 300
) -> GateReport:
    """Measure a text-image model.

    Args:
        asset: its id below `assets/extractors`.
        on_progress: called with stage, films done and films in all.
        folder: of the model where it lies elsewhere.
        films: held-out films, one a patient.

    Raises:
        NotFoundError: when the asset is not here.
        WeightsError: when it may not be opened.
    """
    began = time.monotonic()
    model = open_text_image(folder or ASSETS / "extractors" / asset)
    # Some 30 % of patients are held out: enough for any number of films.
    recipe = ClipRecipe(patients=4 * films + 40, held_out=films, size=_side(model.card))
    jobs = [job for job in jobs_of(recipe) if job.split == "held-out"]
    shown = []
    for done, job in enumerate(jobs):
        on_progress("Rendering held-out films", done, len(jobs))
        shown += list(rendered(recipe, job))
    images = np.stack([image for image, _ in shown])
    on_progress("Scoring captions", len(jobs), len(jobs))
    answers = probe(model, images, [record for _, record in shown])
    return GateReport(
        id="text-image",
        subject=asset,
        title="Whether images and captions find each other",
        command=f"python -m lab gates run text-image --asset {asset}",
        inputs={
            "weights": model.digest,
            "films": digest_bytes(images.tobytes()),
            "code": code_digest(list(CODE)),
        },
        seconds=round(time.monotonic() - began, 1),
        figures=tuple(_figure(name, answers[name]) for name in NAMES),
        details={"films": len(images), "chance": {name: round(answers[name].chance, 4) for name in NAMES}},
    )


def _figure(name: str, answers: Answers) -> Figure:
    n = len(answers.hits)
    limit = LIMITS.get(name)
    if not n:
        return Figure(NAMES[name], None, limit=limit, note="no held-out film could be asked")
    share = wilson(int(answers.hits.sum()), n, answers.patients)
    note = f"a blind guess is right in {answers.chance:.3g}; {answers.patients} patients"
    if name in ("image-to-text", "text-to-image") and n < PAIRS:
        note += f"; only {n} captions of different meaning"
    return Figure(NAMES[name], share.value, share.low, share.high, limit, n=n, note=note)


def _side(card: dict[str, Any]) -> int:
    """Films are rendered at the side the card names, else at 128 pixels."""
    return int(card.get("input_size", 128)) if int(card.get("input_size", 128)) in (32, 64, 128, 256) else 128
