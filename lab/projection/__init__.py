"""Maps of a feature space: UMAP, PCA, t-SNE, placing new points, and how far to believe a map."""
