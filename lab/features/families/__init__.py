"""One module a family of networks: from a weights file in its published layout to a function of images."""
