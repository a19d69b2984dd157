"""The built-in run kinds, one module each; importing them loads nothing heavy."""
