"""`python -m lab attention`: where each word of a prompt acted, for a sample that the lab wrote."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Annotated

import typer

from lab.commands.options import AsJson
from lab.commands.output import emit, run_to_end
from lab.runs.attention_request import attention_run_of_png
from lab.runs.dependencies import file_bytes


def attention(
    image: Annotated[Path, typer.Argument(metavar="PNG", help="A sample of the lab, its recipe inside.")],
    out: Annotated[
        Path, typer.Option("--out", help="The folder that receives one map a word, and maps.npz.")
    ],
    as_json: AsJson = False,
) -> None:
    """Make a sample again, check that its pixels are the same, and write where each word acted."""
    result = run_to_end(attention_run_of_png(file_bytes(image)))
    files = _write(result["words"], str(result["maps"]), out)
    lines = [
        f"{file}: {word}, {100 * share:.1f} % of the attention"
        for file, word, share in zip(files, result["words"], result["strength"], strict=True)
    ]
    emit({**result, "files": files}, as_json, lines)


def _write(words: list[str], maps: str, out: Path) -> list[str]:
    """Grey PNGs, black where a word acts least and white where most, numbered as the words stand; and the shares."""
    import numpy as np
    from PIL import Image

    from lab.runs.artifacts import read_artifact

    packed = read_artifact(maps)
    out.mkdir(parents=True, exist_ok=True)
    (out / "maps.npz").write_bytes(packed)
    (out / "words.json").write_text(json.dumps(words, ensure_ascii=False), encoding="utf-8")
    files = []
    with np.load(io.BytesIO(packed), allow_pickle=False) as stored:
        for number, share in enumerate(np.asarray(stored["maps"], dtype=np.float32)[: len(words)], 1):
            span = float(share.max() - share.min()) or 1.0
            grey = np.rint(255 * (share - share.min()) / span).astype(np.uint8)
            file = out / f"word-{number:02d}.png"
            Image.fromarray(grey).save(file)
            files.append(str(file))
    return files
