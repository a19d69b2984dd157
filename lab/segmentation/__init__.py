"""A small network that outlines the structures of a dataset, trained here on any dataset with masks."""
