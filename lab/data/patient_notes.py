"""Sentences about patients that several sources say."""

from __future__ import annotations

NO_PATIENTS = (
    "No patient ids are given: every image counts as its own patient, so films of one person "
    "may stand in two splits."
)
