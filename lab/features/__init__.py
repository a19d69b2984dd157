"""Feature extractors and the feature store: images to vectors, computed once per image and extractor."""
