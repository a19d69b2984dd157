"""What the shared autoencoder keeps of films of patients that it was not trained on.

A generator can show no more than its autoencoder lets through. So three things are asked of it on held-out films:
few errors, the fine detail, and that a probe still finds every finding. Fine detail is the finest band of a Laplacian
pyramid: a film minus itself halved by 2 x 2 averages and enlarged again by bilinear interpolation.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.config import ASSETS
from lab.data.phantom_films import renderer_digest
from lab.data.phantoms.draws import DEVICES, LABELS
from lab.errors import NotFoundError
from lab.gates.adherence import OnProgress, in_blocks, open_probe
from lab.gates.adherence_figures import Read, ceilings
from lab.gates.probe_films import (
    FILMS_A_PROMPT,
    PROBE_FILMS,
    TRAINED_FILMS,
    asked_for,
    patients,
    probe_training,
    trained_on,
)
from lab.gates.prompts import PROMPTS, draw_prompts
from lab.gates.report import Figure, GateReport
from lab.generators.training.quality import fine_energy, psnr
from lab.generators.training.recipe import PAEDIATRIC
from lab.metrics.patients import bootstrap_means
from lab.provenance import code_digest

Images = NDArray[np.uint8]
Floats = NDArray[np.float64]
SIZE = 128
PSNR_LIMIT, FINE_LIMIT, PROBE_LIMIT = 29.0, 0.85, 0.95
PAEDIATRIC_FILMS = 200
PSNR, FINE, FINEST = "PSNR", "Fine energy kept", "Energy kept above a quarter of the sampling rate"
CODE = (
    "lab.auroc",
    "lab.gates.adherence_figures",
    "lab.gates.adherence_scores",
    "lab.gates.autoencoder",
    "lab.gates.probe",
    "lab.gates.probe_films",
    "lab.gates.probe_network",
    "lab.gates.prompts",
)


def measure(asset: str, on_progress: OnProgress) -> GateReport:
    """Measure the autoencoder of a base.

    Raises:
        NotFoundError: when there is no such base.
        WeightsError: when its files may not be opened.
    """
    from lab.device import limit_threads
    from lab.generators.training.base import read
    from lab.generators.weights import weights_digest

    limit_threads()
    folder = ASSETS / "bases" / asset
    if not (folder / "vae").is_dir():
        raise NotFoundError(
            f"The base {asset[:60]} is not here; nothing was measured; restore assets/bases/{asset[:60]}."
        )
    return measure_on(
        asset, weights_digest(folder / "vae"), round_trip(read(folder).autoencoder), on_progress
    )


def measure_on(
    asset: str,
    digest: str,
    autoencode: Callable[[Images], Images],
    on_progress: OnProgress,
    n: int = PROMPTS,
    films: int = PROBE_FILMS,
    trained: int = TRAINED_FILMS,
) -> GateReport:
    """Measure an autoencoder on the held-out films of `n` prompts, with a probe trained on `films` films.

    Args:
        asset: id, for the report.
        digest: of its weights.
        autoencode: (n, 128, 128) uint8 to the same; given a few at a time.
        trained: films that it was trained on, told beside.
    """
    start = time.monotonic()
    prompts = draw_prompts(n)
    probe = open_probe(probe_training(SIZE, on_progress, films), on_progress)
    held_out, training = asked_for(prompts, SIZE, on_progress), trained_on(SIZE, on_progress, trained)
    figures, inputs = list[Figure](), {"autoencoder": digest, "renderer": renderer_digest()}
    returned = in_blocks(autoencode, held_out.images, "Held-out films", on_progress)
    figures += kept(held_out.images, returned, patients(held_out), "held-out phantoms", limits=True)
    again = in_blocks(autoencode, training.images, "Films of the training", on_progress)
    figures += kept(training.images, again, patients(training), "training phantoms", limits=False)
    figures += _paediatric(autoencode, inputs, on_progress)
    whole = ceilings(Read(prompts, probe.read(held_out.images), FILMS_A_PROMPT))
    found = ceilings(Read(prompts, probe.read(returned), FILMS_A_PROMPT))
    for label in (*LABELS, *DEVICES):
        one, limit = found[label], PROBE_LIMIT if label in LABELS else None
        note = f"{whole[label].value:.3f} on the films themselves; {one.n} patients show it"
        name = f"AUROC after the round trip, {label}"
        figures.append(Figure(name, one.value, one.low, one.high, limit, n=len(returned), note=note))
    return GateReport(
        id="autoencoder",
        subject=asset,
        title="What the autoencoder keeps of a film",
        command=f"python -m lab gates run autoencoder --asset {asset} --write",
        inputs=inputs | {"code": code_digest(CODE)},
        seconds=round(time.monotonic() - start, 1),
        figures=tuple(figures),
        details={
            "probe": {
                label: {"films": round(whole[label].value, 4), "returned": round(found[label].value, 4)}
                for label in found
            }
        },
    )


def round_trip(autoencoder: Any) -> Callable[[Images], Images]:
    """Encoding (mode of the posterior) and decoding of (n, H, W) uint8 by an `AutoencoderKL`."""
    import torch

    from lab.generators.previews import to_pixels

    def autoencode(images: Images) -> Images:
        pixels = torch.from_numpy(np.array(images)).float()[:, None] / 127.5 - 1
        with torch.no_grad():
            coded = autoencoder.encode(
                pixels.expand(-1, autoencoder.config.in_channels, -1, -1)
            ).latent_dist.mode()
            decoded = autoencoder.decode(coded).sample
        return to_pixels((decoded.float() / 2 + 0.5).mean(1).numpy())

    return autoencode


def kept(wanted: Images, given: Images, names: NDArray[np.str_], of: str, limits: bool) -> list[Figure]:
    """PSNR, fine energy, and the energy above a quarter of the sampling rate, of (n, H, W) films and their round trip.

    Args:
        names: (n,) patients; intervals are bootstraps over them.
    """
    decibels = np.asarray([psnr(wanted[k : k + 1], given[k : k + 1]) for k in range(len(wanted))])
    parts = (
        (PSNR, decibels, PSNR_LIMIT, "dB"),
        (FINE, fine_ratios(wanted, given), FINE_LIMIT, ""),
    )
    found = []
    for name, values, limit, unit in parts:
        means = bootstrap_means(values, names, np.random.default_rng(0))
        low, high = (float(v) for v in np.percentile(means, (2.5, 97.5)))
        title, bound = f"{name}, {of}", limit if limits else None
        found.append(Figure(title, float(values.mean()), low, high, bound, unit=unit, n=len(values)))
    return [*found, Figure(f"{FINEST}, {of}", fine_energy(wanted, given), n=len(wanted))]


def fine_ratios(wanted: Images, given: Images) -> Floats:
    """(n,) energy of the finest Laplacian band of `given` over that of `wanted`, both (n, H, W) with even sides."""
    return np.asarray(
        (finest_band(given) ** 2).mean((1, 2)) / np.maximum((finest_band(wanted) ** 2).mean((1, 2)), 1e-9)
    )


def finest_band(images: NDArray[Any]) -> Floats:
    """(n, H, W) films minus themselves halved by 2 x 2 averages and enlarged bilinearly (Burt and Adelson 1983)."""
    import torch
    from torch.nn.functional import avg_pool2d, interpolate

    pixels = torch.from_numpy(np.asarray(images, dtype=np.float64))[:, None]
    coarse = interpolate(avg_pool2d(pixels, 2), scale_factor=2.0, mode="bilinear", align_corners=False)
    return np.asarray((pixels - coarse)[:, 0].numpy())


def _paediatric(
    autoencode: Callable[[Images], Images], inputs: dict[str, str], on_progress: OnProgress
) -> list[Figure]:
    """The same of held-out real films, one of each patient, where that dataset is installed."""
    from lab.data.store import open_dataset
    from lab.generators.training.dataset_source import square

    of = "held-out paediatric films"
    try:
        dataset = open_dataset(PAEDIATRIC)
    except NotFoundError:
        note = f"the dataset {PAEDIATRIC} is not installed"
        return [
            Figure(f"{PSNR}, {of}", None, limit=PSNR_LIMIT, unit="dB", note=note),
            Figure(f"{FINE}, {of}", None, limit=FINE_LIMIT, note=note),
        ]
    rows = dataset.rows("held-out").drop_duplicates("patient_id")
    rows = rows.sample(min(len(rows), PAEDIATRIC_FILMS), random_state=0)
    films = np.stack([square(dataset.image(name), SIZE) for name in rows["image_id"]])
    inputs[PAEDIATRIC] = str(dataset.card.digest)
    returned = in_blocks(autoencode, films, "Held-out paediatric films", on_progress)
    return kept(films, returned, rows["patient_id"].to_numpy(dtype=str), of, limits=True)
