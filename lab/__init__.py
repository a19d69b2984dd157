"""Doppel: a lab for synthetic medical images. Importing it loads nothing heavy."""

__version__ = "0.1.0"
