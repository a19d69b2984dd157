"""Do samples look like real images?"""
