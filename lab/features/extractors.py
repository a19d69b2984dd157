"""The feature extractors this installation offers, by id."""

from __future__ import annotations

from collections.abc import Iterator

from lab.errors import WeightsError
from lab.features.extractor import FeatureExtractor
from lab.features.loaded import LoadedExtractor
from lab.features.records import get_record, list_records

DEFAULT = "efficientnet-lite0"
SECOND = "efficientnet-lite2"
COLOUR = "colour-texture"


class Extractors:
    """Every extractor whose record is here, whether its weights are or not; records are read at each call."""

    def names(self) -> list[str]:
        """All ids, the default first."""
        return [record.id for record in list_records()]

    def get(self, name: str) -> str:
        """The name, when there is a record of it.

        Raises:
            NotFoundError: with the known names.
        """
        return get_record(name).id

    def __contains__(self, name: object) -> bool:
        return name in self.names()

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())


EXTRACTORS = Extractors()


def get_extractor(name: str = DEFAULT) -> FeatureExtractor:
    """The extractor called `name`; its weights are read at the first `embed`.

    Raises:
        NotFoundError: with the known names.
    """
    return LoadedExtractor(get_record(name))


def extractor_digest(name: str) -> str:
    """Digest of what the extractor gives now: its record and its weights; of the record alone where they are not here.

    Records are data: an edited one changes features without any change of code.

    Raises:
        NotFoundError: with the known names.
    """
    record = get_record(name)
    try:
        return LoadedExtractor(record).digest
    except WeightsError:
        return record.digest_with("")


def default_extractors(colour: bool = False) -> tuple[str, str]:
    """The two spaces every default looks into: one extractor alone has blind spots that a second one shows.

    Args:
        colour: whether the images are in colour, such as dermoscopy.
    """
    return (DEFAULT, COLOUR) if colour else (DEFAULT, SECOND)
