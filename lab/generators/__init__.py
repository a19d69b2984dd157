"""Generators: cards that describe them, requests that ask them, samples that they give."""
