"""A tiny text-image model with random weights in the shipped layout, its reference constructed to be readable."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lab.generators.training.clip import ClipRecipe
from tests.builders.toy_pipeline import WORDS

TOY = ClipRecipe(
    "phantom-clip", "Toy", size=32, width=8, blocks=(1, 1, 1, 1), text_width=32, text_layers=1, dimension=16
)


def build_toy_clip(folder: Path, **card: Any) -> Path:
    """Write the model to `folder`; `card` changes its card. Returns the folder."""
    from lab.generators.training.clip_export import write_model
    from lab.generators.training.clip_fit import build
    from lab.generators.training.tokens import build_tokenizer

    tokenizer = build_tokenizer(WORDS, TOY.text_length)
    model = build(TOY, len(tokenizer)).eval()
    write_model(model, tokenizer, TOY.config(len(tokenizer)), folder)
    told = {
        "id": "phantom-clip", "modality": "chest radiograph", "phantom_trained": True, "input_size": TOY.size,
        "vocabulary": list(WORDS), "measured": {"side": {"share": 0.9, "n": 120}},
        "reference": {"films": 300, "matched": [0.0, 0.9], "mismatched": [-0.9, 0.0]},
    }  # fmt: skip
    (folder / "card.json").write_text(json.dumps({**told, **card}), "utf-8")
    return folder
