"""An image set whose next images are read from disk before they are asked for: between two batches, or during them.

A network on an accelerator does not need the processor, so images are decoded while it computes. A network on the
processor uses all of it, and whatever else runs at the same time holds up each of its layers: there images are decoded
in its pauses, as many at a time as there are threads.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

    from lab.data.imageset import ImageSet

# Images that wait at most: two batches of the extractors.
AHEAD = 64
# Threads that decode while an accelerator computes; more of them only wait for one another.
READERS = 4


class ReadAhead:
    """The same set; images are decoded in threads of their own, in the order in which they will be asked for.

    Args:
        images: the set.
        order: ids in the order in which they will be asked for; others are read when they are asked for.
        pool: of the threads.
        in_pauses: decode only while an image is being waited for.
    """

    def __init__(
        self, images: ImageSet, order: Sequence[str], pool: ThreadPoolExecutor, in_pauses: bool = False
    ) -> None:
        self._images, self._pool, self._in_pauses = images, pool, in_pauses
        self._left = iter(order)
        self._waiting: OrderedDict[str, Future[NDArray[Any]]] = OrderedDict()

    @property
    def id(self) -> str:
        """Of the set."""
        return self._images.id

    @property
    def digest(self) -> str:
        """Of the set."""
        return self._images.digest

    @property
    def tag(self) -> str:
        """Of the set."""
        return self._images.tag

    def ids(self) -> list[str]:
        """Of the set."""
        return self._images.ids()

    def patients(self) -> NDArray[Any]:
        """Of the set."""
        return self._images.patients()

    def digests(self) -> list[str]:
        """Of the set."""
        return self._images.digests()

    def labels(self) -> list[str]:
        """Of the set."""
        return self._images.labels()

    def frame(self) -> pd.DataFrame:
        """Of the set."""
        return self._images.frame()

    def image(self, image_id: str) -> NDArray[Any]:
        """Pixels; what reading it raised is raised here."""
        if not self._in_pauses or not self._waiting:
            self._fill()
            if self._in_pauses:
                wait(self._waiting.values())
        waiting = self._waiting.pop(image_id, None)
        found = self._images.image(image_id) if waiting is None else waiting.result()
        if not self._in_pauses:
            self._fill()
        return found

    def _fill(self) -> None:
        while len(self._waiting) < AHEAD:
            name = next(self._left, None)
            if name is None:
                return
            self._waiting[name] = self._pool.submit(self._images.image, name)


@contextmanager
def read_ahead(images: ImageSet, order: Sequence[str], in_pauses: int = 0) -> Iterator[ReadAhead]:
    """A set that reads ahead; what is not yet read when it ends is left.

    Args:
        images: the set.
        order: ids in the order in which they will be asked for.
        in_pauses: threads that decode while an image is being waited for, and then only; 0 for some that go on.
    """
    pool = ThreadPoolExecutor(in_pauses or READERS, thread_name_prefix="read-ahead")
    try:
        yield ReadAhead(images, order, pool, in_pauses > 0)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
