"""Do samples stay away from the images their generator was trained on?"""
