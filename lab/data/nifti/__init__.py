"""NIfTI volumes: headers checked before a byte is inflated, slices and frames as pictures."""
