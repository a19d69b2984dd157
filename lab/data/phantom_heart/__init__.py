"""Procedural short-axis cardiac cine MRI: patients, disease groups, vendors, wall motion and masks, all from a seed."""

from __future__ import annotations

from lab.data.phantom_heart.draws import GROUPS, VENDORS
from lab.data.phantom_heart.render import HeartRecipe, Volume, render, render_cine, volume

__all__ = ["GROUPS", "VENDORS", "HeartRecipe", "Volume", "render", "render_cine", "volume"]
