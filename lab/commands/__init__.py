"""The shell's side of Doppel: each command builds the same `RunSpec` as its page."""
