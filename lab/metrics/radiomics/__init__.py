"""Radiomic features of pictures by the definitions of the Image Biomarker Standardisation Initiative, in two
dimensions."""
