"""Do samples show what the prompt asked for?"""
