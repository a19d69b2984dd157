"""Membership attacks on a generator's denoiser: each in a file of its own, on one small interface.

`denoiser` says what an attack may ask of a model, `open_denoiser` gives that of a diffusers pipeline, and `catalogue`
lists the attacks. Every attack gives measures of each film without knowing which films are members; only a trained one
(`trained`) is told of some patients, and judges the others.
"""
