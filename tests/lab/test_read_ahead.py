"""Reading ahead gives the same images, errors and order, and in pauses nothing is decoded while a network computes."""

from __future__ import annotations

import time

import numpy as np
import pytest

from lab.data.read_ahead import AHEAD, read_ahead
from lab.errors import ImageError


class Films:
    """Images that are numbers; one of them is broken."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def image(self, name: str) -> np.ndarray:
        self.read.append(name)
        if name == "broken":
            raise ImageError("The image is broken; nothing was read; export it again.")
        return np.full((2, 2), int(name), np.uint8)


ORDER = [str(number) for number in range(200)]


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_images_come_once_and_in_order_whatever_is_asked_for(threads: int) -> None:
    films = Films()
    with read_ahead(films, ORDER, threads) as ahead:  # type: ignore[arg-type]
        assert [int(ahead.image(name)[0, 0]) for name in ORDER] == list(range(200))
        assert int(ahead.image("7")[0, 0]) == 7, "one that was not announced is read at once"
    assert sorted(films.read, key=int) == sorted([*ORDER, "7"], key=int)


@pytest.mark.parametrize("threads", [0, 2])
def test_a_broken_image_is_told_when_it_is_asked_for(threads: int) -> None:
    with read_ahead(Films(), ["1", "broken", "2"], threads) as ahead:  # type: ignore[arg-type]
        assert ahead.image("1")[0, 0] == 1
        with pytest.raises(ImageError, match="broken"):
            ahead.image("broken")
        assert ahead.image("2")[0, 0] == 2


def test_in_pauses_nothing_is_read_while_the_network_computes() -> None:
    films = Films()
    with read_ahead(films, ORDER, 2) as ahead:  # type: ignore[arg-type]
        ahead.image("0")
        at_once = len(films.read)
        time.sleep(0.05)
        assert len(films.read) == at_once == AHEAD
        for name in ORDER[1:AHEAD]:
            ahead.image(name)
        assert len(films.read) == AHEAD
        ahead.image(ORDER[AHEAD])
        assert len(films.read) == 2 * AHEAD
