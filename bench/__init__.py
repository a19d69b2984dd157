"""Timings side by side with the peers, in one process and one run: ratios, never absolute claims."""
