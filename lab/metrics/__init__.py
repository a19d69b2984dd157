"""Metrics of a synthetic set: faithful, varied, private, aligned, each beside what real images score."""
