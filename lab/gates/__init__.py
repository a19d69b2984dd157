"""Gates: what a shipped asset was measured by, with the limits it has to keep."""
