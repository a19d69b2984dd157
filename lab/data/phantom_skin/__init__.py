"""Procedural dermoscopy made of pigments, light and structures: patients, lesions, pictures, captions, masks."""

from __future__ import annotations

from lab.data.phantom_skin.classes import LABEL_NAMES, LABELS
from lab.data.phantom_skin.render import SkinRecipe, render

__all__ = ["LABELS", "LABEL_NAMES", "SkinRecipe", "render"]
