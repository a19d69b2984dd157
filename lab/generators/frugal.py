"""Asking a generator so that memory running out is survived: half the batch once, then one sentence."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from lab.device import free_memory
from lab.errors import GeneratorError, out_of_memory
from lab.generators.contract import Generator, StepProgress
from lab.generators.request import GenerationRequest
from lab.generators.sample import Sample

OnStep = Callable[[StepProgress], None]


def generate(
    generator: Generator, request: GenerationRequest, on_step: OnStep | None = None
) -> Iterator[list[Sample]]:
    """As `generator.generate`; once memory has run out, the rest goes through two at a time.

    A sample depends on the size of its batch, so each recipe records the one it was made in.

    Raises:
        GeneratorError: when memory runs out again with half the batch; everything it took is free by then.
    """
    groups = _groups(request.seeds, request.micro_batch)
    done, size = 0, request.micro_batch
    for index, seeds in enumerate(groups):
        part = replace(request, seeds=seeds, micro_batch=size)
        told = None if on_step is None else _within(on_step, index, len(groups), done, len(request.seeds))
        samples = _attempt(_asked(generator, part), told)
        if samples is None:
            size = _halved(size)
            samples = _attempt(_asked(generator, replace(part, micro_batch=size)), told)
        if samples is None:
            raise _too_large(generator, size)
        done += len(samples)
        yield _placed(generator, samples)


def together(
    generator: Any, requests: Sequence[GenerationRequest], on_step: OnStep | None = None
) -> list[Sample]:
    """As `generator.generate_together` of requests of one seed each; after memory ran out, two at a time.

    Raises:
        GeneratorError: when memory runs out again with half the batch.
    """
    size = requests[0].micro_batch
    found = _attempt(_asked_together(generator, requests), on_step)
    if found is not None:
        return _placed(generator, found)
    size, made = _halved(size), []
    for start in range(0, len(requests), size):
        part = [replace(one, micro_batch=size) for one in requests[start : start + size]]
        found = _attempt(_asked_together(generator, part), on_step)
        if found is None:
            raise _too_large(generator, size)
        made += found
    return _placed(generator, made)


def _groups(seeds: tuple[int, ...], size: int) -> list[tuple[int, ...]]:
    return [seeds[k : k + size] for k in range(0, len(seeds), size)]


def _asked(generator: Generator, part: GenerationRequest) -> Callable[[OnStep | None], list[Sample]]:
    return lambda told: [sample for group in generator.generate(part, on_step=told) for sample in group]


def _asked_together(
    generator: Any, part: Sequence[GenerationRequest]
) -> Callable[[OnStep | None], list[Sample]]:
    return lambda told: list(generator.generate_together(part, on_step=told))


def _attempt(work: Callable[[OnStep | None], list[Sample]], on_step: OnStep | None) -> list[Sample] | None:
    """The samples, or None when memory ran out; any other error passes."""
    try:
        return work(on_step)
    except Exception as error:  # whatever a family raises: only what says so is memory
        if not out_of_memory(error):
            raise
        _forget(error)
    free_memory()
    return None


def _forget(error: BaseException | None) -> None:
    """Let go of what an error holds: the frames of the failed call still refer to its tensors."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        earlier = error.__cause__ or error.__context__
        error.__traceback__ = error.__cause__ = error.__context__ = None
        error = earlier


def _halved(size: int) -> int:
    return max(1, size // 2)


def _within(on_step: OnStep, batch: int, batches: int, done: int, total: int) -> OnStep:
    """Steps of one part told as steps of the whole."""

    def tell(step: StepProgress) -> None:
        on_step(replace(step, batch=batch, batches=batches, done=done + step.done, total=total))

    return tell


def _placed(generator: Any, samples: list[Sample]) -> list[Sample]:
    """Recipes that say where the networks lay, where that was not simply the device."""
    way = getattr(getattr(generator, "pipeline", None), "placement", "whole")
    if way == "whole":
        return samples
    return [Sample(one.image, one.recipe | {"placement": way}) for one in samples]


def _too_large(generator: Generator, size: int) -> GeneratorError:
    return GeneratorError(
        f"{generator.card.title} ran out of memory, with {size} images at a time too; finished samples are kept; "
        "choose a smaller size or generator, or close other programs, then resume."
    )
