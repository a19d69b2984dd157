"""Prompts: words from choices, and what to know of a prompt before it is asked."""
