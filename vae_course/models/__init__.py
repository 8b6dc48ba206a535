"""Encoders, decoders, the autoencoders made of them, and a classifier (level 1). Modules hold weights, nothing else."""

from vae_course.models.autoencoders import VAE, Autoencoder, LossTerms
from vae_course.models.classifier import Classifier
from vae_course.models.convolutional import ConvolutionalVAE
from vae_course.models.unet import UNetVAE

__all__ = ["VAE", "Autoencoder", "Classifier", "ConvolutionalVAE", "LossTerms", "UNetVAE"]
