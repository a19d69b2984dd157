"""Do samples stay away from the films their generator was trained on?"""
