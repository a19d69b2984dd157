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

from lab.errors import LabError  # noqa: E402
from lab.generators.training.recipe import RECIPES, STAGES, TrainingRecipe, train  # noqa: E402


def main(arguments: list[str] | None = None) -> int:
    """Train, or export what is trained; prints one line every few seconds."""
    options = _options(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        recipe = _recipe(options)
        _limit_threads(options.threads)
        if options.export is not None:
            return _export(recipe, options.export)
        shown = 0.0
        for progress in train(recipe, options.minutes, options.resume, stages=options.stages):
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
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=STAGES, help="take only these")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--export", type=Path, help="write the trained model to this folder and stop")
    for name in ("vae_steps", "decoder_steps", "text_steps", "unet_steps"):
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=int, help="instead of the recipe's own number"
        )
    return parser.parse_args(arguments)


def _recipe(options: argparse.Namespace) -> TrainingRecipe:
    recipe = RECIPES.get(options.recipe)
    chosen = {
        name: getattr(options, name) for name in ("vae_steps", "decoder_steps", "text_steps", "unet_steps")
    }
    return dataclasses.replace(recipe, **{name: value for name, value in chosen.items() if value is not None})


def _limit_threads(count: int) -> None:
    import torch

    torch.set_num_threads(count)


def _export(recipe: TrainingRecipe, folder: Path) -> int:
    from lab.config import settings
    from lab.generators.training.export import export

    print(export(recipe, settings().workspace / "training" / recipe.id, folder, generator=folder.name))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
