"""Do samples vary as real images do?"""
