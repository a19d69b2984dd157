"""SkinGenBench's comparison as data: eight subsets, eight arms, and what each holds."""
