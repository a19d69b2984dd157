"""Micro-batches side by side: the same features in the same order, errors told, the caller's threads as before."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from lab.errors import WeightsError
from lab.features import loaded
from lab.features.extractors import get_extractor
from lab.features.side_by_side import side_by_side, sides


@pytest.fixture(autouse=True)
def four_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


def test_no_thread_is_left_without_work() -> None:
    assert [sides(2, 8), sides(4, 8), sides(16, 8), sides(6, 9), sides(1, 8), sides(2, 7)] == [
        2,
        4,
        4,
        3,
        1,
        1,
    ]


def test_parts_keep_their_order_and_share_the_threads() -> None:
    together = threading.Barrier(2, timeout=30)

    def work(part: int) -> tuple[int, int, str]:
        together.wait()
        return part, torch.get_num_threads(), threading.current_thread().name

    found = side_by_side(work, range(8), 2)
    assert [(part, threads) for part, threads, _ in found] == [(part, 2) for part in range(8)]
    assert len({name for _, _, name in found}) == 2
    assert torch.get_num_threads() == 4
    seen: list[int] = []
    later = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    later.start()
    later.join()
    assert seen == [4], "a thread that begins later has all threads again"


def test_an_error_of_one_part_is_raised_and_the_threads_are_given_back() -> None:
    def work(part: int) -> int:
        if part == 3:
            raise WeightsError("The weights are wrong; nothing was kept; copy them again.")
        return part

    with pytest.raises(WeightsError, match="wrong"):
        side_by_side(work, range(8), 2)
    assert torch.get_num_threads() == 4


def test_features_are_those_of_one_part_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    extractor = get_extractor("efficientnet-lite0")
    rng = np.random.default_rng(0)
    films = [rng.integers(0, 256, (64, 64), dtype=np.uint8) for _ in range(8)]
    together = extractor.embed(films)
    monkeypatch.setattr(loaded, "sides", lambda threads, parts: 1)
    np.testing.assert_allclose(together, extractor.embed(films), atol=1e-4 * float(together.max()))
    assert extractor.embed([]).shape == (0, extractor.dimension)


@pytest.mark.fault(51)
def test_an_accelerator_gets_larger_micro_batches_until_its_memory_runs_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A stand-in for the card: the processor under another name, with room for eight images."""
    extractor = get_extractor("efficientnet-lite0")
    films = [np.full((64, 64), level, np.uint8) for level in range(0, 240, 12)]
    wanted = extractor.embed(films)
    network, seen = extractor._network, []

    def narrow(batch: torch.Tensor) -> torch.Tensor:
        seen.append(len(batch))
        if len(batch) > 8:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return network(batch)

    extractor._network = narrow
    monkeypatch.setattr(loaded, "is_host", lambda device: False)
    assert np.allclose(extractor.embed(films), wanted, atol=1e-4 * float(np.abs(wanted).max()))
    assert seen == [20, 4, 4, 4, 4, 4], "all at once, then as on a processor"
    extractor.embed(films[:8])
    assert seen[6:] == [4, 4], "what did not fit is not tried again"
