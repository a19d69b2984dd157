"""`python -m lab.generators.training RECIPE`: the training recipe from a shell, without a run store."""

from __future__ import annotations

from lab.threads import apply_thread_policy

apply_thread_policy("worker")

import argparse  # noqa: E402
import dataclasses  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402

from lab.config import settings  # noqa: E402
from lab.errors import InputError, LabError  # noqa: E402
from lab.generators.training import known  # noqa: E402
from lab.generators.training.families.recipe import FamilyRecipe  # noqa: E402

NUMBERS = ("vae_steps", "decoder_steps", "text_steps", "unet_steps")
CLIP_NUMBERS = ("patients", "held_out", "steps", "batch")
FAMILY_NUMBERS = ("patients", "steps", "batch")
STAGES = ("data", "train", "vae", "decoder", "text", "unet", "clip", "export")


def main(arguments: list[str] | None = None) -> int:
    """Train, or export what is trained; prints one line every few seconds."""
    options = _options(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        recipe = _recipe(options)
        place = options.folder or settings().workspace / "training" / recipe.id
        _limit_threads(options.threads)
        if options.export is not None:
            return _export(recipe, place, options.export)
        shown = 0.0
        for progress in known.train(recipe, options.minutes, options.resume, place, options.stages):
            if time.monotonic() - shown > 10:
                shown = time.monotonic()
                loss = "" if progress.loss is None else f" loss {progress.loss:.4f}"
                line = f"{progress.stage} {progress.done}/{progress.total}{loss} {progress.seconds:.0f} s"
                print(line, flush=True)
    except LabError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; the last step is kept; go on with --resume.", file=sys.stderr)
        return 130
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lab.generators.training")
    parser.add_argument("recipe", help="name of a recipe, or path of a YAML file")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--stages", nargs="+", choices=STAGES, help="take only these")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="of checkpoints; by default in the workspace")
    parser.add_argument("--export", type=Path, help="write the trained model to this folder and stop")
    for name in dict.fromkeys((*NUMBERS, *CLIP_NUMBERS)):
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=int, help="instead of the recipe's own number"
        )
    return parser.parse_args(arguments)


def _recipe(options: argparse.Namespace) -> known.Recipe:
    """The recipe with the numbers that were given.

    Raises:
        NotFoundError: for an unknown recipe.
        InputError: for a number that recipes of its kind do not have, or a file that is no recipe.
    """
    recipe = known.find(options.recipe)
    own = FAMILY_NUMBERS if isinstance(recipe, FamilyRecipe) else CLIP_NUMBERS
    own = NUMBERS if hasattr(recipe, "unet_steps") else own
    every = dict.fromkeys((*NUMBERS, *CLIP_NUMBERS))
    given = {name: getattr(options, name) for name in every if getattr(options, name) is not None}
    if alien := [name for name in given if name not in own]:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in alien)
        raise InputError(f"This recipe has no {names}; nothing was started; leave it out.")
    return dataclasses.replace(recipe, **given)


def _limit_threads(count: int) -> None:
    import torch

    torch.set_num_threads(count)


def _export(recipe: known.Recipe, place: Path, folder: Path) -> int:
    from lab.generators.training.clip import ClipRecipe

    if isinstance(recipe, FamilyRecipe):
        from lab.generators.training.families.export import export as export_family

        print(export_family(recipe, place, folder))
    elif isinstance(recipe, ClipRecipe):
        from lab.generators.training.clip_export import export as export_clip

        print(export_clip(recipe, place, folder))
    else:
        from lab.generators.training.export import export

        print(export(recipe, place, folder, generator=folder.name))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
