"""How pixels come out of a kind of file: one small module a kind, all behind `Reader`."""
