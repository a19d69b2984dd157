"""Builders of small stand-ins that tests load through the real code."""
