"""Statistics over finished results: several sets, extractors or metrics at once. Nothing is drawn or run here."""
