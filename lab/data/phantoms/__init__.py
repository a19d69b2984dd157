"""Procedural chest radiographs made by physics: patients, films, findings, captions and masks, all from a seed."""

from __future__ import annotations

from lab.data.phantoms.captions import VOCABULARY, caption
from lab.data.phantoms.draws import FindingSpec
from lab.data.phantoms.make import make_dataset_folder
from lab.data.phantoms.render import Film, PhantomRecipe, render

__all__ = ["VOCABULARY", "Film", "FindingSpec", "PhantomRecipe", "caption", "make_dataset_folder", "render"]
