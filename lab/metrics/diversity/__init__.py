"""Do samples vary as real films do?"""
