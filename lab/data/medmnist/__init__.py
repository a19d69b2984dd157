"""What the MedMNIST package knows of its sets, and their download."""
