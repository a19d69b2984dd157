"""`python -m lab.generators.training.clip_main`: train and export the text-image model from a shell."""

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
from lab.errors import LabError  # noqa: E402
from lab.generators.training.clip import PHANTOM_CLIP, ClipRecipe, train  # noqa: E402
from lab.generators.training.clip_export import export  # noqa: E402

NUMBERS = ("patients", "held_out", "steps", "batch")


def main(arguments: list[str] | None = None) -> int:
    """Train, or export what is trained; prints one line every few seconds."""
    options = _options(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _run(options)
    except LabError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; the last step is kept; go on with --resume.", file=sys.stderr)
        return 130


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lab.generators.training.clip_main")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--folder", type=Path, help="of checkpoints; by default in the workspace")
    parser.add_argument("--export", type=Path, help="write the trained model to this folder and stop")
    for name in NUMBERS:
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=int, help="instead of the recipe's own number"
        )
    return parser.parse_args(arguments)


def _run(options: argparse.Namespace) -> int:
    import torch

    torch.set_num_threads(1)
    chosen = {name: getattr(options, name) for name in NUMBERS if getattr(options, name) is not None}
    recipe: ClipRecipe = dataclasses.replace(PHANTOM_CLIP, **chosen)
    place = options.folder or settings().workspace / "training" / recipe.id
    if options.export is not None:
        print(export(recipe, place, options.export))
        return 0
    shown = 0.0
    for step in train(recipe, options.minutes, options.resume, folder=place):
        if time.monotonic() - shown > 10:
            shown = time.monotonic()
            loss = "" if step.loss is None else f" loss {step.loss:.4f}"
            print(f"{step.stage} {step.done}/{step.total}{loss} {step.seconds:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
