"""Datasets, sample sets and their images: what every other room reads its pixels from."""
