"""Do samples look like real films?"""
