"""Nearest neighbours of a sample, two calibrated near-copy detectors, and the verdict."""
