"""Where small networks lie that are trained here or shipped: a folder each, with weights and a card.

The workspace's own network of a name goes before the one that comes with this program. Nothing here loads torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from lab.config import ASSETS, settings
from lab.errors import WeightsError
from lab.provenance import digest_bytes, digest_file

CARD, WEIGHTS = "card.json", "network.safetensors"
Card = TypeVar("Card")


@dataclass(frozen=True)
class NetworkFolders:
    """The folders of one kind of network.

    Args:
        kind: their folder, in the workspace and among the assets.
        depth: how many names a network goes by, as folders in each other.
    """

    kind: str
    depth: int

    @property
    def shipped(self) -> Path:
        """Where those lie that come with this program."""
        return ASSETS / self.kind

    @property
    def own(self) -> Path:
        """Where the workspace keeps its own."""
        return settings().workspace / self.kind

    def in_use(self, *names: str) -> Path | None:
        """Folder of the network with these names, None without any; a card without weights does not count."""
        for root in (self.own, self.shipped):
            folder = root.joinpath(*names)
            if (folder / CARD).is_file() and (folder / WEIGHTS).is_file():
                return folder
        return None

    def digest(self, *names: str) -> str:
        """Digest of card and weights of the network in use, "none" without any."""
        folder = self.in_use(*names)
        if folder is None:
            return "none"
        return digest_bytes((digest_file(folder / WEIGHTS) + digest_file(folder / CARD)).encode())

    def cards(self, read: Callable[[Path], Card]) -> Iterator[tuple[Path, Card]]:
        """Every folder with its card, the workspace's first; cards that `read` calls damaged are passed over."""
        for root in (self.own, self.shipped):
            for path in sorted(root.glob("*/" * self.depth + CARD)):
                try:
                    yield path.parent, read(path.parent)
                except WeightsError:
                    continue
