"""Networks that say whether two images show one patient, or are one picture; trained here on any dataset."""
