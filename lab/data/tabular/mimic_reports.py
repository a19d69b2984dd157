"""Captions for MIMIC films from the reports a credentialed person has: only when asked for, never in a log."""

from __future__ import annotations

import re
from pathlib import Path

from lab.data.importing.folder_index import FolderIndex
from lab.data.layout import table
from lab.data.sources.contract import Choice
from lab.data.tabular.table_columns import open_columns

CAPTIONS = Choice(
    "captions",
    "Captions from",
    ("none", "findings", "impression", "annotated prompt"),
    "Text of the reports is patient data: it is stored only when chosen here. The last takes LLaVA-Rad's annotations.",
)
MAX_REPORT = 64_000
_SECTIONED = r"mimic_cxr_sectioned\.csv(\.gz)?"
ANNOTATIONS = r"(llavarad_annotations_\w+|training_data_20k)\.csv(\.gz)?"
_HEADING = re.compile(r"^[ \t]*([A-Z][A-Z /&]{3,40}):", re.MULTILINE)


class Reports:
    """Where captions come from, by film or by study.

    Args:
        files: the folder.
        wanted: one of the values of `CAPTIONS`.

    Attributes:
        notes: one sentence on what was found.
    """

    def __init__(self, files: FolderIndex, wanted: str) -> None:
        self._wanted = wanted
        self._by_key: dict[str, str] = {}
        self._files: dict[str, Path] = {}
        self.notes: list[str] = []
        if wanted == "none":
            return
        if wanted == "annotated prompt":
            self._read_annotations(files)
        else:
            self._read_sections(files)
        if self._by_key or self._files:
            self.notes.append(
                f"Captions are the {wanted} of the reports: patient text, kept on this machine."
            )
        else:
            self.notes.append("No reports or annotations were found, so the films have no captions.")

    def caption(self, file: Path, patient: str, study: str, film: str) -> str:
        """The text of a film, "" where there is none."""
        key = file.stem if self._wanted == "annotated prompt" else study
        if key in self._by_key:
            return self._by_key[key]
        path = self._files.get(f"s{study}")
        if path is None or path.stat().st_size > MAX_REPORT:
            return ""
        return section(path.read_text("utf-8", errors="replace"), self._wanted)

    def _read_sections(self, files: FolderIndex) -> None:
        path = table(files, _SECTIONED)
        if path is None:
            self._files = {
                file.stem: file for file in files.by_path.values() if re.fullmatch(r"s\d+\.txt", file.name)
            }
            return
        source = open_columns(path, {"study": ("study", "study_id"), "text": (self._wanted,)})
        for row in source.rows():
            self._by_key[row["study"].removeprefix("s")] = _one_line(row["text"])

    def _read_annotations(self, files: FolderIndex) -> None:
        from lab.data.layout import tables

        for path in tables(files, ANNOTATIONS):
            source = open_columns(path, {"path": ("path",), "text": ("annotated_prompt",)})
            for row in source.rows():
                self._by_key[Path(row["path"]).stem] = _one_line(row["text"])


def section(report: str, name: str) -> str:
    """One section of a report as a single line: what stands below its heading up to the next heading."""
    headings = list(_HEADING.finditer(report))
    for place, heading in enumerate(headings):
        if heading[1].strip().lower() == name:
            end = headings[place + 1].start() if place + 1 < len(headings) else len(report)
            return _one_line(report[heading.end() : end])
    return ""


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
