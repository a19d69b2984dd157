"""Figures that others published, as reference beside own runs: never ours, always with their source."""
