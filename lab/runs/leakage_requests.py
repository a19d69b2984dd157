"""Runs of the leakage page: how many samples copy, whether the generator knows its members, and why it copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from lab.data.merged import JOIN
from lab.errors import InputError
from lab.leakage.attacks.catalogue import EVERY, checked_attacks
from lab.runs.dependencies import (
    EXTRACTOR,
    calibration_digest,
    checked_seed,
    dataset_digest,
    dataset_name,
    known_extractor,
    set_digest,
)
from lab.runs.neighbour_requests import audit_run
from lab.runs.requests import evaluate_run
from lab.runs.spec import RunSpec

if TYPE_CHECKING:
    from lab.leakage.extraction import Ask
    from lab.leakage.overtraining import Drill
    from lab.leakage.shadow import Recipe
    from lab.runs.store import Run

FILMS = 100
FEWEST_FILMS = 20


def population_run(samples: str, dataset: str, extractor: str = EXTRACTOR) -> RunSpec:
    """The audit of a set, or of several of one generator ("ID+ID"), with words for the list of runs."""
    spec = audit_run(samples, dataset, extractor)
    return replace(spec, label=f"Audit of {_named(samples)} against {dataset}")


def closer_run(samples: str, dataset: str, extractor: str = EXTRACTOR, seed: int = 0) -> RunSpec:
    """A run that measures the share of samples closer to train than to held-out; copies are counted, not refused."""
    spec = evaluate_run(dataset, samples, ["closer-to-training"], extractor, seed, copies="measure")
    return replace(spec, label=f"Closer to training: {_named(samples)} against {dataset}")


def membership_run(
    generator: str,
    dataset: str,
    samples: str = "",
    members_of: str = "",
    films: int = FILMS,
    seed: int = 0,
    extractor: str = EXTRACTOR,
    attacks: Sequence[str] = EVERY,
) -> RunSpec:
    """A run that attacks a generator: which films was it trained on?

    Args:
        generator: id of its card.
        dataset: id of the dataset it was trained on; held-out images are the non-members.
        samples: its samples, for the black box attack; "" leaves that out.
        members_of: generator whose training films are attacked instead of its own: the control, the same films against
            a generator that did not learn them by heart. "" for its own.
        films: films on each side, at most.
        seed: of the choice of films and of the bootstrap.
        attacks: names of the catalogue; by default all of them.

    Raises:
        InputError: for fewer than 20 films, no attack or an unknown one.
        NotFoundError: for an unknown generator, dataset or set.
        GeneratorError: when the generator's weights are not here.
        StoreError: when its list of training films is damaged.
    """
    from lab.generators.cards import get_card
    from lab.generators.load import model_digest
    from lab.leakage.membership import read_members
    from lab.provenance import digest_json

    if films < FEWEST_FILMS:
        raise InputError(
            f"An attack takes {FEWEST_FILMS} films a side or more; nothing was started; ask for more."
        )
    name, card = dataset_name(dataset), get_card(generator)
    members = read_members(get_card(members_of or generator).root)
    chosen = {
        "generator": generator, "dataset": name, "samples": samples, "members_of": members_of, "films": films,
        "seed": checked_seed(seed), "extractor": known_extractor(extractor), "attacks": checked_attacks(attacks),
    }  # fmt: skip
    inputs = {
        "weights": model_digest(card), "dataset": dataset_digest(name), "members": digest_json(members),
        "samples": set_digest(samples) if samples else "none",
    }  # fmt: skip
    return RunSpec("membership", chosen, inputs, f"Membership attack on {generator}")


def lira_run(
    dataset: str, patients: int = 64, shadows: int = 8, recipe: Recipe | None = None, seed: int = 0
) -> RunSpec:
    """A run that trains small models on halves of some patients and attacks one of them with the others.

    Args:
        dataset: whose training films are used, one a patient.
        patients: how many, 16 to 256.
        shadows: shadow models, an even number of 4 to 64.
        recipe: how each is trained.

    Raises:
        InputError: for numbers outside these ranges.
        NotFoundError: for an unknown dataset.
    """
    from lab.leakage.shadow import FEWEST, MOST, Recipe

    if not FEWEST <= patients <= MOST or not 4 <= shadows <= 64 or shadows % 2:
        raise InputError(
            f"LiRA takes {FEWEST} to {MOST} patients and an even number of 4 to 64 shadow models; nothing was started; "
            "correct them."
        )
    name = dataset_name(dataset)
    chosen = {
        "dataset": name, "patients": patients, "shadows": shadows, "recipe": asdict(recipe or Recipe()),
        "seed": checked_seed(seed),
    }  # fmt: skip
    return RunSpec("lira", chosen, {"dataset": dataset_digest(name)}, f"LiRA on small models of {name}")


def extraction_run(
    asks: Sequence[Ask],
    seeds: Sequence[int],
    dataset: str,
    extractor: str = EXTRACTOR,
    steps: int | None = None,
) -> RunSpec:
    """A run that asks generators for films, with the same seeds for every prompt, and compares samples with the films.

    Args:
        asks: prompts, each with its generator and its film.
        seeds: of the samples of each prompt.
        dataset: whose training and held-out films are searched.
        steps: denoising steps; None takes those of each card.

    Raises:
        InputError: for none or too many prompts or seeds.
        NotFoundError: for an unknown generator, dataset or extractor.
        GeneratorError: when a generator's weights are not here.
    """
    from lab.generators.cards import get_card
    from lab.generators.load import model_digest
    from lab.leakage.extraction import checked
    from lab.runs.requests import map_coordinates

    known = checked(asks, seeds)
    name = dataset_name(dataset)
    chosen = {
        "asks": [ask.to_dict() for ask in known], "seeds": [checked_seed(seed) for seed in seeds], "dataset": name,
        "extractor": known_extractor(extractor), "steps": steps,
    }  # fmt: skip
    generators = sorted({ask.generator for ask in known})
    inputs = {f"weights {generator}": model_digest(get_card(generator)) for generator in generators}
    inputs |= {
        "dataset": dataset_digest(name), "calibration": calibration_digest(name, extractor),
        "map": map_coordinates(name, extractor),
    }  # fmt: skip
    label = f"{len(known) * len(seeds)} samples for {len({ask.target for ask in known})} films"
    return RunSpec("extraction", chosen, inputs, label)


def overtrain_run(
    films: Sequence[str], dataset: str, generator: str, drill: Drill, extractor: str = EXTRACTOR
) -> RunSpec:
    """A run that over-trains a copy of a generator on a few phantom films and keeps nothing of it but the curve.

    Args:
        films: image ids of training films, 4 to 12.
        dataset: a phantom dataset.
        generator: id of the card to start from.
        drill: how hard they are learnt.

    Raises:
        InputError: for a dataset of real films, or too few or too many films.
        NotFoundError: for an unknown generator or dataset.
        GeneratorError: when the generator's weights are not here.
    """
    from lab.data.store import open_dataset
    from lab.generators.cards import get_card
    from lab.generators.load import model_digest
    from lab.leakage.overtraining import REAL, checked_films

    name = dataset_name(dataset)
    if open_dataset(name).card.origin != "phantom":
        raise InputError(REAL)
    chosen = {
        "films": checked_films(films), "dataset": name, "generator": generator, "drill": asdict(drill),
        "extractor": known_extractor(extractor),
    }  # fmt: skip
    inputs = {
        "weights": model_digest(get_card(generator)), "dataset": dataset_digest(name),
        "calibration": calibration_digest(name, extractor),
    }  # fmt: skip
    return RunSpec("overtrain", chosen, inputs, f"Over-training on {len(films)} films")


def filter_run(audited: Run) -> RunSpec:
    """A run that measures what an output filter leaves of a set whose audit is done.

    Raises:
        InputError: for an audit without a result.
    """
    result = audited.result
    if not result or "table" not in result:
        raise InputError("This set is not audited yet, so there is nothing to filter by; audit it first.")
    chosen = {name: result[name] for name in ("samples", "dataset", "extractor")}
    inputs = {
        "samples": set_digest(chosen["samples"]), "dataset": dataset_digest(chosen["dataset"]),
        "table": str(result["table"]),
    }  # fmt: skip
    return RunSpec("filter", chosen, inputs, f"Output filter on {_named(chosen['samples'])}")


def _named(samples: str) -> str:
    count = samples.count(JOIN) + 1
    return samples if count == 1 else f"{count} sets"
