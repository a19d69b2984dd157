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
from lab.generators.training import clip  # noqa: E402
from lab.generators.training.recipe import RECIPES, STAGES, TrainingRecipe, train  # noqa: E402

NUMBERS = ("vae_steps", "decoder_steps", "text_steps", "unet_steps")
CLIP_NUMBERS = ("patients", "held_out", "steps", "batch")
Recipe = TrainingRecipe | clip.ClipRecipe


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
        asked = (options.minutes, options.resume, None, place, options.stages)
        steps = clip.train(recipe, *asked) if isinstance(recipe, clip.ClipRecipe) else train(recipe, *asked)
        for progress in steps:
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
    parser.add_argument("recipe")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--resume", action="store_true")
    stages = tuple(dict.fromkeys((*STAGES, *clip.STAGES)))
    parser.add_argument("--stages", nargs="+", choices=stages, help="take only these")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="of checkpoints; by default in the workspace")
    parser.add_argument("--export", type=Path, help="write the trained model to this folder and stop")
    for names, whose in ((NUMBERS, "of a generator"), (CLIP_NUMBERS, f"of {clip.PHANTOM_CLIP.id}")):
        for name in names:
            words = f"instead of the recipe's own number, {whose}"
            parser.add_argument(f"--{name.replace('_', '-')}", type=int, help=words)
    return parser.parse_args(arguments)


def _recipe(options: argparse.Namespace) -> Recipe:
    """The recipe with the numbers that were given.

    Raises:
        NotFoundError: for an unknown recipe.
        InputError: for a number that belongs to the other family.
    """
    text_image = options.recipe == clip.PHANTOM_CLIP.id
    recipe: Recipe = clip.PHANTOM_CLIP if text_image else RECIPES.get(options.recipe)
    given = {
        name: getattr(options, name) for name in NUMBERS + CLIP_NUMBERS if getattr(options, name) is not None
    }
    if alien := [name for name in given if name not in (CLIP_NUMBERS if text_image else NUMBERS)]:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in alien)
        raise InputError(f"This recipe has no {names}; nothing was started; leave it out.")
    return dataclasses.replace(recipe, **given)


def _limit_threads(count: int) -> None:
    import torch

    torch.set_num_threads(count)


def _export(recipe: Recipe, place: Path, folder: Path) -> int:
    if isinstance(recipe, clip.ClipRecipe):
        from lab.generators.training.clip_export import export as export_clip

        print(export_clip(recipe, place, folder))
        return 0
    from lab.generators.training.export import export

    print(export(recipe, place, folder, generator=folder.name))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
