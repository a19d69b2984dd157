"""What leaves the lab: tables in the benchmarks' own shapes, JSON that another person can check."""
