"""Evidence of leakage: one case, a population, and what causes it; no page, no network."""
