"""Runs: everything that costs time. Specs, the store, the worker and the client."""
