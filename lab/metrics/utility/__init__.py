"""Does a model learn from the samples what it would learn from real images?"""
