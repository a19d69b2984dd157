"""The generate stage of a run (store, progress, recipes, PNG, sample set) against the bare call of diffusers."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.cases import Case

IMAGES = 32
PROMPT = "Large right pleural effusion."
KIND = "bench-generate-stage"


@contextmanager
def workspace(previews: bool) -> Iterator[None]:
    """A workspace of its own, for one round."""
    with tempfile.TemporaryDirectory() as folder:
        before = {name: os.environ.get(name) for name in ("LAB_WORKSPACE", "LAB_STORE_URL", "LAB_PREVIEWS")}
        os.environ |= {"LAB_WORKSPACE": folder, "LAB_PREVIEWS": str(int(previews))}
        os.environ.pop("LAB_STORE_URL", None)
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)


class Stage:
    """Thirty-two images by the stage and by the bare pipeline, of one generator that stays loaded."""

    def __init__(self, generator: str) -> None:
        from lab.device import limit_threads
        from lab.generators.cards import get_card
        from lab.generators.load import load, model_digest
        from lab.runs.kind import KINDS, run_kind
        from lab.runs.resident import Residents

        limit_threads()
        self.card = get_card(generator)
        self.weights = model_digest(self.card)
        self.residents = Residents()
        self.loaded: Any = self.residents.get(
            f"generator:{generator}:{self.weights}", lambda: load(self.card)
        )
        if KIND not in KINDS.names():
            run_kind(KIND, lane="device", priority="interactive", title="Generate stage")(_execute)

    def ours(self, previews: bool = False) -> list[str]:
        """The stage as the worker runs it: claimed in a store, progress told, parts and sample set written.

        Returns:
            the digest of each sample's pixels.
        """
        from lab.config import settings
        from lab.data.samples import open_sample_set
        from lab.runs.execution import Executor
        from lab.runs.spec import RunSpec
        from lab.runs.store import RunStore

        with workspace(previews):
            place = settings()
            store = RunStore.open(place)
            chosen = {"generator": self.card.id, "seeds": list(range(IMAGES)), "call": secrets.token_hex(4)}
            run = store.submit(RunSpec(KIND, chosen, {"weights": self.weights}))
            claim = store.claim_run(run.id, "bench")
            if claim is None:
                raise RuntimeError("the run was not claimed")
            ended = Executor(store, place, residents=self.residents).run(claim, "bench", preempts=False)
            if ended is None or ended.result is None:
                raise RuntimeError(f"the run ended as {ended.error if ended else 'lost'}")
            store.close()
            return open_sample_set(ended.result["sample_set"]).digests()

    def peer(self) -> list[NDArray[np.uint8]]:
        """The bare calls, four images each, as anybody would write them."""
        import torch

        found: list[NDArray[np.uint8]] = []
        for start in range(0, IMAGES, 4):
            noise = [torch.Generator().manual_seed(seed) for seed in range(start, start + 4)]
            images = self.loaded.pipeline(
                prompt=[PROMPT] * 4, num_inference_steps=self.card.steps, guidance_scale=self.card.guidance,
                height=self.card.size, width=self.card.size, output_type="np", generator=noise, **self.card.options,
            ).images  # fmt: skip
            found += [np.rint(np.clip(one.mean(axis=2), 0, 1) * 255).astype(np.uint8) for one in images]
        return found


def _execute(spec: Any, ctx: Any) -> Generator[Any, None, dict[str, Any]]:
    from lab.generators.cards import get_card
    from lab.generators.request import GenerationRequest
    from lab.runs.kinds.generate import kept
    from lab.runs.kinds.making import made, resident_generator

    card = get_card(spec.settings["generator"])
    generator = resident_generator(ctx, card.id, spec.inputs["weights"])
    seeds = tuple(spec.settings["seeds"])
    request = GenerationRequest(card.id, PROMPT, seeds, card.steps, card.guidance, card.size).checked(card)
    samples = yield from made(ctx, generator, request)
    return {"sample_set": kept(spec.digest[:16], card, request, samples, ctx).id}


def digests(images: list[NDArray[np.uint8]]) -> list[str]:
    """What a sample set records of the pixels of each image."""
    from lab.data.codecs import png_chunks
    from lab.data.images import encode_png
    from lab.provenance import digest_bytes

    return [digest_bytes(png_chunks.inspect(encode_png(image, {}))[1]) for image in images]


def generate_stage(generator: str = "phantom-cxr") -> Case:
    """Store, progress, recipes, PNG and sample set for 32 images, previews off."""
    stage = Stage(generator)
    name = f"generate stage, {IMAGES} images of {stage.card.size} px, {stage.card.steps} steps, previews off"
    return Case(name, stage.ours, stage.peer, "the bare diffusers call", lambda x, y: x == digests(y))


def generate_previews(generator: str = "phantom-cxr") -> Case:
    """What the previews of unfinished samples cost: the same stage with them and without."""
    stage = Stage(generator)
    name = f"generate stage, {IMAGES} images of {stage.card.size} px, {stage.card.steps} steps, previews on"
    return Case(
        name,
        lambda: stage.ours(previews=True),
        stage.ours,
        "the stage with previews off",
        lambda x, y: x == y,
    )
