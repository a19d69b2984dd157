"""From a place and a plan to a dataset that is there whole or not at all."""
