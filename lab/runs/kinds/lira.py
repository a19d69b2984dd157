"""LiRA on small models: shadow models on random halves of the patients, then one more that is attacked with them.

Each model's scores are a part, so that a resumed run trains only those that are missing.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from lab.runs.context import RunContext
from lab.runs.kind import run_kind
from lab.runs.spec import Progress, RunSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lab.leakage.shadow import Recipe

STAGE = "Training small models"
EVERY = 10
_CODE = (
    "lab.auroc",
    "lab.leakage.shadow",
    "lab.leakage.attacks",
    "lab.leakage.roc",
    "lab.leakage.rates",
    "lab.metrics.patients",
)


@run_kind("lira", lane="side", priority="batch", modules=_CODE, title="LiRA on small models")
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Train, score and attack; curves of LiRA online and offline beside that of the loss alone."""
    import numpy as np

    from lab.data.imageset import patient_balanced, subset
    from lab.data.resolve import resolve
    from lab.generators.training.dataset_source import square
    from lab.leakage.attacks.lira import balanced_halves
    from lab.leakage.shadow import SIZE, Recipe

    asked = spec.settings
    whole = resolve(f"{asked['dataset']}:train")
    images = subset(whole, patient_balanced(whole, asked["patients"], asked["seed"]))
    films = np.stack([square(images.image(name), SIZE) for name in images.ids()])
    rng = np.random.default_rng(asked["seed"] + 1)
    people, place = np.unique(images.patients(), return_inverse=True)
    seen = np.zeros(len(people), dtype=bool)
    seen[rng.permutation(len(people))[: len(people) // 2]] = True
    halves = np.concatenate([balanced_halves(len(people), asked["shadows"], asked["seed"]), seen[None]])[
        :, place
    ]
    recipe = Recipe(**asked["recipe"])
    scores = []
    for turn, inside in enumerate(halves):
        scores.append((yield from _scored(ctx, films, inside, recipe, turn, len(halves), asked["seed"])))
    return {
        "dataset": asked["dataset"],
        "films": len(films),
        "patients": len(people),
        "shadows": asked["shadows"],
        "attacks": _attacks(np.array(scores), halves, images.patients(), asked["seed"]),
    }


def _scored(
    ctx: RunContext,
    films: NDArray[np.uint8],
    inside: NDArray[np.bool_],
    recipe: Recipe,
    turn: int,
    models: int,
    seed: int,
) -> Generator[Progress, None, NDArray[np.float64]]:
    """Scores (n,) of all films by one model that saw those inside; the last model is the attacked one."""
    import numpy as np

    from lab.leakage.shadow import scores, trained

    key = f"model-{turn}"
    kept = ctx.part(key)
    if kept is None:
        work = trained(films[inside], recipe, seed + 100 + turn)
        model = None
        try:
            while model is None:
                try:
                    step = next(work)
                except StopIteration as end:
                    model = end.value
                    break
                if step % EVERY == 0:
                    done = turn + step / recipe.steps
                    yield ctx.progress(STAGE, round(done, 2), models, message=f"Model {turn + 1} of {models}")
        finally:
            work.close()
        kept = np.asarray(scores(model, films), "<f8").tobytes()
        ctx.save_part(key, kept)
    yield ctx.progress(STAGE, turn + 1, models)
    return np.frombuffer(kept, "<f8")


def _attacks(
    scores: NDArray[np.float64], halves: NDArray[np.bool_], patients: NDArray[Any], seed: int
) -> list[dict[str, Any]]:
    """Each attack on the last model as JSON, with its control on the other models."""
    from lab.leakage.attacks.lira import offline, online
    from lab.leakage.attacks.lira_control import on_other_models
    from lab.leakage.roc import roc_of

    shadows, inside, target, seen = scores[:-1], halves[:-1], scores[-1], halves[-1]
    told = []
    for name, attack in (
        ("lira-online", online),
        ("lira-offline", offline),
        ("loss", lambda own, _shadows, _inside: own),
    ):
        found = attack(target, shadows, inside)
        control = on_other_models(attack, shadows, inside, seen, patients, seed)
        curve = roc_of(found[seen], found[~seen], patients[seen], patients[~seen], seed)
        told.append({"name": name, **curve.to_json(), "control": control})
    return told
