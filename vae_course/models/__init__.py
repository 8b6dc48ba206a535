"""Encoders, decoders and the autoencoders made of them (level 1). Modules hold weights, nothing else."""

from vae_course.models.autoencoders import VAE, Autoencoder, LossTerms

__all__ = ["VAE", "Autoencoder", "LossTerms"]
