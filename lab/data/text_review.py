"""The review of text burned into pixels: in which order to look, and what the person found, kept by image."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from lab.atomic import write_json
from lab.data import burned_in, manifest
from lab.data.dataset import CARD, MANIFEST, Dataset
from lab.data.store import open_dataset
from lab.errors import InputError


def waiting(id: str) -> list[str]:
    """Ids of images that no person has cleared or marked yet; [] for a set that did not come from DICOM."""
    table = open_dataset(id).manifest
    if burned_in.COLUMN not in table:
        return []
    reviewed = (burned_in.REVIEWED_NONE, burned_in.REVIEWED_PRESENT, "")
    return [str(name) for name in table.loc[~table[burned_in.COLUMN].isin(reviewed), "image_id"]]


def scored(id: str) -> Iterator[tuple[str, float]]:
    """(image id, text score) of each waiting image, in order of id; sort by the score, the likeliest first.

    An iterator, because a large set takes a while: some 10 ms a film.
    """
    dataset = open_dataset(id)
    for image_id in waiting(id):
        yield image_id, burned_in.text_score(dataset.image(image_id))


def review(id: str, found: Mapping[str, bool]) -> Dataset:
    """Keep what a person saw; the set becomes public when every image is clear and every licence allows it.

    Args:
        id: of the dataset.
        found: image id to whether there is text in its pixels.

    Raises:
        InputError: for images the dataset does not have, or a dataset without that question.
    """
    dataset = open_dataset(id)
    table, card = dataset.manifest.copy(), dataset.card
    if burned_in.COLUMN not in table or not set(found) <= set(table["image_id"]):
        raise InputError(
            "The review names images that are not of this set or hold no such question; nothing was changed; open the "
            "review again."
        )
    states = {True: burned_in.REVIEWED_PRESENT, False: burned_in.REVIEWED_NONE}
    named = table["image_id"].isin(list(found))
    table.loc[named, burned_in.COLUMN] = [states[found[name]] for name in table.loc[named, "image_id"]]
    was_clear = burned_in.may_be_shown(dataset.manifest[burned_in.COLUMN])
    card = dataclasses.replace(card, public=burned_in.may_be_public(table) and (card.public or not was_clear))
    # The card first where it withdraws, last where it gives: it never says "public" of a manifest that does not.
    steps = [
        lambda: manifest.write(table, dataset.folder / MANIFEST),
        lambda: write_json(dataset.folder / CARD, card.as_json()),
    ]
    for step in steps if card.public else reversed(steps):
        step()
    return Dataset(dataset.folder)
