"""Metrics of a synthetic set: how faithful, varied, private and aligned it is, beside what real films score."""
