"""Plotly figures drawn from what they are given: no page, no run store, no images."""
