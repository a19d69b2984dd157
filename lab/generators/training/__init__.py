"""Training a small latent text-to-image generator on two cores, in stages that can be stopped and resumed."""
