"""De-identification of a whole dataset by PS3.15 Annex E, basic profile, with no option to retain anything.

`dicom-anonymizer` applies the profile's actions, but to the top level alone, and a few of its actions leave a dummy
date or keep a sequence's items. So it is run on every level, from the inside out; private elements, overlays, curves
and every element with a date, time or person's name go afterwards; identifiers become keyed hashes, not random ones.

The profile leaves some free text alone (maker, body part, explanations of tables), for it was written for people who
need it. Columns of a manifest are not made from what is left: they are made by `lab.data.dicom.facts` from fixed lists.
This is the second fence: whatever a decoder or an error could repeat has been through it.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any

from lab.data.dicom.pseudonym import pseudonym
from lab.data.dicom.refusal import refused

METHOD = "PS3.15 Annex E basic profile, no options (113100)"
PROFILE = "dicomfields_2024b"
_TIMED = frozenset({"DA", "DT", "TM", "PN"})
_UID_ROOT = "2.25."
_KEPT_UIDS = ("SOPClassUID", "MediaStorageSOPClassUID", "TransferSyntaxUID", "PaletteColorLookupTableUID")


def deidentify(dataset: Any, key: bytes) -> None:
    """Strip a pydicom dataset in place, every level of it.

    Args:
        dataset: parsed; its pixels are left alone.
        key: for the new identifiers, from `lab.data.dicom.pseudonym.workspace_key`.

    Raises:
        ImageError: when it cannot be done; the dataset must then not be used.
    """
    from dicomanonymizer.simpledicomanonymizer import anonymize_dataset

    try:
        for part in _levels(dataset):
            _new_uids(part, key)
            # The package prints the tags it cannot read; nothing of a file belongs into a log.
            with contextlib.redirect_stdout(io.StringIO()):
                anonymize_dataset(part, None, True, partial(_profile_of, part))
            _last_traces(part)
        _new_uids(getattr(dataset, "file_meta", None) or (), key)
        dataset.preamble = None
    except MemoryError:
        raise
    except Exception as error:
        raise refused("The DICOM file could not be de-identified") from error


def _levels(dataset: Any) -> list[Any]:
    """The dataset and every dataset in its sequences, the innermost first; depth was limited before parsing."""
    inner = [
        part
        for element in dataset
        if element.VR == "SQ" and not element.tag.is_private
        for item in element.value or ()
        for part in _levels(item)
    ]
    return [*inner, dataset]


@lru_cache(maxsize=1)
def _actions() -> Mapping[Any, Any]:
    from dicomanonymizer.simpledicomanonymizer import initialize_actions

    return initialize_actions(PROFILE)


def _profile_of(part: Any) -> dict[Any, Any]:
    """The profile's actions on elements that are there; the package would look for each of its 600 otherwise.

    Identifiers are left out: the package's table of them lives as long as the process, and is random.
    """
    from dicomanonymizer.simpledicomanonymizer import replace_UID

    present = {(tag.group, tag.element) for tag in part.keys()}  # noqa: SIM118 - a dataset iterates over elements
    return {
        rule: action for rule, action in _actions().items()
        if action is not replace_UID and (
            rule in present if len(rule) == 2 else any(_matches(rule, tag) for tag in present)
        )
    }  # fmt: skip


def _matches(rule: Any, tag: tuple[int, int]) -> bool:
    """Whether a rule for repeating groups (group, element, and their masks) is about an element."""
    return bool(rule[0] & rule[2] == tag[0] & rule[2] and rule[1] & rule[3] == tag[1] & rule[3])


def _new_uids(part: Any, key: bytes) -> None:
    for element in part:
        if element.VR == "UI" and element.keyword not in _KEPT_UIDS and element.value:
            several = element.VM > 1
            values = list(element.value) if several else [element.value]
            new = [new_uid(str(value), key) for value in values]
            element.value = new if several else new[0]


def new_uid(uid: str, key: bytes) -> str:
    """Another identifier, always the same for one under one key, under the root for UUIDs."""
    return _UID_ROOT + str(int(pseudonym("uid", uid, key) or "0", 16))


def _last_traces(part: Any) -> None:
    """What the profile's actions leave: private groups, overlays, curves, and dummy dates."""
    part.remove_private_tags()
    for element in list(part):
        group = element.tag.group
        if element.VR in _TIMED or 0x5000 <= group <= 0x50FF or 0x6000 <= group <= 0x60FF:
            del part[element.tag]
