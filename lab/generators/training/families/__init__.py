"""Small generators of every family, each trained by one recipe file: same data stage, same loop, same export."""
