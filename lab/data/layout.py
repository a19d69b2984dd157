"""What the sources of public sets share: their files by name, and the way from rows to a plan."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.data.importing.folder_index import FolderIndex, shown_name
from lab.data.importing.plan_limit import limited_by_choice
from lab.data.sources.contract import Choice, ImportPlan, Options, PlannedImage, Source
from lab.data.splits import patients_in_two_splits
from lab.data.tabular.class_map import apply_map, chosen_map
from lab.data.tabular.columns import FIELDS
from lab.data.tabular.table_columns import TableColumns
from lab.errors import DatasetError

_NOTHING = (
    "No image of the table is in the folder, or the choices leave all of them out; nothing was imported; check the "
    "folder and the choices."
)
MOST_TOLD = 5_000
"""Most files and rows that are listed one by one as left out; the rest is told as a number."""
_PICTURES = (".png", ".jpg", ".jpeg", ".jpe", ".tif", ".tiff")
_TABLE = re.compile(r"(\.(csv|tsv|tab|txt)(\.gz)?|/[^./]+|^[^./]+)\Z", re.IGNORECASE)


@dataclass
class Gathered:
    """What the rows of a set have given so far."""

    images: list[PlannedImage] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    merged: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def leave_out(self, name: str, reason: str) -> None:
        """List a file or row that is not imported; names are shown to the person who imports."""
        self.left_out.append((shown_name(name), reason))

    def ragged(self, table: TableColumns) -> None:
        """List the rows of a table that have more or fewer cells than its header."""
        reason = "it has more or fewer cells than the header; it was left out"
        self.left_out += [(f"row {number}", reason) for number in table.ragged]


class Pictures:
    """Image files of a folder by name or by name without suffix; masks lie elsewhere.

    Args:
        files: the folder.
        wanted: tells by its path inside the folder whether a file may be a picture of the set.
    """

    def __init__(self, files: FolderIndex, wanted: Callable[[str], bool] = lambda name: True) -> None:
        self._files = files
        self._by_name: dict[str, list[Path]] = {}
        self.count = 0
        self.doubled = 0
        for name, path in files.by_path.items():
            if not name.lower().endswith(_PICTURES) or not wanted(name):
                continue
            base = name.rpartition("/")[2]
            stem = base.rpartition(".")[0]
            self.count += 1
            self._by_name.setdefault(base, []).append(path)
            self._by_name.setdefault(stem, []).append(path)

    def find(self, name: str) -> Path | str:
        """The file a cell names by path, name, or name without suffix, or the reason why there is none."""
        if "/" in name or "\\" in name:
            found = self._files.find(name, self._files.root)
            if isinstance(found, Path) or ".." in name:
                return found
        base = name.replace("\\", "/").rsplit("/", 1)[-1]
        files = self._by_name.get(base, [])
        if len(files) > 1 and len({path.stat().st_size for path in files}) == 1:
            self.doubled += 1  # one archive unpacked twice, as some mirrors of public sets are
            return files[0]
        if len(files) == 1:
            return files[0]
        if files:
            return f"{len(files)} files have that name; it was left out; give its path within the folder"
        return "there is no such file in the folder; it was left out; add the file or correct the row"


@dataclass(frozen=True)
class About:
    """What a public set is: its source, modality, licence and whom to name."""

    source: str
    modality: str
    licence: str
    attribution: str


def tables(files: FolderIndex, pattern: str) -> list[Path]:
    """Tables of a folder whose name matches, the shortest path first."""
    match = re.compile(pattern, re.IGNORECASE)
    found = [
        name
        for name in files.by_path
        if not name.lower().endswith(_PICTURES)
        and _TABLE.search(name)
        and match.fullmatch(name.rpartition("/")[2])
    ]
    return [files.by_path[name] for name in sorted(found, key=lambda name: (name.count("/"), name))]


def table(files: FolderIndex, pattern: str, options: Options | None = None) -> Path | None:
    """The one table a person named, or the first whose name matches, or `None`.

    Raises:
        DatasetError: when the named table is not there.
    """
    if options is not None and options.metadata:
        given = Path(options.metadata).expanduser()
        for path in (files.root / given, given):
            if path.is_file():
                return path.resolve()
        raise DatasetError("There is no table of that name; nothing was imported; check the path.")
    found = tables(files, pattern)
    return found[0] if found else None


def choice_of(source: Source, options: Options, name: str) -> str:
    """What a person chose, or the default of the source.

    Raises:
        DatasetError: for a value that the choice does not have.
    """
    choice = next(choice for choice in source.choices if choice.name == name)
    return chosen(choice, options)


def chosen(choice: Choice, options: Options) -> str:
    """What a person chose, or the choice's default.

    Raises:
        DatasetError: for a value that the choice does not have.
    """
    value = options.choices.get(choice.name, "").strip() or (choice.values[0] if choice.values else "")
    if choice.values and value not in choice.values:
        raise DatasetError(
            f"The choice {choice.name} has no such value; nothing was imported; take one of: "
            f"{', '.join(choice.values)}."
        )
    return value


def finished(
    about: About,
    files: FolderIndex,
    main: TableColumns | None,
    gathered: Gathered,
    options: Options,
    *,
    preset: str = "",
    splits_given: bool = False,
    pictures: Pictures | None = None,
) -> ImportPlan:
    """A plan from what the rows gave: class map, limit, notes, and the reason why nothing can be imported.

    Args:
        about: the set.
        files: its folder.
        main: the table that names the images.
        gathered: what the rows gave, notes included.
        options: a person's wishes.
        preset: name of a class map.
        splits_given: whether every image has a split by the layout.
        pictures: the folder's image files, to tell how many no row names.
    """
    images, classes, notes = apply_map(
        gathered.images, chosen_map(preset, options.classes), options.classes or ()
    )
    told = [*gathered.notes, *notes]
    if pictures is not None:
        told += _picture_notes(pictures, gathered.images)
    header = tuple(name for name in main.header if name) if main else ()
    used = {*main.found.values(), *main.kept} if main else set()
    unused = tuple(name for name in header if name not in used)
    if unused:
        told.append(f"Columns that were not stored: {', '.join(map(shown_name, unused[:30]))}.")
    problem = "" if images else _NOTHING
    if images and splits_given:
        problem = _crossing(images)
    plan = ImportPlan(
        root=files.root,
        metadata=main.path if main else None,
        columns=header,
        mapping={key: column for key, column in main.found.items() if key in FIELDS} if main else {},
        stored=dict(main.kept) if main else {},
        unused=unused,
        images=tuple(images),
        left_out=tuple(_at_most(gathered.left_out)),
        merged=tuple(_at_most(gathered.merged)),
        splits_given=splits_given,
        notes=tuple(told),
        problem=problem,
        source=about.source,
        modality=about.modality,
        licence=about.licence,
        attribution=about.attribution,
        classes=classes,
    )
    return limited_by_choice(plan, options.choices)


def joined(labels: Iterable[str]) -> str:
    """Several findings as the manifest holds them."""
    return "|".join(labels)


def plain_number(text: str) -> str:
    """An age as published ("058Y", "55.0", "6 M") in whole years, "" where it is none or above 120."""
    match = re.fullmatch(r"\s*0*(\d+)(?:\.\d+)?\s*([YMWD]?)\s*", text, re.IGNORECASE)
    if match is None:
        return ""
    years = int(match[1]) if match[2].upper() in ("", "Y") else 0
    return str(years) if years <= 120 else ""


def _picture_notes(pictures: Pictures, images: Sequence[PlannedImage]) -> list[str]:
    notes = []
    unnamed = pictures.count - len({image.file for image in images})
    if unnamed > 0:
        notes.append(f"Image files of the folder that were not read: {unnamed:,}.")
    if pictures.doubled:
        notes.append(f"Images that lie twice in the folder and were read once: {pictures.doubled:,}.")
    return notes


def _crossing(images: Sequence[PlannedImage]) -> str:
    named = [
        (patient, image.fields["split"]) for image in images if (patient := image.fields.get("patient_id"))
    ]
    twice = len(patients_in_two_splits([p for p, _ in named], [s for _, s in named]))
    if not twice:
        return ""
    return (
        f"{twice} {'patient stands' if twice == 1 else 'patients stand'} in more than one split; nothing was imported; "
        "correct the lists, or let the images be split by patient."
    )


def _at_most(rows: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    if len(rows) <= MOST_TOLD:
        return list(rows)
    more: Mapping[str, int] = _counted(rows[MOST_TOLD:])
    return [*rows[:MOST_TOLD], *((f"{n:,} more", reason) for reason, n in more.items())]


def _counted(rows: Sequence[tuple[str, str]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for _, reason in rows:
        counts[reason] = counts.get(reason, 0) + 1
    return counts
